from __future__ import annotations

import pytest
from importing import custom, loaded, objects, properties, told

from lakepact.convert.lakeflow import convert_lakeflow
from lakepact.errors import ConfigurationError
from lakepact.rules.derive import compile_rules

PYTHON = b'''
import dlt
from pyspark import pipelines as dp
from pyspark.sql.types import *

RULES = {"id is there": "id IS NOT NULL", "positive": "amount > 0"}
MORE = {**RULES, "kinds": "kind IN " + "('a', 'b')"}
SCHEMA = "id BIGINT NOT NULL COMMENT 'key', amount DECIMAL(9,2), kind STRING, CONSTRAINT pk PRIMARY KEY (id)"

@dp.table(name="main.sales.orders", comment="Orders", schema=SCHEMA, table_properties={"quality": "gold"}, cluster_by=["id"])
@dp.expect_all_or_drop(MORE)
@dp.expect_or_fail("not both", "NOT (amount > 100 AND kind = 'a')")
def orders():
    raise SystemExit("nothing is executed")

@dlt.table(schema=StructType([StructField("a", LongType(), False), StructField("b", ArrayType(StringType()), True, {"comment": "tags"})]))
@dlt.expect("a range", "a BETWEEN 1 AND 5")
def second():
    """The second."""

dlt.create_streaming_table("third", expect_all_or_fail={"x is there": "x IS NOT NULL"}, partition_cols=["y"])
'''  # fmt: skip  # noqa: E501

SQL = b"""
-- CREATE TABLE nothing (a INT);
CREATE OR REFRESH STREAMING TABLE orders (
  id BIGINT NOT NULL COMMENT 'key',
  amount DECIMAL(9,2),
  CONSTRAINT `id is there` EXPECT (id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT positive EXPECT (amount > 0) ON VIOLATION FAIL UPDATE,
  CONSTRAINT odd EXPECT (amount % 2 = 1 /* ; */),
  CONSTRAINT pk PRIMARY KEY (id)
) COMMENT 'Orders; all' TBLPROPERTIES ('quality' = 'gold', delta.appendOnly = true) CLUSTER BY (id)
AS SELECT * FROM STREAM raw;
CREATE TEMPORARY VIEW nothing AS SELECT 1;
CREATE MATERIALIZED VIEW LIVE.lines (id, order_id COMMENT 'o',
  CONSTRAINT fk FOREIGN KEY (order_id) REFERENCES orders(id)) PARTITIONED BY (id) AS SELECT 1;
APPLY CHANGES INTO x FROM y KEYS (a) SEQUENCE BY b;
"""


def test_python_sources_are_read_and_not_run() -> None:
    converted = convert_lakeflow(PYTHON, file="sales.py")
    found = objects(converted)
    assert list(found) == ["orders", "second", "third"]
    orders = found["orders"]
    assert (converted.document["id"], orders["physicalType"], orders["description"]) == ("sales", "table", "Orders")
    assert custom(orders) == {"lakepact.dataset": "main.sales.orders", "quality": "gold", "clusterBy": ["id"]}
    columns = properties(orders)
    assert columns["id"] == {
        **{"name": "id", "logicalType": "integer", "physicalType": "BIGINT", "description": "key", "required": True},
        **{"primaryKey": True, "primaryKeyPosition": 1},
        "customProperties": [
            {"property": "lakepact.action", "value": "drop"},
            {"property": "lakepact.expectation", "value": {"required": "id is there"}},
        ],
    }
    assert columns["amount"]["logicalTypeOptions"] == {"exclusiveMinimum": 0}
    assert columns["kind"]["quality"][0]["arguments"] == {"validValues": ["a", "b"]}
    assert [rule["implementation"] for rule in orders["quality"]] == ["NOT (amount > 100 AND kind = 'a')"]


def test_types_of_pyspark_are_read() -> None:
    second = objects(convert_lakeflow(PYTHON, file="sales.py"))["second"]
    assert second["description"] == "The second."
    a, b = properties(second).values()
    assert (a["required"], a["logicalTypeOptions"]) == (True, {"minimum": 1, "maximum": 5})
    assert (b["description"], b["items"]["physicalType"]) == ("tags", "STRING")


def test_columns_that_no_source_declares_are_told() -> None:
    converted = convert_lakeflow(PYTHON, file="sales.py")
    third = objects(converted)["third"]
    assert third["properties"][0]["required"] is True
    assert custom(third["properties"][0])["lakepact.action"] == "fail"
    assert told(converted.problems) == [
        ("LP821", 21, "'third' is partitioned by 'y', which is no declared column"),
        (
            "LP824",
            21,
            "the source does not declare the columns of third: types are missing, and all columns that no expectation "
            "names",
        ),
    ]


def test_sql_sources_are_read() -> None:
    converted = convert_lakeflow(SQL, file="sales.sql")
    found = objects(converted)
    assert list(found) == ["orders", "lines"]
    orders = found["orders"]
    assert orders["description"] == "Orders; all"
    assert custom(orders) == {"quality": "gold", "delta.appendOnly": "true", "clusterBy": ["id"]}
    columns = properties(orders)
    assert custom(columns["id"])["lakepact.action"] == "drop"
    assert custom(columns["amount"])["lakepact.action"] == "fail"
    assert columns["amount"]["logicalTypeOptions"] == {"exclusiveMinimum": 0}
    (odd,) = orders["quality"]
    assert (odd["name"], odd["implementation"], custom(odd)) == (
        "odd",
        "amount % 2 = 1 /* ; */",
        {"lakepact.action": "warn"},
    )
    lines = properties(found["lines"])
    assert lines["order_id"]["relationships"] == [{"type": "foreignKey", "to": "orders.id"}]
    assert lines["id"] == {"name": "id", "partitioned": True, "partitionKeyPosition": 1}
    assert converted.problems == ()


def test_the_rules_have_the_actions_of_the_expectations() -> None:
    rules = compile_rules(loaded(convert_lakeflow(SQL, file="sales.sql")))
    actions = {rule.id: rule.action.value for rule in rules.objects[0].row_rules}
    assert actions["orders.id.required"] == "drop"
    assert actions["orders.amount.exclusiveMinimum"] == actions["orders.amount.required"] == "fail"
    assert actions["orders.quality.odd"] == "warn"


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        (
            "import dlt\nfor i in range(3):\n    @dlt.table(name=f't{i}')\n    @dlt.expect('p', 'q > 1')\n"
            "    def f(): ...\n",
            [
                ("LP821", 3, "a dataset whose name is computed"),
                ("LP821", 3, "f: name: i is not known without running the source"),
                ("LP821", 0, "the source defines no dataset"),
            ],
        ),
        (
            "import dlt\n@dlt.table(schema='a INT')\n@dlt.expect('p', rules())\ndef f(): ...\n",
            [("LP821", 3, "an expectation: rules() is not known without running the source")],
        ),
        (
            "import dlt\nR = {}\nR['a'] = 'b > 1'\n@dlt.table(schema='a INT')\n@dlt.expect_all(R)\ndef f(): ...\n",
            [("LP821", 5, "expectations: R is not known without running the source")],
        ),
        (
            "import dlt\n@dlt.table(schema='a INT')\ndef f(): ...\n@dlt.table(name='F', schema='b INT')\ndef g(): 1\n",
            [("LP821", 4, "F is defined again; the first definition is taken")],
        ),
        (
            "import dlt\nfrom x import y\n@dlt.table(schema=[1], table_properties=[1], cluster_by='a')\ndef f(): ...\n"
            "@dlt.table(schema=StructType([StructField('a', ArrayType(StructType([1, b'x']), 1), metadata=3), 2]))\n"
            "def g(): ...\n",
            [("LP821", 3, "f: its schema is no list of columns")],
        ),
        (
            "from dlt import expect\n@expect('a', 'b > 1')\ndef f(): ...\n",
            [
                ("LP821", 2, "expect decorates f, which is no dataset"),
                ("LP821", 0, "the source defines no dataset"),
            ],
        ),
    ],
)
def test_what_only_a_run_would_tell_is_listed(source: str, problems: list[tuple[str, int, str]]) -> None:
    assert told(convert_lakeflow(source.encode(), file="x.py").problems) == problems


@pytest.mark.parametrize(
    "source",
    [
        "import dlt as d\n@d.table\n@d.expect('p', 'a > 1')\ndef t(): ...",
        "from pyspark import pipelines\n@pipelines.materialized_view()\n@pipelines.expect('p', 'a > 1')\ndef t(): ...",
        "from dlt import table, expect as e\n@table\n@e('p', 'a > 1')\ndef t(): ...",
        "import pyspark.pipelines as dp\n@dp.table\n@dp.expect(name='p', inv='a > 1')\nasync def t(): ...",
        "import dlt\n@dlt.view\n@dlt.expect_all({'p': 'a > 1'})\ndef t(): ...",
        "import dlt\ndlt.create_streaming_table(name='t', expect_all={'p': 'a > 1'})",
    ],
)
def test_every_way_to_name_the_api_is_known(source: str) -> None:
    (table,) = objects(convert_lakeflow(source.encode())).values()
    assert [(rule["name"], rule["implementation"]) for rule in table["quality"]] == [("p", "a > 1")]


def test_equal_names_in_two_schemas_stay_apart() -> None:
    source = b"CREATE STREAMING TABLE a.t (x INT) AS SELECT 1; CREATE STREAMING TABLE b.t (x INT) AS SELECT 1"
    found = objects(convert_lakeflow(source, file="x.sql"))
    assert {name: entry.get("physicalName") for name, entry in found.items()} == {"t": None, "b_t": "t"}


@pytest.mark.parametrize(
    ("source", "file", "message"),
    [
        (b"def (:", "x.py", r"x\.py:1:5 cannot be read as Python: invalid syntax"),
        (b"CREATE TABLE t (a INT, CONSTRAINT c EXPECT (a > 'x))", "x.sql", r"x\.sql:1:49 cannot .*never closed"),
        (b"\xff", "x.py", r"x\.py cannot be read as a pipeline source: not UTF-8 at offset 0"),
        (b"x = 1\0", "x.py", r"x\.py(:\d+:\d+)? cannot be read as Python: .*null bytes"),
    ],
)
def test_what_is_no_source_is_refused(source: bytes, file: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        convert_lakeflow(source, file=file)
    assert caught.value.code == "LP820"


def test_deep_nesting_is_refused_or_read() -> None:
    deep = b"import dlt\nX = " + b"(" * 5000 + b")" * 5000
    with pytest.raises(ConfigurationError, match="cannot be read as Python"):
        convert_lakeflow(deep, file="x.py")
