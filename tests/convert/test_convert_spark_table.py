from __future__ import annotations

from typing import Any

import pytest
from importing import custom, loaded, objects, properties

from lakepact.convert.lakeflow import convert_lakeflow
from lakepact.convert.spark_table import convert_spark_table
from lakepact.errors import UsageError
from lakepact.rules.derive import compile_rules
from lakepact.rules.model import RowRuleKind

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def tables(spark: Any) -> Any:
    """A schema with a Delta table, a clustered one, a view and a parquet table."""
    from delta.tables import DeltaTable

    spark.sql("CREATE SCHEMA convert_tables")
    spark.sql(
        "CREATE TABLE convert_tables.orders (id BIGINT NOT NULL COMMENT 'key', code CHAR(3), amount DECIMAL(9,2), "
        "parts ARRAY<STRUCT<x: INT COMMENT 'inner', y: MAP<STRING, VARCHAR(5)>>>, n INT, `odd name` TIMESTAMP_NTZ) "
        "USING DELTA PARTITIONED BY (code) COMMENT 'Orders' TBLPROPERTIES "
        "('team' = 'x', 'delta.columnMapping.mode' = 'name', 'delta.feature.allowColumnDefaults' = 'supported')"
    )
    spark.sql("ALTER TABLE convert_tables.orders ALTER COLUMN n SET DEFAULT 5")
    spark.sql("ALTER TABLE convert_tables.orders ADD CONSTRAINT positive CHECK (amount > 0)")
    spark.sql("ALTER TABLE convert_tables.orders ADD CONSTRAINT both CHECK (amount > id)")
    spark.sql("CREATE TABLE convert_tables.clustered (a INT, b INT) USING DELTA CLUSTER BY (b)")
    spark.sql("CREATE VIEW convert_tables.seen (key COMMENT 'k') COMMENT 'v' AS SELECT id FROM convert_tables.orders")
    spark.sql("CREATE TABLE convert_tables.plain (a INT, b STRING) USING PARQUET PARTITIONED BY (b) COMMENT 'p'")
    made = DeltaTable.create(spark).tableName("convert_tables.made").addColumn("at", "TIMESTAMP")
    made.addColumn("day", "DATE", generatedAlwaysAs="CAST(at AS DATE)", comment="d").execute()
    yield spark
    spark.sql("DROP SCHEMA convert_tables CASCADE")


def test_a_delta_table_comes_with_all_that_it_is(tables: Any) -> None:
    converted = convert_spark_table(tables, "convert_tables.orders")
    (orders,) = objects(converted).values()
    assert (converted.document["id"], orders["physicalType"], orders["description"]) == (
        "convert_tables-orders",
        "table",
        "Orders",
    )
    known = custom(orders)
    assert known.pop("lakepact.location").endswith("/orders")
    assert known == {"lakepact.tableType": "MANAGED", "lakepact.format": "delta", "team": "x"}
    columns = properties(orders)
    assert columns["id"] == {
        **{"name": "id", "logicalType": "integer", "physicalType": "BIGINT", "description": "key", "required": True},
    }
    assert columns["code"] == {
        **{"name": "code", "logicalType": "string", "physicalType": "CHAR(3)"},
        **{"partitioned": True, "partitionKeyPosition": 1},
    }
    inner = columns["parts"]["items"]["properties"]
    assert [(entry["physicalType"], entry.get("description")) for entry in inner] == [
        ("INT", "inner"),
        ("MAP<STRING, VARCHAR(5)>", None),
    ]
    assert custom(columns["n"]) == {"lakepact.default": "5"}
    assert columns["odd name"]["logicalTypeOptions"] == {"timezone": False}
    assert (columns["amount"]["logicalTypeOptions"], columns["amount"]["required"]) == ({"exclusiveMinimum": 0}, True)
    assert [rule["name"] for rule in orders["quality"]] == ["both"]
    assert converted.problems == ()


def test_a_path_is_a_delta_table_too(tables: Any) -> None:
    location = tables.sql("DESCRIBE DETAIL convert_tables.orders").collect()[0]["location"].removeprefix("file:")
    by_name = objects(convert_spark_table(tables, "convert_tables.orders"))["orders"]
    for path in (location, f"delta.`{location}`"):
        by_path = objects(convert_spark_table(tables, path))["orders"]
        assert by_path["properties"] == by_name["properties"]
        assert by_path["description"] == "Orders"


def test_clustering_generated_columns_views_and_other_formats(tables: Any) -> None:
    (clustered,) = objects(convert_spark_table(tables, "convert_tables.clustered")).values()
    assert custom(clustered)["clusterBy"] == ["b"]
    (made,) = objects(convert_spark_table(tables, "convert_tables.made")).values()
    day = properties(made)["day"]
    assert (day["description"], custom(day)) == ("d", {"lakepact.generated": "CAST(at AS DATE)"})
    (seen,) = objects(convert_spark_table(tables, "convert_tables.seen")).values()
    assert (seen["physicalType"], seen["description"], seen["properties"][0]["description"]) == ("view", "v", "k")
    assert custom(seen)["lakepact.viewDefinition"] == "SELECT id FROM convert_tables.orders"
    (plain,) = objects(convert_spark_table(tables, "convert_tables.plain")).values()
    assert (plain["description"], properties(plain)["b"]["partitioned"]) == ("p", True)


@pytest.mark.parametrize("name", ["convert_tables.none", "/nowhere/at/all", "none.at.all"])
def test_what_spark_does_not_know_is_refused(tables: Any, name: str) -> None:
    with pytest.raises(UsageError, match=r"LP826: Spark cannot read .*: [A-Z_.]+\n"):
        convert_spark_table(tables, name)


EXPECTATIONS = [
    *("id IS NOT NULL", "id > 0", "id BETWEEN 1 AND 3", "id IN (1, 3)", "id IS NULL OR id <= 2", "0 < id AND id < 3"),
    *(
        "amount >= 1.5",
        "amount BETWEEN -1 AND 1.50",
        "amount > 0 AND id > 0",
        "amount = 1.5",
        "ratio > 0",
        "ratio <= 1",
    ),
    *("name IN ('a', 'it''s')", "name RLIKE '^a'", "length(name) BETWEEN 1 AND 2", "name = ''", "name LIKE 'a%'"),
    *("day >= DATE'2020-02-01'", "day < DATE'2020-02-01'", "day > '2020-01-01'", "name IS NULL OR length(name) > 1"),
    *(
        "id > amount",
        "NOT (id > 1)",
        "id > 0 OR name = 'a'",
        "flag",
        "flag = true",
        "flag IN (true)",
        "regexp(name, 't')",
    ),
]
ROWS = [
    "(1L, 1.50BD, 1.0D, 'a', DATE'2020-02-01', TRUE)",
    "(2L, 0.00BD, double('NaN'), 'it\\'s', DATE'2020-01-01', FALSE)",
    "(3L, -1.00BD, 0.0D, '', DATE'2019-12-31', TRUE)",
    "(0L, NULL, -1.0D, 'ab', NULL, NULL)",
    "(NULL, 99.99BD, NULL, NULL, DATE'9999-12-31', FALSE)",
    "(NULL, NULL, NULL, NULL, NULL, NULL)",
]
COLUMNS = "id BIGINT, amount DECIMAL(9,2), ratio DOUBLE, name STRING, day DATE, flag BOOLEAN"


@pytest.mark.parametrize("action", ["DROP ROW", "FAIL UPDATE", ""])
def test_the_rules_keep_the_rows_that_the_expectations_kept(spark: Any, action: str) -> None:
    names = [column.split()[0] for column in COLUMNS.split(", ")]
    rows = f"(SELECT * FROM VALUES {', '.join(ROWS)} AS t({', '.join(names)}))"
    tests, kinds = [], set()
    for number, predicate in enumerate(EXPECTATIONS):
        violation = f" ON VIOLATION {action}" if action else ""
        source = f"CREATE STREAMING TABLE t ({COLUMNS}, CONSTRAINT c EXPECT ({predicate}){violation}) AS SELECT 1"
        rules = compile_rules(loaded(convert_lakeflow(source.encode(), file="t.sql"))).objects[0].row_rules
        kept = " AND ".join(f"({rule.predicate})" for rule in rules if rule.kind is not RowRuleKind.TYPE)
        kinds |= {rule.id.rpartition(".")[2] for rule in rules}
        tests.append(f"count_if(NOT (({kept}) <=> coalesce(({predicate}), FALSE))) AS c{number}")
    (found,) = spark.sql(f"SELECT {', '.join(tests)} FROM {rows}").collect()
    assert [predicate for number, predicate in enumerate(EXPECTATIONS) if found[f"c{number}"]] == []
    assert {"exclusiveMinimum", "minimum", "maximum", "minLength"} <= kinds
