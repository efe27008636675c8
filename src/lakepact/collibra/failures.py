"""What went wrong with Collibra, as errors of lakepact: one place that knows codes, words and hints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from lakepact.errors import RemoteFailed, RemoteUnavailable

__all__ = ["STALE_TOKEN", "away", "error_code", "is_missing", "not_understood", "refusal"]

STALE_TOKEN: Final = frozenset({"expiredToken", "invalidToken", "malformedToken", "unableToProcessToken"})
"""The error codes of a 401 that another token can mend."""

_LONGEST: Final = 300
_SPACE: Final = re.compile(r"\s+")


def away(address: str, why: str, *, written: bool = False) -> RemoteUnavailable:
    """Collibra does not answer, or says that it cannot now. `written` tells that the request may have been done."""
    hint = "check the address and the network; reads go on from the cache of the last good contracts"
    if written:
        hint = "it may have been done all the same: look before you do it again"
    return RemoteUnavailable(f"{address} does not answer: {why}", "LP902", hint, {"address": address})


def not_understood(what: str) -> RemoteFailed:
    """Collibra, or a gateway before it, said something that its interface does not have."""
    hint = "check the address: something before Collibra may answer in its place"
    return RemoteFailed(f"Collibra answers with {what}", "LP907", hint)


def refusal(address: str, status: int, content: bytes) -> RemoteFailed:
    """The error that an answer of status 4xx or 5xx becomes."""
    envelope = _envelope(content)
    said = "; ".join(
        text for key in ("titleMessage", "userMessage", "helpMessage") if (text := _line(envelope.get(key)))
    )
    found = error_code(content)
    words = f"HTTP {status}{f' {found}' if found else ''}{f': {said}' if said else ''}"
    facts = {"address": address, "status": status, "error_code": found}
    if status >= 500 or status == 429:
        hint = "try again later"
        return RemoteUnavailable(f"{address} does not answer: {words}", "LP902", hint, facts)
    code, what, hint = _KINDS.get(status, ("LP906", "refuses the request", "see what it says"))
    return RemoteFailed(f"{address} {what}: {words}", code, hint, facts)


def error_code(content: bytes) -> str:
    """The `errorCode` of an error; empty where there is none."""
    return _line(_envelope(content).get("errorCode"))


def is_missing(error: RemoteFailed) -> bool:
    """Whether Collibra said that something is not there."""
    return error.code == "LP905"


_KINDS: Final[Mapping[int, tuple[str, str, str]]] = {
    401: (
        "LP903",
        "does not let lakepact in",
        "check the client id, the secret or the token; a 401 can also mean that the user may not see the resource",
    ),
    403: ("LP904", "does not permit that", 'the user needs "Product Rights > Data Contract", see docs/collibra.md'),
    404: ("LP905", "does not have that", "check ids in the settings and in the mapping file"),
}


def _envelope(content: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, Mapping) else {}


def _line(value: object) -> str:
    """Text of another system as one short line that a terminal can show."""
    if not isinstance(value, str):
        return ""
    text = "".join(letter if letter.isprintable() else " " for letter in value)
    return _SPACE.sub(" ", text).strip()[:_LONGEST]
