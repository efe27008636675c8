"""Asset definitions into ODCS v3.1.0: the nested form (`asset:`), and the flat one that is labelled as ODCS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakepact.convert import checks
from lakepact.convert.asset_rules import read_rule
from lakepact.convert.building import add_custom
from lakepact.convert.fields import definitions, finish_field, read_field
from lakepact.convert.finish import finished
from lakepact.convert.handling import action_of
from lakepact.convert.model import Converted
from lakepact.convert.source import Element, Source, open_source
from lakepact.convert.table import TableDraft
from lakepact.errors import Severity

__all__ = ["asset_document", "convert_asset"]

_LEVELS = ("value", "valueExt")
_LEVEL_TEXTS = ("unit", "element", "driver", "description", "scheduler", "schedule", "id")
_GOVERNANCE = ("classification", "regulations", "security", "user_consent_required")


def convert_asset(source: bytes, *, file: str = "") -> Converted:
    """The contract of an asset definition as ODCS v3.1.0.

    Raises ConfigurationError (LP800) with every reason why it is none.

    >>> text = b"asset: {name: crm_users, object: users, version: '1.0', schema: [{name: id, type: bigint}]}"
    >>> convert_asset(text).document["schema"][0]["properties"]
    [{'name': 'id', 'logicalType': 'integer', 'physicalType': 'bigint'}]
    """
    opened = open_source(source, file=file)
    return finished(asset_document(opened), opened)


def asset_document(opened: Source, *, own_actions: bool = True) -> dict[str, Any]:
    """The contract of an opened asset definition, before it is held against the grammar.

    Without `own_actions` its inline checks say no action of their own: what is said of all violations holds.
    """
    root = opened.root
    asset = root.element("asset") or root
    name = asset.require("name", "an asset")
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": asset.text("id") or name,
        "version": asset.require("version", "an asset"),
        "status": _status(asset),
        "name": name,
    }
    _labels(asset)
    _fundamentals(document, asset)
    table = _table(document, asset, name, own_actions=own_actions)
    levels = [*_service_levels(asset), *_retention(asset), *table.levels]
    document["schema"] = [table.document()]
    if levels:
        document["slaProperties"] = levels
    _team(document, asset)
    _governance(document, asset)
    for entry in asset.elements("customProperties"):
        key = entry.text("property")
        if key:
            add_custom(document, {key: entry.value("value")})
    table.tell_untyped(opened, asset.at("schema"))
    add_custom(document, asset.rest())
    if asset is not root:
        add_custom(document, root.rest())
    return document


def _status(asset: Element) -> str:
    status = asset.text("status")
    if status is None:
        message = "the asset has no `status`; `active` is written, which is its default"
        asset.source.note("LP807", message, asset.path, severity=Severity.INFO)
    return status or "active"


def _labels(asset: Element) -> None:
    """The labels of the flat form: ODCS in name only."""
    kind = asset.text("kind")
    if kind not in (None, "DataContract"):
        asset.source.note("LP806", f"`kind` is `{kind}`; the asset is read all the same", asset.at("kind"))
    label = asset.text("apiVersion")
    if label not in (None, "v3.0.2"):
        asset.source.note("LP806", f"`apiVersion` is `{label}`; the asset is read all the same", asset.at("apiVersion"))


def _fundamentals(document: dict[str, Any], asset: Element) -> None:
    for key in ("domain", "dataProduct", "tenant", "contractCreatedTs"):
        if text := asset.text(key):
            document[key] = text
    description: dict[str, Any] = {}
    if isinstance(asset.data.get("description"), str):
        description["purpose"] = asset.text("description")
    elif (element := asset.element("description")) is not None:
        texts = {key: element.text(key) for key in ("purpose", "usage", "limitations")}
        description |= {key: text for key, text in texts.items() if text}
        add_custom(description, element.rest())
    if description:
        document["description"] = description
    governance = asset.element("governance")
    tags = [*asset.texts("tags"), *(governance.texts("tags") if governance else [])]
    if tags:
        document["tags"] = list(dict.fromkeys(tags))
    if links := definitions(asset):
        document["authoritativeDefinitions"] = links


def _table(document: dict[str, Any], asset: Element, name: str, *, own_actions: bool) -> TableDraft:
    """The one object of the asset, under the name that its source gives it."""
    table = TableDraft(asset.text("object") or name, {"physicalType": "table"})
    add_custom(table.keys, {"lakepact.sourceType": asset.text("source_type")})
    for element in asset.elements("schema"):
        found = read_field(element)
        table.properties.append(found)
        for rule in element.elements("quality"):
            table.add(read_rule(rule, found["name"]))
        finish_field(found, element)
    _partitions(table, asset)
    _checks(document, table, asset, own_actions=own_actions)
    for rule in asset.elements("quality"):
        table.add(read_rule(rule, None))
    return table


def _partitions(table: TableDraft, asset: Element) -> None:
    """Partition columns that the schema has; the others, and everything else of `target`, stay as they are written."""
    target = asset.element("target")
    if target is None:
        return
    names = target.data.get("partitioning")
    columns = [table.find(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []
    if columns and all(columns) and len(columns) == len(names or ()):
        for position, column in enumerate(columns, 1):
            assert column is not None
            column |= {"partitioned": True, "partitionKeyPosition": position}
        target.skip("partitioning")
    add_custom(table.keys, {"lakepact.target": target.rest()})


def _checks(document: dict[str, Any], table: TableDraft, asset: Element, *, own_actions: bool) -> None:
    contract = asset.element("data_contract")
    if contract is not None:
        mode = contract.text("enforcement_mode")
        off = contract.data.get("enabled") is False or (mode or "").casefold() == "disabled"
        action = None if off or not own_actions else action_of(contract, "enforcement_mode")
        if off and contract.has("inline_checks"):
            contract.source.note(
                "LP808",
                "the data contract is switched off; its inline checks are kept as a custom property, not as rules",
                contract.at("inline_checks"),
            )
        for element in [] if off else contract.elements("inline_checks"):
            for check in checks.read_check("inline", element.everything()):
                table.add(check, action)
        add_custom(
            document, {"lakepact.enforcementMode": mode, "lakepact.contractPath": contract.text("contract_path")}
        )
        add_custom(document, {"lakepact.dataContract": contract.rest()})
    quality = asset.element("data_quality")
    if quality is not None:
        for element in quality.elements("expectations"):
            for check in checks.read_check("asset", element.everything()):
                table.add(check)
        add_custom(document, {f"lakepact.{key}": value for key, value in quality.rest().items()})


def _service_levels(asset: Element) -> Iterator[dict[str, Any]]:
    for element in asset.elements("slaProperties"):
        level: dict[str, Any] = {"property": element.require("property", "a service level")}
        level |= {"value": element.scalar("value")}
        level |= {"valueExt": element.scalar("valueExt")} if element.has("valueExt") else {}
        level |= {key: text for key in _LEVEL_TEXTS if (text := element.text(key))}
        element.tell_rest()
        yield level


def _retention(asset: Element) -> Iterator[dict[str, Any]]:
    """How long rows are kept; the newer place of it, `compliance`, goes before the older one."""
    for key in ("compliance", "governance"):
        holder = asset.element(key)
        if holder is not None and holder.has("retention_days"):
            yield {"property": "retention", "value": holder.number("retention_days"), "unit": "d"}


def _team(document: dict[str, Any], asset: Element) -> None:
    members: list[dict[str, Any]] = []
    for key in ("governance", "team"):
        holder = asset.element(key) if isinstance(asset.data.get(key), dict) else None
        owner = holder.text("owner") if holder is not None else None
        if owner and owner not in [member["username"] for member in members]:
            members.append({"username": owner, "role": "owner"})
        for element in holder.elements("roles") if holder is not None else ():
            members.append(_person(element))
        if key == "team" and holder is not None:
            add_custom(document.setdefault("team", {}), holder.rest())
    if members:
        document.setdefault("team", {})["members"] = members
    if document.get("team") == {}:
        del document["team"]


def _person(element: Element) -> dict[str, Any]:
    key = element.first("email", "username", "name")
    person: dict[str, Any] = {"username": element.text(key) or ""}
    texts = {"role": None if key == "name" else element.text("name"), "description": element.text("responsibility")}
    person |= {name: text for name, text in texts.items() if text}
    add_custom(person, element.rest())
    return person


def _governance(document: dict[str, Any], asset: Element) -> None:
    for holder_key in ("governance", "compliance"):
        holder = asset.element(holder_key)
        if holder is None:
            continue
        for key in ("classification", "regulations"):
            add_custom(document, {f"lakepact.{key}": holder.value(key)})
        add_custom(document, {f"lakepact.{holder_key}": holder.rest()})
    for key, name in (("finops", "lakepact.finops"), ("change_management", "lakepact.changeManagement")):
        add_custom(document, {name: asset.value(key)})
