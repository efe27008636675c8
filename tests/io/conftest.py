"""What tests of reads and writes under a contract share: both kinds of session, a schema of their own, a store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.io import Surroundings, using
from lakepact.sql import string

_NUMBERS = itertools.count(1)


@pytest.fixture(params=["classic", "connect"])
def session(request: pytest.FixtureRequest, local_session: Any) -> Any:
    """A session of each kind; both have the same catalog."""
    return getattr(local_session, request.param)


@pytest.fixture
def schema(spark: Any, tmp_path: Path) -> Iterator[str]:
    """The name of an empty schema."""
    name = f"governed_{next(_NUMBERS)}"
    spark.sql(f"CREATE SCHEMA {name} LOCATION {string(str(tmp_path / name))}")
    yield name
    spark.sql(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(autouse=True)
def surroundings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """Results go to the schema of the test, where it has one, and copies of contracts nowhere else than to its folder.

    There is no store: a test that needs one names it.
    """
    results = request.getfixturevalue("schema") if "schema" in request.fixturenames else None
    with using(results=results, cache=tmp_path / "cache") as found:
        yield found
