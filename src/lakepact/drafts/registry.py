"""Drafts from the schemas of a registry: JSON Schema, Avro and Protobuf, given as data; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from lakepact.contract import ApiVersion, Contract, load_contract
from lakepact.contract.model import Metric, SchemaProperty
from lakepact.contract.types import ArrayType, MapType, SparkType, StructField, StructType, resolve_type
from lakepact.contract.writing import write_document
from lakepact.convert.json_schema import convert_json_schema
from lakepact.drafts.assembly import blank_contract, changed_draft, first_draft
from lakepact.drafts.avro import read_avro
from lakepact.drafts.described import Described, unreadable
from lakepact.drafts.document import DocumentEdits
from lakepact.drafts.elements import Elements
from lakepact.drafts.loosening import missing_values, widen_list
from lakepact.drafts.model import Draft, Proposal, ProposalKind, Provenance
from lakepact.drafts.protobuf import read_protobuf
from lakepact.drafts.schema import Adoption, check_identity, check_names, new_object, new_object_proposal

__all__ = ["SchemaKind", "Subject", "draft_from_registry", "read_subject"]

_WHAT: Final = "subject of a schema registry"


class SchemaKind(StrEnum):
    """The kinds of schemas, as Confluent's registry names them."""

    AVRO = "AVRO"
    JSON = "JSON"
    PROTOBUF = "PROTOBUF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A schema as a registry has it: its text, its kind, and the texts of the schemas that it refers to, by name."""

    schema: str
    kind: SchemaKind
    name: str = ""
    version: str = ""
    references: Mapping[str, str] = field(default_factory=dict)


def read_subject(data: str | bytes | Mapping[str, Any], *, file: str = "") -> Subject:
    """The subject in what `GET /subjects/NAME/versions/VERSION` answers: `schema`, `schemaType` (default: AVRO).

    The schemas that it refers to are looked for in a mapping `referenced`, by name. Raises ConfigurationError (LP886).

    >>> read_subject('{"subject": "a-value", "version": 3, "schema": "{}"}').kind.value
    'AVRO'
    """
    try:
        node = data if isinstance(data, Mapping) else json.loads(data)
    except ValueError as error:
        raise unreadable(_WHAT, file, "$", f"it is no JSON: {error}") from error
    if not isinstance(node, Mapping) or not isinstance(node.get("schema"), str):
        raise unreadable(_WHAT, file, "$", "it has no text `schema`")
    written = node.get("schemaType", SchemaKind.AVRO.value)
    try:
        kind = SchemaKind(str(written).upper())
    except ValueError:
        raise unreadable(_WHAT, file, "$.schemaType", f"there is no kind {written!r}") from None
    given = node.get("referenced")
    referenced = {str(name): str(text) for name, text in given.items()} if isinstance(given, Mapping) else {}
    for index, each in enumerate(node.get("references") or ()):
        name = str(each.get("name", "")) if isinstance(each, Mapping) else ""
        if name not in referenced:
            reason = f"the schema {name!r} is not given under `referenced`"
            raise unreadable(_WHAT, file, f"$.references[{index}]", reason)
    said = str(node.get("subject", "")), str(node.get("version", ""))
    return Subject(schema=node["schema"], kind=kind, name=said[0], version=said[1], references=referenced)


def draft_from_registry(
    base: Contract | None,
    subject: Subject,
    *,
    provenance: Provenance,
    object_name: str | None = None,
    contract_id: str | None = None,
    message: str = "",
    file: str = "",
) -> Draft | None:
    """The contract with the schema of a subject: types, descriptions of new columns, values of enumerations.

    `object_name` defaults to the name of the record, `message` to the first one of a Protobuf schema. A value that an
    enumeration of the contract does not have is added to it. Raises as `draft_from_schema`, and ConfigurationError
    (LP886, or LP820 for a JSON Schema) for a schema that is none, has unknown types, or contains itself.
    """
    check_identity(base, contract_id)
    found = _described(subject, message, file)
    name = object_name or found.name
    check_names(found.schema, name)
    changes: list[Proposal]
    if base is None:
        assert contract_id is not None
        middle = blank_contract(contract_id, [new_object(name, found.schema)])
        changes = [new_object_proposal(name, found.schema, provenance)]
    else:
        adoption = Adoption(base, provenance)
        adoption.object(name, found.schema)
        middle = load_contract(adoption.edits.source(), file=base.file) if adoption.changes else base
        changes = list(adoption.changes)
    enums = _Enums(middle, provenance)
    described = middle.object(name)
    for path, values in found.enums.items():
        prop = _property_at(described.columns if described is not None else (), path)
        if prop is not None:
            enums.widen(prop, values)
    changes += enums.changes
    if base is None:
        return first_draft(enums.edits, changes, provenance)
    return changed_draft(base, enums.edits, changes, provenance)


def _described(subject: Subject, message: str, file: str) -> Described:
    match subject.kind:
        case SchemaKind.AVRO:
            return read_avro(subject.schema, references=subject.references, file=file)
        case SchemaKind.PROTOBUF:
            return read_protobuf(subject.schema, references=subject.references, message=message, file=file)
    return _from_json_schema(subject.schema, file)


def _from_json_schema(schema: str, file: str) -> Described:
    document = convert_json_schema(schema.encode(), file=file).document
    converted = load_contract(write_document(document)).schema[0]
    enums: dict[tuple[str, ...], tuple[str, ...]] = {}
    fields = tuple(_field(prop, (), enums) for prop in converted.columns)
    return Described(converted.name, StructType(fields), enums)


def _field(prop: SchemaProperty, at: tuple[str, ...], enums: dict[tuple[str, ...], tuple[str, ...]]) -> StructField:
    here = (*at, prop.column)
    values = _valid_values(prop)
    if values and all(isinstance(value, str) for value in values):
        enums[here] = tuple(values)
    return StructField(prop.column, _nested(prop, here, enums), prop.required, prop.description)


def _nested(prop: SchemaProperty, at: tuple[str, ...], enums: dict[tuple[str, ...], tuple[str, ...]]) -> SparkType:
    """The type of a property, with what its nested fields say of themselves."""
    found = resolve_type(prop, variant=True)
    if isinstance(found, StructType) and prop.properties:
        return StructType(tuple(_field(each, at, enums) for each in prop.properties))
    if isinstance(found, ArrayType) and prop.items is not None:
        return ArrayType(_nested(prop.items, (*at, "[]"), enums))
    if isinstance(found, MapType) and prop.map_value is not None:
        return MapType(found.key, _nested(prop.map_value, (*at, "{}"), enums))
    return found


def _valid_values(prop: SchemaProperty) -> list[Any]:
    if prop.enum:
        return [each.value for each in prop.enum]
    rule = next((each for each in prop.quality if each.metric is Metric.INVALID_VALUES), None)
    values = rule.arguments.get("validValues") if rule is not None else None
    return list(values) if isinstance(values, list | tuple) else []


def _property_at(properties: tuple[SchemaProperty, ...], path: tuple[str, ...]) -> SchemaProperty | None:
    """The property at a path; elements of arrays are `[]`, values of maps `{}`."""
    found: SchemaProperty | None = None
    for name in path:
        match name:
            case "[]":
                found = found.items if found is not None else None
            case "{}":
                found = found.map_value if found is not None else None
            case _:
                inner = found.properties if found is not None else properties
                found = next((each for each in inner if each.column.casefold() == name.casefold()), None)
        if found is None:
            return None
    return found


@dataclass(slots=True)
class _Enums:
    """Writes the values of enumerations where the contract has fewer."""

    contract: Contract
    provenance: Provenance
    edits: DocumentEdits = field(init=False)
    elements: Elements = field(init=False)
    changes: list[Proposal] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.edits = DocumentEdits(self.contract)
        self.elements = Elements(self.contract)

    def widen(self, prop: SchemaProperty, values: tuple[str, ...]) -> None:
        """Allow the values, where the property lists others; a property that lists none gets all of them."""
        known = _valid_values(prop)
        new = missing_values(known, values)
        if not new:
            return
        path = prop.place.path
        rule = next((each for each in prop.quality if each.metric is Metric.INVALID_VALUES), None)
        if not known and rule is not None:
            return  # it says in another way which values are valid
        if prop.enum or (not known and self.contract.api_version is ApiVersion.V3_2_0):
            self.edits.append(path, "enum", [{"value": value} for value in (new if known else values)])
        elif rule is not None:
            widen_list(self.edits, rule.place.path, new)
        else:
            self.edits.append(path, "quality", [_rule(values, self.contract.api_version)])
        shown = ", ".join(new)
        name = f"`{prop.name}`" if prop.name else "the element"
        self.changes.append(
            Proposal(
                kind=ProposalKind.WIDENED if known else ProposalKind.ADDED,
                path=self.elements.around(path).name,
                text=f"{name} may also be {shown}" if known else f"{name} is one of {', '.join(values)}",
                evidence="the schema of the registry lists them",
                clause="enum",
                target=json.dumps(sorted(values)),
            )
        )


def _rule(values: tuple[str, ...], version: ApiVersion) -> Mapping[str, Any]:
    if version is ApiVersion.V3_1_0:
        return {"type": "library", "metric": "invalidValues", "arguments": {"validValues": [*values]}, "mustBe": 0}
    return {"type": "library", "rule": "invalidValues", "validValues": [*values], "mustBe": 0}
