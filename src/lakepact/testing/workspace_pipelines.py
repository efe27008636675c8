"""A workspace on loopback with Lakeflow pipelines: made and changed, updates that start, run and end, and event logs.

The paths and the shapes of answers and errors are those of the REST API, so the real Databricks SDK talks to it.
"""

from __future__ import annotations

import copy
import functools
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.testing.loopback import HttpDouble, Reply
from lakepact.testing.workspace_http import (
    Refused,
    Request,
    Route,
    Router,
    invalid,
    missing,
    no_more_than,
    request_of,
)
from lakepact.testing.workspace_updates import PipelineUpdate, Script, chosen_events

__all__ = ["RunPipeline", "WorkspacePipelines"]

_BASE: Final = "/api/2.0/pipelines"
_NAME_FILTER: Final = re.compile(r"name LIKE '([^']*)'")
_SPEC: Final = {
    *("allow_duplicate_names", "budget_policy_id", "catalog", "channel", "clusters", "configuration", "continuous"),
    *("deployment", "development", "dry_run", "edition", "environment", "event_log", "filters", "gateway_definition"),
    *("id", "ingestion_definition", "libraries", "name", "notifications", "parameters", "photon", "restart_window"),
    *("root_path", "run_as", "schema", "serverless", "storage", "tags", "target", "trigger", "usage_policy_id"),
    *("expected_last_modified", "parent_path", "pipeline_id", "serverless_compute_id"),
}
_UPDATE: Final = {
    *("cause", "development", "full_refresh", "full_refresh_selection", "parameters", "refresh_selection"),
    *("refresh_flow_selection", "replace_where_overrides", "reset_checkpoint_selection", "rewind_spec"),
    "validate_only",
}

# What makes a pipeline one that has something to run.
_WORK: Final = ("libraries", "ingestion_definition", "gateway_definition")

RunPipeline = Callable[
    [str, Mapping[str, Any], PipelineUpdate, Callable[[Mapping[str, Any]], None], threading.Event], Mapping[str, Any]
]
"""Runs an update of a pipeline, of which the id and the settings are given; see `RunUpdate`."""


@dataclass(slots=True)
class _Pipeline:
    name: str
    spec: dict[str, Any] = field(default_factory=dict)
    updates: list[PipelineUpdate] = field(default_factory=list)
    script: Script | None = None
    # How many updates the script is for; None is all.
    times: int | None = None

    @property
    def active(self) -> PipelineUpdate | None:
        return next((each for each in self.updates if each.active), None)

    def next_script(self) -> Script | None:
        """What the next update comes to; None where nothing is told."""
        if self.times is not None:
            self.times -= 1
            if self.times < 0:
                return None
        return self.script


class WorkspacePipelines(HttpDouble):
    """A workspace with pipelines; use it as a context manager, `url` and `token` are for the client.

    `add_pipeline` makes one; `next_update` says what its next updates come to; `start` begins one from elsewhere, which
    makes the pipeline busy. A start while one runs is refused, as there. Pages of events hold `page`. `requests` are
    the method and path of what was asked, in order; `fail_next(number, status)` refuses the next requests.

    `run` runs updates of pipelines that have something to run, where nothing else was told; all others complete.

    >>> with WorkspacePipelines() as workspace:
    ...     pipeline = workspace.add_pipeline("orders")
    ...     workspace.next_update(pipeline, ends="FAILED", looks=0)
    ...     workspace.started(pipeline)
    ()
    """

    def __init__(
        self,
        *,
        token: str = "dapi-for-tests",
        user: str = "ada@example.com",
        clock: Callable[[], float] = time.time,
        page: int = 2,
        run: RunPipeline | None = None,
    ) -> None:
        """A workspace without pipelines, that is not answering yet."""
        super().__init__()
        self.token = token
        self.requests: list[str] = []
        self._clock = clock
        self._pipelines: dict[str, _Pipeline] = {}
        self._failing: list[int] = []
        self._user = user
        self._page = page
        self._run = run
        self._lock = threading.Lock()
        self._router = Router(self._routes())

    @property
    def specs(self) -> dict[str, dict[str, Any]]:
        """What each pipeline was made with, by its id."""
        return {key: pipeline.spec for key, pipeline in self._pipelines.items()}

    def add_pipeline(self, name: str, **settings: Any) -> str:
        """Add a pipeline with these settings; its id."""
        key = str(uuid.uuid4())
        self._pipelines[key] = _Pipeline(name, {"name": name, **settings})
        return key

    def next_update(
        self,
        pipeline: str,
        *,
        ends: str = "COMPLETED",
        looks: int = 1,
        events: Sequence[Mapping[str, Any]] = (),
        times: int | None = None,
    ) -> None:
        """What updates that start from now on come to: how they end, after how many looks, with which events.

        None of them runs anything. `times` is how many they are; without it all of them.
        """
        found = self._pipelines[pipeline]
        found.script, found.times = Script(ends, looks, events), times

    def start(self, pipeline: str, *, cause: str = "USER_ACTION", looks: int = 2) -> str:
        """Begin an update from elsewhere; its id."""
        return self._new(pipeline, cause=cause, asked={}, script=Script(looks=looks)).id

    def started(self, pipeline: str) -> tuple[bool, ...]:
        """For each update that the API started, oldest first, whether it was a full refresh."""
        return tuple(each.full_refresh for each in self._pipelines[pipeline].updates if each.cause == "API_CALL")

    def cancel_all(self) -> None:
        """Stop every update that has not ended, and wait until all have."""
        running = [each for found in self._pipelines.values() for each in found.updates if each.active]
        for each in running:
            each.stop()
        for each in running:
            if each.script is None:
                each.over.wait(30)

    def fail_next(self, number: int, status: int) -> None:
        """Refuse the next requests with that status."""
        self._failing += [status] * number

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a request."""
        request = request_of(method, target, headers, body)
        with self._lock:
            if request.path == "/.well-known/databricks-config":
                return Refused(404, "ENDPOINT_NOT_FOUND", "No API found.").reply
            self.requests.append(f"{method} {request.path}")
            if self._failing:
                status = self._failing.pop(0)
                headers = {"Retry-After": "1"} if status in (429, 503) else {}
                return Refused(status, "TEMPORARILY_UNAVAILABLE", "Try again later.", headers).reply
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return Refused(403, "403", "Invalid access token.").reply
            return self._router.answer(request)

    def _routes(self) -> Iterator[Route]:
        one = f"{_BASE}/{{id}}"
        yield Route("POST", _BASE, self._create)
        yield Route("GET", _BASE, self._list)
        yield Route("GET", one, self._get)
        yield Route("PUT", one, self._edit)
        yield Route("DELETE", one, self._delete)
        yield Route("POST", f"{one}/updates", self._start)
        yield Route("GET", f"{one}/updates", self._updates)
        yield Route("GET", f"{one}/updates/{{update}}", self._update)
        yield Route("GET", f"{one}/events", self._events)
        yield Route("POST", f"{one}/stop", self._stop)

    def _found(self, request: Request) -> _Pipeline:
        found = self._pipelines.get(request.places["id"])
        if found is None:
            raise missing(f"The specified pipeline {request.places['id']} was not found.")
        return found

    def _checked(self, request: Request, own: str = "") -> dict[str, Any]:
        spec = request.fields(_SPEC, needed=["name"])
        for library in spec.get("libraries", []):
            no_more_than(library, {"file", "glob", "jar", "maven", "notebook", "whl"}, "libraries.")
        if spec.get("catalog") and not (spec.get("schema") or spec.get("target")):
            raise invalid("A pipeline with a catalog needs a schema.")
        if not spec.pop("allow_duplicate_names", False):
            for key, each in self._pipelines.items():
                if each.name == spec["name"] and key != own:
                    message = f"The pipeline name '{spec['name']}' is already used by another pipeline."
                    raise Refused(409, "RESOURCE_CONFLICT", message)
        return spec

    def _create(self, request: Request) -> dict[str, Any]:
        spec = self._checked(request)
        if spec.pop("dry_run", False):
            return {"effective_settings": spec}
        key = str(uuid.uuid4())
        self._pipelines[key] = _Pipeline(spec["name"], spec)
        return {"pipeline_id": key}

    def _edit(self, request: Request) -> dict[str, Any]:
        found = self._found(request)
        spec = self._checked(request, request.places["id"])
        for name in ("expected_last_modified", "pipeline_id"):
            spec.pop(name, None)
        found.name, found.spec = spec["name"], spec
        return {}

    def _delete(self, request: Request) -> dict[str, Any]:
        if (active := self._found(request).active) is not None:
            active.stop()
        del self._pipelines[request.places["id"]]
        return {}

    def _list(self, request: Request) -> dict[str, Any]:
        wanted = _NAME_FILTER.fullmatch(request.query.get("filter", "name LIKE '%'"))
        if wanted is None:
            raise invalid(f"Invalid filter: {request.query['filter']}")
        like = re.compile(".*".join(map(re.escape, wanted[1].split("%"))))
        found = [
            {"pipeline_id": key, "name": each.name, "state": _state(each), "creator_user_name": self._user}
            for key, each in self._pipelines.items()
            if like.fullmatch(each.name)
        ]
        return {"statuses": found} if found else {}

    def _get(self, request: Request) -> dict[str, Any]:
        pipeline, key = self._found(request), request.places["id"]
        if (active := pipeline.active) is not None:
            active.looked_at()
        run_as = pipeline.spec.get("run_as", {})
        return {
            "pipeline_id": key,
            "name": pipeline.name,
            "state": _state(pipeline),
            "spec": pipeline.spec | {"id": key},
            "creator_user_name": self._user,
            "run_as_user_name": run_as.get("service_principal_name") or run_as.get("user_name") or self._user,
            "latest_updates": [each.shown for each in reversed(pipeline.updates)],
        }

    def _start(self, request: Request) -> dict[str, Any]:
        pipeline, asked = self._found(request), request.fields(_UPDATE)
        if pipeline.active is not None:
            message = f"An active update {pipeline.active.id} already exists for pipeline '{pipeline.name}'."
            raise Refused(409, "RESOURCE_CONFLICT", message)
        return {"update_id": self._new(request.places["id"], cause="API_CALL", asked=asked).id}

    def _updates(self, request: Request) -> dict[str, Any]:
        return {"updates": [each.shown for each in reversed(self._found(request).updates)]}

    def _update(self, request: Request) -> dict[str, Any]:
        pipeline, wanted = self._found(request), request.places["update"]
        for each in pipeline.updates:
            if each.id == wanted:
                each.looked_at()
                return {"update": each.shown | {"pipeline_id": request.places["id"]}}
        raise missing(f"The update {wanted} was not found.")

    def _stop(self, request: Request) -> dict[str, Any]:
        if (active := self._found(request).active) is not None:
            active.stop()
        return {}

    def _new(self, id: str, *, cause: str, asked: Mapping[str, Any], script: Script | None = None) -> PipelineUpdate:
        pipeline = self._pipelines[id]
        told = script or pipeline.next_script()
        runs = told is None and self._run is not None and any(pipeline.spec.get(each) for each in _WORK)
        spec = copy.deepcopy(pipeline.spec)
        update = PipelineUpdate(
            cause=cause,
            user=self._user,
            clock=self._clock,
            origin={
                "pipeline_id": id,
                "pipeline_name": pipeline.name,
                "pipeline_type": "WORKSPACE",
                "uc_resource_id": id,
                "catalog": spec.get("catalog", ""),
                "schema": spec.get("schema", spec.get("target", "")),
            },
            asked=asked,
            script=None if runs else told or Script(),
        )
        pipeline.updates.append(update)
        if runs and self._run is not None:
            work = functools.partial(self._run, id, spec, update)
            threading.Thread(target=update.run, args=(work,), daemon=True).start()
        return update

    def _events(self, request: Request) -> dict[str, Any]:
        pipeline, query = self._found(request), request.query
        events = chosen_events(pipeline.updates, query.get("filter", ""), query.get("order_by", ""))
        begin, size = int(query.get("page_token", "0")), min(self._page, int(query.get("max_results", "25")))
        page: dict[str, Any] = {"events": events[begin : begin + size]}
        if begin + size < len(events):
            page["next_page_token"] = str(begin + size)
        return page


def _state(pipeline: _Pipeline) -> str:
    return "RUNNING" if pipeline.active is not None else "IDLE"
