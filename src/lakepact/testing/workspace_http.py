"""What the parts of the workspace double share: requests, refusals, routes, faults and the log of what was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from lakepact.testing.loopback import Reply, json_reply

__all__ = [
    "Asked",
    "Faults",
    "Refused",
    "Request",
    "Route",
    "Router",
    "exists_already",
    "invalid",
    "missing",
    "no_more_than",
    "request_of",
]

_PLACE: Final = re.compile(r"\{(\w+)(\.\.\.)?\}")


class Refused(Exception):
    """The API refuses a request: `status`, and the envelope with `error_code` and `message`."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    @property
    def reply(self) -> Reply:
        """The answer."""
        info = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": "0", "serving_data": ""}
        envelope = {"error_code": self.code, "message": str(self), "details": [info]}
        return json_reply(self.status, envelope, self.headers)


def invalid(message: str) -> Refused:
    """A request that is wrong in itself."""
    return Refused(400, "INVALID_PARAMETER_VALUE", message)


def missing(message: str, code: str = "RESOURCE_DOES_NOT_EXIST") -> Refused:
    """Something that does not exist."""
    return Refused(404, code, message)


def exists_already(message: str, code: str = "RESOURCE_ALREADY_EXISTS") -> Refused:
    """Something that exists already; these APIs answer 400, those of Unity Catalog too."""
    return Refused(400, code, message)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the log: `unknown` where the double has no such path."""

    method: str
    path: str
    query: str
    status: int
    body: bytes = field(default=b"", repr=False)
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `places` are the parts of the path that its route names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    places: Mapping[str, str] = field(default_factory=dict)

    def needed(self, name: str) -> str:
        """A parameter of the query that must be there."""
        if not (value := self.query.get(name)):
            raise invalid(f"Missing required field: {name}")
        return value

    def number(self, name: str) -> int:
        """A parameter of the query that must be a number."""
        value = self.needed(name)
        if not value.isdecimal():
            raise invalid(f"{name} must be a number, not {value}.")
        return int(value)

    def fields(self, known: Collection[str] | None = None, *, needed: Sequence[str] = ()) -> dict[str, Any]:
        """The JSON body; refused where it is no object, lacks a field, or has one that is not known."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused(400, "MALFORMED_REQUEST", "Could not parse request object.")
        for name in needed:
            if found.get(name) in (None, ""):
                raise invalid(f"Missing required field: {name}")
        if known is not None:
            no_more_than(found, {*known, *needed})
        return found


def no_more_than(found: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
    """Refuse fields that an API does not have."""
    if unknown := sorted(found.keys() - set(known)):
        names = ", ".join(f"{where}{name}" for name in unknown)
        raise Refused(400, "INVALID_PARAMETER_VALUE", f"Unknown field: {names}")


def request_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """The request that was sent.

    >>> request_of("GET", "/api/2.0/a%20b?x=1&x=2", {}, b"").query
    {'x': '2'}
    """
    parts = urlsplit(target)
    query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    return Request(method, unquote(parts.path), query, headers, body)


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the API, as in `/api/2.0/apps/{name}`, and what answers: a value for the JSON body, or a reply."""

    method: str
    path: str
    answer: Callable[[Request], Any]


class Router:
    """Finds the route of a request.

    >>> router = Router([Route("GET", "/fs/{path...}", lambda request: {"is": request.places["path"]})])
    >>> router.answer(Request("GET", "/fs/a/b", {}, {}, b"")).body
    b'{"is": "a/b"}'
    >>> router.answer(Request("GET", "/api/odd", {}, {}, b"")).status
    404
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route.method, _pattern(route.path), route.answer) for route in routes]

    def answer(self, request: Request) -> Reply:
        """The reply of the first route that fits; the error of the API where none does."""
        try:
            for method, pattern, answer in self._routes:
                if method == request.method and (found := pattern.fullmatch(request.path)):
                    given = answer(_placed(request, found.groupdict()))
                    return given if isinstance(given, Reply) else json_reply(200, given)
            words = f"No API found for '{request.method} {request.path.removeprefix('/api')}'"
            raise Refused(404, "ENDPOINT_NOT_FOUND", words)
        except Refused as refused:
            return refused.reply


def _pattern(path: str) -> re.Pattern[str]:
    literal = _PLACE.split(path)
    parts = []
    for at in range(0, len(literal), 3):
        parts.append(re.escape(literal[at]))
        if at + 1 < len(literal):
            parts.append(f"(?P<{literal[at + 1]}>{'.*' if literal[at + 2] else '[^/]+'})")
    return re.compile("".join(parts))


def _placed(request: Request, places: Mapping[str, str]) -> Request:
    return Request(request.method, request.path, request.query, request.headers, request.body, places)


@dataclass(slots=True)
class _Fault:
    method: str
    path: re.Pattern[str]
    refusal: Refused
    times: int


class Faults:
    """Refusals that were asked for, each for the next requests that fit."""

    def __init__(self) -> None:
        self._waiting: list[_Fault] = []

    def add(self, refusal: Refused, *, method: str, path: str, times: int) -> None:
        """Refuse the next requests of a method ('' is any) whose path holds a match of `path`."""
        self._waiting.append(_Fault(method, re.compile(path), refusal, times))

    def take(self, request: Request) -> Refused | None:
        """The refusal for a request."""
        for fault in self._waiting:
            if fault.method in ("", request.method) and fault.path.search(request.path):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault.refusal
        return None
