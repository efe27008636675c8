"""What the Collibra double knows: assets, statuses, attributes, relations, contracts with their versions, activities.

The state is plain JSON values in tables by id, so it can be saved to a folder and loaded again. Rules that hold
whoever writes (a request, an import job, a test) are here: names, types and domains that fit, the direction of
relations, the kind of values. Every change leaves an activity.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from lakepact.atomic_files import replace_file
from lakepact.testing import collibra_seed as seed
from lakepact.testing.collibra_errors import bad_request, not_found
from lakepact.testing.collibra_switches import Switches

__all__ = ["CollibraState", "Row"]

Row = dict[str, Any]

_TABLES = (
    "communities",
    "domains",
    "asset_types",
    "relation_types",
    "attribute_types",
    "statuses",
    "assets",
    "attributes",
    "relations",
    "comments",
    "mappings",
    "contracts",
    "jobs",
    "workflows",
    "instances",
)
_WORDS = {"assets": "asset", "domains": "domain", "statuses": "status", "attributes": "attribute"}
_WORDS |= {"relations": "relation", "asset_types": "assetType", "relation_types": "relationType"}
_WORDS |= {"attribute_types": "attributeType", "jobs": "job", "workflows": "workflowDefinition"}
_WORDS |= {"instances": "workflowInstance", "communities": "community", "comments": "comment"}
_RESERVED = "00000000-0000-0000-"


class CollibraState:
    """The tables; `clock` gives seconds since 1970, every change gets a later millisecond than the one before."""

    def __init__(self, clock: Callable[[], float], switches: Switches) -> None:
        """A tenant with the types and statuses out of the box, one community and three domains."""
        self.clock = clock
        self.switches = switches
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in _TABLES}
        self.activities: list[Row] = []
        self.manifests: dict[str, bytes] = {}
        self.status_changed: list[Callable[[Row], None]] = []
        self._made = 0
        self._latest = 0
        self.tables["statuses"] = seed.statuses()
        self.tables["asset_types"] = seed.asset_types()
        self.tables["relation_types"] = seed.relation_types()
        self.tables["attribute_types"] = seed.attribute_types()
        community = self.put("communities", {"name": "Lakehouse"})["id"]
        self.put("domains", {"name": "Data Products", "type": "Data Product Catalog", "community": community})
        self.put("domains", {"name": "Tables", "type": "Physical Data Dictionary", "community": community})
        self.put("domains", {"name": "Quality", "type": "Rulebook", "community": community})

    # --- tables

    def new_id(self) -> str:
        """An id nothing has; the same ones in the same order in every run."""
        self._made += 1
        return str(uuid5(NAMESPACE_OID, f"collibra-double/{self._made}"))

    def now(self) -> int:
        """Milliseconds since 1970, never the same twice."""
        self._latest = max(self._latest + 1, int(self.clock() * 1000))
        return self._latest

    def put(self, table: str, row: Mapping[str, Any]) -> Row:
        """Store `row`, under a new id if it has none."""
        stored = {"id": row.get("id") or self.new_id(), **row}
        self.tables[table][stored["id"]] = stored
        return stored

    def get(self, table: str, key: str) -> Row:
        """The row with that id; 404 without one."""
        found = self.tables[table].get(key)
        if found is None:
            raise not_found(f"{_WORDS[table]}NotFound", f"No {_WORDS[table]} has the id {key}.")
        return found

    def by_name(self, table: str, name: str) -> Row:
        """The only row with that name; 404 without one."""
        found = [row for row in self.tables[table].values() if row["name"] == name]
        if len(found) != 1:
            raise not_found(f"{_WORDS[table]}NotFound", f"{len(found) or 'No'} {_WORDS[table]} has the name '{name}'.")
        return found[0]

    def is_a(self, type_id: str, ancestor: str) -> bool:
        """Whether the asset type is `ancestor` or inherits from it."""
        found: str | None = type_id
        while found is not None and found != ancestor:
            found = self.tables["asset_types"][found]["parent"]
        return found is not None

    # --- assets

    def add_asset(self, given: Mapping[str, Any], *, user: str) -> Row:
        """A new asset from `name`, `typeId`, `domainId`, maybe `displayName`, `statusId` and `id`."""
        key = given.get("id")
        if key and (key.startswith(_RESERVED) or key in self.tables["assets"]):
            code = "reservedId" if key.startswith(_RESERVED) else "assetIdExists"
            raise bad_request(code, f"An asset cannot get the id {key}.")
        now = self.now()
        row = {
            "id": key or self.new_id(),
            "name": given["name"],
            "displayName": given.get("displayName") or given["name"],
            "typeId": given["typeId"],
            "domainId": given["domainId"],
            "statusId": given.get("statusId") or seed.INITIAL_STATUS,
            "tags": [],
            "createdBy": user,
            "createdOn": now,
            "lastModifiedBy": user,
            "lastModifiedOn": now,
        }
        self._check_asset(row)
        self.put("assets", row)
        self.note(row["id"], "ASSET", "ADD", user, {"name": row["name"]})
        return row

    def change_asset(self, key: str, changes: Mapping[str, Any], *, user: str) -> Row:
        """Set fields of an asset; a new status is told to `status_changed`."""
        row = self.get("assets", key)
        changed = {name: value for name, value in changes.items() if row.get(name) != value}
        if not changed:
            return row
        old = dict(row)
        self._check_asset(row | changed)
        row.update(changed)
        self.touch(row, user)
        for name, value in changed.items():
            category = {"statusId": "STATUS", "tags": "TAG"}.get(name, "ASSET")
            self.note(key, category, "UPDATE", user, {"field": name, "oldValue": old[name], "newValue": value})
        if "statusId" in changed:
            self._tell(row, old["statusId"])
        return row

    def remove_asset(self, key: str, *, user: str) -> None:
        """Remove an asset with its attributes, relations, mappings and its contract."""
        row = self.get("assets", key)
        self._drop("attributes", lambda each: each["assetId"] == key)
        self._drop("relations", lambda each: key in (each["sourceId"], each["targetId"]))
        self._drop("mappings", lambda each: each["mappedResourceId"] == key)
        self._drop("comments", lambda each: each["resourceId"] == key)
        self.tables["contracts"].pop(key, None)
        del self.tables["assets"][key]
        self.note(key, "ASSET", "DELETE", user, {"name": row["name"]})

    def status_name(self, key: str) -> str:
        """The name of the status that the asset has."""
        return str(self.tables["statuses"][self.get("assets", key)["statusId"]]["name"])

    def _tell(self, row: Row, old_status: str) -> None:
        contract = self.tables["contracts"].get(row["id"], {})
        event = {
            "assetId": row["id"],
            "assetType": self.tables["asset_types"][row["typeId"]]["name"],
            "previousStatus": self.tables["statuses"][old_status]["name"],
            "status": self.status_name(row["id"]),
            "manifestId": contract.get("manifestId"),
            "version": contract.get("active"),
            "timestamp": row["lastModifiedOn"],
        }
        for listener in self.status_changed:
            listener(event)

    def touch(self, row: Row, user: str) -> None:
        """Note who changed the row last, and when."""
        row["lastModifiedBy"], row["lastModifiedOn"] = user, self.now()

    def note(self, context: str, category: str, kind: str, user: str, described: Mapping[str, Any]) -> None:
        """Write an activity; what happened is JSON in a string, as the API has it."""
        self.activities.append(
            {
                "id": self.new_id(),
                "timestamp": self.now(),
                "user": {"id": user, "resourceType": "User"},
                "activityType": kind,
                "category": category,
                "context": {"id": context, "resourceType": "Asset"},
                "description": json.dumps(described, sort_keys=True),
            }
        )

    def _check_asset(self, row: Row) -> None:
        kind, domain = self.get("asset_types", row["typeId"]), self.get("domains", row["domainId"])
        self.get("statuses", row["statusId"])
        for accepting, types in seed.accepted_types().items():
            fits = any(self.is_a(kind["id"], each) for each in types)
            if fits != (domain["type"] == accepting):
                message = f"A domain of the type '{domain['type']}' does not accept the asset type '{kind['name']}'."
                raise bad_request("assetTypeNotAccepted", message)
        if self.switches.unique_names and any(
            each["name"] == row["name"] and each["domainId"] == row["domainId"] and each["id"] != row["id"]
            for each in self.tables["assets"].values()
        ):
            raise bad_request("assetNameExists", f"The domain has an asset named '{row['name']}' already.")

    # --- attributes and relations

    def attributes_of(self, asset: str, type_id: str = "") -> Iterator[Row]:
        """The attributes of an asset, of one type if that is given, oldest first."""
        rows = self.tables["attributes"].values()
        return (row for row in rows if row["assetId"] == asset and type_id in ("", row["typeId"]))

    def add_attribute(self, asset: str, type_id: str, value: Any, *, user: str) -> Row:
        """A new attribute; 400 for a value that is not of the kind of its type."""
        self.get("assets", asset)
        now = self.now()
        row = {"assetId": asset, "typeId": type_id, "value": self.checked_value(type_id, value)}
        row |= {"createdBy": user, "createdOn": now, "lastModifiedBy": user, "lastModifiedOn": now}
        self._note_attribute(row, "ADD", user)
        return self.put("attributes", row)

    def change_attribute(self, key: str, value: Any, *, user: str) -> Row:
        """Give an attribute another value."""
        row = self.get("attributes", key)
        checked = self.checked_value(row["typeId"], value)
        if checked != row["value"]:
            row["value"] = checked
            self.touch(row, user)
            self._note_attribute(row, "UPDATE", user)
        return row

    def remove_attribute(self, key: str, *, user: str) -> None:
        """Remove an attribute."""
        self._note_attribute(self.get("attributes", key), "DELETE", user)
        del self.tables["attributes"][key]

    def replace_attributes(self, asset: str, type_id: str, values: Sequence[Any], *, user: str) -> list[Row]:
        """Make `values` the attributes of that type; where they are already, nothing changes."""
        wanted = [self.checked_value(type_id, value) for value in values]
        present = list(self.attributes_of(asset, type_id))
        if [row["value"] for row in present] == wanted:
            return present
        for row in present:
            self.remove_attribute(row["id"], user=user)
        return [self.add_attribute(asset, type_id, value, user=user) for value in wanted]

    def checked_value(self, type_id: str, value: Any) -> Any:
        """`value` as the type stores it."""
        kind = self.get("attribute_types", type_id)
        checked = _value(kind["kind"], value)
        allowed = kind.get("allowedValues")
        several = checked if isinstance(checked, list) else [checked]
        if checked is None or (allowed and not set(several) <= set(allowed)):
            raise bad_request("invalidValue", f"The attribute '{kind['name']}' cannot have the value {value!r}.")
        return checked

    def add_relation(self, source: str, target: str, type_id: str, *, user: str) -> Row:
        """A new relation; 400 in the wrong direction, for one that exists, or for a second contract of a port."""
        kind = self.get("relation_types", type_id)
        for end, key in (("sourceType", source), ("targetType", target)):
            if not self.is_a(self.get("assets", key)["typeId"], kind[end]):
                wanted = self.tables["asset_types"][kind[end]]["name"]
                raise bad_request("relationTypeMismatch", f"The {end[:6]} of the relation must be a {wanted}.")
        present = list(self.relations(type_id, target=target))
        if any(each["sourceId"] == source for each in present):
            raise bad_request("relationExists", "The relation exists already.")
        if type_id == seed.GOVERNS and present:
            raise bad_request("portHasContract", "Another data contract governs the port.")
        now = self.now()
        row: Row = {"sourceId": source, "targetId": target, "typeId": type_id}
        row |= {"createdBy": user, "createdOn": now, "lastModifiedBy": user, "lastModifiedOn": now}
        self.note(source, "RELATION", "ADD", user, {"relationType": kind["role"], "target": target})
        return self.put("relations", row)

    def relations(self, type_id: str = "", *, source: str = "", target: str = "") -> Iterator[Row]:
        """The relations of a type, from `source`, to `target`; an empty text stands for any."""
        return (
            row
            for row in self.tables["relations"].values()
            if type_id in ("", row["typeId"]) and source in ("", row["sourceId"]) and target in ("", row["targetId"])
        )

    def _note_attribute(self, row: Row, kind: str, user: str) -> None:
        name = self.tables["attribute_types"][row["typeId"]]["name"]
        self.note(row["assetId"], "ATTRIBUTE", kind, user, {"attributeType": name, "value": row["value"]})

    def _drop(self, table: str, matches: Callable[[Row], bool]) -> None:
        self.tables[table] = {key: row for key, row in self.tables[table].items() if not matches(row)}

    # --- manifests and folders

    def keep_manifest(self, content: bytes) -> str:
        """Store a manifest, byte by byte; returns the SHA-256 under which `manifests` has it."""
        digest = hashlib.sha256(content).hexdigest()
        self.manifests[digest] = content
        return digest

    def save(self, folder: Path) -> None:
        """Write everything to `folder`, so that `load` gives it back."""
        files = folder / "manifests"
        files.mkdir(parents=True, exist_ok=True)
        for digest, content in self.manifests.items():
            if not (files / digest).exists():
                (files / digest).write_bytes(content)
        saved = {"made": self._made, "latest": self._latest, "tables": self.tables, "activities": self.activities}
        replace_file(folder / "state.json", json.dumps(saved, ensure_ascii=False).encode())

    def load(self, folder: Path) -> bool:
        """Take everything from `folder`; False, and no change, where nothing was saved."""
        if not (folder / "state.json").exists():
            return False
        saved = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        self._made, self._latest = saved["made"], saved["latest"]
        self.tables, self.activities = saved["tables"], saved["activities"]
        self.manifests = {file.name: file.read_bytes() for file in (folder / "manifests").iterdir()}
        return True


def _value(kind: str, value: Any) -> Any:
    """The value as it is stored, None where it does not fit the kind."""
    if kind == "BOOLEAN":
        return {"true": True, "false": False}.get(str(value).lower())
    if kind in ("NUMERIC", "DATE"):
        try:
            number = None if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            return None
        if number is None or not math.isfinite(number):
            return None
        return int(number) if number.is_integer() else number
    if kind == "MULTI_VALUE_LIST":
        return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None
    return value if isinstance(value, str) else None
