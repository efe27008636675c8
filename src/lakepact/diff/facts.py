"""Compares what is said of an element in one value each, by tables of who minds which change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakepact.diff.effects import PATCH, Effect
from lakepact.diff.findings import Findings, Spot
from lakepact.diff.values import listed, quoted, same, shown

__all__ = ["Fact", "Judge", "compare_facts", "difference", "fact", "said"]

Judge = Callable[[Any, Any], Effect | None]
"""Old and new value of a fact (None: not said) to what the difference costs; None where both mean the same."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A field of the model that is compared as one value: `key` in the document, and who minds its change."""

    field: str
    key: str
    judge: Judge


def fact(name: str, judge: Judge | Effect = PATCH) -> Fact:
    """A fact of the field `name`, which the document has in camel case.

    >>> fact("business_name").key
    'businessName'
    """
    first, *others = name.split("_")
    key = first + "".join(word.capitalize() for word in others)
    return Fact(name, key, _always(judge) if isinstance(judge, Effect) else judge)


def _always(effect: Effect) -> Judge:
    return lambda _old, _new: effect


def compare_facts(findings: Findings, spot: Spot, old: object, new: object, facts: Iterable[Fact]) -> None:
    """Note each fact that differs. An empty list is as good as none, and the order of several texts has no meaning."""
    for one in facts:
        before, after = said(getattr(old, one.field)), said(getattr(new, one.field))
        if before == after and type(before) is type(after) is str:
            continue
        if _are_texts(before) and _are_texts(after):
            if set(before) == set(after):
                continue
        elif same(before, after):
            continue
        effect = one.judge(before, after)
        if effect is not None:
            findings.changed(spot, one.key, effect, difference(spot, one.key, before, after), old=before, new=after)


def said(value: object) -> Any:
    """The value; None for an empty list or mapping, which says nothing."""
    return None if isinstance(value, tuple | list | Mapping) and not value else value


def difference(spot: Spot, key: str, old: object, new: object) -> str:
    """A sentence, without its end, on a value that came, went or changed."""
    what = f"{spot.label}: {quoted(key)}"
    if _are_texts(old) and _are_texts(new):
        return f"{what} {_gained_and_lost(old, new)}"
    if old is None:
        return f"{what} was added, {shown(new)}"
    if new is None:
        return f"{what} was removed, it was {shown(old)}"
    return f"{what} changed from {shown(old)} to {shown(new)}"


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(entry, str) for entry in value)


def _gained_and_lost(old: Any, new: Any) -> str:
    gained = [entry for entry in new if entry not in old]
    lost = [entry for entry in old if entry not in new]
    words = [f"gained {listed(gained)}"] if gained else []
    return " and ".join([*words, f"lost {listed(lost)}"] if lost else words)
