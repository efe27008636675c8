"""Fixtures for the whole suite: the one Spark session, and the corpus of official contracts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def odcs_corpus() -> Path:
    """The folder of official ODCS documents; tests that ask for it are skipped where it is absent."""
    corpus = ROOT.parent / "shared" / "odcs"
    if not corpus.is_dir():
        pytest.skip("no ODCS corpus beside the checkout")
    return corpus


@pytest.fixture(scope="session")
def local_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The local session of the whole run. Whoever opens another one in this process shares its Java and starts fast."""
    from lakepact.spark.session import open_local_session

    warehouse = tmp_path_factory.mktemp("warehouse")
    with open_local_session(warehouse=warehouse, app_name="tests", connect_functions=False) as session:
        yield session


@pytest.fixture(scope="session")
def spark(local_session: Any) -> Any:
    """The classic Spark session with Delta; `pyspark.sql.functions` work on its data frames."""
    return local_session.classic
