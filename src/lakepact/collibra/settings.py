"""How lakepact reaches a Collibra: an optional YAML file, and variables LAKEPACT_COLLIBRA_* that go before it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import yaml

from lakepact.collibra.async_client import AsyncCollibraClient
from lakepact.collibra.auth import Basic, Bearer, ClientAuthentication, ClientCredentials, Credentials, Session
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.feedback import ATTRIBUTES, Feedback
from lakepact.collibra.retrying import RetryPolicy
from lakepact.collibra.secret_sources import secret_from
from lakepact.collibra.statuses import StatusNames
from lakepact.errors import ConfigurationError
from lakepact.spark.environment import cache_folder
from lakepact.store.model import Status

__all__ = ["PREFIX", "CollibraSettings", "Login", "read_settings"]

PREFIX: Final = "LAKEPACT_COLLIBRA_"
"""What the names of the variables start with."""

_FILE: Final = "collibra.yml"
_DEFAULT_SECRET: Final = f"env:{PREFIX}SECRET"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FALSE: Final = ("", "none", "no", "off", "false")


class Login(StrEnum):
    """How lakepact proves who it is."""

    CLIENT = "client"
    BEARER = "bearer"
    BASIC = "basic"
    SESSION = "session"


def _default_cache() -> Path:
    return cache_folder() / "collibra"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollibraSettings:
    """All that is needed to speak with one Collibra; no secret is among it, only where secrets come from.

    `secret` names the source of the client secret, token or password (see `secret_from`). `token_url` is that of the
    token where it is not `url`/rest/oauth/v2/token. `headers` are sent with every request; a value that starts with
    `env:`, `file:` or `databricks:` is a secret. `owners` are the users of Collibra whose entries in ledgers count.
    `fresh_seconds` is how long what was read is given again without asking, `quiet_seconds` how long after a look
    Collibra is only asked whether something happened (0: never). `attributes` names the attribute types
    for feedback, `workflow` the review workflow that a draft starts. With `apply` Collibra writes what is validated
    into its graph. `feedback` says as what outcomes are shown, `metrics_domain` is the domain of the assets of rules.
    """

    url: str
    login: Login = Login.CLIENT
    user: str = ""
    secret: str = _DEFAULT_SECRET
    client_authentication: ClientAuthentication = ClientAuthentication.POST
    token_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    retries: int = 4
    names: StatusNames = StatusNames()  # noqa: RUF009 (frozen)
    mapping: Path | None = None
    cache: Path | None = field(default_factory=_default_cache)
    owners: tuple[str, ...] = ()
    fresh_seconds: float = 30.0
    quiet_seconds: float = 300.0
    attributes: Mapping[str, str] = field(default_factory=dict)
    feedback: Feedback = Feedback.ATTRIBUTES
    metrics_domain: str = ""
    workflow: str = ""
    apply: bool = False
    external_system: str = ""

    @property
    def shown_attributes(self) -> Mapping[str, str]:
        """The attribute types that outcomes go to; of metrics alone only the time that tells that they are there."""
        names = {**ATTRIBUTES, **self.attributes}
        return {"at": names["at"]} if self.feedback is Feedback.METRICS else names

    @property
    def shown_metrics(self) -> str:
        """The id of the domain that rules are shown in; empty where they are not."""
        return "" if self.feedback is Feedback.ATTRIBUTES else self.metrics_domain

    def client(
        self, *, transport: httpx.BaseTransport | None = None, environment: Mapping[str, str] | None = None
    ) -> CollibraClient:
        """A connection; secrets are read when they are needed."""
        headers = {name: _header(value, environment) for name, value in self.headers.items()}
        return CollibraClient(
            self.url,
            self._credentials(headers, transport, environment),
            headers=headers,
            transport=transport,
            timeout=self.timeout,
            policy=RetryPolicy(retries=self.retries),
        )

    def async_client(self, *, environment: Mapping[str, str] | None = None) -> AsyncCollibraClient:
        """A connection for code that awaits; secrets are read when they are needed, in a thread."""
        headers = {name: _header(value, environment) for name, value in self.headers.items()}
        return AsyncCollibraClient(
            self.url,
            self._credentials(headers, None, environment),
            headers=headers,
            timeout=self.timeout,
            policy=RetryPolicy(retries=self.retries),
        )

    def _credentials(
        self,
        headers: Mapping[str, str],
        transport: httpx.BaseTransport | None,
        environment: Mapping[str, str] | None,
    ) -> Credentials:
        secret = secret_from(self.secret, environment=environment)
        if self.login is Login.BEARER:
            return Bearer(secret)
        if not self.user:
            raise ConfigurationError("the settings for Collibra have no user", "LP901", "set `user` (or the client id)")
        if self.login is Login.BASIC:
            return Basic(self.user, secret)
        if self.login is Login.SESSION:
            return Session(self.url, self.user, secret, headers=headers, transport=transport, timeout=self.timeout)
        token_url = self.token_url or f"{self.url.rstrip('/')}/rest/oauth/v2/token"
        # What a gateway before Collibra wants is nobody else's business.
        same = urlsplit(token_url).netloc == urlsplit(self.url).netloc
        return ClientCredentials(
            token_url,
            self.user,
            secret,
            authentication=self.client_authentication,
            headers=headers if same else {},
            transport=transport,
            timeout=self.timeout,
        )


def read_settings(
    *, file: Path | None = None, url: str = "", environment: Mapping[str, str] | None = None
) -> CollibraSettings:
    """The settings of a file, of the variables over it, and `url` over both.

    The file is the one given, else that of LAKEPACT_COLLIBRA_FILE, else collibra.yml where there is one. A variable is
    named as the key in capitals: LAKEPACT_COLLIBRA_URL, _LOGIN, _USER, _TOKEN_URL, _MAPPING and so on; the secret
    itself is in LAKEPACT_COLLIBRA_SECRET, unless LAKEPACT_COLLIBRA_SECRET_FROM names a source. Raises
    ConfigurationError LP901 for all that cannot be used.
    """
    variables = os.environ if environment is None else environment
    named = file or (Path(variables[f"{PREFIX}FILE"]) if variables.get(f"{PREFIX}FILE") else None)
    path = named or Path(_FILE)
    data = _file_data(path) if named is not None or path.is_file() else {}
    for key in _SCALARS:
        name = f"{PREFIX}{'SECRET_FROM' if key == 'secret' else key.upper()}"
        if name in variables:
            data[key] = variables[name]
    if url:
        data["url"] = url
    if not data.get("url"):
        hint = f"set {PREFIX}URL, or write `url:` into {_FILE}"
        raise ConfigurationError("there is no address of Collibra", "LP901", hint)
    settings = CollibraSettings(**{key: _CONVERSIONS[key](key, value) for key, value in data.items()})
    if settings.feedback is not Feedback.ATTRIBUTES and not _UUID.fullmatch(settings.metrics_domain):
        raise _wrong(
            f"`feedback: {settings.feedback}` needs `metrics_domain`, the id of a domain for metrics (a rulebook)"
        )
    if settings.mapping is not None and not settings.mapping.is_absolute() and data.get("mapping") and path.is_file():
        return replace(settings, mapping=path.parent / settings.mapping)
    return settings


def _file_data(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise _wrong(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise _wrong(f"{path} is no YAML") from None
    if not isinstance(data, dict):
        raise _wrong(f"{path} is no mapping")
    unknown = sorted(str(key) for key in data if key not in _CONVERSIONS)
    if unknown:
        known = ", ".join(sorted(_CONVERSIONS))
        raise ConfigurationError(f"{path} has the unknown key `{unknown[0]}`", "LP901", f"known are {known}")
    return data


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(f"`{key}` is no text")
    return value


def _number(key: str, value: object) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise _wrong(f"`{key}` is no number from 0")
    return number


def _whole(key: str, value: object) -> int:
    number = _number(key, value)
    if not number.is_integer():
        raise _wrong(f"`{key}` is no whole number")
    return int(number)


def _flag(key: str, value: object) -> bool:
    found = {"true": True, "false": False}.get(str(value).casefold())
    if found is None:
        raise _wrong(f"`{key}` is neither true nor false")
    return found


def _path(key: str, value: object) -> Path:
    return Path(_text(key, value)).expanduser()


def _path_or_none(key: str, value: object) -> Path | None:
    if value is None or value is False or (isinstance(value, str) and value.casefold() in _FALSE):
        return None
    return _path(key, value)


def _login(key: str, value: object) -> Login:
    try:
        return Login(_text(key, value))
    except ValueError:
        raise _wrong(f"`{key}` is none of {', '.join(Login)}") from None


def _authentication(key: str, value: object) -> ClientAuthentication:
    try:
        return ClientAuthentication(_text(key, value))
    except ValueError:
        raise _wrong(f"`{key}` is none of {', '.join(ClientAuthentication)}") from None


def _feedback(key: str, value: object) -> Feedback:
    try:
        return Feedback(_text(key, value))
    except ValueError:
        raise _wrong(f"`{key}` is none of {', '.join(Feedback)}") from None


def _texts(key: str, value: object) -> tuple[str, ...]:
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise _wrong(f"`{key}` is no list of texts")
    return tuple(each.strip() for each in listed if each.strip())


def _text_map(key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for pair in value.items() for each in pair):
        raise _wrong(f"`{key}` is no mapping of texts")
    return value


def _names(key: str, value: object) -> StatusNames:
    if not isinstance(value, dict):
        raise _wrong(f"`{key}` is no mapping from statuses to names")
    known = {status.name.lower() for status in Status}
    unknown = sorted(str(each) for each in value if each not in known)
    if unknown:
        raise _wrong(f"`{key}` has `{unknown[0]}`, which is none of {', '.join(sorted(known))}")
    return replace(StatusNames(), **{name: _texts(f"{key}.{name}", listed) for name, listed in value.items()})


_CONVERSIONS: Final[Mapping[str, Any]] = {
    "url": _text,
    "login": _login,
    "user": _text,
    "secret": _text,
    "client_authentication": _authentication,
    "token_url": _text,
    "headers": _text_map,
    "timeout": _number,
    "retries": _whole,
    "names": _names,
    "mapping": _path_or_none,
    "cache": _path_or_none,
    "owners": _texts,
    "fresh_seconds": _number,
    "quiet_seconds": _number,
    "attributes": _text_map,
    "feedback": _feedback,
    "metrics_domain": _text,
    "workflow": _text,
    "apply": _flag,
    "external_system": _text,
}
_SCALARS: Final = tuple(
    each.name for each in fields(CollibraSettings) if each.name not in ("headers", "names", "attributes")
)


def _header(value: str, environment: Mapping[str, str] | None) -> str:
    if value.startswith(("env:", "file:", "databricks:")):
        return secret_from(value, environment=environment)()
    return value


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(f"the settings for Collibra cannot be used: {why}", "LP901", "see docs/collibra.md")
