"""Drafts from a schema: what is added, retyped and proposed for removal, and what must stay as it is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.contract import Contract, Version, load_contract
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.diff import Level, compare
from lakepact.drafts import (
    Draft,
    ProposalKind,
    Provenance,
    draft_from_dataframe,
    draft_from_schema,
    observed_schema,
)
from lakepact.drafts.assembly import draft_version
from lakepact.drafts.type_keys import type_keys
from lakepact.errors import UsageError

WHY = Provenance(cause="the schema differs", dataset="table:sales.orders", dataset_version="7", run="r1")

BASE = b"""\
# Orders, as they are shipped.
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.4.2      # bumped by hand
status: active
schema:
  - name: orders
    physicalName: t_orders
    properties:
      - name: id    # the key
        physicalName: order_id
        logicalType: integer
        primaryKey: true
        required: true
      - {name: code, logicalType: string, logicalTypeOptions: {minLength: 2, pattern: 'A.*'}}
      # what it costs
      - name: amount
        logicalType: number
        physicalType: DECIMAL(10,2)
        logicalTypeOptions: {minimum: 0}
        quality:
          - {type: library, metric: nullValues, mustBe: 0}
      - name: address
        logicalType: object
        properties:
          - name: zip
            logicalType: string
            description: five digits
"""


def atom(ddl: str) -> AtomicType:
    return AtomicType(ddl)


def struct(**fields: SparkType | str) -> StructType:
    made = [(name, atom(found) if isinstance(found, str) else found) for name, found in fields.items()]
    return StructType(tuple(StructField(name, found) for name, found in made))


SAME: dict[str, SparkType | str] = {
    "order_id": "BIGINT",
    "code": "STRING",
    "amount": "DECIMAL(10,2)",
    "address": struct(zip="STRING"),
}


def base() -> Contract:
    return load_contract(BASE, file="orders.yaml")


def drafted(**changed: SparkType | str) -> Draft:
    draft = draft_from_schema(base(), "orders", struct(**(SAME | changed)), provenance=WHY)
    assert draft is not None
    return draft


def covered(before: Contract, draft: Draft) -> bool:
    """Whether the version covers what changed; that it is a draft is the business of a store."""
    return compare(replace(before, status=None), replace(draft.contract, status=None)).version_ok


def without_provenance(source: bytes) -> str:
    return source.decode().partition("customProperties:\n  - property: lakepact.draft\n")[0]


def test_the_schema_that_the_contract_describes_gives_no_draft() -> None:
    assert draft_from_schema(base(), "orders", struct(**SAME), provenance=WHY) is None
    assert draft_from_schema(base(), "t_orders", struct(**SAME), provenance=WHY) is None


def test_a_new_column_is_appended_and_every_other_byte_stays() -> None:
    draft = drafted(note="VARCHAR(20)")
    assert draft.level is Level.MINOR
    expected = BASE.decode().replace("1.4.2 ", f"1.5.0-draft.{draft.key[:12]} ").replace("active", "draft")
    new = "      - name: note\n        logicalType: string\n        physicalType: VARCHAR(20)\n"
    assert without_provenance(draft.contract.source) == expected + new
    assert [(change.kind, change.path, change.text) for change in draft.changes] == [
        (ProposalKind.ADDED, "schema.orders.properties.note", "the column `note` is new: VARCHAR(20)")
    ]


def test_types_are_adopted_exactly_at_any_depth() -> None:
    lines = ArrayType(struct(sku="STRING", price="DECIMAL(12,4)"))
    draft = drafted(
        amount="DECIMAL(18,4)",
        address=struct(zip="INT", geo=MapType(atom("STRING"), atom("DOUBLE"))),
        lines=lines,
    )
    assert draft.level is Level.MAJOR
    properties = draft.contract.document["schema"][0]["properties"]  # type: ignore[index]
    assert properties[2] == {
        "name": "amount",
        "logicalType": "number",
        "physicalType": "DECIMAL(18,4)",
        "logicalTypeOptions": {"minimum": 0},
        "quality": [{"type": "library", "metric": "nullValues", "mustBe": 0}],
    }
    assert properties[3]["properties"] == [
        {"name": "zip", "logicalType": "integer", "physicalType": "INT", "description": "five digits"},
        {"name": "geo", "logicalType": "object", "physicalType": "MAP<STRING, DOUBLE>"},
    ]
    assert properties[4]["items"]["properties"] == [
        {"name": "sku", "logicalType": "string", "physicalType": "STRING"},
        {"name": "price", "logicalType": "number", "physicalType": "DECIMAL(12,4)"},
    ]
    assert "# what it costs" in draft.contract.source.decode()


def test_a_column_that_is_gone_stays_with_a_proposal() -> None:
    left = {name: found for name, found in SAME.items() if name != "amount"}
    draft = draft_from_schema(base(), "orders", struct(**left), provenance=WHY)
    assert draft is not None
    assert draft.level is Level.MINOR
    amount = draft.contract.schema[0].properties[2]
    assert (amount.name, len(amount.quality), amount.physical_type) == ("amount", 1, "DECIMAL(10,2)")
    assert [(each.property, each.value) for each in amount.custom_properties] == [
        ("lakepact.proposals", [{"kind": "removal", "text": "the data has no column `amount`; remove it?"}])
    ]
    assert [(change.kind, change.adopted) for change in draft.changes] == [(ProposalKind.REMOVAL, False)]
    assert draft_from_schema(draft.contract, "orders", struct(**left), provenance=WHY) is None


def test_options_that_do_not_fit_the_new_type_are_put_aside_not_deleted() -> None:
    code = drafted(code="INT").contract.document["schema"][0]["properties"][1]  # type: ignore[index]
    assert code == {
        "name": "code",
        "logicalType": "integer",
        "physicalType": "INT",
        "customProperties": [
            {
                "property": "lakepact.former",
                "value": {"logicalTypeOptions": {"minLength": 2, "pattern": "A.*"}},
            }
        ],
    }


def test_a_value_that_may_be_null_relaxes_nothing() -> None:
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in _SPARK_NAMES.items()]
    observed = observed_schema(json.dumps({"type": "struct", "fields": fields}))
    assert draft_from_schema(base(), "orders", observed, provenance=WHY) is None


_SPARK_NAMES: dict[str, Any] = {
    "ORDER_ID": "long",
    "code": "string",
    "amount": "decimal(10,2)",
    "address": {"type": "struct", "fields": [{"name": "zip", "type": "string", "nullable": True, "metadata": {}}]},
}


def test_the_provenance_is_in_the_document() -> None:
    why = Provenance(cause="drift", dataset="t", dataset_version="7", run="r1", statistics={"rows": 12})
    draft = draft_from_schema(base(), "orders", struct(**SAME, note="STRING"), provenance=why)
    assert draft is not None
    (said,) = draft.contract.custom_properties
    assert said.property == "lakepact.draft"
    assert said.value == {
        "key": draft.key,
        "base": {"version": "1.4.2", "sha256": base().sha256},
        "cause": "drift",
        "dataset": "t",
        "datasetVersion": "7",
        "run": "r1",
        "statistics": {"rows": 12},
        "proposals": [
            {
                "kind": "added",
                "path": "schema.orders.properties.note",
                "text": "the column `note` is new: STRING",
                "evidence": "seen in t, version 7",
            }
        ],
    }


def test_the_key_knows_neither_run_nor_version_of_the_data() -> None:
    other = Provenance(cause="something else", dataset="t2", dataset_version="8", run="r2")
    again = draft_from_schema(base(), "orders", struct(**SAME, note="STRING"), provenance=other)
    assert again is not None
    first = drafted(note="STRING")
    assert (first.key, first.contract.version) == (again.key, again.contract.version)
    assert drafted(note="INT").key != first.key
    other_base = load_contract(BASE.replace(b"what it costs", b"the price"))
    on_other = draft_from_schema(other_base, "orders", struct(**SAME, note="STRING"), provenance=WHY)
    assert on_other is not None
    assert on_other.key != first.key


def test_without_a_base_everything_is_new() -> None:
    observed = StructType((StructField("id", atom("BIGINT"), True, "the key"), StructField("at", atom("TIMESTAMP"))))
    draft = draft_from_schema(None, "orders", observed, provenance=WHY, contract_id="sales-orders")
    assert draft is not None
    assert (draft.base, draft.contract.id, draft.contract.status) == (None, "sales-orders", "draft")
    assert draft.contract.version == f"0.1.0-draft.{draft.key[:12]}"
    assert draft.contract.document["schema"] == [
        {
            "name": "orders",
            "physicalType": "table",
            "properties": [
                {
                    "name": "id",
                    "logicalType": "integer",
                    "physicalType": "BIGINT",
                    "description": "the key",
                    "required": True,
                },
                {"name": "at", "logicalType": "timestamp", "physicalType": "TIMESTAMP"},
            ],
        }
    ]
    assert draft_from_schema(draft.contract, "orders", observed, provenance=WHY) is None


def test_an_object_that_the_base_does_not_have_is_added() -> None:
    draft = draft_from_schema(base(), "returns", struct(id="INT"), provenance=WHY)
    assert draft is not None
    assert [each.name for each in draft.contract.schema] == ["orders", "returns"]
    assert draft.changes[0].text == "`returns` is new, with the column `id`"


def test_without_base_and_id_there_is_no_draft() -> None:
    with pytest.raises(UsageError, match="LP881: a draft without a base needs the id of its contract"):
        draft_from_schema(None, "orders", struct(id="INT"), provenance=WHY)
    with pytest.raises(UsageError, match="LP881: the base is 'orders', not 'returns'"):
        draft_from_schema(base(), "orders", struct(id="INT"), provenance=WHY, contract_id="returns")


def test_two_columns_of_one_name_are_refused() -> None:
    twice = ArrayType(struct(a="INT", A="INT"))
    with pytest.raises(UsageError, match=r"LP882: `orders\.x` has two columns named `a`"):
        draft_from_schema(base(), "orders", struct(x=twice), provenance=WHY)


def test_a_document_with_aliases_is_written_anew() -> None:
    text = BASE.replace(b"  - name: orders\n", b"  - &table\n    name: orders\n") + b"  - *table\n"
    aliased = load_contract(text.replace(b"  - *table\n", b"customProperties: [{property: x, value: *table}]\n"))
    draft = draft_from_schema(aliased, "orders", struct(**SAME, note="STRING"), provenance=WHY)
    assert draft is not None
    assert [each.name for each in draft.contract.schema[0].properties] == ["id", "code", "amount", "address", "note"]


def test_a_draft_of_a_prerelease_comes_after_it() -> None:
    candidate = load_contract(BASE.replace(b"1.4.2 ", b"1.5.0-rc.1 "))
    draft = draft_from_schema(candidate, "orders", struct(**SAME, note="STRING"), provenance=WHY)
    assert draft is not None
    assert draft.contract.version == f"1.6.0-draft.{draft.key[:12]}"
    assert covered(candidate, draft)


def test_a_key_of_digits_gets_as_many_more_as_bring_a_letter() -> None:
    key = "012345678901" + "2f" * 26
    assert draft_version(Version.parse("1.0.0"), Level.PATCH, key) == "1.0.1-draft.0123456789012f"


def test_the_types_of_an_old_version_of_the_standard_are_its_own() -> None:
    old = load_contract(BASE.replace(b"v3.1.0", b"v3.0.2").replace(b"metric: nullValues", b"rule: nullValues"))
    draft = draft_from_schema(old, "orders", struct(**SAME, at="TIMESTAMP_NTZ"), provenance=WHY)
    assert draft is not None
    assert type_keys(atom("TIMESTAMP_NTZ"), old.api_version) == {
        "logicalType": "date",
        "physicalType": "TIMESTAMP_NTZ",
    }
    assert draft_from_schema(draft.contract, "orders", struct(**SAME, at="TIMESTAMP_NTZ"), provenance=WHY) is None


def test_a_column_of_nothing_but_null_says_nothing_of_a_type() -> None:
    assert draft_from_schema(base(), "orders", struct(**(SAME | {"code": "VOID"})), provenance=WHY) is None


def test_a_schema_is_what_spark_writes() -> None:
    with pytest.raises(UsageError, match="LP880: this is no schema of a data frame: it has no `fields`"):
        observed_schema({"type": "array"})
    with pytest.raises(UsageError, match="LP880: this is no schema of a data frame: it is no JSON"):
        observed_schema("{")


class _Frame:
    """As much of a data frame as is needed."""

    def __init__(self, **fields: str) -> None:
        self.schema = self
        self._fields = fields

    def json(self) -> str:
        fields = [{"name": name, "type": kind, "nullable": True} for name, kind in self._fields.items()]
        return json.dumps({"type": "struct", "fields": fields})


def test_anything_with_a_schema_is_a_data_frame() -> None:
    frame = _Frame(order_id="long", note="interval day to second")
    draft = draft_from_dataframe(frame, base(), object_name="orders", provenance=WHY)
    assert draft is not None
    note = draft.contract.schema[0].properties[-1]
    assert (note.logical_type, note.physical_type) == (None, "INTERVAL DAY TO SECOND")
    assert draft_from_dataframe(frame, draft.contract, object_name="orders", provenance=WHY) is None


_ATOMS = st.sampled_from(
    [
        *("STRING", "BOOLEAN", "TINYINT", "INT", "BIGINT", "DOUBLE", "DECIMAL(38,18)", "DATE", "TIMESTAMP"),
        *("TIMESTAMP_NTZ", "BINARY", "VARCHAR(7)", "VARIANT", "FLOAT", "VOID", "INTERVAL YEAR TO MONTH"),
    ]
).map(AtomicType)
_NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8)


def _structs(types: st.SearchStrategy[SparkType]) -> st.SearchStrategy[SparkType]:
    fields = st.lists(st.tuples(_NAMES, types), min_size=1, max_size=3, unique_by=lambda pair: pair[0].casefold())
    return fields.map(lambda pairs: StructType(tuple(StructField(name, found) for name, found in pairs)))


_TYPES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        inner.map(ArrayType), st.builds(MapType, st.just(AtomicType("STRING")), inner), _structs(inner)
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(first=_structs(_TYPES), second=_structs(_TYPES), version=st.sampled_from((b"v3.0.2", b"v3.1.0", b"v3.2.0")))
def test_the_data_that_a_draft_describes_gives_no_draft(first: StructType, second: StructType, version: bytes) -> None:
    head = b"apiVersion: %s\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\n" % version
    contract = load_contract(head)
    for observed in (first, second):
        draft = draft_from_schema(contract, "t", observed, provenance=WHY)
        if draft is None:
            continue
        assert covered(contract, draft)
        assert draft_from_schema(draft.contract, "t", observed, provenance=WHY) is None
        contract = draft.contract


@settings(max_examples=40)
@given(names=st.lists(_NAMES, min_size=1, max_size=4, unique_by=str.casefold), comment=st.sampled_from(("", " # ü 🦆")))
def test_no_other_byte_changes(names: list[str], comment: str) -> None:
    text = BASE.decode().replace("logicalType: object", f"logicalType: object{comment}")
    contract = load_contract(text.encode())
    observed = struct(**SAME, **{name: "STRING" for name in names if name.casefold() not in _SPARK_NAMES})
    draft = draft_from_schema(contract, "orders", observed, provenance=WHY)
    if draft is not None:
        expected = text.replace("1.4.2 ", f"{draft.contract.version} ").replace("active", "draft")
        assert draft.contract.source.decode().startswith(expected)
