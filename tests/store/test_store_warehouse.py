"""The journal on a SQL warehouse: the real SDK, a workspace on loopback, and real Delta tables."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

from lakepact.cli import main
from lakepact.errors import ConfigurationError, ExtraMissing, RemoteFailed, UsageError
from lakepact.sql import identifier, string
from lakepact.store import JournalStore, Status, create_store, open_store
from lakepact.store.delta_rs import DeltaJournal
from lakepact.store.encoding import sha256_of
from lakepact.store.governance import Access, Grant, grant_of, tags_of
from lakepact.store.model import EventKind
from lakepact.store.warehouse import MAX_STATEMENT, WarehouseJournal, WarehouseStatements, open_warehouse
from lakepact.testing.store_oracle import run_at_random
from lakepact.testing.store_samples import HOSTILE_BYTES, HOSTILE_SQL_TEXTS
from lakepact.testing.store_suite import BareJournalSuite, put_event, status_event
from lakepact.testing.workspace_statements import WorkspaceStatements

_NUMBERS = itertools.count(1)
REAL = ("LAKEPACT_TEST_WAREHOUSE", "LAKEPACT_TEST_CATALOG")


@pytest.fixture(autouse=True)
def _no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client finds no login of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "databrickscfg"))


@pytest.fixture
def workspace(spark: Any) -> Iterator[WorkspaceStatements]:
    with WorkspaceStatements(spark) as workspace:
        yield workspace


@pytest.fixture
def schema(spark: Any, tmp_path: Path) -> Iterator[str]:
    name = f"lake_{next(_NUMBERS)}"
    spark.sql(f"CREATE SCHEMA {identifier(name)} LOCATION {string(str(tmp_path / name))}")
    yield name
    spark.sql(f"DROP SCHEMA IF EXISTS {identifier(name)} CASCADE")


def client(workspace: WorkspaceStatements, *, repeats: int = 60) -> WorkspaceClient:
    return WorkspaceClient(config=Config(host=workspace.url, token=workspace.token, retry_timeout_seconds=repeats))


def journal_of(workspace: WorkspaceStatements, schema: str, **options: Any) -> WarehouseJournal:
    return WarehouseJournal(client(workspace), workspace.warehouse, f"main.{schema}", **options)


def statements(workspace: WorkspaceStatements, **options: Any) -> WarehouseStatements:
    return WarehouseStatements(client(workspace), workspace.warehouse, **options)


@pytest.fixture
def made(workspace: WorkspaceStatements, schema: str) -> WarehouseJournal:
    journal = journal_of(workspace, schema)
    journal.initialise()
    return journal


class TestWarehouseJournal(BareJournalSuite):
    writers: ClassVar[int] = 2
    # Each statement takes a second: texts that must not be taken for each other, one of them with all that may break.
    hostile_texts: ClassVar[tuple[str, ...]] = ("cafe\u0301", "caf\u00e9", "\U0001f986".join(HOSTILE_SQL_TEXTS[2:]))

    @pytest.fixture
    def journal(self, made: WarehouseJournal) -> WarehouseJournal:
        return made

    @pytest.fixture
    def reopen(self, workspace: WorkspaceStatements, schema: str) -> Callable[[], WarehouseJournal]:
        return lambda: journal_of(workspace, schema)

    def test_any_bytes_come_back_equal(self, journal: WarehouseJournal, reopen: Callable[[], WarehouseJournal]) -> None:
        contents = (b"", b"".join(HOSTILE_BYTES[1:-1]), HOSTILE_BYTES[-1])
        for number, content in enumerate(contents, 1):
            assert journal.append(put_event("orders", number, content, version=f"1.0.{number}"), content)
        again = reopen()
        assert [event.sequence for event in again.events("orders")] == [1, 2, 3]
        for number, content in enumerate(contents, 1):
            assert again.document("orders", f"1.0.{number}", sha256_of(content)) == content


def test_the_store_over_it_does_what_a_simple_model_says(made: WarehouseJournal) -> None:
    # Of six steps two put, two set a status, one is refused for what it expects and one for what is not there.
    run_at_random(JournalStore(made), seed=1432, steps=6)
    assert [event.kind for event in made.events("random-1432")] == [*(EventKind.PUT,) * 2, *(EventKind.STATUS,) * 2]


def test_no_value_is_in_the_text_of_a_statement(workspace: WorkspaceStatements, made: WarehouseJournal) -> None:
    event = put_event("Zebra';--", 1, b"Zebra", version="Zebra", actor="Zebra")
    assert made.append(event, b"Zebra")
    assert made.events("Zebra';--") == (event,)
    assert made.document("Zebra';--", "Zebra", event.sha256) == b"Zebra"
    assert "MERGE" in " ".join(workspace.statements)
    assert [text for text in workspace.statements if "zebra" in text.lower() or event.sha256 in text] == []


def test_the_address_opens_the_store(
    workspace: WorkspaceStatements, schema: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", workspace.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)
    address = f"uc:main.{schema}?warehouse={workspace.warehouse}"
    with pytest.raises(ConfigurationError, match=rf"^LP866: {re.escape(address)} is no contract store: it has no tab"):
        open_store(address).list_contracts()
    create_store(address)
    assert (open_store(address).list_contracts(), open_store(address).address) == ((), address)
    (tmp_path / "databrickscfg").write_text(f"[lake]\nhost = {workspace.url}\ntoken = {workspace.token}\n")
    monkeypatch.delenv("DATABRICKS_HOST")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    assert open_store(f"{address}&profile=lake").address == f"{address}&profile=lake"
    assert open_store(f"{address}&profile=lake").list_contracts() == ()


@pytest.mark.parametrize(
    "address",
    [
        "uc:main.lp",
        "uc:main.lp?warehouse=",
        "uc:main.lp?warehouse=a/b",
        "uc:main.lp?warehouse=a&warehouse=/b",
        "uc:main.lp?warehouse=ab&token=secret",
    ],
)
def test_an_address_without_a_warehouse(address: str) -> None:
    with pytest.raises(UsageError, match=r"^LP877: the address names no SQL warehouse, or something else\n") as caught:
        open_warehouse(address)
    assert "secret" not in str(caught.value)


def test_an_address_without_a_schema(workspace: WorkspaceStatements) -> None:
    for name in ("lp", "a.b.c", "a b.c", ""):
        with pytest.raises(UsageError, match=rf"^LP877: 'uc:{name}\?warehouse=0123456789abcdef' names no schema\n"):
            WarehouseJournal(client(workspace), workspace.warehouse, name)


def test_without_a_login() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^LP876: there is no login to a workspace: .*\n  hint: `databricks a"
    ):
        open_warehouse("uc:main.lp?warehouse=0123456789abcdef")


def test_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "databricks.sdk", None)
    monkeypatch.delitem(sys.modules, "lakepact.store.warehouse")
    with pytest.raises(
        ExtraMissing, match=r"^LP879: databricks-sdk is not installed\n  hint: pip install 'lakepact\[da"
    ):
        importlib.import_module("lakepact.store.warehouse")


def test_results_in_chunks_and_behind_links(spark: Any, schema: str) -> None:
    with WorkspaceStatements(spark, chunk_rows=2, inline_limit=400) as workspace:
        journal = journal_of(workspace, schema)
        journal.initialise()
        events = tuple(put_event("orders", number, b"x", version=f"1.0.{number}") for number in range(1, 4))
        for number, event in enumerate(events, 1):
            assert journal.append(event, b"x")
            assert journal.events("orders") == events[:number]
        assert any(path.endswith("/result/chunks/1") for path in workspace.requests)
        assert any(path.startswith("GET /storage/") for path in workspace.requests)
        assert journal.all_events() == {"orders": events}


def test_links_that_expire_are_asked_for_anew(spark: Any) -> None:
    with WorkspaceStatements(spark, chunk_rows=2, inline_limit=3) as workspace:
        chunks = statements(workspace)
        get_chunk = chunks._chunk

        def late(statement: str, index: int) -> Any:
            found = get_chunk(statement, index)
            if workspace.requests.count(f"GET /api/2.0/sql/statements/{statement}/result/chunks/{index}") == 1:
                workspace.expire_links()
            return found

        chunks._chunk = late  # type: ignore[method-assign]
        rows = chunks.run("SELECT id, concat('n', id) AS name FROM range(:n) ORDER BY id", {"n": 5})
        assert rows == [{"id": number, "name": f"n{number}"} for number in range(5)]


def test_a_document_that_is_too_large_to_put_is_still_read(
    workspace: WorkspaceStatements, made: WarehouseJournal, tmp_path: Path, schema: str
) -> None:
    big = bytes(range(256)) * (20 * 4096)
    before = len(workspace.requests)
    with pytest.raises(
        UsageError,
        match=rf"^LP878: a statement of 279\d{{5}} bytes is too large: a SQL warehouse takes {MAX_STATEMENT}\n",
    ):
        made.append(put_event("orders", 1, big), big)
    assert not any("POST" in path for path in workspace.requests[before + 1 :]), "nothing but the look at the table"
    assert DeltaJournal(tmp_path / schema).append(put_event("orders", 1, big), big)
    assert made.document("orders", "1.0.0", sha256_of(big)) == big
    almost = big[: 11 * 1024 * 1024]
    assert made.append(put_event("orders", 2, almost), almost)
    assert made.document("orders", "1.0.0", sha256_of(almost)) == almost


def test_a_warehouse_that_starts_is_waited_for(workspace: WorkspaceStatements) -> None:
    workspace.stop(1.2)
    assert statements(workspace, wait=0).run("SELECT 1 AS a", {}) == [{"a": 1}]
    assert client(workspace).warehouses.get(workspace.warehouse).state is not None


def test_a_warehouse_that_does_not_start(workspace: WorkspaceStatements) -> None:
    workspace.stop(60)
    words = (
        r"^LP875: the SQL warehouse 0123456789abcdef did not start within 0\.5 s\n"
        r"  hint: start it, or wait until it is less busy$"
    )
    with pytest.raises(RemoteFailed, match=words):
        statements(workspace, wait=0, patience=0.5).run("SELECT 1", {})
    assert any(path.endswith("/cancel") for path in workspace.requests)
    assert workspace.statements == []


def test_a_statement_that_takes_too_long_is_canceled(workspace: WorkspaceStatements) -> None:
    workspace.slow(60)
    pauses: list[float] = []
    clock = itertools.count()
    runs = statements(workspace, wait=0, patience=6, pause=pauses.append, clock=lambda: float(next(clock)))
    words = (
        r"^LP875: the SQL warehouse .* was not done with a statement within 6 s\n  hint: .*; what it was to write may"
    )
    with pytest.raises(RemoteFailed, match=words):
        runs.run("SELECT 1", {})
    assert pauses[:3] == [0.5, 0.75, 1.125]
    assert workspace.statements == []


def test_a_statement_that_somebody_cancels(workspace: WorkspaceStatements) -> None:
    workspace.slow(60)
    somebody = client(workspace).statement_execution

    def cancel(_: float) -> None:
        if "/sql/statements/" in workspace.requests[-1]:
            somebody.cancel_execution(workspace.requests[-1].rpartition("/")[2])

    with pytest.raises(
        RemoteFailed, match=r"^LP875: a statement on the SQL warehouse .* was canceled\n  hint: what it"
    ):
        statements(workspace, wait=0, pause=cancel).run("SELECT 1", {})


def test_a_token_that_expired(workspace: WorkspaceStatements, made: WarehouseJournal) -> None:
    workspace.expire_token()
    words = r"^LP876: the workspace refuses: Invalid access token\.\n  hint: log in again"
    with pytest.raises(RemoteFailed, match=words) as caught:
        made.events("orders")
    assert "dapi" not in str(caught.value)
    with pytest.raises(RemoteFailed, match=words):
        made.append(put_event("orders", 1, b"x"), b"x")


def test_a_warehouse_that_is_not_there(workspace: WorkspaceStatements) -> None:
    for name, words in (
        ("fedcba9876543210", "^LP876: the workspace has no SQL warehouse fedcba9876543210, or has lost a statement: "),
        ("nonsense", "^LP875: the workspace cannot be used: nonsense is not a valid endpoint id"),
    ):
        with pytest.raises(RemoteFailed, match=words):
            WarehouseStatements(client(workspace), name).run("SELECT 1", {})


def test_a_workspace_that_is_busy_or_away(workspace: WorkspaceStatements) -> None:
    workspace.refuse_next(429, "RESOURCE_EXHAUSTED", "Too many requests.", Retry_After="0")
    assert statements(workspace).run("SELECT 1 AS a", {}) == [{"a": 1}]
    for _ in range(9):
        workspace.refuse_next(429, "RESOURCE_EXHAUSTED", "Too many requests.", Retry_After="1")
    with pytest.raises(RemoteFailed, match=r"^LP875: the workspace cannot be used: Too many requests\.\n  hint: try"):
        WarehouseStatements(client(workspace, repeats=2), workspace.warehouse).run("SELECT 1 AS a", {})


def test_an_answer_that_was_lost(workspace: WorkspaceStatements, made: WarehouseJournal) -> None:
    event = put_event("orders", 1, b"x")
    made.events("orders")
    workspace.lose_next_answer()
    assert made.append(event, b"x") is True, "the SDK asks again, and finds its own event there"
    assert made.events("orders") == (event,)
    assert made.append(put_event("orders", 1, b"y"), b"y") is False


def test_a_conflict_is_tried_again(workspace: WorkspaceStatements, schema: str, made: WarehouseJournal) -> None:
    made.contract_ids()
    pauses: list[float] = []
    journal = journal_of(workspace, schema, pause=pauses.append)
    journal.contract_ids()
    for _ in range(2):
        workspace.fail_next("[DELTA_CONCURRENT_APPEND.ROW_LEVEL_CHANGES] Transaction conflict. SQLSTATE: 2D521")
    assert journal.append(put_event("orders", 1, b"x"), b"x")
    assert len(pauses) == 2


def test_a_statement_that_fails(workspace: WorkspaceStatements, made: WarehouseJournal) -> None:
    made.contract_ids()
    workspace.fail_next("[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User lacks MODIFY. SQLSTATE: 42501\n at x")
    words = r"^LP876: uc:main\..* may not be used so: \[INSUFFICIENT_PERMISSIONS\] .*: User lacks MODIFY\.\n"
    with pytest.raises(RemoteFailed, match=words):
        made.append(put_event("orders", 1, b"x"), b"x")
    workspace.fail_next("[INTERNAL_ERROR] The disk is full.")
    with pytest.raises(
        RemoteFailed, match=r"^LP875: a statement of uc:.* failed: \[INTERNAL_ERROR\] The disk is full\.\n"
    ):
        made.append(put_event("orders", 1, b"x"), b"x")
    assert made.append(put_event("orders", 1, b"x"), b"x")


def test_grants_and_tags(
    workspace: WorkspaceStatements, schema: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", workspace.url)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)
    address = f"uc:main.{schema}?warehouse={workspace.warehouse}"
    words = ["store", "init", "--store", address, "--grant", "data-stewards=read", "--grant", "o`neil@x.com=write"]
    for _ in range(2):
        assert main([*words, "--tag", "team=data's", "--tag", "certified"]) == 0
    assert capsys.readouterr().err == f"{address} is a contract store\n" * 2
    tables = [f"main.{schema}.contract_events", f"main.{schema}.contracts"]
    assert workspace.governed.grants == {
        *((who, "USE SCHEMA", f"main.{schema}") for who in ("data-stewards", "o`neil@x.com")),
        *((who, "SELECT", table) for who in ("data-stewards", "o`neil@x.com") for table in tables),
        *(("o`neil@x.com", "MODIFY", table) for table in tables),
    }
    assert workspace.governed.tags == {table: {"team": "data's", "certified": ""} for table in tables}


def test_grants_and_tags_that_are_none() -> None:
    for text in ("ci", "ci=", "=read", "ci=admin"):
        with pytest.raises(
            UsageError, match=rf"^LP877: '{text}' is no grant\n  hint: write PRINCIPAL=read or PRINCIPAL=w"
        ):
            grant_of(text)
    assert grant_of("a=b=write") == Grant("a=b", Access.WRITE)
    with pytest.raises(UsageError, match=r"^LP877: '=x' is no tag\n"):
        tags_of(["=x"])
    with pytest.raises(UsageError, match=r"^LP877: 'a=2' has another value already\n"):
        tags_of(["a=1", "a=2"])


def test_other_places_have_no_grants(tmp_path: Path) -> None:
    words = r"^LP877: 'file:.*' has no grants and tags: only stores of spark: and uc: have\n"
    for options in ({"grants": [Grant("ci", Access.READ)]}, {"tags": {"team": "data"}}):
        with pytest.raises(UsageError, match=words):
            create_store(f"file:{tmp_path}/store", **options)
    assert not (tmp_path / "store").exists()


@pytest.mark.skipif(
    not all(os.environ.get(name) for name in REAL), reason=f"a real workspace: set {' and '.join(REAL)}"
)
def test_a_real_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    warehouse, catalog = (os.environ[name] for name in REAL)
    schema = f"lakepact_test_{uuid.uuid4().hex}"
    journal = open_warehouse(f"uc:{catalog}.{schema}?warehouse={warehouse}")
    journal.initialise()
    try:
        content = "# caf\u00e9 '\"\\ \U0001f986\n".encode() * 1000
        first, second = put_event("a'b", 1, content), status_event("a'b", 2, content, Status.IN_REVIEW)
        assert journal.append(first, content)
        assert journal.append(put_event("a'b", 1, content, actor="eve"), content) is False
        assert journal.append(second, None)
        assert journal.all_events() == {"a'b": (first, second)}
        assert journal.document("a'b", "1.0.0", first.sha256) == content
        assert journal.project() == 1
    finally:
        WarehouseStatements(WorkspaceClient(), warehouse).run(
            f"DROP SCHEMA {identifier(catalog)}.{identifier(schema)} CASCADE", {}
        )
