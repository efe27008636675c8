"""What goes wrong between a client and Collibra: faults that the double plays when the next requests come."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from math import ceil

from lakepact.testing.collibra_errors import ApiError
from lakepact.testing.loopback import Reply, json_reply

__all__ = ["Fault", "Faults"]

_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>The page cannot be displayed</h1></body></html>"
_CODES = {401: "expiredToken", 403: "forbidden", 429: "tooManyRequests", 500: "internalError"}


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    `seconds` is waited first. `answer` stands in for the real one, and the request is not carried out. `breaks` closes
    the connection without an answer, `truncates` sends half of it; both after the request was carried out.
    """

    seconds: float = 0.0
    answer: Reply | None = None
    breaks: bool = False
    truncates: bool = False


class Faults:
    """The faults to come, in the order they were asked for; each request meets at most one.

    `path` and `method` limit a fault to requests whose path contains the one, and whose method is the other.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._planned: deque[tuple[Fault, str, str]] = deque()
        self._lock = threading.Lock()

    def fail_next(
        self,
        count: int = 1,
        status: int = 500,
        *,
        retry_after: float | None = None,
        as_date: bool = False,
        path: str = "",
        method: str = "",
    ) -> None:
        """Refuse the next `count` requests with an error, and `Retry-After` in seconds, or `as_date`."""
        headers = {}
        if retry_after is not None:
            date = formatdate(ceil(self._clock() + retry_after), usegmt=True)
            headers["Retry-After"] = date if as_date else str(ceil(retry_after))
        code = _CODES.get(status, f"status{status}")
        error = ApiError(status, code, f"A fault was asked for: {status}.", headers=headers)
        self._plan(count, Fault(answer=json_reply(status, error.envelope(), headers)), path, method)

    def slow_next(self, count: int = 1, seconds: float = 1.0, *, path: str = "", method: str = "") -> None:
        """Answer the next `count` requests late; they are carried out at the end of the wait."""
        self._plan(count, Fault(seconds=seconds), path, method)

    def break_next(self, count: int = 1, *, done: bool = False, path: str = "", method: str = "") -> None:
        """Close the connection of the next `count` requests, before, or when they are `done`, after the work."""
        fault = Fault(breaks=True) if done else Fault(answer=Reply(0), breaks=True)
        self._plan(count, fault, path, method)

    def html_next(self, count: int = 1, status: int = 502, *, path: str = "", method: str = "") -> None:
        """Answer the next `count` requests with a page of HTML, as a gateway before Collibra does."""
        self._plan(count, Fault(answer=Reply(status, _HTML, {"Content-Type": "text/html"})), path, method)

    def truncate_next(self, count: int = 1, *, path: str = "", method: str = "") -> None:
        """Carry out the next `count` requests and send the first half of the answer, which is no JSON any more."""
        self._plan(count, Fault(truncates=True), path, method)

    def clear(self) -> None:
        """Forget what was not met yet."""
        with self._lock:
            self._planned.clear()

    def take(self, method: str, path: str) -> Fault:
        """The fault that this request meets; one without effect where none is planned for it."""
        with self._lock:
            for planned in self._planned:
                fault, part, verb = planned
                if part in path and verb in ("", method):
                    self._planned.remove(planned)
                    return fault
        return Fault()

    def _plan(self, count: int, fault: Fault, path: str, method: str) -> None:
        with self._lock:
            self._planned.extend([(fault, path, method)] * count)
