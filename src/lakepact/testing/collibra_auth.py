"""Who may call the Collibra double: OAuth client credentials, bearer tokens, Basic and sessions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, unquote_plus

from lakepact.testing.collibra_errors import ApiError
from lakepact.testing.collibra_http import Call, no_content
from lakepact.testing.collibra_seed import named
from lakepact.testing.loopback import Reply, json_reply

__all__ = ["Access", "Principal"]

_SESSION_SECONDS = 30 * 60


@dataclass(frozen=True)
class Principal:
    """A user, or the system user of an OAuth application.

    `data_contract` is the global permission to write data contracts, `edit` the one to write anything else.
    """

    id: str
    data_contract: bool = True
    edit: bool = True
    name: str = ""


@dataclass
class _Token:
    principal: Principal
    expires: float
    uses: int | None
    revoked: bool = False


@dataclass
class _Session:
    name: str
    principal: Principal
    used: float


class Access:
    """Registered applications, users, tokens and sessions.

    `token_seconds` is how long a token lives, `token_uses` after how many uses it counts as expired (None: never).
    """

    def __init__(self, clock: Callable[[], float], *, token_seconds: float = 3600.0) -> None:
        self.token_seconds = token_seconds
        self.token_uses: int | None = None
        self.issued = 0
        self._clock = clock
        self._applications: dict[str, tuple[str, Principal]] = {}
        self._users: dict[str, tuple[str, Principal]] = {}
        self._tokens: dict[str, _Token] = {}
        self._sessions: dict[str, _Session] = {}

    def register(self, client_id: str, secret: str, *, data_contract: bool = True, edit: bool = True) -> None:
        """Register an OAuth application, or give it another secret or other permissions."""
        self._applications[client_id] = (secret, Principal(named("user", client_id), data_contract, edit, client_id))

    def add_user(self, name: str, password: str, *, data_contract: bool = True, edit: bool = True) -> None:
        """Register a user for Basic and sessions."""
        self._users[name] = (password, Principal(named("user", name), data_contract, edit, name))

    def add_bearer(self, token: str, *, seconds: float = float("inf")) -> None:
        """Accept a token that somebody else issued, such as a JWT of an identity provider."""
        self._tokens[token] = _Token(Principal(named("user", token)), self._clock() + seconds, None)

    def revoke_tokens(self) -> None:
        """Make every token that was issued so far invalid."""
        for token in self._tokens.values():
            token.revoked = True

    def principal(self, call: Call) -> Principal:
        """Who calls; 401 without a valid credential."""
        scheme, _, credential = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._bearer(credential.strip())
        if scheme.lower() == "basic":
            name, password = _basic(credential)
            return self._user(name, password)
        session = self._sessions.get(_cookie(call.headers))
        if session is None or self._clock() - session.used > _SESSION_SECONDS:
            raise _unauthorized("notAuthenticated", "Authentication is required.")
        session.used = self._clock()
        return session.principal

    def token(self, call: Call) -> Reply:
        """The token endpoint of OAuth 2.0 for the grant `client_credentials`."""
        if call.content_type.get_content_type() != "application/x-www-form-urlencoded":
            return _refused(400, "invalid_request", "The body must be application/x-www-form-urlencoded.")
        fields = {key: values[-1] for key, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        if fields.get("grant_type") != "client_credentials":
            wrong = "unsupported_grant_type" if "grant_type" in fields else "invalid_request"
            return _refused(400, wrong, "The grant type must be client_credentials.")
        header = call.headers.get("authorization", "")
        if header and "client_secret" in fields:
            return _refused(400, "invalid_request", "The client must authenticate in one way only.")
        client_id, secret = fields.get("client_id", ""), fields.get("client_secret", "")
        if header:
            # RFC 6749 2.3.1: both are form-url-encoded before they are joined, because an id may contain a colon.
            client_id, secret = (unquote_plus(part) for part in _basic(header.partition(" ")[2]))
        expected, principal = self._applications.get(client_id, ("", None))
        if principal is None or secret != expected:
            return _refused(401, "invalid_client", "Client authentication failed.", basic=bool(header))
        if "scope" in fields:
            # Applications are permissioned by their configuration.
            return _refused(400, "invalid_scope", f"The scope is not allowed: {fields['scope']}")
        return self._issue(principal)

    def current_user(self, call: Call) -> Reply:
        """Who calls."""
        principal = self.principal(call)
        return json_reply(200, {"id": principal.id, "resourceType": "User", "userName": principal.name or principal.id})

    def global_permissions(self, call: Call) -> Reply:
        """What the caller may do everywhere; the real names of most of them are not known."""
        principal = self.principal(call)
        held = {"DATA_CONTRACT": principal.data_contract, "WORKFLOW_START": principal.edit}
        return json_reply(200, {"globalPermissions": [name for name, has in held.items() if has]})

    def login(self, call: Call) -> Reply:
        """Start a session; the other session of the user ends."""
        given = call.json_object("username", "password")
        name = str(given["username"])
        principal = self._user(name, str(given["password"]))
        self._sessions = {key: each for key, each in self._sessions.items() if each.name != name}
        self.issued += 1
        key = named("session", f"{name}/{self.issued}").upper().replace("-", "")
        self._sessions[key] = _Session(name, principal, self._clock())
        body = {"user": {"id": principal.id, "userName": name}, "csrfToken": named("csrf", key)}
        return json_reply(200, body, {"Set-Cookie": f"JSESSIONID={key}; Path=/; HttpOnly"})

    def logout(self, call: Call) -> Reply:
        """End the session of the caller."""
        self._sessions.pop(_cookie(call.headers), None)
        return no_content()

    def _issue(self, principal: Principal) -> Reply:
        self.issued += 1
        token = f"access.{self.issued}.{named('token', str(self.issued))}"
        self._tokens[token] = _Token(principal, self._clock() + self.token_seconds, self.token_uses)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.token_seconds)}
        return json_reply(200, body, {"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _bearer(self, credential: str) -> Principal:
        token = self._tokens.get(credential)
        if token is None:
            code = "invalidToken" if credential.count(".") == 2 else "malformedToken"
            raise _unauthorized(code, "The token is not valid.")
        if token.revoked:
            raise _unauthorized("invalidToken", "The token was revoked.")
        if self._clock() >= token.expires or token.uses == 0:
            raise _unauthorized("expiredToken", "The token has expired.")
        if token.uses is not None:
            token.uses -= 1
        return token.principal

    def _user(self, name: str, password: str) -> Principal:
        expected, principal = self._users.get(name, ("", None))
        if principal is None or password != expected:
            raise _unauthorized("invalidCredentials", "The user name or the password is wrong.")
        return principal


def _unauthorized(code: str, message: str) -> ApiError:
    return ApiError(401, code, message, title="Unauthorized")


def _refused(status: int, error: str, description: str, *, basic: bool = False) -> Reply:
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": 'Basic realm="Collibra"'} if basic else {})
    return json_reply(status, {"error": error, "error_description": description}, headers)


def _basic(credential: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(credential.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get("JSESSIONID")
    except CookieError:
        return ""
    return found.value if found else ""
