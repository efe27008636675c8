"""A contract store behind HTTP: every decision is the service's, every answer and error is that of any other store."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import httpx

from lakepact.contract import Contract, from_official, load_contract
from lakepact.diff import Waiver
from lakepact.errors import ConfigurationError, LakepactError, RemoteFailed, UsageError
from lakepact.store.encoding import event_of, sha256_of
from lakepact.store.http_wire import ANY_STATUS, MAX_PAGE, PROBLEM_TYPE, error_of, read_version, waiver_data
from lakepact.store.model import Event, Status, StoredVersion

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard

__all__ = ["TOKEN_VARIABLE", "HttpStore", "open_http", "token_from_environment"]

TOKEN_VARIABLE: Final = "LAKEPACT_STORE_TOKEN"
"""The environment variable that holds the token of a client."""

_TRANSIENT: Final = frozenset({429, 502, 503, 504})
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
# A service that asks for more patience than this is said to be away: a job should not hang for hours.
_PATIENCE: Final = 60.0

_Item = TypeVar("_Item")
_Params = Mapping[str, str | int | None]


def token_from_environment() -> str:
    """The token in LAKEPACT_STORE_TOKEN. Raises ConfigurationError LP871 where there is none."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token.strip():
        raise ConfigurationError("there is no token for the contract store", "LP871", f"set {TOKEN_VARIABLE}")
    return token


def open_http(address: str) -> HttpStore:
    """The store at `http(s)://host/path`, with the token of LAKEPACT_STORE_TOKEN."""
    return HttpStore(address)


class HttpStore:
    """The store that a service at `address` serves, see `ContractStore`.

    `token` is asked before every request, so that it may be renewed. Reads are tried again up to `retries` times, with
    pauses that grow and are as long as the service asks for; writes never, because nobody knows whether they were done.
    The service decides who the actor is: the owner of the token, unless that may write in the name of others.

    Raises UsageError LP874 where the address is none.
    """

    def __init__(
        self,
        address: str,
        *,
        token: Callable[[], str] = token_from_environment,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._address = _checked(address)
        self._token = token
        self._retries = retries
        self._pause = pause
        self._clock = clock
        self._client = httpx.Client(base_url=f"{self._address}/v1/", transport=transport, timeout=timeout)

    @property
    def address(self) -> str:
        """The address that `open_store` opens this store by."""
        return self._address

    def close(self) -> None:
        """End the connections that are kept open."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(
        self,
        contract: Contract | OpenDataContractStandard,
        *,
        actor: str,
        reason: str = "",
        status: Status = Status.DRAFT,
        expected: str | None = None,
    ) -> StoredVersion:
        """Keep this version, see `ContractStore.put`."""
        kept = contract if isinstance(contract, Contract) else from_official(contract)
        if not kept.source:
            message = f"the contract '{kept.id}' was not read from a document"
            raise UsageError(message, "LP855", "write its document and read that with load_contract")
        params = {
            "contract": kept.id,
            "version": kept.version,
            "status": status.value,
            "reason": reason,
            "actor": actor,
        }
        headers = {"content-type": "application/yaml", **_if_match(expected)}
        answer = self._write("PUT", "document", params, content=kept.source, headers=headers)
        return self._version(answer)

    def get(self, contract_id: str, version: str) -> Contract:
        """The contract, with the very bytes that were put as its `source`."""
        answer = self._read("document", {"contract": contract_id, "version": version})
        content = answer.content
        if answer.headers.get("etag") != f'"{sha256_of(content)}"':
            raise self._strange("a document that does not have the hash that came with it")
        return load_contract(content, file=f"{self._address}#{contract_id}@{version}")

    def version(self, contract_id: str, version: str) -> StoredVersion:
        """How a version stands."""
        return self._version(self._read("version", {"contract": contract_id, "version": version}))

    def list_contracts(self) -> tuple[str, ...]:
        """The ids of all contracts, sorted."""
        return tuple(self._pages("contracts", {}, _text))

    def list_versions(
        self, contract_id: str, *, status: Status | None = None, on: datetime | None = None
    ) -> tuple[StoredVersion, ...]:
        """All versions of a contract, lowest first, as they stand, or stood at the moment `on`."""
        params = {"contract": contract_id, "status": _status(status), "on": _moment(on)}
        return tuple(self._pages("versions", params, read_version))

    def latest(
        self,
        contract_id: str,
        *,
        status: Status | None = Status.VALIDATED,
        specifier: str = "",
        on: datetime | None = None,
    ) -> StoredVersion:
        """The highest version of that status (None: of any) that fits the specifier, now or at the moment `on`."""
        params = {"contract": contract_id, "status": _status(status), "specifier": specifier, "on": _moment(on)}
        return self._version(self._read("latest", params))

    def search(
        self, text: str = "", *, status: Status | None = None, domain: str | None = None, tag: str | None = None
    ) -> tuple[StoredVersion, ...]:
        """Versions whose id, name, purpose, objects, tags or owners contain every word of `text`, whatever its case."""
        params = {"text": text, "status": _status(status), "domain": domain, "tag": tag}
        return tuple(self._pages("search", params, read_version))

    def set_status(
        self,
        contract_id: str,
        version: str,
        status: Status,
        *,
        actor: str,
        reason: str,
        expected: Status | None = None,
        expected_sha256: str | None = None,
        waivers: Sequence[Waiver] = (),
    ) -> StoredVersion:
        """Take a version a step through its life, see `ContractStore.set_status`."""
        data = {
            "status": status.value,
            "reason": reason,
            "actor": actor,
            "expected": expected and expected.value,
            "waivers": [waiver_data(waiver) for waiver in waivers],
        }
        headers = {"content-type": "application/json", **_if_match(expected_sha256)}
        params = {"contract": contract_id, "version": version}
        answer = self._write("POST", "status", params, content=json.dumps(data).encode(), headers=headers)
        return self._version(answer)

    def history(self, contract_id: str, version: str | None = None) -> tuple[Event, ...]:
        """The audit trail of a contract, or of one version, oldest first."""
        return tuple(self._pages("history", {"contract": contract_id, "version": version}, event_of))

    def _version(self, answer: httpx.Response) -> StoredVersion:
        with self._understanding():
            return read_version(answer.json())

    def _pages(self, path: str, params: _Params, read: Callable[[Any], _Item]) -> Iterator[_Item]:
        cursor: str | None = None
        while True:
            answer = self._read(path, {**params, "limit": MAX_PAGE, "cursor": cursor})
            with self._understanding():
                data = answer.json()
                items, following = [read(each) for each in data["items"]], data["next"]
            yield from items
            if following is None:
                return
            if following == cursor:
                raise self._strange("a list that never ends")
            cursor = following

    def _read(self, path: str, params: _Params) -> httpx.Response:
        """The answer to a request that changes nothing, which may be asked for again."""
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                answer = self._send("GET", path, params)
            except httpx.TransportError as error:
                if last:
                    raise self._away(error, written=False) from error
                self._pause(_backoff(attempt))
                continue
            wait = self._wait(answer, attempt)
            if last or wait is None:
                return self._judged(answer)
            self._pause(wait)
        raise AssertionError("the last attempt returns or raises")

    def _write(
        self, method: str, path: str, params: _Params, *, content: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        try:
            return self._judged(self._send(method, path, params, content=content, headers=headers))
        except httpx.TransportError as error:
            raise self._away(error, written=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)) from error

    def _send(
        self,
        method: str,
        path: str,
        params: _Params,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        asked = {key: value for key, value in params.items() if value is not None}
        token = self._token().strip()
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise ConfigurationError("the token has characters that no token has", "LP871", f"check {TOKEN_VARIABLE}")
        sent = {**(headers or {}), "authorization": f"Bearer {token}"}
        try:
            return self._client.request(method, path, params=asked, content=content, headers=sent)
        except UnicodeEncodeError:
            raise UsageError("the request has text that is not Unicode", "LP872") from None
        except httpx.InvalidURL as error:
            raise UsageError(f"the request is too long: {error}", "LP872", "shorten the reason") from None

    def _wait(self, answer: httpx.Response, attempt: int) -> float | None:
        """Seconds until it makes sense to ask again; None where it makes none."""
        if answer.status_code not in _TRANSIENT:
            return None
        asked = _retry_after(answer.headers.get("retry-after", ""), self._clock())
        if asked is None:
            return _backoff(attempt)
        return asked + random.uniform(0, _FIRST_PAUSE) if asked <= _PATIENCE else None

    def _judged(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        if answer.headers.get("content-type", "").partition(";")[0].strip() == PROBLEM_TYPE:
            with self._understanding():
                error: LakepactError = error_of(answer.json())
            raise error
        raise self._strange(f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip())

    def _away(self, error: httpx.TransportError, *, written: bool) -> RemoteFailed:
        reason = str(error) or type(error).__name__
        hint = "check the address, and whether the service runs"
        if written:
            hint = "it may have been written all the same: look at the version before you write again"
        return RemoteFailed(f"{self._address} does not answer: {reason}", "LP870", hint, {"address": self._address})

    @contextmanager
    def _understanding(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError, ConfigurationError) as error:
            raise self._strange("something that no contract store says") from error

    def _strange(self, what: str) -> RemoteFailed:
        hint = "check that the address is that of a contract store, up to and without /v1"
        return RemoteFailed(f"{self._address} answers with {what}", "LP870", hint, {"address": self._address})


def _checked(address: str) -> str:
    """The address without a slash at its end. The message of a refusal never repeats what may be a password."""
    hint = "write https://host/path; the token goes into LAKEPACT_STORE_TOKEN"
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise UsageError("the address of the contract store is no URL", "LP874", hint) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"'{address}' is no address of a contract store", "LP874", hint)
    if url.userinfo or url.query or url.fragment:
        message = f"the address of the contract store at {url.host} has a user, a query or a fragment"
        raise UsageError(message, "LP874", hint)
    return str(url).rstrip("/")


def _if_match(sha256: str | None) -> dict[str, str]:
    if sha256 is None:
        return {}
    if not (sha256.isascii() and sha256.isalnum()):
        raise UsageError(f"{sha256!r} is no hash of a document", "LP872", "give the sha256 of the version that you saw")
    return {"if-match": f'"{sha256}"'}


def _status(status: Status | None) -> str:
    return ANY_STATUS if status is None else status.value


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _backoff(attempt: int) -> float:
    return random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))


def _retry_after(text: str, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None without a valid one."""
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
