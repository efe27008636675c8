"""The gateway over the REST interfaces of Collibra: Data Product v1 and Core 2.0."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from typing import Any, Final
from urllib.parse import quote

from lakepact.collibra.client import CollibraClient, Upload
from lakepact.collibra.failures import is_missing, not_understood
from lakepact.collibra.gateway import GOVERNS, Value
from lakepact.collibra.importing import run_import
from lakepact.collibra.model import (
    Asset,
    ContractAsset,
    ImportedAsset,
    ImportProblem,
    ManifestUpload,
    ManifestVersion,
    Note,
    Relation,
)
from lakepact.collibra.paging import Params
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable, UsageError

__all__ = ["HttpGateway"]

_CONTRACTS: Final = "rest/dataProduct/v1/dataContracts"
_CORE: Final = "rest/2.0"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_ID: Final = 200
_LONGEST_VERSION: Final = 100
_ACTIVITIES: Final = 100
# After these it is not known whether a request was done: Collibra was away, or its answer was not readable.
_LOST: Final = ("LP902", "LP907")
_TAG: Final = re.compile(r"<[^>]*>")


class HttpGateway:
    """Speaks with the Collibra of `client`, see `CollibraGateway`.

    Ids of statuses, asset types and attribute types are asked for once. Of the two methods that sources name for
    setting the active version, the one that works is remembered; where neither does, the same bytes are sent again as
    active. An import is waited for `patience` seconds, with `pause`.
    """

    def __init__(
        self, client: CollibraClient, *, patience: float = 300.0, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._patience = patience
        self._pause = pause
        self._verbs = ["PUT", "PATCH"]
        self._status_ids: dict[str, str] = {}
        self._type_ids: dict[str, str] = {}
        self._attribute_ids: dict[str, str] = {}

    @property
    def address(self) -> str:
        """Which Collibra this is, without secrets."""
        return self._client.address

    def check(self) -> str:
        """The version of Collibra, after a request that needs a login."""
        self.statuses()
        with _understanding():
            info: Mapping[str, Any] = self._client.get(f"{_CORE}/application/info")
            version = info.get("version")
            return str(version.get("fullVersion", "") if isinstance(version, Mapping) else version or "")

    def contracts(self, *, manifest_id: str = "") -> tuple[ContractAsset, ...]:
        """The contracts that have that manifest id (empty: all)."""
        asked = {"manifestId": manifest_id} if manifest_id else {}
        with _understanding():
            found = tuple(_contract(each) for each in self._client.contract_items(_CONTRACTS, asked))
        # The filter is the server's; that it is an exact one is not certain.
        return tuple(each for each in found if each.manifest_id == manifest_id) if manifest_id else found

    def versions(self, contract: str) -> tuple[ManifestVersion, ...]:
        """The versions of a contract, in no certain order."""
        with _understanding():
            items = self._client.contract_items(f"{_CONTRACTS}/{_id(contract)}/versions")
            return tuple(_version(each) for each in items)

    def manifest(self, contract: str, version: str) -> bytes:
        """The bytes of a version as they were sent."""
        path = f"{_CONTRACTS}/{_id(contract)}/versions/manifest"
        return self._client.send("GET", path, params={"version": version}, repeatable=True).content

    def active_manifest(self, contract: str) -> bytes:
        """The bytes of the active version as they were sent."""
        path = f"{_CONTRACTS}/{_id(contract)}/activeVersion/manifest"
        return self._client.send("GET", path, repeatable=True).content

    def activities(self, asset: str, since: datetime) -> frozenset[str] | None:
        """The ids of what happened to an asset from a moment on; None where that is more than one page."""
        start = (since - _EPOCH) // timedelta(milliseconds=1)
        asked: Params = {"contextId": _id(asset), "startDate": start, "limit": _ACTIVITIES, "offset": 0}
        with _understanding():
            found = self._client.get(f"{_CORE}/activities", asked)["results"]
            return None if len(found) >= _ACTIVITIES else frozenset(str(each["id"]) for each in found)

    def initialise(self, port: str, upload: ManifestUpload) -> ContractAsset | None:
        """Make the contract of a port with its first version; an answer that was lost is looked up."""
        form = {"governedAssetId": _id(port), **_form(upload)} | ({"name": upload.name[:200]} if upload.name else {})
        try:
            answer = self._client.send("POST", _CONTRACTS, form=form, upload=_file(upload))
            with _understanding():
                return _contract({"manifestId": upload.manifest_id, "activeVersion": upload.version} | answer.json())
        except RemoteFailed as error:
            if error.code == "LP906" and (self._taken(port) or self.contracts(manifest_id=upload.manifest_id)):
                return None
            found = self._made(upload) if error.code in _LOST else None
            if found is None:
                raise
            return found

    def push(self, contract: str, upload: ManifestUpload, *, active: bool, force: bool) -> bool:
        """Add a version; an answer that was lost is looked up."""
        # Collibra takes a version that says nothing for the active one.
        form = _form(upload) | {"active": str(active).lower(), "force": str(force).lower()}
        path = f"{_CONTRACTS}/{_id(contract)}/versions"
        try:
            self._client.send("POST", path, form=form, upload=_file(upload), repeatable=force)
        except RemoteUnavailable:
            if self._content(contract, upload.version) != upload.content:
                raise
        except RemoteFailed as error:
            if error.code == "LP906" and not force and self._content(contract, upload.version) is not None:
                return False
            raise
        return True

    def activate(self, contract: str, version: str) -> None:
        """Make that version the active one, by the method that this Collibra takes."""
        path = f"{_CONTRACTS}/{_id(contract)}/activeVersion"
        for verb in tuple(self._verbs):
            try:
                self._client.send(verb, path, params={"version": version}, repeatable=True)
            except RemoteFailed as error:
                if error.facts.get("status") != 405:
                    raise
                self._verbs = [each for each in self._verbs if each != verb]
            else:
                self._verbs = [verb]
                return
        manifest_id = self._manifest_id(contract)
        again = ManifestUpload(manifest_id=manifest_id, version=version, content=self.manifest(contract, version))
        self.push(contract, again, active=True, force=True)

    def apply(self, contract: str) -> None:
        """Let Collibra write the active manifest into its graph."""
        self._client.send("POST", f"{_CONTRACTS}/{_id(contract)}/apply", repeatable=True)

    def asset(self, asset: str) -> Asset:
        """An asset with its status."""
        with _understanding():
            return _asset(self._client.get(f"{_CORE}/assets/{_id(asset)}"))

    def update_status(self, asset: str, status: str) -> None:
        """Give an asset the status of that name."""
        if status not in self._status_ids:
            self.statuses()
        found = self._status_ids.get(status)
        if found is None:
            known = ", ".join(sorted(self._status_ids))
            message = f"Collibra has no status '{status}'"
            raise ConfigurationError(message, "LP910", f"name one of {known} in the settings")
        self._client.send("PATCH", f"{_CORE}/assets/{_id(asset)}", json={"statusId": found}, repeatable=True)

    def statuses(self) -> tuple[str, ...]:
        """The names of all statuses that the tenant has."""
        with _understanding():
            for each in self._client.core_results_by_offset(f"{_CORE}/statuses"):
                self._status_ids[str(each["name"])] = _key(each["id"])
        return tuple(self._status_ids)

    def notes(self, asset: str) -> tuple[Note, ...]:
        """The comments at an asset, oldest first."""
        asked = {"baseResourceId": _id(asset), "sortOrder": "ASC"}
        with _understanding():
            found = [_note(each) for each in self._client.core_results_by_offset(f"{_CORE}/comments", asked)]
        return tuple(sorted(found, key=lambda note: note.created_on))

    def add_note(self, asset: str, text: str) -> Note:
        """Write a comment; an answer that was lost is looked up."""
        body = {"baseResource": {"id": _id(asset), "resourceType": "Asset"}, "content": escape(text)}
        try:
            answer = self._client.send("POST", f"{_CORE}/comments", json=body)
            with _understanding():
                return _note(answer.json())
        except RemoteFailed as error:
            if error.code not in _LOST:
                raise
            written = next((note for note in self.notes(asset) if note.text == text.strip()), None)
            if written is None:
                raise
            return written

    def attributes(self, asset: str) -> Mapping[str, tuple[Value, ...]]:
        """The values of the attributes of an asset, by the name of their type."""
        found: dict[str, tuple[Value, ...]] = {}
        with _understanding():
            for each in self._client.core_results(f"{_CORE}/attributes", {"assetId": _id(asset)}):
                name = str(each["type"]["name"])
                found[name] = (*found.get(name, ()), each["value"])
        return found

    def set_attribute(self, asset: str, name: str, value: Value) -> None:
        """Make that the only value of the attribute of that name."""
        body = {"typeId": self._attribute_id(name), "values": [value]}
        self._client.send("PUT", f"{_CORE}/assets/{_id(asset)}/attributes", json=body, repeatable=True)

    def assets(self, type_id: str, *, name: str = "") -> tuple[Asset, ...]:
        """The assets of a type (by public id) and its subtypes, whose name is or ends with `name` (empty: all)."""
        asked: dict[str, str | bool | list[str]] = {"typeIds": [self._type_id(type_id)], "typeInheritance": True}
        if name:
            asked |= {"name": name, "nameMatchMode": "END"}
        with _understanding():
            return tuple(_asset(each) for each in self._client.core_results(f"{_CORE}/assets", asked))

    def assets_in(self, domain: str, *, prefix: str) -> tuple[Asset, ...]:
        """The assets of a domain whose name starts with `prefix`."""
        asked = {"domainId": _id(domain), "name": prefix, "nameMatchMode": "START"}
        with _understanding():
            found = tuple(_asset(each) for each in self._client.core_results(f"{_CORE}/assets", asked))
        # Collibra looks at display names too, and takes capitals for small letters.
        return tuple(each for each in found if each.name.startswith(prefix))

    def import_assets(self, assets: Sequence[ImportedAsset]) -> tuple[ImportProblem, ...]:
        """Make those assets, or make them as they are said to be, in one job; what could not be done."""
        for each in assets:
            _id(each.domain_id)
        return run_import(self._client, assets, pause=self._pause, patience=self._patience) if assets else ()

    def relations(self, type_id: str, *, source: str = "", target: str = "") -> tuple[Relation, ...]:
        """The relations of a type from `source` or to `target`."""
        ends = {"sourceId": source, "targetId": target}
        asked = {"relationTypeId": _id(type_id)} | {key: _id(value) for key, value in ends.items() if value}
        with _understanding():
            return tuple(_relation(each) for each in self._client.core_results(f"{_CORE}/relations", asked))

    def mapped(self, system: str, entity: str) -> str | None:
        """The asset that an external system knows by that name; None where there is none."""
        path = f"{_CORE}/mappings/externalSystem/{quote(system, safe='')}/externalEntity/{quote(entity, safe='')}"
        try:
            found = self._client.get(path)
        except RemoteFailed as error:
            if is_missing(error):
                return None
            raise
        with _understanding():
            resource = found.get("mappedResource") or {"id": found.get("mappedResourceId")}
            return _key(resource["id"])

    def start_workflow(self, definition: str, asset: str, properties: Mapping[str, str]) -> None:
        """Start a workflow, such as a review, on an asset; an answer that was lost is looked up."""
        body = {
            "workflowDefinitionId": _id(definition),
            "businessItemIds": [_id(asset)],
            "businessItemType": "ASSET",
            "formProperties": dict(properties),
            "sendNotification": False,
        }
        before = self._started(definition, asset)
        try:
            self._client.send("POST", f"{_CORE}/workflowInstances", json=body)
        except RemoteFailed as error:
            if error.code not in _LOST or not self._started(definition, asset) - before:
                raise

    def _started(self, definition: str, asset: str) -> frozenset[str]:
        asked = {"workflowDefinitionId": _id(definition), "businessItemId": _id(asset)}
        with _understanding():
            found = self._client.core_results_by_offset(f"{_CORE}/workflowInstances", asked)
            return frozenset(str(each["id"]) for each in found)

    def _manifest_id(self, contract: str) -> str:
        with _understanding():
            return str(self._client.get(f"{_CONTRACTS}/{_id(contract)}")["manifestId"])

    def _made(self, upload: ManifestUpload) -> ContractAsset | None:
        """The contract whose making was not answered, if it was made."""
        found = self.contracts(manifest_id=upload.manifest_id)
        return next((each for each in found if self._content(each.id, upload.version) == upload.content), None)

    def _taken(self, port: str) -> bool:
        return bool(self.relations(GOVERNS, target=port))

    def _content(self, contract: str, version: str) -> bytes | None:
        try:
            return self.manifest(contract, version)
        except RemoteFailed as error:
            if is_missing(error):
                return None
            raise

    def _type_id(self, public_id: str) -> str:
        if public_id not in self._type_ids:
            with _understanding():
                found = self._client.get(f"{_CORE}/assetTypes/publicId/{quote(public_id, safe='')}")
                self._type_ids[public_id] = _key(found["id"])
        return self._type_ids[public_id]

    def _attribute_id(self, name: str) -> str:
        if name not in self._attribute_ids:
            try:
                found = self._client.get(f"{_CORE}/attributeTypes/name/{quote(name, safe='')}")
            except RemoteFailed as error:
                if not is_missing(error):
                    raise
                message = f"Collibra has no attribute type '{name}'"
                hint = "let an administrator make it and assign it to the asset type, or name another in the settings"
                raise ConfigurationError(message, "LP915", hint) from None
            with _understanding():
                self._attribute_ids[name] = _key(found["id"])
        return self._attribute_ids[name]


@contextmanager
def _understanding() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise not_understood(f"something that Collibra does not say ({type(error).__name__}: {error})") from error


def _id(text: object) -> str:
    """An id that can go into a path. Raises UsageError LP916 for anything else."""
    if isinstance(text, str) and _UUID.fullmatch(text):
        return text.lower()
    raise UsageError(f"{text!r} is no id of Collibra", "LP916", "give the UUID that the address of its page shows")


def _key(text: object) -> str:
    """An id that Collibra gave."""
    if isinstance(text, str) and _UUID.fullmatch(text):
        return text.lower()
    raise ValueError("an id that is no UUID")


def _form(upload: ManifestUpload) -> dict[str, str]:
    for what, text, longest in (
        ("id", upload.manifest_id, _LONGEST_ID),
        ("version", upload.version, _LONGEST_VERSION),
    ):
        if len(text) > longest:
            message = f"Collibra keeps no {what} of more than {longest} characters: {text[:40]}…"
            raise UsageError(message, "LP912", f"shorten the {what} of the contract")
    return {"manifestId": upload.manifest_id, "version": upload.version}


def _file(upload: ManifestUpload) -> Upload:
    return Upload(field="manifest", name="manifest.yaml", content=upload.content, kind="application/yaml")


def _moment(milliseconds: object) -> datetime:
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise TypeError("a time that is no number")
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _contract(data: Mapping[str, Any]) -> ContractAsset:
    return ContractAsset(
        id=_key(data["id"]),
        manifest_id=str(data["manifestId"]),
        name=str(data.get("name") or ""),
        domain=str(data.get("domainName") or ""),
        active_version=str(data.get("activeVersion") or ""),
    )


def _version(data: Mapping[str, Any]) -> ManifestVersion:
    return ManifestVersion(
        version=str(data["version"]),
        active=data["active"] is True,
        format=str(data.get("format") or ""),
        created_by=str(data.get("createdBy") or ""),
        created_on=_moment(data["createdOn"]),
        changed_by=str(data.get("lastModifiedBy") or data.get("createdBy") or ""),
        changed_on=_moment(data.get("lastModifiedOn", data["createdOn"])),
    )


def _asset(data: Mapping[str, Any]) -> Asset:
    def named(key: str) -> str:
        return str((data.get(key) or {}).get("name") or "")

    return Asset(
        id=_key(data["id"]),
        name=str(data.get("name") or ""),
        type=named("type"),
        domain_id=str((data.get("domain") or {}).get("id") or ""),
        domain=named("domain"),
        status=named("status"),
        changed_by=str(data.get("lastModifiedBy") or ""),
        changed_on=_moment(data.get("lastModifiedOn", 0)),
    )


def _note(data: Mapping[str, Any]) -> Note:
    return Note(
        id=_key(data["id"]),
        text=_plain(str(data.get("content") or "")),
        created_by=str(data.get("createdBy") or ""),
        created_on=_moment(data["createdOn"]),
    )


def _plain(html: str) -> str:
    """The text of a comment: Collibra keeps HTML, and may wrap it."""
    return unescape(_TAG.sub("", html)).strip()


def _relation(data: Mapping[str, Any]) -> Relation:
    return Relation(
        id=_key(data["id"]),
        type_id=str((data.get("type") or {}).get("id") or ""),
        source=_key(data["source"]["id"]),
        target=_key(data["target"]["id"]),
    )
