"""Rules of a contract that are written for Great Expectations, as expectations of 1.x.

What is read: expectations of 0.x (`expectation_type`, `kwargs`) and 1.x (`type`, `kwargs`), short ones whose arguments
stand beside the name (`name: expect_column_values_to_not_be_null`, `column: id`), lists of them, and suites.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import Action, EngineRule
from lakepact.targets.foreign import parsed_implementation
from lakepact.targets.gx.catalogue import ANY_ARGUMENTS, EXPECTATIONS, OLD_ARGUMENTS
from lakepact.targets.gx.expectations import GxExpectation

__all__ = ["translate_gx"]

_NAMES: Final = ("expectation_type", "type", "expectation", "name")
# What stands beside the arguments of an expectation.
_BESIDE: Final = frozenset(("kwargs", "meta", "id", "notes", "description", "severity", "rendered_content", *_NAMES))
_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def translate_gx(rule: EngineRule) -> tuple[GxExpectation, ...]:
    """The expectations that a rule for GX asks for, at least one. Raises Inexpressible where one is not known."""
    found = tuple(_expectations(rule, parsed_implementation(rule.implementation)))
    if not found:
        raise Inexpressible("the implementation holds no expectation")
    return found


def _expectations(rule: EngineRule, given: object) -> Iterator[GxExpectation]:
    match given:
        case str():
            yield _expectation(rule, {"type": given})
        case list() | tuple():
            for entry in given:
                yield from _expectations(rule, entry)
        case {"expectations": list(entries)}:
            yield from _expectations(rule, entries)
        case Mapping():
            yield _expectation(rule, {str(key): value for key, value in given.items()})
        case _:
            raise Inexpressible(f"{given!r} is no expectation")


def _expectation(rule: EngineRule, given: Mapping[str, object]) -> GxExpectation:
    named = next((name for key in _NAMES if isinstance(name := given.get(key), str) and _known(name)), None)
    if named is None:
        shown = next((given[key] for key in _NAMES if key in given), None)
        raise Inexpressible(f"GX has no expectation {shown!r}" if shown is not None else "no expectation is named")
    kind = _snake(named)
    kwargs = _kwargs(given)
    if "column" in EXPECTATIONS[kind] and "column" not in kwargs:
        if len(rule.columns) != 1:
            raise Inexpressible(f"{kind} names no column")
        kwargs = {"column": rule.columns[0], **kwargs}
    unknown = sorted(kwargs.keys() - EXPECTATIONS[kind] - ANY_ARGUMENTS)
    if unknown:
        raise Inexpressible(f"{kind} has no argument {unknown[0]!r} in GX 1.x")
    return GxExpectation(
        rule=rule.id,
        type=kind,
        kwargs=kwargs,
        warns=rule.action is Action.WARN,
        description=rule.description,
    )


def _kwargs(given: Mapping[str, object]) -> dict[str, object]:
    inner = given.get("kwargs")
    found = inner if isinstance(inner, Mapping) else {k: v for k, v in given.items() if k not in _BESIDE}
    return {str(key): value for key, value in found.items() if key not in OLD_ARGUMENTS}


def _known(name: str) -> bool:
    return _snake(name) in EXPECTATIONS


def _snake(name: str) -> str:
    """`ExpectColumnValuesToNotBeNull` as the suite writes it."""
    return name if "_" in name else _CAPITAL.sub("_", name).lower()
