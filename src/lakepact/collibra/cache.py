"""What is kept of Collibra for the time when it is away, and so that nothing is fetched twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from lakepact.atomic_files import replace_file
from lakepact.errors import ConfigurationError
from lakepact.store.encoding import event_data, event_of, read_time, safe_name, sha256_of, time_text
from lakepact.store.model import Event

__all__ = ["Cached", "ContractCache"]

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """A contract as it was seen last: when, under which asset, its events, and the hashes of versions.

    `hashes` has the hash of a version at the moment it changed, under `version@milliseconds`. Without `complete` only
    what concerns validated versions was looked at: drafts, and what stewards did to them, may be missing.
    """

    contract_id: str
    seen: datetime
    asset: str
    events: tuple[Event, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True


class ContractCache:
    """Contracts and documents of one Collibra, in memory, and in `folder` where one is given.

    Documents have their hash as name, so that one that was damaged is not given out. Safe for threads and processes:
    a file is replaced as a whole, and what cannot be read or written counts as not there.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._contracts: dict[str, Cached] = {}
        self._documents: dict[str, bytes] = {}

    def contract(self, contract_id: str) -> Cached | None:
        """The contract as it was seen last."""
        with self._lock:
            if contract_id not in self._contracts:
                found = self._read(self._path("contracts", f"{safe_name(contract_id)}.json"))
                if found is None or found.contract_id != contract_id:
                    return None
                self._contracts[contract_id] = found
            return self._contracts[contract_id]

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that were seen."""
        ids = set(self._contracts)
        if self._folder is not None and (self._folder / "contracts").is_dir():
            read = (self._read(path) for path in (self._folder / "contracts").glob("*.json"))
            ids |= {found.contract_id for found in read if found is not None}
        return tuple(sorted(ids))

    def keep(self, cached: Cached) -> None:
        """Remember a contract as it is seen now."""
        with self._lock:
            before = self._contracts.get(cached.contract_id)
            self._contracts[cached.contract_id] = cached
            if before is not None and replace(before, seen=cached.seen) == cached and self._young(before, cached):
                return
            path = self._path("contracts", f"{safe_name(cached.contract_id)}.json")
            self._write(path, json.dumps(_data(cached), ensure_ascii=True).encode())

    def forget(self, contract_id: str) -> None:
        """Forget a contract whose asset is gone."""
        with self._lock:
            self._contracts.pop(contract_id, None)
            path = self._path("contracts", f"{safe_name(contract_id)}.json")
            if path is not None:
                path.unlink(missing_ok=True)

    def document(self, sha256: str) -> bytes | None:
        """The document with that hash."""
        found = self._documents.get(sha256)
        if found is not None:
            return found
        path = self._path("documents", sha256)
        try:
            content = path.read_bytes() if path is not None else None
        except OSError:
            return None
        return content if content is not None and sha256_of(content) == sha256 else None

    def keep_document(self, content: bytes) -> str:
        """Remember a document, and return its hash."""
        sha256 = sha256_of(content)
        if self._folder is None:
            self._documents[sha256] = content
        elif self.document(sha256) is None:
            self._write(self._path("documents", sha256), content)
        return sha256

    def _young(self, before: Cached, now: Cached) -> bool:
        return (now.seen - before.seen).total_seconds() < 1.0

    def _path(self, *parts: str) -> Path | None:
        return None if self._folder is None else self._folder.joinpath(*parts)

    def _read(self, path: Path | None) -> Cached | None:
        try:
            data = json.loads(path.read_bytes()) if path is not None else None
            return None if data is None else _cached(data)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigurationError):
            return None

    def _write(self, path: Path | None, content: bytes) -> None:
        if path is None:
            return
        # What cannot be kept is asked for again.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, content)


def _data(cached: Cached) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "contract_id": cached.contract_id,
        "seen": time_text(cached.seen),
        "asset": cached.asset,
        "events": [event_data(event) for event in cached.events],
        "hashes": dict(cached.hashes),
        "complete": cached.complete,
    }


def _cached(data: Mapping[str, Any]) -> Cached:
    if data["format"] != _FORMAT:
        raise ValueError("another format")
    events: Sequence[object] = data["events"]
    return Cached(
        contract_id=str(data["contract_id"]),
        seen=read_time(data["seen"]),
        asset=str(data["asset"]),
        events=tuple(event_of(each) for each in events),
        hashes={str(key): str(value) for key, value in data["hashes"].items()},
        complete=data.get("complete", True) is True,
    )
