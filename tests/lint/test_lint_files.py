"""Which files lint reads, what it sees in several at once, and which findings are wanted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lint_documents import document

from lakepact.errors import Problem, UsageError
from lakepact.lint import lint
from lakepact.lint.files import Candidate, candidates, is_contract
from lakepact.lint.folder import Versions
from lakepact.lint.selection import Selection

CONTRACT = document("name: a")


def found(*paths: Path) -> list[tuple[str, bool]]:
    return [
        (each.path.relative_to(paths[0]).as_posix() if paths[0].is_dir() else each.path.name, each.certain)
        for each in candidates(paths)
        if isinstance(each, Candidate)
    ]


def test_files_of_a_folder_in_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b/x.odcs.yaml", "a.odcs.yml", "c.odcs.json", "z.yaml", "y.YML", "d.json", ".hidden.odcs.yaml",
                 ".git/x.odcs.yaml", "readme.md", "x.odcs.yaml.bak"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(CONTRACT)
    assert found(tmp_path) == [
        ("a.odcs.yml", True),
        ("b/x.odcs.yaml", True),
        ("c.odcs.json", True),
        ("d.json", False),
        ("y.YML", False),
        ("z.yaml", False),
    ]


def test_a_file_that_is_named_is_taken_whatever_its_name_and_once(tmp_path: Path) -> None:
    (tmp_path / ".a.txt").write_bytes(CONTRACT)
    (tmp_path / "b.yaml").write_bytes(CONTRACT)
    paths = [tmp_path / ".a.txt", tmp_path / "b.yaml", tmp_path, tmp_path / "." / "b.yaml", tmp_path / "none"]
    assert [(each.path.name, each.certain) for each in candidates(paths) if isinstance(each, Candidate)] == [
        (".a.txt", True),
        ("b.yaml", True),
        ("none", True),
    ]


def test_links_in_a_circle_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.odcs.yaml").write_bytes(CONTRACT)
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "self.yaml").symlink_to(tmp_path / "self.yaml")
    assert found(tmp_path) == [("a/x.odcs.yaml", True), ("self.yaml", False)]
    assert is_contract(tmp_path / "self.yaml")
    (problem,) = lint(tmp_path / "self.yaml").problems
    assert (str(problem.code), problem.message) == (
        "LP101",
        "cannot be read: Too many levels of symbolic links",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0)
    (problem,) = candidates([tmp_path / "a"])
    assert isinstance(problem, Problem)
    assert (str(problem.code), problem.message) == ("LP101", "cannot be read: Permission denied")


def test_a_named_pipe_is_no_contract_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    os.mkfifo(tmp_path / "pipe.odcs.yaml")
    assert not is_contract(tmp_path / "pipe.yaml")
    (problem,) = lint(tmp_path / "pipe.odcs.yaml").problems
    assert problem.message == "cannot be read: it is a named pipe, not a file"


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (b"kind: DataContract\n", True),
        (b"id: a\nkind:   'DataContract' # x\n", True),
        (b'"kind": "DataContract"\n', True),
        (b"\xef\xbb\xbfkind: DataContract\n", True),
        (b"apiVersion: v3.0.2\n", True),
        (b"apiVersion: 3.1.0\nkind: Datacontract\n", True),
        (b'{"version": "1", "kind": "DataContract"}', True),
        (b'  {\n  "apiVersion": "v3.1.0"}', True),
        (b"apiVersion: v1\nkind: Service\n", False),
        (b"apiVersion: apps/v1\n", False),
        (b"spec:\n  kind: DataContract\n", False),
        (b"kind: DataContractList\n", False),
        (b"dataset: []\n", False),
        (b"", False),
        (b"\x00\xff", False),
    ],
)
def test_what_looks_like_a_contract(content: bytes, taken: bool, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    assert is_contract(file) is taken


def test_the_same_version_in_two_files() -> None:
    versions = Versions()
    first, second = lint(CONTRACT, file="a.yaml"), lint(CONTRACT, file="b.yaml")
    other = lint(CONTRACT.replace(b"1.0.0", b"1.1.0"), file="c.yaml")
    assert versions.checked(first, "a.yaml") == ()
    assert [str(problem) for problem in versions.checked(second, "b.yaml")] == [
        "b.yaml:4:10: error LP769: version `1.0.0` of the contract `orders` is also in a.yaml\n"
        "  hint: change the version or the id of one of them"
    ]
    assert versions.checked(other, "c.yaml") == ()
    assert versions.checked(lint(b"a: [", file="d.yaml"), "d.yaml")[0].code == "LP104"


@pytest.mark.parametrize(
    ("select", "ignore", "wanted"),
    [
        ([], [], {"LP720", "LP721", "LP130"}),
        (["LP72"], [], {"LP720", "LP721"}),
        (["lp720, LP1"], [], {"LP720", "LP130"}),
        ([], ["LP7"], {"LP130"}),
        (["LP720"], ["LP72"], {"LP720"}),
        (["LP72"], ["LP720"], {"LP721"}),
        (["LP720"], ["LP720"], set()),
    ],
)
def test_selections(select: list[str], ignore: list[str], wanted: set[str]) -> None:
    chosen = Selection.of(select=select, ignore=ignore)
    assert {code for code in ("LP720", "LP721", "LP130") if chosen.wants(code)} == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LP799", r"LP754: --select: lint has no code that begins with 'LP799'\n  hint: did you mean LP7\d\d\?"),
        ("LP720,X", r"LP754: --select: lint has no code that begins with 'X'\n  hint: docs/lint.md lists all codes"),
        ("LP739", r"LP754: --select: lint has no code that begins with 'LP739'"),
    ],
)
def test_codes_that_are_not_there(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Selection.of(select=[text])
