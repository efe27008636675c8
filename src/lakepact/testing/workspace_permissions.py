"""Permissions of the workspace double: who may do what with jobs, pipelines, apps and folders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lakepact.testing.workspace_http import Refused, Request, Route, invalid, missing, no_more_than

__all__ = ["WorkspacePermissions"]

_LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "jobs": ("CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"),
    "pipelines": ("CAN_VIEW", "CAN_RUN", "IS_OWNER", "CAN_MANAGE"),
    "apps": ("CAN_USE", "CAN_MANAGE"),
    "directories": ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
    "sql/warehouses": ("CAN_USE", "CAN_MONITOR", "IS_OWNER", "CAN_MANAGE"),
}
_PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")
# What takes a right: the path, the kind of object, and the lowest level that will do.
_GUARDED: Final = (
    (re.compile(r"/api/2\.0/pipelines/([^/]+)/(?:updates|stop)"), "pipelines", "CAN_RUN"),
    (re.compile(r"/api/2\.[12]/jobs/run-now"), "jobs", "CAN_MANAGE_RUN"),
)
_MADE: Final = (
    (re.compile(r"/api/2\.0/pipelines"), "pipelines", "pipeline_id"),
    (re.compile(r"/api/2\.[12]/jobs/create"), "jobs", "job_id"),
)
Rights = dict[tuple[str, str], str]


class WorkspacePermissions:
    """Rights by kind and id of an object, each by kind and name of a principal.

    `known` says for each kind whether an object is there. Whoever makes a job or a pipeline is its owner. The user may
    do everything; a service principal runs only what it has the right to, whoever it is that runs there.
    """

    def __init__(self, *, known: Mapping[str, Callable[[str], bool]], user: str) -> None:
        self._known = known
        self._user = user
        self._rights: dict[tuple[str, str], Rights] = {}

    def of(self, kind: str, id: str) -> dict[str, str]:
        """The level of each principal on an object; its maker has none that is listed, until somebody sets it."""
        return {name: level for (_, name), level in self._held(kind, id).items()}

    def forget(self, kind: str, id: str) -> None:
        """An object is gone."""
        self._rights.pop((kind, id), None)

    def check(self, service: str, request: Request) -> None:
        """Refuse with 403 what this service principal has no right to: to run a pipeline or a job of others."""
        for path, kind, needed in _GUARDED:
            if request.method == "POST" and (found := path.fullmatch(request.path)):
                id = found[1] if path.groups else str(request.fields().get("job_id"))
                level = self._held(kind, id).get(("service_principal_name", service), "")
                enough = _LEVELS[kind][_LEVELS[kind].index(needed) :]
                if level not in enough and self._known[kind](id):
                    words = f"User {service} does not have {needed} permissions on {kind.rstrip('s')} {id}."
                    raise Refused(403, "PERMISSION_DENIED", words)

    def made(self, service: str, request: Request, answer: bytes) -> None:
        """Note that this service principal owns what a request of it has made."""
        for path, kind, key in _MADE:
            if request.method == "POST" and path.fullmatch(request.path) and (id := json.loads(answer).get(key)):
                self._rights[kind, str(id)] = {("service_principal_name", service): "IS_OWNER"}

    def routes(self) -> Iterator[Route]:
        """The API of permissions."""
        for path in ("/api/2.0/permissions/{kind}/{id}", "/api/2.0/permissions/{group}/{kind}/{id}"):
            yield Route("GET", path, self._get)
            yield Route("PUT", path, self._set)
            yield Route("PATCH", path, self._add)

    def _object(self, request: Request) -> tuple[str, str]:
        places = request.places
        kind, id = "/".join(filter(None, (places.get("group"), places["kind"]))), places["id"]
        if kind not in self._known or kind not in _LEVELS:
            raise invalid(f"'{kind}' is not a supported object type.")
        if not self._known[kind](id):
            raise missing(f"{kind} {id} does not exist.")
        return kind, id

    def _held(self, kind: str, id: str) -> Rights:
        owner = "IS_OWNER" if "IS_OWNER" in _LEVELS[kind] else "CAN_MANAGE"
        return self._rights.get((kind, id), {("user_name", self._user): owner})

    def _get(self, request: Request) -> dict[str, Any]:
        kind, id = self._object(request)
        shown = [
            {who: name, "all_permissions": [{"permission_level": level, "inherited": False}]}
            for (who, name), level in self._held(kind, id).items()
        ]
        return {"object_id": f"/{kind}/{id}", "object_type": kind.rstrip("s"), "access_control_list": shown}

    def _set(self, request: Request) -> dict[str, Any]:
        kind, id = self._object(request)
        given = self._given(request, kind)
        if "IS_OWNER" in _LEVELS[kind] and list(given.values()).count("IS_OWNER") != 1:
            raise invalid(f"The {kind.rstrip('s')} must have exactly one owner.")
        self._rights[kind, id] = given
        return self._get(request)

    def _add(self, request: Request) -> dict[str, Any]:
        kind, id = self._object(request)
        self._rights[kind, id] = self._held(kind, id) | self._given(request, kind)
        return self._get(request)

    def _given(self, request: Request, kind: str) -> Rights:
        rights: Rights = {}
        for entry in request.fields({"access_control_list"}).get("access_control_list", []):
            no_more_than(entry, {*_PRINCIPALS, "permission_level"}, "access_control_list.")
            principals = [(who, entry[who]) for who in _PRINCIPALS if entry.get(who)]
            if len(principals) != 1:
                raise invalid(f"Exactly one of {', '.join(_PRINCIPALS)} must be given.")
            level = entry.get("permission_level")
            if level not in _LEVELS[kind]:
                raise invalid(f"'{level}' is not a permission of {kind}.")
            rights[principals[0]] = level
        return rights
