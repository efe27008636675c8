"""How lakepact proves who it is: OAuth client credentials, a bearer token, Basic, or a session."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, Protocol
from urllib.parse import quote_plus

import httpx

from lakepact.collibra.failures import STALE_TOKEN, away, not_understood, refusal
from lakepact.collibra.secret_sources import Secret
from lakepact.collibra.tls import trusted
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable

__all__ = ["Basic", "Bearer", "ClientAuthentication", "ClientCredentials", "Credentials", "Session"]

_LONGEST_SKEW: Final = 30.0
_SKEW: Final = 0.1
_LIFETIME: Final = 3600.0


class Credentials(Protocol):
    """What a client asks before every request; safe for several threads."""

    def headers(self) -> Mapping[str, str]:
        """The headers that prove who asks."""
        ...

    def renew(self, used: Mapping[str, str], error_code: str) -> bool:
        """After a 401: forget what was `used`; True where another try has other headers."""
        ...


class Bearer:
    """A token that somebody else keeps fresh, such as a JWT of an identity provider: read for every request."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def headers(self) -> Mapping[str, str]:
        """The headers that prove who asks."""
        return {"authorization": f"Bearer {_sendable(self._token())}"}

    def renew(self, used: Mapping[str, str], error_code: str) -> bool:
        """True where the token was changed meanwhile."""
        return self.headers() != used


class Basic:
    """User and password with every request."""

    def __init__(self, user: str, password: Secret) -> None:
        self._user = user
        self._password = password

    def headers(self) -> Mapping[str, str]:
        """The headers that prove who asks."""
        return {"authorization": _basic(self._user, self._password())}

    def renew(self, used: Mapping[str, str], error_code: str) -> bool:
        """True where the password was changed meanwhile."""
        return self.headers() != used


class ClientAuthentication(StrEnum):
    """How a client names itself at the token address."""

    POST = "post"
    BASIC = "basic"


class _Fetched:
    """Something fetched that lives for a while: fetched by one thread while the others wait, renewed before its end."""

    def __init__(self, fetch: Callable[[], tuple[str, float]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._value = ""
        self._fresh_until = 0.0
        self._good_until = 0.0

    def value(self) -> str:
        with self._lock:
            now = self._clock()
            if self._value and now < self._fresh_until:
                return self._value
            try:
                value, seconds = self._fetch()
            except RemoteUnavailable:
                if self._value and now < self._good_until:
                    return self._value
                raise
            self._value = value
            self._good_until = now + seconds
            self._fresh_until = self._good_until - min(_LONGEST_SKEW, seconds * _SKEW)
            return value

    def forget(self, value: str) -> None:
        """Fetch anew next time, unless another thread did so already."""
        with self._lock:
            if self._value == value:
                self._value = ""


class ClientCredentials:
    """OAuth 2.0 client credentials (preferred): a token is fetched, kept until shortly before its end, and renewed.

    The secret is read at each fetch, so that a new one needs no restart. No scope is asked for: Collibra gives an
    integration its rights itself. `headers` go to the token address too, for a gateway before it.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        secret: Secret,
        *,
        authentication: ClientAuthentication = ClientAuthentication.POST,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = token_url
        self._client_id = client_id
        self._secret = secret
        self._authentication = authentication
        self._http = httpx.Client(transport=transport, timeout=timeout, headers=dict(headers or {}), verify=trusted())
        self._token = _Fetched(self._fetched, clock)

    def headers(self) -> Mapping[str, str]:
        """The headers that prove who asks."""
        return {"authorization": f"Bearer {self._token.value()}"}

    def renew(self, used: Mapping[str, str], error_code: str) -> bool:
        """Forget the token where that is what Collibra complains about."""
        if error_code and error_code not in STALE_TOKEN:
            return False
        self._token.forget(used.get("authorization", "").removeprefix("Bearer "))
        return True

    def _fetched(self) -> tuple[str, float]:
        try:
            return self._fetch()
        except RemoteFailed as error:
            if error.code != "LP907":
                raise
        return self._fetch()  # once more for an answer that arrived broken

    def _fetch(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"}
        headers = {"accept": "application/json"}
        secret = self._secret()
        if self._authentication is ClientAuthentication.BASIC:
            # An id of Collibra has colons: it is form-encoded first, as RFC 6749 (2.3.1) wants it.
            headers["authorization"] = _basic(quote_plus(self._client_id), quote_plus(secret))
        else:
            form |= {"client_id": self._client_id, "client_secret": secret}
        answer = _posted(self._http, self._url, headers=headers, data=form)
        data = _object(answer)
        token, seconds = data.get("access_token"), data.get("expires_in", _LIFETIME)
        if not isinstance(token, str) or not token or isinstance(seconds, bool):
            raise not_understood("a token answer without a token")
        try:
            return _sendable(token), max(0.0, float(seconds))
        except (TypeError, ValueError):
            return token, _LIFETIME


class Session:
    """A session of a user, as the web pages have it. A second login of that user ends the first: not for services."""

    def __init__(
        self,
        base_url: str,
        user: str,
        password: Secret,
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/rest/2.0/auth/sessions"
        self._user = user
        self._password = password
        self._http = httpx.Client(transport=transport, timeout=timeout, headers=dict(headers or {}), verify=trusted())
        # Collibra ends a session after half an hour without a request; asking anew is cheap.
        self._cookie = _Fetched(self._fetch, clock)

    def headers(self) -> Mapping[str, str]:
        """The headers that prove who asks."""
        return {"cookie": f"JSESSIONID={self._cookie.value()}"}

    def renew(self, used: Mapping[str, str], error_code: str) -> bool:
        """Log in again."""
        self._cookie.forget(used.get("cookie", "").removeprefix("JSESSIONID="))
        return True

    def _fetch(self) -> tuple[str, float]:
        login = {"username": self._user, "password": self._password()}
        answer = _posted(self._http, self._url, json=login)
        cookie = answer.cookies.get("JSESSIONID") or ""
        self._http.cookies.clear()
        if not cookie:
            raise not_understood("a login without a session")
        return cookie, _LIFETIME / 2


def _posted(http: httpx.Client, url: str, **content: Any) -> httpx.Response:
    """The good answer of a token or login address. What is sent holds a secret: no error keeps the request."""
    try:
        answer = http.post(url, **content)
    except httpx.TransportError as error:
        raise away(url, str(error) or type(error).__name__) from None
    except httpx.InvalidURL:
        raise ConfigurationError("the token address is no URL", "LP901", "write https://host/path") from None
    if answer.is_success:
        return answer
    failure = refusal(url, answer.status_code, b"")
    if isinstance(failure, RemoteUnavailable):
        raise failure
    hint = "check the client id or user, and that the secret is the current one"
    message = f"{url} does not let lakepact in: HTTP {answer.status_code}"
    raise RemoteFailed(message, "LP903", hint, {"address": url, "status": answer.status_code})


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        data = answer.json()
    except (ValueError, RecursionError):
        raise not_understood("a token answer that is no JSON") from None
    if not isinstance(data, Mapping):
        raise not_understood("a token answer that is no JSON object")
    return data


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def _sendable(token: str) -> str:
    if token.isascii() and token.isprintable() and " " not in token:
        return token
    raise ConfigurationError("the token for Collibra has characters that no token has", "LP901", "check its source")
