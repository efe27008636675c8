"""Who is told of reads, writes, streams and checks, and what: nobody's data waits for that."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from io_samples import GOOD, NEGATIVE, POUNDS, declared, memory_store, orders, rows

from lakepact.errors import ConfigurationError, ContractViolated
from lakepact.io import (
    Surroundings,
    check_with_contract,
    expecting,
    read_with_contract,
    using,
    write_stream_with_contract,
    write_with_contract,
)
from lakepact.notify import MemoryPlace, Notifier, Route, open_notifier
from lakepact.notify.facts import Facts
from lakepact.results import Verdict

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)

SETTINGS = """
channels: {chat: {type: slack, webhook: "${env:HOOK}"}}
routes: [{channels: [chat]}]
link: https://lake.example.com/{dataset}/{run}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "notify.yml"
    file.write_text(SETTINGS)
    return file


def told(file: Path) -> list[Facts]:
    """What was written down for people."""
    return [facts for _, facts in open_notifier(file).outbox.news()]


def test_the_environment_names_the_settings_unless_a_call_does(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKEPACT_NOTIFY", raising=False)
    assert Surroundings().notifier() is None
    monkeypatch.setenv("LAKEPACT_NOTIFY", str(settings))
    found = Surroundings().notifier()
    assert found is not None
    assert list(found.channels) == ["chat"]
    assert Surroundings(notify="").notifier() is None
    own = Notifier([Route(channels=())], [], MemoryPlace())
    assert Surroundings(notify=own).notifier() is own
    monkeypatch.setenv("LAKEPACT_NOTIFY", str(tmp_path / "none.yml"))
    with using(notify=settings) as surroundings:
        assert surroundings.notifier() is not None


def test_settings_that_cannot_be_used_are_told_where_they_are_named(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"LP950: '.*none\.yml' cannot be read"),
        using(notify=tmp_path / "none.yml"),
    ):
        pass


@pytest.mark.spark
def test_writes_and_reads_tell_what_they_found_with_a_few_masked_rows(
    local_session: Any, schema: str, settings: Path
) -> None:
    session = local_session.connect
    secret = declared("customer_id", "integer", required=True, classification="restricted")
    store, table = memory_store(orders(secret)), f"{schema}.sales"
    bad = [NEGATIVE.replace("3, 103", f"{n}, 103") for n in range(10, 30)]
    with using(store=store, results=None, notify=settings):
        written = write_with_contract(
            rows(session, *GOOD, POUNDS, *bad), "test.orders", table=table, run_id="run-1", clock=lambda: NOW
        )
        (facts,) = told(settings)
        assert (facts.dataset, facts.run_id, facts.verdict) == (table, "run-1", Verdict.QUARANTINE)
        assert facts.quarantine == f"https://lake.example.com/{table}/run-1"
        assert facts.quarantine_place == written.quarantine == f"{table}__quarantine"
        violations = {each.rule_id: each for each in facts.violations}
        assert set(violations) == {"orders.amount.exclusiveMinimum", "orders.currency.enum"}
        samples = violations["orders.amount.exclusiveMinimum"].samples
        assert len(samples) == 5
        assert {(row["customer_id"], row["amount"], row["currency"]) for row in samples} == {("***", "-5.0", "EUR")}
        assert violations["orders.currency.enum"].samples == ()
        read_with_contract(session, "test.orders", table=table, run_id="run-2")
        assert {each.run_id for each in told(settings)} == {"run-1", "run-2"}
        with pytest.raises(ContractViolated, match="LP893"):
            write_with_contract(
                rows(session, NEGATIVE), "test.orders", table=table, run_id="run-3", on_violation="raise"
            )
        assert {each.run_id: each.verdict for each in told(settings)}["run-3"] is Verdict.FAIL


@pytest.mark.spark
def test_checks_tell_and_tests_do_not(
    spark: Any, settings: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAKEPACT_NOTIFY", str(settings))
    check_with_contract(rows(spark, NEGATIVE), orders(), dataset="today", run_id="run-1")
    assert [(each.dataset, each.run_id) for each in told(settings)] == [("today", "run-1")]
    with expecting(orders()) as keeps:
        keeps(rows(spark, *GOOD))
    assert len(told(settings)) == 1
    settings.write_text("channels: {}\n")
    with caplog.at_level(logging.WARNING):
        found = check_with_contract(rows(spark, NEGATIVE), orders(), run_id="run-2")
    assert found.verdict is Verdict.QUARANTINE
    assert f"nobody is told of run run-2: LP950: 2 errors in '{settings}'" in caplog.text


@pytest.mark.spark
def test_each_batch_of_a_stream_is_told(spark: Any, schema: str, settings: Path, tmp_path: Path) -> None:
    rows(spark, *GOOD, NEGATIVE).write.format("delta").saveAsTable(f"{schema}.raw")
    with using(store=memory_store(orders()), results=None, notify=settings):
        query = write_stream_with_contract(
            spark.readStream.table(f"{schema}.raw"),
            "test.orders",
            checkpoint=str(tmp_path / "checkpoint"),
            table=f"{schema}.sales",
            trigger={"availableNow": True},
        )
        query.awaitTermination()
    (facts,) = told(settings)
    assert (facts.dataset, facts.verdict) == (f"{schema}.sales", Verdict.QUARANTINE)
    assert facts.run_id.endswith(":0")
    assert [len(each.samples) for each in facts.violations] == [1]


@pytest.mark.spark
def test_columns_that_are_refused_are_one_incident_until_they_fit(spark: Any, schema: str) -> None:
    notifier, table = Notifier([Route(channels=())], [], MemoryPlace()), f"{schema}.sales"
    good, more = rows(spark, *GOOD), rows(spark, *GOOD).selectExpr("*", "1 AS note")

    def incidents() -> dict[str, str]:
        notifier.flush(seconds=5)
        (group,) = notifier.outbox.groups()
        assert group.facts.dataset == table
        return {rule: each.violation.message for rule, each in group.incidents.items()}

    def refused(run: str, version: str = "1.0.0", **settings: Any) -> dict[str, str]:
        with pytest.raises(ContractViolated, match=r"^LP892: the columns do not fit"):
            write_with_contract(more, orders(version=version), table=table, run_id=run, **settings)
        return incidents()

    with using(results=schema, notify=notifier):
        write_with_contract(rows(spark, *GOOD, POUNDS), orders(), table=table, run_id="run-1")
        pounds = {"orders.currency.enum": "1 of 3 rows"}
        assert incidents() == pounds
        note = {"schema": "column 'note' (INT) is not in the contract"}
        assert refused("run-2") == pounds | note
        # Rules that were not asked are not gone, though the contract is another one.
        assert refused("run-3", "1.1.0") == pounds | note
        write_with_contract(good, orders(version="1.1.0"), table=table, mode="overwrite", run_id="run-4")
        assert incidents() == {}
        # The same run holds the table against the contract again: that is recorded beside the write.
        assert check_with_contract(good, orders(version="1.1.0"), dataset=table, run_id="run-4").recorded
        with pytest.raises(ContractViolated, match=r"^LP892: .* its columns do not fit"):
            read_with_contract(spark, orders(declared("gone", "string")), table=table, run_id="run-5")
        assert incidents() == {"schema": "column 'gone' (STRING) is missing"}
    assert spark.table(f"{schema}.rule_results").where("run_id = 'run-4' AND rule_id = 'schema'").count() == 2
    recorded = spark.table(f"{schema}.rule_results").where("run_id = 'run-2'").select("rule_id", "status").collect()
    assert ("schema", "fail") in map(tuple, recorded)
    assert {row.status for row in recorded if row.rule_id != "schema"} == {"skipped"}


@pytest.mark.spark
def test_each_start_of_a_stream_that_is_refused_is_news(spark: Any, schema: str, settings: Path) -> None:
    rows(spark, *GOOD).selectExpr("*", "1 AS note").write.format("delta").saveAsTable(f"{schema}.raw")
    stream = spark.readStream.table(f"{schema}.raw")
    with using(results=None, notify=settings):
        for _ in range(2):
            with pytest.raises(ContractViolated, match="LP892"):
                write_stream_with_contract(stream, orders(), checkpoint="none", table=f"{schema}.sales")
    first, second = told(settings)
    assert (first.dataset, [each.rule_id for each in first.violations]) == (f"{schema}.sales", ["schema"])
    assert first.id != second.id
