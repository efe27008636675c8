"""Every kind of row rule on Spark: NULL, NaN, empty, boundary; TRUE or FALSE and never NULL."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.rules import compile_rules
from lakepact.rules.model import RowRule, RowRuleKind, RuleSet

pytestmark = pytest.mark.spark

T, F = True, False
Values = dict[str, bool]


def rules_of(*properties: dict[str, Any], version: str = "v3.2.0", **more: Any) -> RuleSet:
    document = {
        "apiVersion": version,
        "kind": "DataContract",
        "id": "c",
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": "t", "properties": list(properties), **more}],
    }
    return compile_rules(load_contract(json.dumps(document).encode()))


def options(logical_type: str, physical_type: str | None = None, /, **given: Any) -> dict[str, Any]:
    prop: dict[str, Any] = {"name": "c", "logicalType": logical_type, "logicalTypeOptions": given}
    return prop | ({"physicalType": physical_type} if physical_type else {})


def quality(logical_type: str, **rule: Any) -> dict[str, Any]:
    return {"name": "c", "logicalType": logical_type, "quality": [rule]}


STRUCT = {
    "name": "c",
    "logicalType": "object",
    "properties": [
        {"name": "a", "logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 1}},
        {"name": "b", "logicalType": "string"},
    ],
}
LINES = {"name": "c", "logicalType": "array", "items": {"logicalType": "object", "properties": STRUCT["properties"]}}
MAP = {
    "name": "c",
    "logicalType": "map",
    "map": {
        "key": {"logicalType": "string", "logicalTypeOptions": {"pattern": "^[a-z]+$"}},
        "value": {"logicalType": "integer", "required": True, "logicalTypeOptions": {"maximum": 9}},
    },
}

CASES: list[tuple[str, dict[str, Any], Values]] = [
    ("c.required", {"name": "c", "logicalType": "string", "required": True}, {"''": T, "NULL": F, "'a'": T}),
    ("c.minimum", options("integer", minimum=3), {"2": F, "3": T, "NULL": T, "-9223372036854775808L": F}),
    ("c.minimum", options("integer", minimum=2.5), {"2": F, "3": T}),
    ("c.exclusiveMinimum", options("integer", exclusiveMinimum=3), {"3": F, "4": T, "NULL": T}),
    ("c.maximum", options("integer", maximum=9223372036854775807), {"9223372036854775807L": T, "NULL": T}),
    ("c.minimum", options("integer", minimum=9223372036854775808), {"9223372036854775807L": F, "NULL": T}),
    ("c.minimum", options("integer", minimum=-9223372036854775808), {"-9223372036854775808L": T}),
    ("c.exclusiveMaximum", options("integer", "TINYINT", exclusiveMaximum=3), {"3Y": F, "2Y": T, "-128Y": T}),
    ("c.minimum", options("integer", "SMALLINT", minimum=100000), {"32767S": F, "NULL": T}),
    ("c.minimum", options("number", minimum=0), {"-0.0D": T, "0D": T, "-1e-300D": F, "double('NaN')": F, "NULL": T}),
    ("c.exclusiveMinimum", options("number", exclusiveMinimum=0), {"0D": F, "1e-300D": T, "double('inf')": T}),
    ("c.maximum", options("number", maximum=0.1), {"0.1D": T, "0.10000000000000002D": F, "double('NaN')": F}),
    ("c.maximum", options("number", "FLOAT", maximum=0.1), {"0.1F": T, "0.11F": F, "float('NaN')": F, "NULL": T}),
    ("c.maximum", options("number", "FLOAT", maximum=1e300), {"3.4e38F": T, "float('inf')": F}),
    ("c.minimum", options("number", "DECIMAL(5,2)", minimum=1.005), {"1.00BD": F, "1.01BD": T, "-999.99BD": F}),
    ("c.maximum", options("number", "DECIMAL(5,2)", maximum=1e30), {"999.99BD": T, "NULL": T}),
    ("c.minimum", options("number", "DECIMAL(38,38)", minimum=1), {"0.5BD": F, "NULL": T}),
    ("c.minimum", options("number", "DECIMAL(38,0)", minimum=0.5), {"0BD": F, "1BD": T}),
    ("c.multipleOf", options("integer", multipleOf=5), {"0": T, "-5": T, "7": F, "NULL": T}),
    ("c.multipleOf", options("integer", multipleOf=0.5), {"7": T, "NULL": T}),
    ("c.multipleOf", options("integer", multipleOf=1.5), {"3": T, "4": F, "-9223372036854775808L": F}),
    ("c.multipleOf", options("number", multipleOf=0.01), {"1.1D": T, "0.07D": T, "1.005D": F, "0D": T, "NULL": T}),
    ("c.multipleOf", options("number", multipleOf=0.1), {"double('NaN')": F, "double('inf')": F, "1234567.8D": T}),
    ("c.multipleOf", options("number", multipleOf=3), {"3e15D": T, "1e15D": F, "2.9999999999D": F, "-6D": T}),
    ("c.multipleOf", options("number", multipleOf=0.5), {"1e9D": T, "1.5D": T, "double('NaN')": F, "double('inf')": F}),
    ("c.multipleOf", options("number", multipleOf=10**400), {"0D": T, "-0D": T, "1e308D": F, "double('NaN')": F}),
    ("c.multipleOf", options("number", "FLOAT", multipleOf=0.01), {"1.1F": T, "1.105F": F}),
    ("c.multipleOf", options("number", "DECIMAL(10,3)", multipleOf=0.05), {"1.050BD": T, "1.051BD": F, "0BD": T}),
    ("c.multipleOf", options("number", "DECIMAL(4,2)", multipleOf=1000), {"0BD": T, "10.00BD": F}),
    ("c.multipleOf", options("number", "DECIMAL(38,18)", multipleOf=7), {"14BD": T, "14.000000000000000001BD": F}),
    ("c.minLength", options("string", minLength=1), {"''": F, "'a'": T, "NULL": T}),
    ("c.maxLength", options("string", maxLength=1), {"'é'": T, "'😀'": T, "'ab'": F, "''": T, "NULL": T}),
    ("c.pattern", options("string", pattern="b"), {"'abc'": T, "''": F, "NULL": T, "'B'": F}),
    ("c.pattern", options("string", pattern="^a$"), {"'a'": T, r"'a\n'": F, "'ba'": F}),
    ("c.pattern", options("string", pattern=r"^\d{2}\s\w$"), {r"'12\u00a0x'": T, "'1 x'": F, "'12 x'": T}),
    ("c.pattern", options("string", pattern="^${x}'\\\\"), {"''": F, "NULL": T}),
    ("c.format", options("string", format="email"), {"'a.b@example.org'": T, "'a@b'": F, "'a b@c.de'": F, "''": F}),
    (
        "c.format",
        options("string", format="uuid"),
        {"'123e4567-e89b-12d3-a456-426614174000'": T, "'123e4567e89b12d3a456426614174000'": F, "NULL": T},
    ),
    ("c.format", options("string", format="ipv4"), {"'10.0.0.255'": T, "'10.0.0.256'": F, "'1.2.3'": F, "''": F}),
    (
        "c.format",
        options("string", format="ipv6"),
        {
            **{"'::'": T, "'::1'": T, "'2001:db8::8a2e:370:7334'": T, "'1:2:3:4:5:6:7:8'": T, "'::ffff:1.2.3.4'": T},
            **{"'1::2::3'": F, "'1:2:3:4:5:6:7'": F, "'12345::'": F, "'1:2:3:4:5:6:7:8:9'": F, "''": F},
            **{"'1:2:3:4:5:6:7::'": T, "'1::3:4:5:6:7:8'": T, "'::2:3:4:5:6:7:8'": T, "'1:2:3:4:5:6:1.2.3.4'": T},
        },
    ),
    (
        "c.format",
        options("string", format="hostname"),
        {"'example.org'": T, "'localhost'": T, "'-a.org'": F, "'a_b'": F, "repeat('a', 64)": F, "repeat('a', 63)": T},
    ),
    ("c.format", options("string", format="uri"), {"'https://a.b/c?d#e'": T, "'urn:x:1'": T, "'a b'": F, "'/x'": F}),
    ("c.format", options("string", format="byte"), {"'YWJj'": T, "'YQ=='": T, "''": T, "'YQ='": F, "'Y!=='": F}),
    ("c.format", options("string", format="date"), {"'2024-02-29'": T, "'2023-02-29'": F, "'2024-2-9'": F}),
    (
        "c.format",
        options("string", format="date-time"),
        {"'2024-02-29T10:00:00Z'": T, "'2024-02-29T10:00:00.5+02:00'": T, "'2024-02-29T10:00:00'": F, "'x'": F},
    ),
    ("c.format", options("integer", format="u8"), {"0S": T, "255S": T, "256S": F, "-1S": F, "NULL": T}),
    ("c.format", options("integer", format="u64"), {"18446744073709551615BD": T, "18446744073709551616BD": F}),
    ("c.format", options("integer", "BIGINT", format="i8"), {"127L": T, "128L": F, "-128L": T, "-129L": F}),
    ("c.minimum", options("date", minimum="2020-01-01"), {"DATE'2020-01-01'": T, "DATE'2019-12-31'": F, "NULL": T}),
    ("c.maximum", options("date", maximum="2020-01-01"), {"DATE'2020-01-01'": T, "DATE'2020-01-02'": F}),
    (
        "c.minimum",
        options("timestamp", minimum="2020-01-01T00:00:00+10:00"),
        {"TIMESTAMP'2019-12-31 14:00:00Z'": T, "TIMESTAMP'2019-12-31 13:59:59.999999Z'": F, "NULL": T},
    ),
    (
        "c.maximum",
        options("timestamp", maximum="2020-07-01 00:00:00", defaultTimezone="Europe/Paris"),
        {"TIMESTAMP'2020-06-30 22:00:00Z'": T, "TIMESTAMP'2020-06-30 22:00:01Z'": F},
    ),
    (
        "c.minimum",
        options("timestamp", minimum="2020-01-01", timezone=False),
        {"TIMESTAMP_NTZ'2020-01-01 00:00:00'": T, "TIMESTAMP_NTZ'2019-12-31 23:59:59'": F, "NULL": T},
    ),
    (
        "c.time",
        {"name": "c", "logicalType": "time"},
        {"'10:00:00'": T, "'24:00:00'": F, "'10:00'": F, "'10:00:00.5Z'": T, "NULL": T, "''": F},
    ),
    ("c.format", options("time", format="HH:mm"), {"'10:00'": T, "'25:00'": F, "'x'": F, "''": F, "NULL": T}),
    ("c.maximum", options("time", maximum="17:00"), {"'17:00:00'": T, "'17:00:01'": F, "'17:00:00Z'": T, "'zz'": F}),
    ("c.minimum", options("time", format="h:mm a", minimum="9:00 AM"), {"'9:00 AM'": T, "'8:59 AM'": F, "'x'": F}),
    ("c.minItems", options("array", minItems=1), {"array()": F, "array('a')": T, "array(NULL)": T, "NULL": T}),
    ("c.maxItems", options("array", maxItems=1), {"array('a','b')": F, "array()": T, "NULL": T}),
    (
        "c.uniqueItems",
        options("array", uniqueItems=True),
        {"array('a','a')": F, "array('a','b')": T, "array(NULL,NULL)": F, "array()": T, "NULL": T},
    ),
    ("c.dimensions", options("vector", dimensions=2), {"array(1F,2F)": T, "array(1F)": F, "array()": F, "NULL": T}),
    (
        "c.elementType",
        options("vector", dimensions=2, elementType="uint8"),
        {"array(0S,255S)": T, "array(256S)": F, "array(-1S, NULL)": F, "array(NULL)": T, "NULL": T},
    ),
    ("c.maxProperties", options("object", maxProperties=1), {"""'{"a":1}'""": T, """'{"a":1,"b":2}'""": F, "'x'": F}),
    ("c.required", options("object", required=["a"]), {"""'{"a":1}'""": T, "'{}'": F, "'['": F, "NULL": T, "''": F}),
    (
        "c.enum",
        {"name": "c", "logicalType": "string", "enum": [{"value": "a"}, {"value": None}, {"value": ""}]},
        {"'a'": T, "''": T, "'A'": F, "NULL": T},
    ),
    (
        "c.enum",
        {"name": "c", "logicalType": "integer", "enum": [{"value": 1}, {"value": 1.5}, {"value": -(2**63)}]},
        {"1": T, "2": F, "NULL": T, "-9223372036854775808L": T},
    ),
    (
        "c.enum",
        {"name": "c", "logicalType": "number", "enum": [{"value": 0.1}]},
        {"0.1D": T, "double('NaN')": F, "NULL": T},
    ),
    ("c.enum", {"name": "c", "logicalType": "boolean", "enum": [{"value": True}]}, {"TRUE": T, "FALSE": F, "NULL": T}),
    (
        "c.enum",
        {"name": "c", "logicalType": "date", "enum": [{"value": "2020-01-01"}]},
        {"DATE'2020-01-01'": T, "DATE'2020-01-02'": F},
    ),
    ("c.a.required", STRUCT, {"struct(1L a, '' b)": T, "struct(BIGINT(NULL) a, '' b)": F, "NULL": T}),
    (
        "c.a.minimum",
        STRUCT,
        {"struct(1L a, '' b)": T, "struct(0L a, '' b)": F, "struct(BIGINT(NULL) a, '' b)": T, "NULL": T},
    ),
    (
        "c[].a.required",
        LINES,
        {
            **{"array()": T, "NULL": T, "array(NULL)": T, "array(struct(1L a, '' b))": T},
            **{"array(struct(1L a, '' b), struct(BIGINT(NULL) a, '' b))": F},
        },
    ),
    (
        "c[].a.minimum",
        LINES,
        {"array(struct(BIGINT(NULL) a, '' b), NULL)": T, "array(struct(1L a, '' b), struct(0L a, '' b))": F, "NULL": T},
    ),
    ("c{key}.pattern", MAP, {"map('a', 1)": T, "map('1', 1)": F, "map()": T, "NULL": T}),
    ("c{value}.maximum", MAP, {"map('a', 9)": T, "map('a', 10)": F, "map('a', NULL)": T, "NULL": T}),
    ("c{value}.required", MAP, {"map('a', 9)": T, "map('a', NULL)": F, "NULL": T}),
    (
        "c[].enum",
        {"name": "c", "logicalType": "array", "items": {"logicalType": "string", "enum": [{"value": "x"}]}},
        {"array('x', NULL)": T, "array('x', 'y')": F, "array()": T, "NULL": T},
    ),
    (
        "c[][].minimum",
        {
            "name": "c",
            "logicalType": "array",
            "items": {
                "logicalType": "array",
                "items": {"logicalType": "integer", "logicalTypeOptions": {"minimum": 0}},
            },
        },
        {"array(array(1), NULL, array(NULL))": T, "array(array(1), array(1, -1))": F, "NULL": T, "array()": T},
    ),
    ("c.quality.nullValues", quality("string", metric="nullValues", mustBe=0), {"NULL": F, "''": T}),
    (
        "c.quality.missingValues",
        quality("string", metric="missingValues", mustBe=0, arguments={"missingValues": [None, "", "n/a"]}),
        {"NULL": F, "''": F, "'n/a'": F, "'x'": T},
    ),
    (
        "c.quality.missingValues",
        quality("integer", metric="missingValues", mustBe=0, arguments={"missingValues": [-1, "none"]}),
        {"NULL": T, "-1": F, "0": T},
    ),
    (
        "c.quality.invalidValues",
        quality("string", metric="invalidValues", mustBe=0, arguments={"validValues": ["a", "b"], "pattern": "a"}),
        {"NULL": T, "'a'": T, "'b'": F, "'ca'": F},
    ),
    (
        "c.quality.lakepact",
        quality("integer", type="custom", engine="lakepact", implementation="{property} % 2 = 0"),
        {"2": T, "1": F, "NULL": F},
    ),
]


def row_rule(rules: RuleSet, name: str) -> RowRule:
    return next(r for r in rules.objects[0].row_rules if r.name == name and r.kind is not RowRuleKind.TYPE)


def test_every_predicate_is_true_or_false_as_the_contract_says(spark: Any) -> None:
    columns = []
    for index, (name, prop, values) in enumerate(CASES):
        rules = rules_of(prop)
        rule = row_rule(rules, name)
        ddl = rules.objects[0].columns[0].type.ddl
        ddl = "STRING" if ddl.startswith("VARCHAR") else ddl
        typed = ", ".join(f"CAST({value} AS {ddl})" for value in values)
        columns.append(f"transform(array({typed}), `c` -> {rule.predicate}) AS r{index}")
    found = spark.sql("SELECT " + ",\n".join(columns)).first()
    wrong = {
        f"{CASES[index][0]} {json.dumps(CASES[index][1])}": dict(zip(values, found[index], strict=True))
        for index, (_, _, values) in enumerate(CASES)
        if found[index] != list(values.values())
    }
    assert wrong == {}


def test_a_struct_with_required_names(spark: Any) -> None:
    prop = STRUCT | {"logicalTypeOptions": {"required": ["a", "b"], "minProperties": 2, "maxProperties": 1}}
    rules = rules_of(prop).objects[0]
    rows = "(1, named_struct('a', 1L, 'b', 'x')), (2, named_struct('a', 1L, 'b', NULL)), (3, NULL)"
    predicates = ", ".join(rule.predicate for rule in rules.row_rules if rule.name in ("c.required", "c.minProperties"))
    other = next(rule.predicate for rule in rules.row_rules if rule.name == "c.maxProperties")
    found = spark.sql(f"SELECT {predicates}, {other} FROM VALUES {rows} AS t(id, c) ORDER BY id").collect()
    assert [tuple(row) for row in found] == [(T, T, F), (F, F, T), (T, T, T)]


def test_variant_objects_are_ruled_by_their_names(spark: Any) -> None:
    document = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": "c",
        "version": "1.0.0",
        "schema": [{"name": "t", "properties": [options("object", required=["a"], maxProperties=1)]}],
    }
    rules = compile_rules(load_contract(json.dumps(document).encode()), variant=True).objects[0]
    assert rules.columns[0].type.ddl == "VARIANT"
    predicates = ", ".join(r.predicate for r in rules.row_rules if r.kind is RowRuleKind.VALUE)
    rows = """('{"a":1}'), ('{"b":1}'), ('{"a":1,"b":2}'), ('[1]'), (NULL)"""
    found = spark.sql(f"SELECT {predicates} FROM (SELECT parse_json(v) AS c FROM VALUES {rows} AS t(v))").collect()
    assert [tuple(row) for row in found] == [(T, T), (F, T), (T, F), (F, F), (T, T)]


HOSTILE = ["a`b", "it's", "a.b", "${x}", "two words", "select", "größe", "x" * 255, "-- c", "a\nb", '"q"', "{object}"]


def test_hostile_names_survive(spark: Any) -> None:
    properties: list[dict[str, Any]] = [
        {"name": name, "logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 1}}
        for name in HOSTILE
    ]
    properties.append({"name": "nest", "logicalType": "object", "properties": [dict(p) for p in properties]})
    rules = rules_of(*properties).objects[0]
    frame = spark.range(1).selectExpr("1L AS v")
    from pyspark.sql import functions as sql

    inner = sql.struct(*[sql.lit(1).cast("bigint").alias(name) for name in HOSTILE])
    frame = frame.select(*[sql.lit(1).cast("bigint").alias(name) for name in HOSTILE], inner.alias("nest"))
    predicates = [r.predicate for r in rules.row_rules if r.kind is RowRuleKind.VALUE]
    assert len(predicates) == 4 * len(HOSTILE)
    assert set(frame.selectExpr(*predicates).first()) == {True}
    assert len({rule.name.casefold() for rule in rules.row_rules}) == len(rules.row_rules)
