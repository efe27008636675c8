"""Reading `rule_results`, wherever it is: at a path, without Java, or in a catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from lakepact.errors import ConfigurationError
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.results.opening import open_results
from lakepact.results.place import ResultsPlace
from lakepact.results.table import COLUMNS, ResultColumn
from lakepact.rules.model import Action
from lakepact.sql import identifier, literal

__all__ = ["ResultFilter", "read_last_results", "read_recent_results", "read_results", "result_of"]

_NAMES: Final = tuple(field.name for field in fields(RuleResult))
_KNOWN: Final = frozenset(_NAMES)
# The engines know no literal of a moment that is far away, and no result is from there.
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_GROUP: Final = tuple(each for each in COLUMNS if each.name in ("contract_id", "object", "dataset"))
_LAST: Final = ResultColumn("last", "TIMESTAMP", "When the last result was made (UTC)")
_EMPTY: Final = dict.fromkeys(("run_id", "contract_id", "contract_version", "object", "dataset", "rule_name"), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFilter:
    """Which results are wanted: all of it must hold, and what is None or empty holds for every result.

    `since` is the first moment that counts and `until` the first that does not; `rules` are ids.
    """

    contract: str | None = None
    object: str | None = None
    dataset: str | None = None
    rules: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def condition(self) -> str:
        """The filter as SQL that Spark, Databricks and DataFusion read alike.

        >>> ResultFilter().condition()
        'TRUE'
        """
        named = (("contract_id", self.contract), ("object", self.object), ("dataset", self.dataset))
        parts = [f"{identifier(column)} = {_text(value)}" for column, value in named if value is not None]
        if self.rules:
            parts.append(f"`rule_id` IN ({', '.join(map(_text, self.rules))})")
        parts += [
            f"`at` {operator} {literal(min(max(moment, _EARLIEST), _LATEST).astimezone(UTC))}"
            for operator, moment in ((">=", self.since), ("<", self.until))
            if moment is not None
        ]
        return " AND ".join(parts) or "TRUE"


def read_results(place: ResultsPlace | str | Path, chosen: ResultFilter | None = None) -> tuple[RuleResult, ...]:
    """The results that fit, oldest first; `place` is what `open_results` takes.

    Raises ConfigurationError LP990 where there is no table and LP992 where it holds what is no result, RemoteFailed
    LP992 where it cannot be read, and what `open_results` raises.
    """
    opened = open_results(place)
    condition = (chosen or ResultFilter()).condition()
    return _results(opened.rows(f"{_select(opened)} FROM results WHERE {condition}", COLUMNS), opened.location)


def read_recent_results(
    place: ResultsPlace | str | Path, chosen: ResultFilter | None = None, *, window: timedelta
) -> tuple[RuleResult, ...]:
    """The results of the last `window` before `until` (default: now) or later, oldest first.

    Of a dataset without any it is the window before its last result. Raises as `read_results` does.
    """
    opened = open_results(place)
    wanted = chosen or ResultFilter()
    start = (wanted.until or datetime.now(UTC)) - window
    found = list(read_results(opened, replace(wanted, since=start, until=None)))
    key = ", ".join(identifier(each.name) for each in _GROUP)
    condition = replace(wanted, until=None).condition()
    last = f"SELECT {key}, MAX(`at`) AS `last` FROM results WHERE {condition} GROUP BY {key}"
    for row in opened.rows(last, (*_GROUP, _LAST)):
        end = row["last"]
        if end < start:
            of = {"contract": row["contract_id"], "object": row["object"], "dataset": row["dataset"]}
            found += read_results(opened, replace(wanted, **of, since=end - window, until=None))
    return tuple(sorted(found, key=lambda each: each.at))


def read_last_results(place: ResultsPlace | str | Path, chosen: ResultFilter | None = None) -> tuple[RuleResult, ...]:
    """The last result of each rule and engine on each dataset, of those that fit. Raises as `read_results` does.

    A rule that the newest version of the contract which a dataset was looked at by no longer has is left out.
    """
    opened = open_results(place)
    key = ", ".join(identifier(each.name) for each in _GROUP)
    newest = "ORDER BY `at` DESC, `run_id` DESC"
    numbered = (
        f"SELECT *, ROW_NUMBER() OVER (PARTITION BY {key}, `rule_id`, `engine` {newest}) AS `place`, "
        f"FIRST_VALUE(`contract_version`) OVER (PARTITION BY {key} {newest}) AS `newest_version` "
        f"FROM results WHERE {(chosen or ResultFilter()).condition()}"
    )
    last = f"{_select(opened)} FROM ({numbered}) n WHERE `place` = 1 AND `contract_version` = `newest_version`"
    return _results(opened.rows(last, COLUMNS), opened.location)


def result_of(row: Mapping[str, Any]) -> RuleResult:
    """The result of a row. Raises ValueError for what is none."""
    said: dict[str, Any] = {name: value for name, value in row.items() if value is not None and name in _KNOWN}
    at = said.get("at")
    if not isinstance(at, datetime) or "rule_id" not in said:
        raise ValueError("a row has no time or no rule")
    action, status = Action(str(row.get("action"))), RuleStatus(str(row.get("status")))
    return RuleResult(**(_EMPTY | said | {"at": at.replace(tzinfo=UTC), "action": action, "status": status}))


def _results(rows: Iterable[Mapping[str, Any]], where: str) -> tuple[RuleResult, ...]:
    try:
        return tuple(sorted(map(result_of, rows), key=lambda each: (each.at, each.run_id, each.rule_id)))
    except ValueError as error:
        hint = "a newer lakepact may have written it: upgrade"
        raise ConfigurationError(f"'{where}' holds what is no result: {error}", "LP992", hint) from error


def _select(place: ResultsPlace) -> str:
    """`SELECT` and the columns of results: an older table lacks columns of today."""
    known = set(place.columns())
    listed = (
        identifier(each.name) if each.name in known else f"CAST(NULL AS {each.type}) AS {identifier(each.name)}"
        for each in COLUMNS
    )
    return f"SELECT {', '.join(listed)}"


def _text(value: str) -> str:
    """A text as SQL: the engines escape strings in different ways, and read hexadecimal digits alike."""
    return f"CAST(X'{value.encode().hex()}' AS STRING)"
