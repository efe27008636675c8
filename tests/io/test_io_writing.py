"""Writes under a contract, on real Delta tables: what is written, what is not, and what is said of it."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from io_samples import GOOD, NEGATIVE, POUNDS, amount, currency, declared, listed, memory_store, orders, rows

from lakepact.contract import Contract
from lakepact.errors import ContractViolated, UsageError
from lakepact.io import WriteResult, write_with_contract
from lakepact.results import RuleStatus, Verdict
from lakepact.store import Status

pytestmark = pytest.mark.spark

FIRST = (1, 101, dt.datetime(2024, 1, 1, 10), 10.0, "EUR")
SECOND = (2, 102, dt.datetime(2024, 1, 2, 10), 20.5, "USD")
THIRD = (3, 103, dt.datetime(2024, 1, 3, 10), -5.0, "EUR")
NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
ROW_COUNT = {"id": "enough", "metric": "rowCount", "mustBeGreaterOrEqualTo": 3, "severity": "error"}


def history(session: Any, table: str) -> list[Any]:
    found: list[Any] = session.sql(f"DESCRIBE HISTORY {table}").orderBy("version").collect()
    return found


def properties_of(session: Any, table: str) -> dict[str, str]:
    return {row["key"]: row["value"] for row in session.sql(f"SHOW TBLPROPERTIES {table}").collect()}


def violated(result: WriteResult) -> dict[str, tuple[str, int | None]]:
    return {each.rule_id: (each.status.value, each.violations) for each in result.check.violated}


def test_good_rows_are_written_named_and_recorded(session: Any, schema: str) -> None:
    contract = orders()
    result = write_with_contract(
        rows(session, *GOOD), "test.orders", table=f"{schema}.sales", store=memory_store(contract), clock=lambda: NOW
    )
    assert (result.verdict, result.written, result.quarantine, result.repeated) == (Verdict.PASS, 2, "", False)
    assert (result.table, result.version, result.recorded, result.draft) == (f"{schema}.sales", 1, True, "")
    assert listed(session.table(f"{schema}.sales")) == [FIRST, SECOND]
    created, written = history(session, f"{schema}.sales")
    assert (created["operation"], written["operation"], written["operationMetrics"]["numOutputRows"]) == (
        ("CREATE TABLE", "WRITE", "2")
    )
    named = json.loads(written["userMetadata"])["lakepact"]
    assert named | {"degraded": False} == {
        "run_id": result.run_id,
        "contract_id": "test.orders",
        "contract_version": "1.0.0",
        "contract_sha256": contract.sha256,
        "object": "orders",
        "verdict": "pass",
        "rows": 2,
        "quarantined": 0,
        "dropped": 0,
        "degraded": False,
    }
    properties = properties_of(session, f"{schema}.sales")
    assert properties["lakepact.contract.id"] == "test.orders"
    assert properties["lakepact.contract.version"] == "1.0.0"
    assert properties["lakepact.contract.sha256"] == contract.sha256
    described = {row["col_name"]: row["comment"] for row in session.sql(f"DESCRIBE {schema}.sales").collect()}
    assert described["order_id"] == "Number of the order"
    recorded = session.table(f"{schema}.rule_results").where(f"run_id = '{result.run_id}'").collect()
    assert {row["status"] for row in recorded} == {"pass"}
    assert sorted(row["rule_id"] for row in recorded) == sorted(each.rule_id for each in result.check.results)
    assert {(row["dataset"], row["contract_version"], row["object"], row["at"]) for row in recorded} == {
        (f"{schema}.sales", "1.0.0", "orders", dt.datetime(2024, 5, 1, 12))
    }
    assert json.loads(result.to_json())["check"]["counts"] == {"rows": 2, "quarantined": 0, "dropped": 0, "failing": 0}


@pytest.mark.parametrize("by", ["name", "path"])
def test_bad_rows_are_set_aside(session: Any, schema: str, tmp_path: Path, by: str) -> None:
    place = {"table": f"{schema}.sales"} if by == "name" else {"path": str(tmp_path / "sales")}
    table = next(iter(place.values()))
    data = rows(session, *GOOD, NEGATIVE)
    result = write_with_contract(data, orders(), run_id="run-1", clock=lambda: NOW, **place)
    assert (result.verdict, result.written, result.version) == (Verdict.QUARANTINE, 2, 1)
    assert result.quarantine == f"{table}__quarantine"
    named = (table, result.quarantine) if by == "name" else (f"delta.`{table}`", f"delta.`{result.quarantine}`")
    assert listed(session.table(named[0])) == [FIRST, SECOND]
    (aside,) = session.table(named[1]).collect()
    assert aside.asDict() == dict(
        zip(("order_id", "customer_id", "order_ts", "amount", "currency"), THIRD, strict=True)
    ) | {
        "_lakepact_failed_rules": ["orders.amount.exclusiveMinimum"],
        "_lakepact_raw_values": {},
        "_lakepact_contract_id": "test.orders",
        "_lakepact_contract_version": "1.0.0",
        "_lakepact_run_id": "run-1",
        "_lakepact_quarantined_at": dt.datetime(2024, 5, 1, 12),
    }
    assert properties_of(session, named[1])["lakepact.contract.id"] == "test.orders"
    (found,) = result.check.violated
    assert (found.message, found.sample, found.tested) == ("1 of 3 rows", result.quarantine, 3)


def test_a_quarantine_of_ones_own(spark: Any, schema: str) -> None:
    result = write_with_contract(
        rows(spark, NEGATIVE), orders(), table=f"{schema}.sales", quarantine=f"{schema}.bad_rows"
    )
    assert result.quarantine == f"{schema}.bad_rows"
    assert spark.table(f"{schema}.bad_rows").count() == 1


def test_without_a_table_the_object_names_it(spark: Any, schema: str) -> None:
    before = spark.catalog.currentDatabase()
    spark.catalog.setCurrentDatabase(schema)
    try:
        result = write_with_contract(rows(spark, *GOOD), orders(physicalName="sales_orders"))
    finally:
        spark.catalog.setCurrentDatabase(before)
    assert result.table == "sales_orders"
    assert spark.table(f"{schema}.sales_orders").count() == 2


def test_merge_replaces_what_has_the_same_key(session: Any, schema: str) -> None:
    table = f"{schema}.sales"
    write_with_contract(rows(session, *GOOD), orders(), table=table)
    again = GOOD[1].replace("20.5D", "30D")
    result = write_with_contract(rows(session, again, NEGATIVE.replace("-5", "5")), orders(), table=table, mode="merge")
    assert (result.verdict, result.written) == (Verdict.PASS, 2)
    assert listed(session.table(table)) == [FIRST, (*SECOND[:3], 30.0, "USD"), (*THIRD[:3], 5.0, "EUR")]
    commit = history(session, table)[-1]
    assert commit["operation"] == "MERGE"
    assert json.loads(commit["userMetadata"])["lakepact"]["run_id"] == result.run_id
    assert session.conf.get("spark.databricks.delta.commitInfo.userMetadata", None) is None


def test_merge_into_a_table_that_has_keys_twice(spark: Any, schema: str) -> None:
    table = f"{schema}.sales"
    write_with_contract(rows(spark, *GOOD), orders(), table=table)
    spark.sql(f"INSERT INTO {table} SELECT * FROM {table}")
    result = write_with_contract(rows(spark, *GOOD), orders(), table=table, mode="merge")
    assert (result.verdict, result.written, spark.table(table).count()) == (Verdict.PASS, 2, 4)


def test_merge_keeps_other_keys_unique(spark: Any, schema: str) -> None:
    contract, table = orders(declared("email", "string", unique=True)), f"{schema}.sales"

    def of(*pairs: tuple[int, str]) -> Any:
        given = [f"{GOOD[0].replace('1,', f'{number},', 1)}, '{email}'" for number, email in pairs]
        return rows(spark, *given, columns="order_id, customer_id, order_ts, amount, currency, email")

    write_with_contract(of((1, "a"), (2, "b")), contract, table=table)
    result = write_with_contract(of((1, "c"), (3, "b")), contract, table=table, mode="merge")
    assert violated(result) == {"orders.email.unique": ("fail", 1)}
    assert [(row[0], row[5]) for row in listed(spark.table(table))] == [(1, "c"), (2, "b")]
    # The key that a row gives up is free for its own new version.
    result = write_with_contract(of((2, "b")), contract, table=table, mode="merge")
    assert (result.verdict, result.written) == (Verdict.PASS, 1)


def test_overwrite_keeps_what_belongs_to_the_table(spark: Any, schema: str) -> None:
    table = f"{schema}.sales"
    write_with_contract(rows(spark, *GOOD), orders(), table=table)
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('team' = 'shop')")
    spark.sql(f"ALTER TABLE {table} ALTER COLUMN amount COMMENT 'in euros'")
    spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT small CHECK (amount < 1000)")
    result = write_with_contract(rows(spark, GOOD[1]), orders(), table=table, mode="overwrite")
    assert (result.verdict, result.written) == (Verdict.PASS, 1)
    assert listed(spark.table(table)) == [SECOND]
    properties = properties_of(spark, table)
    assert (properties["team"], properties["delta.constraints.small"]) == ("shop", "amount < 1000")
    comments = {row["col_name"]: row["comment"] for row in spark.sql(f"DESCRIBE {table}").collect()}
    assert (comments["amount"], comments["order_id"]) == ("in euros", "Number of the order")
    assert json.loads(history(spark, table)[-1]["userMetadata"])["lakepact"]["verdict"] == "pass"


@pytest.mark.parametrize("mode", ["append", "merge", "overwrite"])
def test_where_no_row_is_kept_nothing_was_repeated(spark: Any, schema: str, mode: str) -> None:
    result = write_with_contract(rows(spark, NEGATIVE), orders(), table=f"{schema}.sales", mode=mode)
    assert (result.verdict, result.written, result.repeated) == (Verdict.QUARANTINE, 0, False)
    assert spark.table(f"{schema}.sales").count() == 0


@pytest.mark.parametrize(
    ("on_violation", "action", "verdict", "written", "aside"),
    [
        ("contract", "drop", Verdict.QUARANTINE, [1, 2, 4], []),
        ("contract", "quarantine", Verdict.QUARANTINE, [1, 2, 4], [3]),
        ("contract", "warn", Verdict.WARN, [1, 2, 3, 4], []),
        ("quarantine", "drop", Verdict.QUARANTINE, [1, 2, 4], [3]),
        ("quarantine", "fail", Verdict.QUARANTINE, [1, 2, 4], [3]),
        ("warn", "fail", Verdict.WARN, [1, 2, 3, 4], []),
        ("raise", "warn", Verdict.WARN, [1, 2, 3, 4], []),
    ],
)
def test_what_a_violation_does(
    spark: Any, schema: str, on_violation: str, action: str, verdict: Verdict, written: list[int], aside: list[int]
) -> None:
    data = rows(spark, *GOOD, NEGATIVE, POUNDS)
    contract = orders(amount(action=action))
    result = write_with_contract(data, contract, table=f"{schema}.sales", on_violation=on_violation)
    assert result.verdict is verdict
    assert [row[0] for row in listed(spark.table(f"{schema}.sales"))] == written
    assert result.written == len(written)
    kept_aside = spark.catalog.tableExists(f"{schema}.sales__quarantine")
    assert kept_aside == bool(aside) == bool(result.quarantine)
    if aside:
        assert [row[0] for row in listed(spark.table(result.quarantine))] == aside
    assert violated(result)["orders.currency.enum"] == ("warn", 1)


@pytest.mark.parametrize(("on_violation", "action"), [("raise", "drop"), ("raise", "quarantine"), ("contract", "fail")])
def test_nothing_is_written_when_it_raises(spark: Any, schema: str, on_violation: str, action: str) -> None:
    table, contract = f"{schema}.sales", orders(amount(action=action))
    write_with_contract(rows(spark, GOOD[0]), contract, table=table)
    before = history(spark, table)
    expected = (
        f"LP893: {table} would break 'test.orders' 1.0.0: nothing is written\n"
        f"{table}: error LP893: orders.amount.exclusiveMinimum: 1 of 3 rows\n"
        f"{table}: warning LP893: orders.currency.enum: 1 of 3 rows\n"
        "  hint: correct the data, or let on_violation='quarantine' set rows aside"
    )
    data = rows(spark, GOOD[1], NEGATIVE, POUNDS)
    with pytest.raises(ContractViolated, match=f"^{re.escape(expected)}$") as raised:
        write_with_contract(data, contract, table=table, run_id="run-1", on_violation=on_violation)
    assert raised.value.facts["rules"] == ("orders.amount.exclusiveMinimum",)
    assert history(spark, table) == before
    assert not spark.catalog.tableExists(f"{table}__quarantine")
    recorded = spark.table(f"{schema}.rule_results").where("run_id = 'run-1' AND status <> 'pass'").collect()
    assert [(row["rule_id"], row["status"], row["violations"]) for row in sorted(recorded)] == [
        ("orders.amount.exclusiveMinimum", "fail", 1),
        ("orders.currency.enum", "warn", 1),
    ]


def test_results_name_no_quarantine_where_nothing_was_set_aside(spark: Any, schema: str) -> None:
    contract = orders(quality=[ROW_COUNT])
    with pytest.raises(ContractViolated, match=r"orders\.quality\.enough: 1, mustBeGreaterOrEqualTo 3"):
        write_with_contract(rows(spark, GOOD[0], NEGATIVE), contract, table=f"{schema}.sales")
    found = spark.table(f"{schema}.rule_results").where("status = 'fail'").select("rule_id", "sample").collect()
    assert sorted(map(tuple, found)) == [("orders.amount.exclusiveMinimum", None), ("orders.quality.enough", None)]
    assert not spark.catalog.tableExists(f"{schema}.sales")


def test_rules_on_the_whole_speak_of_the_table_that_comes_of_it(spark: Any, schema: str) -> None:
    table, contract = f"{schema}.sales", orders(quality=[ROW_COUNT])
    write_with_contract(rows(spark, *GOOD), orders(), table=table)
    third = NEGATIVE.replace("-5", "5")
    for mode, value in (("append", 1), ("merge", 1), ("overwrite", 1)):
        said = rf"orders\.quality\.enough: {value}, mustBeGreaterOrEqualTo 3"
        with pytest.raises(ContractViolated, match=said):
            write_with_contract(rows(spark, third), contract, table=table, mode=mode, checks_on="batch")
    with pytest.raises(ContractViolated, match=r"orders\.quality\.enough: 2, mustBeGreaterOrEqualTo 3"):
        write_with_contract(rows(spark, GOOD[1]), contract, table=table, mode="merge")
    assert write_with_contract(rows(spark, third), contract, table=table, mode="merge").verdict is Verdict.PASS
    assert spark.table(table).count() == 3


def test_a_key_that_is_there_already_is_set_aside(spark: Any, schema: str) -> None:
    table = f"{schema}.sales"
    write_with_contract(rows(spark, *GOOD), orders(), table=table)
    third = NEGATIVE.replace("-5", "5")
    result = write_with_contract(rows(spark, GOOD[0], third, POUNDS, POUNDS), orders(), table=table)
    assert violated(result)["orders.primaryKey"] == ("fail", 3)
    assert result.written == 1
    assert [row[0] for row in listed(spark.table(table))] == [1, 2, 3]
    assert [row[0] for row in listed(spark.table(result.quarantine))] == [1, 4, 4]


def test_columns_come_in_the_order_and_types_of_the_contract(spark: Any, schema: str) -> None:
    data = spark.sql(
        "SELECT 'EUR' AS Currency, '20.5' AS AMOUNT, '2024-01-01 10:00:00' AS order_ts, 101 AS customer_id, "
        "'1' AS order_id"
    )
    result = write_with_contract(data, orders(), table=f"{schema}.sales")
    assert result.verdict is Verdict.PASS
    stored = spark.table(f"{schema}.sales")
    assert [(each.name, each.dataType.simpleString()) for each in stored.schema.fields] == [
        ("order_id", "bigint"),
        ("customer_id", "bigint"),
        ("order_ts", "timestamp"),
        ("amount", "double"),
        ("currency", "string"),
    ]
    assert listed(stored) == [(*FIRST[:3], 20.5, "EUR")]


def test_a_value_that_would_be_lost_is_a_violation(spark: Any, schema: str) -> None:
    good = "'7', 101, TIMESTAMP'2024-01-01 10:00:00', '1e1', 'EUR'"
    lossy = good.replace("'7'", "'1.5'").replace("'1e1'", "'ten'")
    columns = "order_id, customer_id, order_ts, amount, currency"
    data = spark.sql(f"SELECT * FROM VALUES ({good}), ({lossy}) AS t({columns})")
    result = write_with_contract(data, orders(), table=f"{schema}.sales")
    assert violated(result) == {
        "orders.order_id.type": ("fail", 1),
        "orders.order_id.required": ("fail", 1),
        "orders.amount.type": ("fail", 1),
        "orders.amount.required": ("fail", 1),
    }
    assert listed(spark.table(f"{schema}.sales")) == [(7, *FIRST[1:])]
    (aside,) = spark.table(result.quarantine).collect()
    assert aside["_lakepact_raw_values"] == {"order_id": "1.5", "amount": "ten"}
    assert (aside["order_id"], aside["amount"]) == (None, None)


def test_columns_that_do_not_fit_are_named_one_by_one(spark: Any, schema: str) -> None:
    data = rows(spark, *GOOD).selectExpr(
        "order_id", "order_ts", "array(amount) AS amount", "currency", "1 AS channel", "2 AS Currency"
    )
    expected = (
        "LP892: the columns do not fit 'test.orders' 1.0.0, object 'orders'; nothing is written\n"
        "TABLE: error LP892: column 'customer_id' (BIGINT) is missing\n"
        "TABLE: error LP892: column 'amount' is ARRAY<DOUBLE>, the contract wants DOUBLE: which cannot be converted\n"
        "TABLE: error LP892: column 'currency' is there more than once: currency, Currency\n"
        "TABLE: error LP892: column 'channel' (INT) is not in the contract\n"
        "  hint: change the data, or propose a new version of the contract with on_mismatch='draft'"
    ).replace("TABLE", f"{schema}.sales")
    with pytest.raises(ContractViolated, match=re.escape(expected)[:60]) as raised:
        write_with_contract(data, orders(), table=f"{schema}.sales")
    shown = [line for line in str(raised.value).splitlines() if " warning " not in line]
    assert "\n".join(shown) == expected
    assert raised.value.facts["columns"] == ["customer_id", "amount", "currency", "channel"]
    assert not spark.catalog.tableExists(f"{schema}.sales")


def test_a_mismatch_becomes_a_draft_and_what_fits_is_written(spark: Any, schema: str) -> None:
    store = memory_store(orders())
    data = rows(spark, *GOOD).selectExpr("*", "'web' AS channel").drop("currency")
    result = write_with_contract(data, "test.orders", table=f"{schema}.sales", on_mismatch="draft", store=store)
    (draft,) = store.list_versions("test.orders", status=Status.DRAFT)
    assert result.draft == f"memory:#test.orders@{draft.version}"
    proposed = store.get("test.orders", draft.version).schema[0]
    assert {each.name for each in proposed.columns} >= {"order_id", "channel"}
    # What the contract requires is not there, and for this column that only warns.
    assert (result.verdict, result.written) == (Verdict.WARN, 2)
    assert violated(result) == {"schema": ("warn", 2), "orders.currency.required": ("warn", 2)}
    assert listed(spark.table(f"{schema}.sales")) == [(*FIRST[:4], None), (*SECOND[:4], None)]
    required = orders(currency(action="quarantine"))
    result = write_with_contract(
        data, required, table=f"{schema}.sales", on_mismatch="draft", store=store, mode="merge"
    )
    assert (result.written, result.check.counts.quarantined) == (0, 2)


def test_new_columns_are_written_where_the_table_may_evolve(session: Any, schema: str) -> None:
    store, table = memory_store(orders()), f"{schema}.sales"
    write_with_contract(rows(session, GOOD[0]), "test.orders", table=table, store=store)
    data = rows(session, GOOD[1], NEGATIVE).selectExpr("*", "'web' AS channel")
    result = write_with_contract(data, "test.orders", table=table, on_mismatch="evolve", store=store)
    assert result.draft == f"memory:#test.orders@{store.list_versions('test.orders', status=Status.DRAFT)[0].version}"
    assert listed(session.table(table)) == [(*FIRST, None), (*SECOND, "web")]
    assert [row["channel"] for row in session.table(result.quarantine).collect()] == ["web"]
    assert violated(result)["schema"] == ("warn", 1)
    # The next write without the column goes on.
    assert write_with_contract(rows(session, POUNDS), "test.orders", table=table, store=store).written == 1
    with pytest.raises(ContractViolated, match=r"column 'currency' \(STRING\) is missing"):
        write_with_contract(data.drop("currency"), "test.orders", table=table, on_mismatch="evolve", store=store)


@pytest.mark.parametrize("mode", ["append", "merge", "overwrite"])
def test_a_later_version_adds_its_columns_to_the_table(spark: Any, schema: str, mode: str) -> None:
    table = f"{schema}.sales"
    write_with_contract(rows(spark, GOOD[0]), orders(), table=table)
    rule = {"metric": "rowCount", "mustBe": 1 if mode == "overwrite" else 2, "severity": "error"}
    later = orders(declared("note", "string"), version="1.1.0", quality=[rule])
    result = write_with_contract(rows(spark, GOOD[1]).selectExpr("*", "'x' AS note"), later, table=table, mode=mode)
    assert (result.verdict, result.written) == (Verdict.PASS, 1)
    assert listed(spark.table(table))[-1] == (*SECOND, "x")
    assert properties_of(spark, table)["lakepact.contract.version"] == "1.1.0"


def test_names_that_delta_maps_can_be_set_aside_too(spark: Any, schema: str) -> None:
    contract = orders(declared("unit price", "number", action="quarantine", logicalTypeOptions={"minimum": 0}))
    data = rows(spark, *GOOD).selectExpr("*", "order_id - 2D AS `unit price`")
    result = write_with_contract(data, contract, table=f"{schema}.sales")
    assert (result.written, spark.table(result.quarantine).first()["unit price"]) == (1, -1.0)


def test_a_key_with_a_dot_in_its_name(spark: Any, schema: str) -> None:
    contract = orders(declared("a.b", "integer", unique=True), quality=[ROW_COUNT | {"mustBeGreaterOrEqualTo": 1}])
    data = rows(spark, *GOOD).selectExpr("*", "order_id AS `a.b`")
    for _ in range(2):
        result = write_with_contract(data, contract, table=f"{schema}.sales", mode="merge", keys=["a.b"])
        assert (result.verdict, result.written) == (Verdict.PASS, 2)
    assert spark.table(f"{schema}.sales").count() == 2


def test_references_are_read_where_they_are_given_or_beside(spark: Any, schema: str) -> None:
    customers = {
        "name": "customers",
        "logicalType": "object",
        "properties": [{"name": "id", "logicalType": "integer", "primaryKey": True}],
    }
    linked = declared("customer_id", "integer", relationships=[{"to": "customers.id"}])
    contract = orders(linked, objects=[customers])

    def status(**more: Any) -> tuple[RuleStatus, str]:
        result = write_with_contract(rows(spark, *GOOD), contract, table=f"{schema}.orders", mode="overwrite", **more)
        found = next(each for each in result.check.results if "customers" in each.rule_id or "relation" in each.rule_id)
        return found.status, found.message

    assert status() == (RuleStatus.SKIPPED, "the rule reads 'customers', whose data is not at hand")
    known = spark.sql("SELECT 101L AS id")
    assert status(references={"customers": known})[0] is RuleStatus.WARN
    spark.sql(f"CREATE TABLE {schema}.customers USING DELTA AS SELECT id FROM RANGE(100, 110)")
    assert status() == (RuleStatus.PASS, "")
    spark.sql(f"CREATE TABLE {schema}.others USING DELTA AS SELECT 101L AS id")
    assert status(references={"customers": f"{schema}.others"})[0] is RuleStatus.WARN


def test_rows_that_differ_each_time_are_computed_once(spark: Any, schema: str) -> None:
    source = (
        "SELECT id AS order_id, 1L AS customer_id, now() AS order_ts, {0} AS amount, 'EUR' AS currency FROM RANGE(40)"
    )
    data = spark.sql(source.format("CAST(uuid() < '8' AS INT) - 0.5D"))
    result = write_with_contract(data, orders(), table=f"{schema}.sales")
    kept, aside = spark.table(f"{schema}.sales"), spark.table(f"{schema}.sales__quarantine")
    assert (kept.count(), aside.count()) == (result.written, 40 - result.written)
    assert kept.select("order_id").union(aside.select("order_id")).distinct().count() == 40


def test_a_rule_that_spark_refuses_is_an_error_and_hides_nothing(spark: Any, schema: str) -> None:
    def custom(text: str, severity: str) -> dict[str, Any]:
        return {"id": "own", "type": "custom", "engine": "lakeflow", "implementation": text, "severity": severity}

    data = rows(spark, *GOOD, NEGATIVE, POUNDS, POUNDS)
    for text in ("nosuch > 0", "CAST(currency AS INT) > 0"):
        result = write_with_contract(
            data, orders(quality=[custom(text, "info")]), table=f"{schema}.sales", mode="overwrite"
        )
        found = {each.rule_id: each for each in result.check.violated}
        assert found["orders.quality.own"].status is RuleStatus.ERROR
        assert found["orders.quality.own"].message.startswith("Spark refuses the rule: [")
        assert (found["orders.primaryKey"].violations, found["orders.amount.exclusiveMinimum"].violations) == (2, 1)
        assert [row[0] for row in listed(spark.table(f"{schema}.sales"))] == [1, 2]
    with pytest.raises(ContractViolated, match=r"error LP893: orders\.quality\.own: Spark refuses the rule: \["):
        write_with_contract(
            rows(spark, *GOOD), orders(quality=[custom("nosuch > 0", "error")]), table=f"{schema}.sales"
        )


def keyless() -> Contract:
    return orders(declared("order_id", "integer", required=True))


@pytest.mark.parametrize(
    ("contract", "settings", "expected"),
    [
        (orders(), {"path": "/x"}, "LP891: both a table and a path are given\n  hint: give one of them"),
        (
            orders(),
            {"table": "a b"},
            "LP890: 'a b' is not the name of a table\n"
            "  hint: write table, schema.table or catalog.schema.table; put unusual names in backticks",
        ),
        (
            keyless(),
            {"mode": "merge"},
            "LP898: a merge needs a primary key\n"
            "  hint: give `keys`; the columns are amount, currency, customer_id, order_id, order_ts",
        ),
        (
            orders(),
            {"mode": "merge", "keys": ["id"]},
            "LP898: a merge needs key columns; 'id' are none\n"
            "  hint: give `keys`; the columns are amount, currency, customer_id, order_id, order_ts",
        ),
        (
            orders(),
            {"mode": "merge", "keys": ["currency"]},
            "LP898: no rule keeps currency unique, and a merge cannot choose among rows with the same key\n"
            "  hint: make the columns the primary key of the contract",
        ),
    ],
)
def test_calls_that_are_wrong(
    spark: Any, schema: str, contract: Contract, settings: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(expected)}$"):
        write_with_contract(rows(spark, NEGATIVE), contract, **({"table": f"{schema}.sales"} | settings))
    assert spark.sql(f"SHOW TABLES IN {schema}").where("NOT isTemporary").count() == 0


def test_tables_that_cannot_take_the_rows(spark: Any, schema: str) -> None:
    types = "order_id INT, customer_id BIGINT, order_ts DATE, amount FLOAT, currency VARCHAR(3)"
    spark.sql(f"CREATE TABLE {schema}.sales ({types}) USING DELTA")
    expected = (
        f"LP896: {schema}.sales cannot take rows of the contract: column 'order_ts' is DATE, the contract wants "
        "TIMESTAMP; column 'amount' is FLOAT, the contract wants DOUBLE"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(expected)}\n"):
        write_with_contract(rows(spark, NEGATIVE), orders(), table=f"{schema}.sales")
    spark.sql(f"CREATE VIEW {schema}.shown AS SELECT 1L AS order_id")
    with pytest.raises(UsageError, match=rf"^LP896: {schema}\.shown is no Delta table: \["):
        write_with_contract(rows(spark, NEGATIVE), orders(), table=f"{schema}.shown")
    assert not spark.catalog.tableExists(f"{schema}.sales__quarantine")
    assert not spark.catalog.tableExists(f"{schema}.shown__quarantine")
    spark.sql(f"CREATE TABLE {schema}.fresh__quarantine (order_id BIGINT, amount FLOAT) USING DELTA")
    with pytest.raises(
        UsageError, match=rf"^LP896: {schema}\.fresh__quarantine cannot take rows of the contract: column"
    ):
        write_with_contract(rows(spark, *GOOD, NEGATIVE), orders(), table=f"{schema}.fresh")
    assert not spark.catalog.tableExists(f"{schema}.fresh")


def test_integers_of_another_width_and_shorter_texts_are_left_to_spark(spark: Any, schema: str) -> None:
    types = "order_id INT, customer_id BIGINT, order_ts TIMESTAMP, amount DOUBLE, currency VARCHAR(3)"
    spark.sql(f"CREATE TABLE {schema}.sales ({types}) USING DELTA")
    assert write_with_contract(rows(spark, *GOOD), orders(currency()), table=f"{schema}.sales").written == 2
