"""Nothing that a contract says escapes the comparison: every field of the model, and every value of the corpus."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from diff_samples import Data, document, loaded

from lakepact.contract import Contract, model, read_contract
from lakepact.diff import compare

CLASSES = {
    name: found
    for name, found in inspect.getmembers(model, inspect.isclass)
    if dataclasses.is_dataclass(found) and name != "Place"
}

# Where something stands, or a copy of the whole; `version` is what the changes are measured against.
NOT_COMPARED = {f"{name}.place" for name, found in CLASSES.items() if "place" in found.__dataclass_fields__} | {
    "LogicalTypeOptions.places",
    "Contract.version",
    "Contract.document",
    "Contract.source",
    "Contract.places",
    "Contract.file",
}

Pair = tuple[Data, Data]


def column(old: Data, new: Data) -> Pair:
    return document({"name": "a", **old}, {"name": "b"}), document({"name": "a", **new}, {"name": "b"})


def each(key: str, old: Any, new: Any, **more: Any) -> Pair:
    return column({**more, key: old}, {**more, key: new})


def of_object(key: str, old: Any, new: Any) -> Pair:
    return document({"name": "a"}, of_object={key: old}), document({"name": "a"}, of_object={key: new})


def root(key: str, old: Any, new: Any) -> Pair:
    return document({"name": "a"}, **{key: old}), document({"name": "a"}, **{key: new})


def option(key: str, old: Any, new: Any, kind: str, **more: Any) -> Pair:
    sides = ({"logicalType": kind, "logicalTypeOptions": {**more, key: one}} for one in (old, new))
    return column(*sides)


def rule(key: str, old: Any, new: Any, **more: Any) -> Pair:
    base = more or {"metric": "nullValues", "mustBe": 0}
    sides = ({"quality": [{"id": "r", **base, key: one}]} for one in (old, new))
    return column(*sides)


def entry(section: str, base: Data, key: str, old: Any, new: Any) -> Pair:
    return root(section, [{**base, key: old}], [{**base, key: new}])


def custom(key: str, old: Any, new: Any) -> Pair:
    return entry("customProperties", {"property": "p", "value": 1}, key, old, new)


def link(key: str, old: Any, new: Any) -> Pair:
    return entry("authoritativeDefinitions", {"type": "t", "url": "https://a"}, key, old, new)


def sla(key: str, old: Any, new: Any) -> Pair:
    return entry("slaProperties", {"property": "latency", "value": 1, "unit": "d"}, key, old, new)


def server(key: str, old: Any, new: Any) -> Pair:
    return entry("servers", {"server": "p", "type": "databricks", "catalog": "c", "schema": "s"}, key, old, new)


def member(key: str, old: Any, new: Any) -> Pair:
    return root("team", *({"members": [{"username": "u", key: one}]} for one in (old, new)))


def role(key: str, old: Any, new: Any) -> Pair:
    return entry("roles", {"role": "r"}, key, old, new)


def nested(key: str, *parts: Any) -> Pair:
    return column(*({"logicalType": "object" if key == "properties" else "array", key: part} for part in parts))


def mapping(part: str, old: str, new: str) -> Pair:
    other = {"key": "value", "value": "key"}[part]
    sides = (
        {"logicalType": "map", "map": {part: {"logicalType": one}, other: {"logicalType": "string"}}}
        for one in (old, new)
    )
    return column(*sides)


LINK = [{"type": "t", "url": "https://a"}]
OWN = [{"property": "p", "value": 1}]
QUALITY = [{"metric": "nullValues", "mustBe": 0}]
REFERENCE = [{"to": "t.b"}]
ON_OBJECT = {"from": "t.a", "to": "t.b"}
SQL = {"type": "sql", "mustBe": 1}
TEXT = {"type": "text"}
OF = {"type": "custom", "engine": "e", "implementation": "i"}

# For each field: two documents whose models differ in it, and the path of a change that says so.
FIELDS: dict[str, tuple[Pair, str]] = {
    "AuthoritativeDefinition.type": (link("type", "t", "u"), "authoritativeDefinitions.u"),
    "AuthoritativeDefinition.url": (link("url", "https://a", "https://b"), "authoritativeDefinitions.t.url"),
    "AuthoritativeDefinition.description": (link("description", "x", "y"), "authoritativeDefinitions.t.description"),
    "AuthoritativeDefinition.id": (link("id", "x", "y"), "authoritativeDefinitions.y.id"),
    "Bound.value": (option("minimum", 1, 2, "integer"), "schema.t.properties.a.logicalTypeOptions.minimum"),
    "Bound.inclusive": (
        column(*({"logicalType": "number", "logicalTypeOptions": {key: 1}} for key in ("maximum", "exclusiveMaximum"))),
        "schema.t.properties.a.logicalTypeOptions.maximum",
    ),
    "Contract.id": (root("id", "x", "y"), "id"),
    "Contract.api_version": (root("apiVersion", "v3.1.0", "v3.2.0"), "apiVersion"),
    "Contract.status": (root("status", "draft", "active"), "status"),
    "Contract.name": (root("name", "x", "y"), "name"),
    "Contract.tenant": (root("tenant", "x", "y"), "tenant"),
    "Contract.domain": (root("domain", "x", "y"), "domain"),
    "Contract.data_product": (root("dataProduct", "x", "y"), "dataProduct"),
    "Contract.description": (root("description", None, {"usage": "x"}), "description.usage"),
    "Contract.tags": (root("tags", ["x"], ["y"]), "tags"),
    "Contract.schema": ((document(), {**document(), "schema": []}), "schema.t"),
    "Contract.servers": (root("servers", [], [{"server": "p", "type": "custom"}]), "servers.p"),
    "Contract.sla_default_element": (root("slaDefaultElement", "t.a", "t.b"), "slaDefaultElement"),
    "Contract.sla_properties": (root("slaProperties", [], [{"property": "x", "value": 1}]), "slaProperties.x"),
    "Contract.team": (root("team", None, {"name": "x"}), "team.name"),
    "Contract.roles": (root("roles", [], [{"role": "r"}]), "roles.r"),
    "Contract.custom_properties": (root("customProperties", [], OWN), "customProperties.p"),
    "Contract.authoritative_definitions": (root("authoritativeDefinitions", [], LINK), "authoritativeDefinitions.t"),
    "CustomProperty.property": (custom("property", "p", "q"), "customProperties.q"),
    "CustomProperty.value": (custom("value", 1, True), "customProperties.p.value"),
    "CustomProperty.id": (custom("id", "x", "y"), "customProperties.p.id"),
    "CustomProperty.description": (custom("description", "x", "y"), "customProperties.p.description"),
    "CustomProperty.vendor": (custom("vendor", "x", "y"), "customProperties.p.vendor"),
    "Description.purpose": (root("description", {"purpose": "x"}, {"purpose": "y"}), "description.purpose"),
    "Description.limitations": (root("description", {}, {"limitations": "y"}), "description.limitations"),
    "Description.usage": (root("description", {"usage": "x"}, {}), "description.usage"),
    "EnumValue.value": (each("enum", [{"value": "x"}], [{"value": "y"}]), "schema.t.properties.a.enum"),
    "EnumValue.label": (
        each("enum", [{"value": "x", "label": "k"}], [{"value": "x", "label": "l"}]),
        "schema.t.properties.a.enum.x.label",
    ),
    "EnumValue.description": (
        each("enum", [{"value": "x"}], [{"value": "x", "description": "l"}]),
        "schema.t.properties.a.enum.x.description",
    ),
    "LogicalTypeOptions.lower": (option("minimum", 1, 2, "integer"), "minimum"),
    "LogicalTypeOptions.upper": (option("exclusiveMaximum", 1, 2, "number"), "maximum"),
    "LogicalTypeOptions.multiple_of": (option("multipleOf", 2, 4, "integer"), "multipleOf"),
    "LogicalTypeOptions.min_length": (option("minLength", 1, 2, "string"), "minLength"),
    "LogicalTypeOptions.max_length": (option("maxLength", 1, 2, "string"), "maxLength"),
    "LogicalTypeOptions.pattern": (option("pattern", "x", "y", "string"), "pattern"),
    "LogicalTypeOptions.format": (option("format", "uuid", "email", "string"), "format"),
    "LogicalTypeOptions.timezone": (option("timezone", True, False, "timestamp"), "schema.t.properties.a.type"),
    "LogicalTypeOptions.default_timezone": (option("defaultTimezone", "UTC", "Asia/Tokyo", "timestamp"), "Timezone"),
    "LogicalTypeOptions.min_items": (option("minItems", 1, 2, "array"), "minItems"),
    "LogicalTypeOptions.max_items": (option("maxItems", 1, 2, "array"), "maxItems"),
    "LogicalTypeOptions.unique_items": (option("uniqueItems", True, False, "array"), "uniqueItems"),
    "LogicalTypeOptions.min_properties": (option("minProperties", 1, 2, "object"), "minProperties"),
    "LogicalTypeOptions.max_properties": (option("maxProperties", 1, 2, "object"), "maxProperties"),
    "LogicalTypeOptions.required": (option("required", ["x"], ["y"], "object"), "logicalTypeOptions.required"),
    "LogicalTypeOptions.dimensions": (option("dimensions", 1, 2, "vector"), "dimensions"),
    "LogicalTypeOptions.element_type": (option("elementType", "int8", "uint8", "vector", dimensions=1), "elementType"),
    "LogicalTypeOptions.normalized": (option("normalized", True, False, "vector", dimensions=1), "normalized"),
    "LogicalTypeOptions.other": (
        option("distanceMetric", "cosine", "hamming", "vector", dimensions=1),
        "logicalTypeOptions.distanceMetric",
    ),
    "QualityRule.type": (column(*({"quality": [{"id": "r", **one}]} for one in (TEXT, OF))), "quality.r.type"),
    "QualityRule.id": (each("quality", [{**QUALITY[0], "id": "x"}], [{**QUALITY[0], "id": "y"}]), "quality.y.id"),
    "QualityRule.name": (rule("name", "x", "y"), "quality.r.name"),
    "QualityRule.description": (rule("description", "x", "y"), "quality.r.description"),
    "QualityRule.metric": (rule("metric", "nullValues", "rowCount", mustBe=0), "quality.r.metric"),
    "QualityRule.metric_text": (
        tuple(  # type: ignore[dict-item]
            {**one, "apiVersion": "v3.0.2", "status": "active"} for one in rule("rule", "mine", "yours", name="n")
        ),
        "quality.r.metric",
    ),
    "QualityRule.arguments": (
        rule("arguments", {"pattern": "x"}, {"pattern": "y"}, metric="invalidValues", mustBe=0),
        "quality.r.arguments.pattern",
    ),
    "QualityRule.query": (rule("query", "SELECT 1", "SELECT 2", **SQL), "quality.r.query"),
    "QualityRule.engine": (rule("engine", "e", "f", **OF), "quality.r.engine"),
    "QualityRule.implementation": (rule("implementation", {"x": 1}, {"x": 2}, **OF), "quality.r.implementation"),
    "QualityRule.thresholds": (rule("mustBe", 0, 1), "quality.r.threshold"),
    "QualityRule.unit": (rule("unit", "rows", "percent", metric="nullValues", mustBe=1), "quality.r.threshold"),
    "QualityRule.dimension": (rule("dimension", "accuracy", "coverage"), "quality.r.dimension"),
    "QualityRule.severity": (rule("severity", "error", "info"), "quality.r.severity"),
    "QualityRule.business_impact": (rule("businessImpact", "x", "y"), "quality.r.businessImpact"),
    "QualityRule.method": (rule("method", "x", "y"), "quality.r.method"),
    "QualityRule.schedule": (rule("schedule", "x", "y"), "quality.r.schedule"),
    "QualityRule.scheduler": (rule("scheduler", "x", "y"), "quality.r.scheduler"),
    "QualityRule.tags": (rule("tags", ["x"], ["y"]), "quality.r.tags"),
    "QualityRule.custom_properties": (rule("customProperties", [], OWN), "quality.r.customProperties.p"),
    "QualityRule.authoritative_definitions": (
        rule("authoritativeDefinitions", [], LINK),
        "quality.r.authoritativeDefinitions.t",
    ),
    "Relationship.source": (
        of_object("relationships", [{**ON_OBJECT, "id": "r"}], [{"id": "r", "from": "t.c", "to": "t.b"}]),
        "schema.t.relationships.r.from",
    ),
    "Relationship.target": (each("relationships", REFERENCE, [{"to": "t.c"}]), 'relationships["t.c"].to'),
    "Relationship.id": (each("relationships", REFERENCE, [{"id": "r", "to": "t.b"}]), "relationships.r.id"),
    "Relationship.custom_properties": (
        each("relationships", REFERENCE, [{"to": "t.b", "customProperties": OWN}]),
        'relationships["t.b"].customProperties.p',
    ),
    "Role.role": (role("role", "r", "s"), "roles.s"),
    "Role.access": (role("access", "x", "y"), "roles.r.access"),
    "Role.description": (role("description", "x", "y"), "roles.r.description"),
    "Role.first_level_approvers": (role("firstLevelApprovers", "x", "y"), "roles.r.firstLevelApprovers"),
    "Role.second_level_approvers": (role("secondLevelApprovers", "x", "y"), "roles.r.secondLevelApprovers"),
    "SchemaObject.name": (of_object("name", "t", "u"), "schema.u"),
    "SchemaObject.id": (of_object("id", "x", "y"), "schema.t.id"),
    "SchemaObject.physical_name": (of_object("physicalName", "x", "y"), "schema.t.physicalName"),
    "SchemaObject.physical_type": (of_object("physicalType", "table", "file"), "schema.t.physicalType"),
    "SchemaObject.business_name": (of_object("businessName", "x", "y"), "schema.t.businessName"),
    "SchemaObject.description": (of_object("description", "x", "y"), "schema.t.description"),
    "SchemaObject.data_granularity_description": (
        of_object("dataGranularityDescription", "x", "y"),
        "schema.t.dataGranularityDescription",
    ),
    "SchemaObject.deprecated": (of_object("deprecated", True, False), "schema.t.deprecated"),
    "SchemaObject.synonyms": (of_object("synonyms", [], [{"synonym": "x"}]), "schema.t.synonyms"),
    "SchemaObject.properties": ((document(), document({"name": "a"})), "schema.t.properties.a"),
    "SchemaObject.relationships": (of_object("relationships", [], [ON_OBJECT]), 'schema.t.relationships["t.b"]'),
    "SchemaObject.quality": (of_object("quality", [], [{"metric": "rowCount", "mustBe": 1}]), "quality.rowCount"),
    "SchemaObject.tags": (of_object("tags", ["x"], ["y"]), "schema.t.tags"),
    "SchemaObject.custom_properties": (of_object("customProperties", OWN, []), "schema.t.customProperties.p"),
    "SchemaObject.authoritative_definitions": (
        of_object("authoritativeDefinitions", LINK, []),
        "schema.t.authoritativeDefinitions.t",
    ),
    "SchemaProperty.name": (each("name", "a", "c"), "schema.t.properties.c"),
    "SchemaProperty.id": (each("id", "x", "y"), "schema.t.properties.a.id"),
    "SchemaProperty.physical_name": (each("physicalName", "x", "y"), "schema.t.properties.a.physicalName"),
    "SchemaProperty.physical_type": (each("physicalType", "INT", "DATE"), "schema.t.properties.a.type"),
    "SchemaProperty.business_name": (each("businessName", "x", "y"), "schema.t.properties.a.businessName"),
    "SchemaProperty.description": (each("description", "x", "y"), "schema.t.properties.a.description"),
    "SchemaProperty.logical_type": (each("logicalType", "string", "time"), "schema.t.properties.a.logicalType"),
    "SchemaProperty.options": (option("minLength", 0, 1, "string"), "minLength"),
    "SchemaProperty.required": (each("required", True, False), "schema.t.properties.a.required"),
    "SchemaProperty.unique": (each("unique", True, False), "schema.t.properties.a.unique"),
    "SchemaProperty.primary_key": (each("primaryKey", True, False), "schema.t.primaryKey"),
    "SchemaProperty.primary_key_position": (
        (
            document(*({"name": n, "primaryKey": True, "primaryKeyPosition": i} for n, i in (("a", 1), ("b", 2)))),
            document(*({"name": n, "primaryKey": True, "primaryKeyPosition": i} for n, i in (("a", 2), ("b", 1)))),
        ),
        "schema.t.primaryKey",
    ),
    "SchemaProperty.partitioned": (each("partitioned", True, False), "schema.t.partitioning"),
    "SchemaProperty.partition_key_position": (
        (
            document(*({"name": n, "partitioned": True, "partitionKeyPosition": i} for n, i in (("a", 1), ("b", 2)))),
            document(*({"name": n, "partitioned": True, "partitionKeyPosition": i} for n, i in (("a", 2), ("b", 1)))),
        ),
        "schema.t.partitioning",
    ),
    "SchemaProperty.classification": (each("classification", "public", "secret"), "classification"),
    "SchemaProperty.critical_data_element": (each("criticalDataElement", True, False), "criticalDataElement"),
    "SchemaProperty.encrypted_name": (each("encryptedName", "x", "y"), "encryptedName"),
    "SchemaProperty.transform_source_objects": (each("transformSourceObjects", ["x"], []), "transformSourceObjects"),
    "SchemaProperty.transform_logic": (each("transformLogic", "x", "y"), "transformLogic"),
    "SchemaProperty.transform_description": (each("transformDescription", "x", "y"), "transformDescription"),
    "SchemaProperty.examples": (each("examples", [1], [True]), "examples"),
    "SchemaProperty.semantic_type": (each("semanticType", "column", "dimension"), "semanticType"),
    "SchemaProperty.deprecated": (each("deprecated", True, False), "deprecated"),
    "SchemaProperty.synonyms": (each("synonyms", [{"synonym": "x"}], []), "a.synonyms"),
    "SchemaProperty.enum": (column({"enum": [{"value": 1}]}, {}), "enum"),
    "SchemaProperty.properties": (
        nested("properties", [{"name": "x"}], [{"name": "x"}, {"name": "y"}]),
        "properties.y",
    ),
    "SchemaProperty.items": (nested("items", {"logicalType": "string"}, {"logicalType": "integer"}), "items.type"),
    "SchemaProperty.map_key": (mapping("key", "string", "integer"), "a.map.key.type"),
    "SchemaProperty.map_value": (mapping("value", "string", "integer"), "a.map.value.type"),
    "SchemaProperty.relationships": (each("relationships", [], REFERENCE), 'a.relationships["t.b"]'),
    "SchemaProperty.quality": (each("quality", [], QUALITY), "a.quality.nullValues"),
    "SchemaProperty.tags": (each("tags", ["x"], ["y"]), "a.tags"),
    "SchemaProperty.custom_properties": (each("customProperties", [], OWN), "a.customProperties.p"),
    "SchemaProperty.authoritative_definitions": (
        each("authoritativeDefinitions", [], LINK),
        "a.authoritativeDefinitions.t",
    ),
    "Server.server": (server("server", "p", "q"), "servers.q"),
    "Server.type": (
        root("servers", *([{"server": "p", "type": one, "location": "x"}] for one in ("custom", "s3"))),
        "servers.p.type",
    ),
    "Server.description": (server("description", "x", "y"), "servers.p.description"),
    "Server.environment": (server("environment", "x", "y"), "servers.p.environment"),
    "Server.settings": (server("host", "x", "y"), "servers.p.host"),
    "Server.custom_properties": (server("customProperties", [], OWN), "servers.p.customProperties.p"),
    "Server.id": (server("id", "x", "y"), "servers.p.id"),
    "SlaProperty.property": (sla("property", "latency", "retention"), "slaProperties.retention"),
    "SlaProperty.value": (sla("value", 1, 2), "slaProperties.latency.value"),
    "SlaProperty.value_ext": (sla("valueExt", 1, 2), "slaProperties.latency.valueExt"),
    "SlaProperty.unit": (sla("unit", "d", "h"), "slaProperties.latency.value"),
    "SlaProperty.elements": (sla("element", "t.a", "t.b"), "slaProperties.latency.element"),
    "SlaProperty.driver": (sla("driver", "x", "y"), "slaProperties.latency.driver"),
    "SlaProperty.description": (sla("description", "x", "y"), "slaProperties.latency.description"),
    "SlaProperty.scheduler": (sla("scheduler", "x", "y"), "slaProperties.latency.scheduler"),
    "SlaProperty.schedule": (sla("schedule", "x", "y"), "slaProperties.latency.schedule"),
    "SlaProperty.id": (sla("id", "x", "y"), "slaProperties.y.id"),
    "Team.name": (root("team", {"name": "x"}, {"name": "y"}), "team.name"),
    "Team.description": (root("team", {"description": "x"}, {"description": "y"}), "team.description"),
    "Team.members": (root("team", {"members": []}, {"members": [{"username": "x"}]}), "team.members.x"),
    "TeamMember.username": (member("username", "x", "y"), "team.members.y"),
    "TeamMember.name": (member("name", "x", "y"), "team.members.u.name"),
    "TeamMember.role": (member("role", "x", "y"), "team.members.u.role"),
    "TeamMember.date_in": (member("dateIn", "x", "y"), "team.members.u.dateIn"),
    "TeamMember.date_out": (member("dateOut", "x", "y"), "team.members.u.dateOut"),
    "TeamMember.replaced_by_username": (member("replacedByUsername", "x", "y"), "team.members.u.replacedByUsername"),
    "Threshold.operator": (
        column(*({"quality": [{"id": "r", "metric": "rowCount", key: 1}]} for key in ("mustBe", "mustNotBe"))),
        "quality.r.threshold",
    ),
    "Threshold.value": (rule("mustBe", 0, 1), "quality.r.threshold"),
}
# The standard has one type of reference only, so that no valid document shows another.
ONE_VALUE = {"Relationship.type"}


def test_every_field_of_the_model_is_compared_or_known_to_be_none() -> None:
    fields = {f"{name}.{f.name}" for name, found in CLASSES.items() for f in dataclasses.fields(found)}
    assert fields == FIELDS.keys() | NOT_COMPARED | ONE_VALUE
    assert not FIELDS.keys() & NOT_COMPARED


@pytest.mark.parametrize("name", FIELDS)
def test_a_change_of_the_field_is_seen(name: str) -> None:
    (before, after), path = FIELDS[name]
    old, new = loaded(before), loaded(after)
    class_name, _, field = name.partition(".")
    found = [list(_values(side, CLASSES[class_name], field)) for side in (old, new)]
    assert found[0] != found[1], "the two documents do not differ in the field"
    paths = [change.path for change in compare(old, new).changes]
    assert any(each == path or each.endswith(path) for each in paths), paths


def _values(element: object, wanted: type, field: str) -> Iterator[object]:
    """The field of every element of the class, without places."""
    if isinstance(element, wanted):
        yield _bare(getattr(element, field))
    if dataclasses.is_dataclass(element):
        for one in dataclasses.fields(element):
            if not (isinstance(element, Contract) and one.name in ("document", "places")):
                yield from _values(getattr(element, one.name), wanted, field)
    elif isinstance(element, tuple):
        for entry_ in element:
            yield from _values(entry_, wanted, field)


def _bare(value: Any) -> object:
    if dataclasses.is_dataclass(value):
        names = [one.name for one in dataclasses.fields(value) if one.name not in ("place", "places")]
        return {name: _bare(getattr(value, name)) for name in names}
    return [_bare(entry_) for entry_ in value] if isinstance(value, tuple) else (type(value), value)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        if isinstance(inner, dict | list):
            yield from _leaves(inner, (*path, key))
        else:
            yield (*path, key)


def _mutated(data: Any, path: tuple[Any, ...]) -> Data:
    changed = copy.deepcopy(data)
    *way, last = path
    target: Any = changed
    for key in way:
        target = target[key]
    match target[last]:
        case bool() as value:
            target[last] = not value
        case int() | float() as number:
            target[last] = number + 1
        case value:
            target[last] = f"{value or ''}x"
    return changed


def _is_silent(data: Any, path: tuple[Any, ...]) -> bool:
    """What has no meaning: the label, the position in a key of one column, and `required` beside `primaryKey`."""
    for key in path[:-1]:
        data = data[key]
    if path[-1] == "required":
        return isinstance(data, dict) and data.get("primaryKey") is True
    return path[-1] in ("version", "primaryKeyPosition", "partitionKeyPosition")


def test_every_value_of_the_corpus_counts(odcs_corpus: Path) -> None:
    checked = 0
    silent: list[str] = []
    files = sorted((odcs_corpus / "examples" / "v3.2.0-dev").rglob("*.yaml"))
    for file in (one for one in files if one.stat().st_size < 20_000):
        original, _ = read_contract(file)
        if original is None:
            continue
        for path in _leaves(original.document):
            mutated, _ = read_contract(json.dumps(_mutated(original.document, path)).encode())
            if mutated is None or _is_silent(original.document, path):
                continue
            checked += 1
            if not compare(original, mutated).changes:
                silent.append(f"{file.name} {path}")
    assert silent == []
    assert checked > 700
