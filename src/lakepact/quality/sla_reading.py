"""The recorded results that service levels are decided from: at a path, or in a table of a catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.results.model import RuleResult
from lakepact.results.reading import ResultFilter, read_recent_results, result_of
from lakepact.results.recording import catalog_of
from lakepact.results.table import RULE_RESULTS
from lakepact.sql import qualified
from lakepact.store.sql_statements import StatementFailed, Statements

__all__ = ["recent_results"]

_ABSENT: Final = re.compile(r"(TABLE_OR_VIEW|SCHEMA|CATALOG|DELTA_TABLE)_NOT_FOUND|NO_SUCH_")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def recent_results(place: str, chosen: ResultFilter, *, window: timedelta) -> tuple[RuleResult, ...]:
    """The results of the last `window` before `chosen.until` or later, oldest first, as `read_recent_results` gives.

    `place` is a path that delta-rs reads, `spark:[CATALOG.]SCHEMA` in the session that runs, or
    `uc:CATALOG.SCHEMA?warehouse=ID` through a SQL warehouse. Raises as `read_recent_results` does, ConfigurationError
    LP994 where the schema has no table of results, RemoteFailed LP994 where it cannot be read, and what opening a
    session or a warehouse raises.
    """
    catalog = catalog_of(place)
    if catalog is not None:
        return _recent(*catalog, place, chosen, window)
    return read_recent_results(place, chosen, window=window)


def _recent(
    statements: Statements, schema: Sequence[str], place: str, chosen: ResultFilter, window: timedelta
) -> tuple[RuleResult, ...]:
    """The same from a table by SQL: results since the window began, and of a dataset without any those before."""
    name = qualified([*schema, RULE_RESULTS])
    end = chosen.until or datetime.now(UTC)
    start = end - window
    # Times go as numbers: a session has a time zone, and a warehouse answers in text.
    rows = f"SELECT *, unix_micros(`at`) AS `at_micros` FROM {name} WHERE "
    groups = f"SELECT `contract_id`, `object`, `dataset`, unix_micros(MAX(`at`)) AS `last` FROM {name} WHERE "
    whole = replace(chosen, until=None)
    try:
        found = list(statements.run(rows + replace(whole, since=start).condition(), {}))
        for last in statements.run(f"{groups}{whole.condition()} GROUP BY `contract_id`, `object`, `dataset`", {}):
            moment = _EPOCH + timedelta(microseconds=int(last["last"]))
            if moment < start:
                key = {"contract": last["contract_id"], "object": last["object"], "dataset": last["dataset"]}
                found += statements.run(rows + replace(whole, **key, since=moment - window).condition(), {})
    except StatementFailed as failed:
        raise _failure(failed, place) from failed
    return _results(found, place)


def _results(rows: Sequence[Mapping[str, Any]], place: str) -> tuple[RuleResult, ...]:
    try:
        found = [result_of({**row, "at": int(row["at_micros"]), "seconds": None}) for row in rows]
    except (ValueError, TypeError) as error:
        hint = "a newer lakepact may have written it: upgrade"
        raise ConfigurationError(f"'{place}' holds what is no result: {error}", "LP994", hint) from error
    return tuple(sorted(found, key=lambda each: (each.at, each.run_id, each.rule_id)))


def _failure(failed: StatementFailed, place: str) -> ConfigurationError | RemoteFailed:
    if _ABSENT.search(failed.condition or failed.message):
        hint = f"name the schema that holds `{RULE_RESULTS}`"
        return ConfigurationError(f"there is no table of results in '{place}'", "LP994", hint)
    hint = "check that you may use the catalog and the schema, and read the table"
    return RemoteFailed(f"the results in '{place}' cannot be read: {failed.message}", "LP994", hint)
