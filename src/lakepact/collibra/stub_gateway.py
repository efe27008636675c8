"""A gateway without Collibra: in memory, or in a folder, for tests and for places that have no tenant."""

from __future__ import annotations

import copy
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

from lakepact.atomic_files import replace_file
from lakepact.collibra.gateway import CONTRACT_TYPE, EXPOSES_AS, GOVERNS, IMPLEMENTED_AS, PORT_TYPE, TABLE_TYPE, Value
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
from lakepact.collibra.sla import sla_attributes
from lakepact.contract import load_contract
from lakepact.errors import ConfigurationError, RemoteFailed, UsageError
from lakepact.store.encoding import sha256_of

__all__ = ["StubGateway"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_STATUSES: Final = ("Candidate", "Under Review", "Accepted", "Rejected", "Obsolete", "Archived")
_METRIC_ATTRIBUTES: Final = (
    "Passing Fraction",
    "Threshold",
    "Rows Passed",
    "Rows Failed",
    "Loaded Rows",
    "Result",
)
_LONGEST: Final = {"id": 200, "version": 100}


class StubGateway:
    """Does what Collibra does, as far as `CollibraGateway` goes; a folder keeps it for the next process.

    The first version of a contract is active at once, a port has one contract, a version has no status, and a new asset
    is a candidate. Several processes may read one folder, one at a time may write. `user` is who writes.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        user: str = "stub",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._user = user
        self._clock = clock
        self._lock = threading.RLock()
        self._manifests: dict[str, bytes] = {}
        self._state: dict[str, Any] = {
            "assets": {},
            "contracts": {},
            "notes": [],
            "attributes": {},
            "relations": [],
            "mappings": [],
            "workflows": [],
            "statuses": list(_STATUSES),
            "attribute_types": ["Description", "Definition", *_METRIC_ATTRIBUTES],
            "domains": {},
            "latest": 0,
        }

    @property
    def address(self) -> str:
        """Which stub this is."""
        return "stub" if self._folder is None else f"stub:{self._folder}"

    def as_user(self, user: str) -> Self:
        """The same Collibra, written to by somebody else."""
        other = copy.copy(self)
        other._user = user
        return other

    # --- what an administrator does in Collibra

    def add_port(self, name: str, *, tables: tuple[str, ...] = ()) -> str:
        """A new port that is implemented as those tables; its id."""
        with self._writing():
            port = self._add_asset(name, PORT_TYPE)
            for table in tables:
                self._relate(IMPLEMENTED_AS, port, table)
            return port

    def add_product(self, name: str, *, ports: tuple[str, ...] = ()) -> str:
        """A new data product that exposes its data as those ports; its id."""
        with self._writing():
            product = self._add_asset(name, "DataProduct")
            for port in ports:
                self._relate(EXPOSES_AS, product, port)
            return product

    def add_table(self, name: str) -> str:
        """A new table; its id."""
        with self._writing():
            return self._add_asset(name, TABLE_TYPE)

    def add_domain(self, name: str) -> str:
        """A new domain, such as a rulebook; its id."""
        with self._writing() as state:
            key = str(uuid4())
            state.setdefault("domains", {})[key] = name
            return key

    def add_status(self, name: str) -> None:
        """A status that only this tenant has."""
        with self._writing() as state:
            state["statuses"].append(name)

    def add_attribute_type(self, name: str) -> None:
        """An attribute type that only this tenant has."""
        with self._writing() as state:
            state["attribute_types"].append(name)

    def add_mapping(self, system: str, entity: str, asset: str) -> None:
        """The name that an external system has for an asset."""
        with self._writing() as state:
            state["mappings"].append({"system": system, "entity": entity, "asset": asset})

    def edit_manifest(self, contract: str, version: str, content: bytes) -> None:
        """Change a version as a steward does who edits past every client."""
        with self._writing():
            self._write(self._contract(contract), version, content, user="steward")

    # --- CollibraGateway

    def check(self) -> str:
        """The version of the stub."""
        return "stub"

    def contracts(self, *, manifest_id: str = "") -> tuple[ContractAsset, ...]:
        """The contracts that have that manifest id (empty: all)."""
        with self._reading() as state:
            found = [(key, row) for key, row in state["contracts"].items()]
            return tuple(
                ContractAsset(
                    id=key,
                    manifest_id=row["manifest_id"],
                    name=state["assets"][key]["name"],
                    domain="stub",
                    active_version=row["active"],
                )
                for key, row in found
                if manifest_id in ("", row["manifest_id"])
            )

    def versions(self, contract: str) -> tuple[ManifestVersion, ...]:
        """The versions of a contract, in no certain order."""
        with self._reading():
            row = self._contract(contract)
            return tuple(
                ManifestVersion(
                    version=version,
                    active=version == row["active"],
                    format="ODCS",
                    created_by=each["created_by"],
                    created_on=_moment(each["created_on"]),
                    changed_by=each["changed_by"],
                    changed_on=_moment(each["changed_on"]),
                )
                for version, each in row["versions"].items()
            )

    def manifest(self, contract: str, version: str) -> bytes:
        """The bytes of a version as they were sent."""
        with self._reading():
            found = self._contract(contract)["versions"].get(version)
            if found is None:
                raise _missing(f"version {version}")
            return self._bytes(found["sha256"])

    def active_manifest(self, contract: str) -> bytes:
        """The bytes of the active version as they were sent."""
        with self._reading():
            row = self._contract(contract)
            return self._bytes(row["versions"][row["active"]]["sha256"])

    def activities(self, asset: str, since: datetime) -> frozenset[str] | None:
        """What happened to an asset from a moment on, each under its time."""
        with self._reading() as state:
            versions = state["contracts"].get(_id(asset), {"versions": {}})
            times = [self._row(asset)["changed_on"], versions.get("activated_on", 0)]
            times += [each["created_on"] for each in state["notes"] if each["asset"] == _id(asset)]
            times += [each["changed_on"] for each in versions["versions"].values()]
            return frozenset(str(each) for each in times if _moment(each) >= since)

    def initialise(self, port: str, upload: ManifestUpload) -> ContractAsset | None:
        """Make the contract of a port with its first version, which is active at once; None where it has one."""
        _refuse_long(upload)
        with self._writing() as state:
            self._row(port)
            governing = [row["source"] for row in state["relations"] if (row["type"], row["target"]) == (GOVERNS, port)]
            if governing or any(row["manifest_id"] == upload.manifest_id for row in state["contracts"].values()):
                return None
            asset = self._add_asset(upload.name or upload.manifest_id, CONTRACT_TYPE)
            self._relate(GOVERNS, asset, port)
            row = {"manifest_id": upload.manifest_id, "active": upload.version, "versions": {}}
            state["contracts"][asset] = row
            self._write(row, upload.version, upload.content, user=self._user)
        return self.contracts(manifest_id=upload.manifest_id)[0]

    def push(self, contract: str, upload: ManifestUpload, *, active: bool, force: bool) -> bool:
        """Add a version; False where the number is taken and `force` is not given."""
        _refuse_long(upload)
        with self._writing():
            row = self._contract(contract)
            if upload.version in row["versions"] and not force:
                return False
            self._write(row, upload.version, upload.content, user=self._user)
            if active:
                row |= {"active": upload.version, "activated_on": self._now()}
            return True

    def activate(self, contract: str, version: str) -> None:
        """Make that version the active one."""
        with self._writing():
            row = self._contract(contract)
            if version not in row["versions"]:
                raise _missing(f"version {version}")
            row |= {"active": version, "activated_on": self._now()}

    def apply(self, contract: str) -> None:
        """Show the service levels of the active manifest as attributes."""
        with self._writing() as state:
            row = self._contract(contract)
            active = load_contract(self._bytes(row["versions"][row["active"]]["sha256"]))
            state["attributes"].setdefault(_id(contract), {}).update(sla_attributes(active))

    def asset(self, asset: str) -> Asset:
        """An asset with its status."""
        with self._reading():
            return self._asset(asset)

    def update_status(self, asset: str, status: str) -> None:
        """Give an asset the status of that name."""
        with self._writing() as state:
            if status not in state["statuses"]:
                message = f"Collibra has no status '{status}'"
                known = ", ".join(sorted(state["statuses"]))
                raise ConfigurationError(message, "LP910", f"name one of {known} in the settings")
            row = self._row(asset)
            if row["status"] != status:
                row |= {"status": status, "changed_on": self._now(), "changed_by": self._user}

    def statuses(self) -> tuple[str, ...]:
        """The names of all statuses."""
        with self._reading() as state:
            return tuple(state["statuses"])

    def notes(self, asset: str) -> tuple[Note, ...]:
        """The comments at an asset, oldest first."""
        with self._reading() as state:
            return tuple(_note(each) for each in state["notes"] if each["asset"] == _id(asset))

    def add_note(self, asset: str, text: str) -> Note:
        """Write a comment."""
        with self._writing() as state:
            self._row(asset)
            note = {"id": str(uuid4()), "asset": _id(asset), "text": text.strip()}
            state["notes"].append(note | {"created_by": self._user, "created_on": self._now()})
            return _note(state["notes"][-1])

    def attributes(self, asset: str) -> Mapping[str, tuple[Value, ...]]:
        """The values of the attributes of an asset, by the name of their type."""
        with self._reading() as state:
            return {name: (value,) for name, value in state["attributes"].get(_id(asset), {}).items()}

    def set_attribute(self, asset: str, name: str, value: Value) -> None:
        """Make that the only value of the attribute of that name."""
        with self._writing() as state:
            self._row(asset)
            if name not in state["attribute_types"]:
                hint = "let an administrator make it and assign it to the asset type, or name another in the settings"
                raise ConfigurationError(f"Collibra has no attribute type '{name}'", "LP915", hint)
            state["attributes"].setdefault(_id(asset), {})[name] = value

    def assets(self, type_id: str, *, name: str = "") -> tuple[Asset, ...]:
        """The assets of a type (by public id), whose name is or ends with `name` (empty: all)."""
        with self._reading() as state:
            return tuple(
                self._asset(key)
                for key, row in state["assets"].items()
                if row["type"] == type_id and row["name"].casefold().endswith(name.casefold())
            )

    def assets_in(self, domain: str, *, prefix: str) -> tuple[Asset, ...]:
        """The assets of a domain whose name starts with `prefix`."""
        with self._reading() as state:
            return tuple(
                self._asset(key)
                for key, row in state["assets"].items()
                if row.get("domain") == _id(domain) and row["name"].startswith(prefix)
            )

    def import_assets(self, assets: Sequence[ImportedAsset]) -> tuple[ImportProblem, ...]:
        """Make those assets, or make them as they are said to be; what could not be done."""
        with self._writing() as state:
            said = ((each, self._imported(state, each)) for each in assets)
            return tuple(ImportProblem(name=each.name, why=why) for each, why in said if why)

    def relations(self, type_id: str, *, source: str = "", target: str = "") -> tuple[Relation, ...]:
        """The relations of a type from `source` or to `target`."""
        with self._reading() as state:
            return tuple(
                Relation(id=row["id"], type_id=row["type"], source=row["source"], target=row["target"])
                for row in state["relations"]
                if row["type"] == type_id and source in ("", row["source"]) and target in ("", row["target"])
            )

    def mapped(self, system: str, entity: str) -> str | None:
        """The asset that an external system knows by that name; None where there is none."""
        with self._reading() as state:
            rows = (row for row in state["mappings"] if (row["system"], row["entity"]) == (system, entity))
            return next((str(row["asset"]) for row in rows), None)

    def start_workflow(self, definition: str, asset: str, properties: Mapping[str, str]) -> None:
        """Note that a workflow was started."""
        with self._writing() as state:
            self._row(asset)
            state["workflows"].append({"definition": definition, "asset": asset, "properties": dict(properties)})

    # --- inside

    @contextmanager
    def _reading(self) -> Iterator[dict[str, Any]]:
        with self._lock:
            if self._folder is not None and (self._folder / "state.json").exists():
                self._state = json.loads((self._folder / "state.json").read_bytes())
            yield self._state

    @contextmanager
    def _writing(self) -> Iterator[dict[str, Any]]:
        with self._reading() as state:
            yield state
            if self._folder is None:
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._folder / "state.json", json.dumps(state).encode())

    def _now(self) -> int:
        self._state["latest"] = max(self._state["latest"] + 1, int(self._clock() * 1000))
        return int(self._state["latest"])

    def _row(self, asset: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self._state["assets"].get(_id(asset))
        if found is None:
            raise _missing(f"asset {asset}")
        return found

    def _contract(self, contract: str) -> dict[str, Any]:
        found: dict[str, Any] | None = self._state["contracts"].get(_id(contract))
        if found is None:
            raise _missing(f"contract {contract}")
        return found

    def _asset(self, asset: str) -> Asset:
        row = self._row(asset)
        return Asset(
            id=_id(asset),
            name=row["name"],
            type=row["type"],
            domain_id=row.get("domain", ""),
            domain=self._state.get("domains", {}).get(row.get("domain"), "stub"),
            status=row["status"],
            changed_by=row["changed_by"],
            changed_on=_moment(row["changed_on"]),
        )

    def _add_asset(self, name: str, type_id: str) -> str:
        key = str(uuid4())
        row = {"name": name, "type": type_id, "status": self._state["statuses"][0], "changed_by": self._user}
        self._state["assets"][key] = row | {"changed_on": self._now()}
        return key

    def _imported(self, state: dict[str, Any], asset: ImportedAsset) -> str:
        """Why an asset cannot be made or updated; empty where that is done."""
        domain = _id(asset.domain_id)
        if domain not in state.get("domains", {}):
            return f"there is no domain {domain}"
        unknown = [name for name in asset.attributes if name not in state["attribute_types"]]
        unknown += [each for ids in asset.sources.values() for each in ids if each not in state["assets"]]
        if unknown:
            return f"there is no {unknown[0]}"
        rows = state["assets"].items()
        found = (key for key, row in rows if (row.get("domain"), row["name"]) == (domain, asset.name))
        key = next(found, None) or self._add_asset(asset.name, asset.type)
        state["assets"][key]["domain"] = domain
        state["attributes"].setdefault(key, {}).update(asset.attributes)
        related = {(row["type"], row["source"], row["target"]) for row in state["relations"]}
        for kind, ids in asset.sources.items():
            for source in ids:
                if (kind, source, key) not in related:
                    self._relate(kind, source, key)
        return ""

    def _relate(self, type_id: str, source: str, target: str) -> None:
        row = {"id": str(uuid4()), "type": type_id, "source": _id(source), "target": _id(target)}
        self._state["relations"].append(row)

    def _write(self, row: dict[str, Any], version: str, content: bytes, *, user: str) -> None:
        now, sha256 = self._now(), sha256_of(content)
        before = row["versions"].get(version, {"created_by": user, "created_on": now})
        row["versions"][version] = before | {"changed_by": user, "changed_on": now, "sha256": sha256}
        self._manifests[sha256] = content
        if self._folder is not None:
            (self._folder / "manifests").mkdir(parents=True, exist_ok=True)
            (self._folder / "manifests" / sha256).write_bytes(content)

    def _bytes(self, sha256: str) -> bytes:
        if self._folder is not None:
            return (self._folder / "manifests" / sha256).read_bytes()
        return self._manifests[sha256]


def _id(text: str) -> str:
    if _UUID.fullmatch(text):
        return text.lower()
    raise UsageError(f"{text!r} is no id of Collibra", "LP916", "give the UUID that the address of its page shows")


def _missing(what: str) -> RemoteFailed:
    return RemoteFailed(f"stub does not have that: {what}", "LP905", "check ids in the settings and the mapping file")


def _refuse_long(upload: ManifestUpload) -> None:
    for what, text in (("id", upload.manifest_id), ("version", upload.version)):
        if len(text) > _LONGEST[what]:
            message = f"Collibra keeps no {what} of more than {_LONGEST[what]} characters: {text[:40]}…"
            raise UsageError(message, "LP912", f"shorten the {what} of the contract")


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _note(row: Mapping[str, Any]) -> Note:
    return Note(id=row["id"], text=row["text"], created_by=row["created_by"], created_on=_moment(row["created_on"]))
