"""Holds a document against the grammar of one version: servers, properties, quality rules and relationships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakepact.contract.build_quality import ROWS_AND_PERCENT
from lakepact.contract.grammar_shapes import Grammar, Section, Shape
from lakepact.contract.grammar_tables import OPTION_SECTIONS
from lakepact.contract.grammar_values import Finding, ValueChecker, shown
from lakepact.contract.model import Operator
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import YamlDocument, child_path, clipped

__all__ = ["check", "sections_of"]

_OPERATORS = tuple(operator.value for operator in Operator)


def check(document: YamlDocument, grammar: Grammar) -> list[Finding]:
    """Every difference between the document and the grammar; the document's root is a mapping."""
    checker = _ElementChecker(document, grammar)
    checker.section(grammar.sections["contract"], document.data, "")
    return checker.findings


def sections_of(document: YamlDocument, grammar: Grammar) -> dict[str, Section]:
    """The section of the grammar that each mapping of the document is, by path; none for one without a place there."""
    recorder = _SectionRecorder(document, grammar)
    recorder.section(grammar.sections["contract"], document.data, "")
    return recorder.found


class _ElementChecker(ValueChecker):
    def __init__(self, document: YamlDocument, grammar: Grammar) -> None:
        super().__init__(document, grammar)
        item = grammar.sections["item"]
        self.property_section = Section("a property", item.closed, item.rows)
        self.quality_sections: dict[tuple[str, ...], Section] = {}
        self.checks |= {
            "item": self._item,
            "object_relationship": self._object_relationship,
            "property": self._property,
            "property_relationship": self._property_relationship,
            "quality": self._quality,
            "server": self._server,
        }

    def _server(self, value: Any, path: str, _shape: Shape) -> None:
        if not isinstance(value, dict):
            self.wrong_type(value, path, "a mapping")
            return
        kind = value.get("type")
        section = self.grammar.servers.get(kind) if isinstance(kind, str) else None
        if section is None:
            # The keys of an unknown type are unknown too; naming each of them would bury the fault.
            common = self.grammar.sections["server"]
            value = {key: entry for key, entry in value.items() if key in common.rows}
            section = common
        self.section(section, value, path)

    def _property(self, value: Any, path: str, shape: Shape) -> None:
        self._item(value, path, shape)
        if isinstance(value, dict) and "name" not in value:
            place = self.document.places.get(path)
            self.note(Code.MISSING_KEY, "a property needs `name`", child_path(path, "name"), place=place)

    def _item(self, value: Any, path: str, shape: Shape) -> None:
        if not isinstance(value, dict):
            self.wrong_type(value, path, "a mapping")
            return
        named = shape.kind == "property"
        self.section(self.property_section if named else self.grammar.sections["item"], value, path)
        logical_type = value.get("logicalType")
        if logical_type is None or isinstance(logical_type, str):
            self._parts(value, path, logical_type, named=named)
            self._options(value.get("logicalTypeOptions"), child_path(path, "logicalTypeOptions"), logical_type)

    def _parts(self, data: Mapping[str, Any], path: str, logical_type: str | None, *, named: bool) -> None:
        """`items`, `properties` and `map` go with their logical type."""
        if logical_type is not None and logical_type not in (*OPTION_SECTIONS, "boolean", "map"):
            return
        parts = [("items", "array", False), ("map", "map", True)]
        if named or self.grammar.judges_items:
            parts.append(("properties", "object", False))
        for key, wanted, explicit in parts:
            fits = logical_type == wanted or (logical_type is None and not explicit)
            if key in data and key in self.grammar.sections["item"].rows and not fits:
                inner = child_path(path, key)
                message = f"`{key}` needs logicalType {wanted}"
                self.note(Code.WRONG_OPTION, message, inner, place=self.document.key_places.get(inner))
        if logical_type == "map" and "map" not in data:
            place = self.document.places.get(path)
            self.note(Code.MISSING_KEY, "a property of type map needs `map`", child_path(path, "map"), place=place)

    def _options(self, options: Any, path: str, logical_type: str | None) -> None:
        if not isinstance(options, dict):
            return
        if logical_type is None and options:
            place = self.document.key_places.get(path)
            self.note(Code.WRONG_OPTION, "`logicalTypeOptions` needs a logicalType", path, place=place)
        elif logical_type in OPTION_SECTIONS:
            self.section(self.grammar.sections[OPTION_SECTIONS[logical_type]], options, path)
        elif logical_type in ("boolean", "map"):
            section = Section(f"`logicalTypeOptions` of a {logical_type}", False, {})
            self.section(section, options, path)

    def _quality(self, value: Any, path: str, _shape: Shape) -> None:
        if not isinstance(value, dict):
            self.wrong_type(value, path, "a mapping")
            return
        outer, self.unit = self.unit, path
        kinds = self._quality_kinds(value)
        self.section(self._quality_section(kinds), value, path)
        if self.grammar.one_operator and ("library" in kinds or "sql" in kinds):
            written = [operator for operator in _OPERATORS if operator in value]
            if len(written) != 1:
                many = ", ".join(f"`{operator}`" for operator in written)
                message = f"a {kinds[0]} rule needs exactly one operator" + (f", not {many}" if written else "")
                self.note(Code.WRONG_OPERATORS, message, path, hint="" if written else "for example mustBe: 0")
        if "library" in kinds:
            self._unit_of_rule(value.get("unit"), child_path(path, "unit"))
        self.unit = outer

    def _unit_of_rule(self, unit: Any, path: str) -> None:
        if isinstance(unit, str) and unit.strip().casefold() not in ROWS_AND_PERCENT:
            message = f"the unit `{clipped(unit)}` is neither rows nor percent"
            self.note(Code.UNKNOWN_UNIT, message, path, error=False)

    def _quality_kinds(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        kind = data.get("type")
        kinds = []
        if self.grammar.one_operator:
            if kind == "library" or isinstance(data.get("metric"), str):
                kinds.append("library")
        elif kind is None or kind == "library":
            kinds.append("library")
        if kind in ("sql", "custom"):
            kinds.append(kind)
        return tuple(kinds)

    def _quality_section(self, kinds: tuple[str, ...]) -> Section:
        if kinds not in self.quality_sections:
            sections = self.grammar.sections
            parts = [sections[f"quality.{kind}"] for kind in kinds]
            if "library" in kinds or "sql" in kinds:
                parts.append(sections["quality.operators"])
            title = parts[0].title if kinds else sections["quality"].title
            self.quality_sections[kinds] = sections["quality"].extended(*parts, title=title)
        return self.quality_sections[kinds]

    def _object_relationship(self, value: Any, path: str, _shape: Shape) -> None:
        if not isinstance(value, dict):
            self.wrong_type(value, path, "a mapping")
            return
        outer, self.unit = self.unit, path
        self.section(self.grammar.sections["object_relationship"], value, path)
        ends = [value[key] for key in ("from", "to") if key in value]
        fit = [self._addresses(value[key], child_path(path, key)) for key in ("from", "to") if key in value]
        if len(ends) == 2 and all(fit):
            counts = [len(end) if isinstance(end, list) else None for end in ends]
            if (counts[0] is None) != (counts[1] is None):
                message = "`from` and `to` must be both one address or both a list"
                self.note(Code.WRONG_RELATIONSHIP, message, path)
            elif counts[0] != counts[1]:
                message = f"`from` has {counts[0]} addresses and `to` has {counts[1]}"
                self.note(Code.WRONG_RELATIONSHIP, message, path)
        self.unit = outer

    def _property_relationship(self, value: Any, path: str, _shape: Shape) -> None:
        if not isinstance(value, dict):
            self.wrong_type(value, path, "a mapping")
            return
        outer, self.unit = self.unit, path
        rest = {key: entry for key, entry in value.items() if key != "from"}
        self.section(self.grammar.sections["property_relationship"], rest, path)
        if "from" in value:
            inner = child_path(path, "from")
            message = "a relationship of a property has no `from`; it starts at the property"
            self.note(Code.WRONG_RELATIONSHIP, message, inner, place=self.document.key_places.get(inner))
        if "to" in value:
            self._addresses(value["to"], child_path(path, "to"))
        self.unit = outer

    def _addresses(self, value: Any, path: str) -> bool:
        if isinstance(value, list):
            if not value:
                self.note(Code.OUT_OF_RANGE, f"`{shown(path)}` must have at least one entry", path)
            fits = [self._address(entry, f"{path}[{index}]") for index, entry in enumerate(value)]
            return bool(value) and all(fits)
        return self._address(value, path)

    def _address(self, value: Any, path: str) -> bool:
        if not isinstance(value, str):
            self.wrong_type(value, path, "the address of a property")
            return False
        if any(pattern.fullmatch(value) for pattern in self.grammar.addresses):
            return True
        hint = "write object.property, or /schema/<id>/properties/<id>"
        self.note(Code.WRONG_RELATIONSHIP, f"`{clipped(value)}` is not the address of a property", path, hint=hint)
        return False


class _SectionRecorder(_ElementChecker):
    def __init__(self, document: YamlDocument, grammar: Grammar) -> None:
        super().__init__(document, grammar)
        self.found: dict[str, Section] = {}

    def section(self, section: Section, data: Mapping[str, Any], path: str) -> None:
        self.found[path] = section
        super().section(section, data, path)
