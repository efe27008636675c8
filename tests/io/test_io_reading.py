"""Reads under a contract: what a reader gets, and when it gets nothing."""

from __future__ import annotations

import datetime as dt
import logging
import re
from typing import Any

import pytest
from io_samples import GOOD, NEGATIVE, POUNDS, amount, currency, declared, listed, memory_store, orders, rows

from lakepact.errors import ContractMissing, ContractViolated, UsageError
from lakepact.io import read_with_contract, write_with_contract
from lakepact.store import Status

pytestmark = pytest.mark.spark

FIRST = (1, 101, dt.datetime(2024, 1, 1, 10), 10.0, "EUR")
SECOND = (2, 102, dt.datetime(2024, 1, 2, 10), 20.5, "USD")
COLUMNS = ["order_id", "customer_id", "order_ts", "amount", "currency"]


def stored(session: Any, schema: str, *given: str, name: str = "sales", added: str = "") -> str:
    """A table that lakepact did not write."""
    table = f"{schema}.{name}"
    rows(session, *given).selectExpr("*", *([added] if added else [])).createOrReplaceTempView("given_rows")
    session.sql(f"CREATE TABLE {table} USING DELTA AS SELECT * FROM given_rows")
    session.catalog.dropTempView("given_rows")
    return table


def test_what_was_written_is_read(session: Any, schema: str) -> None:
    store, table = memory_store(orders()), f"{schema}.sales"
    write_with_contract(rows(session, *GOOD), "test.orders", table=table, store=store)
    frame = read_with_contract(session, "test.orders", version=">=1,<2", table=table, store=store, run_id="read-1")
    assert (frame.columns, listed(frame)) == (COLUMNS, [FIRST, SECOND])
    recorded = session.table(f"{schema}.rule_results").where("run_id = 'read-1'").collect()
    assert {(row["dataset"], row["status"]) for row in recorded} == {(table, "pass")}
    assert listed(read_with_contract(session, "test.orders", table=table, store=store, on_violation="gate")) == [
        FIRST,
        SECOND,
    ]


def test_every_way_to_meet_violations(session: Any, schema: str, caplog: pytest.LogCaptureFixture) -> None:
    table, contract = stored(session, schema, *GOOD, NEGATIVE, POUNDS), orders(currency(action="drop"))
    expected = (
        f"LP893: {table} does not keep 'test.orders' 1.0.0, object 'orders': it breaks rules\n"
        f"{table}: error LP893: orders.amount.exclusiveMinimum: 1 of 4 rows\n"
        f"{table}: error LP893: orders.currency.enum: 1 of 4 rows\n"
        "  hint: each violation stands above"
    )
    with pytest.raises(ContractViolated, match=r"^LP893: ") as raised:
        read_with_contract(session, contract, table=table)
    assert "\n".join(line for line in str(raised.value).splitlines() if " warning " not in line) == expected
    filtered = read_with_contract(session, contract, table=table, on_violation="filter")
    assert listed(filtered) == [FIRST, SECOND]
    with caplog.at_level(logging.WARNING, "lakepact.io.reading"):
        caplog.clear()
        warned = read_with_contract(session, contract, table=table, on_violation="warn")
    assert [row[0] for row in listed(warned)] == [1, 2, 3, 4]
    assert caplog.messages == [
        f"{table}: rule orders.amount.exclusiveMinimum is violated: 1 of 4 rows",
        f"{table}: rule orders.currency.enum is violated: 1 of 4 rows",
    ]
    before = session.table(f"{schema}.rule_results").count()
    ignored = read_with_contract(session, contract, table=table, on_violation="ignore")
    assert [row[0] for row in listed(ignored)] == [1, 2, 3, 4]
    assert session.table(f"{schema}.rule_results").count() == before


def test_what_only_warns_does_not_stop_a_reader(spark: Any, schema: str) -> None:
    table = stored(spark, schema, *GOOD, POUNDS)
    assert read_with_contract(spark, orders(), table=table).count() == 3


def test_the_gate_opens_for_what_was_written_under_the_contract(spark: Any, schema: str) -> None:
    table, contract = f"{schema}.sales", orders()

    def gate(asked: Any = contract) -> int:
        return int(read_with_contract(spark, asked, table=table, on_violation="gate").count())

    def refusal(why: str, asked: Any = contract) -> None:
        expected = (
            f"LP895: {table} is not known to keep 'test.orders' {asked.version}: {why}\n"
            "  hint: read with on_violation='raise', which evaluates the rules"
        )
        with pytest.raises(ContractViolated, match=f"^{re.escape(expected)}$"):
            gate(asked)

    stored(spark, schema, *GOOD)
    refusal("its last change was not made by lakepact")
    write_with_contract(rows(spark, *GOOD, NEGATIVE), contract, table=table, mode="overwrite")
    assert gate() == 2
    # What changes no row closes nothing.
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('team' = 'shop')")
    spark.sql(f"OPTIMIZE {table}")
    assert gate() == 2
    refusal("its last change was made under 'test.orders' 1.0.0", orders(version="1.1.0"))
    with pytest.raises(ContractViolated, match=r"^LP893: "):
        write_with_contract(rows(spark, NEGATIVE), orders(amount(action="fail")), table=table)
    assert gate() == 2
    spark.sql(f"DELETE FROM {table} WHERE order_id = 2")
    refusal("its last change was not made by lakepact")


def test_columns_that_a_reader_cannot_have(spark: Any, schema: str) -> None:
    table = stored(spark, schema, *GOOD, added="array(1) AS note")
    contract = orders(declared("note", "integer"), declared("gone", "string", required=True))
    expected = (
        f"LP892: {table} does not keep 'test.orders' 1.0.0, object 'orders': its columns do not fit\n"
        f"{table}: error LP892: column 'note' is ARRAY<INT>, the contract wants BIGINT: which cannot be converted\n"
        f"{table}: error LP892: column 'gone' (STRING) is missing\n"
        "  hint: each violation stands above"
    )
    with pytest.raises(ContractViolated, match=r"^LP892: ") as raised:
        read_with_contract(spark, contract, table=table)
    assert "\n".join(line for line in str(raised.value).splitlines() if " warning " not in line) == expected


def test_columns_beside_the_contract_are_left_out_or_kept_last(session: Any, schema: str) -> None:
    table = stored(session, schema, *GOOD, added="'x' AS note")
    assert read_with_contract(session, orders(), table=table).columns == COLUMNS
    kept = read_with_contract(session, orders(), table=table, extra=True)
    assert kept.columns == [*COLUMNS, "note"]
    assert listed(kept)[0] == (*FIRST, "x")
    filtered = read_with_contract(session, orders(), table=table, extra=True, on_violation="filter")
    assert listed(filtered)[0] == (*FIRST, "x")


def test_a_mismatch_is_proposed_and_what_fits_is_read(spark: Any, schema: str) -> None:
    table, store = stored(spark, schema, *GOOD, added="'x' AS note"), memory_store(orders())
    found = read_with_contract(spark, "test.orders", table=table, store=store, on_mismatch="draft")
    assert found.columns == COLUMNS
    (draft,) = store.list_versions("test.orders", status=Status.DRAFT)
    assert "note" in {each.name for each in store.get("test.orders", draft.version).schema[0].columns}
    evolved = read_with_contract(spark, "test.orders", table=table, store=store, on_mismatch="evolve")
    assert evolved.columns == [*COLUMNS, "note"]
    assert len(store.list_versions("test.orders", status=Status.DRAFT)) == 1


def test_values_come_in_the_types_of_the_contract(spark: Any, schema: str) -> None:
    types = "currency STRING, amount DECIMAL(10,2), order_ts STRING, customer_id INT, ORDER_ID SMALLINT"
    spark.sql(f"CREATE TABLE {schema}.sales ({types}) USING DELTA")
    spark.sql(f"INSERT INTO {schema}.sales VALUES ('EUR', 10.00, '2024-01-01 10:00:00', 101, 1)")
    frame = read_with_contract(spark, orders(), table=f"{schema}.sales")
    assert [kind for _, kind in frame.dtypes] == ["bigint", "bigint", "timestamp", "double", "string"]
    assert listed(frame) == [FIRST]
    spark.sql(f"INSERT INTO {schema}.sales VALUES ('EUR', 10.00, 'yesterday', 101, 2)")
    with pytest.raises(ContractViolated, match=r"error LP893: orders\.order_ts\.type: 1 of 2 rows"):
        read_with_contract(spark, orders(), table=f"{schema}.sales")


def test_a_read_by_path(session: Any, schema: str, tmp_path: Any) -> None:
    place = str(tmp_path / "it's here")
    write_with_contract(rows(session, *GOOD), orders(), path=place)
    assert listed(read_with_contract(session, orders(), path=place, on_violation="gate")) == [FIRST, SECOND]


def test_calls_that_are_wrong(spark: Any, schema: str) -> None:
    with pytest.raises(UsageError, match=r"^LP891: both a table and a path are given\n  hint: give one of them$"):
        read_with_contract(spark, orders(), table="a", path="/b")
    with pytest.raises(ContractMissing, match=r"^LP850: "):
        read_with_contract(spark, "nothing", table="a", store=memory_store())
    with pytest.raises(ContractViolated, match=r"^LP894: contract 'test\.orders' 1\.0\.0 is draft\n"):
        read_with_contract(spark, orders(status="draft"), table="a")
    spark.sql(f"CREATE VIEW {schema}.shown AS SELECT 1L AS order_id")
    with pytest.raises(UsageError, match=rf"^LP896: {schema}\.shown is no Delta table: \["):
        read_with_contract(
            spark, orders(), table=f"{schema}.shown", on_violation="gate", on_mismatch="draft", store=memory_store()
        )
