"""Drafts from registries: what Avro, Protobuf and JSON Schema become, and what is refused, with its place."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lakepact.contract import Contract, load_contract
from lakepact.contract.types import StructType
from lakepact.drafts import Provenance
from lakepact.drafts.avro import read_avro
from lakepact.drafts.protobuf import read_protobuf
from lakepact.drafts.protobuf_parser import ProtoFault, parse_proto
from lakepact.drafts.registry import SchemaKind, Subject, draft_from_registry, read_subject
from lakepact.errors import ConfigurationError

WHY = Provenance(cause="a new schema", dataset="orders-value", dataset_version="3")


def types(found: StructType) -> dict[str, str]:
    return {each.name: each.type.ddl for each in found.fields}


def avro(*fields: Any, name: str = "Order") -> str:
    return json.dumps({"type": "record", "name": name, "namespace": "sales", "fields": list(fields)})


def typed(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind} | more


def test_avro_types_are_those_that_spark_reads() -> None:
    line = {"type": "record", "name": "Line", "fields": [typed("sku", "string"), typed("count", "int")]}
    schema = avro(
        typed("id", "long", doc="the key"),
        typed("note", ["null", "string"]),
        typed("amount", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 4}),
        typed("small", {"type": "fixed", "name": "Small", "size": 4, "logicalType": "decimal", "precision": 9}),
        typed("day", {"type": "int", "logicalType": "date"}),
        typed("at", {"type": "long", "logicalType": "timestamp-micros"}),
        typed("local", ["null", {"type": "long", "logicalType": "local-timestamp-millis"}]),
        typed("time", {"type": "int", "logicalType": "time-millis"}),
        typed("uuid", {"type": "string", "logicalType": "uuid"}),
        typed("wait", {"type": "fixed", "name": "Wait", "size": 12, "logicalType": "duration"}),
        typed("status", {"type": "enum", "name": "Status", "symbols": ["NEW", "DONE"]}),
        typed("before", ["null", "Status"]),
        typed("lines", {"type": "array", "items": line}),
        typed("first", ["null", "sales.Line"]),
        typed("tags", {"type": "map", "values": ["null", "double"]}),
        typed("number", ["int", "long"]),
        typed("either", ["string", "int", "null"]),
    )
    found = read_avro(schema, references={})
    line_ddl = "STRUCT<`sku`: STRING, `count`: INT>"
    assert types(found.schema) == {
        "id": "BIGINT",
        "note": "STRING",
        "amount": "DECIMAL(12,4)",
        "small": "DECIMAL(9,0)",
        "day": "DATE",
        "at": "TIMESTAMP",
        "local": "TIMESTAMP_NTZ",
        "time": "INT",
        "uuid": "STRING",
        "wait": "BINARY",
        "status": "STRING",
        "before": "STRING",
        "lines": f"ARRAY<{line_ddl}>",
        "first": line_ddl,
        "tags": "MAP<STRING, DOUBLE>",
        "number": "BIGINT",
        "either": "STRUCT<`member0`: STRING, `member1`: INT>",
    }
    optional = ["note", "local", "before", "first", "either"]
    assert [each.name for each in found.schema.fields if not each.required] == optional
    assert (found.name, found.schema.fields[0].comment) == ("Order", "the key")
    assert found.enums == {("status",): ("NEW", "DONE"), ("before",): ("NEW", "DONE")}


def test_avro_types_come_from_schemas_that_are_referred_to() -> None:
    money = json.dumps({"type": "record", "name": "shared.Money", "fields": [typed("amount", "double")]})
    found = read_avro(avro(typed("price", "shared.Money")), references={"shared.Money": money})
    assert types(found.schema) == {"price": "STRUCT<`amount`: DOUBLE>"}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", r"\$: it is no JSON: Expecting property name"),
        ('"string"', r"\$: it describes no record"),
        (avro(typed("a", "Money")), r"\$\.fields\[0\]\(a\): there is no type 'Money'"),
        (
            avro(typed("next", ["null", "Order"])),
            r"\$\.fields\[0\]\(next\): the type 'Order' contains itself, which no column can",
        ),
        (avro({"name": "a"}), r"\$\.fields\[0\]: a field has no name or no type"),
        (avro(typed("a", {"type": "enum", "name": "E"})), r"\$\.fields\[0\]\(a\): an enum has no symbols"),
        (avro(typed("a", 7)), r"\$\.fields\[0\]\(a\): it is no type"),
        (json.dumps({"type": "record", "name": "A"}), r"\$: a record has no fields"),
        (
            avro(typed("a", {"type": "bytes", "logicalType": "decimal", "precision": 77})),
            r"\$\.fields\[0\]\(a\): DECIMAL\(77,0\) is no type that a table can have",
        ),
    ],
)
def test_an_avro_schema_that_is_none_is_refused_with_its_place(schema: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"LP886: a.avsc: this is no Avro schema.*: {message}"):
        read_avro(schema, references={}, file="a.avsc")


def test_a_short_schema_of_many_fields_is_refused() -> None:
    first = {"type": "record", "name": "L0", "fields": [typed("a", "int"), typed("b", "int")]}
    more = [
        {"type": "record", "name": f"L{level}", "fields": [typed(x, f"L{level - 1}") for x in "abcd"]}
        for level in range(1, 20)
    ]
    schema = avro(typed("z", "L19"))
    with pytest.raises(ConfigurationError, match="it describes more than 20,000 fields"):
        read_avro(schema, references={"all": json.dumps([first, *more])})
    messages = ["message L0 { int32 a = 1; int32 b = 2; }"]
    messages += [
        f"message L{level} {{ " + "".join(f"L{level - 1} {x} = {n}; " for n, x in enumerate("abcd", 1)) + "}"
        for level in range(1, 20)
    ]
    with pytest.raises(ConfigurationError, match="it describes more than 20,000 fields"):
        read_protobuf("".join(reversed(messages)), references={})


PROTO = """\
// An order.
syntax = "proto3";
package sales.v1;
import "google/protobuf/timestamp.proto";
option java_package = "com.example";

message Order {
  // the key
  int64 id = 1;
  optional string note = 2 [deprecated = true, (validate.rules).string = {min_len: 1}];
  repeated Line lines = 3;
  map<string, double> prices = 4;
  google.protobuf.Timestamp at = 5;
  .google.protobuf.StringValue code = 6;
  Status status = 7;
  oneof payment {
    option (x) = true;
    Card card = 8;
    string cash = 9;
  }
  uint64 big = 10;
  fixed32 small = 11;
  bytes raw = 12; /* as it came */
  google.protobuf.Struct free = 13;
  message Line { string sku = 1; uint32 count = 2; reserved 3, 4 to 6; }
  message Card { string number = 1; Kind kind = 2; enum Kind { UNKNOWN = 0; DEBIT = 1; } }
  reserved "old";
}
enum Status { NEW = 0; DONE = 1 [deprecated = true]; reserved 2; }
service Orders { rpc Get(Order) returns (stream Order) { option (http) = { get: "/a" }; } }
"""


def test_protobuf_types_are_those_that_spark_reads() -> None:
    found = read_protobuf(PROTO, references={})
    assert types(found.schema) == {
        "id": "BIGINT",
        "note": "STRING",
        "lines": "ARRAY<STRUCT<`sku`: STRING, `count`: BIGINT>>",
        "prices": "MAP<STRING, DOUBLE>",
        "at": "TIMESTAMP",
        "code": "STRING",
        "status": "STRING",
        "card": "STRUCT<`number`: STRING, `kind`: STRING>",
        "cash": "STRING",
        "big": "DECIMAL(20,0)",
        "small": "BIGINT",
        "raw": "BINARY",
        "free": "STRING",
    }
    assert (found.name, found.schema.fields[0].comment) == ("Order", "the key")
    assert found.enums == {("status",): ("NEW", "DONE"), ("card", "kind"): ("UNKNOWN", "DEBIT")}
    assert not any(each.required for each in found.schema.fields)
    assert read_protobuf(PROTO, references={}, message="Order.Line").name == "Line"
    assert read_protobuf(PROTO, references={}, message="sales.v1.Order.Line").name == "Line"


def test_fields_of_proto2_may_be_required_and_imports_are_given() -> None:
    text = 'syntax = "proto2"; import public "m.proto"; message A { required int32 x = 1; optional b.M m = 2; }'
    found = read_protobuf(text, references={"m.proto": "package b; message M { optional float f = 1; }"})
    assert types(found.schema) == {"x": "INT", "m": "STRUCT<`f`: FLOAT>"}
    assert [each.required for each in found.schema.fields] == [True, False]


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("message A {\n  int32 x = 1\n}", "3:1", "';' is expected, not '}'"),
        ("message A { Money m = 1; }", "1:13", "there is no type 'Money'"),
        ("message A {\n A a = 1; }", "2:2", "the message 'A' contains itself, which no column can"),
        ("message A { map<bytes, int32> m = 1; }", "1:13", "the keys of a map are no 'bytes'"),
        ("message A { optional group G = 1 { } }", "1:13", "groups are not read"),
        ("message A { oneof o { repeated int32 a = 1; } }", "1:23", "'repeated' is not expected in a oneof"),
        ("message A { int32 x = one; }", "1:23", "a number is expected, not 'one'"),
        ("message A {", "1:12", "a name is expected, not 'the end'"),
        ("message A { int32 x = 1 [(a = 2; }", "1:34", "'}' closes nothing"),
        ("massage A { }", "1:1", "'massage' is not expected here"),
        ("message A { int32 € = 1; }", "1:19", "'€' is not understood"),
        ("enum E { A = 0; }", "1:1", "it has no message"),
        ("option a = 1", "1:13", "';' is expected, not 'the end'"),
        ("import a;", "1:8", "the name of a file is expected"),
    ],
)
def test_a_file_that_is_no_protobuf_is_refused_with_its_place(text: str, place: str, reason: str) -> None:
    message = f"LP886: a.proto: this is no Protobuf schema that a draft can be made of: {place}: {reason}\n"
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        read_protobuf(text, references={}, file="a.proto")


def test_messages_that_are_nested_without_end_are_refused() -> None:
    with pytest.raises(ProtoFault, match="messages are nested too deep"):
        parse_proto("message A {" * 100)


def test_a_field_may_have_the_name_of_a_keyword() -> None:
    found = parse_proto("message A { message message = 1; string option = 2; reserved.B oneof = 3; }")
    assert [(each.type, each.name) for each in found.messages[0].fields] == [
        ("message", "message"),
        ("string", "option"),
        ("reserved.B", "oneof"),
    ]


def subject(kind: SchemaKind, schema: str) -> Subject:
    return Subject(schema=schema, kind=kind)


def base(version: str = "v3.1.0", column: str = "{name: id, logicalType: integer}") -> Contract:
    text = f"apiVersion: {version}\nkind: DataContract\nid: o\nversion: 1.0.0\nstatus: active\n"
    return load_contract(f"{text}schema:\n- name: orders\n  properties:\n  - {column}  # c\n".encode())


JSON_SCHEMA = json.dumps(
    {
        "title": "orders",
        "properties": {
            "id": {"type": "integer"},
            "status": {"type": "string", "enum": ["new", "done"], "description": "where it is"},
            "at": {"type": "string", "format": "date-time"},
            "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        },
        "required": ["id"],
    }
)


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (SchemaKind.JSON, JSON_SCHEMA),
        (SchemaKind.PROTOBUF, PROTO),
        (
            SchemaKind.AVRO,
            avro(
                typed("id", "long"),
                typed("status", {"type": "enum", "name": "S", "symbols": ["NEW"]}),
                typed("lines", {"type": "array", "items": {"type": "enum", "name": "T", "symbols": ["A"]}}),
            ),
        ),
    ],
)
@pytest.mark.parametrize("version", ["v3.0.2", "v3.1.0", "v3.2.0"])
def test_what_a_draft_describes_gives_no_draft(kind: SchemaKind, schema: str, version: str) -> None:
    made = draft_from_registry(base(version), subject(kind, schema), provenance=WHY, object_name="orders")
    assert made is not None
    again = draft_from_registry(made.contract, subject(kind, schema), provenance=WHY, object_name="orders")
    assert again is None
    first = draft_from_registry(None, subject(kind, schema), provenance=WHY, contract_id="o")
    assert first is not None
    assert draft_from_registry(first.contract, subject(kind, schema), provenance=WHY) is None


def test_descriptions_and_values_come_with_new_columns() -> None:
    made = draft_from_registry(base(), subject(SchemaKind.JSON, JSON_SCHEMA), provenance=WHY)
    assert made is not None
    assert made.contract.document["schema"][0]["properties"][1] == {  # type: ignore[index]
        "name": "status",
        "logicalType": "string",
        "physicalType": "STRING",
        "description": "where it is",
        "quality": [
            {
                "type": "library",
                "metric": "invalidValues",
                "arguments": {"validValues": ["new", "done"]},
                "mustBe": 0,
            }
        ],
    }
    assert [change.text for change in made.changes] == [
        "the column `status` is new: STRING",
        "the column `at` is new: TIMESTAMP",
        "the column `lines` is new: ARRAY<STRUCT<`sku`: STRING>>",
        "`status` is one of new, done",
    ]


def test_values_that_the_contract_does_not_list_are_added() -> None:
    column = "{name: s, logicalType: string, enum: [{value: A, label: first}]}"
    schema = avro(typed("s", {"type": "enum", "name": "S", "symbols": ["B", "A"]}))
    made = draft_from_registry(
        base("v3.2.0", column), subject(SchemaKind.AVRO, schema), provenance=WHY, object_name="orders"
    )
    assert made is not None
    assert "enum: [{value: A, label: first}, {value: B}]}  # c\n" in made.contract.source.decode()
    assert [change.text for change in made.changes] == ["`s` may also be B"]


def test_a_subject_is_what_the_registry_answers() -> None:
    answer = {
        "subject": "orders-value",
        "version": 3,
        "schemaType": "PROTOBUF",
        "schema": "message A {}",
        "references": [{"name": "m.proto", "subject": "m", "version": 1}],
        "referenced": {"m.proto": "message M {}"},
    }
    found = read_subject(json.dumps(answer))
    assert found == Subject(
        schema="message A {}",
        kind=SchemaKind.PROTOBUF,
        name="orders-value",
        version="3",
        references={"m.proto": "message M {}"},
    )
    del answer["referenced"]
    with pytest.raises(
        ConfigurationError, match=r"\$\.references\[0\]: the schema 'm\.proto' is not given under `referenced`"
    ):
        read_subject(answer)
    with pytest.raises(ConfigurationError, match=r"LP886: a: .*\$\.schemaType: there is no kind 'THRIFT'"):
        read_subject({"schema": "", "schemaType": "THRIFT"}, file="a")
    with pytest.raises(ConfigurationError, match=r"\$: it has no text `schema`"):
        read_subject("[]")
    with pytest.raises(ConfigurationError, match=r"\$: it is no JSON"):
        read_subject("{")
