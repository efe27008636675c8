"""Protobuf messages as types of the contract, as Spark reads data that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.drafts.described import MOST_FIELDS, Described, unreadable
from lakepact.drafts.protobuf_parser import ProtoEnum, ProtoFault, ProtoField, ProtoFile, ProtoMessage, parse_proto

__all__ = ["read_protobuf"]

_WHAT: Final = "Protobuf schema"
_SCALARS: Final = {
    "double": "DOUBLE",
    "float": "FLOAT",
    **dict.fromkeys(("int32", "sint32", "sfixed32"), "INT"),
    **dict.fromkeys(("int64", "sint64", "sfixed64"), "BIGINT"),
    **dict.fromkeys(("uint32", "fixed32"), "BIGINT"),
    **dict.fromkeys(("uint64", "fixed64"), "DECIMAL(20,0)"),
    "bool": "BOOLEAN",
    "string": "STRING",
    "bytes": "BINARY",
}
_GOOGLE: Final = "google.protobuf."
_WELL_KNOWN: Final = {
    "Timestamp": "TIMESTAMP",
    "Duration": "INTERVAL DAY TO SECOND",
    "DoubleValue": "DOUBLE",
    "FloatValue": "FLOAT",
    "Int64Value": "BIGINT",
    "UInt64Value": "DECIMAL(20,0)",
    "Int32Value": "INT",
    "UInt32Value": "BIGINT",
    "BoolValue": "BOOLEAN",
    "StringValue": "STRING",
    "BytesValue": "BINARY",
    # What may be anything is text in JSON.
    **dict.fromkeys(("Any", "Struct", "Value", "ListValue", "FieldMask"), "STRING"),
}


def read_protobuf(schema: str, *, references: Mapping[str, str], message: str = "", file: str = "") -> Described:
    """The first message of a .proto file, or the one named; `references` are the files that it imports, by name.

    Numbers without a sign become the next wider type, an enum a text with its names, a wrapper its value; only fields
    that proto2 calls required are never NULL. Raises ConfigurationError (LP886) with line:column: what the grammar does
    not allow, an unknown type, a message that contains itself.
    """
    found = _parsed(schema, file)
    known = _Known(file)
    known.add(found)
    for name, text in references.items():
        known.add(_parsed(text, name))
    if not found.messages:
        raise unreadable(_WHAT, file, "1:1", "it has no message")
    chosen = known.message(message, found) if message else found.messages[0]
    if chosen is None:
        raise unreadable(_WHAT, file, "1:1", f"it has no message {message!r}")
    try:
        struct = known.struct(chosen, ())
    except RecursionError:
        raise unreadable(_WHAT, file, "1:1", "it is nested too deep") from None
    return Described(chosen.name.rpartition(".")[2], struct, known.values)


def _parsed(text: str, file: str) -> ProtoFile:
    try:
        return parse_proto(text)
    except ProtoFault as fault:
        raise unreadable(_WHAT, file, fault.place, fault.reason) from None


@dataclass(slots=True)
class _Known:
    """All messages and enums by their full names."""

    file: str
    messages: dict[str, ProtoMessage] = field(default_factory=dict)
    enums: dict[str, ProtoEnum] = field(default_factory=dict)
    values: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _count: int = 0

    def add(self, found: ProtoFile) -> None:
        """Everything of a file; what came first stays."""
        for message in found.messages:
            self.messages.setdefault(message.name, message)
        for enum in found.enums:
            self.enums.setdefault(enum.name, enum)

    def message(self, name: str, found: ProtoFile) -> ProtoMessage | None:
        """The message of that name, full or within the package."""
        return self.messages.get(name) or self.messages.get(f"{found.package}.{name}")

    def struct(self, message: ProtoMessage, column: tuple[str, ...]) -> StructType:
        """The fields of a message."""
        self._open.append(message.name)
        fields = tuple(self._field(each, message, column) for each in message.fields)
        self._open.pop()
        return StructType(fields)

    def _field(self, found: ProtoField, message: ProtoMessage, column: tuple[str, ...]) -> StructField:
        here = (*column, found.name)
        self._count += 1
        if self._count > MOST_FIELDS:
            raise unreadable(_WHAT, self.file, found.place, f"it describes more than {MOST_FIELDS:,} fields")
        made: SparkType
        if found.key:
            if found.key not in _SCALARS or found.key in ("double", "float", "bytes"):
                raise unreadable(_WHAT, self.file, found.place, f"the keys of a map are no {found.key!r}")
            made = MapType(AtomicType(_SCALARS[found.key]), self._type(found, message, (*here, "{}")))
        elif found.label == "repeated":
            made = ArrayType(self._type(found, message, (*here, "[]")))
        else:
            made = self._type(found, message, here)
        return StructField(found.name, made, found.label == "required", found.comment or None)

    def _type(self, found: ProtoField, message: ProtoMessage, column: tuple[str, ...]) -> SparkType:
        if found.type in _SCALARS:
            return AtomicType(_SCALARS[found.type])
        written = found.type.removeprefix(".")
        if written.startswith(_GOOGLE) and written.removeprefix(_GOOGLE) in _WELL_KNOWN:
            return AtomicType(_WELL_KNOWN[written.removeprefix(_GOOGLE)])
        name = self._resolved(found.type, message.name)
        if name in self.enums:
            self.values[column] = self.enums[name].values
            return AtomicType("STRING")
        if name not in self.messages:
            raise unreadable(_WHAT, self.file, found.place, f"there is no type {found.type!r}")
        if name in self._open:
            reason = f"the message {name!r} contains itself, which no column can"
            raise unreadable(_WHAT, self.file, found.place, reason)
        return self.struct(self.messages[name], column)

    def _resolved(self, written: str, scope: str) -> str:
        """The full name: from the innermost scope outwards, as protoc looks for it."""
        if written.startswith("."):
            return written[1:]
        while scope:
            name = f"{scope}.{written}"
            if name in self.messages or name in self.enums:
                return name
            scope = scope.rpartition(".")[0]
        return written
