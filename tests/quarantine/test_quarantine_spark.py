"""Quarantine tables through Spark, and the way back into their tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from quarantine_samples import START, SetClock, orders_contract, set_aside
from quarantine_suite import CoreSuite

from lakepact.cli.main import main
from lakepact.contract import Contract
from lakepact.errors import ContractViolated, LifecycleRefused
from lakepact.io import write_with_contract
from lakepact.io.tables import table_named
from lakepact.quarantine import (
    Act,
    Decision,
    FailedRule,
    Quarantine,
    QuarantinePlace,
    Status,
    Target,
    open_quarantine,
    purge,
    quarantine_batch,
    replay,
)
from lakepact.quarantine.delta_place import DeltaPlace
from lakepact.quarantine.merging import merged_once
from lakepact.quarantine.spark_place import SparkPlace

pytestmark = pytest.mark.spark

POSITIVE = "orders.amount.exclusiveMinimum"
LOADED = "SELECT CAST(id AS BIGINT) AS order_id, a AS amount, 'x@y' AS email FROM VALUES {} AS t(id, a)"


class TestSparkPlace(CoreSuite):
    writers: ClassVar[int] = 2

    @pytest.fixture
    def place(self, spark: Any, schema: str, tmp_path: Path) -> QuarantinePlace:
        path = set_aside(tmp_path / schema / "orders__quarantine", [(1, -1.0, "a@x"), (2, -2.0, "b@x")])
        set_aside(path, [(1, -1.0, "a@x")], run="run-2")
        spark.sql(f"CREATE TABLE {schema}.orders__quarantine USING DELTA LOCATION '{path}'")
        return SparkPlace(spark, table_named(f"{schema}.orders__quarantine"))

    @pytest.fixture
    def reopened(self, spark: Any, schema: str) -> Callable[[], QuarantinePlace]:
        return lambda: SparkPlace(spark, table_named(f"{schema}.orders__quarantine"))


class Load:
    """A table of orders, whose bad rows are in its quarantine."""

    def __init__(self, spark: Any, folder: Path, rows: str, contract: Contract | None = None) -> None:
        self.spark = spark
        self.contract = contract or orders_contract()
        self.path = str(folder / "orders")
        self.place = f"{self.path}__quarantine"
        frame = spark.sql(LOADED.format(rows))
        write_with_contract(frame, self.contract, path=self.path, run_id="load-1")

    @property
    def target(self) -> Target:
        return Target(contract=self.contract, path=self.path)

    def opened(self, **more: Any) -> Quarantine:
        return open_quarantine(self.place, contract=self.contract, **more)

    def ids(self) -> dict[int, str]:
        """The ids of the records by the number of the order."""
        return {each.row["order_id"]: each.id for each in self.opened().records() if each.row}

    def replay(self, *ids: str, **more: Any) -> Any:
        return replay(more.pop("quarantine", self.opened()), self.target, ids, spark=self.spark, actor="bob", **more)

    def there(self) -> list[tuple[Any, ...]]:
        frame = self.spark.read.format("delta").load(self.path).orderBy("order_id")
        return [(row["order_id"], row["amount"]) for row in frame.collect()]


def test_rows_of_a_stream_are_deleted_by_their_moment(spark: Any, schema: str, tmp_path: Path) -> None:
    path, later = tmp_path / schema / "orders__quarantine", START + timedelta(days=1, microseconds=1)
    set_aside(path, [(1, -1.0, "a@x"), (2, -2.0, "b@x")], run=None, stream=True)
    set_aside(path, [(1, -1.0, "a@x")], run=None, stream=True, at=later)
    spark.sql(f"CREATE TABLE {schema}.orders__quarantine USING DELTA LOCATION '{path}'")
    quarantine = open_quarantine(f"spark:{schema}.orders__quarantine", clock=lambda: START + timedelta(days=30))
    assert {each.id for each in quarantine.records()} == {each.id for each in open_quarantine(str(path)).records()}
    assert len(purge(quarantine, actor="timer", reason="retention").records) == 2
    assert [each.quarantined_at for each in quarantine.records() if each.held] == [later]
    (last,) = spark.sql(f"DESCRIBE HISTORY {schema}.orders__quarantine LIMIT 1").collect()
    assert last["operation"] == "DELETE"


def test_rows_go_the_whole_way_once(spark: Any, tmp_path: Path) -> None:
    load = Load(spark, tmp_path, "(1, '1.5'), (2, '-1'), (3, 'abc'), (4, '-2')")
    quarantine, ids = load.opened(), load.ids()
    in_spark = open_quarantine(f"spark:{load.place}")
    assert [each.row for each in in_spark.records()] == [each.row for each in quarantine.records()]
    assert {each.id for each in in_spark.records()} == set(ids.values())
    lost = quarantine.record(ids[3])
    assert (lost.raw_values, lost.failed_rules[0].rule_id) == ({"amount": "abc"}, "orders.amount.type")

    in_spark.review(list(ids.values()), actor="ada")
    in_spark.correct(ids[2], {"amount": 1.0}, actor="ada", reason="sign")
    quarantine.correct(ids[4], {"order_id": 1, "amount": 5.0}, actor="ada", reason="renumbered")
    quarantine.approve([ids[3]], actor="ada", reason="let us see")
    done = load.replay()
    assert (done.written, done.rows) == ((ids[2],), 1)
    assert done.returned == {ids[3]: ("orders.amount.type",), ids[4]: ("orders.primaryKey",)}
    assert load.there() == [(1, 1.5), (2, 1.0)]
    statuses = [quarantine.record(ids[n]).status for n in (2, 3, 4)]
    assert statuses == [Status.REPLAYED, Status.IN_REVIEW, Status.IN_REVIEW]
    assert len(quarantine.place.stored()) == 3
    assert (load.replay().written, load.replay(ids[2]).already) == ((), (ids[2],))

    quarantine.approve([ids[3]], actor="ada", reason="we need it")
    skipped = load.replay(ids[3], skip_checks=True, reason="the report needs the order")
    assert (skipped.written, load.there()) == ((ids[3],), [(1, 1.5), (2, 1.0), (3, None)])
    last = in_spark.decisions(ids[3])[-1]
    assert (last.act, last.actor, last.skipped_checks) == (Act.REPLAY, "bob", True)
    assert last.reason == "the report needs the order"


def test_the_contract_of_today_decides_and_what_was_lost_is_read_again(spark: Any, tmp_path: Path) -> None:
    path = set_aside(tmp_path / "orders__quarantine", [(7, -7.0, "a"), (7, -7.0, "a")], run=None)
    set_aside(path, [(8, None, "b")], run=None, raw={"amount": "8.5"})
    quarantine = open_quarantine(str(path), clock=SetClock())
    ids = {each.row["order_id"]: each.id for each in quarantine.records() if each.row}
    quarantine.review(list(ids.values()), actor="ada")
    quarantine.approve(list(ids.values()), actor="ada", reason="the rule was wrong")
    target = str(tmp_path / "orders")

    def again(**rules: Any) -> Any:
        contract = orders_contract(version="1.1.0", **rules)
        return replay(quarantine, Target(contract=contract, path=target), spark=spark, actor="bob")

    with pytest.raises(ContractViolated, match="LP893"):
        again(minimum=-10, at_most_rows=1)
    assert {(each.status, each.replay_run) for each in quarantine.records() if each.version} == {(Status.APPROVED, "")}
    assert again(minimum=-10).rows == 2
    assert again(minimum=-10).rows == 0
    found = spark.read.format("delta").load(target).select("order_id", "amount").collect()
    assert sorted(map(tuple, found)) == [(7, -7.0), (8, 8.5)]


KILLED = """
import os, signal, sys
from pyspark.sql.connect.session import SparkSession
from lakepact.io import using
from lakepact.quarantine import Act, Quarantine, Target, replay
from lakepact.quarantine.delta_place import DeltaPlace
sys.path.insert(0, sys.argv[3])
from quarantine_samples import orders_contract

class Killed(DeltaPlace):
    def append(self, decisions):
        if decisions[0].act is Act.REPLAY:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().append(decisions)

spark = SparkSession.builder.remote(sys.argv[1]).create()
with using(results=None):
    place = Killed(sys.argv[2] + "__quarantine")
    replay(Quarantine(place), Target(contract=orders_contract(), path=sys.argv[2]), spark=spark, actor="eve")
"""


def test_a_replay_that_was_killed_between_write_and_decision_writes_nothing_again(
    local_session: Any, spark: Any, tmp_path: Path
) -> None:
    load = Load(spark, tmp_path, "(1, '1.5'), (2, '-1'), (3, '-2')")
    quarantine, ids = load.opened(), load.ids()
    quarantine.review(list(ids.values()), actor="ada")
    quarantine.correct(ids[2], {"amount": 1.0}, actor="ada", reason="sign")
    url = f"sc://localhost:{local_session._engine.port}/;user_id=lakepact"
    arguments = [sys.executable, "-c", KILLED, url, load.path, str(Path(__file__).parent)]
    ended = subprocess.run(arguments, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert load.there() == [(1, 1.5), (2, 1.0)]
    assert (quarantine.record(ids[2]).status, quarantine.record(ids[2]).replay_run != "") == (Status.CORRECTED, True)
    # Another record is ready by now, so that this replay is about others than the one that was killed.
    quarantine.correct(ids[3], {"amount": 2.0}, actor="ada", reason="sign")
    done = load.replay(give_up_after=timedelta(0))
    assert (set(done.written), done.rows) == ({ids[2], ids[3]}, 1)
    assert load.there() == [(1, 1.5), (2, 1.0), (3, 2.0)]
    assert {quarantine.record(each).status for each in (ids[2], ids[3])} == {Status.REPLAYED}


class Stopping(DeltaPlace):
    """A place whose process ends when a replay has claimed its records."""

    def append(self, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
        refused = super().append(decisions)
        if decisions[0].act is Act.CLAIM:
            raise KeyboardInterrupt("stopped")
        return refused


class Ending(DeltaPlace):
    """A place whose process ends when a replay has written its records, and is about to say so."""

    def append(self, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
        if decisions[0].act is Act.REPLAY:
            raise KeyboardInterrupt("stopped")
        return super().append(decisions)


def stopped(load: Load, clock: SetClock, place: type[DeltaPlace] = Stopping, **more: Any) -> None:
    """A replay that ends right after it has claimed its records, or as the place says."""
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        load.replay(quarantine=Quarantine(place(load.place), clock=clock), **more)


def test_a_replay_that_ended_before_its_write_is_ended_by_the_next_or_given_up(spark: Any, tmp_path: Path) -> None:
    load, clock = Load(spark, tmp_path, "(1, '1.5'), (2, '-1'), (3, '-2')"), SetClock()
    quarantine, ids = load.opened(retention=timedelta(days=36500)), load.ids()
    quarantine.review(list(ids.values()), actor="ada")
    quarantine.correct(ids[2], {"amount": 1.0}, actor="ada", reason="sign")
    stopped(load, clock)
    assert load.there() == [(1, 1.5)]
    with pytest.raises(LifecycleRefused, match=r"LP982: purge of .* has claimed it"):
        purge(quarantine, (ids[2],), actor="ada", reason="asked to")
    timed = load.opened(clock=clock)
    assert load.replay(quarantine=timed).rows == 1
    assert load.there() == [(1, 1.5), (2, 1.0)]
    quarantine.correct(ids[3], {"amount": 2.0}, actor="ada", reason="sign")
    stopped(load, clock)
    write_with_contract(spark.sql(LOADED.format("(3, '7')")), load.contract, path=load.path)
    with pytest.raises(LifecycleRefused, match=r"LP982: the replay quarantine-replay-.* cannot be ended"):
        load.replay(quarantine=timed)
    clock.pass_by(hours=1)
    found = load.replay(quarantine=timed)
    assert (found.written, list(found.returned)) == ((), [ids[3]])
    assert load.there() == [(1, 1.5), (2, 1.0), (3, 7.0)]
    assert timed.record(ids[3]).status is Status.IN_REVIEW


def test_a_merge_is_made_once_and_ended_as_a_merge(spark: Any, tmp_path: Path) -> None:
    load, clock = Load(spark, tmp_path, "(1, '1.5'), (2, '-1')"), SetClock()
    quarantine, key = load.opened(clock=clock), load.ids()[2]
    quarantine.review([key], actor="ada")
    quarantine.correct(key, {"order_id": 1, "amount": 9.0}, actor="ada", reason="a newer one")
    stopped(load, clock, mode="merge")
    # Whoever ends it does it as it was begun, whatever they ask for; this one ends when it has written.
    stopped(load, clock, Ending)
    assert load.there() == [(1, 9.0)]
    add = "WHEN MATCHED THEN UPDATE SET t.amount = t.amount + 1"
    with merged_once(spark, "twice", wanted=True):
        for _ in range(2):
            spark.sql(f"MERGE INTO delta.`{load.path}` t USING (SELECT 1 AS n) s ON t.order_id = s.n {add}")
    assert spark.conf.get("spark.databricks.delta.write.txnAppId", None) is None
    done = load.replay(quarantine=quarantine, give_up_after=timedelta(0))
    assert (done.written, done.rows, load.there()) == ((key,), 0, [(1, 10.0)])
    assert load.replay(key, quarantine=quarantine, mode="merge").already == (key,)


def test_a_batch_is_replayed_once_or_goes_back(spark: Any, tmp_path: Path) -> None:
    source, contract, clock = tmp_path / "orders.csv", orders_contract(), SetClock()
    source.write_text("order_id,amount,email\n1,5,a@x\n2,-3,b@x\n")
    url, target = str(tmp_path / "bad"), Target(contract=contract, path=str(tmp_path / "orders"))
    record = quarantine_batch(
        str(source), contract, [FailedRule(POSITIVE)], dataset="orders", url=url, run_id="r", clock=clock
    )
    quarantine = open_quarantine(url, contract=contract, clock=clock)
    quarantine.review([record.id], actor="ada")
    quarantine.approve([record.id], actor="ada", reason="let us see")
    back = replay(quarantine, target, spark=spark, actor="bob")
    assert (back.returned, quarantine.record(record.id).status) == ({record.id: (POSITIVE,)}, Status.IN_REVIEW)
    source.write_text("order_id;amount;email\n1;5;a@x\n2;3;b@x\n")
    reading = {"options": {"sep": ";"}}
    quarantine.correct_batch(record.id, str(source), actor="ada", reason="sign", metadata=reading)
    done = replay(quarantine, target, [record.id], spark=spark, actor="bob")
    assert (done.written, done.rows) == ((record.id,), 2)
    assert replay(quarantine, target, [record.id], spark=spark, actor="bob").already == (record.id,)
    assert sorted(row["amount"] for row in spark.read.format("delta").load(target.path).collect()) == [3.0, 5.0]


def test_the_command_replays(spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = Load(spark, tmp_path, "(1, '1.5'), (2, '-1'), (3, '-2')")
    contract, ids = tmp_path / "orders.odcs.yaml", load.ids()
    contract.write_bytes(load.contract.source)
    quarantine = load.opened()
    quarantine.review(list(ids.values()), actor="ada")
    quarantine.correct(ids[2], {"amount": 1.0}, actor="ada", reason="sign")
    quarantine.approve([ids[3]], actor="ada", reason="let us see")
    command = ["quarantine", "replay", load.place, "--contract", str(contract), "--actor", "bob"]
    assert main([*command, "--json"]) == 1
    printed = capsys.readouterr()
    assert "1 written, 1 back in review, 0 were there already" in printed.err
    said = json.loads(printed.out)
    assert (said["written"], said["rows"], said["returned"]) == ([ids[2]], 1, {ids[3]: [POSITIVE]})
    assert main([*command, ids[2]]) == 0
    assert "0 written, 0 back in review, 1 were there already" in capsys.readouterr().err
    assert load.there() == [(1, 1.5), (2, 1.0)]
