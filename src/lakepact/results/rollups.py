"""Results by day: one row a contract, object, dataset, rule and UTC day, kept in the table `rule_results_daily`.

The days follow from `rule_results` by one query that every engine reads alike, so they can be computed again at any
time; a day that is computed again replaces what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from lakepact.results.model import RuleStatus
from lakepact.results.opening import open_results
from lakepact.results.place import ResultsPlace
from lakepact.results.reading import ResultFilter
from lakepact.results.table import ResultColumn
from lakepact.sql import identifier, literal, string

__all__ = ["COLUMNS", "UNFINISHED", "DailyRollup", "daily_rollups", "roll_up", "roll_up_days", "rollup_query"]

_COMMENT: Final = "Results of the rules of data contracts by UTC day. Made from rule_results; changes are lost."
UNFINISHED: Final = timedelta(days=2)
"""A run may end after midnight, and be recorded later: days so close to the last one are computed again."""

_KEY: Final = ("contract_id", "object", "dataset", "rule_id")
COLUMNS: Final = (
    ResultColumn("day", "DATE", "Day in UTC"),
    ResultColumn("contract_id", "STRING", "Id of the contract"),
    ResultColumn("object", "STRING", "Schema object of the contract"),
    ResultColumn("dataset", "STRING", "Table, or path of the table, whose data was looked at"),
    ResultColumn("rule_id", "STRING", "Id of the rule"),
    ResultColumn("contract_version", "STRING", "Version of the contract in the last result of the day"),
    ResultColumn("dimension", "STRING", "Quality dimension, from the contract"),
    ResultColumn("runs", "BIGINT", "Runs that evaluated the rule"),
    *(ResultColumn(f"{each}_count", "BIGINT", f"Results with status {each}") for each in RuleStatus),
    ResultColumn("violations", "BIGINT", "Rows that break the rule, over all results; NULL where none counted rows"),
    ResultColumn("tested", "BIGINT", "Rows that were looked at, over all results; NULL where none counted rows"),
    ResultColumn("min_value", "DOUBLE", "Lowest measured value, of those that are numbers"),
    ResultColumn("max_value", "DOUBLE", "Highest measured value, of those that are numbers"),
    ResultColumn("last_value", "DOUBLE", "Last measured value, of those that are numbers"),
    ResultColumn("last_status", "STRING", "Status of the last result"),
    ResultColumn("last_at", "TIMESTAMP", "When the last result was made (UTC)"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyRollup:
    """What the results of one rule on one dataset say of one UTC day: a row of `rule_results_daily`.

    The counts by status and the sums are over all results of the day; `runs` counts a run once however often it
    reported. `min_value`, `max_value` and `last_value` are of measured values that are finite numbers.
    """

    day: date
    contract_id: str
    object: str
    dataset: str
    rule_id: str
    contract_version: str
    dimension: str | None
    runs: int
    pass_count: int
    warn_count: int
    fail_count: int
    error_count: int
    skipped_count: int
    violations: int | None
    tested: int | None
    min_value: float | None
    max_value: float | None
    last_value: float | None
    last_status: str
    last_at: datetime

    @property
    def results(self) -> int:
        """The number of results of the day."""
        return self.pass_count + self.warn_count + self.fail_count + self.error_count + self.skipped_count


assert [column.name for column in COLUMNS] == [field.name for field in fields(DailyRollup)]


def rollup_query(day: str, *, where: str = "TRUE") -> str:
    """The query that makes the rows of `rule_results_daily` from the table `results`.

    `day`, the UTC day of a result, and `where` are SQL.
    """
    key = ", ".join(map(identifier, _KEY))
    # Finite: what is no number, and infinity, give no mean and no trend.
    number = "CASE WHEN ABS(TRY_CAST(`value` AS DOUBLE)) < 1e300 THEN TRY_CAST(`value` AS DOUBLE) END"
    newest = "ORDER BY `at` DESC, `run_id` DESC, `engine`, `status`"
    rows = f"SELECT *, {day} AS `day`, {number} AS `number` FROM results WHERE {where}"
    numbered = (
        f"SELECT *, ROW_NUMBER() OVER (PARTITION BY {key}, `day` {newest}) AS `place`, "
        f"ROW_NUMBER() OVER (PARTITION BY {key}, `day`, `number` IS NULL {newest}) AS `number_place` FROM ({rows}) r"
    )
    counts = ", ".join(
        f"CAST(SUM(CASE WHEN `status` = {string(each)} THEN 1 ELSE 0 END) AS BIGINT) AS `{each}_count`"
        for each in RuleStatus
    )
    return (
        f"SELECT `day`, {key}, {_last('contract_version')}, {_last('dimension')}, "
        f"COUNT(DISTINCT `run_id`) AS `runs`, {counts}, "
        "SUM(`violations`) AS `violations`, SUM(`tested`) AS `tested`, "
        "MIN(`number`) AS `min_value`, MAX(`number`) AS `max_value`, "
        "MAX(CASE WHEN `number_place` = 1 THEN `number` END) AS `last_value`, "
        "MAX(CASE WHEN `place` = 1 THEN `status` END) AS `last_status`, MAX(`at`) AS `last_at` "
        f"FROM ({numbered}) n GROUP BY `day`, {key}"
    )


def _last(column: str) -> str:
    return f"MAX(CASE WHEN `place` = 1 THEN `{column}` END) AS `{column}`"


def daily_rollups(place: ResultsPlace | str | Path, chosen: ResultFilter | None = None) -> tuple[DailyRollup, ...]:
    """The days of the rules that fit, oldest first: from the results, and from the table of days where those are gone.

    Of a day that both know, the one with more results counts: results only grow, but for those that were purged. Raises
    as `read_results` does.
    """
    opened = open_results(place)
    wanted = chosen or ResultFilter()
    found = [
        _rollup(row) for row in opened.rows(rollup_query(opened.utc_day, where=wanted.condition()), columns=COLUMNS)
    ]
    if opened.has_daily():
        kept = opened.rows(f"SELECT * FROM results WHERE {_days_condition(wanted)}", columns=COLUMNS, daily=True)
        found += map(_rollup, kept)
    best: dict[tuple[object, ...], DailyRollup] = {}
    for each in found:
        key = (each.day, each.contract_id, each.object, each.dataset, each.rule_id)
        if key not in best or best[key].results < each.results:
            best[key] = each
    return tuple(best[key] for key in sorted(best))


def roll_up(
    place: ResultsPlace | str | Path, *, since: date | None = None, until: date | None = None
) -> tuple[date, ...]:
    """Compute days of `rule_results` and replace them in `rule_results_daily`, in one commit; the days, oldest first.

    Without `since` it starts two days before the last day that is there, or at the first result; `until` is the last
    day. A day without any result keeps what it has, because its results may have been purged. Raises as `read_results`
    does.
    """
    opened = open_results(place)
    start = since if since is not None else _unfinished(opened)
    query = rollup_query(opened.utc_day, where=_between(start, until).condition())
    return tuple(opened.replace_daily(COLUMNS, comment=_COMMENT, query=query, predicate=_days))


def roll_up_days(place: ResultsPlace, days: Sequence[date]) -> None:
    """Compute these days of `rule_results` and replace them in `rule_results_daily`, in one commit.

    Raises as `read_results` does.
    """
    rows = rollup_query(place.utc_day, where=_between(min(days), max(days)).condition())
    query = f"SELECT * FROM ({rows}) a WHERE {_days(days)}"
    place.replace_daily(COLUMNS, comment=_COMMENT, query=query, predicate=_days)


def _unfinished(place: ResultsPlace) -> date | None:
    """The first day that may lack results; None for all days."""
    if not place.has_daily():
        return None
    [found] = place.rows("SELECT MAX(`day`) AS `day` FROM results", columns=COLUMNS[:1], daily=True)
    last: date | None = found["day"]
    return None if last is None else last - UNFINISHED


def _between(since: date | None, until: date | None) -> ResultFilter:
    return ResultFilter(
        since=None if since is None else datetime.combine(since, time(), UTC),
        until=None if until is None else datetime.combine(until + timedelta(days=1), time(), UTC),
    )


def _days_condition(chosen: ResultFilter) -> str:
    """The filter on whole days: a day counts where any moment of it does."""
    names = ResultFilter(contract=chosen.contract, object=chosen.object, dataset=chosen.dataset, rules=chosen.rules)
    parts = [names.condition()]
    if chosen.since is not None:
        parts.append(f"`day` >= {literal(chosen.since.astimezone(UTC).date())}")
    if chosen.until is not None:
        last = (chosen.until.astimezone(UTC) - timedelta(microseconds=1)).date()
        parts.append(f"`day` <= {literal(last)}")
    return " AND ".join(parts)


def _days(days: Iterable[date]) -> str:
    return f"`day` IN ({', '.join(map(literal, days))})"


def _rollup(row: Mapping[str, Any]) -> DailyRollup:
    values = {column.name: row[column.name] for column in COLUMNS}
    texts = {name: values[name] or "" for name in ("contract_id", "object", "dataset", "rule_id", "contract_version")}
    return DailyRollup(**(values | texts))
