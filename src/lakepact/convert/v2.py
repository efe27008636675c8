"""ODCS v2.2.2 into v3.1.0; the layouts of v2.1 (`dataset.tables`, `isPrimary`) are read too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lakepact.convert.building import add_custom
from lakepact.convert.fields import definitions
from lakepact.convert.finish import finished
from lakepact.convert.model import Converted
from lakepact.convert.source import Element, open_source, put
from lakepact.convert.table import TableDraft, type_keys
from lakepact.convert.v2_quality import quality_check
from lakepact.convert.v2_servers import read_servers
from lakepact.errors import Severity

__all__ = ["convert_v2"]

_VERSION = re.compile(r"v?2\.[0-2]\.[0-9]")
_STATUSES = {"current": "active", "production": "active"}
_TABLE_TYPES = {"tables": "table", "views": "view", "topics": "topic", "files": "file"}
_PEOPLE = ("username", "role", "dateIn", "dateOut", "replacedByUsername")
_APPROVERS = ("access", "firstLevelApprovers", "secondLevelApprovers")


def convert_v2(source: bytes, *, file: str = "") -> Converted:
    """The contract of version 2 in `source` as v3.1.0.

    Raises ConfigurationError (LP800) with every reason why it is none.

    >>> text = b"version: 1.0.0\\nuuid: a\\nstatus: current\\ndataset: [{table: t, columns: [{column: c}]}]"
    >>> convert_v2(text).document["schema"]
    [{'name': 't', 'properties': [{'name': 'c'}]}]
    """
    opened = open_source(source, file=file)
    root = opened.root
    _version_of_standard(root)
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": root.require("uuid", "a contract of version 2"),
        "version": root.require("version", "a contract of version 2"),
        "status": _status(root),
    }
    _fundamentals(document, root)
    put(document, "schema", _schema(document, root))
    put(document, "servers", read_servers(root))
    put(document, "support", _support(root))
    put(document, "price", _price(root))
    put(document, "team", _team(root))
    put(document, "roles", _roles(root))
    put(document, "slaDefaultElement", root.text("slaDefaultColumn"))
    put(document, "slaProperties", _service_levels(root))
    _custom(document, root)
    return finished(document, opened)


def _version_of_standard(root: Element) -> None:
    key = root.first("apiVersion", "standardVersion", "templateVersion")
    written = root.text(key)
    if written is not None and not _VERSION.fullmatch(written):
        root.source.note("LP806", f"`{key}` is `{written}`; the contract is read as v2.2.2", root.at(key))


def _status(root: Element) -> str:
    written = root.text("status")
    if written is None:
        root.source.note("LP807", "the contract has no `status`; `draft` is written", root.path, severity=Severity.INFO)
        return "draft"
    return _STATUSES.get(written.casefold(), written)


def _fundamentals(document: dict[str, Any], root: Element) -> None:
    kind = root.text("kind")
    if kind not in (None, "DataContract"):
        root.source.note("LP806", f"`kind` is `{kind}`, as before v2.2; it is kept as `datasetKind`", root.at("kind"))
        add_custom(document, {"datasetKind": kind})
    put(document, "name", root.text("datasetName"))
    put(document, "tenant", root.text("tenant"))
    put(document, "domain", root.text("datasetDomain"))
    put(document, "dataProduct", root.text("quantumName"))
    put(document, "tags", root.texts("tags"))
    put(document, "description", _description(root))
    put(document, "contractCreatedTs", root.text("contractCreatedTs"))


def _description(root: Element) -> dict[str, Any]:
    if isinstance(root.data.get("description"), str):
        return {"purpose": root.text("description")}
    element = root.element("description")
    if element is None:
        return {}
    found: dict[str, Any] = {}
    for key in ("usage", "purpose", "limitations"):
        put(found, key, element.text(key))
    add_custom(found, element.rest())
    return found


def _schema(document: dict[str, Any], root: Element) -> list[dict[str, Any]]:
    holder, key = root, "dataset"
    if isinstance(root.data.get("dataset"), Mapping):
        inner = root.element("dataset")
        assert inner is not None
        holder, key = inner, "tables"
        root.source.note("LP806", "`dataset` holds `tables`, as before v2.2; they are read", root.at("dataset"))
    kind = root.text("type")
    physical = _TABLE_TYPES.get(kind.casefold(), kind) if kind else None
    if not holder.has(key):
        add_custom(document, {"type": kind})
    return [_table(element, physical) for element in holder.elements(key)]


def _table(element: Element, physical: str | None) -> dict[str, Any]:
    table = TableDraft(element.require("table", "a table"))
    for key, name in (("physicalName", "physicalName"), ("description", "description"), ("businessName",) * 2):
        put(table.keys, name, element.text(key))
    put(table.keys, "physicalType", physical)
    put(table.keys, "dataGranularityDescription", element.text("dataGranularity"))
    put(table.keys, "tags", element.texts("tags"))
    put(table.keys, "authoritativeDefinitions", definitions(element))
    columns = [(_column(column), column) for column in element.elements("columns")]
    table.properties = [found for found, _ in columns]
    unsaid = [found["name"] for found, column in columns if not column.has("isNullable") and not column.has("nullable")]
    if unsaid:
        element.source.note(
            "LP807",
            f"columns of `{table.name}` that do not say `isNullable` are not made `required`: {', '.join(unsaid)}",
            element.at("columns"),
            severity=Severity.INFO,
            hint="by the text of v2.2.2 they hold no nulls; set `required: true` where that is meant",
        )
    for found, column in columns:
        for rule in column.elements("quality"):
            table.add(quality_check(rule, found["name"]))
        _custom(found, column)
    for rule in element.elements("quality"):
        table.add(quality_check(rule, None))
    _custom(table.keys, element)
    return table.document()


def _column(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {"name": element.require("column", "a column")}
    logical = element.text("logicalType")
    found |= type_keys(logical, element.text("physicalType"))
    if logical is not None and "logicalType" not in found:
        add_custom(found, {"logicalType": logical})
        element.source.note(
            "LP805", f"the logicalType `{logical}` has no equal in ODCS v3; it is kept", element.at("logicalType")
        )
    for key in ("businessName", "description", "classification", "transformLogic", "transformDescription"):
        put(found, key, element.text(key))
    put(found, "encryptedName", element.text("encryptedColumnName"))
    put(found, "primaryKey", element.flag(element.first("isPrimaryKey", "isPrimary", "primary")))
    nullable = element.flag(element.first("isNullable", "nullable"))
    if nullable is not None:
        found["required"] = not nullable
    put(found, "unique", element.flag("isUnique"))
    put(found, "partitioned", element.flag("partitionStatus"))
    put(found, "criticalDataElement", element.flag("criticalDataElementStatus"))
    for key in ("primaryKeyPosition", "partitionKeyPosition", "clusterKeyPosition"):
        _position(found, element, key)
    if element.data.get("clusterStatus") is False:
        element.skip("clusterStatus")
    put(found, "tags", element.texts("tags"))
    put(found, "transformSourceObjects", element.texts("transformSourceTables"))
    put(found, "examples", element.value("sampleValues"))
    put(found, "authoritativeDefinitions", definitions(element))
    return found


def _position(found: dict[str, Any], element: Element, key: str) -> None:
    value = element.data.get(key)
    if value == -1:
        element.skip(key)  # the default, which says that there is none
    elif isinstance(value, int) and key != "clusterKeyPosition":
        found[key] = element.value(key)


def _custom(target: dict[str, Any], element: Element) -> None:
    """The custom properties of the element, and with them every key that v3.1.0 does not have."""
    for entry in element.elements("customProperties"):
        name = entry.text("property")
        if name:
            target.setdefault("customProperties", []).append({"property": name, "value": entry.value("value")})
    add_custom(target, element.rest())


def _support(root: Element) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    slack, email, feedback = (root.text(key) for key in ("productSlackChannel", "productDl", "productFeedbackUrl"))
    if slack:
        found.append({"channel": slack, "tool": "slack"})
    if email:
        found.append({"channel": email, "tool": "email"} | ({"url": f"mailto:{email}"} if "@" in email else {}))
    if feedback:
        found.append({"channel": "feedback", "url": feedback})
    return found


def _price(root: Element) -> dict[str, Any]:
    element = root.element("price")
    if element is None:
        return {}
    found: dict[str, Any] = {}
    put(found, "priceAmount", element.number("priceAmount"))
    put(found, "priceCurrency", element.text("priceCurrency"))
    put(found, "priceUnit", element.text("priceUnit"))
    element.tell_rest()
    return found


def _team(root: Element) -> dict[str, Any]:
    members = []
    for element in root.elements("stakeholders"):
        if not element.has("username"):
            element.tell_rest()
            continue
        member = {key: element.text(key) for key in _PEOPLE if element.has(key)}
        put(member, "description", element.text("comment"))
        add_custom(member, element.rest())
        members.append(member)
    return {"members": members} if members else {}


def _roles(root: Element) -> list[dict[str, Any]]:
    found = []
    for element in root.elements("roles"):
        role: dict[str, Any] = {"role": element.require("role", "a role")}
        for key in (*_APPROVERS, "description"):
            put(role, key, element.text(key))
        add_custom(role, element.rest())
        found.append(role)
    return found


def _service_levels(root: Element) -> list[dict[str, Any]]:
    found = []
    for element in root.elements("slaProperties"):
        level: dict[str, Any] = {"property": element.require("property", "a service level")}
        level["value"] = element.scalar("value")
        put(level, "valueExt", element.scalar("valueExt"))
        for key, name in (("unit",) * 2, ("column", "element"), ("driver",) * 2, ("description",) * 2):
            put(level, name, element.text(key))
        element.tell_rest()
        found.append(level)
    return found
