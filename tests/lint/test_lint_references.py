"""Relationships, service levels and measures: what names lead to."""

from __future__ import annotations

import pytest
from lint_documents import document, found, properties

CONTRACT = """
schema:
  - name: customers
    id: c
    physicalName: cust
    properties:
      - {name: id, id: cid, logicalType: integer, primaryKey: true}
      - {name: country, logicalType: string, primaryKey: true}
      - {name: code, logicalType: string, unique: true}
      - {name: mail, logicalType: string, quality: [{metric: duplicateValues, mustBe: 0}]}
      - {name: turnover, logicalType: number, semanticType: measure, transformLogic: sum(x)}
    quality:
      - {metric: duplicateValues, arguments: {properties: [id, mail]}, mustBe: 0}
  - name: orders
    properties:
      - {name: a, logicalType: string, relationships: [{to: TARGET}]}
      - {name: n, logicalType: integer}
"""
TYPES = "`a` is STRING, `customers.id` is BIGINT (give both the same logical type)"
UNIQUE = "`customers.id` is neither the primary key of `customers` nor unique (declare it unique, or as the key)"


def to(target: str) -> list[str]:
    """Findings of a relationship of orders.a."""
    lines = found(document(CONTRACT.replace("TARGET", target), version="v3.2.0"))
    prefix = "20:61 {} schema[1].properties[0].relationships[0].to: "
    return [line.replace(prefix.format(line[6 : line.index(" schema")]), line[6 : line.index(" schema")] + ": ")
            for line in lines]  # fmt: skip


@pytest.mark.parametrize(
    "target", ["customers.code", "cust.code", "customers.mail", "other.yaml#/schema/x/properties/y"]
)
def test_targets_that_are_unique(target: str) -> None:
    assert to(target) == []


@pytest.mark.parametrize("target", ["customers.id", "/schema/c/properties/cid"])
def test_one_member_of_a_key_is_not_unique_and_a_text_is_no_number(target: str) -> None:
    assert to(target) == [f"warning LP751: {TYPES}", f"warning LP752: {UNIQUE}"]


def test_a_target_that_is_not_there_is_left_to_the_rules() -> None:
    assert to("customers.nothing") == [
        "warning LP207: 'customers.nothing' is no property of this contract "
        "(write object.property; it is not enforced so far)"
    ]


def test_a_measure_and_the_property_itself() -> None:
    assert to("customers.turnover") == [
        "error LP747: `customers.turnover` is a measure; it is computed, not stored "
        "(use a column; a measure is computed by its reader)"
    ]
    assert to("orders.a") == ["warning LP753: `orders.a` is where the relationship starts (correct `to`)"]


@pytest.mark.parametrize(
    ("source", "target", "findings"),
    [
        ("[orders.n, orders.a]", "[customers.id, customers.country]", []),
        ("[orders.n, orders.a]", "[customers.id, customers.code]", []),
        ("[orders.n, orders.a]", "[customers.id, customers.mail]", []),
        (
            "[orders.n, orders.a]",
            "[customers.country, customers.id]",
            ["`n` is BIGINT, `customers.country` is STRING", "`a` is STRING, `customers.id` is BIGINT"],
        ),
    ],
)
def test_relationships_of_objects(source: str, target: str, findings: list[str]) -> None:
    body = CONTRACT.replace("TARGET", "customers.code") + f"    relationships: [{{from: {source}, to: {target}}}]\n"
    assert [line.partition(" schema[1].relationships[0].to: ")[2] for line in found(document(body, version="v3.2.0"))] \
        == [f"{text} (give both the same logical type)" for text in findings]  # fmt: skip


def test_relationships_of_nested_properties() -> None:
    source = document("""
        schema:
          - name: customers
            properties: [{name: id, logicalType: integer, primaryKey: true}]
          - name: orders
            properties:
              - name: buyer
                logicalType: object
                properties: [{name: id, logicalType: string, relationships: [{to: customers.id}]}]
    """)
    assert found(source) == [
        "13:75 warning LP751 schema[1].properties[0].properties[0].relationships[0].to: `buyer.id` is STRING, "
        "`customers.id` is BIGINT (give both the same logical type)"
    ]


def test_service_levels() -> None:
    source = document(
        """
        schema:
          - name: orders
            physicalName: o_tbl
            properties:
              - {name: day, logicalType: date}
              - {name: m, logicalType: integer, semanticType: measure, transformLogic: count(1)}
        slaDefaultElement: orders.gone
        slaProperties:
          - {property: frequency, value: 1, unit: d, element: "orders.day, o_tbl, orders.gone, nothing.x, o_tbl.*"}
          - {property: latency, value: 1, unit: d, element: nothing.x}
          - {property: latency, value: 1, unit: m, element: orders.day}
          - {property: latency, value: 1, unit: d, element: orders.m}
          - {property: timeToDetect, value: 1, unit: m}
          - {property: td, value: 1}
          - {property: availability, value: 101, unit: percent}
          - {property: av, value: -1}
          - {property: endOfLife, value: null}
          - {property: latency, value: 1, unit: d}
        """,
        version="v3.2.0",
    )
    assert found(source) == [
        "12:20 warning LP750 slaDefaultElement: `orders.gone` is no object and no property of this contract "
        "(write object.property)",
        "15:53 warning LP208 slaProperties[1].element: 'nothing.x' is no property of this contract "
        "(write object.property; it is not enforced so far)",
        "16:41 warning LP208 slaProperties[2].unit: unit 'm' may be minutes or months; write 'min' or 'month' "
        "(it is not enforced so far)",
        "17:53 error LP747 slaProperties[3].element: `orders.m` is a measure; it is computed, not stored "
        "(use a column; a measure is computed by its reader)",
        "18:46 warning LP748 slaProperties[4].unit: the unit `m` of `timeToDetect` may be minutes or months "
        "(write `min` or `month`)",
        "19:27 warning LP749 slaProperties[5].value: `td` is 1 and has no unit (add unit, for example h)",
        "20:37 warning LP749 slaProperties[6].value: `availability` is 101 percent, which is above 100 "
        "(write 0 to 100)",
        "21:27 warning LP749 slaProperties[7].value: `av` is -1, which is below 0 (write 0 or more)",
        "22:34 warning LP749 slaProperties[8].value: `endOfLife` has no value (give it a value, or remove it)",
        "23:5 warning LP208 slaProperties[9]: 'orders.gone' is no property of this contract "
        "(write object.property; it is not enforced so far)",
    ]


def test_elements_of_a_contract_without_a_schema_cannot_be_looked_up() -> None:
    assert found(document("slaProperties: [{property: frequency, value: 1, unit: d, element: a.b}]")) == []


def test_members_of_the_team() -> None:
    source = document("""
        team:
          members:
            - {username: ann, replacedByUsername: bob}
            - {username: cid, replacedByUsername: ann}
    """)
    assert found(source) == [
        "8:43 warning LP750 team.members[0].replacedByUsername: `bob` is no member of the team "
        "(add the member, or correct the name)"
    ]


def test_flags_of_a_measure() -> None:
    source = properties(
        """
        - {name: id, logicalType: string}
        - name: m
          logicalType: number
          semanticType: measure
          transformLogic: sum(x)
          required: true
          unique: true
          primaryKey: true
          partitioned: true
          relationships: [{to: orders.id}]
        """,
        version="v3.2.0",
    )
    hint = "it is computed, not stored (use a column; a measure is computed by its reader)"
    path = "error LP747 schema[0].properties[1]"
    assert found(source) == [
        f"14:19 {path}.required: `m` is a measure and is required; {hint}",
        f"15:17 {path}.unique: `m` is a measure and is unique; {hint}",
        f"16:21 {path}.primaryKey: `m` is a measure and is part of the primary key; {hint}",
        f"17:22 {path}.partitioned: `m` is a measure and is a partition column; {hint}",
        f"18:24 {path}.relationships: `m` is a measure and refers to another property; {hint}",
    ]


def test_measures_where_columns_are_named() -> None:
    source = document(
        """
        schema:
          - name: orders
            properties:
              - {name: id, logicalType: string}
              - {name: m, logicalType: integer, semanticType: measure, transformLogic: count(1)}
            relationships: [{from: orders.id, to: orders.m}]
            quality: [{metric: duplicateValues, arguments: {properties: [id, m]}, mustBe: 0}]
        slaDefaultElement: orders.m
        """,
        version="v3.2.0",
    )
    hint = "is a measure; it is computed, not stored (use a column; a measure is computed by its reader)"
    assert found(source) == [
        f"11:43 error LP747 schema[0].relationships[0].to: `orders.m` {hint}",
        f"12:70 error LP747 schema[0].quality[0].arguments.properties[1]: `m` {hint}",
        f"13:20 error LP747 slaDefaultElement: `orders.m` {hint}",
    ]
