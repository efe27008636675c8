"""Errors of queries that are expected: not logged while they are, and logged as pyspark does it afterwards."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CODE = """
    from lakepact.spark.quiet import errors_expected
    with errors_expected():
        pass
    from pyspark.logger import PySparkLogger
    PySparkLogger.getLogger("SQLQueryContextLogger").exception("refused", errorClass="NOT_FOUND")
"""


@pytest.mark.process
def test_pyspark_logs_errors_after_they_were_expected() -> None:
    """In a process in which nobody asked for the logger before: a plain one of its name raises a TypeError."""
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(CODE)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert '"msg": "refused"' in ended.stderr
    assert "NOT_FOUND" in ended.stderr


def test_one_place_asks_for_the_logger_of_queries(repository: Path) -> None:
    sources = (repository / "src").rglob("*.py")
    asking = [each.name for each in sources if '"SQLQueryContextLogger"' in each.read_text(encoding="utf-8")]
    assert asking == ["quiet.py"]
