"""Whether lakepact gets into a Collibra, as whom, what it may not do there, and how far the clocks are apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from lakepact.collibra.client import CollibraClient
from lakepact.collibra.failures import is_missing
from lakepact.collibra.gateway import CONTRACT_TYPE
from lakepact.errors import RemoteFailed, RemoteUnavailable

__all__ = ["Access", "check_access"]

_CORE: Final = "rest/2.0"
_USER: Final = f"{_CORE}/users/current"
_WRITING: Final = "Product Rights > Data Contract"
# How Collibra itself calls that permission is not certain; this is part of every name that it can have.
_WRITES_CONTRACTS: Final = "DATA_CONTRACT"
_NOT_PERMITTED: Final = ("LP903", "LP904")
_READS: Final = (
    ("see data contracts", "rest/dataProduct/v1/dataContracts"),
    ("see assets", f"{_CORE}/assets"),
    ("see relations", f"{_CORE}/relations"),
    ("see comments", f"{_CORE}/comments"),
    ("see attributes", f"{_CORE}/attributes"),
    ("see statuses", f"{_CORE}/statuses"),
    ("see types of assets", f"{_CORE}/assetTypes/publicId/{CONTRACT_TYPE}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a login is good for: the user that Collibra takes it for, and the rights that it lacks.

    `unknown` are rights that Collibra does not tell of. `clock_seconds` is how far its clock is ahead of ours, None
    where it does not say; `user` and `user_id` are empty where it does not.
    """

    address: str
    version: str
    user: str
    user_id: str
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    clock_seconds: float | None


def check_access(client: CollibraClient, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Access:
    """Log in, and read one thing of every kind; nothing is written.

    Raises RemoteFailed LP903 where the login is refused, RemoteUnavailable LP902 where Collibra is away.
    """
    began = clock()
    answer = client.send("GET", f"{_CORE}/application/info", repeatable=True)
    middle = began + (clock() - began) / 2
    # The first question that needs a login; a refusal of this one is no missing right.
    who = _user(client)
    missing: list[str] = []
    unknown: list[str] = []
    for what, path in _READS:
        try:
            client.send("GET", path, params={"limit": 1} if "publicId" not in path else None, repeatable=True)
        except RemoteFailed as error:
            if isinstance(error, RemoteUnavailable) or error.code not in (*_NOT_PERMITTED, "LP905"):
                raise
            (unknown if is_missing(error) else missing).append(what)
    writes = _may_write(client)
    if writes is None:
        unknown.append(_WRITING)
    elif not writes:
        missing.append(_WRITING)
    return Access(
        address=client.address,
        version=_version(answer.json()),
        user=str(who.get("userName") or who.get("name") or ""),
        user_id=str(who.get("id") or ""),
        missing=tuple(missing),
        unknown=tuple(unknown),
        clock_seconds=_ahead(answer.date, middle),
    )


def _user(client: CollibraClient) -> Mapping[str, Any]:
    try:
        found = client.get(_USER)
    except RemoteFailed as error:
        if isinstance(error, RemoteUnavailable) or error.code not in ("LP904", "LP905"):
            raise
        return {}
    return found if isinstance(found, Mapping) else {}


def _may_write(client: CollibraClient) -> bool | None:
    """Whether the login has the global permission to write contracts; None where Collibra does not tell."""
    try:
        found = client.get(f"{_USER}/globalPermissions")
    except RemoteFailed as error:
        if isinstance(error, RemoteUnavailable):
            raise
        return None
    held = found.get("globalPermissions") if isinstance(found, Mapping) else None
    return any(_WRITES_CONTRACTS in str(each).upper() for each in held) if isinstance(held, list) else None


def _version(info: Any) -> str:
    version = info.get("version") if isinstance(info, Mapping) else None
    return str(version.get("fullVersion", "") if isinstance(version, Mapping) else version or "")


def _ahead(date: str, now: datetime) -> float | None:
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    # The header counts whole seconds: what it says is on average half a second old.
    return None if told.tzinfo is None else (told - now).total_seconds() + 0.5
