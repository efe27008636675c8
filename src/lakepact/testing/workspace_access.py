"""Who may talk to the workspace double: personal tokens, and OAuth tokens of service principals that expire."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from lakepact.testing.loopback import Reply, json_reply
from lakepact.testing.workspace_http import Refused, Request, Route

__all__ = ["OPEN_PATHS", "Access", "Principal"]

OPEN_PATHS: Final = ("/.well-known/databricks-config", "/oidc/")
"""What is answered without a token: how one gets a token."""

_ACCOUNT: Final = "00000000-0000-0000-0000-000000000000"
_LIFETIME: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, or a service principal whose name is its application id."""

    id: str
    name: str
    service: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """As the SCIM API shows it."""
        emails = [] if self.service else [{"type": "work", "value": self.name, "primary": True}]
        return {"id": self.id, "userName": self.name, "displayName": self.name, "active": True, "emails": emails}


class Access:
    """Tokens and their principals. `user` has the token `token` for good; a service principal gets its own by OAuth."""

    def __init__(self, *, token: str, user: str, url: Callable[[], str], clock: Callable[[], float]) -> None:
        self.user = Principal("1000", user)
        self.token = token
        self._url = url
        self._clock = clock
        self._clients: dict[str, tuple[str, Principal]] = {}
        self._tokens: dict[str, tuple[Principal, float]] = {}

    def add_service_principal(self, client_id: str, secret: str) -> None:
        """Add a service principal that logs in with this secret."""
        self._clients[client_id] = (secret, Principal(str(2000 + len(self._clients)), client_id, service=True))

    def expire(self) -> None:
        """Every token that OAuth gave out has expired."""
        self._tokens = {token: (principal, 0.0) for token, (principal, _) in self._tokens.items()}

    def principal(self, headers: Mapping[str, str]) -> Principal:
        """Who sends a request. Refused: 401 without a token or with an expired one, 403 with a wrong one."""
        given = headers.get("authorization", "")
        if not given.startswith("Bearer "):
            raise Refused(401, "401", "Credential was not sent or was of an unsupported type for this API.")
        token = given.removeprefix("Bearer ")
        if secrets.compare_digest(token.encode(), self.token.encode()):
            return self.user
        found = self._tokens.get(token)
        if found is None:
            raise Refused(403, "403", "Invalid access token.")
        principal, until = found
        if until <= self._clock():
            raise Refused(401, "401", "Access token has expired.")
        return principal

    def token_for(self, principal: Principal) -> str:
        """A new token, as OAuth gives one."""
        token = f"oauth-{secrets.token_hex(16)}"
        self._tokens[token] = (principal, self._clock() + _LIFETIME)
        return token

    def routes(self) -> Iterator[Route]:
        """What is answered without a token."""
        yield Route("GET", "/.well-known/databricks-config", self._configuration)
        yield Route("GET", "/oidc/.well-known/oauth-authorization-server", self._server)
        yield Route("POST", "/oidc/v1/token", self._issue)

    def _configuration(self, request: Request) -> dict[str, str]:
        return {"oidc_endpoint": f"{self._url()}/oidc", "account_id": _ACCOUNT, "workspace_id": "1"}

    def _server(self, request: Request) -> dict[str, str]:
        base = f"{self._url()}/oidc/v1"
        return {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}

    def _issue(self, request: Request) -> Reply:
        form = {key: values[-1] for key, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "client_credentials":
            return json_reply(400, {"error": "unsupported_grant_type", "error_description": "client_credentials only"})
        client_id, secret = _basic(request.headers.get("authorization", ""))
        known = self._clients.get(client_id or form.get("client_id", ""))
        if known is None or not secrets.compare_digest(known[0], secret or form.get("client_secret", "")):
            return json_reply(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        token = self.token_for(known[1])
        return json_reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": int(_LIFETIME)})


def _basic(header: str) -> tuple[str, str]:
    """Name and secret of basic authentication; empty where there is none."""
    try:
        text = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = text.partition(":")
    return name, secret
