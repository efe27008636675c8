"""What tests of quarantines with Spark share: a schema of their own, and results that go nowhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.io import using
from lakepact.sql import string

_NUMBERS = itertools.count(1)


@pytest.fixture
def schema(spark: Any, tmp_path: Path) -> Iterator[str]:
    """The name of an empty schema, whose tables lie below the folder of the test."""
    name = f"quarantined_{next(_NUMBERS)}"
    spark.sql(f"CREATE SCHEMA {name} LOCATION {string(str(tmp_path / name))}")
    yield name
    spark.sql(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path) -> Iterator[None]:
    """No results are recorded, and copies of contracts go to the folder of the test."""
    with using(results=None, cache=tmp_path / "cache"):
        yield
