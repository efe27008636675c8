"""Contracts in Delta tables through the Spark session that runs: classic, Spark Connect, or Databricks Connect."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from lakepact.spark.connect import active_session
from lakepact.store.governance import Grant
from lakepact.store.sql_journal import SqlJournal
from lakepact.store.sql_statements import Parameter, StatementFailed, condition_of, schema_of, with_literals

__all__ = ["SparkJournal", "SparkStatements", "create_spark", "failure_of", "govern_spark", "open_spark"]

# Whose exceptions say that a statement failed: they have no class in common, and some exist on one kind of client only.
_ENGINES: Final = frozenset({"pyspark", "py4j", "delta", "grpc"})
_EXAMPLE: Final = "spark:main.lakepact"


class SparkStatements:
    """Runs statements on a Spark session of any kind, see `Statements`. Several threads may use it."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self._literals = _drops_parameters(spark)

    def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        """The rows of the result. Raises StatementFailed for whatever Spark raises."""
        try:
            return [row.asDict() for row in self._frame(text, parameters).collect()]
        except Exception as error:
            failed = failure_of(error)
            if failed is None:
                raise
            raise failed from error

    def _frame(self, text: str, parameters: Mapping[str, Parameter]) -> Any:
        if not parameters:
            return self._spark.sql(text)
        if self._literals:
            return self._spark.sql(with_literals(text, parameters))
        return self._spark.sql(text, args=dict(parameters))


class SparkJournal(SqlJournal):
    """A journal in the tables of a schema (`catalog.schema`, or `schema` of the current catalog).

    `spark` is a session of any kind; only its `sql` is used. The tables have to be there: `initialise` makes them.
    Raises UsageError LP877 where `schema` is no name of one.
    """

    def __init__(self, spark: Any, schema: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        address = f"spark:{schema}"
        parts = schema_of(schema, address=address, parts=(1, 2), example=_EXAMPLE)
        super().__init__(SparkStatements(spark), parts, address=address, pause=pause)


def open_spark(address: str) -> SparkJournal:
    """The journal at `spark:CATALOG.SCHEMA` or `spark:SCHEMA`, on the active session, see `active_session`."""
    return SparkJournal(active_session(), address.partition(":")[2])


def create_spark(address: str) -> None:
    """Make the schema and the tables at `spark:…` where they are absent."""
    open_spark(address).initialise()


def govern_spark(address: str, grants: Iterable[Grant], tags: Mapping[str, str]) -> None:
    """Grant and tag the tables at `spark:…`; raises ConfigurationError LP877 without Unity Catalog."""
    open_spark(address).govern(grants, tags)


def failure_of(error: Exception) -> StatementFailed | None:
    """What Spark says of a statement by raising `error`; None where it is not Spark that raised it."""
    if type(error).__module__.partition(".")[0] not in _ENGINES:
        return None
    words = str(error)
    condition = condition_of(words)
    # Before it stands which call failed, after its line the plan or the stack.
    after = words[words.find(f"[{condition}]") :] if condition else words
    line = next((line.strip() for line in after.splitlines() if line.strip()), type(error).__name__)
    return StatementFailed(condition, re.sub(r"\s*SQLSTATE: \w+.*$", "", line))


def _drops_parameters(spark: Any) -> bool:
    """Whether an extension brings a parser of its own.

    Since Spark 4.1 such a parser loses the values of parameters unless it is made for them, as the one of Delta Lake
    4.4 and before is not (github.com/delta-io/delta/issues/7640). Databricks needs no extension.
    """
    try:
        return bool(spark.conf.get("spark.sql.extensions", ""))
    except Exception as error:
        if failure_of(error) is None:
            raise
        # Serverless compute answers only what may be asked there, and has no extensions.
        return False
