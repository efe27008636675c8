"""`lakepact store …`: what each command prints, its exit codes, and what it leaves in the store."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.errors import RemoteFailed
from lakepact.spark.engine import free_port
from lakepact.store import JournalStore, Status, open_store
from lakepact.store.http_client import HttpStore
from lakepact.testing.store_samples import contract, document

Captured = pytest.CaptureFixture[str]

HASH = contract(columns=("a", "b")).sha256


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two versions of a contract, and a store of files that the environment names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKEPACT_STORE", "file:store")
    monkeypatch.delenv("LAKEPACT_ACTOR", raising=False)
    Path("one.yaml").write_bytes(document("orders", "1.0.0", columns=("a", "b")))
    Path("two.yaml").write_bytes(document("orders", "1.1.0", columns=("a",)))
    assert main(["store", "init"]) == 0
    return tmp_path


@pytest.fixture
def filled(folder: Path) -> JournalStore:
    """Version 1.0.0 is validated, 1.1.0 is in review."""
    store = open_store("file:store")
    assert isinstance(store, JournalStore)
    for file, version in (("one.yaml", "1.0.0"), ("two.yaml", "1.1.0")):
        assert main(["store", "put", file, "--reason", "first", "--actor", "ada"]) == 0
        assert main(["store", "promote", "orders", version, "--reason", "ready", "--actor", "ada"]) == 0
    assert main(["store", "promote", "orders", "1.0.0", "--reason", "good", "--actor", "bob"]) == 0
    return store


def test_init_makes_a_store_and_says_so(folder: Path, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "init", "--store", "file:other/deep"]) == 0
    assert main(["store", "init", "--store", "file:other/deep"]) == 0
    assert capsys.readouterr().err == "file:other/deep is a contract store\n" * 2
    assert (folder / "other" / "deep" / "lakepact-store.json").exists()


def test_put_prints_how_each_version_stands(capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "put", "one.yaml", "two.yaml", "--actor", "ada"]) == 0
    printed = capsys.readouterr().out.splitlines()
    day = f"{open_store('store').version('orders', '1.0.0').changed_at:%Y-%m-%d}"
    assert printed[0] == f"orders  1.0.0  draft  {day}  ada  {HASH}"
    assert len(printed) == 2


def test_put_takes_the_actor_from_the_environment_or_the_system(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    assert main(["store", "put", "one.yaml"]) == 0
    monkeypatch.setenv("LAKEPACT_ACTOR", "robot")
    assert main(["store", "put", "two.yaml"]) == 0
    assert [event.actor for event in open_store("store").history("orders")] == [getpass.getuser(), "robot"]


def test_put_replaces_only_what_was_seen(capsys: Captured) -> None:
    assert main(["store", "put", "one.yaml", "--actor", "ada"]) == 0
    Path("one.yaml").write_bytes(document("orders", "1.0.0", columns=("c",)))
    capsys.readouterr()
    assert main(["store", "put", "one.yaml"]) == 1
    hint = f"get it, and put what you make of it with the hash that you saw as `expected` (now {HASH})"
    assert capsys.readouterr().err == (
        f"error LP851: 'orders' 1.0.0 is there with other bytes, of ada\n  hint: {hint}\n"
    )
    assert main(["store", "put", "one.yaml", "--expected", HASH, "--status", "in-review", "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)[0]
    assert (stored["status"], stored["sha256"]) == ("in review", contract(columns=("c",)).sha256)


def test_put_directly(capsys: Captured) -> None:
    assert main(["store", "put", "one.yaml", "--status", "validated"]) == 1
    assert "error LP852: 'orders' 1.0.0 cannot begin as validated\n" in capsys.readouterr().err
    assert main(["store", "put", "one.yaml", "--status", "validated", "--no-review"]) == 0
    assert open_store("store").latest("orders").version == "1.0.0"


def test_a_contract_with_errors_is_not_put(capsys: Captured) -> None:
    Path("bad.yaml").write_text("kind: DataContract\napiVersion: v3.1.0\n")
    capsys.readouterr()
    assert main(["store", "put", "one.yaml", "bad.yaml"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error LP100: 2 errors in 'bad.yaml'\nbad.yaml:1:1: error LP130: ")
    assert open_store("store").list_contracts() == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["put", "one.yaml", "two.yaml", "--expected", "x"],
            "--expected is about one contract\n  hint: put that one alone",
        ),
        (["get", "orders", "1.0.0", "--specifier", "1"], "VERSION and --specifier exclude each other"),
        (
            ["list", "--status", "active"],
            "'active' is no status\n  hint: choose one of draft, in review, validated, rejected, deprecated, retired",
        ),
        (["list", "--on", "monday"], "'monday' is no time\n  hint: write 2024-01-31 or 2024-01-31T10:00:00Z"),
    ],
)
def test_what_is_no_call(arguments: list[str], words: str, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", *arguments]) == 2
    assert capsys.readouterr().err == f"error LP858: {words}\n"


def test_no_store_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.delenv("LAKEPACT_STORE")
    capsys.readouterr()
    assert main(["store", "list"]) == 2
    words = "error LP858: no store is named\n  hint: name it with --store ADDRESS, or set LAKEPACT_STORE\n"
    assert capsys.readouterr().err == words
    assert main(["store", "list", "--store", "file:store"]) == 0


def test_get_prints_the_very_bytes(filled: JournalStore, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    text = document("emoji", "1.0.0", extra="# \U0001f986 \\ \u202e no end of line")
    Path("emoji.yaml").write_bytes(text.replace(b"kind:", b"kind: "))
    assert main(["store", "put", "emoji.yaml"]) == 0
    capfdbinary.readouterr()
    assert main(["store", "get", "emoji", "1.0.0"]) == 0
    assert capfdbinary.readouterr().out == Path("emoji.yaml").read_bytes()


def test_get_chooses(filled: JournalStore, capsys: Captured) -> None:
    def got(*arguments: str) -> str:
        capsys.readouterr()
        assert main(["store", "get", "orders", "--json", *arguments]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["document"].encode() == filled.get("orders", found["version"]).source
        return str(found["version"])

    assert got() == "1.0.0"
    assert got("--status", "any") == "1.1.0"
    assert got("--status", "any", "--specifier", "<1.1") == "1.0.0"
    assert got("1.1.0") == "1.1.0"
    assert main(["store", "get", "nothing"]) == 2
    assert capsys.readouterr().err == (
        "error LP850: there is no contract 'nothing' in file:store\n"
        "  hint: `lakepact store list` shows which there are\n"
    )


def test_list(filled: JournalStore, capsys: Captured) -> None:
    filled.put(contract("people", "0.1.0"), actor="cy")

    def listed(*arguments: str) -> list[str]:
        capsys.readouterr()
        assert main(["store", "list", "--json", *arguments]) == 0
        return [f"{each['contract_id']} {each['version']}" for each in json.loads(capsys.readouterr().out)]

    assert listed() == ["orders 1.0.0", "orders 1.1.0", "people 0.1.0"]
    assert listed("orders") == ["orders 1.0.0", "orders 1.1.0"]
    assert listed("--status", "validated") == ["orders 1.0.0"]
    assert listed("orders", "--status", "in review") == ["orders 1.1.0"]
    assert listed("--on", "2020-02-29") == []
    first = filled.history("orders")[0].at.isoformat()
    assert listed("--on", first) == ["orders 1.0.0"]
    assert listed("--on", f"{filled.history('people')[-1].at:%Y-%m-%d}") == listed()


def test_list_is_a_table(filled: JournalStore, capsys: Captured) -> None:
    filled.put(contract("a\n\x1b[31mred", "0.1.0"), actor="cy d")
    capsys.readouterr()
    assert main(["store", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["a \\x1b[31mred", "orders", "orders"]
    assert "  1.0.0  validated  " in lines[1]


def test_list_damaged(filled: JournalStore, folder: Path, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "list", "--damaged"]) == 0
    assert capsys.readouterr() == ("", "nothing is damaged\n")
    file = folder / "store" / "contracts" / "orders" / "000002.json"
    file.write_text("{")
    assert main(["store", "list", "--damaged"]) == 1
    place = "store/contracts/orders/000002.json"
    assert capsys.readouterr().out == (
        f"{place}: error LP854: '{place}' is damaged: it is no JSON\n"
        "  hint: put it back from a backup; other contracts are served\n"
    )


def test_search(filled: JournalStore, capsys: Captured) -> None:
    filled.put(contract("people", purpose="Who works here", extra="domain: HR\ntags: [pii]\n"), actor="cy")

    def found(*arguments: str) -> list[str]:
        capsys.readouterr()
        assert main(["store", "search", "--json", *arguments]) == 0
        return [each["contract_id"] for each in json.loads(capsys.readouterr().out)]

    assert found("works", "WHO") == found("--domain", "hr") == found("--tag", "PII") == ["people"]
    assert found("--status", "validated") == ["orders"]
    assert len(found()) == 3


def test_history(filled: JournalStore, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "history", "orders", "1.0.0"]) == 0
    times = [f"{event.at:%Y-%m-%dT%H:%M:%SZ}" for event in filled.history("orders", "1.0.0")]
    assert capsys.readouterr().out.splitlines() == [
        f"1  {times[0]}  1.0.0  draft      ada  first",
        f"2  {times[1]}  1.0.0  in review  ada  ready",
        f"5  {times[2]}  1.0.0  validated  bob  good",
    ]
    assert main(["store", "history", "orders", "--json"]) == 0
    assert [each["sequence"] for each in json.loads(capsys.readouterr().out)] == [1, 2, 3, 4, 5]


def test_diff(filled: JournalStore, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "diff", "orders", "1.0.0", "1.1.0"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("orders 1.0.0 -> 1.1.0\nmajor: asks for 2.0.0, which 1.1.0 does not cover\n")
    assert "file:store#orders@1.0.0:7  `orders.b` was removed.\n" in printed
    assert main(["store", "diff", "orders", "1.0.0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] == "none"


def test_promote_is_refused_and_waived(filled: JournalStore, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "promote", "orders", "1.1.0", "--reason", "good"]) == 1
    assert capsys.readouterr().err == (
        "error LP853: 'orders' 1.1.0 is too low for what changed since 1.0.0:\n"
        "  major: `orders.b` was removed.\n"
        "  hint: give it the version 2.0.0, or waive the changes\n"
    )
    Path("waivers.yaml").write_text("[{contract: orders, path: '*', reason: unread, author: cy, expires: 2100-01-01}]")
    assert main(["store", "promote", "orders", "1.1.0", "--reason", "good", "--waivers", "waivers.yaml"]) == 0
    assert filled.version("orders", "1.1.0").reason == "good (waived: unread)"


def test_promote_to(filled: JournalStore, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "promote", "orders", "1.1.0", "--reason", "no", "--to", "rejected", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["status"] == "rejected"
    assert main(["store", "promote", "orders", "1.1.0", "--reason", "again"]) == 0
    assert filled.version("orders", "1.1.0").status is Status.DRAFT
    assert main(["store", "promote", "orders", "1.1.0", "--reason", "again", "--expected", "0" * 64]) == 1
    assert "error LP851: 'orders' 1.1.0 was changed by " in capsys.readouterr().err


def test_promote_without_reviews(folder: Path) -> None:
    assert main(["store", "put", "one.yaml"]) == 0
    command = ["store", "promote", "orders", "1.0.0", "--reason", "ours", "--to", "validated"]
    assert main(command) == 1
    assert main([*command, "--no-review"]) == 0


def test_deprecate_and_retire(filled: JournalStore, capsys: Captured) -> None:
    assert main(["store", "deprecate", "orders", "1.0.0", "--reason", "old", "--retire"]) == 1
    assert main(["store", "deprecate", "orders", "1.0.0", "--reason", "old"]) == 0
    assert main(["store", "deprecate", "orders", "1.0.0", "--reason", "gone", "--retire", "--actor", "eve"]) == 0
    assert [event.status.value for event in filled.history("orders", "1.0.0")][-2:] == ["deprecated", "retired"]
    capsys.readouterr()
    assert main(["store", "promote", "orders", "1.0.0", "--reason", "back"]) == 2
    assert capsys.readouterr().err == (
        "error LP858: 'orders' 1.0.0 is retired; no step leads to validated\n"
        "  hint: name the step with --to, or use `lakepact store deprecate`\n"
    )


def test_sync_copies_and_tells_conflicts(filled: JournalStore, capsys: Captured) -> None:
    assert main(["store", "init", "--store", "file:other"]) == 0
    capsys.readouterr()
    assert main(["store", "sync", "file:other", "--dry-run"]) == 0
    assert open_store("file:other").list_contracts() == ()
    assert main(["store", "sync", "file:other"]) == 0
    lines = "copied: orders 1.0.0 -> file:other (3 events)\ncopied: orders 1.1.0 -> file:other (2 events)\n"
    assert capsys.readouterr() == (lines * 2, "2 copied\n" * 2)
    assert main(["store", "sync", "file:other"]) == 0
    assert capsys.readouterr() == ("", "2 same\n")

    open_store("file:other").set_status("orders", "1.1.0", Status.REJECTED, actor="eve", reason="no")
    filled.set_status("orders", "1.1.0", Status.DRAFT, actor="ada", reason="wait")
    assert main(["store", "sync", "file:other"]) == 1
    printed, said = capsys.readouterr()
    assert printed.startswith("conflict: orders 1.1.0: the same bytes: draft in file:store (ada, ")
    assert (
        said
        == "1 same, 1 conflict\nerror LP859: the stores differ still\n  hint: decide in one of them, then sync again\n"
    )
    assert main(["store", "sync", "file:other", "--json"]) == 1
    assert [each["outcome"] for each in json.loads(capsys.readouterr().out)] == ["same", "conflict"]


def test_serve_needs_tokens_and_then_answers(filled: JournalStore, capsys: Captured) -> None:
    capsys.readouterr()
    assert main(["store", "serve"]) == 3
    assert capsys.readouterr().err.startswith(
        "error LP874: the service has no tokens, so nobody could use it\n  hint: set "
    )
    port = free_port()
    environment = os.environ | {"LAKEPACT_STORE_TOKENS": "ada=read:a-token-of-the-tests-0123456789"}
    service = subprocess.Popen(
        [sys.executable, "-m", "lakepact", "store", "serve", "--port", str(port)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        served = HttpStore(f"http://127.0.0.1:{port}", token=lambda: "a-token-of-the-tests-0123456789")
        assert versions_of(served) == ["1.0.0", "1.1.0"]
    finally:
        service.terminate()
        service.wait(timeout=30)


def versions_of(served: HttpStore) -> list[str]:
    """The versions, as soon as the service answers."""
    for _ in range(100):
        try:
            return [each.version for each in served.list_versions("orders")]
        except RemoteFailed:
            time.sleep(0.2)
    raise AssertionError("the service does not answer")
