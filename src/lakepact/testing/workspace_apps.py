"""Apps of the workspace double: they are made, deployed, started and stopped, and nothing of them runs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from lakepact.testing.workspace_http import Refused, Request, Route, exists_already, invalid, missing

__all__ = ["WorkspaceApps"]

_BASE: Final = "/api/2.0/apps"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,28}[a-z0-9]")
_FIELDS: Final = {
    *("name", "description", "resources", "budget_policy_id", "usage_policy_id", "user_api_scopes", "compute_size"),
    *("compute_min_instances", "compute_max_instances", "git_repository", "telemetry_export_destinations", "space"),
}
_DEPLOYMENT: Final = {"source_code_path", "mode", "command", "env_vars", "deployment_id", "git_source"}


class WorkspaceApps:
    """Apps by name. `has_scope` says whether a secret scope is there, `has_path` whether a folder is."""

    def __init__(
        self,
        *,
        user: str,
        clock: Callable[[], float],
        has_scope: Callable[[str], bool],
        has_path: Callable[[str], bool],
    ) -> None:
        self.apps: dict[str, dict[str, Any]] = {}
        self._user = user
        self._clock = clock
        self._has_scope = has_scope
        self._has_path = has_path
        self._updates: dict[str, dict[str, Any]] = {}
        self._deployments: dict[str, dict[str, dict[str, Any]]] = {}

    def routes(self) -> Iterator[Route]:
        """The API of apps."""
        yield Route("POST", _BASE, self._create)
        yield Route("GET", _BASE, self._list)
        yield Route("GET", f"{_BASE}/{{name}}", self._get)
        yield Route("PATCH", f"{_BASE}/{{name}}", self._change)
        yield Route("DELETE", f"{_BASE}/{{name}}", self._delete)
        yield Route("POST", f"{_BASE}/{{name}}/update", self._update)
        yield Route("GET", f"{_BASE}/{{name}}/update", self._updated)
        yield Route("POST", f"{_BASE}/{{name}}/start", self._start)
        yield Route("POST", f"{_BASE}/{{name}}/stop", self._stop)
        yield Route("POST", f"{_BASE}/{{name}}/deployments", self._deploy)
        yield Route("GET", f"{_BASE}/{{name}}/deployments", self._deployed)
        yield Route("GET", f"{_BASE}/{{name}}/deployments/{{id}}", self._deployment)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _found(self, request: Request) -> dict[str, Any]:
        if (found := self.apps.get(request.places["name"])) is None:
            raise missing(f"App with name {request.places['name']} does not exist or is deleted.")
        return found

    def _create(self, request: Request) -> dict[str, Any]:
        given = request.fields(_FIELDS, needed=["name"])
        name = given["name"]
        if not _NAME.fullmatch(name):
            raise invalid(f"App name must be 2-30 lowercase letters, digits or hyphens, not '{name}'.")
        if name in self.apps:
            raise exists_already(f"An app with the same name already exists: {name}")
        self._check_resources(given)
        state = "STOPPED" if request.query.get("no_compute") == "true" else "ACTIVE"
        made = {
            "id": str(uuid.uuid4()),
            "creator": self._user,
            "updater": self._user,
            "create_time": self._now(),
            "update_time": self._now(),
            "url": f"https://{name}-1.aws.databricksapps.invalid",
            "service_principal_id": 3000 + len(self.apps),
            "service_principal_client_id": str(uuid.uuid4()),
            "service_principal_name": f"app-{name}",
            "default_source_code_path": "",
        }
        self.apps[name] = {"compute_size": "MEDIUM"} | given | made
        self._compute(self.apps[name], state)
        return self.apps[name]

    def _compute(self, app: dict[str, Any], state: str) -> None:
        app["compute_status"] = {"state": state, "message": f"App compute is {state.lower()}."}
        running = state == "ACTIVE" and app.get("active_deployment") is not None
        app["app_status"] = {
            "state": "RUNNING" if running else "UNAVAILABLE",
            "message": "" if running else "not deployed",
        }

    def _check_resources(self, given: dict[str, Any]) -> None:
        for resource in given.get("resources", []):
            secret = resource.get("secret")
            if secret is not None and not self._has_scope(secret.get("scope", "")):
                raise missing(f"Secret scope {secret.get('scope')} does not exist.")

    def _list(self, request: Request) -> dict[str, Any]:
        return {"apps": list(self.apps.values())} if self.apps else {}

    def _get(self, request: Request) -> dict[str, Any]:
        return self._found(request)

    def _change(self, request: Request) -> dict[str, Any]:
        app, given = self._found(request), request.fields(_FIELDS)
        self._check_resources(given)
        app.update(given, update_time=self._now())
        return app

    def _update(self, request: Request) -> dict[str, Any]:
        app, body = self._found(request), request.fields({"app", "update_mask"}, needed=["update_mask"])
        given = body.get("app", {})
        self._check_resources(given)
        for name in body["update_mask"].split(","):
            if name not in _FIELDS:
                raise invalid(f"Unknown field in update_mask: {name}")
            app.pop(name, None)
            if name in given:
                app[name] = given[name]
        app.setdefault("compute_size", "MEDIUM")
        app["update_time"] = self._now()
        self._updates[app["name"]] = {"status": {"state": "SUCCEEDED", "message": ""}} | given
        return self._updates[app["name"]]

    def _updated(self, request: Request) -> dict[str, Any]:
        return self._updates.get(self._found(request)["name"], {"status": {"state": "NOT_UPDATED"}})

    def _delete(self, request: Request) -> dict[str, Any]:
        app = self._found(request)
        self._deployments.pop(app["name"], None)
        return self.apps.pop(app["name"])

    def _start(self, request: Request) -> dict[str, Any]:
        self._compute(app := self._found(request), "ACTIVE")
        return app

    def _stop(self, request: Request) -> dict[str, Any]:
        app = self._found(request)
        app.pop("active_deployment", None)
        self._compute(app, "STOPPED")
        return app

    def _deploy(self, request: Request) -> dict[str, Any]:
        app, given = self._found(request), request.fields(_DEPLOYMENT)
        if app["compute_status"]["state"] != "ACTIVE":
            raise Refused(400, "BAD_REQUEST", f"App {app['name']} is not running; start it first.")
        path = given.get("source_code_path") or app["default_source_code_path"]
        if not self._has_path(path):
            raise missing(f"Source code path {path} does not exist.")
        deployment = given | {
            "deployment_id": uuid.uuid4().hex,
            "source_code_path": path,
            "mode": given.get("mode", "SNAPSHOT"),
            "creator": self._user,
            "create_time": self._now(),
            "update_time": self._now(),
            "status": {"state": "SUCCEEDED", "message": "App started successfully"},
        }
        app.update(active_deployment=deployment, default_source_code_path=path)
        self._compute(app, "ACTIVE")
        self._deployments.setdefault(app["name"], {})[deployment["deployment_id"]] = deployment
        return deployment

    def _deployed(self, request: Request) -> dict[str, Any]:
        found = self._deployments.get(self._found(request)["name"], {})
        return {"app_deployments": list(found.values())} if found else {}

    def _deployment(self, request: Request) -> dict[str, Any]:
        found = self._deployments.get(self._found(request)["name"], {}).get(request.places["id"])
        if found is None:
            raise missing(f"Deployment {request.places['id']} does not exist.")
        return found
