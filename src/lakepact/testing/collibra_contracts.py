"""The Data Product API of the Collibra double: data contracts and the versions of their manifests.

A version knows only whether it is active, at most one is, and the first one always is. A status belongs to the asset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakepact.testing import collibra_seed as seed
from lakepact.testing.collibra_errors import ApiError, bad_request, duplicate, not_found, too_long
from lakepact.testing.collibra_http import Call, Form, Pages, no_content, text_reply, uuid_of
from lakepact.testing.collibra_manifest import Manifest, document_of, read_manifest, sla_values, write_manifest
from lakepact.testing.collibra_state import CollibraState, Row
from lakepact.testing.loopback import Reply, json_reply

__all__ = ["DataContracts"]

_MANIFEST_ID, _VERSION, _NAME = 200, 100, 200
_VERSION_FIELDS = ("version", "active", "format", "createdBy", "createdOn", "lastModifiedBy", "lastModifiedOn")


@dataclass(frozen=True)
class _Addition:
    """A version to add, and how."""

    version: str
    force: bool
    active: bool


class DataContracts:
    """The endpoints below `/rest/dataProduct/v1/dataContracts`."""

    def __init__(self, state: CollibraState, pages: Pages) -> None:
        self._state = state
        self._pages = pages

    # --- contracts

    def find(self, call: Call) -> Reply:
        """The contracts, last modified first."""
        manifest_id, domain = call.one("manifestId"), call.one("domainId")
        if domain:
            domain = uuid_of("domainId", domain)
        found = [
            (self._modified(key), key)
            for key, row in self._state.tables["contracts"].items()
            if manifest_id in (None, "", row["manifestId"])
            and (not domain or self._state.tables["assets"][key]["domainId"] == domain)
        ]
        shown = [self._shown(key) for _, key in sorted(found, reverse=True)]
        if self._state.switches.lean_list:
            shown = [_lean(each) for each in shown]
        return json_reply(200, self._pages.items(call, shown))

    def get(self, call: Call, id: str) -> Reply:
        """One contract."""
        self._contract(id)
        return json_reply(200, self._shown(id))

    def create(self, call: Call) -> Reply:
        """Initialise the contract of a port; its manifest is generated where none is sent."""
        form = call.form()
        named = form.text("governedAssetId")
        if named is None:
            raise bad_request("missingField", "The field 'governedAssetId' is required.")
        port = self._state.get("assets", uuid_of("governedAssetId", named))
        if not self._state.is_a(port["typeId"], seed.PORT):
            raise bad_request("assetTypeNotAccepted", "A data contract governs a Data Product Port.")
        name = form.text("name", most=_NAME)
        content = form.files.get("manifest")
        manifest = read_manifest(content) if content is not None else Manifest("ODCS")
        manifest_id = _named(form, "manifestId", manifest.id, _MANIFEST_ID)
        version = _named(form, "version", manifest.version, _VERSION) or "0.0.1"
        self._check_manifest_id(manifest_id)
        domain = form.text("domainId")
        asset = self._governing(port, name or manifest_id, uuid_of("domainId", domain) if domain else None, call)
        self._start(asset, manifest_id or asset)
        if content is None:
            content = self._generated(asset, manifest_id or asset, version)
        self._write(asset, version, content, manifest.format, call.caller)
        self._activate(asset, version, call.caller)
        return json_reply(201, self._shown(asset) | {"manifestVersion": self._version(asset, version)})

    def push(self, call: Call) -> Reply:
        """Add a version to the contract that the manifest names; it becomes active unless `active` is `false`."""
        form = call.form()
        content, manifest = _content(form)
        manifest_id = _named(form, "manifestId", manifest.id, _MANIFEST_ID)
        if manifest_id is None:
            raise bad_request("missingManifestId", "The manifest has no id, so 'manifestId' is required.")
        addition = _addition(form, manifest)
        asset = self._by_manifest_id(manifest_id)
        if asset is None:
            if not self._state.switches.push_creates:
                raise not_found("dataContractNotFound", f"No data contract has the manifest id '{manifest_id}'.")
            asset = self._unlinked(manifest_id, call)
            self._start(asset, manifest_id)
        self._add(asset, addition, content, manifest, call.caller)
        return json_reply(201, _lean(self._shown(asset)))

    def add_version(self, call: Call, id: str) -> Reply:
        """Add a version to the contract that the path names."""
        row = self._contract(id)
        form = call.form()
        content, manifest = _content(form)
        given = _named(form, "manifestId", manifest.id, _MANIFEST_ID)
        if given not in (None, row["manifestId"]):
            message = f"The manifest has the id '{given}', the data contract '{row['manifestId']}'."
            raise bad_request("manifestIdMismatch", message)
        addition = _addition(form, manifest)
        self._add(id, addition, content, manifest, call.caller)
        return json_reply(201, self._shown(id) | {"manifestVersion": self._version(id, addition.version)})

    def delete(self, call: Call, id: str) -> Reply:
        """Remove every version; the asset stays unless `deleteAsset` is `true`."""
        self._contract(id)
        if call.flag("deleteAsset"):
            self._state.remove_asset(id, user=call.caller)
        else:
            del self._state.tables["contracts"][id]
            self._state.note(id, "ASSET", "DELETE", call.caller, {"manifest": "all versions"})
        return no_content()

    # --- versions

    def versions(self, call: Call, id: str) -> Reply:
        """The versions, the active one first, then the newest."""
        rows = self._contract(id)["versions"].values()
        shown = sorted(
            (self._version(id, row["version"]) for row in rows),
            key=lambda each: (not each["active"], -each["createdOn"]),
        )
        return json_reply(200, self._pages.items(call, shown))

    def delete_version(self, call: Call, id: str) -> Reply:
        """Remove one version, not the active one."""
        row = self._contract(id)
        version = self._stored(id, call.needed("version"))["version"]
        if row["active"] == version:
            raise bad_request("versionIsActive", f"The version '{version}' is active.")
        del row["versions"][version]
        self._state.note(id, "ASSET", "DELETE", call.caller, {"manifest": version})
        row["lastModifiedOn"] = self._state.now()
        return no_content()

    def manifest(self, call: Call, id: str) -> Reply:
        """The text of one version."""
        self._contract(id)
        return self._download(call, self._stored(id, call.needed("version")))

    def active_version(self, call: Call, id: str) -> Reply:
        """The active version."""
        return json_reply(200, self._version(id, self._active(id)["version"]))

    def active_manifest(self, call: Call, id: str) -> Reply:
        """The text of the active version."""
        return self._download(call, self._active(id))

    def set_active_version(self, call: Call, id: str) -> Reply:
        """Make another version the active one; by the method that the tenant takes."""
        allowed = {"BOTH": ("PUT", "PATCH"), "NONE": ()}.get(
            self._state.switches.active_version_verb, (self._state.switches.active_version_verb,)
        )
        if call.method not in allowed:
            headers = {"Allow": ", ".join(("GET", *allowed))}
            raise ApiError(405, "methodNotAllowed", f"{call.method} is not supported.", headers=headers)
        self._contract(id)
        version = self._stored(id, call.needed("version"))["version"]
        self._activate(id, version, call.caller)
        return json_reply(200, self._version(id, version))

    # --- the graph

    def draft_version(self, call: Call, id: str) -> Reply:
        """The active manifest, with the tables and SLA attributes that the graph has and it lacks."""
        active = self._active(id)
        base = document_of(self._state.manifests[active["sha256"]])
        if active["format"] != "ODCS" or not base:
            raise bad_request("formatNotSupported", "Only ODCS manifests can be merged with the graph.")
        names = {row["id"]: row["name"] for row in self._state.tables["attribute_types"].values()}
        present = {names[row["typeId"]]: row["value"] for row in self._state.attributes_of(id)}
        terms = {name: present[name] for name in seed.SLA_ATTRIBUTES.values() if name in present}
        stale = {name for name, value in sla_values(base).items() if terms.get(name) == value}
        sla = {name: value for name, value in terms.items() if name not in stale}
        return self._text(call, write_manifest(base, tables=self._tables(id), sla=sla))

    def apply(self, call: Call, id: str) -> Reply:
        """Write the active manifest into the graph: relations of the port to tables, SLA attributes."""
        active = self._active(id)
        if active["format"] != "ODCS":
            raise bad_request("formatNotSupported", "Only ODCS manifests can be applied to the graph.")
        document = document_of(self._state.manifests[active["sha256"]])
        for name, value in sla_values(document).items():
            kind = self._state.by_name("attribute_types", name)["id"]
            self._state.replace_attributes(id, kind, [value], user=call.caller)
        port = self._port(id)
        linked = {row["targetId"] for row in self._state.relations(seed.IMPLEMENTED_AS, source=port)} if port else set()
        for table in self._named_tables(document) - linked if port else ():
            self._state.add_relation(port, table, seed.IMPLEMENTED_AS, user=call.caller)
        return no_content()

    # --- inside

    def write_outside(self, id: str, version: str, content: bytes, *, user: str) -> None:
        """Store a version as a steward in the application does, whatever it contains."""
        self._contract(id)
        self._write(id, version, content, read_manifest(content).format, user)

    def make_outside(self, id: str, content: bytes, *, user: str) -> str:
        """Give a contract asset its first version, as a steward in the application does; returns its id."""
        manifest = read_manifest(content)
        self._check_manifest_id(manifest.id)
        self._start(id, manifest.id or id)
        version = manifest.version or "0.0.1"
        self._write(id, version, content, manifest.format, user)
        self._activate(id, version, user)
        return id

    def touched(self, id: str) -> None:
        """Note that the status of the asset changed."""
        row = self._state.tables["contracts"].get(id)
        if row is not None and self._state.switches.status_moves_contract:
            row["lastModifiedOn"] = self._state.now()

    def _contract(self, id: str) -> Row:
        row = self._state.tables["contracts"].get(id)
        if row is None:
            raise not_found("dataContractNotFound", f"No data contract has the id {id}.")
        return row

    def _stored(self, id: str, version: str) -> Row:
        found: Row | None = self._contract(id)["versions"].get(version)
        if found is None:
            raise not_found("manifestVersionNotFound", f"The data contract has no version '{version}'.")
        return found

    def _active(self, id: str) -> Row:
        return self._stored(id, self._contract(id)["active"])

    def _version(self, id: str, version: str) -> dict[str, Any]:
        row = self._stored(id, version) | {"active": self._contract(id)["active"] == version}
        return {name: row[name] for name in _VERSION_FIELDS}

    def _shown(self, id: str) -> dict[str, Any]:
        row, asset = self._contract(id), self._state.get("assets", id)
        return {
            "id": id,
            "name": asset["name"],
            "manifestId": row["manifestId"],
            "domainId": asset["domainId"],
            "domainName": self._state.get("domains", asset["domainId"])["name"],
            "activeVersion": row["active"],
        }

    def _modified(self, id: str) -> int:
        return int(self._contract(id)["lastModifiedOn"])

    def _by_manifest_id(self, manifest_id: str | None) -> str | None:
        rows = self._state.tables["contracts"].items()
        return next((key for key, row in rows if row["manifestId"] == manifest_id), None)

    def _check_manifest_id(self, manifest_id: str | None) -> None:
        if self._by_manifest_id(manifest_id) is not None:
            status = self._state.switches.duplicate_status
            raise duplicate(status, "manifestIdExists", f"A data contract has the manifest id '{manifest_id}' already.")

    def _governing(self, port: Row, name: str | None, domain: str | None, call: Call) -> str:
        """The contract asset of the port, that has no manifest yet; it is made where there is none."""
        present = next(self._state.relations(seed.GOVERNS, target=port["id"]), None)
        if present is not None:
            if present["sourceId"] in self._state.tables["contracts"]:
                status = self._state.switches.duplicate_status
                raise duplicate(status, "portHasContract", "A data contract governs the port already.")
            return str(present["sourceId"])
        given = {"name": name or f"{port['name']} contract", "typeId": seed.CONTRACT}
        asset = self._state.add_asset(given | {"domainId": domain or port["domainId"]}, user=call.caller)
        self._state.add_relation(asset["id"], port["id"], seed.GOVERNS, user=call.caller)
        return str(asset["id"])

    def _unlinked(self, name: str, call: Call) -> str:
        domain = self._state.by_name("domains", "Data Products")["id"]
        given = {"name": name, "typeId": seed.CONTRACT, "domainId": domain}
        return str(self._state.add_asset(given, user=call.caller)["id"])

    def _start(self, asset: str, manifest_id: str) -> None:
        empty: Row = {"id": asset, "manifestId": manifest_id, "active": None, "versions": {}}
        self._state.put("contracts", empty | {"lastModifiedOn": self._state.now()})

    def _add(self, asset: str, addition: _Addition, content: bytes, manifest: Manifest, user: str) -> None:
        row, version = self._contract(asset), addition.version
        if version in row["versions"] and not addition.force:
            status = self._state.switches.duplicate_status
            raise duplicate(status, "manifestVersionExists", f"The version '{version}' exists already.")
        self._write(asset, version, content, manifest.format, user)
        if addition.active or row["active"] is None:
            self._activate(asset, version, user)

    def _write(self, asset: str, version: str, content: bytes, format: str, user: str) -> None:
        row, now = self._contract(asset), self._state.now()
        before = row["versions"].get(version, {"createdBy": user, "createdOn": now})
        row["versions"][version] = {
            "version": version,
            "format": format,
            "createdBy": before["createdBy"],
            "createdOn": before["createdOn"],
            "lastModifiedBy": user,
            "lastModifiedOn": now,
            "sha256": self._state.keep_manifest(content),
        }
        row["lastModifiedOn"] = now
        kind = "UPDATE" if "sha256" in before else "ADD"
        digest = row["versions"][version]["sha256"]
        self._state.note(asset, "MANIFEST", kind, user, {"version": version, "sha256": digest})

    def _activate(self, asset: str, version: str, user: str) -> None:
        row = self._contract(asset)
        if row["active"] == version:
            return
        row["active"] = version
        row["lastModifiedOn"] = self._state.now()
        for name, value in (("Version", version), ("Manifest ID", row["manifestId"])):
            kind = self._state.by_name("attribute_types", name)["id"]
            self._state.replace_attributes(asset, kind, [value], user=user)

    def _port(self, asset: str) -> str:
        return next((str(row["targetId"]) for row in self._state.relations(seed.GOVERNS, source=asset)), "")

    def _tables(self, asset: str) -> Mapping[str, list[str]]:
        """The columns of the tables that implement the port, by the name of the table."""
        port = self._port(asset)
        linked = self._state.relations(seed.IMPLEMENTED_AS, source=port) if port else ()
        assets = self._state.tables["assets"]
        return {
            assets[row["targetId"]]["name"]: [
                assets[each["sourceId"]]["displayName"]
                for each in self._state.relations(seed.fixed("007042"), target=row["targetId"])
            ]
            for row in linked
        }

    def _named_tables(self, document: Mapping[str, Any]) -> set[str]:
        listed = document.get("schema")
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        wanted = {str(entry.get("physicalName") or entry.get("name")) for entry in entries}
        tables = (row for row in self._state.tables["assets"].values() if row["typeId"] == seed.fixed("031007"))
        return {row["id"] for row in tables if {row["name"], row["displayName"]} & wanted}

    def _generated(self, asset: str, manifest_id: str, version: str) -> bytes:
        base = {"apiVersion": "v3.0.2", "kind": "DataContract", "id": manifest_id, "version": version}
        name = self._state.get("assets", asset)["name"]
        return write_manifest(base | {"name": name, "status": "draft"}, tables=self._tables(asset))

    def _download(self, call: Call, row: Row) -> Reply:
        return self._text(call, self._state.manifests[row["sha256"]])

    def _text(self, call: Call, content: bytes) -> Reply:
        kind = self._state.switches.manifest_content_type
        media = kind.partition(";")[0].strip()
        accepted = [each.partition(";")[0].strip() for each in call.headers.get("accept", "*/*").split(",")]
        if not {"*/*", media, f"{media.partition('/')[0]}/*"} & set(accepted):
            raise ApiError(406, "notAcceptable", f"A manifest is {media}.")
        return text_reply(content, kind)


def _addition(form: Form, manifest: Manifest) -> _Addition:
    version = _named(form, "version", manifest.version, _VERSION)
    if version is None:
        raise bad_request("missingVersion", "The manifest has no version, so 'version' is required.")
    return _Addition(version, form.flag("force", default=False), form.flag("active", default=True))


def _content(form: Form) -> tuple[bytes, Manifest]:
    content = form.files.get("manifest")
    if content is None:
        raise bad_request("missingManifest", "The part 'manifest' is required, with a file name.")
    return content, read_manifest(content)


def _named(form: Form, field: str, read: str | None, most: int) -> str | None:
    """What the form says, else what the manifest says."""
    value = form.text(field, most=most) or read
    if value is not None and len(value) > most:
        raise too_long(field, most)
    return value


def _lean(contract: Mapping[str, Any]) -> dict[str, Any]:
    return {name: contract[name] for name in ("id", "domainId", "manifestId")}
