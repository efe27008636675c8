"""Checks that write nothing: the call, the decorator, and the block for tests."""

from __future__ import annotations

import contextvars
import logging
import re
from typing import Any

import pytest
from io_samples import GOOD, NEGATIVE, POUNDS, amount, memory_store, orders, rows

from lakepact.errors import ContractViolated
from lakepact.io import check_with_contract, expecting, keeps_contract, using
from lakepact.results import RuleStatus, Verdict

pytestmark = pytest.mark.spark


def test_a_check_tells_records_and_raises_nothing(session: Any, schema: str) -> None:
    data = rows(session, *GOOD, NEGATIVE, POUNDS).selectExpr("*", "1 AS note").drop("customer_id")
    check = check_with_contract(data, "test.orders", store=memory_store(orders()), dataset="today")
    assert (check.verdict, check.dataset, check.contract_version) == (Verdict.QUARANTINE, "today", "1.0.0")
    assert [(each.rule_id, each.status) for each in check.violated] == [
        ("orders.customer_id.required", RuleStatus.FAIL),
        ("orders.amount.exclusiveMinimum", RuleStatus.FAIL),
        ("schema", RuleStatus.WARN),
        ("orders.currency.enum", RuleStatus.WARN),
    ]
    assert [str(each) for each in check.drift if not each.adapted] == [
        "column 'customer_id' (BIGINT) is missing",
        "column 'note' (INT) is not in the contract",
    ]
    assert check.recorded
    tables = [row.tableName for row in session.sql(f"SHOW TABLES IN {schema}").collect() if not row.isTemporary]
    assert tables == ["rule_results"]
    recorded = session.table(f"{schema}.rule_results").where(f"run_id = '{check.run_id}' AND dataset = 'today'")
    assert sorted((row.rule_id, row.status) for row in recorded.collect()) == sorted(
        (each.rule_id, each.status.value) for each in check.results
    )


@pytest.mark.parametrize(
    ("threshold", "given", "verdict"),
    [(0, "50D", Verdict.PASS), (100, "50D", Verdict.QUARANTINE), (100, "100.5D", Verdict.PASS)],
)
def test_the_threshold_of_the_contract_decides(spark: Any, threshold: float, given: str, verdict: Verdict) -> None:
    data = rows(spark, GOOD[0].replace("10.0D", given))
    assert check_with_contract(data, orders(amount(limit=threshold))).verdict is verdict


def test_the_decorator_gives_the_frame_or_raises(session: Any) -> None:
    @keeps_contract("test.orders", store=memory_store(orders()))
    def made(*given: str, note: str = "") -> Any:
        """Orders."""
        frame = rows(session, *given)
        return frame.selectExpr("*", f"'{note}' AS note") if note else frame

    assert (made.__name__, made.__doc__) == ("made", "Orders.")
    assert made(*GOOD, POUNDS).count() == 3
    name = "test_the_decorator_gives_the_frame_or_raises.<locals>.made"
    with pytest.raises(
        ContractViolated, match=rf"^LP893: {re.escape(name)} does not keep 'test\.orders' 1\.0\.0, "
    ) as raised:
        made(NEGATIVE)
    assert f"{name}: error LP893: orders.amount.exclusiveMinimum: 1 of 1 rows" in str(raised.value).splitlines()
    with pytest.raises(ContractViolated, match=r"^LP892: .*: its columns do not fit\n") as raised:
        made(*GOOD, note="x")
    assert f"{name}: error LP892: column 'note' (STRING) is not in the contract" in str(raised.value).splitlines()


def test_a_block_tells_of_all_frames_at_its_end(spark: Any) -> None:
    with expecting(orders()) as keeps:
        first = keeps(rows(spark, *GOOD))
    assert keeps.results == [first]

    def both() -> None:
        with expecting(orders(), on_violation="raise") as keeps:
            assert keeps(rows(spark, NEGATIVE), dataset="morning").verdict is Verdict.FAIL
            assert keeps(rows(spark, *GOOD)).verdict is Verdict.PASS
            assert keeps(rows(spark, NEGATIVE, NEGATIVE)).dataset == "data frame 3"

    said = r"^LP893: morning, data frame 3 does not keep 'test\.orders' 1\.0\.0, object 'orders': it breaks rules\n"
    with pytest.raises(ContractViolated, match=said) as raised:
        both()
    errors = [line for line in str(raised.value).splitlines() if " error " in line]
    assert errors == [
        "morning: error LP893: orders.amount.exclusiveMinimum: 1 of 1 rows",
        "data frame 3: error LP893: orders.amount.exclusiveMinimum: 2 of 2 rows",
        "data frame 3: error LP893: orders.primaryKey: 2 of 2 rows",
    ]


def test_an_error_in_a_block_is_the_one_that_is_seen(spark: Any) -> None:
    def failing() -> None:
        with expecting(orders()) as keeps:
            keeps(rows(spark, NEGATIVE))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        failing()


def test_a_check_is_recorded_where_a_place_is_named(spark: Any, schema: str, caplog: pytest.LogCaptureFixture) -> None:
    data, table = rows(spark, *GOOD, NEGATIVE), f"{schema}.rule_results"
    assert contextvars.Context().run(check_with_contract, data, orders()).recorded is False
    with using(results=None):
        assert check_with_contract(data, orders(), run_id="run-1").recorded is False
        with expecting(orders(amount(action="warn"))) as keeps:
            assert keeps(data).recorded is False
        for dataset in ("today", "tomorrow"):
            assert check_with_contract(data, orders(), run_id="run-2", dataset=dataset, results=schema).recorded
        with caplog.at_level(logging.WARNING, "lakepact.io.recording"):
            check = check_with_contract(data, orders(), run_id="run-3", results="no_catalog.lakepact")
    assert (check.verdict, check.recorded) == (Verdict.QUARANTINE, False)
    assert "the results of run run-3 are not recorded in no_catalog.lakepact: " in caplog.text
    found = spark.table(table).where("rule_id = 'orders.amount.exclusiveMinimum'").select("run_id", "dataset", "status")
    assert sorted(map(tuple, found.collect())) == [("run-2", "today", "fail"), ("run-2", "tomorrow", "fail")]
