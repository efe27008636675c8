"""Questions to Spark whose answer may be an error, without pyspark writing that error to the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["errors_expected", "failure_text", "spark_failures"]


@contextmanager
def errors_expected() -> Iterator[None]:
    """While this is open, errors of queries are raised as always and not logged as well."""
    from pyspark.logger import PySparkLogger

    # By pyspark's own class: a plain logger of that name cannot take what pyspark logs, and raises a TypeError instead.
    logger = PySparkLogger.getLogger("SQLQueryContextLogger")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def spark_failures() -> tuple[type[Exception], ...]:
    """What a query, or a write, raises when it fails: pyspark's errors, and those of Java that it does not know.

    >>> ValueError in spark_failures()
    False
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    return (PySparkException, Py4JJavaError)


def failure_text(error: Exception) -> str:
    """The first line of what a failure says.

    >>> failure_text(ValueError("one\\ntwo"))
    'one'
    """
    try:
        return str(error).strip().partition("\n")[0]
    except spark_failures():
        # Java is asked for the text of its own errors, and does not always have one.
        return type(error).__name__
