"""A workspace on loopback with Lakeflow pipelines: updates that start, run for a while and end, and their event logs.

The paths and the shapes of answers and errors are those of the REST API, so the real Databricks SDK talks to it.
Nothing is computed: what an update comes to is told beforehand.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

__all__ = ["WorkspacePipelines"]

_PIPELINE: Final = re.compile(r"/api/2\.0/pipelines/(?P<id>[^/]+)(?P<rest>/updates(?:/(?P<update>[^/]+))?|/events)?")
_FILTER: Final = re.compile(r"update_id = '([^']*)'")
_PAGE: Final = 2


@dataclass(slots=True)
class _Update:
    """An update: how often it is looked at before it ends, how it ends, and what its events are."""

    id: str
    cause: str
    created: int
    full_refresh: bool
    looks: int
    ends: str
    events: Sequence[Mapping[str, Any]]
    state: str = "RUNNING"

    def looked_at(self) -> str:
        self.looks -= 1
        if self.looks < 0:
            self.state = self.ends
        return self.state


@dataclass(slots=True)
class _Pipeline:
    name: str
    updates: list[_Update] = field(default_factory=list)
    looks: int = 1
    ends: str = "COMPLETED"
    events: Sequence[Mapping[str, Any]] = ()

    @property
    def active(self) -> _Update | None:
        return next((each for each in self.updates if each.state == "RUNNING"), None)


class WorkspacePipelines:
    """A workspace with pipelines; use it as a context manager, `url` and `token` are for the client.

    `add_pipeline` makes one; `next_update` says what its next updates come to; `start` begins one from elsewhere, which
    makes the pipeline busy. A start while one runs is refused, as there. Pages of events hold two. `requests` are the
    method and path of what was asked, in order; `fail_next(number, status)` refuses the next requests.

    >>> with WorkspacePipelines() as workspace:
    ...     pipeline = workspace.add_pipeline("orders")
    ...     workspace.next_update(pipeline, ends="FAILED", looks=0)
    ...     workspace.started(pipeline)
    ()
    """

    def __init__(self, *, token: str = "dapi-for-tests", clock: Callable[[], float] = time.time) -> None:
        """A workspace without pipelines, that is not answering yet."""
        self.token = token
        self.requests: list[str] = []
        self._clock = clock
        self._pipelines: dict[str, _Pipeline] = {}
        self._failing: list[int] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The host of the workspace."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> WorkspacePipelines:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add_pipeline(self, name: str) -> str:
        """Add a pipeline; its id."""
        key = str(uuid.uuid4())
        self._pipelines[key] = _Pipeline(name)
        return key

    def next_update(
        self, pipeline: str, *, ends: str = "COMPLETED", looks: int = 1, events: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """What updates that start from now on come to: how they end, after how many looks, with which events."""
        found = self._pipelines[pipeline]
        found.ends, found.looks, found.events = ends, looks, events

    def start(self, pipeline: str, *, cause: str = "USER_ACTION", looks: int = 2) -> str:
        """Begin an update from elsewhere; its id."""
        found = self._pipelines[pipeline]
        update = self._new(found, cause=cause, full_refresh=False)
        update.looks = looks
        return update.id

    def started(self, pipeline: str) -> tuple[bool, ...]:
        """For each update that the API started, oldest first, whether it was a full refresh."""
        return tuple(each.full_refresh for each in self._pipelines[pipeline].updates if each.cause == "API_CALL")

    def fail_next(self, number: int, status: int) -> None:
        """Refuse the next requests with that status."""
        self._failing += [status] * number

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """The status and the body for a request."""
        parts = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        with self._lock:
            if parts.path == "/.well-known/databricks-config":
                return _error(404, "ENDPOINT_NOT_FOUND", "No API found.")
            self.requests.append(f"{method} {parts.path}")
            if self._failing:
                return _error(self._failing.pop(0), "TEMPORARILY_UNAVAILABLE", "Try again later.")
            if headers.get("Authorization") != f"Bearer {self.token}":
                return _error(403, "403", "Invalid access token.")
            found = _PIPELINE.fullmatch(parts.path)
            if found is None:
                return _error(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {parts.path}'")
            pipeline = self._pipelines.get(found["id"])
            if pipeline is None:
                message = f"The specified pipeline {found['id']} was not found."
                return _error(404, "RESOURCE_DOES_NOT_EXIST", message)
            return self._pipeline(method, found, pipeline, query, body)

    def _pipeline(
        self, method: str, found: re.Match[str], pipeline: _Pipeline, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        rest = found["rest"] or ""
        if rest == "/events":
            return self._events(pipeline, query)
        if rest == "/updates" and method == "POST":
            if pipeline.active is not None:
                message = f"An active update {pipeline.active.id} already exists for pipeline '{pipeline.name}'."
                return _error(409, "RESOURCE_CONFLICT", message)
            update = self._new(pipeline, cause="API_CALL", full_refresh=bool(body.get("full_refresh")))
            return 200, {"update_id": update.id}
        if rest == "/updates":
            return 200, {"updates": [_shown(each) for each in reversed(pipeline.updates)]}
        if found["update"]:
            for each in pipeline.updates:
                if each.id == found["update"]:
                    each.looked_at()
                    return 200, {"update": _shown(each)}
            return _error(404, "RESOURCE_DOES_NOT_EXIST", f"The update {found['update']} was not found.")
        active = pipeline.active
        state = "RUNNING" if active is not None and active.looked_at() == "RUNNING" else "IDLE"
        return 200, {"pipeline_id": found["id"], "name": pipeline.name, "state": state}

    def _new(self, pipeline: _Pipeline, *, cause: str, full_refresh: bool) -> _Update:
        created = int(self._clock() * 1000)
        update = _Update(
            str(uuid.uuid4()), cause, created, full_refresh, pipeline.looks, pipeline.ends, pipeline.events
        )
        pipeline.updates.append(update)
        return update

    def _events(self, pipeline: _Pipeline, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        wanted = _FILTER.fullmatch(query.get("filter", ""))
        if wanted is None:
            return _error(400, "INVALID_PARAMETER_VALUE", f"Invalid filter: {query.get('filter', '')}")
        events = [event for each in pipeline.updates if each.id == wanted[1] for event in each.events]
        begin = int(query.get("page_token", "0"))
        page: dict[str, Any] = {"events": events[begin : begin + _PAGE]}
        if begin + _PAGE < len(events):
            page["next_page_token"] = str(begin + _PAGE)
        return 200, page


def _shown(update: _Update) -> dict[str, Any]:
    return {
        "update_id": update.id,
        "state": update.state,
        "cause": update.cause,
        "creation_time": update.created,
        "full_refresh": update.full_refresh,
    }


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"error_code": code, "message": message}


def _handler(workspace: WorkspacePipelines) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = workspace.answer(method, self.path, dict(self.headers.items()), json.loads(sent or b"{}"))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if status in (429, 503):
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are in `requests`, not on stderr."""

    return Handler
