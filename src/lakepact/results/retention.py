"""Removes results that are old enough; their days stay in `rule_results_daily`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from lakepact.errors import UsageError
from lakepact.results.model import RuleStatus
from lakepact.results.opening import open_results
from lakepact.results.place import ResultsPlace
from lakepact.results.reading import ResultFilter
from lakepact.results.rollups import COLUMNS, UNFINISHED, roll_up_days
from lakepact.results.table import ResultColumn
from lakepact.sql import identifier, literal

__all__ = ["Pruned", "prune_results"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEY: Final = ("contract_id", "object", "dataset", "rule_id")
_COUNTED: Final = (
    *(each for each in COLUMNS if each.name in ("day", *_KEY)),
    ResultColumn("results", "BIGINT", "Number of results"),
)
_Counts = Mapping[tuple[str | None, ...], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, or would be: `results` of whole UTC `days`, all before the day `before`.

    `computed` are those of the days that were not yet in `rule_results_daily`, or lacked results there. The days `left`
    keep their results: what is there of them lacks some that `rule_results_daily` knows, and the other way round.
    """

    before: date
    results: int
    days: tuple[date, ...]
    computed: tuple[date, ...]
    left: tuple[date, ...]


def prune_results(
    place: ResultsPlace | str | Path, older_than: timedelta, *, dry_run: bool = False, now: datetime | None = None
) -> Pruned:
    """Remove the results of UTC days that ended longer ago than that, each day as a whole, in one commit.

    A day that `rule_results_daily` lacks is computed first; one that it has is computed again where results came since.
    With `dry_run` nothing is written. Raises UsageError LP994 for less than two days, and as `read_results` does.
    """
    if older_than < UNFINISHED:
        hint = f"give {UNFINISHED.days} days or more: results of a day may come until then"
        raise UsageError("results cannot be removed when they are that young", "LP994", hint)
    opened = open_results(place)
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    before = (moment - min(older_than, moment - _EPOCH)).date()
    found = _results_by_day(opened, before)
    kept = _kept_by_day(opened, min(found), before) if found and opened.has_daily() else {}
    known = {day for day, counts in found.items() if _covers(kept.get(day, {}), counts)}
    computed = {day for day in found.keys() - known if _covers(found[day], kept.get(day, {}))}
    days = sorted(known | computed)
    if days and not dry_run:
        if computed:
            roll_up_days(opened, sorted(computed))
        opened.remove(days)
    return Pruned(
        before=before,
        results=sum(sum(found[day].values()) for day in days),
        days=tuple(days),
        computed=tuple(sorted(computed)),
        left=tuple(sorted(found.keys() - set(days))),
    )


def _results_by_day(place: ResultsPlace, before: date) -> dict[date, _Counts]:
    """The number of results of each rule on each day."""
    key = ", ".join(map(identifier, _KEY))
    end = ResultFilter(until=datetime.combine(before, time(), UTC))
    rows = f"SELECT {key}, {place.utc_day} AS `day` FROM results WHERE {end.condition()}"
    return _counted(place, f"SELECT `day`, {key}, COUNT(*) AS `results` FROM ({rows}) r GROUP BY `day`, {key}")


def _kept_by_day(place: ResultsPlace, since: date, before: date) -> dict[date, _Counts]:
    """The number of results of each rule that the table of days knows."""
    key = ", ".join(map(identifier, _KEY))
    total = " + ".join(f"`{status}_count`" for status in RuleStatus)
    days = f"`day` >= {literal(since)} AND `day` < {literal(before)}"
    return _counted(place, f"SELECT `day`, {key}, {total} AS `results` FROM results WHERE {days}", daily=True)


def _counted(place: ResultsPlace, query: str, *, daily: bool = False) -> dict[date, _Counts]:
    found: dict[date, dict[tuple[str | None, ...], int]] = defaultdict(dict)
    for row in place.rows(query, _COUNTED, daily=daily):
        found[row["day"]][tuple(row[name] for name in _KEY)] = row["results"]
    return dict(found)


def _covers(more: _Counts, less: _Counts) -> bool:
    """Whether no rule has fewer results in `more`: results only grow, but for those that were removed."""
    return all(more.get(key, 0) >= number for key, number in less.items())
