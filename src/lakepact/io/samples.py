"""A few rows that break rules, from a quarantine: for people who are told of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from lakepact.plan.names import FAILED_RULES
from lakepact.rules.model import TypedColumn
from lakepact.sql import identifier, string

__all__ = ["rows_by_rule"]

_ROWS_A_RULE: Final = 5
_MOST_ROWS: Final = 200
_MOST_COLUMNS: Final = 20
_LONGEST: Final = 101
_UNREADABLE: Final = ("BINARY", "VARIANT")


def rows_by_rule(
    quarantined: Any, columns: Iterable[TypedColumn], rules: Collection[str], *, run_id: str | None = None
) -> dict[str, list[Mapping[str, object]]]:
    """At most five rows for each of the rules (ids) that rows of the data frame say they break; one small Spark job.

    Only the contract's columns are read, at most twenty; long texts are cut. `run_id` leaves out the rows of other
    runs. Values are not masked here.
    """
    if not rules:
        return {}
    there = {name.casefold() for name in quarantined.columns}
    shown = [_shown(each) for each in columns if each.name.casefold() in there]
    frame = quarantined
    if run_id is not None:
        frame = frame.where(f"_lakepact_run_id = {string(run_id)}")
    broken = ", ".join(string(rule) for rule in sorted(rules))
    frame = frame.where(f"arrays_overlap({FAILED_RULES}, array({broken}))")
    limit = min(_MOST_ROWS, _ROWS_A_RULE * len(rules))
    rows = frame.selectExpr(FAILED_RULES, *_first(shown)).limit(limit).collect()
    found: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        values = row.asDict()
        for rule in values.pop(FAILED_RULES) or ():
            kept = found.setdefault(rule, [])
            if rule in rules and len(kept) < _ROWS_A_RULE:
                kept.append(values)
    return {rule: kept for rule, kept in found.items() if kept}


def _first(shown: Sequence[str]) -> list[str]:
    return [each for each in shown if each][:_MOST_COLUMNS]


def _shown(column: TypedColumn) -> str:
    """The column as SQL, '' for values that no message can show."""
    name = identifier(column.name)
    if column.type.ddl.startswith(_UNREADABLE):
        return ""
    return f"left({name}, {_LONGEST}) AS {name}" if column.type.ddl == "STRING" else name
