"""Streams under a contract: each batch judged where it is written, and written once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lakepact.contract import Contract, load_contract
from lakepact.errors import ContractViolated, UsageError
from lakepact.io import (
    Intervention,
    OnRead,
    WriteResult,
    read_with_contract,
    using,
    write_stream_with_contract,
    write_with_contract,
)
from lakepact.results import Verdict
from lakepact.store import Status, open_store

pytestmark = pytest.mark.spark

_TEXT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    quality:
      - {id: few, metric: rowCount, mustBeLessThan: 4, severity: error}
    properties:
      - {name: id, logicalType: integer, required: true, primaryKey: true}
      - {name: amount, logicalType: number, criticalDataElement: true, logicalTypeOptions: {minimum: 0}}
"""


@pytest.fixture
def contract() -> Contract:
    return load_contract(_TEXT.encode())


@pytest.fixture
def schema(spark: Any, tmp_path: Path) -> Iterator[str]:
    name = f"stream_{uuid.uuid4().hex}"
    spark.sql(f"CREATE SCHEMA {name}")
    with using(store="memory:", results=name, cache=tmp_path / "cache"):
        yield name
    spark.sql(f"DROP SCHEMA {name} CASCADE")


class Feed:
    """A Delta table that is read as a stream, one version a batch."""

    def __init__(self, spark: Any, schema: str) -> None:
        self.spark, self.name = spark, f"{schema}.feed"
        spark.sql(f"CREATE TABLE {self.name} (id BIGINT, amount DOUBLE) USING delta")

    def add(self, *rows: tuple[int | None, float | None]) -> None:
        self.spark.createDataFrame(list(rows), "id BIGINT, amount DOUBLE").coalesce(1).write.mode("append").format(
            "delta"
        ).saveAsTable(self.name)

    def stream(self) -> Any:
        return self.spark.readStream.option("maxFilesPerTrigger", 1).table(self.name)


@pytest.fixture
def feed(spark: Any, schema: str) -> Feed:
    return Feed(spark, schema)


def _run(feed: Feed, contract: Contract | str, schema: str, tmp_path: Path, **settings: Any) -> list[WriteResult]:
    results: list[WriteResult] = []
    query = write_stream_with_contract(
        feed.stream(),
        contract,
        table=f"{schema}.orders",
        checkpoint=str(tmp_path / "checkpoint"),
        trigger={"availableNow": True},
        on_batch=results.append,
        **settings,
    )
    query.awaitTermination()
    return results


def _ids(spark: Any, table: str) -> list[Any]:
    return sorted((row["id"] for row in spark.table(table).select("id").collect()), key=lambda id_: (id_ is None, id_))


def test_batches_are_judged_and_written_and_a_restart_goes_on(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    feed.add((1, 1.0), (2, -1.0))
    feed.add((1, 3.0), (3, 3.0))
    first = _run(feed, contract, schema, tmp_path)
    assert [(each.verdict, each.written) for each in first] == [(Verdict.QUARANTINE, 1), (Verdict.QUARANTINE, 1)]
    feed.add((4, 4.0))
    second = _run(feed, contract, schema, tmp_path)
    assert [(each.verdict, each.written) for each in second] == [(Verdict.PASS, 1)]
    assert _ids(spark, f"{schema}.orders") == [1, 3, 4]
    aside = spark.table(f"{schema}.orders__quarantine").select("id", "amount", "_lakepact_failed_rules").collect()
    assert sorted(map(tuple, aside)) == [
        (1, 3.0, ["orders.primaryKey"]),
        (2, -1.0, ["orders.amount.minimum"]),
    ]
    runs = spark.table(f"{schema}.rule_results").select("run_id").distinct().collect()
    assert sorted(row["run_id"].rpartition(":")[2] for row in runs) == ["0", "1", "2"]


def test_a_stopped_stream_judges_its_batch_again(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    feed.add((1, 1.0))
    feed.add((2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0))
    for _ in range(2):
        with pytest.raises(Exception, match=r"LP893: \S+\.orders would break 'orders' 1\.0\.0: nothing is written"):
            _run(feed, contract, schema, tmp_path)
        assert _ids(spark, f"{schema}.orders") == [1]
    done = _run(feed, contract, schema, tmp_path, intervention="quarantine")
    assert [(each.verdict, each.written, each.version) for each in done] == [(Verdict.FAIL, 0, None)]
    assert _ids(spark, f"{schema}.orders") == [1]
    rows = spark.table(f"{schema}.orders__quarantine").select("id", "_lakepact_failed_rules").collect()
    assert sorted(map(tuple, rows)) == [(number, ["orders.quality.few"]) for number in (2, 3, 4, 5)]


def test_a_degraded_batch_is_written_and_known(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    feed.add((2, -1.0), (3, 1.0), (4, 1.0), (5, 1.0), (6, 1.0))
    done = _run(feed, contract, schema, tmp_path, intervention=Intervention.DEGRADE)
    assert [(each.verdict, each.written) for each in done] == [(Verdict.WARN, 5)]
    assert _ids(spark, f"{schema}.orders") == [2, 3, 4, 5, 6]
    with pytest.raises(ContractViolated, match=r"LP895: .*: the rows of its last change break it"):
        read_with_contract(spark, contract, table=f"{schema}.orders", on_violation=OnRead.GATE)


def test_a_degraded_merge_still_sets_clashing_keys_aside(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    feed.add((1, 1.0), (1, 2.0), (2, -1.0), *((number, 1.0) for number in range(3, 7)))
    done = _run(feed, contract, schema, tmp_path, mode="merge", intervention="degrade")
    assert [(each.verdict, each.written) for each in done] == [(Verdict.QUARANTINE, 5)]
    assert _ids(spark, f"{schema}.orders") == [2, 3, 4, 5, 6]
    assert _ids(spark, f"{schema}.orders__quarantine") == [1, 1]


def test_failing_batches_are_counted_over_restarts(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    many = [(number, 1.0) for number in range(10, 14)]
    feed.add((1, 1.0))
    feed.add(*many)
    assert [each.verdict for each in _run(feed, contract, schema, tmp_path, tolerated=2)] == [
        Verdict.PASS,
        Verdict.FAIL,
    ]
    feed.add(*many)
    assert [each.verdict for each in _run(feed, contract, schema, tmp_path, tolerated=2)] == [Verdict.FAIL]
    feed.add(*many)
    with pytest.raises(Exception, match="LP893"):
        _run(feed, contract, schema, tmp_path, tolerated=2)
    # The third is set aside by hand; a good batch then begins the count anew.
    assert [each.verdict for each in _run(feed, contract, schema, tmp_path, intervention="quarantine")] == [
        Verdict.FAIL
    ]
    feed.add((2, 1.0))
    feed.add(*many)
    assert [each.verdict for each in _run(feed, contract, schema, tmp_path, tolerated=2)] == [
        Verdict.PASS,
        Verdict.FAIL,
    ]
    assert _ids(spark, f"{schema}.orders") == [1, 2]
    assert len(_ids(spark, f"{schema}.orders__quarantine")) == 16


def test_a_batch_that_spark_forgot_is_not_written_twice(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    feed.add((1, 1.0), (2, -1.0))
    _run(feed, contract, schema, tmp_path)
    # As after a crash between the commit of the table and that of the query.
    for file in (tmp_path / "checkpoint" / "commits").iterdir():
        file.unlink()
    again = _run(feed, contract, schema, tmp_path)
    assert [(each.repeated, each.written) for each in again] == [(True, 0)]
    assert _ids(spark, f"{schema}.orders") == [1]
    assert _ids(spark, f"{schema}.orders__quarantine") == [2]
    results = spark.table(f"{schema}.rule_results").where("rule_id = 'orders.primaryKey'")
    assert results.count() == 1


def test_a_new_checkpoint_is_a_new_stream(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    feed.add((1, 1.0))
    _run(feed, contract, schema, tmp_path)
    spark.sql(f"DELETE FROM {schema}.orders")
    (tmp_path / "again").mkdir()
    assert [each.written for each in _run(feed, contract, schema, tmp_path / "again")] == [1]


def test_merging_streams_update_rows(spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path) -> None:
    feed.add((1, 1.0))
    feed.add((1, 2.0), (2, 2.0))
    _run(feed, contract, schema, tmp_path, mode="merge")
    assert sorted(map(tuple, spark.table(f"{schema}.orders").collect())) == [(1, 2.0), (2, 2.0)]


def test_columns_are_compared_before_the_stream_starts(spark: Any, feed: Feed, schema: str, tmp_path: Path) -> None:
    store = open_store("memory:", review_required=False)
    store.put(load_contract(_TEXT.encode()), actor="ada")
    store.set_status("orders", "1.0.0", Status.VALIDATED, actor="ada", reason="ready")
    spark.sql(f"ALTER TABLE {feed.name} ADD COLUMNS (note STRING)")
    with pytest.raises(ContractViolated, match=r"LP892: the columns do not fit 'orders' 1\.0\.0"):
        _run(feed, "orders", schema, tmp_path, store=store)
    feed.add((1, 1.0))
    done = _run(feed, "orders", schema, tmp_path, store=store, on_mismatch="draft")
    assert [each.written for each in done] == [1]
    assert [version.status for version in store.list_versions("orders")] == [Status.VALIDATED, Status.DRAFT]


def test_a_stream_cannot_overwrite(feed: Feed, contract: Contract, schema: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="LP891: a stream cannot overwrite its table"):
        _run(feed, contract, schema, tmp_path, mode="overwrite")


_WRITER = """
    import os, signal, sys
    from pathlib import Path
    from lakepact.contract import load_contract
    from lakepact.io import using, write_stream_with_contract
    from lakepact.spark.session import open_local_session

    folder = Path(sys.argv[1])
    with open_local_session(warehouse=folder / "warehouse", app_name="killed", connect_functions=False) as session:
        spark = session.classic
        stream = spark.readStream.option("maxFilesPerTrigger", 1).format("delta").load(str(folder / "feed"))
        def done(result):
            if result.run_id.endswith(":1"):
                os.kill(os.getpid(), signal.SIGKILL)
        with using(store="memory:", results=None, cache=folder / "cache"):
            write_stream_with_contract(
                stream, load_contract(folder / "orders.odcs.yaml"), path=str(folder / "orders"), on_batch=done,
                checkpoint=str(folder / "checkpoint"), trigger={"availableNow": True},
            ).awaitTermination()
"""


@pytest.mark.process
def test_a_writer_that_is_killed_in_a_batch_writes_every_row_once(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "orders.odcs.yaml").write_text(_TEXT)
    for number in range(3):
        rows = [(number * 10 + each, -1.0 if each == 0 else 1.0) for each in range(3)]
        frame = spark.createDataFrame(rows, "id BIGINT, amount DOUBLE").coalesce(1)
        frame.write.format("delta").mode("append").save(str(tmp_path / "feed"))
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(_WRITER))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    killed = subprocess.run([sys.executable, str(script), str(tmp_path)], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    after: list[WriteResult] = []
    with using(store="memory:", results=None, cache=tmp_path / "cache"):
        write_stream_with_contract(
            spark.readStream.option("maxFilesPerTrigger", 1).format("delta").load(str(tmp_path / "feed")),
            load_contract(tmp_path / "orders.odcs.yaml"),
            path=str(tmp_path / "orders"),
            checkpoint=str(tmp_path / "checkpoint"),
            trigger={"availableNow": True},
            on_batch=after.append,
        ).awaitTermination()
    # Spark does not know that the batch was written in which its process ended.
    assert [(each.repeated, each.written) for each in after] == [(True, 0), (False, 2)]
    written = spark.read.format("delta").load(str(tmp_path / "orders"))
    aside = spark.read.format("delta").load(str(tmp_path / "orders__quarantine"))
    assert sorted(row["id"] for row in written.collect()) == [1, 2, 11, 12, 21, 22]
    assert sorted(row["id"] for row in aside.collect()) == [0, 10, 20]
    metadata = json.loads((tmp_path / "checkpoint" / "metadata").read_text())
    history = spark.sql(f"DESCRIBE HISTORY delta.`{tmp_path / 'orders'}`").where("operation = 'WRITE'").collect()
    runs = sorted(json.loads(row["userMetadata"])["lakepact"]["run_id"] for row in history)
    assert runs == [f"{metadata['id']}:{batch}" for batch in range(3)]


def test_batch_writes_and_streams_mean_the_same(
    spark: Any, feed: Feed, contract: Contract, schema: str, tmp_path: Path
) -> None:
    rows = [(1, 1.0), (2, -1.0), (None, 1.0)]
    feed.add(*rows)
    streamed = _run(feed, contract, schema, tmp_path)[0]
    frame = spark.createDataFrame(rows, "id BIGINT, amount DOUBLE")
    written = write_with_contract(frame, contract, table=f"{schema}.batch")

    def seen(result: WriteResult) -> list[tuple[Any, ...]]:
        return [(each.rule_id, each.status, each.violations, each.value) for each in result.check.results]

    assert seen(streamed) == seen(written)
