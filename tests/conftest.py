"""For the whole suite: the one Spark session, the corpus of official contracts, and the order of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# What Delta does beside each query of a test is code that runs once: Spark need not write and compile Java for it. The
# queries themselves stay generated code (`spark.sql.codegen.wholeStage`), as for users. And a file is renamed by one
# call, where Hadoop's other way starts eight processes (`readlink`). Tests with a process of their own have none of it.
# `catalog.listTables()` is one of the few things that need generated code; `SHOW TABLES` says the same.
SESSION_CONF = {
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
}

# The files that take longest, first the longest: with several processes a long file that begins last is waited for.
LONGEST_FILES = (
    "local/test_local_robustness.py",
    "local/test_local_refresh.py",
    "examples/test_examples_flights.py",
    "io/test_io_streaming.py",
    "spark/test_spark_process.py",
    "local/test_local_pipeline_run.py",
    "quarantine/test_quarantine_spark.py",
    "cli/test_cli_run.py",
    "io/test_io_writing.py",
    "bundle/test_bundle_cli.py",
    "store/test_store_spark_session.py",
    "examples/test_examples_loop.py",
    "quality/test_quality_native.py",
    "proof/test_proof_random_contracts.py",
    "store/test_store_warehouse.py",
    "io/test_io_reading.py",
    "testing/test_testing_workspace_updates.py",
    "io/test_io_faults.py",
    "io/test_io_handling.py",
    "proof/test_proof_truth_tables.py",
    "store/test_store_git.py",
    "testing/test_testing_workspace_jobs.py",
    "cli/test_cli_check.py",
    "test_docs.py",
)

# Of a machine that does other work an example may take long: how fast something is, tests of speed say.
settings.register_profile("lakepact", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lakepact")


def pytest_configure(config: pytest.Config) -> None:
    """Processes take the files in the order of the collection, not those of many tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first where several processes share the tests."""
    if hasattr(config, "workerinput"):
        order = {ROOT / "tests" / name: number for number, name in enumerate(LONGEST_FILES)}
        items.sort(key=lambda item: order.get(item.path, len(order)))


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
        for key, value in SESSION_CONF.items():
            # Sessions that are opened later begin with it, those that are there are told.
            session.classic.sparkContext._conf.set(key, value)
            session.classic.conf.set(key, value)
            session.connect.conf.set(key, value)
        yield session


@pytest.fixture(scope="module")
def generated_code(local_session: Any) -> Iterator[None]:
    """Sessions that this module opens compile everything, as for users: with many rows that is what takes least."""
    conf, name = local_session.classic.sparkContext._conf, "spark.sql.codegen.factoryMode"
    conf.set(name, "FALLBACK")
    yield
    conf.set(name, SESSION_CONF[name])


@pytest.fixture(scope="session")
def spark(local_session: Any) -> Any:
    """The classic Spark session with Delta; `pyspark.sql.functions` work on its data frames."""
    return local_session.classic
