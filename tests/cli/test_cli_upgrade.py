"""`lakepact upgrade`: one document to stdout, many in place, what is lost to stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakepact.cli.main import main

Captured = pytest.CaptureFixture[str]

OLD = b"""\
apiVersion: v3.0.2  # the standard
kind: DataContract
id: orders
version: 1.0.0
status: active
team:
  - username: a
"""
NEW = b"""\
apiVersion: v3.1.0  # the standard
kind: DataContract
id: orders
version: 1.0.0
status: active
team:
  members:
    - username: a
"""
WITH_CONTEXT = NEW.replace(b"v3.1.0", b"v3.2.0") + b"context: Ask us.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an old and a new contract."""
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_bytes(OLD)
    Path("new.yaml").write_bytes(NEW)
    Path("context.yaml").write_bytes(WITH_CONTEXT)
    return tmp_path


@pytest.mark.parametrize("version", ["v3.1.0", "3.1.0"])
def test_one_document_is_printed_and_the_file_stays(version: str, capsys: Captured) -> None:
    assert main(["upgrade", "old.yaml", "--to", version]) == 0
    captured = capsys.readouterr()
    assert captured.out == NEW.decode()
    assert captured.err == (
        "old.yaml:1:13: info LP701: `apiVersion` is v3.1.0, was v3.0.2\n"
        "old.yaml:7:3: info LP701: `team` is an object with `members`, was a list\n"
    )
    assert Path("old.yaml").read_bytes() == OLD


def test_files_are_written_in_place(capsys: Captured) -> None:
    Path("old.yaml").write_bytes(b"\xef\xbb\xbf" + OLD.replace(b"\n", b"\r\n"))
    assert main(["upgrade", "old.yaml", "new.yaml", "--to", "v3.1.0", "--write"]) == 0
    assert Path("old.yaml").read_bytes() == b"\xef\xbb\xbf" + NEW.replace(b"\n", b"\r\n")
    assert Path("new.yaml").read_bytes() == NEW
    assert capsys.readouterr().out == ""


def test_losses_are_named_with_their_place(capsys: Captured) -> None:
    assert main(["upgrade", "context.yaml", "--to", "v3.1.0"]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("customProperties:\n  - property: lakepact.context\n    value: Ask us.\n")
    assert captured.err.endswith(
        "context.yaml:9:10: warning LP702: v3.1.0 has no place for `context`; "
        "kept as the custom property `lakepact.context`\n"
    )


def test_check_writes_nothing_and_says_what_would_change(capsys: Captured) -> None:
    assert main(["upgrade", "old.yaml", "new.yaml", "--to", "v3.1.0", "--check"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("old.yaml is not in v3.1.0 yet\n")
    assert Path("old.yaml").read_bytes() == OLD
    assert main(["upgrade", "new.yaml", "--to", "v3.1.0", "--check"]) == 0
    assert capsys.readouterr().err == ""


def test_json_has_each_file_with_its_notes(capsys: Captured) -> None:
    assert main(["upgrade", "context.yaml", "new.yaml", "--to", "v3.1.0", "--json", "--write"]) == 0
    captured = capsys.readouterr()
    first, second = json.loads(captured.out)
    assert first["losses"] == [
        {
            "code": "LP702",
            "severity": "warning",
            "message": "v3.1.0 has no place for `context`; kept as the custom property `lakepact.context`",
            "file": "context.yaml",
            "line": 9,
            "column": 10,
            "path": "context",
            "hint": "",
        }
    ]
    assert [change["code"] for change in first["changes"]] == ["LP701"]
    assert second == {
        "file": "new.yaml",
        "changed": False,
        "written": False,
        "valid": True,
        "changes": [],
        "losses": [],
    }
    assert (first["changed"], first["written"], first["valid"]) == (True, True, True)
    assert Path("context.yaml").read_bytes().startswith(b"apiVersion: v3.1.0")


def test_what_cannot_be_made_valid_is_an_exit_code(capsys: Captured) -> None:
    body = b"schema:\n- name: o\n  quality: &q [{rule: rowCount, mustBe: 1}]\n- name: p\n  quality: *q\n"
    Path("alias.yaml").write_bytes(OLD[: OLD.index(b"team")] + body)
    assert main(["upgrade", "alias.yaml", "--to", "v3.1.0"]) == 1
    assert "error LP703: not valid in v3.1.0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["old.yaml", "--to", "v4"],
            "error LP420: 'v4' is no version of the standard that is written\n"
            "  hint: one of v3.0.0, v3.0.1, v3.0.2, v3.1.0, v3.2.0\n",
        ),
        (
            ["old.yaml", "new.yaml", "--to", "v3.1.0"],
            "error LP420: several documents cannot be printed\n  hint: give --write or --check, or one file\n",
        ),
        (
            ["old.yaml", "--to", "v3.1.0", "--write", "--check"],
            "error LP420: --check writes nothing, --write does\n  hint: give one of the two\n",
        ),
        (["absent.yaml", "--to", "v3.1.0"], "error LP420: there is no file 'absent.yaml'\n"),
    ],
)
def test_a_wrong_call(arguments: list[str], message: str, capsys: Captured) -> None:
    assert main(["upgrade", *arguments]) == 2
    assert capsys.readouterr().err == message


def test_one_invalid_document_leaves_all_files_alone(capsys: Captured) -> None:
    Path("bad.yaml").write_bytes(b"apiVersion: v3.0.2\n")
    assert main(["upgrade", "old.yaml", "bad.yaml", "--to", "v3.1.0", "--write"]) == 3
    assert Path("old.yaml").read_bytes() == OLD
    assert "error LP100: bad.yaml has 3 errors" in capsys.readouterr().err
