"""A workspace on loopback with a SQL warehouse: the Statement Execution API in front of a local Spark session.

The paths, the shapes of answers and errors, the states of a statement and the limits are those of the REST API, so the
real Databricks SDK talks to it. What it does not have is said where it is asked for.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from lakepact.store.sql_statements import StatementFailed
from lakepact.testing.loopback import HttpDouble, Reply, json_reply
from lakepact.testing.workspace_sql import Given, GovernedCatalog, Result, run_statement

__all__ = ["WorkspaceStatements"]

_STATEMENTS: Final = "/api/2.0/sql/statements"
_WAREHOUSES: Final = "/api/2.0/sql/warehouses"
# Which workspace answers is told to anybody.
_METADATA: Final = "/.well-known/databricks-config"
_ACCOUNT: Final = "00000000-0000-0000-0000-000000000000"
_MIB: Final = 1024 * 1024
_WAIT: Final = re.compile(r"0s|(?:[5-9]|[1-4]\d|50)s")
_WAREHOUSE: Final = re.compile(r"[0-9a-f]{16}")
_PARAMETER: Final = re.compile(r"[A-Za-z_]\w*")
_TYPE: Final = re.compile(
    r"STRING|BOOLEAN|TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL(?:\(\d+(?:,\s*\d+)?\))?|DATE|TIMESTAMP"
)
_ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "CLOSED"})
# How long one is waited for that Spark does not end.
_STOP_SECONDS: Final = 60.0
_Answer = tuple[int, Any, dict[str, str]]


class _Refused(Exception):
    """The API refuses a request."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        info = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": "0", "serving_data": ""}
        self.answer: _Answer = (status, {"error_code": code, "message": message, "details": [info]}, headers)


@dataclass(slots=True)
class _Statement:
    """A statement that was accepted, and how it stands."""

    text: str
    parameters: Mapping[str, Given]
    external: bool
    row_limit: int | None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    state: str = "PENDING"
    error: Mapping[str, str] | None = None
    result: Result = field(default_factory=Result)
    truncated: bool = False
    thread: threading.Thread | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    def become(self, state: str, error: Mapping[str, str] | None = None) -> None:
        """Go on to a state, unless it has ended."""
        with self.changed:
            if self.state not in _ENDED:
                self.state, self.error = state, error
                self.changed.notify_all()

    def ended(self, seconds: float) -> bool:
        """Whether it has ended within some seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: self.state in _ENDED, seconds)


class WorkspaceStatements(HttpDouble):
    """A workspace with one SQL warehouse; use it as a context manager, `url`, `token` and `warehouse` are the client's.

    `spark` is a local session with Delta, classic or Connect; the names of the catalog `catalog` mean its own catalog
    there. Values of parameters are cast to their types; what needs Unity Catalog (GRANT, REVOKE, SET TAGS) is checked
    for its shape and for the things it names, and kept in `governed`. `chunk_rows` is how many rows a chunk has, and
    `inline_limit` how many bytes an answer.

    `requests` are the method and path of what was asked, in order, and `statements` the texts that were run.

    Switches: `stop(for_seconds)` and `slow(seconds)`, `expire_token()`, `expire_links()`, `fail_next(message)`,
    `refuse_next(status, code, message)`, `lose_next_answer()`. Not there: positional markers as in the API, the formats
    ARROW_STREAM and CSV, limits by `byte_limit`. A canceled statement that Spark has begun may still write, as there.
    """

    def __init__(
        self,
        spark: Any,
        *,
        catalog: str = "main",
        token: str = "dapi-for-tests",
        warehouse: str = "0123456789abcdef",
        chunk_rows: int = 100,
        inline_limit: int = 25 * _MIB,
    ) -> None:
        super().__init__()
        self.token = token
        self.warehouse = warehouse
        self.governed = GovernedCatalog(catalog)
        self.requests: list[str] = []
        self.statements: list[str] = []
        self._spark = spark
        self._chunk_rows = chunk_rows
        self._inline_limit = inline_limit
        self._known: dict[str, _Statement] = {}
        self._links: dict[str, tuple[str, int]] = {}
        self._failures: list[str] = []
        self._refusals: list[_Refused] = []
        self._lost = 0
        self._slow = 0.0
        self._starts_at = 0.0
        self._lock = threading.RLock()

    def __exit__(self, *error: object) -> None:
        self.cancel_all()
        super().__exit__(*error)

    def cancel_all(self) -> None:
        """Let no statement begin any more, and wait for those that Spark has begun: it may be stopped afterwards."""
        with self._lock:
            statements = list(self._known.values())
        for statement in statements:
            statement.become("CANCELED")
        for statement in statements:
            if statement.thread is not None:
                statement.thread.join(_STOP_SECONDS)

    def stop(self, for_seconds: float) -> None:
        """The warehouse is stopped, and takes so long to start; statements are PENDING meanwhile."""
        self._starts_at = time.monotonic() + for_seconds

    def slow(self, seconds: float) -> None:
        """Every statement from now on is RUNNING for so long before it does anything."""
        self._slow = seconds

    def expire_token(self) -> None:
        """The token is no longer valid; `token` is a new one."""
        self.token = f"dapi-{secrets.token_hex(8)}"

    def expire_links(self) -> None:
        """No link that was given out so far is good any more."""
        with self._lock:
            self._links.clear()

    def fail_next(self, message: str) -> None:
        """The next statement fails with that message, such as `[DELTA_CONCURRENT_APPEND] …`, and does nothing."""
        self._failures.append(message)

    def refuse_next(self, status: int, code: str, message: str, **headers: str) -> None:
        """The next request is refused, such as by 429 `RESOURCE_EXHAUSTED`; `headers` with `_` for `-`."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self._refusals.append(_Refused(status, code, message, **named))

    def lose_next_answer(self) -> None:
        """The next statement is done, and the connection then ends before its answer."""
        self._lost += 1

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The answer to a request; None where the connection ends without one."""
        path = urlsplit(target).path
        with self._lock:
            self.requests.append(f"{method} {path}")
        try:
            answer = self._answered(method, path, headers, body)
        except _Refused as refused:
            answer = refused.answer
        return None if answer is None else json_reply(*answer)

    def _answered(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> _Answer | None:
        if path == _METADATA:
            return 200, {"oidc_endpoint": f"{self.url}/oidc", "account_id": _ACCOUNT, "workspace_id": "1"}, {}
        if path.startswith("/storage/"):
            return 200, self._stored(path.removeprefix("/storage/"), headers), {}
        self._authorize(headers.get("authorization", ""))
        if self._refusals:
            raise self._refusals.pop(0)
        words = path.removeprefix(_STATEMENTS).strip("/").split("/")
        match method, words:
            case "POST", [""] if path.rstrip("/") == _STATEMENTS:
                return self._execute(_read(body))
            case "GET", [name] if path.startswith(f"{_STATEMENTS}/"):
                return 200, self._described(self._statement(name)), {}
            case "POST", [name, "cancel"]:
                self._statement(name).become("CANCELED")
                return 200, {}, {}
            case "GET", [name, "result", "chunks", number] if number.isdecimal():
                return 200, self._chunk(self._statement(name), int(number)), {}
        if method == "GET" and path.startswith(f"{_WAREHOUSES}/"):
            return 200, self._warehouse(path.removeprefix(f"{_WAREHOUSES}/")), {}
        raise _Refused(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path.removeprefix('/api')}'")

    def _authorize(self, given: str) -> None:
        if not given:
            raise _Refused(401, "401", "Credential was not sent or was of an unsupported type for this API.")
        if given != f"Bearer {self.token}":
            raise _Refused(403, "403", "Invalid access token.")

    def _warehouse(self, name: str) -> Mapping[str, Any]:
        if not _WAREHOUSE.fullmatch(name):
            raise _Refused(400, "INVALID_PARAMETER_VALUE", f"{name} is not a valid endpoint id.")
        if name != self.warehouse:
            raise _Refused(404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {name} does not exist.")
        state = "STARTING" if time.monotonic() < self._starts_at else "RUNNING"
        return {"id": name, "name": "Tests", "cluster_size": "2X-Small", "state": state, "warehouse_type": "PRO"}

    def _statement(self, name: str) -> _Statement:
        found = self._known.get(name)
        if found is None:
            raise _Refused(404, "NOT_FOUND", f"The statement {name} was not found.")
        return found

    def _execute(self, request: Mapping[str, Any]) -> _Answer | None:
        self._warehouse(str(_needed(request, "warehouse_id")))
        wait = request.get("wait_timeout", "10s")
        if not isinstance(wait, str) or not _WAIT.fullmatch(wait):
            raise _invalid(f"wait_timeout must be 0s or between 5s and 50s, not {wait}.")
        _one_of(request, "format", ("JSON_ARRAY",))
        on_wait = _one_of(request, "on_wait_timeout", ("CONTINUE", "CANCEL"))
        statement = _Statement(
            text=str(_needed(request, "statement")),
            parameters=_parameters(request.get("parameters", [])),
            external=_one_of(request, "disposition", ("INLINE", "EXTERNAL_LINKS")) == "EXTERNAL_LINKS",
            row_limit=request.get("row_limit"),
        )
        if len(statement.text.encode()) > 16 * _MIB:
            raise _invalid("The maximum query text size is 16 MiB.")
        statement.thread = threading.Thread(target=self._run, args=(statement,), daemon=True)
        with self._lock:
            self._known[statement.id] = statement
            statement.thread.start()
        ended = statement.ended(float(wait[:-1]))
        if not ended and wait != "0s" and on_wait == "CANCEL":
            statement.become("CANCELED")
        if self._lost:
            self._lost -= 1
            statement.ended(60)
            return None
        return 200, self._described(statement), {}

    def _run(self, statement: _Statement) -> None:
        try:
            self._do(statement)
        finally:
            # One that has no end by now met a fault of the double, which its thread tells; nobody is to wait for it.
            statement.become("FAILED", {"error_code": "INTERNAL_ERROR", "message": "The double could not run this."})

    def _do(self, statement: _Statement) -> None:
        if statement.ended(max(0.0, self._starts_at - time.monotonic())):
            return
        statement.become("RUNNING")
        if statement.ended(self._slow):
            return
        with self._lock:
            self.statements.append(statement.text)
            failure = self._failures.pop(0) if self._failures else None
        try:
            if failure is not None:
                raise StatementFailed("", failure)
            result = run_statement(self._spark, self.governed, statement.text, statement.parameters)
        except StatementFailed as failed:
            statement.become("FAILED", {"error_code": "BAD_REQUEST", "message": failed.message})
            return
        self._finish(statement, result)

    def _finish(self, statement: _Statement, result: Result) -> None:
        limit = statement.row_limit
        if limit is not None and len(result.rows) > limit:
            statement.truncated = True
            result = Result(result.columns, result.rows[:limit])
        if not statement.external and result.size > self._inline_limit:
            message = (
                "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at "
                f"most {self._inline_limit} bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you "
                "want to download the full result."
            )
            statement.become("FAILED", {"error_code": "BAD_REQUEST", "message": message})
            return
        statement.result = result
        statement.become("SUCCEEDED")

    def _described(self, statement: _Statement) -> Mapping[str, Any]:
        status: dict[str, Any] = {"state": statement.state}
        if statement.error is not None:
            status["error"] = statement.error
        found: dict[str, Any] = {"statement_id": statement.id, "status": status}
        if statement.state != "SUCCEEDED":
            return found
        columns, rows = statement.result.columns, statement.result.rows
        chunks = [
            {"chunk_index": number, "row_offset": first, "row_count": len(rows[first : first + self._chunk_rows])}
            for number, first in enumerate(range(0, len(rows), self._chunk_rows))
        ]
        found["manifest"] = {
            "format": "JSON_ARRAY",
            "schema": {"column_count": len(columns), "columns": list(columns)},
            "total_chunk_count": len(chunks),
            "chunks": chunks,
            "total_row_count": len(rows),
            "truncated": statement.truncated,
        }
        found["result"] = self._chunk(statement, 0)
        return found

    def _chunk(self, statement: _Statement, number: int) -> Mapping[str, Any]:
        rows, first = statement.result.rows, number * self._chunk_rows
        if statement.state != "SUCCEEDED" or (first >= len(rows) and number):
            raise _invalid(f"The statement {statement.id} has no chunk {number}.")
        chunk = {"chunk_index": number, "row_offset": first, "row_count": len(rows[first : first + self._chunk_rows])}
        if first + self._chunk_rows < len(rows):
            chunk["next_chunk_index"] = number + 1
        if not statement.external:
            return chunk | {"data_array": rows[first : first + self._chunk_rows]} if rows else chunk
        secret = secrets.token_hex(16)
        with self._lock:
            self._links[secret] = (statement.id, first)
        link = {"external_link": f"{self.url}/storage/{secret}", "expiration": "2099-01-01T00:00:00.000Z"}
        return {"external_links": [chunk | link | {"http_headers": {"x-storage-key": secret}}]}

    def _stored(self, secret: str, headers: Mapping[str, str]) -> Sequence[Any]:
        with self._lock:
            found = self._links.get(secret)
        if headers.get("authorization"):
            raise _Refused(400, "InvalidArgument", "Only one auth mechanism allowed.")
        if found is None or headers.get("x-storage-key") != secret:
            raise _Refused(403, "AccessDenied", "Request has expired.")
        name, first = found
        return self._known[name].result.rows[first : first + self._chunk_rows]


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(body)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise _Refused(400, "MALFORMED_REQUEST", "Could not parse request object.")
    return request


def _invalid(message: str) -> _Refused:
    return _Refused(400, "INVALID_PARAMETER_VALUE", message)


def _needed(request: Mapping[str, Any], name: str) -> object:
    if not request.get(name) or not isinstance(request[name], str):
        raise _invalid(f"Missing required field: {name}")
    return request[name]


def _one_of(request: Mapping[str, Any], name: str, known: Sequence[str]) -> str:
    """The value of a field, the first one where it is absent."""
    value = request.get(name, known[0])
    if value not in known:
        raise _invalid(f"{name} must be one of {', '.join(known)} in this workspace, not {value}.")
    return str(value)


def _parameters(items: object) -> Mapping[str, Given]:
    found: dict[str, Given] = {}
    for item in items if isinstance(items, list) else [None]:
        name, value = (item.get("name"), item.get("value")) if isinstance(item, dict) else (None, None)
        kind = item.get("type", "STRING") if isinstance(item, dict) else None
        if not isinstance(name, str) or not _PARAMETER.fullmatch(name):
            raise _invalid("Every parameter needs a name; positional parameters are not supported.")
        if name in found:
            raise _invalid(f"The parameter {name} is given twice.")
        if not isinstance(kind, str) or not _TYPE.fullmatch(kind.upper()):
            raise _invalid(f"The parameter {name} has the unsupported type {kind}.")
        if value is not None and not isinstance(value, str):
            raise _Refused(400, "MALFORMED_REQUEST", f"The value of the parameter {name} must be a string.")
        found[name] = Given(value, kind.upper())
    return found
