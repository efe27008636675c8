"""Who may send notices: by signature, by bearer token, by name and password, or by several of them together."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lakepact.rerun.signatures import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    TOLERANCE,
    NotAuthentic,
    SigningSecret,
    verify,
)

__all__ = ["Headers", "Policy", "Secrets", "Way", "authenticate"]

Headers = Mapping[str, tuple[str, ...]]
"""The headers of a request by name in lower case, each with all its values in order."""


class Way(StrEnum):
    """A way to prove who sends."""

    HMAC = "hmac"
    BEARER = "bearer"
    BASIC = "basic"


Policy = tuple[frozenset[Way], ...]
"""Alternatives, of which one is enough; each is a set of ways that all are needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What is valid now; while a secret is changed, the new and the old one. None of it is shown.

    `basic` are pairs of name and password as they are sent, with a colon between.
    """

    signing: tuple[SigningSecret, ...] = field(default=(), repr=False)
    bearer: tuple[str, ...] = field(default=(), repr=False)
    basic: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Request:
    headers: Headers
    body: bytes
    secrets: Secrets
    now: datetime
    tolerance: timedelta


def authenticate(
    policy: Policy,
    secrets: Secrets,
    headers: Headers,
    body: bytes,
    *,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Do nothing where the request proves what one of the alternatives asks for.

    Raises NotAuthentic LP932 otherwise; an empty policy lets nobody in.
    """
    request = _Request(headers, body, secrets, now, tolerance)
    refused = NotAuthentic("nobody may send", "LP932")
    for ways in policy:
        try:
            for way in sorted(ways):
                _CHECKS[way](request)
        except NotAuthentic as error:
            refused = error
        else:
            if ways:
                return
    raise refused


def _signed(request: _Request) -> None:
    verify(
        request.secrets.signing,
        delivery_id=_one(request.headers, ID_HEADER),
        timestamp=_one(request.headers, TIMESTAMP_HEADER),
        signature=_one(request.headers, SIGNATURE_HEADER),
        body=request.body,
        now=request.now,
        tolerance=request.tolerance,
    )


def _has_token(request: _Request) -> None:
    if not _is_one_of(_credentials(request.headers, "bearer"), request.secrets.bearer):
        raise NotAuthentic("the bearer token is missing, or not valid", "LP932")


def _has_password(request: _Request) -> None:
    try:
        given = base64.b64decode(_credentials(request.headers, "basic"), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        given = ""
    if not _is_one_of(given, request.secrets.basic):
        raise NotAuthentic("name and password are missing, or not valid", "LP932")


_CHECKS: Final[Mapping[Way, Callable[[_Request], None]]] = MappingProxyType(
    {Way.HMAC: _signed, Way.BEARER: _has_token, Way.BASIC: _has_password}
)


def _one(headers: Headers, name: str) -> str:
    """The value of a header that must be there once."""
    values = headers.get(name, ())
    if len(values) != 1:
        raise NotAuthentic(f"the header {name} is there {len(values)} times", "LP932")
    return values[0]


def _credentials(headers: Headers, scheme: str) -> str:
    given, _, credentials = _one(headers, "authorization").partition(" ")
    return credentials.strip() if given.lower() == scheme else ""


def _is_one_of(given: str, valid: Iterable[str]) -> bool:
    """Whether it is one of them; how long that takes says nothing about any."""
    digest = _digest(given)
    matches = [hmac.compare_digest(digest, _digest(each)) for each in valid if each]
    return bool(given) and any(matches)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
