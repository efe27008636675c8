"""What goes wrong around a write: killed runs, repeated runs, data that changes, stores and tables that are away."""

from __future__ import annotations

import datetime as dt
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from io_samples import GOOD, NEGATIVE, file_store, fill, listed, memory_store, orders, rows

from lakepact.errors import ContractViolated, LakepactError
from lakepact.io import OnViolation, Surroundings, read_with_contract, using, write_with_contract
from lakepact.io.judging import judge
from lakepact.io.model import WriteMode
from lakepact.io.order import WriteOrder
from lakepact.io.publishing import publish, set_aside
from lakepact.io.resolving import resolve
from lakepact.io.tables import table_named
from lakepact.plan.model import DatasetRole
from lakepact.results import Verdict
from lakepact.store import Status, create_store

pytestmark = pytest.mark.spark

ENOUGH = {"id": "enough", "metric": "rowCount", "mustBeGreaterOrEqualTo": 2, "severity": "error"}


def versions(session: Any, table: str) -> list[int]:
    return [row["version"] for row in session.sql(f"DESCRIBE HISTORY {table}").collect()]


@pytest.mark.parametrize(("kind", "mode"), [("connect", "append"), ("classic", "merge"), ("connect", "overwrite")])
def test_a_repeated_run_writes_nothing_again(local_session: Any, schema: str, kind: str, mode: str) -> None:
    session = getattr(local_session, kind)
    table, contract = f"{schema}.sales", orders(quality=[ENOUGH])
    first = write_with_contract(rows(session, *GOOD, NEGATIVE), contract, table=table, mode=mode, run_id="it's run 1")
    before = versions(session, table)
    again = write_with_contract(rows(session, *GOOD, NEGATIVE), contract, table=table, mode=mode, run_id="it's run 1")
    assert (first.repeated, again.repeated, again.version, again.written) == (False, True, None, 0)
    assert again.verdict is first.verdict
    assert versions(session, table) == before
    assert (session.table(table).count(), session.table(f"{table}__quarantine").count()) == (2, 1)
    recorded = session.table(f"{schema}.rule_results").groupBy("rule_id").count().collect()
    assert {row["count"] for row in recorded} == {1}


def test_a_repeated_run_is_not_judged_by_its_own_keys_or_rows_alone(spark: Any, schema: str) -> None:
    table, contract = f"{schema}.sales", orders(quality=[ENOUGH])
    write_with_contract(rows(spark, *GOOD), contract, table=table)
    third = NEGATIVE.replace("-5", "5")
    write_with_contract(rows(spark, third), contract, table=table, run_id="run-1")
    again = write_with_contract(rows(spark, third), contract, table=table, run_id="run-1")
    assert (again.repeated, again.verdict, spark.table(table).count()) == (True, Verdict.PASS, 3)


def test_a_run_that_failed_and_was_mended_is_recorded_twice(spark: Any, schema: str) -> None:
    table = f"{schema}.sales"
    with pytest.raises(ContractViolated, match=r"^LP893: "):
        write_with_contract(rows(spark, NEGATIVE), orders(), table=table, run_id="run-1", on_violation="raise")
    write_with_contract(rows(spark, *GOOD), orders(), table=table, run_id="run-1", on_violation="raise")
    found = spark.table(f"{schema}.rule_results").where("rule_id = 'orders.amount.exclusiveMinimum'").collect()
    assert sorted((row["run_id"], row["status"]) for row in found) == [("run-1", "fail"), ("run-1", "pass")]


@pytest.mark.parametrize("mode", [WriteMode.APPEND, WriteMode.MERGE])
def test_a_run_that_was_killed_between_its_commits_goes_on(spark: Any, schema: str, mode: WriteMode) -> None:
    table, contract = table_named(f"{schema}.sales"), orders()
    data = rows(spark, *GOOD, NEGATIVE)
    order = WriteOrder(table=table, mode=mode, run_id="run-1", repeatable=True)
    governed = resolve(
        contract,
        object_name=None,
        version="",
        statuses=(Status.VALIDATED,),
        on_violation=OnViolation.CONTRACT,
        policy=None,
        place=table,
        surroundings=Surroundings(),
    )

    def parts(*, published: bool) -> None:
        with judge(spark, data, governed, run_id="run-1", dataset=str(table), clock=order.clock) as judgement:
            assert set_aside(judgement, governed, order, table.beside(DatasetRole.QUARANTINE))
            if published:
                table.create(spark, contract, governed.described, governed.rules)
                publish(spark, judgement, governed, order, table)

    parts(published=False)
    assert not spark.catalog.tableExists(f"{schema}.sales")
    if mode is WriteMode.MERGE:
        # This one got further: only the properties and the results are missing.
        parts(published=True)
    result = write_with_contract(data, contract, table=str(table), mode=mode, run_id="run-1")
    assert result.repeated is (mode is WriteMode.MERGE)
    assert result.recorded
    assert [row[0] for row in listed(spark.table(f"{schema}.sales"))] == [1, 2]
    assert spark.table(f"{schema}.sales__quarantine").count() == 1
    assert read_with_contract(spark, contract, table=str(table), on_violation="gate").count() == 2


def test_data_that_changes_between_judging_and_writing(spark: Any, schema: str) -> None:
    source, table = f"{schema}.source", f"{schema}.sales"
    rows(spark, *GOOD).write.format("delta").saveAsTable(source)
    third = NEGATIVE.replace("-5", "5")

    def late() -> Any:
        """A clock that is asked after the rows are counted and before they are written."""
        if spark.table(source).count() == 2:
            rows(spark, third).write.format("delta").mode("append").saveAsTable(source)
        return dt.datetime(2024, 5, 1, tzinfo=dt.UTC)

    expected = (
        f"LP897: 2 rows of {table} were judged and 3 written: the data changed in between\n"
        "  hint: every written row keeps the rules on rows; write with pin=True, or restore the version before 1"
    )
    with pytest.raises(ContractViolated, match=f"^{re.escape(expected)}$"):
        write_with_contract(spark.table(source), orders(), table=table, clock=late)
    spark.sql(f"DELETE FROM {source} WHERE order_id = 3")
    result = write_with_contract(spark.table(source), orders(), table=f"{schema}.pinned", clock=late, pin=True)
    assert (result.written, spark.table(f"{schema}.pinned").count()) == (2, 2)
    assert spark.table(source).count() == 3


def test_the_last_good_contract_is_used_while_the_store_is_away(
    session: Any, schema: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, table = _Away(memory_store(orders())), f"{schema}.sales"
    assert write_with_contract(rows(session, *GOOD), "test.orders", table=table, store=store).contract_seen is None
    store.away = True
    with caplog.at_level(logging.WARNING, "lakepact.store.last_good"):
        result = write_with_contract(rows(session, *GOOD), "test.orders", table=table, store=store, mode="overwrite")
    assert result.contract_seen is not None
    assert re.fullmatch(
        r"the store memory: cannot be asked \(gone\): contract 'test\.orders' 1\.0\.0 is used as it was 0:0\d:\d\d ago",
        caplog.messages[0],
    )
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(OSError, match=r"^gone$"):
        write_with_contract(rows(session, *GOOD), "test.orders", table=table, store=store)


def test_a_cached_draft_is_never_taken_for_validated(spark: Any, schema: str) -> None:
    store = _Away(memory_store(orders(), status=Status.DRAFT))
    write_with_contract(
        rows(spark, *GOOD), "test.orders", table=f"{schema}.sales", store=store, statuses=[Status.DRAFT]
    )
    store.away = True
    with pytest.raises(OSError, match=r"^gone$"):
        write_with_contract(rows(spark, *GOOD), "test.orders", table=f"{schema}.sales", store=store)


def test_many_failing_runs_make_one_draft(spark: Any, schema: str, tmp_path: Path) -> None:
    address = f"file:{tmp_path / 'store'}"
    create_store(address)
    fill(file_store(address), orders())
    data = rows(spark, *GOOD).selectExpr("*", "'web' AS channel").drop("currency")
    for _ in range(20):
        with pytest.raises(ContractViolated, match=r"column 'currency' \(STRING\) is missing"):
            write_with_contract(data, "test.orders", table=f"{schema}.sales", on_mismatch="evolve", store=address)
    store = file_store(address)
    (draft,) = store.list_versions("test.orders", status=Status.DRAFT)
    assert (draft.created_by, len(store.history("test.orders", draft.version))) == ("lakepact", 1)
    assert store.latest("test.orders").version == "1.0.0"
    assert not spark.catalog.tableExists(f"{schema}.sales")


def test_a_draft_that_reaches_no_place_breaks_nothing(
    spark: Any, schema: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        name = "catalogue"

        def submit(self, draft: Any, actor: str) -> tuple[str, bool]:
            raise RuntimeError("closed today")

    data = rows(spark, *GOOD).selectExpr("*", "'web' AS channel")
    with caplog.at_level(logging.WARNING):
        result = write_with_contract(
            data, orders(), table=f"{schema}.sales", on_mismatch="draft", sinks=[Broken()], run_id="run-1"
        )
    assert (result.written, result.draft) == (2, "")
    assert any("no contract store is named" in message for message in caplog.messages)
    assert any(message.endswith("did not reach catalogue: closed today") for message in caplog.messages)
    assert [file for file in (tmp_path / "cache" / "drafts").rglob("*") if file.is_file()]


@pytest.mark.parametrize("results", ["no.such.place", "", "blocked"])
def test_results_that_cannot_be_recorded_break_nothing(
    session: Any, schema: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, results: str
) -> None:
    name = f"{schema}_{results}" if results == "blocked" else results
    if results == "blocked":
        session.sql(f"CREATE SCHEMA {name} LOCATION '{tmp_path / name}'")
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / name).write_text("not a folder")
    with using(results=name, cache=tmp_path / "cache"), caplog.at_level(logging.WARNING, "lakepact.io.recording"):
        result = write_with_contract(rows(session, *GOOD), orders(), table=f"{schema}.sales", run_id="run-1")
    assert (result.recorded, result.written) == (False, 2)
    said = [record.getMessage() for record in caplog.records if record.name.startswith("lakepact")]
    assert len(said) == 1
    assert said[0].startswith(f"the results of run run-1 are not recorded in {name}: ")
    if results == "blocked":
        (tmp_path / name).unlink()
        session.sql(f"DROP SCHEMA {name} CASCADE")


def test_nothing_is_recorded_where_nobody_wants_it(spark: Any, schema: str, tmp_path: Path) -> None:
    with using(results=None, cache=tmp_path / "cache"):
        assert not write_with_contract(rows(spark, *GOOD), orders(), table=f"{schema}.sales").recorded
    assert not spark.catalog.tableExists(f"{schema}.rule_results")


class _Away:
    """A store that can be away."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if self.away and name != "address":
            raise OSError("gone")
        return getattr(self._store, name)


def test_errors_of_a_store_that_is_there_are_not_helped_out_for(spark: Any, schema: str, tmp_path: Path) -> None:
    with pytest.raises(LakepactError, match=r"^LP856: "):
        write_with_contract(
            rows(spark, *GOOD), "test.orders", table=f"{schema}.sales", store=f"file:{tmp_path / 'none'}"
        )
