"""The import of the Collibra double: a JSON file of assets with attributes, relations and tags, made or updated.

An entry names an asset by its id, or by its name and its domain. Attributes of a type it gives are replaced. Relations
are named by their type and the end at which the other asset is: `<type id>:SOURCE` or `<type id>:TARGET`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from lakepact.testing.collibra_errors import ApiError, bad_request
from lakepact.testing.collibra_http import is_uuid, uuid_of
from lakepact.testing.collibra_state import CollibraState, Row

__all__ = ["import_entries"]


def import_entries(state: CollibraState, content: bytes, *, user: str, goes_on: bool = False) -> list[dict[str, Any]]:
    """Carry out the entries; returns the errors as the API shows them, each with the index of its entry.

    An entry that fails changes nothing; where the import `goes_on`, it does not stop the others, else none is done.
    """
    try:
        entries = json.loads(content)
    except ValueError:
        return [_error(state, None, None, "VALIDATION", "The file is not JSON.")]
    if not isinstance(entries, list):
        return [_error(state, None, None, "VALIDATION", "The file must hold a list.")]
    # Tables hold plain values: a copy is all that is needed to undo what was done.
    before = None if goes_on else (copy.deepcopy(state.tables), list(state.activities))
    errors = []
    for number, entry in enumerate(entries):
        try:
            _import(state, entry, user)
        except ApiError as error:
            errors.append(_error(state, number, entry, "RUNTIME", error.message))
        except (KeyError, TypeError, AttributeError):
            errors.append(_error(state, number, entry, "VALIDATION", "The entry is not one of an import."))
    if errors and before is not None:
        jobs = state.tables["jobs"]
        state.tables, state.activities = before
        state.tables["jobs"] = jobs
    return errors


def _error(state: CollibraState, number: int | None, entry: Any, kind: str, message: str) -> dict[str, Any]:
    command: dict[str, Any] = {"indices": [] if number is None else [number]}
    if state.switches.import_errors_named and isinstance(entry, Mapping) and "identifier" in entry:
        command["identifier"] = json.dumps(entry["identifier"], sort_keys=True, ensure_ascii=False)
    return {"errorType": kind, "resourceType": "ASSET", "errorMessage": message, "command": command}


def _import(state: CollibraState, entry: Mapping[str, Any], user: str) -> None:
    if entry.get("resourceType") != "Asset":
        raise bad_request("unknownResourceType", f"The resource type {entry.get('resourceType')} is not known.")
    # Everything is looked up before anything is written, so that an entry is done as a whole or not at all.
    attributes = dict(_attributes(state, entry))
    relations = list(_relations(state, entry))
    changes = _changes(state, entry)
    row = _find(state, entry["identifier"])
    if row is None:
        identifier = entry["identifier"]
        needed = {"name": identifier["name"], "domainId": _domain(state, identifier["domain"])}
        if "typeId" not in changes:
            raise bad_request("missingField", "A new asset needs a type.")
        row = state.add_asset(needed | changes, user=user)
    else:
        row = state.change_asset(row["id"], changes, user=user)
    if "tags" in entry:
        state.change_asset(row["id"], {"tags": list(entry["tags"])}, user=user)
    for kind, values in attributes.items():
        state.replace_attributes(row["id"], kind, values, user=user)
    for kind, end, other in relations:
        source, target = (other, row["id"]) if end == "SOURCE" else (row["id"], other)
        if not any(state.relations(kind, source=source, target=target)):
            state.add_relation(source, target, kind, user=user)


def _changes(state: CollibraState, entry: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {name: entry[name] for name in ("name", "displayName") if entry.get(name)}
    for field, table, key in (("type", "asset_types", "typeId"), ("status", "statuses", "statusId")):
        if entry.get(field):
            changes[key] = _referred(state, table, entry[field])
    return changes


def _attributes(state: CollibraState, entry: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for name, values in (entry.get("attributes") or {}).items():
        kind = name if is_uuid(name) else state.by_name("attribute_types", name)["id"]
        yield kind, [state.checked_value(kind, value["value"]) for value in values]


def _relations(state: CollibraState, entry: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key, others in (entry.get("relations") or {}).items():
        kind, _, end = key.partition(":")
        state.get("relation_types", uuid_of("relation type", kind))
        if end not in ("SOURCE", "TARGET"):
            raise bad_request("malformedRelation", f"A relation is named <type id>:SOURCE or :TARGET, not {key}.")
        for other in others:
            found = _find(state, other)
            if found is None:
                raise bad_request("assetNotFound", f"There is no asset {json.dumps(other, sort_keys=True)}.")
            yield kind, end, found["id"]


def _find(state: CollibraState, identifier: Mapping[str, Any]) -> Row | None:
    if "id" in identifier:
        return state.get("assets", uuid_of("id", identifier["id"]))
    domain = _domain(state, identifier["domain"])
    rows = state.tables["assets"].values()
    return next((row for row in rows if (row["name"], row["domainId"]) == (identifier["name"], domain)), None)


def _domain(state: CollibraState, identifier: Mapping[str, Any]) -> str:
    found = _referred(state, "domains", identifier)
    community = identifier.get("community")
    if community and _referred(state, "communities", community) != state.tables["domains"][found]["community"]:
        raise bad_request("domainNotFound", f"The domain '{identifier['name']}' is in another community.")
    return found


def _referred(state: CollibraState, table: str, identifier: Mapping[str, Any]) -> str:
    if "id" in identifier:
        return str(state.get(table, uuid_of("id", identifier["id"]))["id"])
    return str(state.by_name(table, identifier["name"])["id"])
