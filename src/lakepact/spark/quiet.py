"""Questions to Spark whose answer may be an error, without pyspark writing that error to the terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["errors_expected"]


@contextmanager
def errors_expected() -> Iterator[None]:
    """While this is open, errors of queries are raised as always and not logged as well."""
    logger = logging.getLogger("SQLQueryContextLogger")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
