"""The first lines, texts that other readers take for something else, and variables."""

from __future__ import annotations

import pytest
from lint_documents import document, found

YAML_1_1 = "without quotes is {} to readers of YAML 1.1, such as PyYAML"


@pytest.mark.parametrize("version", ["1.0.0", "v1.2", "2.0.0-rc.1+build", "3"])
def test_versions_that_compare(version: str) -> None:
    assert found(document("name: a").replace(b"version: 1.0.0", f"version: '{version}'".encode())) == []


@pytest.mark.parametrize("version", ["2024-01", "1.2.3.4", "latest", "1.02"])
def test_versions_that_do_not(version: str) -> None:
    assert found(document("name: a").replace(b"version: 1.0.0", f"version: '{version}'".encode())) == [
        f"4:10 warning LP727 version: the version `{version}` is not a semantic version, so it cannot be compared "
        "(write MAJOR.MINOR.PATCH, for example 1.4.0)"
    ]


def test_a_status_in_another_case_and_an_unknown_one() -> None:
    assert found(document("name: a").replace(b"active", b"Active")) == [
        "5:9 warning LP728 status: the status `Active` is spelled `active` in the standard (write status: active)"
    ]
    assert found(document("name: a").replace(b"active", b"live")) == [
        "5:9 info LP728 status: the standard does not name the status `live` "
        "(use proposed, draft, active, deprecated or retired)"
    ]


def test_what_yaml_1_1_reads_otherwise() -> None:
    source = document("""
        name: no
        tenant: 12:30:45
        domain: 1_000
        contractCreatedTs: 2024-01-31 10:00:00
        customProperties:
          - {property: a, value: {b: [2024-01-01]}}
    """)
    assert found(source) == [
        f'6:7 warning LP729 name: `no` {YAML_1_1.format("a boolean")} (write "no")',
        f'7:9 warning LP729 tenant: `12:30:45` {YAML_1_1.format("a number")} (write "12:30:45")',
        f'8:9 warning LP729 domain: `1_000` {YAML_1_1.format("a number")} (write "1_000")',
        f"9:20 warning LP729 contractCreatedTs: `2024-01-31 10:00:00` {YAML_1_1.format('a date')} "
        '(write "2024-01-31 10:00:00")',
        f"11:31 warning LP729 customProperties[0].value.b[0]: `2024-01-01` {YAML_1_1.format('a date')} "
        '(write "2024-01-01")',
    ]


def test_quotes_blocks_tags_and_aliases_are_read_alike() -> None:
    source = document("""
        tags: ['on', "off", !!str off, n]
        description:
          purpose: |
            no
          usage: >-
            2024-01-31
          limitations: no limits
    """)
    assert found(source) == []


def test_variables_without_a_default_are_worth_knowing() -> None:
    source = document("""
        servers:
          - {server: p, type: databricks, catalog: "${CATALOG}", schema: "${SCHEMA:-x}_${B}"}
        schema:
          - name: orders
            properties: [{name: id, logicalType: string}]
    """)
    hint = "(give it a value, or write ${NAME:-default})"
    assert found(source) == [
        f"7:44 info LP160 servers[0].catalog: the variable `CATALOG` has no value {hint}",
        f"7:66 info LP160 servers[0].schema: the variable `B` has no value {hint}",
    ]


def test_placeholders_of_v3_0_are_no_variables() -> None:
    source = document(
        """
        schema:
          - name: orders
            properties: [{name: id, logicalType: string}]
            quality: [{type: sql, query: "SELECT count(*) FROM ${object}", mustBe: 3}]
        """,
        version="v3.0.2",
    )
    assert found(source) == []


def test_places_of_a_document_with_a_byte_order_mark_and_windows_lines() -> None:
    source = b"\xef\xbb\xbf" + document("name: a\ntenant: no").replace(b"\n", b"\r\n")
    assert found(source) == [f'7:9 warning LP729 tenant: `no` {YAML_1_1.format("a boolean")} (write "no")']
