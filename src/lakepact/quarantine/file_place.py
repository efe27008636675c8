"""Files and tables that fail as a whole, copied to a folder or to object storage, with a document about each.

<id>/record.json                   what was set aside, from where and why; its `status` is a copy for readers
<id>/data/...                      the copy; a purge removes it
<id>/corrections/<id>/data/...     files that take the place of the copy; a purge removes them, too
<id>/corrections/<id>/files.json   what they are; made when all of them are there
<id>/decisions/000001.json         one object a decision, made only where there is none: the truth about the status
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from lakepact.contract.types import StructField
from lakepact.errors import ConfigurationError, RemoteFailed, UsageError
from lakepact.quarantine.content import record_id
from lakepact.quarantine.model import Correction, Decision, FailedRule, Header, Kind, Status, Stored
from lakepact.quarantine.tables import decision_row, read_decision
from lakepact.store.object_places import ObjectPlace

__all__ = ["FilePlace"]

_RECORD: Final = "record.json"
_DATA: Final = "data"
_DECISIONS: Final = "decisions"
_CORRECTIONS: Final = "corrections"
_CORRECTED: Final = "files.json"
_FORMAT: Final = 1
_CHUNK: Final = 1024 * 1024
_TIMES: Final = ("at", "quarantined_at")
# What the name of a correction has between the ids.
_WHOLE_CORRECTION: Final = [_CORRECTIONS, _CORRECTED]


@dataclass(frozen=True, slots=True)
class _Batch:
    """A file or folder that is to be copied, and its files."""

    fs: Any
    path: str
    files: Sequence[Mapping[str, Any]]

    @property
    def content(self) -> str:
        """The hash of what is in the files."""
        named = [[each["name"], each["sha256"]] for each in self.files]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()

    def path_of(self, file: Mapping[str, Any]) -> str:
        """Where a file of it is."""
        alone = len(self.files) == 1 and self.fs.isfile(self.path)
        return self.path if alone else f"{self.path.rstrip('/')}/{file['name']}"


class FilePlace:
    """The batches below `url`: a folder, or a URL of fsspec such as `s3://bucket/quarantine/north/orders`.

    `options` are those of the file system. Raises what `lakepact.store.object_places.ObjectPlace` raises.
    """

    def __init__(self, url: str, *, options: Mapping[str, Any] | None = None) -> None:
        self._url = url if "://" in url else str(Path(url).absolute())
        self._place = ObjectPlace(self._url, options=options)
        self._fs, root = _file_system(self._url, dict(options or {}))
        self._root = root.rstrip("/")

    @property
    def address(self) -> str:
        """The address that `open_quarantine` opens it by."""
        return f"files:{self._place.address}"

    def set_aside(
        self,
        source: str,
        *,
        dataset: str,
        contract_id: str,
        contract_version: str,
        violations: Sequence[FailedRule],
        retention: timedelta,
        now: datetime,
        run_id: str = "",
        object_name: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> Stored:
        """Copy the file or folder at `source` (a path or a URL), and say why; the same call again changes nothing.

        The id follows from what is in the files and from the run, so a retry finds what it has done already; what was
        purged is not copied again. Raises UsageError LP984 where nothing is there.
        """
        batch = self._batch(source)
        key = record_id(dataset=dataset, contract_id=contract_id, run_id=run_id, content=batch.content)
        there = self._place.read([f"{key}/{_RECORD}"])[0]
        if there is None:
            with self._talking():
                self._copy(batch, f"{key}/{_DATA}")
            document = {
                "format": _FORMAT,
                "quarantine_id": key,
                "original_path": _without_secrets(source),
                "dataset": dataset,
                "object": object_name or dataset,
                "contract_id": contract_id,
                "contract_version": contract_version,
                "run_id": run_id,
                "violations": [{"rule_id": each.rule_id, "message": each.message} for each in violations],
                "quarantined_at": now.astimezone(UTC).isoformat(),
                "expires_at": (now + retention).astimezone(UTC).isoformat(),
                "status": Status.QUARANTINED.value,
                "files": list(batch.files),
                "metadata": dict(metadata or {}),
            }
            self._place.create(f"{key}/{_RECORD}", _bytes(document))
        return next(each for each in self.stored() if each.header.id == key)

    def columns(self) -> tuple[StructField, ...]:
        """None: a batch is not corrected value by value."""
        return ()

    def stored(self) -> tuple[Stored, ...]:
        """All batches; `path` is '' where the copy was removed."""
        names = self._place.stamps("")
        keys = sorted(name.partition("/")[0] for name in names if name.endswith(f"/{_RECORD}") and name.count("/") == 1)
        held = {name.partition("/")[0] for name in names if name.split("/")[1:2] == [_DATA]}
        contents = self._place.read([f"{key}/{_RECORD}" for key in keys])
        found = []
        for key, content in zip(keys, contents, strict=True):
            document = self._document(content, f"{key}/{_RECORD}")
            path = f"{self._place.address.rstrip('/')}/{key}/{_DATA}" if key in held else ""
            found.append(self._stored(document, key, path))
        return tuple(found)

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions; those about one batch in their order."""
        names = [name for name in self._place.stamps("") if name.split("/")[1:2] == [_DECISIONS]]
        found = []
        for name, content in zip(names, self._place.read(names), strict=True):
            document = self._document(content, name)
            times = {key: datetime.fromisoformat(text) for key in _TIMES if (text := document.get(key))}
            found.append(read_decision({**document, "quarantined_at": None, **times}, where=f"{self.address}/{name}"))
        return tuple(sorted(found, key=lambda each: (each.header.id, each.sequence)))

    def append(self, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
        """Keep decisions, one by one; those whose number is taken are returned."""
        refused = []
        for each in decisions:
            row = {key: value.isoformat() if key in _TIMES and value else value for key, value in _row(each)}
            if not self._place.create(f"{each.header.id}/{_DECISIONS}/{each.sequence:06}.json", _bytes(row)):
                refused.append(each)
                continue
            name = f"{each.header.id}/{_RECORD}"
            document = self._document(self._place.read([name])[0], name)
            self._place.replace(name, _bytes({**document, "status": each.status.value}))
        return tuple(refused)

    def corrections(self) -> Mapping[str, Mapping[str, Any]]:
        """The files that take the place of batches, by the id of the correction: from where they came, and what."""
        names = [
            name for name in self._place.stamps("") if name.split("/")[1:2] + name.split("/")[3:] == _WHOLE_CORRECTION
        ]
        found = {}
        for name, content in zip(names, self._place.read(names), strict=True):
            document = self._document(content, name)
            path = f"{self._place.address.rstrip('/')}/{name.removesuffix(_CORRECTED)}{_DATA}"
            found[name.split("/")[2]] = {**document, "path": path}
        return found

    def keep_correction(self, correction: Correction) -> None:
        """Raises UsageError LP985: a batch is not corrected value by value."""
        raise UsageError(
            f"the batch {correction.record_id} cannot be corrected value by value",
            "LP985",
            "correct the file, and give it in place of the batch",
        )

    def keep_files(self, key: str, source: str, *, metadata: Mapping[str, Any] | None = None) -> str:
        """Copy the file or folder at `source`, which is to take the place of a batch; the id of the correction.

        It follows from what is in the files, so a retry finds what it has done already. Raises UsageError LP984 where
        nothing is there.
        """
        batch = self._batch(source)
        said = json.dumps([key, batch.content, dict(metadata or {})], sort_keys=True)
        correction = hashlib.sha256(said.encode()).hexdigest()[:32]
        folder = f"{key}/{_CORRECTIONS}/{correction}"
        if self._place.read([f"{folder}/{_CORRECTED}"])[0] is None:
            with self._talking():
                self._copy(batch, f"{folder}/{_DATA}")
            document = {
                "original_path": _without_secrets(source),
                "files": list(batch.files),
                "metadata": dict(metadata or {}),
            }
            self._place.replace(f"{folder}/{_CORRECTED}", _bytes(document))
        return correction

    def remove(self, record_ids: Collection[str]) -> None:
        """Remove the copies, and the files that were to take their place; the documents stay."""
        with self._talking():
            for key in record_ids:
                for path in (f"{self._root}/{key}/{_DATA}", f"{self._root}/{key}/{_CORRECTIONS}"):
                    if self._fs.exists(path):
                        self._fs.rm(path, recursive=True)

    def fetch(self, key: str, folder: Path, *, correction: str = "") -> Path:
        """Copy the data of a batch, or what takes its place, to a folder of this machine.

        Gives the file, or the folder of several. Raises ConfigurationError LP988 where there is none.
        """
        with self._talking():
            below = f"{key}/{_CORRECTIONS}/{correction}/{_DATA}" if correction else f"{key}/{_DATA}"
            root = f"{self._root}/{below}"
            names = sorted(self._fs.find(root))
            if not names:
                raise self._damaged(below, FileNotFoundError("its files are gone"))
            for name in names:
                target = folder / name[len(root) + 1 :]
                target.parent.mkdir(parents=True, exist_ok=True)
                with self._fs.open(name, "rb") as read, target.open("wb") as written:
                    shutil.copyfileobj(read, written, _CHUNK)
        return folder / names[0][len(root) + 1 :] if len(names) == 1 else folder

    def _batch(self, source: str) -> _Batch:
        fs, path = _file_system(source, {})
        with self._talking():
            return _Batch(fs, path, tuple(_files(fs, path, source)))

    def _copy(self, batch: _Batch, folder: str) -> None:
        for each in batch.files:
            source, target = batch.path_of(each), f"{self._root}/{folder}/{each['name']}"
            self._fs.makedirs(posixpath.dirname(target), exist_ok=True)
            hashed = hashlib.sha256()
            with batch.fs.open(source, "rb") as read, self._fs.open(target, "wb") as written:
                while chunk := read.read(_CHUNK):
                    hashed.update(chunk)
                    written.write(chunk)
            if hashed.hexdigest() != each["sha256"]:
                message = f"{source} changed while it was copied to {self.address}"
                raise RemoteFailed(message, "LP986", "set it aside when nobody writes it any more")

    def _stored(self, document: Mapping[str, Any], key: str, path: str) -> Stored:
        try:
            rules = [(each["rule_id"], each["message"]) for each in document["violations"]]
            return Stored(
                header=Header(
                    id=key,
                    kind=Kind.BATCH,
                    dataset=document["dataset"],
                    object=document["object"],
                    contract_id=document["contract_id"],
                    contract_version=document["contract_version"],
                    run_id=document["run_id"],
                    quarantined_at=datetime.fromisoformat(document["quarantined_at"]),
                    failed_rules=tuple(rule for rule, _ in rules),
                ),
                twins=key,
                path=path,
                source=document["original_path"],
                messages=dict(rules),
                expires_at=datetime.fromisoformat(document["expires_at"]),
                metadata=dict(document["metadata"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(f"{key}/{_RECORD}", error) from error

    def _document(self, content: bytes | None, name: str) -> dict[str, Any]:
        try:
            read = json.loads(content or b"")
        except ValueError as error:
            raise self._damaged(name, error) from error
        if not isinstance(read, dict):
            raise self._damaged(name, TypeError("it is no object"))
        return read

    def _damaged(self, name: str, error: Exception) -> ConfigurationError:
        message = f"{self.address}/{name} is damaged: {error}"
        return ConfigurationError(message, "LP988", "name another place, or put it back from a backup")

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = "check the paths, the credentials and the network"
            raise RemoteFailed(f"{self.address} cannot be used: {error}", "LP986", hint) from error


def _row(decision: Decision) -> list[tuple[str, Any]]:
    return list(decision_row(decision).items())


def _files(fs: Any, path: str, source: str) -> list[dict[str, Any]]:
    """The files of a batch by their names relative to it, with what tells whether they are the same."""
    names = sorted(fs.find(path))
    if not names:
        raise UsageError(f"there is no data at '{source}'", "LP984", "name a file or a folder of data")
    found = []
    for name in names:
        hashed = hashlib.sha256()
        with fs.open(name, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                hashed.update(chunk)
        relative = posixpath.basename(name) if name == path else name[len(path.rstrip("/")) + 1 :]
        found.append({"name": relative, "size": fs.size(name), "sha256": hashed.hexdigest()})
    return found


def _file_system(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    url_to_fs = import_module("fsspec.core").url_to_fs
    try:
        fs, path = url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        hint = "write a path, or a URL that fsspec knows"
        raise UsageError(f"'{url}' cannot be read: {error}", "LP984", hint) from error
    return fs, path


def _without_secrets(url: str) -> str:
    """The URL without a password and without a query, which may be a signature."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
