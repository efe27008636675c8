"""Questions to Spark whose answer may be an error, without pyspark writing that error to the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["errors_expected", "failure_text", "spark_failures"]

# What Python says of a call to Java before what Java says itself.
_CALLED: Final = "An error occurred while calling "


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


def failure_text(error: BaseException) -> str:
    """The first line of what a failure says; of an error of Java that of what Java says.

    >>> failure_text(ValueError("one\\ntwo"))
    'one'
    >>> failure_text(ValueError("An error occurred while calling o7.load.\\n: java.io.IOException: gone\\n\\tat A.b()"))
    'java.io.IOException: gone'
    """
    try:
        text = str(error).strip()
        if text.startswith(_CALLED):
            text = text.partition("\n: ")[2] or text
        return text.partition("\n")[0]
    except spark_failures():
        # Java is asked for the text of its own errors, and does not always have one.
        return type(error).__name__
