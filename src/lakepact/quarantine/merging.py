"""A merge that Delta makes once: the session names its transaction, as an append names its own by an option."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from lakepact.errors import UsageError
from lakepact.spark.quiet import failure_text, spark_failures

__all__ = ["merged_once"]

_NAME: Final = "spark.databricks.delta.write.txnAppId"
_NUMBER: Final = "spark.databricks.delta.write.txnVersion"


@contextmanager
def merged_once(spark: Any, run: str, *, wanted: bool) -> Iterator[None]:
    """A MERGE of the session while this is open writes nothing where one under that run was committed before.

    Appends that name their own transaction keep it. Without `wanted` nothing changes. Raises UsageError LP989 where the
    session refuses the settings: then two that end one replay at the same moment could both merge.
    """
    if not wanted:
        yield
        return
    with ExitStack() as stack:
        try:
            for name, value in ((_NAME, f"lakepact:{run}"), (_NUMBER, "1")):
                before = spark.conf.get(name, None)
                spark.conf.set(name, value)
                stack.callback(_put_back, spark, name, before)
        except spark_failures() as error:
            message = f"the session cannot make a merge once: {failure_text(error)}"
            raise UsageError(message, "LP989", "append, or replay in a session that takes settings of Delta") from error
        yield


def _put_back(spark: Any, name: str, before: str | None) -> None:
    if before is None:
        spark.conf.unset(name)
    else:
        spark.conf.set(name, before)
