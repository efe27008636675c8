"""Reading `rule_results`, from a path without Java or through a Spark session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakepact.errors import ConfigurationError
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.results.table import RULE_RESULTS
from lakepact.rules.model import Action
from lakepact.sql import identifier, literal, qualified

if TYPE_CHECKING:
    from lakepact.results.delta import DeltaPlace

__all__ = [
    "ResultFilter",
    "read_last_results",
    "read_recent_results",
    "read_results",
    "read_results_spark",
    "result_of",
]

_NAMES: Final = tuple(field.name for field in fields(RuleResult))
_KNOWN: Final = frozenset(_NAMES)
# The engines know no literal of a moment that is far away, and no result is from there.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
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
            f"`at` {operator} {literal(min(max(moment, _FIRST), _LAST).astimezone(UTC))}"
            for operator, moment in ((">=", self.since), ("<", self.until))
            if moment is not None
        ]
        return " AND ".join(parts) or "TRUE"


def read_results(place: DeltaPlace | str | Path, chosen: ResultFilter | None = None) -> tuple[RuleResult, ...]:
    """The results that fit, oldest first, by delta-rs; `place` is a path, or one that is open.

    Raises ConfigurationError LP990 where there is no table, RemoteFailed LP992 where it cannot be read or holds what is
    no result, ExtraMissing LP991 without deltalake.
    """
    from lakepact.results.delta import DeltaPlace

    opened = place if isinstance(place, DeltaPlace) else DeltaPlace(place)
    # Whole numbers become Python's own ten times faster than times do.
    query = _query("results", opened.columns(), chosen, at="arrow_cast(`at`, 'Int64')")
    return _results(opened.rows(query), opened.location)


def read_recent_results(
    place: DeltaPlace | str | Path, chosen: ResultFilter | None = None, *, window: timedelta
) -> tuple[RuleResult, ...]:
    """The results of the last `window` before `until` (default: now) or later, oldest first.

    Of a dataset without any it is the window before its last result. Raises as `read_results` does.
    """
    from lakepact.results.delta import DeltaPlace

    opened = place if isinstance(place, DeltaPlace) else DeltaPlace(place)
    wanted = chosen or ResultFilter()
    start = (wanted.until or datetime.now(UTC)) - window
    found = list(read_results(opened, replace(wanted, since=start, until=None)))
    last = "arrow_cast(MAX(`at`), 'Int64')"
    named = f"SELECT `contract_id`, `object`, `dataset`, {last} AS `last` FROM results WHERE "
    groups = opened.rows(
        f"{named}{replace(wanted, until=None).condition()} GROUP BY `contract_id`, `object`, `dataset`"
    )
    for row in groups:
        end = _moment(row["last"])
        if end < start:
            key = {"contract": row["contract_id"], "object": row["object"], "dataset": row["dataset"]}
            found += read_results(opened, replace(wanted, **key, since=end - window, until=None))
    return tuple(sorted(found, key=lambda each: each.at))


def read_last_results(place: DeltaPlace | str | Path, chosen: ResultFilter | None = None) -> tuple[RuleResult, ...]:
    """The last result of each rule and engine on each dataset, of those that fit. Raises as `read_results` does.

    A rule that the newest version of the contract which a dataset was looked at by no longer has is left out.
    """
    from lakepact.results.delta import DeltaPlace

    opened = place if isinstance(place, DeltaPlace) else DeltaPlace(place)
    key = "`contract_id`, `object`, `dataset`"
    newest = "ORDER BY `at` DESC, `run_id` DESC"
    numbered = (
        f"(SELECT *, ROW_NUMBER() OVER (PARTITION BY {key}, `rule_id`, `engine` {newest}) AS `place`, "
        f"FIRST_VALUE(`contract_version`) OVER (PARTITION BY {key} {newest}) AS `newest_version` "
        f"FROM results WHERE {(chosen or ResultFilter()).condition()}) n"
    )
    query = _query(numbered, opened.columns(), None, at="arrow_cast(`at`, 'Int64')")
    last = f"{query} AND `place` = 1 AND `contract_version` = `newest_version`"
    return _results(opened.rows(last), opened.location)


def read_results_spark(spark: Any, schema: Sequence[str], chosen: ResultFilter | None = None) -> tuple[RuleResult, ...]:
    """The results in the table of `schema` (the parts of its name) that fit, oldest first; none without a table."""
    name = qualified([*schema, RULE_RESULTS])
    if not spark.catalog.tableExists(name):
        return ()
    # A timestamp would come back in the time zone of this machine.
    query = _query(name, spark.table(name).columns, chosen, at="unix_micros(`at`)")
    return _results((row.asDict() for row in spark.sql(query).collect()), name)


def result_of(row: Mapping[str, Any]) -> RuleResult:
    """The result of a row; `at` is a datetime, or microseconds since 1970. Raises ValueError for what is none."""
    said: dict[str, Any] = {name: value for name, value in row.items() if value is not None and name in _KNOWN}
    at = said.get("at")
    if isinstance(at, int):
        at = _moment(at)
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


def _moment(microseconds: int) -> datetime:
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def _query(table: str, columns: Iterable[str], chosen: ResultFilter | None, *, at: str) -> str:
    """The query of results; `at` is the SQL of their time in microseconds. An older table lacks columns of today."""
    known = set(columns)
    sql = {name: identifier(name) if name in known else "NULL" for name in _NAMES} | {"at": at}
    listed = ", ".join(f"{sql[name]} AS {identifier(name)}" for name in _NAMES)
    where = (chosen or ResultFilter()).condition()
    return f"SELECT {listed} FROM {table} WHERE {where}"


def _text(value: str) -> str:
    """A text as SQL: the engines escape strings in different ways, and read hexadecimal digits alike."""
    return f"CAST(X'{value.encode().hex()}' AS STRING)"
