"""dbt projects: a `manifest.json`, or a file of properties such as `schema.yml`, as schema objects with their rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from lakepact.convert.building import (
    Losses,
    add_custom,
    address,
    count_query,
    custom_rule,
    free_name,
    new_document,
    property_named,
    query_rule,
    relate,
    report_type,
    set_primary_key,
)
from lakepact.convert.column_types import column_property, read_type
from lakepact.convert.dbt_manifest import manifest_relations
from lakepact.convert.dbt_model import Column, Constraint, Relation
from lakepact.convert.dbt_properties import property_relations
from lakepact.convert.dbt_tests import DataTestWriter
from lakepact.convert.model import Converted
from lakepact.convert.reading import not_readable, read_node

__all__ = ["convert_dbt"]

_WHAT = "a dbt manifest or properties file"
_REFERENCE = re.compile(r"\s*(?:\{\{)?\s*(ref|source)\s*\(([^)]*)\)\s*(?:\}\})?\s*")
_UNITS = {"minute": "min", "hour": "h", "day": "d"}
_SPARK_ADAPTERS = ("databricks", "spark")


def convert_dbt(source: bytes, *, file: str = "") -> Converted:
    """Models, seeds, snapshots and sources with columns, constraints and tests.

    Tests that the standard can say become its clauses and library rules; a test with a condition becomes a query; what
    only dbt knows is kept as a rule of the engine `dbt`. Raises ConfigurationError (LP820) for a source that is neither
    a manifest nor a file of properties.

    >>> text = b"models: [{name: orders, columns: [{name: id, data_type: bigint, data_tests: [not_null, unique]}]}]"
    >>> convert_dbt(text).document["schema"][0]["properties"]
    [{'name': 'id', 'logicalType': 'integer', 'physicalType': 'bigint', 'required': True, 'unique': True}]
    """
    root = read_node(source, file=file, what=_WHAT)
    losses = Losses(file)
    if root.is_mapping and "nodes" in root.value and "metadata" in root.value:
        project = root.get("metadata").text("project_name")
        adapter = root.get("metadata").text("adapter_type")
        relations = manifest_relations(root, project, losses)
    elif root.is_mapping and set(root.value) & {"models", "sources", "seeds", "snapshots"}:
        project, adapter = PurePath(file).stem, ""
        relations = property_relations(root, losses)
        for node in root.unread():
            losses.lost(f"`{node.path}` has no equal in a contract", node.place)
    else:
        raise not_readable("it has neither `nodes` nor `models` nor `sources`", file=file, what=_WHAT, place=root.place)
    document = new_document(project or "dbt", name=project or None)
    _servers(document, relations, adapter)
    objects = _Objects(document, relations, losses, spark=adapter in _SPARK_ADAPTERS)
    objects.write()
    return Converted(document=document, problems=losses.problems)


def _servers(document: dict[str, Any], relations: Sequence[Relation], adapter: str) -> None:
    """A server where all relations are in one schema of Databricks; else each object says where it is."""
    places = {(each.database, each.schema) for each in relations}
    database, schema = places.pop() if len(places) == 1 else ("", "")
    if adapter == "databricks" and database and schema:
        server = {"server": "databricks", "type": "databricks", "catalog": database, "schema": schema}
        document["servers"] = [server]
        return
    for relation in relations:
        place = {"dbt.database": relation.database, "dbt.schema": relation.schema}
        relation.custom = place | relation.custom


class _Objects:
    """The schema objects of all relations."""

    def __init__(self, document: dict[str, Any], relations: Sequence[Relation], losses: Losses, *, spark: bool) -> None:
        self._document = document
        self._losses = losses
        self._spark = spark
        self._written: list[tuple[Relation, dict[str, Any]]] = []
        for relation in relations:
            if relation.name:
                self._add(relation)
            else:
                losses.lost("a relation without a name", relation.place)

    def _add(self, relation: Relation) -> None:
        parts = (*filter(None, (relation.schema,)), relation.name)
        element: dict[str, Any] = {"name": free_name(self._document, parts)}
        physical = relation.physical_name or relation.name
        if physical != element["name"]:
            element["physicalName"] = physical
        element["physicalType"] = relation.kind
        _describe(element, relation.description, relation.tags)
        add_custom(element, relation.custom)
        for column in relation.columns:
            if not column.name or property_named(element, column.name) is not None:
                said = f"describes the column {column.name!r} twice" if column.name else "has a column without a name"
                self._losses.lost(f"{element['name']} {said}", column.place)
            else:
                self._add_column(element, column)
        self._document.setdefault("schema", []).append(element)
        self._written.append((relation, element))

    def _add_column(self, element: dict[str, Any], column: Column) -> None:
        reading = read_type(column.data_type, spark=self._spark) if column.data_type else None
        if reading is not None:
            report_type(self._losses, element["name"], column.name, reading, column.place)
        else:
            message = f"{element['name']}.{column.name} has no data_type"
            self._losses.lost(message, column.place, code="LP823", hint="give it a logicalType")
        entry = {"name": column.name} if reading is None else column_property(column.name, reading)
        _describe(entry, column.description, column.tags)
        add_custom(entry, column.custom)
        element.setdefault("properties", []).append(entry)

    def write(self) -> None:
        """Write constraints and tests, which may refer to any of the objects."""
        for relation, element in self._written:
            tests = DataTestWriter(element, self._losses, self._related)
            for constraint in relation.constraints:
                self._constraint(element, constraint, constraint.columns)
            for column in relation.columns:
                for constraint in column.constraints:
                    self._constraint(element, constraint, (column.name,))
                for test in column.tests:
                    tests.write(test, column.name)
            for test in relation.tests:
                tests.write(test, None)
            self._freshness(relation, element)

    def _found(self, reference: str) -> dict[str, Any] | None:
        """The object that `ref('x')`, `source('a', 'b')` or a plain name stands for."""
        match = _REFERENCE.fullmatch(reference)
        if match:
            words = tuple(re.findall(r"['\"]([^'\"]*)['\"]", match[2]))
            names = (words, words[-1:]) if match[1] == "ref" else (words,)
        else:
            names = (tuple(reference.replace("`", "").replace('"', "").split("."))[-1:],)
        return next(
            (element for relation, element in self._written if any(name in relation.references for name in names)), None
        )

    def _related(self, element: dict[str, Any], column: str, to: str, field: str, custom: Mapping[str, Any]) -> bool:
        parent = self._found(to)
        return parent is not None and relate(element, [column], parent, [field], custom=custom)

    def _constraint(self, element: dict[str, Any], constraint: Constraint, columns: tuple[str, ...]) -> None:
        if not constraint.type:
            self._losses.lost(f"{element['name']}: a constraint without a type", constraint.place)
            return
        entries = [property_named(element, name) for name in columns]
        first = entries[0] if len(entries) == 1 else None
        match constraint.type:
            case "not_null" if columns and None not in entries:
                for entry in entries:
                    assert entry is not None
                    entry["required"] = True
            case "unique" if first is not None:
                first["unique"] = True
            case "primary_key":
                set_primary_key(element, columns, self._losses, constraint.place)
            case "check" if constraint.expression and "{{" not in constraint.expression:
                # Delta refuses a row whose CHECK is NULL, other databases let it pass.
                query = count_query(constraint.expression, null_breaks=self._spark)
                rule = query_rule(query, name=constraint.name, severity="error")
                (element if first is None else first).setdefault("quality", []).append(rule)
            case "foreign_key" if self._foreign_key(element, constraint, columns):
                pass
            case _:
                self._kept(element if first is None else first, constraint)

    def _foreign_key(self, element: dict[str, Any], constraint: Constraint, columns: tuple[str, ...]) -> bool:
        parent = self._found(constraint.to) if constraint.to else None
        return parent is not None and relate(element, columns, parent, constraint.to_columns)

    def _kept(self, holder: dict[str, Any], constraint: Constraint) -> None:
        parts = {
            "constraint": constraint.type,
            "name": constraint.name,
            "expression": constraint.expression,
            "columns": list(constraint.columns),
            "to": constraint.to,
            "to_columns": list(constraint.to_columns),
        }
        implementation = {key: value for key, value in parts.items() if value}
        holder.setdefault("quality", []).append(custom_rule("dbt", implementation, name=constraint.name))
        message = f"{holder['name']}: a constraint {constraint.type} is kept for the engine dbt"
        self._losses.kept(message, constraint.place, hint="lakepact does not run dbt")

    def _freshness(self, relation: Relation, element: dict[str, Any]) -> None:
        freshness = relation.freshness
        if freshness is None:
            return
        entry = property_named(element, freshness.field)
        if entry is None or freshness.period not in _UNITS:
            message = f"the freshness of {relation.name}: {freshness.field or 'no loaded_at_field'} is no column of it"
            self._losses.lost(message, relation.place)
            return
        level = {"property": "latency", "value": freshness.count, "unit": _UNITS[freshness.period]}
        self._document.setdefault("slaProperties", []).append(level | {"element": address(element, entry)})


def _describe(element: dict[str, Any], description: str, tags: tuple[str, ...]) -> None:
    if description:
        element["description"] = description
    if tags:
        element["tags"] = list(tags)
