"""The typed model: every field, and one form for what the versions write in two."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lakepact.contract import Contract, load_contract
from lakepact.contract.model import (
    Bound,
    LogicalType,
    LogicalTypeOptions,
    Metric,
    Operator,
    Place,
    QualityRule,
    QualityType,
    SchemaProperty,
    SemanticType,
    Threshold,
)


def load(body: str, version: str = "v3.2.0") -> Contract:
    header = f"apiVersion: {version}\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\n"
    return load_contract((header + body).encode())


def load_property(text: str, version: str = "v3.2.0") -> SchemaProperty:
    lines = "".join(f"        {line}\n" for line in text.splitlines())
    return load("schema:\n  - name: t\n    properties:\n      - name: p\n" + lines, version).schema[0].properties[0]


def load_options(text: str, version: str = "v3.2.0") -> LogicalTypeOptions:
    logical_type, _, options = text.partition(" ")
    loaded = load_property(f"logicalType: {logical_type}\nlogicalTypeOptions: {options}", version).options
    assert loaded is not None
    return loaded


def load_rule(text: str, version: str = "v3.2.0") -> QualityRule:
    return load(f"schema:\n  - name: t\n    quality:\n      - {{{text}}}\n", version).schema[0].quality[0]


def test_the_root() -> None:
    contract = load(
        """\
name: Orders
tenant: acme
domain: sales
dataProduct: shop
tags: [a, b]
description: {purpose: why, limitations: none, usage: how}
slaDefaultElement: t.p
authoritativeDefinitions: [{type: canonicalUrl, url: 'https://x', description: d, id: i}]
customProperties: [{property: k, value: {a: [1.5]}, id: i, description: d, vendor: v}]
roles: [{role: r, access: read, description: d, firstLevelApprovers: f, secondLevelApprovers: s}]
""",
    )
    assert (contract.name, contract.tenant, contract.domain, contract.data_product) == (
        "Orders",
        "acme",
        "sales",
        "shop",
    )
    assert contract.tags == ("a", "b")
    assert contract.status == "active"
    assert contract.sla_default_element == "t.p"
    description = contract.description
    assert description is not None
    assert (description.purpose, description.limitations, description.usage) == ("why", "none", "how")
    definition = contract.authoritative_definitions[0]
    assert (definition.type, definition.url, definition.description, definition.id) == (
        "canonicalUrl",
        "https://x",
        "d",
        "i",
    )
    custom = contract.custom_properties[0]
    assert (custom.property, custom.value, custom.id, custom.description, custom.vendor) == (
        "k",
        {"a": [1.5]},
        "i",
        "d",
        "v",
    )
    role = contract.roles[0]
    assert (role.role, role.access, role.description) == ("r", "read", "d")
    assert (role.first_level_approvers, role.second_level_approvers) == ("f", "s")


def test_the_object() -> None:
    table = load(
        """\
schema:
  - name: t
    id: t1
    physicalName: tbl
    physicalType: view
    businessName: Tee
    description: text
    dataGranularityDescription: one row
    deprecated: true
    synonyms: [{synonym: tee}]
    tags: [x]
    customProperties: [{property: k, value: 1}]
    authoritativeDefinitions: [{type: t, url: u}]
    relationships:
      - {from: [t.a, t.b], to: [u.a, u.b], id: r, customProperties: [{property: k, value: 1}]}
    properties:
      - {name: a}
      - {name: m, semanticType: measure}
"""
    ).schema[0]
    assert (table.name, table.id, table.physical_name, table.table, table.physical_type) == (
        "t",
        "t1",
        "tbl",
        "tbl",
        "view",
    )
    assert (table.business_name, table.description, table.data_granularity_description) == ("Tee", "text", "one row")
    assert (table.deprecated, table.synonyms, table.tags) == (True, ("tee",), ("x",))
    assert [column.name for column in table.columns] == ["a"]
    relationship = table.relationships[0]
    assert (relationship.source, relationship.target) == (("t.a", "t.b"), ("u.a", "u.b"))
    assert (relationship.type, relationship.id) == ("foreignKey", "r")
    assert relationship.custom_properties[0].property == "k"
    assert table.custom_properties[0].value == 1
    assert table.authoritative_definitions[0].url == "u"


def test_the_property() -> None:
    column = load_property(
        """\
id: p1
physicalName: col
physicalType: DECIMAL(9,2)
businessName: Pee
description: text
logicalType: number
required: true
unique: true
primaryKey: true
primaryKeyPosition: 2
partitioned: true
partitionKeyPosition: 1
classification: restricted
criticalDataElement: true
encryptedName: col_enc
transformSourceObjects: [s.a, s.b]
transformLogic: a + b
transformDescription: sum
examples: [1, null, x]
semanticType: dimension
deprecated: true
synonyms: [{synonym: pee}]
enum: [{value: 0.10, label: l, description: d}, {value: null}, {value: '0.10'}]
relationships: [{to: u.a}]
tags: [x]
customProperties: [{property: k, value: 1}]
authoritativeDefinitions: [{type: t, url: u}]
"""
    )
    assert (column.id, column.physical_name, column.column, column.physical_type) == (
        "p1",
        "col",
        "col",
        "DECIMAL(9,2)",
    )
    assert (column.business_name, column.description, column.logical_type) == ("Pee", "text", LogicalType.NUMBER)
    assert (column.required, column.unique, column.primary_key, column.primary_key_position) == (True, True, True, 2)
    assert (column.partitioned, column.partition_key_position) == (True, 1)
    assert (column.classification, column.critical_data_element, column.encrypted_name) == (
        "restricted",
        True,
        "col_enc",
    )
    assert column.transform_source_objects == ("s.a", "s.b")
    assert (column.transform_logic, column.transform_description) == ("a + b", "sum")
    assert column.examples == (1, None, "x")
    assert (column.semantic_type, column.deprecated, column.synonyms) == (SemanticType.DIMENSION, True, ("pee",))
    assert [entry.value for entry in column.enum] == [Decimal("0.10"), None, "0.10"]
    assert (column.enum[0].label, column.enum[0].description) == ("l", "d")
    assert (column.relationships[0].source, column.relationships[0].target) == ((), ("u.a",))
    assert (column.tags, column.place) == (("x",), Place("schema[0].properties[0]", 9, 9))
    assert column.custom_properties[0].value == 1
    assert column.authoritative_definitions[0].url == "u"


def test_defaults_of_the_property() -> None:
    column = load_property("primaryKeyPosition: -1\npartitionKeyPosition: -1")
    assert column == SchemaProperty(place=column.place, name="p")


def test_nested_parts() -> None:
    contract = load(
        """\
schema:
  - name: t
    properties:
      - name: a
        logicalType: array
        items: {logicalType: object, properties: [{name: x}]}
      - name: m
        logicalType: map
        map: {key: {logicalType: string}, value: {logicalType: array, items: {logicalType: integer}}}
"""
    )
    assert [(p.place.path, p.name, p.logical_type) for _, p in contract.walk_properties()] == [
        ("schema[0].properties[0]", "a", LogicalType.ARRAY),
        ("schema[0].properties[0].items", "", LogicalType.OBJECT),
        ("schema[0].properties[0].items.properties[0]", "x", None),
        ("schema[0].properties[1]", "m", LogicalType.MAP),
        ("schema[0].properties[1].map.key", "", LogicalType.STRING),
        ("schema[0].properties[1].map.value", "", LogicalType.ARRAY),
        ("schema[0].properties[1].map.value.items", "", LogicalType.INTEGER),
    ]


OPTIONS = "schema[0].properties[0].logicalTypeOptions"


def test_bounds_of_v3_0_are_switched_by_booleans() -> None:
    options = load_options(
        "number {minimum: 0.1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false}", "v3.0.2"
    )
    assert options.lower == (Bound(Decimal("0.1"), False, Place(f"{OPTIONS}.minimum", 11, 39)),)
    assert options.upper == (Bound(9, True, Place(f"{OPTIONS}.maximum", 11, 77)),)


def test_bounds_of_v3_1_stand_on_their_own() -> None:
    options = load_options("integer {minimum: 1, exclusiveMinimum: 0.50, exclusiveMaximum: 9}", "v3.1.0")
    assert [(bound.value, bound.inclusive) for bound in options.lower] == [(1, True), (Decimal("0.50"), False)]
    assert [(bound.value, bound.inclusive) for bound in options.upper] == [(9, False)]
    assert str(options.lower[1].value) == "0.50"


def test_a_switch_without_its_bound_says_nothing() -> None:
    assert load_options("integer {exclusiveMinimum: true}", "v3.0.2").lower == ()


def test_bounds_of_dates_stay_text() -> None:
    options = load_options("date {minimum: 2020-01-01, exclusiveMaximum: 2030-01-01, format: yyyy-MM-dd}")
    assert [(bound.value, bound.inclusive) for bound in options.lower] == [("2020-01-01", True)]
    assert [(bound.value, bound.inclusive) for bound in options.upper] == [("2030-01-01", False)]
    assert options.format == "yyyy-MM-dd"


def test_the_other_options() -> None:
    options = load_options("string {minLength: 1, maxLength: 2.0, pattern: '^a$', format: uuid}")
    assert (options.min_length, options.max_length, options.pattern, options.format) == (1, 2, "^a$", "uuid")
    assert type(options.max_length) is int
    assert options.places["pattern"] == Place(f"{OPTIONS}.pattern", 11, 69)
    assert load_options("number {multipleOf: 0.01}").multiple_of == Decimal("0.01")
    assert load_options("number {multipleOf: 1e-2}").multiple_of == Decimal("0.01")
    options = load_options("timestamp {timezone: false, defaultTimezone: Europe/Berlin}")
    assert (options.timezone, options.default_timezone) == (False, "Europe/Berlin")
    options = load_options("array {minItems: 1, maxItems: 2, uniqueItems: true}")
    assert (options.min_items, options.max_items, options.unique_items) == (1, 2, True)
    options = load_options("object {minProperties: 1, maxProperties: 2, required: [a, b]}")
    assert (options.min_properties, options.max_properties, options.required) == (1, 2, ("a", "b"))
    options = load_options("vector {dimensions: 3, elementType: int8, normalized: true, embeddingModel: m}")
    assert (options.dimensions, options.element_type, options.normalized) == (3, "int8", True)
    assert options.other == {"embeddingModel": "m"}
    assert load_options("boolean {x: 1}").other == {"x": 1}


@pytest.mark.parametrize(
    ("text", "metric", "arguments", "thresholds"),
    [
        ("rule: nullCheck", Metric.NULL_VALUES, {}, []),
        ("rule: nullCheck, mustBeLessThan: 5", Metric.NULL_VALUES, {}, [(Operator.MUST_BE_LESS_THAN, 5)]),
        ("rule: duplicateCount, mustBe: 0", Metric.DUPLICATE_VALUES, {}, [(Operator.MUST_BE, 0)]),
        ("rule: unique", Metric.DUPLICATE_VALUES, {}, [(Operator.MUST_BE, 0)]),
        ("rule: unique, mustBeLessThan: 3", Metric.DUPLICATE_VALUES, {}, [(Operator.MUST_BE_LESS_THAN, 3)]),
        (
            "rule: validValues, validValues: [a, 0.1]",
            Metric.INVALID_VALUES,
            {"validValues": ("a", Decimal("0.1"))},
            [(Operator.MUST_BE, 0)],
        ),
        ("rule: rowCount, mustBe: 5", Metric.ROW_COUNT, {}, [(Operator.MUST_BE, 5)]),
        ("rule: countCheck, mustBe: 5", Metric.ROW_COUNT, {}, [(Operator.MUST_BE, 5)]),
        (
            "rule: ROWCOUNT, mustBeGreaterThan: 1, mustBeLessThan: 9",
            Metric.ROW_COUNT,
            {},
            [(Operator.MUST_BE_GREATER_THAN, 1), (Operator.MUST_BE_LESS_THAN, 9)],
        ),
        ("rule: between, mustBeBetween: [1, 2]", None, {}, [(Operator.MUST_BE_BETWEEN, (1, 2))]),
    ],
)
def test_rules_of_v3_0_become_metrics(
    text: str, metric: Metric | None, arguments: object, thresholds: list[tuple[Operator, object]]
) -> None:
    rule = load_rule(text, "v3.0.2")
    assert (rule.type, rule.metric) == (QualityType.LIBRARY, metric)
    assert rule.metric_text == text.split(",")[0].removeprefix("rule: ")
    assert rule.arguments == arguments
    assert [(threshold.operator, threshold.value) for threshold in rule.thresholds] == thresholds


def test_an_implied_threshold_stands_where_the_rule_stands() -> None:
    place = Place("schema[0].quality[0].rule", 9, 16)
    assert load_rule("rule: unique", "v3.0.2").thresholds == (Threshold(Operator.MUST_BE, 0, place),)


def test_the_quality_rule() -> None:
    rule = load_rule(
        "id: q, name: n, description: d, type: library, metric: invalidValues, unit: '%', dimension: conformity,"
        " arguments: {validValues: [1, 2.50]}, mustNotBeBetween: [0.1, 5], severity: error, businessImpact: b,"
        " method: m, schedule: s, scheduler: cron, tags: [x], customProperties: [{property: k, value: 1}],"
        " authoritativeDefinitions: [{type: t, url: u}]"
    )
    assert (rule.id, rule.name, rule.description, rule.metric) == ("q", "n", "d", Metric.INVALID_VALUES)
    assert rule.arguments == {"validValues": (1, Decimal("2.50"))}
    assert [(t.operator, t.value, t.place.path) for t in rule.thresholds] == [
        (Operator.MUST_NOT_BE_BETWEEN, (Decimal("0.1"), 5), "schema[0].quality[0].mustNotBeBetween")
    ]
    assert (rule.unit, rule.dimension, rule.severity, rule.business_impact) == ("percent", "conformity", "error", "b")
    assert (rule.method, rule.schedule, rule.scheduler, rule.tags) == ("m", "s", "cron", ("x",))
    assert rule.custom_properties[0].property == "k"
    assert rule.authoritative_definitions[0].url == "u"


@pytest.mark.parametrize(
    ("written", "unit"),
    [("rows", "rows"), ("percent", "percent"), ("percentage", "percent"), ("'%'", "percent"), ("Percent", "percent")],
)
def test_units(written: str, unit: str) -> None:
    assert load_rule(f"metric: rowCount, mustBe: 1, unit: {written}").unit == unit


def test_unit_defaults_to_rows_and_an_unknown_one_is_kept() -> None:
    assert load_rule("metric: rowCount, mustBe: 1").unit == "rows"
    assert load_rule("metric: rowCount, mustBe: 1, unit: days").unit == "days"


def test_other_kinds_of_rules() -> None:
    rule = load_rule("type: sql, query: SELECT 1, mustBe: 0.30")
    assert (rule.type, rule.query, rule.thresholds[0].value) == (QualityType.SQL, "SELECT 1", Decimal("0.30"))
    rule = load_rule("type: custom, engine: soda, implementation: {a: 1}")
    assert (rule.type, rule.engine, rule.implementation) == (QualityType.CUSTOM, "soda", {"a": 1})
    assert load_rule("type: text").type is QualityType.TEXT
    assert load_rule("type: sql, query: SELECT 1, mustBe: null").thresholds[0].value is None


def test_sla_properties() -> None:
    sla = load(
        "slaProperties: [{property: latency, value: 4.10, valueExt: 5, unit: d, element: 't.a, t.b,', "
        "driver: regulatory,"
        " description: d, scheduler: cron, schedule: s, id: i}]\n"
    ).sla_properties[0]
    assert (sla.property, sla.value, sla.value_ext, sla.unit) == ("latency", Decimal("4.10"), 5, "d")
    assert (sla.elements, sla.driver, sla.description) == (("t.a", "t.b"), "regulatory", "d")
    assert (sla.scheduler, sla.schedule, sla.id) == ("cron", "s", "i")


def test_servers() -> None:
    server = load(
        "servers: [{server: s, id: i, type: databricks, description: d, environment: e, catalog: c, schema: x,"
        " customProperties: [{property: k, value: 1}]}]\n"
    ).servers[0]
    assert (server.server, server.id, server.type, server.description, server.environment) == (
        *("s", "i", "databricks"),
        *("d", "e"),
    )
    assert server.settings == {"catalog": "c", "schema": "x"}
    assert server.custom_properties[0].property == "k"


@pytest.mark.parametrize(
    ("version", "body"),
    [
        ("v3.0.2", "team: [{username: u, name: n, role: r, dateIn: 2024-01-31, dateOut: x, replacedByUsername: v}]\n"),
        (
            "v3.1.0",
            "team:\n  members:\n"
            "  - {username: u, name: n, role: r, dateIn: 2024-01-31, dateOut: x, replacedByUsername: v}\n",
        ),
    ],
)
def test_both_forms_of_the_team(version: str, body: str) -> None:
    team = load(body, version).team
    assert team is not None
    member = team.members[0]
    assert (member.username, member.name, member.role) == ("u", "n", "r")
    assert (member.date_in, member.date_out, member.replaced_by_username) == ("2024-01-31", "x", "v")


def test_the_team_object() -> None:
    team = load("team: {name: n, description: d}\n").team
    assert team is not None
    assert (team.name, team.description, team.members, team.place) == ("n", "d", (), Place("team", 6, 7))
    assert load("").team is None
