"""Limits such as `2 hours ago` and `now` in rules of engines that only understand points in time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lakepact.rules.model import EngineRule

__all__ = ["with_moments"]

_LIMITS: Final = ("min_value", "max_value", "min", "max")
_AGO: Final = re.compile(r"(?P<number>\d{1,6}) (?P<unit>second|minute|hour|day|week)s? ago")


def with_moments(rule: EngineRule, now: datetime) -> EngineRule:
    """The rule with its relative limits as moments of ISO 8601 in UTC, whatever its nesting; others stay.

    >>> from lakepact.rules.model import Action
    >>> rule = EngineRule(id="i", name="n", object="o", engine="gx", implementation={"min_value": "2 hours ago"},
    ...     columns=(), clauses=(), description="", action=Action.WARN, action_from="default")
    >>> with_moments(rule, datetime(2026, 1, 1, 12, tzinfo=UTC)).implementation
    {'min_value': '2026-01-01T10:00:00+00:00'}
    """
    found = _resolved(rule.implementation, now.astimezone(UTC))
    return rule if found == rule.implementation else replace(rule, implementation=found)


def _resolved(value: object, now: datetime) -> object:
    if isinstance(value, Mapping):
        return {key: _limit(each, now) if key in _LIMITS else _resolved(each, now) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(each, now) for each in value]
    return value


def _limit(value: object, now: datetime) -> object:
    if not isinstance(value, str):
        return value
    if value.strip().casefold() == "now":
        return now.isoformat()
    match = _AGO.fullmatch(value.strip().casefold())
    return (now - timedelta(**{f"{match['unit']}s": int(match["number"])})).isoformat() if match else value
