"""The files of the workspace double: folders, files and notebooks in memory, by the APIs that the CLI uses."""

from __future__ import annotations

import base64
import binascii
import itertools
import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any, Final

from lakepact.testing.loopback import Reply
from lakepact.testing.workspace_http import Refused, Request, Route, invalid, missing

__all__ = ["WorkspaceFiles"]

_MIB: Final = 1024 * 1024
_IMPORT_LIMIT: Final = 10 * _MIB
# The languages of notebooks that the double knows: the ending of their files, and how those begin.
_LANGUAGES: Final[Mapping[str, tuple[str, bytes]]] = {
    "PYTHON": (".py", b"# Databricks notebook source"),
    "SQL": (".sql", b"-- Databricks notebook source"),
}
_PREFIX: Final = "/Workspace"


@dataclass(slots=True)
class _Node:
    """A folder (no content), a file, or a notebook, which has a language, and no ending in its name."""

    id: int
    kind: str
    changed: int
    content: bytes = b""
    language: str = ""


class WorkspaceFiles:
    """The tree of a workspace. A path means the same with and without `/Workspace` before it.

    `home` is the folder of the user, which is there from the start, as `/Shared` is.
    """

    def __init__(self, *, home: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ids = itertools.count(4_000_001)
        self._nodes: dict[str, _Node] = {}
        for path in ("/", "/Users", "/Shared", home):
            self._nodes[path] = self._node("DIRECTORY")

    def put(self, path: str, content: bytes) -> None:
        """Put a file, and the folders above it."""
        name = _path(path)
        self._make_folders(posixpath.dirname(name))
        self._nodes[name] = self._node("FILE", content)

    def read(self, path: str) -> bytes:
        """The bytes of a file or notebook."""
        return self._found(_path(path), "FILE", "NOTEBOOK").content

    def paths(self, below: str = "/") -> tuple[str, ...]:
        """The paths of files and notebooks, in order."""
        top = _path(below).rstrip("/")
        return tuple(
            sorted(
                name for name, node in self._nodes.items() if node.kind != "DIRECTORY" and name.startswith(f"{top}/")
            )
        )

    def folders(self, below: str = "/") -> tuple[str, ...]:
        """The paths of folders, in order."""
        top = _path(below).rstrip("/")
        return tuple(
            sorted(
                name
                for name, node in self._nodes.items()
                if node.kind == "DIRECTORY" and f"{name}/".startswith(f"{top}/")
            )
        )

    def has_id(self, id: str) -> bool:
        """Whether a folder, file or notebook has this id."""
        return any(str(node.id) == id for node in self._nodes.values())

    def write_to(self, folder: Path) -> None:
        """Write the whole tree below a folder of this machine; notebooks get back their ending."""
        for name, node in self._nodes.items():
            path = folder / name.lstrip("/")
            if node.kind == "DIRECTORY":
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            ending = _LANGUAGES[node.language][0] if node.kind == "NOTEBOOK" else ""
            path.with_name(f"{path.name}{ending}").write_bytes(node.content)

    def routes(self) -> Iterator[Route]:
        """The APIs of workspace files."""
        yield Route("POST", "/api/2.0/workspace/mkdirs", self._mkdirs)
        yield Route("GET", "/api/2.0/workspace/get-status", self._status)
        yield Route("GET", "/api/2.0/workspace/list", self._list)
        yield Route("GET", "/api/2.0/workspace/export", self._export)
        yield Route("POST", "/api/2.0/workspace/import", self._import)
        yield Route("POST", "/api/2.0/workspace/delete", self._delete)
        yield Route("POST", "/api/2.0/workspace-files/import-file/{path...}", self._import_file)
        yield Route("GET", "/api/2.0/workspace-files/{path...}", self._raw)

    def _node(self, kind: str, content: bytes = b"", language: str = "") -> _Node:
        return _Node(next(self._ids), kind, int(self._clock() * 1000), content, language)

    def _found(self, path: str, *kinds: str) -> _Node:
        node = self._nodes.get(path)
        if node is None:
            raise missing(f"Path ({path}) doesn't exist.")
        if kinds and node.kind not in kinds:
            raise invalid(f"Path ({path}) is a {node.kind.lower()}.")
        return node

    def _make_folders(self, path: str) -> None:
        while path not in self._nodes:
            self._nodes[path] = self._node("DIRECTORY")
            path = posixpath.dirname(path)

    def _mkdirs(self, request: Request) -> dict[str, Any]:
        path = _path(request.fields((), needed=["path"])["path"])
        at = path
        while at != "/":
            if at in self._nodes and self._nodes[at].kind != "DIRECTORY":
                raise Refused(400, "RESOURCE_ALREADY_EXISTS", f"Path ({at}) already exists and is not a folder.")
            at = posixpath.dirname(at)
        self._make_folders(path)
        return {}

    def _status(self, request: Request) -> dict[str, Any]:
        path = _path(request.needed("path"))
        return self._shown(path, self._found(path))

    def _shown(self, path: str, node: _Node) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "path": path,
            "object_type": node.kind,
            "object_id": node.id,
            "resource_id": str(node.id),
        }
        if node.kind == "NOTEBOOK":
            shown["language"] = node.language
        if node.kind != "DIRECTORY":
            shown |= {"created_at": node.changed, "modified_at": node.changed}
        if node.kind == "FILE":
            shown["size"] = len(node.content)
        return shown

    def _list(self, request: Request) -> dict[str, Any]:
        path = _path(request.needed("path"))
        if self._found(path).kind != "DIRECTORY":
            return {"objects": [self._shown(path, self._nodes[path])]}
        inside = [name for name in sorted(self._nodes) if name != "/" and posixpath.dirname(name) == path]
        # An empty folder has no list at all.
        return {"objects": [self._shown(name, self._nodes[name]) for name in inside]} if inside else {}

    def _export(self, request: Request) -> Any:
        path = _path(request.needed("path"))
        node = self._found(path, "FILE", "NOTEBOOK")
        if request.query.get("direct_download") == "true":
            return Reply(200, node.content, {"Content-Type": "application/octet-stream"})
        ending = _LANGUAGES[node.language][0] if node.kind == "NOTEBOOK" else posixpath.splitext(path)[1]
        return {"content": base64.b64encode(node.content).decode(), "file_type": ending.removeprefix(".")}

    def _raw(self, request: Request) -> Reply:
        content = self._found(_path("/" + request.places["path"].lstrip("/")), "FILE", "NOTEBOOK").content
        return Reply(200, content, {"Content-Type": "application/octet-stream"})

    def _import(self, request: Request) -> dict[str, Any]:
        kind = request.headers.get("content-type", "")
        given: Mapping[str, Any]
        if kind.startswith("multipart/form-data"):
            given = _form(kind, request.body)
            content = given.get("content", b"")
        else:
            given = request.fields({"path", "content", "format", "language", "overwrite"}, needed=["path"])
            content = _decoded(given.get("content", ""))
        path = _path(_text(given.get("path", "")))
        if len(content) > _IMPORT_LIMIT:
            raise Refused(
                400,
                "MAX_NOTEBOOK_SIZE_EXCEEDED",
                f"File size imported is ({len(content)} bytes), exceeded max size ({_IMPORT_LIMIT} bytes)",
            )
        overwrite = _text(given.get("overwrite", "")).lower() == "true"
        language = _text(given.get("language", "")) if _text(given.get("format", "SOURCE")) == "SOURCE" else ""
        if language not in ("", *_LANGUAGES):
            raise invalid(f"This workspace is a double that has no notebooks in {language}.")
        self._store(path, content, overwrite=overwrite, taken=400, language=language)
        return {}

    def _import_file(self, request: Request) -> dict[str, Any]:
        path = _path("/" + request.places["path"].lstrip("/"))
        self._store(path, request.body, overwrite=request.query.get("overwrite") == "true", taken=409)
        return {}

    def _store(self, path: str, content: bytes, *, overwrite: bool, taken: int, language: str = "") -> None:
        """Store a file, or a notebook; a file of Python or SQL that says so becomes one, whose name has no ending."""
        name, kind = path, "NOTEBOOK" if language else "FILE"
        for each, (ending, begins) in _LANGUAGES.items():
            if path.endswith(ending) and content.partition(b"\n")[0].rstrip() == begins:
                name, kind, language = path.removesuffix(ending), "NOTEBOOK", each
        above = self._nodes.get(posixpath.dirname(name))
        if above is None or above.kind != "DIRECTORY":
            raise missing(f"The parent folder ({posixpath.dirname(name)}) does not exist.")
        there = self._nodes.get(name)
        if there is not None and (not overwrite or there.kind != kind):
            raise Refused(taken, "RESOURCE_ALREADY_EXISTS", f"Path ({path}) already exists.")
        node = self._node(kind, content, language)
        if there is not None:
            node.id = there.id
        self._nodes[name] = node

    def _delete(self, request: Request) -> dict[str, Any]:
        given = request.fields({"recursive"}, needed=["path"])
        path = _path(given["path"])
        self._found(path)
        inside = [name for name in self._nodes if name.startswith(f"{path.rstrip('/')}/")]
        if inside and not given.get("recursive"):
            raise Refused(400, "DIRECTORY_NOT_EMPTY", f"Folder ({path}) is not empty")
        for name in (path, *inside):
            del self._nodes[name]
        return {}


def _path(given: object) -> str:
    """The path without `/Workspace`; refused where it is not absolute."""
    text = _text(given)
    if not text.startswith("/"):
        raise invalid(f"Path ({text}) must start with '/'.")
    path = posixpath.normpath(text).replace("//", "/")
    return (path.removeprefix(_PREFIX) or "/") if path == _PREFIX or path.startswith(f"{_PREFIX}/") else path


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _decoded(content: object) -> bytes:
    try:
        return base64.b64decode(str(content), validate=True)
    except binascii.Error:
        raise invalid("The content is not in base64.") from None


def _form(content_type: str, body: bytes) -> dict[str, bytes]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            parts[name] = payload
    return parts
