"""What the store's service and its client say to each other: versions, events, waivers and errors as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from lakepact.diff import Waiver
from lakepact.errors import (
    ConfigurationError,
    ContractInvalid,
    ContractMissing,
    EnvironmentLacking,
    ExtraMissing,
    LakepactError,
    LifecycleRefused,
    Problem,
    RemoteFailed,
    Severity,
    StoreConflict,
    UsageError,
    VersionRefused,
)
from lakepact.store.encoding import read_time
from lakepact.store.model import Status, StoredVersion, Summary

__all__ = [
    "ANY_STATUS",
    "MAX_PAGE",
    "PROBLEM_TYPE",
    "error_of",
    "problem_data",
    "read_version",
    "read_waiver",
    "waiver_data",
]

ANY_STATUS: Final = "any"
"""How a request says that the status does not count."""

MAX_PAGE: Final = 1000
"""The largest number of entries that one answer has."""

PROBLEM_TYPE: Final = "application/problem+json"
"""The media type of errors, RFC 9457."""

_ERRORS: Final = {
    each.__name__: each
    for each in (
        ConfigurationError,
        ContractInvalid,
        ContractMissing,
        EnvironmentLacking,
        ExtraMissing,
        LifecycleRefused,
        RemoteFailed,
        StoreConflict,
        UsageError,
        VersionRefused,
    )
}
_PLAIN: Final = (str, int, float, bool, type(None))


def read_version(data: Mapping[str, Any]) -> StoredVersion:
    """The version that `encoding.version_data` gave. Raises KeyError, TypeError or ValueError for anything else."""
    summary: dict[str, Any] = dict(data["summary"])
    summary |= {key: tuple(summary[key]) for key in ("tags", "objects", "owners")}
    texts = ("contract_id", "version", "sha256", "created_by", "changed_by", "reason")
    return StoredVersion(
        **{key: str(data[key]) for key in texts},
        status=Status(data["status"]),
        created_at=read_time(data["created_at"]),
        changed_at=read_time(data["changed_at"]),
        summary=Summary(**summary),
    )


def waiver_data(waiver: Waiver) -> dict[str, str]:
    """A waiver as values of JSON, without its place in a file."""
    texts = {key: getattr(waiver, key) for key in ("contract", "path", "reason", "author")}
    return {**texts, "expires": waiver.expires.isoformat()}


def read_waiver(data: Mapping[str, Any]) -> Waiver:
    """The waiver that `waiver_data` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return Waiver(
        contract=str(data["contract"]),
        path=str(data["path"]),
        reason=str(data["reason"]),
        author=str(data["author"]),
        expires=dt.date.fromisoformat(data["expires"]),
    )


def problem_data(error: LakepactError, status: int) -> dict[str, Any]:
    """An error as problem details; `error`, `code`, `hint`, `facts` and `problems` are ours."""
    return {
        "type": f"urn:lakepact:{error.code}",
        "title": type(error).__name__,
        "status": status,
        "detail": error.message,
        "error": type(error).__name__,
        "code": error.code,
        "hint": error.hint,
        "facts": {str(key): _json(value) for key, value in error.facts.items()},
        "problems": [asdict(problem) for problem in error.problems],
    }


def error_of(data: Mapping[str, Any]) -> LakepactError:
    """The error that `problem_data` gave. Raises KeyError, TypeError or ValueError for anything else."""
    problems = [Problem(**{**each, "severity": Severity(each["severity"])}) for each in data["problems"]]
    return _ERRORS[data["error"]](
        str(data["detail"]), str(data["code"]), str(data["hint"]), dict(data["facts"]), tuple(problems)
    )


def _json(value: object) -> object:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {str(key): _json(each) for key, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list | tuple) else str(value)
