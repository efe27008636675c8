"""`lakepact new`: by flags, and with somebody at a real terminal."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.contract import load_contract

pty = pytest.importorskip("pty")

Captured = pytest.CaptureFixture[str]

# As a shell does for a command: the terminal becomes the one whose Ctrl-C reaches the process.
CHILD = (
    "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "from lakepact.cli import main; sys.exit(main(sys.argv[1:]))"
)
QUESTIONS = [
    "Name of the contract",
    "Id, the same in all its versions",
    "Version of the contract",
    "Status (proposed, draft, active, deprecated, retired)",
    "Business domain (may be empty)",
    "User name or e-mail of the owner (may be empty)",
    "What the data is for (may be empty)",
    "Name of the table",
    "Column as name:type[:required][:unique][:pk] (empty: no more)",
    "Server as type:key=value,key=value (empty: no more)",
]


class Terminal:
    """A process with a terminal of its own, and what its screen shows."""

    def __init__(self, folder: Path, *arguments: str, encoding: str = "utf-8:strict") -> None:
        self.screen, other = pty.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments],
            cwd=folder,
            stdin=other,
            stdout=subprocess.PIPE,
            stderr=other,
            start_new_session=True,
            env={**os.environ, "TERM": "dumb", "PYTHONIOENCODING": encoding},
        )
        os.close(other)

    def wait_for(self, text: str, *, seconds: float = 60) -> str:
        """What is shown up to `text`, which must come."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} does not come after {self.shown!r}"
            self._read(1)
        before, _, self.shown = self.shown.partition(text)
        return before

    def answer(self, question: str, text: bytes | str) -> str:
        """Types an answer when the question is there; what was shown before it."""
        before = self.wait_for(question)
        self.wait_for(": ")
        os.write(self.screen, (text if isinstance(text, bytes) else text.encode()) + b"\n")
        return before

    def press(self, key: bytes) -> None:
        """Presses a key until the process ends: a signal just before a wait is seen after it."""
        for _ in range(30):
            os.write(self.screen, key)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)
                return

    def end(self) -> tuple[int, str, str]:
        """The exit code, stdout, and what was shown last."""
        code = self.process.wait(60)
        assert self.process.stdout is not None
        out = self.process.stdout.read().decode()
        while self._read(0):
            pass
        os.close(self.screen)
        return code, out, self.shown.replace("\r\n", "\n")

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.screen], [], [], seconds)
        try:
            chunk = os.read(self.screen, 4096) if ready else b""
        except OSError:  # the other side is closed
            chunk = b""
        self.shown += chunk.decode("utf-8", "replace")
        return bool(chunk)


def test_every_answer_can_be_a_flag(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ["--id", "o", "--name", "O", "--contract-version", "2.0.0", "--status", "active", "--domain", "d"]
    flags += ["--owner", "jane", "--purpose", "p", "--object", "t", "--column", "a:integer:pk", "--column", "b:date"]
    flags += ["--server", "s3:location=s3://b", "--server", "local:path=x,format=csv", "--api-version", "v3.2.0"]
    assert main(["new", *flags]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "'o.odcs.yaml' written. Next: lakepact explain o.odcs.yaml\n"
    contract = load_contract(tmp_path / "o.odcs.yaml")
    assert (contract.id, contract.name, contract.version, contract.status) == ("o", "O", "2.0.0", "active")
    assert (contract.api_version, contract.domain) == ("v3.2.0", "d")
    assert [found.name for found in contract.schema[0].properties] == ["a", "b"]
    assert [server.type for server in contract.servers] == ["s3", "local"]
    assert contract.description is not None
    assert contract.description.purpose == "p"


def test_yes_takes_the_defaults_and_the_name_from_the_file(tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "new folder" / "sales.orders.odcs.yaml"
    assert main(["new", str(target), "--yes"]) == 0
    assert capsys.readouterr().err == f"'{target}' written. Next: lakepact explain '{target}'\n"
    contract = load_contract(target)
    assert (contract.id, contract.name, contract.schema[0].name) == ("sales-orders", "sales.orders", "sales_orders")


def test_a_dash_prints_and_writes_nothing(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "-", "--yes", "--name", "Orders"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("# A data contract.")
    assert load_contract(printed.out.encode()).id == "orders"
    assert printed.err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept_unless_forced(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("orders.odcs.yaml").write_text("mine")
    refused = "error LP840: there is a file 'orders.odcs.yaml' already\n  hint: use --force to write over it\n"
    for arguments in (["orders.odcs.yaml", "--yes"], ["--yes", "--name", "orders"]):
        assert main(["new", *arguments]) == 2
        assert capsys.readouterr().err == refused
    assert Path("orders.odcs.yaml").read_text() == "mine"
    assert main(["new", "orders.odcs.yaml", "--yes", "--force"]) == 0
    assert load_contract("orders.odcs.yaml").id == "orders"
    capsys.readouterr()
    assert main(["new", ".", "--yes"]) == 2
    assert capsys.readouterr().err == "error LP840: '.' is a folder\n  hint: name the file to write\n"


def test_without_a_terminal_the_missing_flags_are_named(tmp_path: Path) -> None:
    for arguments, named in (
        (
            ["--name", "a", "--column", "b:date"],
            "--id, --contract-version, --status, --domain, --owner, --purpose, --object, --server",
        ),
        (["--yes"], "--name"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "lakepact", "new", *arguments],
            cwd=tmp_path,
            input="x\n" * 20,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 2
        line = f"error LP841: answers are missing, and there is no terminal to ask at: {named}"
        assert ended.stderr.splitlines()[0] == line
        assert ended.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_wrong_flags_are_refused(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "--yes", "--name", "a", "--status", "gone"]) == 2
    assert capsys.readouterr().err == (
        "error LP842: --status: `gone` is not a status; use one of proposed, draft, active, deprecated, retired\n"
    )
    assert main(["new", "--yes", "--name", "a", "--api-version", "v9"]) == 2
    assert capsys.readouterr().err == (
        "error LP843: 'v9' is no version of the standard\n  hint: accepted: v3.0.0, v3.0.1, v3.0.2, v3.1.0, v3.2.0\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_somebody_at_a_terminal_is_asked_and_asked_again(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "new", "sales/orders.odcs.yaml")
    answers = ["Größe", "", "1", "1.0.0", "", "sales", "", "who bought what", "orders"]
    questions = [*QUESTIONS[:3], *QUESTIONS[2:8]]
    before = [terminal.answer(question, text) for question, text in zip(questions, answers, strict=True)]
    assert "Error: `1` is not a version; write major.minor.patch, such as 1.0.0" in before[3]
    terminal.answer(QUESTIONS[8], "order id:string")
    said = terminal.answer(QUESTIONS[8], "order_id:string:pk")
    assert "Error: `order id` cannot be the name of a column" in said
    terminal.answer(QUESTIONS[8], "at:timestamp")
    terminal.answer(QUESTIONS[8], "")
    terminal.answer(QUESTIONS[9], "s3:location=s3://bucket")
    terminal.answer(QUESTIONS[9], "")
    code, out, shown = terminal.end()
    assert (code, out) == (0, "")
    assert shown.endswith("'sales/orders.odcs.yaml' written. Next: lakepact explain sales/orders.odcs.yaml\n")
    contract = load_contract(tmp_path / "sales" / "orders.odcs.yaml")
    assert (contract.name, contract.id, contract.version, contract.status) == ("Größe", "grosse", "1.0.0", "draft")
    assert [found.name for found in contract.schema[0].properties] == ["order_id", "at"]
    assert contract.team is None
    assert [server.type for server in contract.servers] == ["s3"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8:strict", "Error: that is no text in UTF-8"),
        ("utf-8:surrogateescape", "Error: it has the character U+DCFF, which does not belong into a line of text"),
    ],
)
def test_prompts_and_bytes_that_are_no_text_stay_out_of_what_is_printed(
    tmp_path: Path, encoding: str, said: str
) -> None:
    terminal = Terminal(tmp_path, "new", "-", "--yes", encoding=encoding)
    terminal.answer(QUESTIONS[0], b"\xff\xfe")
    assert said in terminal.answer(QUESTIONS[0], "Orders")
    code, out, _ = terminal.end()
    assert code == 0
    assert out.startswith("# A data contract.")
    assert load_contract(out.encode()).name == "Orders"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["ctrl-c", "end of file"])
def test_who_leaves_leaves_nothing_behind(tmp_path: Path, key: bytes) -> None:
    terminal = Terminal(tmp_path, "new", "sales/orders.odcs.yaml")
    terminal.answer(QUESTIONS[0], "Orders")
    terminal.wait_for(QUESTIONS[1])
    terminal.wait_for(": ")
    terminal.press(key)
    code, out, shown = terminal.end()
    assert (code, out) == (130, "")
    assert shown.endswith("\ninterrupted\n")
    assert list(tmp_path.iterdir()) == []
