"""Secret scopes of the workspace double: scopes, their secrets, and who may read them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.testing.workspace_http import Request, Route, exists_already, invalid, missing

__all__ = ["WorkspaceSecrets"]

_BASE: Final = "/api/2.0/secrets"
_SCOPE: Final = {"initial_manage_principal", "scope_backend_type", "backend_azure_keyvault"}
_PERMISSIONS: Final = ("READ", "WRITE", "MANAGE")


@dataclass(slots=True)
class _Scope:
    rights: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, tuple[bytes, int]] = field(default_factory=dict)


class WorkspaceSecrets:
    """Scopes with secrets in bytes; whoever makes a scope manages it."""

    def __init__(self, *, user: str, clock: Callable[[], float]) -> None:
        self._user = user
        self._clock = clock
        self._scopes: dict[str, _Scope] = {}

    @property
    def scopes(self) -> dict[str, dict[str, str]]:
        """For each scope the permission of each principal."""
        return {name: dict(scope.rights) for name, scope in self._scopes.items()}

    def put(self, scope: str, key: str, value: str) -> None:
        """Put a secret into a scope."""
        self._scope(scope).secrets[key] = (value.encode(), int(self._clock() * 1000))

    def routes(self) -> Iterator[Route]:
        """The API of secrets."""
        yield Route("POST", f"{_BASE}/scopes/create", self._create)
        yield Route("GET", f"{_BASE}/scopes/list", self._list)
        yield Route("POST", f"{_BASE}/scopes/delete", self._delete)
        yield Route("POST", f"{_BASE}/put", self._put)
        yield Route("GET", f"{_BASE}/get", self._get)
        yield Route("GET", f"{_BASE}/list", self._keys)
        yield Route("POST", f"{_BASE}/delete", self._delete_secret)
        yield Route("POST", f"{_BASE}/acls/put", self._allow)
        yield Route("GET", f"{_BASE}/acls/get", self._right)
        yield Route("GET", f"{_BASE}/acls/list", self._rights)
        yield Route("POST", f"{_BASE}/acls/delete", self._forbid)

    def _scope(self, name: str) -> _Scope:
        if (found := self._scopes.get(name)) is None:
            raise missing(f"Scope {name} does not exist!")
        return found

    def _create(self, request: Request) -> dict[str, Any]:
        given = request.fields(_SCOPE, needed=["scope"])
        if given["scope"] in self._scopes:
            raise exists_already(f"Scope {given['scope']} already exists!")
        self._scopes[given["scope"]] = _Scope({given.get("initial_manage_principal") or self._user: "MANAGE"})
        return {}

    def _list(self, request: Request) -> dict[str, Any]:
        shown = [{"name": name, "backend_type": "DATABRICKS"} for name in sorted(self._scopes)]
        return {"scopes": shown} if shown else {}

    def _delete(self, request: Request) -> dict[str, Any]:
        name = request.fields((), needed=["scope"])["scope"]
        self._scope(name)
        del self._scopes[name]
        return {}

    def _put(self, request: Request) -> dict[str, Any]:
        given = request.fields({"string_value", "bytes_value"}, needed=["scope", "key"])
        scope = self._scope(given["scope"])
        if ("string_value" in given) == ("bytes_value" in given):
            raise invalid("Exactly one of string_value and bytes_value must be given.")
        text = given.get("string_value")
        value = base64.b64decode(given["bytes_value"]) if text is None else str(text).encode()
        scope.secrets[given["key"]] = (value, int(self._clock() * 1000))
        return {}

    def _get(self, request: Request) -> dict[str, Any]:
        scope, key = request.needed("scope"), request.needed("key")
        if (found := self._scope(scope).secrets.get(key)) is None:
            raise missing(f"Failed to get secret {key} for scope {scope}.")
        return {"key": key, "value": base64.b64encode(found[0]).decode()}

    def _keys(self, request: Request) -> dict[str, Any]:
        scope = self._scope(request.needed("scope"))
        shown = [{"key": key, "last_updated_timestamp": at} for key, (_, at) in sorted(scope.secrets.items())]
        return {"secrets": shown} if shown else {}

    def _delete_secret(self, request: Request) -> dict[str, Any]:
        given = request.fields((), needed=["scope", "key"])
        if self._scope(given["scope"]).secrets.pop(given["key"], None) is None:
            raise missing(f"No secret with key {given['key']} in scope {given['scope']}.")
        return {}

    def _allow(self, request: Request) -> dict[str, Any]:
        given = request.fields((), needed=["scope", "principal", "permission"])
        if given["permission"] not in _PERMISSIONS:
            raise invalid(f"permission must be one of {', '.join(_PERMISSIONS)}, not {given['permission']}.")
        self._scope(given["scope"]).rights[given["principal"]] = given["permission"]
        return {}

    def _right(self, request: Request) -> dict[str, Any]:
        principal = request.needed("principal")
        if (found := self._scope(request.needed("scope")).rights.get(principal)) is None:
            raise missing(f"No permission of {principal} in scope {request.query['scope']}.")
        return {"principal": principal, "permission": found}

    def _rights(self, request: Request) -> dict[str, Any]:
        rights = self._scope(request.needed("scope")).rights
        return {"items": [{"principal": who, "permission": what} for who, what in sorted(rights.items())]}

    def _forbid(self, request: Request) -> dict[str, Any]:
        given = request.fields((), needed=["scope", "principal"])
        if self._scope(given["scope"]).rights.pop(given["principal"], None) is None:
            raise missing(f"No permission of {given['principal']} in scope {given['scope']}.")
        return {}
