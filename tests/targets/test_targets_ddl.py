"""DDL: golden files, statements that Spark executes, and nothing that loses data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from golden_files import assert_golden

import plan_samples as samples
from lakepact.contract.model import SchemaProperty
from lakepact.contract.types import AtomicType
from lakepact.errors import UsageError
from lakepact.rules.model import OrphanRows
from lakepact.targets.ddl import Dialect, ExistingColumn, ExistingTable, Refusal, Statement, render, render_text


def governed() -> samples.Sample:
    """Two tables with keys, references, tags, classifications and partitions."""
    customer = (samples.column("customer_id", samples.BIGINT, required=True), samples.column("email"))
    order = (
        samples.column("order_id", samples.BIGINT, required=True, comment="It's the number."),
        samples.column("customer_id", samples.BIGINT),
        samples.column("day", samples.DATE),
    )
    properties = (
        SchemaProperty(place=samples.HERE, name="customer_id", tags=("key", "team:crm", "data-product")),
        SchemaProperty(place=samples.HERE, name="email", classification="restricted", critical_data_element=True),
    )
    partitioned = (
        SchemaProperty(place=samples.HERE, name="order_id"),
        SchemaProperty(place=samples.HERE, name="customer_id", partitioned=True, partition_key_position=2),
        SchemaProperty(place=samples.HERE, name="day", partitioned=True, partition_key_position=1),
    )
    checks = (
        samples.check("order.customer", OrphanRows(("`customer_id`",), "customer", ("`customer_id`",)), "value = 0"),
        samples.check("order.email", OrphanRows(("`customer_id`",), "customer", ("`email`",)), "value = 0"),
    )
    contract = samples.contract_of(
        samples.described("order", order, properties=partitioned, description="All orders."),
        samples.described("customer", customer, properties=properties, tags=("gold",)),
    )
    rules = samples.rule_set(
        contract,
        samples.rules_of("order", order, (), checks, primary_key=("order_id",)),
        samples.rules_of("customer", customer, primary_key=("customer_id",)),
    )
    return samples.Sample(contract, rules, {})


CASES = {**samples.SAMPLES, "governed": governed}
MASKS = {"restricted": "main.governance.mask_text"}


def ddl(sample: samples.Sample, **settings: Any) -> tuple[Statement | Refusal, ...]:
    return render(sample.contract, sample.rules, **{"catalog": "main", "schema": "shop", **settings})


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("name", CASES)
def test_statements_are_the_golden_ones(name: str, dialect: Dialect) -> None:
    text = render_text(ddl(CASES[name](), mask_functions=MASKS, dialect=dialect))
    assert_golden("ddl", f"{name}.{dialect}.sql", text)


@pytest.mark.spark
@pytest.mark.parametrize("name", ["batch", "streaming", "references", "governed"])
def test_spark_makes_the_tables_twice(spark: Any, name: str) -> None:
    schema = f"ddl_{name}"
    spark.sql(f"CREATE SCHEMA {schema}")
    sample = CASES[name]()
    entries = ddl(sample, catalog="spark_catalog", schema=schema, dialect=Dialect.SPARK)
    for _ in range(2):
        for entry in entries:
            if isinstance(entry, Statement):
                spark.sql(entry.sql)
    for each in sample.rules.objects:
        made = spark.table(f"{schema}.`{each.table}`").schema
        assert [(f.name, f.nullable) for f in made] == [
            (c.name, not c.required and c.name not in each.primary_key) for c in each.columns
        ]
        assert [f.metadata.get("comment") for f in made] == [c.comment for c in each.columns]


@pytest.mark.spark
def test_spark_parses_the_hostile_tables_and_the_keys(spark: Any) -> None:
    parser = spark._jsparkSession.sessionState().sqlParser()
    for name in ("hostile", "governed"):
        for entry in ddl(CASES[name]()):
            if isinstance(entry, Statement) and entry.sql.startswith("CREATE TABLE"):
                parser.parsePlan(entry.sql)


@pytest.mark.spark
def test_spark_alters_a_table_that_is_there(spark: Any) -> None:
    spark.sql("CREATE SCHEMA ddl_alter")
    spark.sql("CREATE TABLE ddl_alter.orders (order_id INT, old STRING) USING DELTA CLUSTER BY (order_id)")
    spark.sql("INSERT INTO ddl_alter.orders VALUES (1, 'kept')")
    there = ExistingTable(
        columns=(ExistingColumn(name="order_id", type="int"), ExistingColumn(name="old", type="string")),
        cluster_by=("order_id",),
    )
    given = {"catalog": "spark_catalog", "schema": "ddl_alter", "dialect": Dialect.SPARK}
    entries = ddl(samples.batch(), existing={"orders": there}, **given)
    for entry in entries:
        if isinstance(entry, Statement):
            spark.sql(entry.sql)
    assert spark.table("ddl_alter.orders").dtypes == [
        ("order_id", "bigint"),
        ("old", "string"),
        ("amount", "double"),
        ("note", "string"),
    ]
    assert [tuple(row) for row in spark.table("ddl_alter.orders").collect()] == [(1, "kept", None, None)]


def test_what_would_lose_data_is_refused_with_its_reason() -> None:
    there = ExistingTable(
        columns=(
            ExistingColumn(name="order_id", type="STRING"),
            ExistingColumn(name="amount", type="decimal(10, 2)"),
            ExistingColumn(name="old", type="string"),
        ),
        partition_by=("old",),
    )
    entries = ddl(samples.batch(), existing={"orders": there})
    alter = "ALTER TABLE `main`.`shop`.`orders`"
    assert [(entry.what, entry.reason) for entry in entries if isinstance(entry, Refusal)] == [
        (
            f"{alter} ALTER COLUMN `order_id` TYPE BIGINT",
            "the column is STRING; the change is no widening and would need its data written again",
        ),
        (
            f"{alter} ALTER COLUMN `order_id` SET NOT NULL",
            "rows that are there may be NULL; the pipeline checks new ones",
        ),
        (
            f"{alter} ALTER COLUMN `amount` TYPE DOUBLE",
            "the column is decimal(10, 2); the change is no widening and would need its data written again",
        ),
        (f"{alter} DROP COLUMN `old`", "the contract does not have it; it would be lost with its data"),
        ("PARTITIONED BY ()", "partitions of a table that is there cannot change without writing it again"),
        (
            f"{alter} CLUSTER BY (`order_id`)",
            "changes how the whole table is laid out; run it by hand when that is wanted",
        ),
        (
            "ADD CONSTRAINT `pk_orders` PRIMARY KEY (`order_id`)",
            "its columns must be NOT NULL first, which rows that are there may break",
        ),
    ]


def test_a_table_that_is_as_the_contract_says_needs_nothing() -> None:
    sample = samples.batch()
    properties = {
        "lakepact.contract.id": "shop",
        "lakepact.contract.version": "1.2.0",
        "lakepact.contract.sha256": sample.contract.sha256,
        "lakepact.object": "orders",
        "delta.enableChangeDataFeed": "true",
        "owner": "somebody",
    }
    there = ExistingTable(
        columns=(
            ExistingColumn(name="ORDER_ID", type="long", nullable=False, comment="Number of the order."),
            ExistingColumn(name="amount", type="double"),
            ExistingColumn(name="note", type="string"),
        ),
        comment="Orders of the shop.",
        properties=properties,
        cluster_by=("order_id",),
        constraints=frozenset({"pk_orders"}),
    )
    assert ddl(sample, existing={"orders": there}) == ()


@pytest.mark.parametrize(
    ("before", "after", "widens"),
    [
        ("tinyint", "INT", True),
        ("int", "SMALLINT", False),
        ("float", "DOUBLE", True),
        ("bigint", "DOUBLE", False),
        ("decimal(10,2)", "DECIMAL(12,4)", True),
        ("decimal(10,2)", "DECIMAL(12,5)", False),
        ("int", "DECIMAL(12,2)", True),
        ("int", "DECIMAL(11,2)", False),
        ("date", "TIMESTAMP_NTZ", True),
        ("string", "BIGINT", False),
    ],
)
def test_only_widening_changes_a_type(before: str, after: str, widens: bool) -> None:
    columns = (samples.column("a", AtomicType(after)),)
    contract = samples.contract_of(samples.described("t", columns))
    sample = samples.Sample(contract, samples.rule_set(contract, samples.rules_of("t", columns)), {})
    there = ExistingTable(columns=(ExistingColumn(name="a", type=before),))
    changes = [e for e in ddl(sample, existing={"t": there}) if isinstance(e, Statement) and " TYPE " in e.sql]
    assert [entry.sql for entry in changes] == (
        [f"ALTER TABLE `main`.`shop`.`t` ALTER COLUMN `a` TYPE {after}"] if widens else []
    )


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (None, "ALTER TABLE `main`.`shop`.`customer` ALTER COLUMN `email` SET MASK `main`.`governance`.`mask_text`"),
        ("main.governance.mask_text", None),
        ("main.other", "the column is masked by main.other already"),
    ],
)
def test_masks_of_a_table_that_is_there(mask: str | None, expected: str | None) -> None:
    there = ExistingTable(
        columns=(
            ExistingColumn(name="customer_id", type="bigint", nullable=False),
            ExistingColumn(name="email", type="string", mask=mask),
        ),
        constraints=frozenset({"pk_customer"}),
    )
    entries = ddl(governed(), existing={"customer": there}, mask_functions=MASKS)
    said = [e.sql if isinstance(e, Statement) else e.reason for e in entries if e.object == "customer"]
    assert [text for text in said if "ask" in text] == ([expected] if expected else [])


def test_foreign_keys_come_last_and_need_a_primary_key() -> None:
    entries = ddl(governed())
    assert entries[-2] == Statement(
        sql="ALTER TABLE `main`.`shop`.`order` ADD CONSTRAINT `fk_order_customer` FOREIGN KEY (`customer_id`) "
        "REFERENCES `main`.`shop`.`customer` (`customer_id`)",
        why="reference to customer",
        object="order",
    )
    assert entries[-1] == Refusal(
        object="order",
        what="CONSTRAINT `fk_order_email` FOREIGN KEY (`customer_id`) REFERENCES `main`.`shop`.`customer`",
        reason="a foreign key names columns of a primary key; the pipeline checks the reference",
    )


def test_rules_of_another_contract() -> None:
    sample = governed()
    other = replace(sample.contract, schema=(), id="other")
    with pytest.raises(
        UsageError, match=r"LP301: the rules are not those of contract 'other': it has no schema object 'or"
    ):
        render(other, sample.rules, catalog="c", schema="s")
