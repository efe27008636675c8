"""What two documents mean, and whether a version takes one of them: what upgrades are held against."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from lakepact.authoring import Upgraded
from lakepact.contract import Contract, Mode, load_contract, read_contract
from lakepact.contract.types import resolve_type
from lakepact.errors import Severity
from lakepact.rules import compile_rules
from lakepact.rules.model import DatasetRule, RowRule


def errors_of(source: bytes) -> list[str]:
    _, problems = read_contract(source, mode=Mode.STRICT)
    return [str(problem) for problem in problems if problem.severity is Severity.ERROR]


def predicates(contract: Contract) -> list[str]:
    """What the rules of a contract ask, whatever they are called."""
    found = []
    for one in compile_rules(contract).all_rules():
        if isinstance(one, RowRule):
            found.append(f"{one.action} {one.predicate}")
        elif isinstance(one, DatasetRule):
            found.append(f"{one.action} {one.measure} {one.condition}")
    return sorted(found)


def changed_meaning(contract: Contract, result: Upgraded) -> list[str]:
    """The parts of the model that differ, without places, quality rules, and the spelling of temporal types."""
    after = load_contract(result.source)
    return sorted(set(_differences(_plain(contract), _plain(after), "")))


_SKIPPED = {"api_version", "places", "document", "source", "place", "file", "quality", "other"}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain = {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.name not in _SKIPPED
        }
        if "logical_type" in plain and value.logical_type in ("date", "timestamp", "time"):
            plain["logical_type"] = resolve_type(value).ddl  # type: ignore[arg-type]
        return plain
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return {key: _plain(entry) for key, entry in value.items()} if isinstance(value, dict) else value


def _differences(left: Any, right: Any, path: str) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from _differences(left.get(key), right.get(key), f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for one, other in zip(left, right, strict=True):
            yield from _differences(one, other, path)
    elif left != right:
        yield path
