"""What the datasets of a plan hold when Spark runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plan_execution import applied, executed

import plan_samples as samples
from lakepact.contract.loader import load_contract
from lakepact.contract.types import AtomicType, StructField, StructType
from lakepact.plan.build import build_plan
from lakepact.plan.calls import api_name, steps
from lakepact.plan.model import FileSource, SqlSource, TableSource
from lakepact.plan.sources import ObjectSource
from lakepact.rules.derive import compile_rules
from lakepact.rules.model import Action, Aggregate, DuplicateRows, ObjectRules, OrphanRows, Query
from lakepact.sql import identifier

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def orders(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The batch sample over a file in which every rule is broken somewhere."""
    file = tmp_path_factory.mktemp("plan") / "orders.csv"
    file.write_text(
        "id,amount,note\n"
        "1,10,ok\n"
        "2,20,a longer note\n"  # warn only
        "3,-1,ok\n"  # quarantine by value
        "4,5000,ok\n"  # drop by value
        "5,x,ok\n"  # drop by type
        "six,x,ok\n"  # quarantine by type, and drop by type
        "7,1,a\n"
        "7,2,b\n"  # quarantine by key
        ",3,ok\n"  # quarantine: required
        "8,-1,bad\n"
        "8,9000,bad\n"  # key and drop
    )
    sample = samples.batch()
    source = FileSource(path=str(file), format="csv", options={"header": "true"})
    given = {"orders": ObjectSource(source=source, rename={"order_id": "id"})}
    plan = samples.Sample(sample.contract, sample.rules, given).plan()
    return executed(spark, plan, {})


def test_published_rows_are_those_that_break_no_removing_rule(orders: Any) -> None:
    kept = sorted((row.order_id, row.amount, row.note) for row in orders.rows("orders"))
    assert kept == [(1, 10.0, "ok"), (2, 20.0, "a longer note")]


def test_quarantine_names_every_broken_rule_and_keeps_raw_values(orders: Any) -> None:
    held = {
        (row.order_id, row.amount): (row._lakepact_failed_rules, row._lakepact_raw_values)
        for row in orders.rows("orders__quarantine")
    }
    assert held == {
        (3, -1.0): (["orders.amount.minimum"], {}),
        (None, None): (
            ["orders.order_id.type", "orders.amount.type", "orders.order_id.required"],
            {"order_id": "six", "amount": "x"},
        ),
        (7, 1.0): (["orders.order_id.key"], {}),
        (7, 2.0): (["orders.order_id.key"], {}),
        (None, 3.0): (["orders.order_id.required"], {}),
        (8, -1.0): (["orders.order_id.key", "orders.amount.minimum"], {}),
        (8, 9000.0): (["orders.order_id.key", "orders.amount.maximum"], {}),
    }


def test_rows_that_break_only_dropping_rules_are_nowhere(orders: Any) -> None:
    everywhere = orders.rows("orders") + orders.rows("orders__quarantine")
    assert {row.order_id for row in everywhere}.isdisjoint({4, 5})
    assert len(everywhere) == 11 - 2


def test_quarantined_rows_name_the_contract_version(orders: Any) -> None:
    rows = orders.rows("orders__quarantine")
    assert {(row._lakepact_contract_id, row._lakepact_contract_version) for row in rows} == {("shop", "1.2.0")}


def test_every_row_rule_is_counted_by_one_expectation(orders: Any) -> None:
    counted = {key: count for key, count in orders.failed.items() if key[0] in ("orders", "orders__quarantine")}
    assert counted == {
        ("orders", "order_id.required"): 1,
        ("orders", "amount.minimum"): 1,
        ("orders", "amount.maximum"): 1,
        ("orders", "note.maxLength"): 1,
        ("orders__quarantine", "order_id.type"): 1,
        ("orders__quarantine", "amount.type"): 2,
        ("orders__quarantine", "order_id.key"): 4,
        ("orders__quarantine", "only quarantined rows"): 1,
    }


def test_duplicates_hold_the_repeated_keys(orders: Any) -> None:
    rows = sorted((row.order_id, row._lakepact_rows) for row in orders.rows("orders__duplicates"))
    assert rows == [(7, 2), (8, 2)]


def test_checks_of_the_published_rows(orders: Any) -> None:
    rows = [row.asDict() for row in orders.rows("orders__checks")]
    shared = {"contract_id": "shop", "contract_version": "1.2.0"}
    assert rows == [
        {
            "rule_id": "orders.rowCount",
            "rule_name": "rowCount",
            "value": "2",
            "threshold": "mustBeGreaterOrEqualTo 1",
            "passed": True,
            "action": "fail",
            **shared,
        },
        {
            "rule_id": "orders.mean",
            "rule_name": "mean",
            "value": "15.0",
            "threshold": "value BETWEEN 1 AND 500",
            "passed": True,
            "action": "warn",
            **shared,
        },
    ]
    assert [row.rule_id for row in orders.rows("orders__gate")] == ["orders.rowCount"]


def test_dataset_rules_over_several_objects(spark: Any) -> None:
    sample = samples.references()
    sources = dict(sample.sources)
    sources["customer"] = ObjectSource(source=TableSource(name=("crm_customer",)))
    sources["sale"] = ObjectSource(source=SqlSource(text="SELECT * FROM erp_sale"))
    plan = samples.Sample(sample.contract, sample.rules, sources).plan()
    inputs = {
        "crm_customer": spark.createDataFrame([(1, "NL"), (2, "BE")], "customer_id BIGINT, country STRING"),
        "erp_sale": spark.createDataFrame(
            [(1, 1, 1, 10.0), (1, 2, 1, None), (1, 2, 1, 30.0), (2, 3, 1, 40.0), (None, None, None, None)],
            "sale_id BIGINT, customer_id BIGINT, shop_id BIGINT, price DOUBLE",
        ),
        "shop": spark.createDataFrame([(1,)], "shop_id BIGINT"),
    }
    outcome = executed(spark, plan, inputs)
    assert {row.rule_name: (row.value, row.passed) for row in outcome.rows("sale__checks")} == {
        "nulls": ("2", False),
        "mean": (str(80.0 / 3), False),
        "unique": ("2", False),
        "uniquePercent": ("40.0", False),
        "pair": ("1", False),
        "customer": ("1", False),
        "shop": ("0", True),
        "query": ("1", True),
        "empty": (None, False),
    }
    assert outcome.failed["sale__gate", "mean"] == 1
    assert outcome.failed["sale__gate", "unique"] == 1
    assert outcome.failed["sale__checks", "customer"] == 1
    assert outcome.failed["sale__checks", "shop"] == 0


def test_checks_of_an_empty_table(spark: Any) -> None:
    columns = (samples.column("k", samples.BIGINT),)
    checks = (
        samples.check("t.percent", DuplicateRows(("`k`",), percent=True), "value <= 0"),
        samples.check("t.rows", Aggregate("count(*)"), "value = 0"),
        samples.check("t.mean", Aggregate("avg(`k`)"), "value > 0"),
        samples.check("t.orphans", OrphanRows(("`k`",), "t", ("`k`",)), "value = 0"),
        samples.check("t.query", Query("SELECT max(k) FROM {object:t} -- the last"), "value IS NULL"),
    )
    contract = samples.contract_of(samples.described("t", columns))
    rules = samples.rule_set(contract, samples.rules_of("t", columns, (), checks))
    sources = {"t": ObjectSource(source=SqlSource(text="SELECT CAST(1 AS BIGINT) AS k WHERE FALSE"))}
    outcome = executed(spark, samples.Sample(contract, rules, sources).plan(), {})
    assert {row.rule_name: (row.value, row.passed) for row in outcome.rows("t__checks")} == {
        "percent": ("0.0", True),
        "rows": ("0", True),
        "mean": (None, False),
        "orphans": ("0", True),
        "query": (None, True),
    }


@pytest.mark.parametrize("action", [Action.WARN, Action.FAIL])
def test_a_key_rule_that_holds_nothing_back_counts_repeated_keys(spark: Any, action: Action) -> None:
    columns = (samples.column("k", samples.BIGINT),)
    contract = samples.contract_of(samples.described("t", columns))
    rules = samples.rule_set(contract, samples.rules_of("t", columns, (samples.key_rule("t", "k", action=action),)))
    sources = {"t": ObjectSource(source=SqlSource(text="SELECT explode(array(1L, 1L, 2L)) AS k"))}
    outcome = executed(spark, samples.Sample(contract, rules, sources).plan(), {})
    assert outcome.failed == {("t__duplicates", "k.key"): 1}
    assert sorted(row.k for row in outcome.rows("t")) == ([1, 1, 2] if action is Action.WARN else [2])


def test_a_type_rule_that_fails_the_update_raises_with_rule_and_value(spark: Any) -> None:
    columns = (samples.column("n", samples.BIGINT),)
    contract = samples.contract_of(samples.described("t", columns))
    rules = samples.rule_set(contract, samples.rules_of("t", columns, (samples.type_rule("t", "n", Action.FAIL),)))
    sources = {"t": ObjectSource(source=SqlSource(text="SELECT explode(array('1', 'one')) AS n"))}
    plan = samples.Sample(contract, rules, sources).plan()
    with pytest.raises(Exception, match=r"LP570: rule t\.n\.type: a value does not fit BIGINT: one"):
        executed(spark, plan, {})


def test_a_type_rule_that_warns_keeps_the_row_and_counts_it(spark: Any) -> None:
    columns = (samples.column("n", AtomicType("INT")),)
    contract = samples.contract_of(samples.described("t", columns))
    rules = samples.rule_set(contract, samples.rules_of("t", columns, (samples.type_rule("t", "n", Action.WARN),)))
    sources = {"t": ObjectSource(source=SqlSource(text="SELECT explode(array('1', 'one')) AS n"))}
    outcome = executed(spark, samples.Sample(contract, rules, sources).plan(), {})
    assert outcome.failed == {("t__input", "n.type"): 1}
    assert [row.n for row in outcome.rows("t")] == [1, None]


def test_files_without_types_are_read_as_text_first(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"n": "1", "o": {"x": 2}}\n{"n": 1.5, "o": {"x": "y"}}\n')
    kind = StructType((StructField("x", samples.BIGINT),))
    columns = (samples.column("n", samples.BIGINT), samples.column("o", kind))
    contract = samples.contract_of(samples.described("t", columns))
    rows = (samples.type_rule("t", "n"), samples.type_rule("t", "o"))
    rules = samples.rule_set(contract, samples.rules_of("t", columns, rows))
    sources = {"t": ObjectSource(source=FileSource(path=str(tmp_path), format="json"))}
    outcome = executed(spark, samples.Sample(contract, rules, sources).plan(), {})
    assert [(row.n, row.o.x) for row in outcome.rows("t")] == [(1, 2)]
    assert [row._lakepact_raw_values for row in outcome.rows("t__quarantine")] == [{"n": "1.5", "o": "{y}"}]


@pytest.fixture
def as_written(spark: Any) -> Iterator[None]:
    """Spark leaves `${…}` in SQL text alone: no other way spells a name that has it."""
    spark.conf.set("spark.sql.variable.substitute", "false")
    yield
    spark.conf.unset("spark.sql.variable.substitute")


@pytest.mark.usefixtures("as_written")
def test_hostile_names_run(spark: Any) -> None:
    sample = samples.hostile()
    hostile, long = identifier(samples.HOSTILE), identifier(samples.LONG)
    text = (
        f"SELECT explode(array('1', 'x', '2', '2')) AS {hostile}, named_struct('select', 1, 'a`b', 'z') AS `select`, "
        f"array(named_struct('select', 1, 'a`b', 'z')) AS `from`, map('k', 1L) AS `map`, '2024-01-01' AS {long}"
    )
    sources = {"order": ObjectSource(source=SqlSource(text=text))}
    outcome = executed(spark, samples.Sample(sample.contract, sample.rules, sources).plan(), {})
    table = f"order {samples.HOSTILE}"
    assert len(outcome.rows(table)) == 0
    broken = sorted(tuple(row._lakepact_failed_rules) for row in outcome.rows(f"{table}__quarantine"))
    key = f"order.{samples.HOSTILE}.key"
    assert broken == sorted(
        [("order.pattern",), (f"order.{samples.HOSTILE}.type",), ("order.pattern", key), ("order.pattern", key)]
    )
    assert [row.threshold for row in outcome.rows(f"{table}__checks")] == ["it's > '0'", "value <= 1"]


def _empty(rules: ObjectRules, *, text: bool) -> ObjectSource:
    """No rows, with the contract's types or with text for every value that is not nested."""
    kinds = {c.name: "STRING" if text and isinstance(c.type, AtomicType) else c.type.ddl for c in rules.columns}
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in kinds.items())
    return ObjectSource(source=SqlSource(text=f"SELECT {columns} WHERE FALSE"))


@pytest.mark.parametrize("text", [False, True])
def test_spark_analyses_every_query_of_the_official_examples(spark: Any, odcs_corpus: Path, *, text: bool) -> None:
    analysed = 0
    for file in sorted((odcs_corpus / "examples" / "v3.1.0").rglob("*.yaml")):
        contract = load_contract(file)
        rules = compile_rules(contract)
        if file.name == "full-example.odcs.yaml" or len(rules.objects) > 10:
            continue  # reads a table that it does not describe; takes a minute
        sources = {each.name: _empty(each, text=text) for each in rules.objects if each.columns}
        for dataset in build_plan(contract, rules, sources, pipeline="p").datasets:
            frame = applied(spark, steps(dataset))
            for expectation in dataset.expectations:
                assert frame.where(expectation.predicate).schema == frame.schema
            frame.createOrReplaceTempView(api_name(dataset.name))
            analysed += 1
    assert analysed > 40
