"""A Databricks workspace for tests: what the real CLI deploys a bundle to, and the real SDK talks to, on loopback.

>>> with Workspace() as workspace:
...     workspace.url.startswith("http://127.0.0.1:"), workspace.unknown
(True, ())
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lakepact.testing.loopback import HttpDouble, Reply, json_reply
from lakepact.testing.workspace_access import OPEN_PATHS, Access, Principal
from lakepact.testing.workspace_apps import WorkspaceApps
from lakepact.testing.workspace_catalog import WorkspaceCatalog
from lakepact.testing.workspace_engine import PipelineWork, WorkspaceEngine
from lakepact.testing.workspace_files import WorkspaceFiles
from lakepact.testing.workspace_http import Asked, Faults, Refused, Request, Route, Router, missing, request_of
from lakepact.testing.workspace_jobs import Job, WorkspaceJobs
from lakepact.testing.workspace_permissions import WorkspacePermissions
from lakepact.testing.workspace_pipelines import WorkspacePipelines
from lakepact.testing.workspace_runs import WorkspaceRuns
from lakepact.testing.workspace_secrets import WorkspaceSecrets
from lakepact.testing.workspace_statements import WorkspaceStatements
from lakepact.testing.workspace_tables import WorkspaceTables
from lakepact.testing.workspace_tasks import Outcome, WheelTask, run_wheel_task
from lakepact.testing.workspace_updates import PipelineUpdate

__all__ = ["Asked", "Workspace"]

_EVENTS_PAGE: Final = 250


class Workspace(HttpDouble):
    """A workspace of the user `user`; use it as a context manager, `url` and `token` are for the client.

    What is in it: `files` (workspace files), `catalog` (schemas, volumes with their files, grants; below `catalogs`),
    `secrets`, `pipelines`, `jobs` and their `runs`, `apps`, `permissions`, `tables` (with tags), and a SQL warehouse
    with the id `warehouse`. It answers statements where `spark` is given, a local session with Delta.

    A run of a job does the work of its wheel tasks: the entry point of the wheel that was uploaded, in a process of
    this Python, whose packages stand for those of the environment. An update of a pipeline runs the sources that were
    uploaded, on the local engine in a process of its own, unless `pipelines.next_update` says what it comes to. Its
    tables are Delta tables below `storage`: `warehouse/SCHEMA.db/TABLE`, whatever the catalog. Where `spark` has its
    tables there too, pipelines read what statements write. Apps, notebooks and schedules do not run.

    `requests` are what was asked, in order, and `unknown` the paths among them that the double does not have: a test
    of a client wants none. Switches: `fail`, `expire_tokens`, `add_service_principal`.
    """

    def __init__(
        self,
        *,
        token: str = "dapi-for-tests",
        user: str = "ada@example.com",
        catalogs: Sequence[str] = ("main",),
        warehouse: str = "0123456789abcdef",
        spark: Any = None,
        storage: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.token = token
        self.user = user
        self.warehouse = warehouse
        self.requests: list[Asked] = []
        self._faults = Faults()
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._access = Access(token=token, user=user, url=lambda: self.url, clock=clock)
        self.files = WorkspaceFiles(home=f"/Users/{user}", clock=clock)
        self.catalog = WorkspaceCatalog(catalogs=catalogs, folder=lambda: self._folder, owner=user, clock=clock)
        self.secrets = WorkspaceSecrets(user=user, clock=clock)
        self._engine = WorkspaceEngine(
            files=self.files,
            lock=self._lock,
            folder=lambda: self._folder,
            storage=lambda: storage or self._folder / "lake",
        )
        self.pipelines = WorkspacePipelines(
            token=token, user=user, clock=clock, page=_EVENTS_PAGE, run=self._run_update
        )
        self.tables = WorkspaceTables(token=token)
        self.statements = None if spark is None else WorkspaceStatements(spark, token=token, warehouse=warehouse)
        self.apps = WorkspaceApps(
            user=user, clock=clock, has_scope=lambda name: name in self.secrets.scopes, has_path=self._has_folder
        )
        self.jobs = WorkspaceJobs(user, clock, self._has_pipeline, lambda id: self.runs.cancel_of(id))
        self.runs = WorkspaceRuns(self.jobs, work=self._work, ask=self._ask, user=user, clock=clock, lock=self._lock)
        self.permissions = WorkspacePermissions(known=self._kinds(), user=user)
        self._open = Router(self._access.routes())
        self._router = Router(self._routes())
        for part in self._mounted.values():
            part.part_of(self)

    def __exit__(self, *error: object) -> None:
        self.runs.cancel_all()
        self.pipelines.cancel_all()
        if self.statements is not None:
            self.statements.cancel_all()
        self._engine.close()
        super().__exit__(*error)
        if "_folder" in self.__dict__:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which the CLI and the SDK find this workspace and nothing else."""
        return {"DATABRICKS_HOST": self.url, "DATABRICKS_TOKEN": self.token, "DATABRICKS_CONFIG_FILE": os.devnull}

    @property
    def unknown(self) -> tuple[str, ...]:
        """Method and path of each request that the double has no path for."""
        return tuple(f"{each.method} {each.path}" for each in self.requests if each.unknown)

    def asked(self, method: str, path: str = "") -> tuple[str, ...]:
        """The paths of the requests of a method that start so, in order."""
        return tuple(each.path for each in self.requests if each.method == method and each.path.startswith(path))

    def fail(
        self,
        status: int,
        *,
        code: str = "",
        message: str = "Try again later.",
        method: str = "",
        path: str = "^/api/",
        times: int = 1,
        retry_after: int | None = None,
    ) -> None:
        """Refuse the next requests whose path holds a match of `path`, with a header Retry-After where it is given."""
        known = {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL_ERROR", 503: "TEMPORARILY_UNAVAILABLE"}
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        refusal = Refused(status, code or known.get(status, str(status)), message, headers)
        with self._lock:
            self._faults.add(refusal, method=method, path=path, times=times)

    def expire_tokens(self) -> None:
        """Every token that OAuth gave out has expired: what comes with one is answered with 401."""
        with self._lock:
            self._access.expire()

    def add_service_principal(self, client_id: str, secret: str) -> None:
        """Add a service principal that logs in by OAuth with this secret."""
        self._access.add_service_principal(client_id, secret)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The answer to a request; None where the connection ends without one."""
        request = request_of(method, target, headers, body)
        reply = self._answered(request, target)
        status = 0 if reply is None else reply.status
        unknown = reply is not None and status == 404 and b'"ENDPOINT_NOT_FOUND"' in reply.body
        query = target.partition("?")[2]
        with self._lock:
            self.requests.append(Asked(method, request.path, query, status, body, unknown))
        return reply and Reply(reply.status, reply.body, {"X-Databricks-Org-Id": "1", **reply.headers})

    def _answered(self, request: Request, target: str) -> Reply | None:
        with self._lock:
            if (fault := self._faults.take(request)) is not None:
                return fault.reply
            if request.path.startswith(OPEN_PATHS):
                return self._open.answer(request)
        if self.statements is not None and request.path.startswith("/storage/"):
            return self.statements.answer(request.method, target, request.headers, request.body)
        try:
            principal = self._access.principal(request.headers)
            if not principal.service:
                return self._answer_of(principal, request, target)
            with self._lock:
                self.permissions.check(principal.name, request)
        except Refused as refused:
            return refused.reply
        reply = self._answer_of(principal, request, target)
        if reply is not None and reply.status == 200:
            with self._lock:
                self.permissions.made(principal.name, request, reply.body)
        return reply

    def _answer_of(self, principal: Principal, request: Request, target: str) -> Reply | None:
        """The answer to somebody who may ask."""
        for prefix, part in self._mounted.items():
            if request.path.startswith(prefix):
                headers = dict(request.headers) | {"authorization": f"Bearer {self.token}"}
                return part.answer(request.method, target, headers, request.body)
        with self._lock:
            if request.path == "/api/2.0/preview/scim/v2/Me" and request.method == "GET":
                return json_reply(200, principal.shown)
            return self._router.answer(request)

    @cached_property
    def _mounted(self) -> dict[str, HttpDouble]:
        """The doubles that stand for a part of the API, by how their paths start."""
        mounted: dict[str, HttpDouble] = {
            "/api/2.0/pipelines": self.pipelines,
            "/api/2.1/unity-catalog/tables": self.tables,
            "/api/2.1/unity-catalog/entity-tag-assignments": self.tables,
        }
        return mounted if self.statements is None else mounted | {"/api/2.0/sql/statements": self.statements}

    def _routes(self) -> Iterator[Route]:
        for part in (self.files, self.catalog, self.secrets, self.jobs, self.runs, self.apps, self.permissions):
            yield from part.routes()
        yield Route("GET", "/api/2.0/sql/warehouses", lambda _: {"warehouses": [self._warehouse()]})
        yield Route("GET", "/api/2.0/sql/warehouses/{id}", self._one_warehouse)

    def _warehouse(self) -> dict[str, Any]:
        return {"id": self.warehouse, "name": "Tests", "cluster_size": "2X-Small", "state": "RUNNING"}

    def _one_warehouse(self, request: Request) -> dict[str, Any]:
        if request.places["id"] != self.warehouse:
            raise missing(f"SQL warehouse {request.places['id']} does not exist.")
        return self._warehouse()

    def _kinds(self) -> dict[str, Callable[[str], bool]]:
        return {
            "jobs": lambda id: id.isdecimal() and int(id) in self.jobs.jobs,
            "pipelines": self._has_pipeline,
            "apps": lambda name: name in self.apps.apps,
            "directories": self.files.has_id,
            "sql/warehouses": lambda id: id == self.warehouse,
        }

    def _has_pipeline(self, id: str) -> bool:
        return id in self.pipelines.specs

    def _has_folder(self, path: str) -> bool:
        return path.removeprefix("/Workspace") in self.files.folders()

    @cached_property
    def _folder(self) -> Path:
        """Where volumes and runs are on this machine, as long as the double is used."""
        return Path(tempfile.mkdtemp(prefix="lakepact-workspace-"))

    def _ask(self, method: str, path: str, body: bytes) -> Reply:
        reply = self.answer(method, path, {"authorization": f"Bearer {self.token}"}, body)
        if reply is None:
            raise Refused(500, "INTERNAL_ERROR", "The connection ended without an answer.")
        return reply

    def _work(
        self, job: Job, task: Mapping[str, Any], parameters: Sequence[str] | None, stopped: threading.Event
    ) -> Outcome:
        """Do a wheel task, as the one that the job runs as."""
        environments = {each["environment_key"]: each.get("spec", {}) for each in job.settings.get("environments", [])}
        wanted = environments.get(task.get("environment_key", ""), {}).get("dependencies", [])
        libraries = [each["whl"] for each in task.get("libraries", []) if "whl" in each]
        folder = self._folder / "runs" / str(next(self._numbers))
        with self._lock:
            self.files.write_to(folder / "Workspace")
        wheel = WheelTask(
            work=task["python_wheel_task"],
            dependencies=[*wanted, *libraries],
            files=self.files,
            folder=folder,
            volumes=self._folder / "Volumes",
            environment=self._environment_of(job.run_as),
        )
        seconds = float(task.get("timeout_seconds") or job.settings.get("timeout_seconds") or 0)
        try:
            return run_wheel_task(wheel, parameters=parameters, stopped=stopped, seconds=seconds)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run_update(
        self,
        id: str,
        spec: Mapping[str, Any],
        update: PipelineUpdate,
        heard: Callable[[Mapping[str, Any]], None],
        stopped: threading.Event,
    ) -> Mapping[str, Any]:
        """Run an update of a pipeline, as the one that it runs as; its tables are in Unity Catalog then."""
        given = spec.get("run_as", {})
        work = PipelineWork(
            update_id=update.id,
            pipeline_id=id,
            spec=spec,
            asked=update.asked,
            environment=self._environment_of(
                str(given.get("service_principal_name") or given.get("user_name") or self.user)
            ),
        )
        said = self._engine.run(work, heard, stopped)
        for name, described in said["tables"].items():
            self.tables.add_table(f"{work.catalog}.{work.schema}.{name}", pipeline_id=id, **described)
        return said

    def _environment_of(self, name: str) -> dict[str, str]:
        """The variables with which the work of a principal finds this workspace."""
        with self._lock:
            token = self._access.token_for(Principal("", name, service=name != self.user))
        return self.environment | {"DATABRICKS_TOKEN": token}
