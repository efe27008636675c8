"""A contract store as an HTTP service, for those who cannot or should not reach the place where it is kept.

    GET  /v1/contracts                                      ids
    GET  /v1/versions?contract=…&status=…&on=…              how its versions stand
    GET  /v1/version?contract=…&version=…                   how one stands
    GET  /v1/latest?contract=…&status=…&specifier=…&on=…    the highest that fits (status: validated unless said)
    GET  /v1/document?contract=…&version=…                  its bytes, with their hash as ETag
    PUT  /v1/document?contract=…&version=…&status=…&reason=…   body: the bytes; If-Match: the hash that was seen
    POST /v1/status?contract=…&version=…                    body: {"status", "reason", "expected", "waivers"}
    GET  /v1/history?contract=…&version=…                   events
    GET  /v1/search?text=…&status=…&domain=…&tag=…          how the versions stand that were found
    GET  /v1/health                                         without a token

Ids and versions are parameters because they are any text, slashes and dots included. Lists come as `items` with a
`next` cursor (`?cursor=…&limit=…`); errors as RFC 9457 problem details with lakepact's own code.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from lakepact.contract import Contract, Version, load_contract
from lakepact.errors import (
    ConfigurationError,
    ContractMissing,
    EnvironmentLacking,
    ExtraMissing,
    LakepactError,
    LifecycleRefused,
    RemoteFailed,
    StoreConflict,
    UsageError,
    VersionRefused,
)
from lakepact.store.encoding import event_data, sha256_of, version_data
from lakepact.store.http_access import TOKENS_VARIABLE, Access, Scope, Tokens, fixed_tokens, read_tokens
from lakepact.store.http_wire import PROBLEM_TYPE, problem_data, read_waiver
from lakepact.store.model import Event, Status, StoredVersion
from lakepact.store.opening import open_store
from lakepact.store.protocol import ContractStore

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    from lakepact.store.http_requests import asked_moment, asked_status, limited_body, needed, page, seen_hash
except ImportError as missing:
    raise ExtraMissing(
        f"{missing.name} is not installed",
        "LP874",
        "pip install 'lakepact[service]'",
        {"distribution": missing.name, "extra": "service"},
    ) from missing

__all__ = ["TOKENS_VARIABLE", "Access", "Scope", "fixed_tokens", "read_tokens", "serve", "store_app"]

_MAX_DOCUMENT: Final = 10 * 1024 * 1024
_MAX_STEP: Final = 1024 * 1024
_STATUSES: Final[Mapping[type[LakepactError], int]] = {
    ContractMissing: 404,
    StoreConflict: 409,
    LifecycleRefused: 409,
    VersionRefused: 409,
    UsageError: 422,
    RemoteFailed: 502,
}


def serve(
    store_address: str,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the store at that address until the process is told to end; `ready` is told where, once it listens.

    The tokens come from the environment variable LAKEPACT_STORE_TOKENS. The service speaks HTTP: where others than this
    machine reach it, put what ends TLS before it. Raises ConfigurationError LP874 without tokens, EnvironmentLacking
    LP874 where the port cannot be had, and what `open_store` raises.
    """
    tokens = read_tokens(os.environ.get(TOKENS_VARIABLE, ""))
    if not tokens:
        hint = f"set {TOKENS_VARIABLE} to entries such as ci=write:TOKEN, with white space between them"
        raise ConfigurationError("the service has no tokens, so nobody could use it", "LP874", hint)
    app = store_app(open_store(store_address), tokens=fixed_tokens(tokens))
    with _listening(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}")
        # The server's own logging configuration would switch on again what other libraries have switched off.
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's algorithm off; otherwise every answer waits for 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        message = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise EnvironmentLacking(message, "LP874", "choose another port") from error
    return listening


def store_app(store: ContractStore, *, tokens: Tokens, max_document: int = _MAX_DOCUMENT) -> Starlette:
    """The service over `store`, as an ASGI application.

    `tokens` says whose a bearer token is, and None for one that is not, or no longer, valid. A body over `max_document`
    bytes is refused before it is read.
    """
    service = _Service(store, tokens, max_document)
    reads: dict[str, Callable[[Request], Response]] = {
        "/v1/contracts": service.contracts,
        "/v1/versions": service.versions,
        "/v1/version": service.version,
        "/v1/latest": service.latest,
        "/v1/document": service.document,
        "/v1/history": service.history,
        "/v1/search": service.search,
    }
    routes = [Route(path, service.reading(handle), methods=["GET"]) for path, handle in reads.items()]
    routes.append(Route("/v1/document", service.writing(service.put), methods=["PUT"]))
    routes.append(Route("/v1/status", service.writing(service.step), methods=["POST"]))
    routes.append(Route("/v1/health", _health, methods=["GET"]))
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_route, Exception: _unexpected})


class _Json(JSONResponse):
    """JSON in ASCII: names from a document may hold what UTF-8 cannot."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class _Service:
    """The endpoints. What blocks runs in threads, so that a slow place does not stop the others."""

    def __init__(self, store: ContractStore, tokens: Tokens, max_document: int) -> None:
        self._store = store
        self._tokens = tokens
        self._max_document = max_document

    def reading(self, handle: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                await self._access(request, Scope.READ)
                return await run_in_threadpool(handle, request)
            except LakepactError as error:
                return _problem(error)

        return endpoint

    def writing(
        self, handle: Callable[[Request, Access], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await handle(request, await self._access(request, Scope.WRITE))
            except StoreConflict as error:
                return _problem(error, 412 if "if-match" in request.headers else 409)
            except LakepactError as error:
                return _problem(error)

        return endpoint

    def contracts(self, request: Request) -> Response:
        return _Json(page(request, self._store.list_contracts(), key=lambda each: [each], data=str))

    def versions(self, request: Request) -> Response:
        status, on = asked_status(request), asked_moment(request)
        found = self._store.list_versions(needed(request, "contract"), status=status, on=on)
        return _Json(page(request, found, key=_version_key, data=version_data, rank=_version_rank))

    def version(self, request: Request) -> Response:
        return _version(self._store.version(needed(request, "contract"), needed(request, "version")))

    def latest(self, request: Request) -> Response:
        found = self._store.latest(
            needed(request, "contract"),
            status=asked_status(request, default=Status.VALIDATED),
            specifier=request.query_params.get("specifier", ""),
            on=asked_moment(request),
        )
        return _version(found)

    def document(self, request: Request) -> Response:
        content = self._store.get(needed(request, "contract"), needed(request, "version")).source
        etag = f'"{sha256_of(content)}"'
        headers = {"etag": etag, "cache-control": "no-cache", "x-content-type-options": "nosniff"}
        seen = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
        if etag in seen:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/yaml", headers=headers)

    def history(self, request: Request) -> Response:
        found = self._store.history(needed(request, "contract"), request.query_params.get("version"))
        return _Json(page(request, found, key=_event_key, data=event_data))

    def search(self, request: Request) -> Response:
        asked = request.query_params
        found = self._store.search(
            asked.get("text", ""), status=asked_status(request), domain=asked.get("domain"), tag=asked.get("tag")
        )
        return _Json(page(request, found, key=_version_key, data=version_data, rank=_version_rank))

    async def put(self, request: Request, access: Access) -> Response:
        contract_id, version = needed(request, "contract"), needed(request, "version")
        status = asked_status(request, default=Status.DRAFT)
        if status is None:
            raise UsageError("a document needs one status", "LP872", "leave `status` out for a draft")
        content = await limited_body(request, self._max_document)
        return await run_in_threadpool(self._put, request, access, contract_id, version, status, content)

    def _put(
        self, request: Request, access: Access, contract_id: str, version: str, status: Status, content: bytes
    ) -> Response:
        contract = _sent(content)
        if (contract.id, contract.version) != (contract_id, version):
            message = f"the document is '{contract.id}' {contract.version}, not '{contract_id}' {version}"
            raise UsageError(message, "LP872", "name the contract and version that the document has")
        asked = request.query_params
        kept = self._store.put(
            contract,
            actor=_actor(access, asked.get("actor")),
            reason=asked.get("reason", ""),
            status=status,
            expected=seen_hash(request),
        )
        return _version(kept)

    async def step(self, request: Request, access: Access) -> Response:
        content = await limited_body(request, _MAX_STEP)
        return await run_in_threadpool(self._step, request, access, content)

    def _step(self, request: Request, access: Access, content: bytes) -> Response:
        try:
            data = json.loads(content)
            status = Status(data["status"])
            expected = None if data.get("expected") is None else Status(data["expected"])
            waivers = tuple(read_waiver(each) for each in data.get("waivers", ()))
            reason, actor = data["reason"], data.get("actor")
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            why = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
            message = f"the body is no step of a life: {why}"
            raise UsageError(message, "LP872", 'send for example {"status": "in review", "reason": "ready"}') from error
        if not isinstance(reason, str) or not isinstance(actor, str | None):
            raise UsageError("the body is no step of a life: `reason` and `actor` are texts", "LP872")
        changed = self._store.set_status(
            needed(request, "contract"),
            needed(request, "version"),
            status,
            actor=_actor(access, actor),
            reason=reason,
            expected=expected,
            expected_sha256=seen_hash(request),
            waivers=waivers,
        )
        return _version(changed)

    async def _access(self, request: Request, scope: Scope) -> Access:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and bool(token.strip())
        access = await run_in_threadpool(self._tokens, token.strip()) if known else None
        if access is None:
            message = "the token is not valid, or no longer" if known else "the request has no bearer token"
            raise _Refused(message, "LP871", "send a valid token in the header Authorization", {"status": 401})
        if not access.allows(scope):
            message = f"the token of {access.actor} does not allow to {scope}"
            raise _Refused(message, "LP871", f"ask for a token with the scope {scope}", {"status": 403})
        return access


class _Refused(RemoteFailed):
    """No token, or one that does not allow it."""


def _sent(content: bytes) -> Contract:
    """The contract of a request; that it has faults is the sender's matter, not the store's."""
    return load_contract(content, file="request body")


def _actor(access: Access, named: str | None) -> str:
    return named if named is not None and access.allows(Scope.DELEGATE) else access.actor


def _version(version: StoredVersion) -> Response:
    return _Json(version_data(version), headers={"cache-control": "no-cache", "etag": f'"{version.sha256}"'})


def _version_key(version: StoredVersion) -> list[Any]:
    return [version.contract_id, version.version]


def _version_rank(key: Sequence[Any]) -> tuple[str, Version]:
    return key[0], Version.parse(key[1])


def _event_key(event: Event) -> list[Any]:
    return [event.sequence]


def _problem(error: LakepactError, status: int | None = None) -> Response:
    answer = status or _status_of(error)
    headers = {"www-authenticate": 'Bearer realm="lakepact"'} if answer == 401 else {}
    shown = RemoteFailed(error.message, error.code, error.hint) if isinstance(error, _Refused) else error
    return _Json(problem_data(shown, answer), status_code=answer, headers=headers, media_type=PROBLEM_TYPE)


def _status_of(error: LakepactError) -> int:
    if isinstance(error, _Refused):
        return int(str(error.facts["status"]))
    if error.code == "LP873":
        return 413
    # Faults of a document or specifier are the sender's; any other fault of a file is the place's.
    if isinstance(error, ConfigurationError) and error.code.startswith("LP1"):
        return 422
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 500)


async def _health(_request: Request) -> Response:
    return _Json({"service": "lakepact-store", "api": 1})


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    message = f"there is nothing to {request.method} at {request.url.path}"
    return _problem(UsageError(message, "LP872", "the addresses begin with /v1/"), status)


async def _unexpected(_request: Request, _error: Exception) -> Response:
    """What happened is in the log of the service only: it may name what a caller should not see."""
    return _problem(RemoteFailed("the service failed; its log says why", "LP870", "tell those who run it"), 500)
