"""The grammar of a contract as a JSON Schema: what editors check and complete is what the loader checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lakepact.contract.grammar_shapes import Grammar, Row, Section, Shape, grammar_of
from lakepact.contract.grammar_tables import OPTION_SECTIONS
from lakepact.contract.json_schema_texts import DEPRECATED_SINCE, texts_of
from lakepact.contract.model import ApiVersion, Operator

__all__ = ["contract_json_schema"]

_Schema = dict[str, Any]

_PLAIN: dict[str, _Schema] = {
    "any": {},
    "between": {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 2,
        "uniqueItems": True,
    },
    "bool": {"type": "boolean"},
    "count": {"type": "integer", "minimum": 0},
    "integer": {"type": "integer"},
    "mapping": {"type": "object"},
    "multiple": {"type": "number", "exclusiveMinimum": 0},
    "number": {"type": "number"},
    "position": {"type": "integer", "minimum": 1},
    "scalar": {"type": ["string", "number", "boolean", "null"]},
    "text": {"type": "string"},
    "url_sftp": {"type": "string", "pattern": "^sftp://"},
}


def contract_json_schema(version: ApiVersion) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a contract that declares `version`, as a new dict.

    It accepts what the loader accepts in strict mode, as far as a JSON Schema can say it: that the two ends of a
    relationship are lists of the same length, and everything about YAML itself, is left to the loader. Conditions are
    written so that no element is looked at twice, which makes the time to validate linear in the size of the document.

    >>> contract_json_schema(ApiVersion.V3_1_0)["required"]
    ['version', 'kind', 'apiVersion', 'id', 'status']
    """
    writer = _SchemaWriter(grammar_of(version))
    root = writer.section("contract")
    root["properties"]["kind"] |= {"const": "DataContract"}
    root["properties"]["apiVersion"] |= {"const": version.value}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:lakepact:odcs:{version.value}",
        **root,
        "title": f"ODCS data contract {version.value}",
        "$defs": _reachable(root, writer.definitions()),
    }


def _reachable(root: _Schema, definitions: Mapping[str, _Schema]) -> dict[str, _Schema]:
    """The definitions that the root needs, in the order of their names."""
    wanted = list(_references(root))
    found: dict[str, _Schema] = {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = definitions[name]
            wanted += _references(definitions[name])
    return dict(sorted(found.items()))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix("#/$defs/")
        for entry in schema.values():
            yield from _references(entry)
    elif isinstance(schema, list):
        for entry in schema:
            yield from _references(entry)


class _SchemaWriter:
    """Writes sections of a grammar as schemas that refer to each other by their names."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.sections = grammar.sections
        self.version = grammar.version

    def definitions(self) -> dict[str, _Schema]:
        """Every definition that any version needs."""
        plain = {name: self.section(name) for name in self.sections if not name.startswith(("quality.", "server."))}
        return {
            **plain,
            "address": {"title": "Address of a property", **self._address()},
            "item": plain["item"] | {"allOf": list(self._item_conditions())},
            "property": self._property(),
            "object_relationship": plain["object_relationship"] | _both_ends_alike(),
            "quality": plain["quality"] | self._quality_kinds(),
            **self._quality_definitions(),
            "server": plain["server"] | {"allOf": list(self._server_conditions())},
            **{f"server.{kind}": self._server(kind) for kind in self.sections["server"].rows["type"].shape.values},
        }

    def section(self, name: str) -> _Schema:
        """The schema of a mapping."""
        section = self.sections[name]
        text = texts_of(name).get(".")
        # What a quality rule or a server may have depends on its type, and is said there.
        closed = section.closed and name not in ("quality", "server")
        required = [key for key, row in section.rows.items() if row.required]
        return {
            "title": _title(section.title),
            **({"description": text.sentence} if text else {}),
            "type": "object",
            **({"required": required} if required else {}),
            "properties": {key: self._row(name, key, row) for key, row in section.rows.items()},
            **({"additionalProperties": False} if closed else {}),
        }

    def _row(self, section: str, key: str, row: Row) -> _Schema:
        text = texts_of(section)[key]
        schema = {"description": text.sentence, **self._shape(row.shape)}
        if section.endswith("_relationship") and key in ("from", "to"):
            schema |= self._ends()
        since = DEPRECATED_SINCE.get((section, key))
        if since is not None and list(ApiVersion).index(self.version) >= list(ApiVersion).index(since):
            schema["deprecated"] = True
        return schema | ({"examples": list(text.examples)} if text.examples else {})

    def _shape(self, shape: Shape) -> _Schema:
        match shape.kind:
            case "union":
                return {"anyOf": [self._shape(option) for option in shape.options]}
            case "list" | "distinct" if shape.of:
                differing = {"minItems": 1, "uniqueItems": True} if shape.kind == "distinct" else {}
                return {"type": "array", "items": self._shape(shape.of), **differing}
            case "one_of":
                return {"enum": list(shape.values)}
            case "id":
                return {"type": "string", "pattern": _whole(self.grammar.stable_id)}
            case kind if kind in _PLAIN:
                return dict(_PLAIN[kind])
            case kind:
                return _reference(kind)

    def _property(self) -> _Schema:
        condition = {} if self.grammar.judges_items else _PROPERTIES_OF_OBJECTS
        # Not beside the reference, where readers of draft 7 see nothing.
        return {"title": "Property", "allOf": [_reference("item")], "required": ["name"], **condition}

    def _item_conditions(self) -> Iterator[_Schema]:
        rows = self.sections["item"].rows
        for logical_type in rows["logicalType"].shape.values:
            if logical_type in OPTION_SECTIONS:
                options = _reference(OPTION_SECTIONS[logical_type])
                yield _if_type({"const": logical_type}, {"properties": {"logicalTypeOptions": options}})
        yield {
            "if": {"not": {"required": ["logicalType"]}},
            "then": {"properties": {"logicalTypeOptions": {"maxProperties": 0}}},
        }
        yield _if_type({"not": {"const": "array"}}, {"properties": {"items": False}})
        if self.grammar.judges_items:
            yield _PROPERTIES_OF_OBJECTS
        if "map" in rows:
            yield _if_type({"const": "map"}, {"required": ["map"]}) | {"else": {"properties": {"map": False}}}

    def _address(self) -> _Schema:
        return {"type": "string", "anyOf": [{"pattern": _whole(pattern)} for pattern in self.grammar.addresses]}

    def _ends(self) -> _Schema:
        address = _reference("address")
        return {"anyOf": [address, {"type": "array", "items": address, "minItems": 1}]}

    def _quality_kinds(self) -> _Schema:
        """Which definition a quality rule follows besides the keys that all have."""
        sql, custom = ({"properties": {"type": {"const": kind}}, "required": ["type"]} for kind in ("sql", "custom"))
        library = {"properties": {"type": {"const": "library"}}}
        if not self.grammar.one_operator:
            return _chain(
                (library, "quality.library"), (sql, "quality.sql"), (custom, "quality.custom"), "quality.text"
            )
        metric = {"properties": {"metric": {"type": "string"}}, "required": ["metric"]}
        both = ((sql, "quality.library.sql"), (custom, "quality.library.custom"), "quality.library")
        return {
            "if": {"anyOf": [library | {"required": ["type"]}, metric]},
            "then": _chain(*both),
            "else": _chain((sql, "quality.sql"), (custom, "quality.custom"), "quality.text"),
        }

    def _quality_definitions(self) -> dict[str, _Schema]:
        kinds = [("text",), ("library",), ("sql",), ("custom",), ("library", "sql"), ("library", "custom")]
        return {".".join(("quality", *kind)): self._quality(kind) for kind in kinds}

    def _quality(self, kinds: Sequence[str]) -> _Schema:
        names = [f"quality.{kind}" for kind in kinds if kind != "text"]
        measured = "library" in kinds or "sql" in kinds
        parts = [*names, "quality.operators"] if measured else names
        schema = self._variant("quality", parts)
        if measured and self.grammar.one_operator:
            schema["oneOf"] = [{"required": [operator.value]} for operator in Operator]
        return schema

    def _variant(self, base: str, parts: Sequence[str]) -> _Schema:
        """What goes beyond the section `base` in a mapping that also has the keys of `parts`."""
        rows = [(name, key, row) for name in parts for key, row in self.sections[name].rows.items()]
        return self._beyond(self.sections[base], rows)

    def _beyond(self, base: Section, rows: Sequence[tuple[str, str, Row]]) -> _Schema:
        required = [key for _, key, row in rows if row.required]
        own = {key: self._row(name, key, row) for name, key, row in rows}
        known = {**dict.fromkeys(base.rows, True), **own} if base.closed else own
        return {
            **({"required": required} if required else {}),
            "properties": known,
            **({"additionalProperties": False} if base.closed else {}),
        }

    def _server_conditions(self) -> Iterator[_Schema]:
        for kind in self.sections["server"].rows["type"].shape.values:
            is_kind = {"properties": {"type": {"const": kind}}, "required": ["type"]}
            yield {"if": is_kind, "then": _reference(f"server.{kind}")}

    def _server(self, kind: str) -> _Schema:
        base, section = self.sections["server"], self.grammar.servers[kind]
        rows = [(f"server.{kind}", key, row) for key, row in section.rows.items() if key not in base.rows]
        return {"title": _title(section.title), **self._beyond(base, rows)}


def _reference(name: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}"}


def _if_type(logical_type: _Schema, then: _Schema) -> _Schema:
    """A condition on the logical type; a property without one does not meet it."""
    return {"if": {"properties": {"logicalType": logical_type}, "required": ["logicalType"]}, "then": then}


_PROPERTIES_OF_OBJECTS = _if_type({"not": {"const": "object"}}, {"properties": {"properties": False}})


def _chain(*branches: tuple[_Schema, str] | str) -> _Schema:
    """The first definition whose condition is met, the last one else."""
    first, *rest = branches
    if isinstance(first, str):
        return _reference(first)
    return {"if": first[0], "then": _reference(first[1]), "else": _chain(*rest)}


def _both_ends_alike() -> _Schema:
    array, text = ({"properties": {"to": {"type": kind}}} for kind in ("array", "string"))
    return {"if": {"properties": {"from": {"type": "array"}}}, "then": array, "else": text}


def _whole(pattern: re.Pattern[str]) -> str:
    return f"^(?:{pattern.pattern})$"


def _title(text: str) -> str:
    words = re.sub(r"^an? ", "", text.replace("`", ""))
    return words[:1].upper() + words[1:]
