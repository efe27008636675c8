"""Contracts in Delta tables of Unity Catalog through a SQL warehouse: the Statement Execution API, without Spark.

What the API allows, by its documentation: a statement of at most 16 MiB, a result of at most 25 MiB in the answer
itself and of 100 GiB behind links to storage, links that are good for 15 minutes, a wait of 5 to 50 seconds in the
request. It names no limit for the values of parameters; here they count as a part of the statement, so that a document
of about 11 MiB is the largest that can be put. Larger ones, which other engines have put, are read in parts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qs, quote

import httpx

from lakepact.errors import ConfigurationError, ExtraMissing, RemoteFailed, UsageError
from lakepact.store.governance import Grant
from lakepact.store.sql_journal import SqlJournal
from lakepact.store.sql_statements import Parameter, StatementFailed, condition_of, schema_of
from lakepact.workspace_login import NoLogin, workspace_client

try:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated
    from databricks.sdk.errors.base import DatabricksError
    from databricks.sdk.service.sql import (
        Disposition,
        ExecuteStatementRequestOnWaitTimeout,
        ExternalLink,
        Format,
        ResultData,
        StatementParameterListItem,
        StatementResponse,
        StatementState,
    )
except ImportError as missing:
    raise ExtraMissing(
        "databricks-sdk is not installed",
        "LP879",
        "pip install 'lakepact[databricks]'",
        {"distribution": "databricks-sdk", "extra": "databricks"},
    ) from missing

__all__ = [
    "MAX_STATEMENT",
    "WarehouseJournal",
    "WarehouseStatements",
    "create_warehouse",
    "govern_warehouse",
    "open_warehouse",
    "statements_at",
]

MAX_STATEMENT: Final = 16 * 1024 * 1024
"""The most bytes that a statement may have with the values of its parameters."""

_EXAMPLE: Final = "uc:main.lakepact?warehouse=1234567890abcdef"
_UNFINISHED: Final = (StatementState.PENDING, StatementState.RUNNING)
_WHOLE: Final = frozenset({"BYTE", "SHORT", "INT", "LONG"})
_TOO_LARGE: Final = re.compile(r"inline byte limit exceeded|disposition=EXTERNAL_LINKS", re.IGNORECASE)
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_LAST_LOOKS: Final = 5
_UNCERTAIN: Final = "what it was to write may be there all the same: look before you write again"


class WarehouseStatements:
    """Runs statements on a SQL warehouse, see `Statements`. Several threads may use it.

    A statement that is not done after `patience` seconds, in which the warehouse has to start too, is canceled. The
    workspace is asked how it stands after `pause` seconds, first often, then less.
    """

    def __init__(
        self,
        client: WorkspaceClient,
        warehouse: str,
        *,
        patience: float = 600.0,
        wait: int = 30,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._api = client.statement_execution
        self._warehouse = warehouse
        self._patience = patience
        self._wait = f"{wait}s"
        self._pause = pause
        self._clock = clock

    def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        """The rows of the result; a result too large for an answer is fetched from where the workspace keeps it.

        Raises StatementFailed where the statement fails, UsageError LP878 where it is too large, RemoteFailed LP876
        where the workspace refuses (token, permission, no such warehouse), LP875 where it does not answer in time.
        """
        _refuse_too_large(text, parameters)
        items = [_item(name, value) for name, value in parameters.items()]
        response = self._ended(text, items, Disposition.INLINE)
        if _state(response) is StatementState.FAILED and _TOO_LARGE.search(_words(response)):
            response = self._ended(text, items, Disposition.EXTERNAL_LINKS)
        if _state(response) is StatementState.FAILED:
            words = _words(response)
            raise StatementFailed(condition_of(words), words)
        if _state(response) is not StatementState.SUCCEEDED:
            how = "was canceled" if _state(response) is StatementState.CANCELED else "was closed"
            raise RemoteFailed(f"a statement on the SQL warehouse {self._warehouse} {how}", "LP875", _UNCERTAIN)
        return self._rows(response)

    def _ended(self, text: str, items: list[StatementParameterListItem], disposition: Disposition) -> StatementResponse:
        """The answer once the statement has come to an end."""
        started, pause = self._clock(), _FIRST_PAUSE
        with self._talking():
            response = self._api.execute_statement(
                text,
                self._warehouse,
                parameters=items or None,
                disposition=disposition,
                format=Format.JSON_ARRAY,
                wait_timeout=self._wait,
                on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CONTINUE,
            )
            while _state(response) in _UNFINISHED:
                if self._clock() - started > self._patience:
                    return self._canceled(response)
                self._pause(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
                response = self._api.get_statement(_id(response))
        return response

    def _canceled(self, response: StatementResponse) -> StatementResponse:
        """The answer after all where the statement was done before it could be canceled. Raises RemoteFailed LP875."""
        state = _state(response)
        self._api.cancel_execution(_id(response))
        for _ in range(_LAST_LOOKS):
            response = self._api.get_statement(_id(response))
            if _state(response) not in _UNFINISHED:
                break
            self._pause(_FIRST_PAUSE)
        if _state(response) in (StatementState.SUCCEEDED, StatementState.FAILED):
            return response
        what = "did not start" if state is StatementState.PENDING else "was not done with a statement"
        message = f"the SQL warehouse {self._warehouse} {what} within {self._patience:g} s"
        hint = "start it, or wait until it is less busy"
        raise RemoteFailed(message, "LP875", hint if state is StatementState.PENDING else f"{hint}; {_UNCERTAIN}")

    def _rows(self, response: StatementResponse) -> Sequence[Mapping[str, Any]]:
        manifest = response.manifest
        if manifest is None or manifest.schema is None or not manifest.schema.columns:
            return []
        if manifest.truncated:
            message = f"the SQL warehouse {self._warehouse} gave only a part of a result"
            raise RemoteFailed(message, "LP875", "the store is too large for one statement")
        columns = [
            (str(each.name), each.type_name and each.type_name.value in _WHOLE) for each in manifest.schema.columns
        ]
        with self._talking():
            return [
                {
                    name: int(value) if whole and value is not None else value
                    for (name, whole), value in zip(columns, row, strict=True)
                }
                for row in self._values(response)
            ]

    def _values(self, response: StatementResponse) -> Iterator[Sequence[str | None]]:
        """The rows of all chunks, as they come."""
        chunk = response.result
        while chunk is not None:
            following = chunk.next_chunk_index
            yield from chunk.data_array or ()
            for link in chunk.external_links or ():
                yield from self._linked(_id(response), link)
                following = link.next_chunk_index
            chunk = None if following is None else self._chunk(_id(response), following)

    def _chunk(self, statement: str, index: int) -> ResultData:
        return self._api.get_statement_result_chunk_n(statement, index)

    def _linked(self, statement: str, link: ExternalLink) -> Sequence[Sequence[str | None]]:
        """The rows behind a link, which is asked for anew where it has expired. It gets no token of the workspace."""
        answer = httpx.get(str(link.external_link), headers=link.http_headers, timeout=60)
        if answer.is_client_error:
            anew = (self._chunk(statement, link.chunk_index or 0).external_links or [link])[0]
            answer = httpx.get(str(anew.external_link), headers=anew.http_headers, timeout=60)
        if answer.is_error:
            # The address of a link is a secret, so the error of httpx, which names it, is not for anybody.
            message = f"the storage with the result of a statement answers HTTP {answer.status_code}"
            raise RemoteFailed(message, "LP875", "allow this machine to reach the storage of the workspace")
        rows: Sequence[Sequence[str | None]] = answer.json()
        return rows

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Turn what the SDK raises into errors that say what to do."""
        try:
            yield
        except (Unauthenticated, PermissionDenied) as error:
            message = f"the workspace refuses: {_line(error)}"
            hint = "log in again (`databricks auth login`), or renew the token; ask for `can use` on the warehouse"
            raise RemoteFailed(message, "LP876", hint) from error
        except NotFound as error:
            message = f"the workspace has no SQL warehouse {self._warehouse}, or has lost a statement: {_line(error)}"
            raise RemoteFailed(message, "LP876", "`databricks warehouses list` shows those that are there") from error
        except httpx.HTTPError as error:
            message = f"the storage with the result of a statement does not answer: {type(error).__name__}"
            hint = "allow this machine to reach the storage of the workspace"
            raise RemoteFailed(message, "LP875", hint) from error
        except (DatabricksError, OSError, ValueError) as error:
            message = f"the workspace cannot be used: {_line(error)}"
            raise RemoteFailed(message, "LP875", f"try again later; {_UNCERTAIN}") from error


class WarehouseJournal(SqlJournal):
    """A journal in the tables of a schema (`catalog.schema`) of Unity Catalog, through the SQL warehouse of that id.

    `client` is a `databricks.sdk.WorkspaceClient`, `profile` the name of its login for the address; for `patience`,
    `wait`, `pause` and `clock` see `WarehouseStatements`. The tables have to be there: `initialise` makes them. Raises
    UsageError LP877 where `schema` is no name of one.
    """

    def __init__(
        self,
        client: WorkspaceClient,
        warehouse: str,
        schema: str,
        *,
        profile: str = "",
        patience: float = 600.0,
        wait: int = 30,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        address = f"uc:{schema}?warehouse={warehouse}{f'&profile={quote(profile)}' if profile else ''}"
        parts = schema_of(schema, address=address, parts=(2,), example=_EXAMPLE)
        statements = WarehouseStatements(client, warehouse, patience=patience, wait=wait, pause=pause, clock=clock)
        super().__init__(statements, parts, address=address, pause=pause)


def open_warehouse(address: str) -> WarehouseJournal:
    """The journal at `uc:CATALOG.SCHEMA?warehouse=ID`, as the user that the SDK finds (environment, profile, login).

    `&profile=NAME` names a profile of `~/.databrickscfg`. Raises UsageError LP877 where the address is none,
    ConfigurationError LP876 where there is no login.
    """
    client, warehouse, schema, profile = _addressed(address)
    return WarehouseJournal(client, warehouse, schema, profile=profile)


def statements_at(address: str) -> tuple[WarehouseStatements, tuple[str, ...]]:
    """What runs statements at `uc:CATALOG.SCHEMA?warehouse=ID`, and the parts of the schema's name.

    For other tables than those of a store. Raises as `open_warehouse` does.
    """
    client, warehouse, schema, _ = _addressed(address)
    return WarehouseStatements(client, warehouse), schema_of(schema, address=address, parts=(2,), example=_EXAMPLE)


def _addressed(address: str) -> tuple[WorkspaceClient, str, str, str]:
    """The client, the warehouse, the schema and the profile of an address."""
    schema, _, query = address.partition(":")[2].partition("?")
    options = parse_qs(query, keep_blank_values=True)
    warehouse, profile = "".join(options.pop("warehouse", [])), "".join(options.pop("profile", []))
    if not (warehouse.isascii() and warehouse.isalnum()) or options:
        raise UsageError("the address names no SQL warehouse, or something else", "LP877", f"write {_EXAMPLE}")
    # Before the login, which takes time and has faults of its own.
    schema_of(schema, address=address, parts=(2,), example=_EXAMPLE)
    try:
        client = workspace_client(profile)
    except NoLogin as error:
        message = f"there is no login to a workspace: {error}"
        hint = "`databricks auth login`, or set DATABRICKS_HOST and DATABRICKS_TOKEN"
        raise ConfigurationError(message, "LP876", hint) from error
    return client, warehouse, schema, profile


def create_warehouse(address: str) -> None:
    """Make the schema and the tables at `uc:…` where they are absent."""
    open_warehouse(address).initialise()


def govern_warehouse(address: str, grants: Iterable[Grant], tags: Mapping[str, str]) -> None:
    """Grant and tag the tables at `uc:…`."""
    open_warehouse(address).govern(grants, tags)


def _item(name: str, value: Parameter) -> StatementParameterListItem:
    kind = "BIGINT" if isinstance(value, int) else "STRING"
    return StatementParameterListItem(name=name, type=kind, value=None if value is None else str(value))


def _refuse_too_large(text: str, parameters: Mapping[str, Parameter]) -> None:
    size = len(text.encode()) + sum(len(str(value).encode()) for value in parameters.values() if value is not None)
    if size > MAX_STATEMENT:
        message = f"a statement of {size} bytes is too large: a SQL warehouse takes {MAX_STATEMENT}"
        hint = "split the contract: its document may have 11 MiB; or put it through `spark:` into the same tables"
        raise UsageError(message, "LP878", hint, {"size": size, "limit": MAX_STATEMENT})


def _state(response: StatementResponse) -> StatementState | None:
    return response.status.state if response.status else None


def _id(response: StatementResponse) -> str:
    return str(response.statement_id)


def _words(response: StatementResponse) -> str:
    """The first line of what went wrong."""
    error = response.status.error if response.status else None
    line = next(iter(((error and error.message) or "it does not say why").strip().splitlines()))
    return re.sub(r"\s*SQLSTATE: \w+.*$", "", line)


def _line(error: BaseException) -> str:
    """The first line of what went wrong; where the SDK gave up after a while, of what went wrong the last time."""
    if isinstance(error, TimeoutError) and error.__cause__ is not None:
        error = error.__cause__
    # To a refusal the SDK adds how it is set up.
    words = str(error).partition(" Config: ")[0].strip()
    return next(iter(words.splitlines()), "") or type(error).__name__
