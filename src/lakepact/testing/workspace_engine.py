"""Runs what the pipelines of the workspace double hold: their sources, by the local engine, in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import lakepact
from lakepact.testing.workspace_files import WorkspaceFiles
from lakepact.testing.workspace_http import Refused, invalid
from lakepact.testing.workspace_tasks import on_this_machine, unpack, wheels_of

__all__ = ["PipelineWork", "Update", "WorkspaceEngine"]

_STEP: Final = 0.05
_END: Final = 20.0
_LOCAL: Final = "spark_catalog"
_SOURCES: Final = (".py", ".sql")
_UNABLE: Final = {
    "asked": (
        *("parameters", "replace_where_overrides", "reset_checkpoint_selection", "rewind_spec"),
        "refresh_flow_selection",
    ),
    "set": ("continuous", "filters", "gateway_definition", "ingestion_definition", "parameters"),
}
_NOTEBOOK: Final = re.compile(r"(?:#|--) Databricks notebook source\s*\n")
_MAGIC: Final = re.compile(r"^(?:#|--) MAGIC %(?!md\b)([\w-]+)", re.MULTILINE)
_KEPT: Final = "LAKEPACT_CACHE"
_STOPPED: Final = {"ended": "CANCELED", "error": "", "events": [], "tables": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineWork:
    """An update that starts: its pipeline's settings, what was asked for, and the variables of who it runs as."""

    update_id: str
    pipeline_id: str
    spec: Mapping[str, Any]
    asked: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def catalog(self) -> str:
        """The catalog that it publishes to."""
        return str(self.spec.get("catalog", "main"))

    @property
    def schema(self) -> str:
        """The schema that it publishes to."""
        return str(self.spec.get("schema") or self.spec.get("target") or "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An update to run; names and paths are those of this machine.

    `sources` are pairs of path and text. `full_refresh` is None without one, and empty for everything. `event_log` is
    the table that its events are appended to, '' for none.
    """

    id: str
    pipeline: str
    schema: str
    root: str
    sources: tuple[tuple[str, str], ...]
    configuration: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    refresh: tuple[str, ...] = ()
    full_refresh: tuple[str, ...] | None = None
    dry_run: bool = False
    event_log: str = ""


class WorkspaceEngine:
    """Runs updates one after the other, their tables below `storage()`/warehouse.

    All catalogs are one there, that of the local engine; a schema is the folder `NAME.db`. The process is kept for the
    next update as long as that needs the same wheels.
    """

    def __init__(
        self, *, files: WorkspaceFiles, lock: threading.RLock, folder: Callable[[], Path], storage: Callable[[], Path]
    ) -> None:
        self._files = files
        self._lock = lock
        self._folder = folder
        self._storage = storage
        self._turn = threading.Lock()
        self._worker: _Worker | None = None

    def run(
        self, work: PipelineWork, heard: Callable[[Mapping[str, Any]], None], stopped: threading.Event
    ) -> Mapping[str, Any]:
        """Run an update to its end, which is given; `heard` is told before how it goes. Ends early when `stopped`."""
        while not self._turn.acquire(timeout=_STEP):
            if stopped.is_set():
                return _STOPPED
        try:
            with self._tree(work) as tree:
                place = _Place(tree, self._folder() / "Volumes", work.catalog)
                update, wheels = _update(work, place), self._wheels(work)
                said = self._ready(wheels).run(update, lambda each: heard(place.abroad(each)), stopped)
                return place.abroad(said)
        except Refused as refused:
            return _failed(str(refused))
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process."""
        with self._turn:
            if self._worker is not None:
                self._worker.close()
                self._worker = None

    @contextmanager
    def _tree(self, work: PipelineWork) -> Iterator[Path]:
        """The workspace's files as they are now; a pipeline's are always at the same place."""
        folder = self._folder() / "pipelines" / work.pipeline_id
        with self._lock:
            self._files.write_to(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _wheels(self, work: PipelineWork) -> tuple[Path, ...]:
        wanted = [str(each) for each in work.spec.get("environment", {}).get("dependencies", [])]
        try:
            with self._lock:
                wheels = wheels_of(wanted, files=self._files, volumes=self._folder() / "Volumes")
        except Refused as refused:
            raise Refused(400, "BAD_REQUEST", f"Library installation failed: {refused}") from None
        key = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in wheels.values())).hexdigest()[:16]
        folder = self._folder() / "engine" / key
        return tuple(folder / name for name in wheels) if folder.is_dir() else unpack(wheels, folder)

    def _ready(self, wheels: Sequence[Path]) -> _Worker:
        """The process for these wheels; that of others is ended."""
        if self._worker is not None and (self._worker.wheels != wheels or not self._worker.running):
            self._worker.close()
            self._worker = None
        if self._worker is None:
            self._worker = _Worker(self._storage(), wheels, self._folder() / "engine.log")
        return self._worker


class _Worker:
    """The process that runs updates, `lakepact.testing.workspace_worker`: wheels come before this Python's packages."""

    def __init__(self, storage: Path, wheels: Sequence[Path], log: Path) -> None:
        self.wheels = wheels
        self._log = log
        paths = os.pathsep.join(map(str, (*wheels, *(Path(each).parent for each in lakepact.__path__))))
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key == _KEPT or not key.startswith(("DATABRICKS_", "LAKEPACT_"))
        }
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lakepact.testing.workspace_worker", str(storage)],
                cwd=log.parent,
                env=inherited | {"PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8", "TMPDIR": str(log.parent)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                encoding="utf-8",
                # A group of its own, which is how to see when its Java has ended too.
                start_new_session=True,
            )
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether it takes another update."""
        return self._process.poll() is None

    def run(
        self, update: Update, heard: Callable[[Mapping[str, Any]], None], stopped: threading.Event
    ) -> Mapping[str, Any]:
        """Run an update to its end; the process is ended where it is stopped."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            print(json.dumps(asdict(update)), file=self._process.stdin, flush=True)
        while not stopped.is_set():
            try:
                line = self._said.get(timeout=_STEP)
            except queue.Empty:
                continue
            if not line:
                words = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                return _failed(f"The engine ended: {words[-1] if words else 'without a word'}")
            said: Mapping[str, Any] = json.loads(line)
            if "ended" in said:
                return said
            heard(said)
        self._kill()
        return _STOPPED

    def close(self) -> None:
        """Let it end, with its Java."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        self._kill()

    def _kill(self) -> None:
        """End it; its Java ends by itself when it is gone, and is ended where it does not."""
        self._process.kill()
        self._process.wait()
        until = time.monotonic() + _END
        with suppress(ProcessLookupError):
            while time.monotonic() < until:
                os.killpg(self._process.pid, 0)
                time.sleep(_STEP)
            os.killpg(self._process.pid, 9)

    def _listen(self) -> None:
        """Hear what it says; '' when it has ended."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._said.put(line)
        self._said.put("")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where things of the workspace are on this machine: files below `tree`, volumes, and one catalog for all."""

    tree: Path
    volumes: Path
    catalog: str

    def local(self, text: str) -> str:
        """A source: its paths, and its names of three parts."""
        name = re.compile(rf"(?<![\w./-])(`?){re.escape(self.catalog)}\1\.(?=[\w`]+\.[\w`])")
        return name.sub(f"{_LOCAL}.", on_this_machine(text, workspace=self.tree, volumes=self.volumes))

    def setting(self, value: str) -> str:
        """A value of the configuration: its paths, and the name of a schema or table that it is."""
        name = re.compile(rf"(spark:)?{re.escape(self.catalog)}((?:\.\w+){{1,2}})")
        if (found := name.fullmatch(value)) is not None:
            return f"{found[1] or ''}{_LOCAL}{found[2]}"
        return on_this_machine(value, workspace=self.tree, volumes=self.volumes)

    def file(self, path: str) -> Path:
        """A path of the workspace."""
        return self.tree / posixpath.normpath(path).removeprefix("/Workspace").lstrip("/")

    def abroad(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the engine said, in words of the workspace."""
        text = json.dumps(said).replace(json.dumps(str(self.tree))[1:-1], "/Workspace")
        text = text.replace(json.dumps(str(self.volumes))[1:-1], "/Volumes").replace(f"{_LOCAL}.", f"{self.catalog}.")
        found: Mapping[str, Any] = json.loads(text)
        return found


def _update(work: PipelineWork, place: _Place) -> Update:
    """The update for the engine. Raises Refused for what the double cannot do, and for sources that are not there."""
    spec, asked = work.spec, work.asked
    for how, given in (("asked", asked), ("set", spec)):
        for key in _UNABLE[how]:
            if given.get(key):
                raise invalid(f"This workspace is a double that does not do {key}.")
    sources = [source for library in spec.get("libraries", []) for source in _sources(library, place)]
    fresh = [place.setting(each) for each in asked.get("full_refresh_selection") or []]
    root = place.file(spec["root_path"]) if spec.get("root_path") else sources[0].parent
    return Update(
        id=work.update_id,
        pipeline=work.pipeline_id.replace("-", "_"),
        schema=work.schema,
        root=str(root),
        sources=tuple((str(each), place.local(_text(each))) for each in dict.fromkeys(sources)),
        configuration={key: place.setting(str(value)) for key, value in spec.get("configuration", {}).items()},
        environment=work.environment,
        refresh=tuple(place.setting(each) for each in asked.get("refresh_selection") or []),
        full_refresh=() if asked.get("full_refresh") else tuple(fresh) or None,
        dry_run=bool(asked.get("validate_only")),
        event_log=str(spec.get("event_log", {}).get("name", "")),
    )


def _sources(library: Mapping[str, Any], place: _Place) -> list[Path]:
    """The source files of a library, in order."""
    if "notebook" in library:
        path = str(library["notebook"]["path"])
        found = [file for ending in _SOURCES if (file := place.file(f"{path}{ending}")).is_file()]
    elif "file" in library:
        path = str(library["file"]["path"])
        found = [place.file(path)]
    elif "glob" in library:
        path = str(library["glob"]["include"])
        folder = place.file(path.removesuffix("**"))
        inside = sorted(folder.rglob("*")) if path.endswith("/**") else [folder]
        found = [each for each in inside if each.suffix in _SOURCES]
    else:
        raise invalid(f"This workspace is a double that does not take a library {', '.join(library)}.")
    if not found or not all(each.is_file() for each in found):
        raise invalid(f"Unable to access the source '{path}': it does not exist.")
    return found


def _text(source: Path) -> str:
    """A source. Raises Refused for a notebook with cells that are neither of its language nor words."""
    text = source.read_text(encoding="utf-8", errors="replace")
    if _NOTEBOOK.match(text) and (found := _MAGIC.search(text)):
        raise invalid(f"This workspace is a double that does not run the %{found[1]} of '{source.name}'.")
    return text


def _failed(message: str) -> Mapping[str, Any]:
    return {"ended": "FAILED", "error": message, "events": [], "tables": {}}
