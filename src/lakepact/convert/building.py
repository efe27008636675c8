"""The parts of an ODCS v3.1.0 document that every importer writes the same way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lakepact.contract.model import NOWHERE, Place
from lakepact.convert.column_types import TypeReading
from lakepact.errors import Problem, Severity

__all__ = [
    "EXPECTATION_ENGINE",
    "Losses",
    "add_custom",
    "address",
    "count_query",
    "custom_rule",
    "free_name",
    "lay_out",
    "library_rule",
    "new_document",
    "nothing_custom",
    "plain_data",
    "predicate_rule",
    "property_named",
    "query_rule",
    "relate",
    "report_type",
    "set_primary_key",
    "slug",
]

# The engine whose rules lakepact runs as expectations on rows; NULL is a violation, as on Databricks.
EXPECTATION_ENGINE = "lakeflow-expectations"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


class Losses:
    """Collects what a document cannot hold, or holds only as a rule of another engine."""

    def __init__(self, file: str = "") -> None:
        """`file` is the name that the problems show."""
        self._file = file
        self._found: dict[Problem, None] = {}

    def lost(self, message: str, place: Place = NOWHERE, *, code: str = "LP821", hint: str = "") -> None:
        """Note something of the source that the document does not hold."""
        self._add(code, Severity.WARNING, message, place, hint)

    def kept(self, message: str, place: Place = NOWHERE, *, code: str = "LP822", hint: str = "") -> None:
        """Note something that the document holds in a form that only its origin understands."""
        self._add(code, Severity.INFO, message, place, hint)

    def _add(self, code: str, severity: Severity, message: str, place: Place, hint: str) -> None:
        problem = Problem(
            code=code,
            severity=severity,
            message=message,
            file=self._file,
            line=place.line,
            column=place.column,
            path=place.path,
            hint=hint,
        )
        self._found[problem] = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, each once, in the order of the source."""
        return tuple(sorted(self._found, key=lambda problem: (problem.line or 1 << 30, problem.column)))


def slug(text: str, *, fallback: str = "contract") -> str:
    """`text` as an id: letters, digits, `_` and `-`.

    >>> slug("main.sales.orders v2")
    'main-sales-orders-v2'
    """
    return _UNFIT.sub("-", text).strip("-") or fallback


def new_document(identifier: str, *, name: str | None = None) -> dict[str, Any]:
    """A draft of version 0.1.0 without objects; what was imported is for people to look through."""
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": slug(identifier),
        "version": "0.1.0",
        "status": "draft",
    }
    if name:
        document["name"] = name
    return document


def nothing_custom(value: object) -> bool:
    """Whether a value says nothing that a custom property could hold."""
    return value is None or value in ("", [], {})


def add_custom(element: dict[str, Any], pairs: Mapping[str, Any]) -> None:
    """Add custom properties; those without a value are left out."""
    for key, value in pairs.items():
        if not nothing_custom(value):
            element.setdefault("customProperties", []).append({"property": key, "value": value})


def plain_data(value: Any) -> Any:
    """`value` as JSON has it: mappings with text keys, lists and scalars."""
    if isinstance(value, Mapping):
        return {str(key): plain_data(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_data(entry) for entry in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def property_named(parent: dict[str, Any], name: str, *, create: bool = False) -> dict[str, Any] | None:
    """The property of that name, compared as Spark does, without regard to case; with `create` a new one."""
    for entry in parent.get("properties", ()):
        if entry["name"].casefold() == name.casefold():
            found: dict[str, Any] = entry
            return found
    if not create:
        return None
    made: dict[str, Any] = {"name": name}
    parent.setdefault("properties", []).append(made)
    return made


def address(schema_object: dict[str, Any], schema_property: dict[str, Any]) -> str:
    """How a relationship names a property: `object.property`, or by ids, which are given to the two where needed."""
    names = (schema_object["name"], schema_property["name"])
    if all(_PLAIN.fullmatch(name) for name in names):
        return ".".join(names)
    parts = [
        element.setdefault("id", slug(element["name"], fallback="x")) for element in (schema_object, schema_property)
    ]
    return f"schema/{parts[0]}/properties/{parts[1]}"


def relate(
    child: dict[str, Any],
    columns: Sequence[str],
    parent: dict[str, Any],
    parent_columns: Sequence[str],
    *,
    custom: Mapping[str, Any] | None = None,
) -> bool:
    """Write a foreign key: on the property for one column, on the object for several.

    Nothing is written, and False returned, where one of the objects has no such property.
    """
    ends = [property_named(child, name) for name in columns]
    targets = [property_named(parent, name) for name in parent_columns]
    if len(ends) != len(targets) or not ends or None in ends or None in targets:
        return False
    tos = [address(parent, target) for target in targets if target is not None]
    entry: dict[str, Any] = {"type": "foreignKey"}
    if len(tos) == 1:
        entry["to"] = tos[0]
        holder = ends[0]
    else:
        entry |= {"from": [address(child, end) for end in ends if end is not None], "to": tos}
        holder = child
    assert holder is not None
    add_custom(entry, custom or {})
    holder.setdefault("relationships", []).append(entry)
    return True


def library_rule(metric: str, operator: str = "mustBe", value: Any = 0, **more: Any) -> dict[str, Any]:
    """A rule of the standard's library; `more` are keys of the rule, those without a value are left out.

    >>> library_rule("nullValues", name="id is there")
    {'type': 'library', 'name': 'id is there', 'metric': 'nullValues', 'mustBe': 0}
    """
    return _rule("library", more) | {"metric": metric} | _arguments(more) | {operator: value}


def query_rule(query: str, operator: str = "mustBe", value: Any = 0, **more: Any) -> dict[str, Any]:
    """A rule that runs a query."""
    return _rule("sql", more) | {"query": query, operator: value}


def predicate_rule(predicate: str, **more: Any) -> dict[str, Any]:
    """A rule on rows that demands `predicate`, kept as it is written; a row for which it is NULL breaks it."""
    return custom_rule(EXPECTATION_ENGINE, predicate, **more)


def custom_rule(engine: str, implementation: str | Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A rule of another engine, in that engine's words."""
    return _rule("custom", more) | {"engine": engine, "implementation": plain_data(implementation)}


def count_query(predicate: str, *, null_breaks: bool) -> str:
    """A query for how many rows break `predicate`, which is somebody's SQL and stays as it is written.

    >>> count_query("amount > 0", null_breaks=False)
    'SELECT COUNT(*) FROM {object} WHERE NOT (amount > 0)'
    """
    text = f"{predicate.strip()}\n" if "--" in predicate else predicate.strip()
    test = f"NOT coalesce(({text}), FALSE)" if null_breaks else f"NOT ({text})"
    return f"SELECT COUNT(*) FROM {{object}} WHERE {test}"


def _rule(kind: str, more: Mapping[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": kind}
    for key in ("name", "description", "dimension", "severity", "unit", "tags"):
        if not nothing_custom(more.get(key)):
            rule[key] = more[key]
    action = more.get("action")
    custom = {"lakepact.action": str(action)} if action else {}
    add_custom(rule, custom | dict(more.get("custom") or {}))
    return rule


def _arguments(more: Mapping[str, Any]) -> dict[str, Any]:
    return {"arguments": more["arguments"]} if more.get("arguments") else {}


def lay_out(
    schema_object: dict[str, Any],
    losses: Losses,
    *,
    partitions: Sequence[str] = (),
    clusters: Sequence[str] = (),
    place: Place = NOWHERE,
) -> None:
    """Write the columns by which a table is partitioned or clustered."""
    for position, name in enumerate(partitions, 1):
        entry = property_named(schema_object, name)
        if entry is None:
            losses.lost(f"{schema_object['name']!r} is partitioned by {name!r}, which is no declared column", place)
        else:
            entry |= {"partitioned": True, "partitionKeyPosition": position}
    if clusters:
        add_custom(schema_object, {"clusterBy": list(clusters)})


def set_primary_key(
    schema_object: dict[str, Any], columns: Sequence[str], losses: Losses, place: Place = NOWHERE
) -> None:
    """Mark the columns of a primary key, in their order."""
    entries = [property_named(schema_object, name) for name in columns]
    if not columns or None in entries:
        losses.lost(
            f"the primary key ({', '.join(columns)}) of {schema_object['name']!r} names no declared columns", place
        )
        return
    for position, entry in enumerate(entries, 1):
        assert entry is not None
        entry |= {"primaryKey": True, "primaryKeyPosition": position}


def free_name(document: Mapping[str, Any], parts: Sequence[str]) -> str:
    """A name for a new object: the last part of its name in the data, with those before it as long as it is taken."""
    taken = {entry["name"].casefold() for entry in document.get("schema", ())}
    names = ["_".join(parts[-count:]) for count in range(1, len(parts) + 1)]
    found = next((name for name in names if name.casefold() not in taken), None)
    number = 2
    while found is None:
        candidate = f"{names[0]}_{number}"
        found = candidate if candidate.casefold() not in taken else None
        number += 1
    return found


def report_type(losses: Losses, owner: str, column: str, reading: TypeReading, place: Place = NOWHERE) -> None:
    """Note what a type could not say."""
    for loss in reading.losses:
        losses.lost(f"{owner}.{column}: {loss}", place, code="LP823")
