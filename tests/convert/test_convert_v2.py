"""ODCS v2.2.2: every file of the corpus becomes a valid v3.1.0, and nothing of it is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from convert_account import data_of, loaded, said, unseen_changes

from lakepact.convert.v2 import convert_v2
from lakepact.errors import ConfigurationError

HEAD = "version: 1.0.0\nkind: DataContract\nuuid: a\ntype: tables\nstatus: current\ndatasetName: n\nquantumName: q\n"
FILES = [
    "all/full-example.yaml",
    "all/postgresql-adventureworks-contract.yaml",
    "fundamentals/table-column-description.yaml",
    "quality/column-accuracy.yaml",
    "quality/column-completeness.yaml",
    "quality/column-validity.yaml",
    "roles/service-and-operational-roles.yaml",
    "schema/table-column.yaml",
    "schema/table-columns-with-partition.yaml",
    "sla/database-table-sla.yaml",
    "stakeholders/basic-four-dpo.yaml",
]


def column(body: str, **more: str) -> dict[str, Any]:
    """The only property of a contract whose only column has `body`."""
    converted = convert_v2(
        f"{HEAD}dataset: [{{table: t, columns: [{{column: c, isNullable: true, {body}}}]}}]".encode()
    )
    loaded(converted)
    found: dict[str, Any] = converted.document["schema"][0]["properties"][0]
    assert (found.pop("name"), found.pop("required")) == ("c", False)
    return found


def document(body: str) -> dict[str, Any]:
    converted = convert_v2((HEAD + body).encode())
    loaded(converted)
    return converted.document


def test_all_files_of_the_corpus_are_in_the_list(odcs_corpus: Path) -> None:
    folder = odcs_corpus / "v2.2.2"
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*.yaml")) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_a_valid_contract_and_loses_nothing(odcs_corpus: Path, name: str) -> None:
    source = (odcs_corpus / "v2.2.2" / name).read_bytes()
    converted = convert_v2(source, file=name)
    contract = loaded(converted)
    assert contract.id in ("53581432-6c55-4ba2-a65f-72344a91553a", "6aeafdc1-ed62-4c8f-bf0a-da1061c98cdb")
    assert {problem.code for problem in converted.problems} <= {"LP806", "LP807"}
    data = data_of(source)
    if "adventureworks" in name:
        data["dataset"]["tables"] = data["dataset"]["tables"][:2]
    assert unseen_changes(convert_v2, data) == []


def test_the_full_example(odcs_corpus: Path) -> None:
    converted = convert_v2((odcs_corpus / "v2.2.2/all/full-example.yaml").read_bytes())
    contract = loaded(converted)
    assert said(converted) == []
    assert (contract.status, contract.domain, contract.data_product) == ("active", "seller", "my quantum")
    (table,) = contract.schema
    assert (table.name, table.physical_name, table.physical_type) == ("tbl", "tbl_1", "table")
    assert [(found.name, found.required, found.primary_key) for found in table.properties] == [
        ("txn_ref_dt", True, False),
        ("rcvr_id", True, True),
        ("rcvr_cntry_code", True, False),
    ]
    assert table.properties[2].encrypted_name == "rcvr_cntry_code_encrypted"
    (rule,) = table.properties[2].quality
    assert (rule.metric, rule.schedule, rule.scheduler, rule.severity) == ("nullValues", "0 20 * * *", "cron", "error")
    assert (table.quality[0].engine, table.quality[0].method) == ("Elevate", "reconciliation")
    assert contract.team is not None
    assert [member.username for member in contract.team.members] == ["ceastwood", "mhopper", "daustin"]
    assert (contract.sla_properties[0].elements, contract.sla_properties[5].value_ext) == (("tab1.txn_ref_dt",), 1)
    assert (contract.servers[0].type, dict(contract.servers[0].settings)) == (
        "bigquery",
        {"project": "edw", "dataset": "access_views"},
    )


def test_the_older_layout_is_read_and_told(odcs_corpus: Path) -> None:
    name = "all/postgresql-adventureworks-contract.yaml"
    converted = convert_v2((odcs_corpus / "v2.2.2" / name).read_bytes(), file="old.yaml")
    contract = loaded(converted)
    assert said(converted) == [
        "old.yaml:8:1: warning LP806: `kind` is `managedDataset`, as before v2.2; it is kept as `datasetKind`",
        "old.yaml:13:1: warning LP806: `dataset` holds `tables`, as before v2.2; they are read",
    ]
    assert (len(contract.schema), sum(len(table.properties) for table in contract.schema)) == (68, 456)
    first = contract.schema[0].properties[0]
    assert (first.primary_key, first.required, first.physical_type, first.logical_type) == (
        True,
        True,
        "serial",
        "number",
    )


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("logicalType: string", {"logicalType": "string"}),
        ("logicalType: Timestamp, physicalType: timestamp", {"logicalType": "timestamp", "physicalType": "timestamp"}),
        ("logicalType: double, physicalType: float8", {"logicalType": "number", "physicalType": "float8"}),
        ("logicalType: UUID, physicalType: uuid", {"logicalType": "string", "physicalType": "uuid"}),
        ("logicalType: bigint", {"logicalType": "integer", "physicalType": "bigint"}),
        ("physicalType: decimal(10)", {"logicalType": "number", "physicalType": "decimal(10)"}),
    ],
)
def test_types(written: str, found: dict[str, Any]) -> None:
    assert column(written) == found


def test_a_type_that_is_not_known_is_kept_and_told() -> None:
    text = (
        HEAD
        + "dataset:\n  - table: t\n    columns:\n"
        + "      - {column: c, isNullable: true, logicalType: geo, physicalType: point}\n"
    )
    converted = convert_v2(text.encode(), file="a.yaml")
    loaded(converted)
    assert said(converted) == ["a.yaml:11:39: warning LP805: the logicalType `geo` has no equal in ODCS v3; it is kept"]
    assert converted.document["schema"][0]["properties"][0]["customProperties"] == [
        {"property": "logicalType", "value": "geo"}
    ]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("{code: nullCheck, toolName: x}", {"type": "library", "metric": "nullValues", "mustBe": 0}),
        ("{templateName: UniqueCheck, toolName: x}", {"type": "library", "metric": "duplicateValues", "mustBe": 0}),
        (
            "{templateName: RangeCheck, toolName: x, customProperties: [{property: max, value: 5}]}",
            {
                "type": "custom",
                "engine": "lakeflow-expectations",
                "implementation": "{property} IS NULL OR ({property} <= 5)",
            },
        ),
        (
            "{templateName: RangeCheck, toolName: x}",
            {"type": "custom", "engine": "x", "implementation": {"templateName": "RangeCheck"}},
        ),
        (
            "{templateName: NullCheck, code: Q1, toolRuleName: r, toolName: x}",
            {
                "type": "custom",
                "engine": "x",
                "implementation": {"code": "Q1", "templateName": "NullCheck", "toolRuleName": "r"},
            },
        ),
    ],
)
def test_rules_of_a_column(rule: str, found: dict[str, Any]) -> None:
    (quality,) = column(f"logicalType: string, quality: [{rule}]")["quality"]
    quality.pop("customProperties", None)
    assert quality == found


def test_rules_of_a_table_count_rows_or_name_columns() -> None:
    limits = "customProperties: [{property: min, value: 1}, {property: max, value: 9}]"
    rules = [
        f"{{code: countCheck, toolName: x, {limits}}}",
        "{code: uniqueCheck, toolName: x, columns: 'a, b', dimension: uq}",
        "{code: nullCheck, toolName: x, column: b, dimension: validity, severity: critical}",
    ]
    columns = "[{column: a, isNullable: true}, {column: b, isNullable: true}]"
    (table,) = document(f"dataset: [{{table: t, columns: {columns}, quality: [{', '.join(rules)}]}}]")["schema"]
    assert [table["quality"][0]["mustBeBetween"], table["quality"][1]["arguments"]] == [
        [1, 9],
        {"properties": ["a", "b"]},
    ]
    assert table["quality"][1]["dimension"] == "uniqueness"
    (rule,) = table["properties"][1]["quality"]
    assert (rule["metric"], rule["dimension"], rule["severity"]) == ("nullValues", "conformity", "error")
    assert {"property": "severity", "value": "critical"} in rule["customProperties"]


def test_columns_that_do_not_say_whether_they_hold_nulls_are_told() -> None:
    text = HEAD + "dataset: [{table: t, columns: [{column: a}, {column: b}, {column: c, isNullable: false}]}]"
    converted = convert_v2(text.encode())
    assert [entry.get("required") for entry in converted.document["schema"][0]["properties"]] == [None, None, True]
    assert [problem.message for problem in converted.problems] == [
        "columns of `t` that do not say `isNullable` are not made `required`: a, b"
    ]


@pytest.mark.parametrize(
    ("body", "server"),
    [
        (
            "driver: jdbc:postgresql\nserver: h:5432\ndatabase: d.s\n",
            {"type": "postgresql", "host": "h", "port": 5432, "database": "d", "schema": "s"},
        ),
        ("driver: jdbc:postgresql\nserver: h\ndatabase: d\n", {"type": "custom", "host": "h", "database": "d"}),
        ("sourceSystem: snowflake\n", {"type": "custom"}),
    ],
)
def test_servers(body: str, server: dict[str, Any]) -> None:
    (found,) = document(f"{body}dataset: []")["servers"]
    assert {key: value for key, value in found.items() if key not in ("server", "customProperties")} == server


def test_a_password_is_no_part_of_a_contract() -> None:
    text = HEAD + "dataset: []\nserver: h\nusername: u\npassword: hunter2\n"
    converted = convert_v2(text.encode(), file="a.yaml")
    assert said(converted) == [
        "a.yaml:11:1: warning LP803: `password` is not carried over\n  hint: a contract is no place for secrets"
    ]
    assert "hunter2" not in str(converted.document)


def test_what_has_no_place_is_told() -> None:
    text = HEAD + "dataset: []\nstakeholders: [{role: boss}]\nslaProperties: [{property: p, value: 1, note: n}]\n"
    converted = convert_v2(text.encode(), file="a.yaml")
    loaded(converted)
    assert said(converted) == [
        "a.yaml:9:17: warning LP803: `stakeholders[0].role` has no place in ODCS and is not carried over",
        "a.yaml:10:41: warning LP803: `slaProperties[0].note` has no place in ODCS and is not carried over",
    ]


def test_values_of_the_wrong_type_are_told_and_left_out() -> None:
    text = HEAD + "dataset: [{table: t, columns: [{column: c, isNullable: maybe, description: [x]}]}]\ntags: {a: b}\n"
    converted = convert_v2(text.encode(), file="a.yaml")
    loaded(converted)
    assert [problem.message for problem in converted.problems] == [
        "`dataset[0].columns[0].isNullable` must be true or false; it is not carried over",
        "`dataset[0].columns[0].description` must be text; it is not carried over",
        "`tags` must be a list of texts; it is not carried over",
    ]


def test_what_is_missing_is_told_together() -> None:
    text = (
        "kind: DataContract\napiVersion: v2.9\ndataset:\n  - {columns: [{logicalType: string}]}\nroles: [{access: r}]\n"
    )
    with pytest.raises(ConfigurationError, match=r"LP800: a\.yaml cannot be converted") as caught:
        convert_v2(text.encode(), file="a.yaml")
    assert [str(problem) for problem in caught.value.problems if problem.severity == "error"] == [
        "a.yaml:1:1: error LP801: a contract of version 2 needs `uuid`",
        "a.yaml:1:1: error LP801: a contract of version 2 needs `version`",
        "a.yaml:4:5: error LP801: a table needs `table`",
        "a.yaml:4:16: error LP801: a column needs `column`",
        "a.yaml:5:9: error LP801: a role needs `role`",
    ]
    assert "`apiVersion` is `v2.9`; the contract is read as v2.2.2" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"a: [", r"LP104: not YAML"),
        (b"- a", "error LP800: the document is not a mapping of keys and values"),
        (b"\xff", "error LP800: not UTF-8: byte 0xff at offset 0"),
        (b"a: 1\na: 2", "error LP108: the key `a` is written twice"),
    ],
)
def test_what_cannot_be_read(source: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        convert_v2(source)
