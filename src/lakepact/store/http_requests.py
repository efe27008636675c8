"""What the store's service reads from a request: parameters, bodies and pages. Faults are UsageError LP872."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from starlette.requests import Request

from lakepact.errors import ConfigurationError, UsageError
from lakepact.store.http_wire import ANY_STATUS, MAX_PAGE
from lakepact.store.model import Status

__all__ = ["asked_moment", "asked_status", "limited_body", "needed", "page", "seen_hash"]

_PAGE: Final = 100

_Entry = TypeVar("_Entry")


def needed(request: Request, name: str) -> str:
    """The parameter of that name."""
    value = request.query_params.get(name)
    if value is None:
        raise UsageError(f"the request lacks the parameter `{name}`", "LP872", f"add {name}=… to it")
    return value


def asked_status(request: Request, *, default: Status | None = None) -> Status | None:
    """The parameter `status`: `default` where it is absent, None where any is asked for."""
    text = request.query_params.get("status")
    if text is None or text == ANY_STATUS:
        return default if text is None else None
    try:
        return Status(text)
    except ValueError:
        hint = f"known are {', '.join(Status)} and {ANY_STATUS}"
        raise UsageError(f"'{text}' is no status", "LP872", hint) from None


def asked_moment(request: Request) -> datetime | None:
    """The parameter `on`."""
    text = request.query_params.get("on")
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no moment", "LP872", "write for example 2025-01-31T00:00:00Z") from None


def seen_hash(request: Request) -> str | None:
    """The hash in If-Match; `*` and weak tags are no hash that somebody has seen."""
    text = request.headers.get("if-match")
    if text is None:
        return None
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        message = f"If-Match is {text}, not one hash in double quotes"
        raise UsageError(message, "LP872", "send the ETag of the document that you changed")
    return text[1:-1]


async def limited_body(request: Request, limit: int) -> bytes:
    """The body, of which no more than `limit` bytes are read. Raises UsageError LP873."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise _too_large(limit)
    return bytes(content)


def _too_large(limit: int) -> UsageError:
    return UsageError(f"the body is larger than {limit:,} bytes", "LP873", "split the contract", {"limit": limit})


def page(
    request: Request,
    entries: Sequence[_Entry],
    *,
    key: Callable[[_Entry], list[Any]],
    data: Callable[[_Entry], Any],
    rank: Callable[[Sequence[Any]], Any] = tuple,
) -> dict[str, Any]:
    """What an answer says of entries: those after the cursor, and the cursor for the rest.

    A cursor names the last entry that was sent, so that what comes in between shifts nothing.
    """
    limit, cursor = _limit(request), request.query_params.get("cursor")
    if cursor is not None:
        try:
            last = rank(json.loads(base64.urlsafe_b64decode(cursor)))
            entries = [each for each in entries if rank(key(each)) > last]
        except (ValueError, TypeError, IndexError, ConfigurationError):
            message = "the cursor is not one that this list gave"
            raise UsageError(message, "LP872", "start again without a cursor") from None
    sent = entries[:limit]
    more = len(entries) > limit
    following = base64.urlsafe_b64encode(json.dumps(key(sent[-1])).encode()).decode() if more else None
    return {"items": [data(each) for each in sent], "next": following}


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(_PAGE))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= 1):
        raise UsageError(f"'{text}' is no limit", "LP872", f"give a number from 1 to {MAX_PAGE}")
    return min(int(text), MAX_PAGE)
