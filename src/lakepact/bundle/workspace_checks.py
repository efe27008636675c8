"""Looks in a workspace for what a target of a bundle needs there, and says what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol
from urllib.parse import quote

from lakepact.bundle.target import Target
from lakepact.sql import identifier, qualified

__all__ = ["NotAllowed", "State", "WorkspaceAnswers", "WorkspaceFinding", "check_workspace", "known_of"]

_CATALOG_API: Final = "/api/2.1/unity-catalog"
_APP_PRINCIPAL: Final = "service_principal_client_id"
_ENOUGH: Final[Mapping[str, tuple[str, ...]]] = {
    "CAN_USE": ("CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER"),
    "CAN_MANAGE_RUN": ("CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"),
    "CAN_RUN": ("CAN_RUN", "CAN_MANAGE", "IS_OWNER"),
    "READ": ("READ", "WRITE", "MANAGE"),
}
_SECRETS: Final = {
    "webhook": "the first line that `lakepact webhook secret` prints",
    "collibra": "the secret of the client in Collibra",
}
# What is no name of anybody, because a variable has no value or something is not deployed yet.
_OPEN: Final = "${"


class State(StrEnum):
    """How something stands."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """Whoever asks may not look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFinding:
    """What was looked for, how it stands, and the statement or command that gives it."""

    what: str
    state: State
    detail: str = ""
    how: str = ""


class NotAllowed(Exception):
    """Whoever asks may not know that; the text is what the workspace says."""


class WorkspaceAnswers(Protocol):
    """Asks a workspace."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
        """The answer to GET; None where there is nothing like that.

        Raises NotAllowed where the workspace refuses to say, RemoteFailed where it does not answer.
        """
        ...


def known_of(me: Mapping[str, Any]) -> dict[str, str]:
    """What references to the user mean, by the answer of `/api/2.0/preview/scim/v2/Me`.

    >>> known_of({"userName": "ada.b@example.com"})["workspace.current_user.short_name"]
    'ada_b'
    """
    name = str(me.get("userName", ""))
    short = "".join(each if each.isalnum() else "_" for each in name.partition("@")[0])
    return {
        "workspace.current_user.userName": name,
        "workspace.current_user.short_name": short,
        "workspace.current_user.domain_friendly_name": short.replace("_", "-"),
    }


def check_workspace(target: Target, answers: WorkspaceAnswers) -> tuple[WorkspaceFinding, ...]:
    """Everything that the target needs, in the order in which it is made.

    Rights count where a principal has them itself, on the thing or on the catalog above; a right by a group is not
    seen. Raises RemoteFailed where the workspace does not answer.
    """
    checks = _Checks(target, answers)
    return tuple(checks.all())


class _Checks:
    def __init__(self, target: Target, answers: WorkspaceAnswers) -> None:
        self._answers = answers
        principals: dict[str, str] = {}
        self._apps: dict[str, Mapping[str, Any] | None] = {}
        for key, app in target.of("apps"):
            found = self._quiet(f"/api/2.0/apps/{quote(str(app['name']), safe='')}")
            self._apps[key] = found
            if found is not None and found.get(_APP_PRINCIPAL):
                principals[f"resources.apps.{key}.{_APP_PRINCIPAL}"] = str(found[_APP_PRINCIPAL])
        self._target = replace(target, known={**target.known, **principals})
        self._deploy = f"databricks bundle deploy --target {target.name}"
        self._principals = principals.values()

    def all(self) -> Iterator[WorkspaceFinding]:
        yield from self._variables()
        yield from self._warehouse()
        yield from self._catalogs()
        for kind, api in (("schemas", "schema"), ("volumes", "volume")):
            for _, each in self._target.of(kind):
                yield from self._securable(api, each)
        yield from self._tables()
        yield from self._scopes()
        yield from self._settings()
        yield from self._jobs_and_pipelines()
        yield from self._app()

    def _variables(self) -> Iterator[WorkspaceFinding]:
        for name in self._target.lacking:
            how = f"give it: --var {name}=..., BUNDLE_VAR_{name}, or variable-overrides.json"
            yield _missing(f"variable {name}", "it has no value", how)

    def _warehouse(self) -> Iterator[WorkspaceFinding]:
        warehouse = self._target.resolved("${var.warehouse_id}")
        if _OPEN in warehouse:
            return
        what = f"SQL warehouse {warehouse}"
        path = f"/api/2.0/sql/warehouses/{quote(warehouse, safe='')}"
        there = self._look(what, path, "`databricks warehouses list` shows those that are there")
        found = self._quiet(path) or {}
        yield replace(there, detail=str(found.get("state", "")).lower() or there.detail)
        if there.state is not State.OK:
            return
        held = self._permissions(f"/api/2.0/permissions/sql/warehouses/{warehouse}")
        for principal in self._runners():
            command = f"databricks warehouses update-permissions {warehouse} --json "
            yield self._right(f"CAN_USE on {what}", principal, "CAN_USE", held, command + _json(principal, "CAN_USE"))

    def _catalogs(self) -> Iterator[WorkspaceFinding]:
        names = {str(each["catalog_name"]) for _, each in self._target.of("schemas")}
        users = [*self._runners(), self._target.resolved("${var.readers}")]
        for name in sorted(each for each in names if _OPEN not in each):
            made = f"CREATE CATALOG {identifier(name)}"
            there = self._look(f"catalog {name}", f"{_CATALOG_API}/catalogs/{quote(name, safe='')}", made)
            yield there
            if there.state is State.OK:
                for principal in users:
                    yield from self._grants("catalog", name, principal, ["USE_CATALOG"])

    def _securable(self, kind: str, each: Mapping[str, Any]) -> Iterator[WorkspaceFinding]:
        parts = [str(each.get("catalog_name")), *([str(each["schema_name"])] if kind == "volume" else [])]
        name = ".".join([*parts, str(each.get("name"))])
        if _OPEN in name:
            return
        there = self._look(f"{kind} {name}", f"{_CATALOG_API}/{kind}s/{quote(name, safe='')}", self._deploy)
        yield there
        if there.state is State.OK:
            for grant in each.get("grants", ()):
                yield from self._grants(kind, name, str(grant["principal"]), grant["privileges"])

    def _grants(self, kind: str, name: str, principal: str, wanted: Sequence[str]) -> Iterator[WorkspaceFinding]:
        """Whether a principal has privileges on something, each lacking one in one statement."""
        if _OPEN in principal or principal == "none":
            return
        above = [("catalog", name.partition(".")[0])] if kind != "catalog" else []
        if kind == "volume":
            above.append(("schema", name.rpartition(".")[0]))
        what = f"{principal} on {kind} {name}"
        held: set[str] = set()
        for one, of in [(kind, name), *above]:
            try:
                held |= self._held(one, of, principal)
            except NotAllowed as refused:
                if one == kind:
                    yield _unknown(what, str(refused))
                    return
        lacking = [] if "ALL_PRIVILEGES" in held else [each for each in wanted if each not in held]
        shown = ", ".join(each.replace("_", " ") for each in lacking or wanted)
        statement = f"GRANT {shown} ON {kind.upper()} {qualified(name.split('.'))} TO {identifier(principal)}"
        yield _missing(what, f"lacks {shown}", statement) if lacking else _ok(what, shown)

    def _held(self, kind: str, name: str, principal: str) -> set[str]:
        answer = self._answers.get(f"{_CATALOG_API}/permissions/{kind}/{quote(name, safe='')}") or {}
        rights = [each for each in answer.get("privilege_assignments", ()) if each.get("principal") == principal]
        return {str(one).replace(" ", "_") for each in rights for one in each.get("privileges", ())}

    def _tables(self) -> Iterator[WorkspaceFinding]:
        schemas = {key: f"{each['catalog_name']}.{each['name']}" for key, each in self._target.of("schemas")}
        warehouse = self._target.resolved("${var.warehouse_id}")
        query = f"?warehouse={'ID' if _OPEN in warehouse else warehouse}"
        for key, tables, command in (
            ("store_schema", ("contract_events", "contracts"), "lakepact store init --store"),
            ("inbox_schema", ("contract_inbox",), "lakepact webhook events list --inbox"),
        ):
            for table in tables if key in schemas and _OPEN not in schemas[key] else ():
                name = f"{schemas[key]}.{table}"
                how = f'{command} "uc:{schemas[key]}{query}"'
                yield self._look(f"table {name}", f"{_CATALOG_API}/tables/{quote(name, safe='')}", how)

    def _scopes(self) -> Iterator[WorkspaceFinding]:
        try:
            answer = self._answers.get("/api/2.0/secrets/scopes/list") or {}
        except NotAllowed as refused:
            yield _unknown("secret scopes", str(refused))
            return
        names = {str(each.get("name")) for each in answer.get("scopes", ())}
        for _, scope in self._target.of("secret_scopes"):
            name = str(scope["name"])
            what = f"secret scope {name}"
            yield _ok(what) if name in names else _missing(what, "it is not there", self._deploy)
            if name in names:
                yield from self._secrets(name)
                yield from self._readers_of(name, scope)

    def _secrets(self, scope: str) -> Iterator[WorkspaceFinding]:
        try:
            answer = self._answers.get("/api/2.0/secrets/list", {"scope": scope}) or {}
        except NotAllowed as refused:
            yield _unknown(f"secrets of {scope}", str(refused))
            return
        there = {str(each.get("key")) for each in answer.get("secrets", ())}
        for key, meaning in _SECRETS.items():
            what, how = f"secret {scope}/{key}", f"databricks secrets put-secret {scope} {key}"
            yield _ok(what) if key in there else _missing(what, meaning, how)

    def _readers_of(self, name: str, scope: Mapping[str, Any]) -> Iterator[WorkspaceFinding]:
        try:
            answer = self._answers.get("/api/2.0/secrets/acls/list", {"scope": name}) or {}
        except NotAllowed as refused:
            yield _unknown(f"rights on secret scope {name}", str(refused))
            return
        held = {str(each.get("principal")): str(each.get("permission")) for each in answer.get("items", ())}
        for wanted in scope.get("permissions", ()):
            who, level = _principal(wanted), str(wanted["level"])
            how = f"databricks secrets put-acl {name} {who} {level}"
            yield self._right(f"{level} on secret scope {name}", who, level, held, how)

    def _settings(self) -> Iterator[WorkspaceFinding]:
        path = self._target.resolved("${var.collibra_settings}")
        if _OPEN in path:
            return
        what, how = f"settings {path}", f"databricks workspace import {path} --file collibra.yml --format AUTO"
        try:
            found = self._answers.get("/api/2.0/workspace/get-status", {"path": path})
        except NotAllowed as refused:
            yield _unknown(what, str(refused))
            return
        yield _ok(what) if found else _missing(what, "they are not there", how)

    def _jobs_and_pipelines(self) -> Iterator[WorkspaceFinding]:
        for kind, path, key, id_of in (
            ("pipelines", "/api/2.0/pipelines", "statuses", "pipeline_id"),
            ("jobs", "/api/2.2/jobs/list", "jobs", "job_id"),
        ):
            for _, each in self._target.of(kind):
                yield from self._by_name(kind, each, path, (key, id_of))

    def _by_name(
        self, kind: str, each: Mapping[str, Any], path: str, keys: tuple[str, str]
    ) -> Iterator[WorkspaceFinding]:
        name, (key, id_of) = str(each["name"]), keys
        what = f"{kind.removesuffix('s')} {name}"
        query = {"name": name} if kind == "jobs" else {"filter": f"name LIKE '{name.replace(chr(39), '')}'"}
        try:
            found = (self._answers.get(path, query) or {}).get(key, ())
        except NotAllowed as refused:
            yield _unknown(what, str(refused))
            return
        ids = [str(one[id_of]) for one in found if name in (one.get("name"), one.get("settings", {}).get("name"))]
        yield _ok(what, ", ".join(ids)) if ids else _missing(what, "it is not there", self._deploy)
        if ids and each.get("permissions"):
            held = self._permissions(f"/api/2.0/permissions/{kind}/{ids[0]}")
            for wanted in each["permissions"]:
                who, level = _principal(wanted), str(wanted["level"])
                command = f"databricks permissions update {kind} {ids[0]} --json {_json(who, level)}"
                yield self._right(f"{level} on {what}", who, level, held, command)

    def _app(self) -> Iterator[WorkspaceFinding]:
        for key, app in self._target.of("apps"):
            found, name = self._apps[key], str(app["name"])
            if found is None:
                yield _missing(f"app {name}", "it is not there", self._deploy)
                continue
            state = str(found.get("app_status", {}).get("state", "unknown")).lower()
            how = f"databricks bundle run {key} --target {self._target.name}"
            what = f"app {name}"
            yield _ok(what, str(found.get("url", ""))) if state == "running" else _missing(what, state, how)
            held = self._permissions(f"/api/2.0/permissions/apps/{quote(name, safe='')}")
            for wanted in app.get("permissions", ()):
                who, level = _principal(wanted), str(wanted["level"])
                command = f"databricks apps update-permissions {name} --json {_json(who, level)}"
                yield self._right(f"{level} on {what}", who, level, held, command)

    def _runners(self) -> list[str]:
        """Who uses inbox and store: who runs jobs, and each app."""
        return [self._target.resolved("${var.runner}"), *self._principals]

    def _right(
        self, what: str, principal: str, level: str, held: Mapping[str, str] | None, how: str
    ) -> WorkspaceFinding:
        what = f"{principal}: {what}"
        if _OPEN in principal or principal == "none":
            return _unknown(what, "nobody has said who that is") if _OPEN in principal else _ok(what, "not used")
        if held is None:
            return _unknown(what, "you may not see who may do what")
        enough = held.get(principal) in _ENOUGH.get(level, (level,))
        return _ok(what) if enough else _missing(what, "it is not given", how)

    def _permissions(self, path: str) -> dict[str, str] | None:
        """The highest level of each principal; None where that may not be seen."""
        found = self._quiet(path)
        if found is None:
            return None
        return {
            _principal(each): str(each.get("all_permissions", [{}])[0].get("permission_level"))
            for each in found.get("access_control_list", ())
        }

    def _quiet(self, path: str) -> Mapping[str, Any] | None:
        try:
            return self._answers.get(path)
        except NotAllowed:
            return None

    def _look(self, what: str, path: str, how: str) -> WorkspaceFinding:
        try:
            found = self._answers.get(path)
        except NotAllowed as refused:
            return _unknown(what, str(refused))
        return _missing(what, "it is not there, or you may not see it", how) if found is None else _ok(what)


def _ok(what: str, detail: str = "") -> WorkspaceFinding:
    return WorkspaceFinding(what=what, state=State.OK, detail=detail)


def _missing(what: str, detail: str, how: str) -> WorkspaceFinding:
    return WorkspaceFinding(what=what, state=State.MISSING, detail=detail, how=how)


def _unknown(what: str, detail: str) -> WorkspaceFinding:
    return WorkspaceFinding(what=what, state=State.UNKNOWN, detail=detail)


def _principal(entry: Mapping[str, Any]) -> str:
    keys = ("service_principal_name", "group_name", "user_name")
    return next((str(entry[key]) for key in keys if entry.get(key)), "")


def _json(principal: str, level: str) -> str:
    """What gives a principal a level, as an argument of a shell."""
    entry = f'{{"service_principal_name": "{principal}", "permission_level": "{level}"}}'
    return f"'{{\"access_control_list\": [{entry}]}}'"
