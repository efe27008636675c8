"""The engine that holds files against a contract without Spark and without Java: DuckDB.

It gives the results that `quality.native` gives on Spark. A rule whose meaning in DuckDB was not shown to be the same
is SKIPPED with "needs Spark: …".
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lakepact.errors import ExtraMissing, LakepactError
from lakepact.quality.duckdb_evaluation import DuckDbEvaluation, evaluate_connected
from lakepact.quality.duckdb_results import Results
from lakepact.quality.engine import Data, EngineContext, FileData
from lakepact.quality.native import Run
from lakepact.results.model import RuleResult
from lakepact.rules.model import DatasetRule, ObjectRules, RowRule

__all__ = ["DuckDbEngine", "DuckDbEvaluation", "evaluate_files"]

_FORMATS = ("parquet", "csv", "json")


class DuckDbEngine:
    """The quality engine `duckdb`, for files of Parquet, CSV and JSON."""

    @property
    def name(self) -> str:
        """What results carry in `engine`."""
        return "duckdb"

    def takes(self, data: Data) -> bool:
        """Whether the data are files of a format that DuckDB reads as Spark does."""
        return isinstance(data, FileData) and data.format.lower() in _FORMATS

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """A result for each rule on rows and on the whole, in the order of the rules.

        Where the files cannot be read, or `context.seconds` have passed, every rule is ERROR and says so.
        """
        every: tuple[RowRule | DatasetRule, ...] = (*rules.row_rules, *rules.dataset_rules)
        results = Results(context.run)
        if not isinstance(data, FileData):
            return tuple(results.error(rule, "DuckDB reads files, not data frames") for rule in every)
        try:
            found = evaluate_files(data, rules, run=context.run, references=context.references, seconds=context.seconds)
        except ExtraMissing:
            raise
        except LakepactError as error:
            return tuple(results.error(rule, f"{error.code}: {error.message}") for rule in every)
        except TimeoutError as error:
            return tuple(results.error(rule, str(error)) for rule in every)
        return found.results


def evaluate_files(
    data: FileData,
    rules: ObjectRules,
    *,
    run: Run,
    references: Mapping[str, Data] | None = None,
    seconds: float | None = None,
) -> DuckDbEvaluation:
    """The rows of files under the rules of one object: counts, columns that differ, and a result for every rule.

    `references` are the files of other objects of the contract, by name. Raises ConfigurationError LP970 for files that
    cannot be read and LP971 for files that only Spark's reader understands as it does, ExtraMissing LP972 where DuckDB
    or sqlglot is not installed, and TimeoutError after `seconds`.
    """
    with _connection() as connection, _limited(connection, seconds):
        return evaluate_connected(connection, data, rules, run, references or {})


@contextmanager
def _connection() -> Iterator[Any]:
    try:
        import duckdb
        import sqlglot  # noqa: F401 (both are of the same extra)
    except ImportError as error:
        message = f"{error.name} is not installed, which checks files without Spark"
        raise ExtraMissing(message, "LP972", "pip install 'lakepact[duckdb]'") from None
    with tempfile.TemporaryDirectory(prefix="lakepact-duckdb-") as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": folder,
            "autoinstall_known_extensions": "false",
        }
        with duckdb.connect(":memory:", config=settings) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection


@contextmanager
def _limited(connection: Any, seconds: float | None) -> Iterator[None]:
    """Ends the queries of the connection when the time is over."""
    import duckdb

    if seconds is None:
        yield
        return
    started, done = time.monotonic(), threading.Event()

    def end() -> None:
        # Again and again: between two queries there is nothing to interrupt.
        while not done.wait(0.05):
            connection.interrupt()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    late = TimeoutError(f"it took longer than {seconds:g} s")
    try:
        yield
    except (duckdb.Error, LakepactError):
        if time.monotonic() - started > seconds:
            raise late from None
        raise
    finally:
        timer.cancel()
        done.set()
    if time.monotonic() - started > seconds:
        raise late
