"""What a place of results must offer, whatever it is: queries on its two tables, and how these are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Protocol

from lakepact.results.table import ResultColumn

__all__ = ["ResultsPlace", "end_of", "python_rows"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = date(1970, 1, 1)


class ResultsPlace(Protocol):
    """Where `rule_results` is, and beside it `rule_results_daily`.

    Every method raises ConfigurationError LP990 where there is no table of results, RemoteFailed LP992 where it cannot
    be used.
    """

    @property
    def location(self) -> str:
        """The path or address that it was opened by."""
        ...

    @property
    def utc_day(self) -> str:
        """The UTC day of a result in the SQL that is read there."""
        ...

    def columns(self) -> tuple[str, ...]:
        """The names of the columns that `rule_results` has."""
        ...

    def has_daily(self) -> bool:
        """Whether there is a table of days."""
        ...

    def rows(self, query: str, columns: Iterable[ResultColumn], *, daily: bool = False) -> list[dict[str, Any]]:
        """The rows of a query, which has these columns, on the table, which it calls `results`; times are in UTC.

        With `daily` that is the table of days.
        """
        ...

    def append(self, rows: Sequence[Mapping[str, Any]], *, key: str) -> None:
        """Append rows to `rule_results`, which is made where it is absent; what is there already is left out.

        `key` names what the rows are of.
        """
        ...

    def replace_daily(
        self, columns: Sequence[ResultColumn], *, comment: str, query: str, predicate: Callable[[Sequence[date]], str]
    ) -> list[date]:
        """Replace the days that `query` on `rule_results` gives by its rows, in one commit; those days, sorted.

        `predicate` is the SQL that selects days of the table of days, which is made where it is absent.
        """
        ...

    def remove(self, days: Sequence[date]) -> None:
        """Remove the results of these UTC days, one or more, from `rule_results`, in one commit.

        A table that refuses to forget (`delta.appendOnly`) is told to no longer do so.
        """
        ...


def end_of(days: Iterable[date]) -> datetime:
    """The moment when the last of these UTC days is over.

    >>> end_of([date(2024, 2, 29), date(2024, 2, 1)]).isoformat()
    '2024-03-01T00:00:00+00:00'
    """
    return datetime.combine(max(days) + timedelta(days=1), time(), UTC)


def python_rows(rows: Iterable[Mapping[str, Any]], columns: Iterable[ResultColumn]) -> list[dict[str, Any]]:
    """The rows as Python's values, from numbers or the text of numbers: microseconds for moments, days for days.

    >>> python_rows([{"day": "1", "seconds": "0.5"}], [ResultColumn("day", "DATE", ""), ResultColumn("seconds", \
"DOUBLE", "")])
    [{'day': datetime.date(1970, 1, 2), 'seconds': 0.5}]
    """
    known = [(each.name, _CONVERTED[each.type]) for each in columns if each.type in _CONVERTED]
    found = []
    for row in rows:
        read = dict(row)
        for name, converted in known:
            if read[name] is not None:
                read[name] = converted(read[name])
        found.append(read)
    return found


def _moment(microseconds: Any) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))


def _day(days: Any) -> date:
    return _DAY + timedelta(days=int(days))


_CONVERTED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "TIMESTAMP": _moment,
    "DATE": _day,
    "DOUBLE": float,
    "BIGINT": int,
}
