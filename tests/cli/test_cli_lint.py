"""`lakepact lint`: files, folders and stdin; every format; what is mended; exit codes."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lakepact.cli.main import main
from speed import children_within

Captured = pytest.CaptureFixture[str]

CLEAN = "apiVersion: v3.1.0\nkind: DataContract\nid: {id}\nversion: 1.0.0\nstatus: active\n"
BROKEN = CLEAN + "nme: Orders  # a name\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one clean contract, one with an error and a warning, and files that are no contracts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "a.odcs.yaml").write_text(CLEAN.format(id="a"))
    (tmp_path / "contracts" / "b.yaml").write_text(BROKEN.format(id="0815"))
    (tmp_path / "contracts" / "service.yaml").write_text("apiVersion: v1\nkind: Service\n")
    (tmp_path / "contracts" / "notes.md").write_text("kind: DataContract\n")
    return tmp_path


def test_findings_are_data_and_the_summary_is_words(folder: Path, capsys: Captured) -> None:
    assert main(["lint", "contracts"]) == 1
    printed = capsys.readouterr()
    assert printed.out == (
        "contracts/b.yaml:3:5: warning LP133: `id` must be text, and 0815 without quotes is a number\n"
        '  hint: write id: "0815"\n'
        "contracts/b.yaml:6:1: error LP131: a contract has no key `nme`\n"
        "  hint: did you mean `name`?\n"
    )
    assert printed.err == "2 files: 1 error, 1 warning\n"


def test_a_clean_contract(folder: Path, capsys: Captured) -> None:
    assert main(["lint", "contracts/a.odcs.yaml"]) == 0
    assert capsys.readouterr() == ("", "1 file: nothing found\n")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 1),
        (["--ignore", "LP131"], 0),
        (["--ignore", "LP131", "--fail-on", "warning"], 1),
        (["--ignore", "LP13"], 0),
        (["--select", "LP133"], 0),
        (["--select", "LP133", "--fail-on", "info"], 1),
        (["--select", "LP72", "--fail-on", "info"], 0),
    ],
)
def test_the_exit_code_follows_selection_and_threshold(folder: Path, options: list[str], code: int) -> None:
    assert main(["lint", *options, "contracts"]) == code


def test_strict(folder: Path, capsys: Captured) -> None:
    Path("c.yaml").write_text(CLEAN.format(id="c").replace("v3.1.0", "v3.0.2") + "team: {name: x}\n")
    assert main(["lint", "c.yaml"]) == 0
    assert main(["lint", "--strict", "c.yaml"]) == 1
    assert "error LP132: `team` must be a list, not a mapping" in capsys.readouterr().out


def test_json(folder: Path, capsys: Captured) -> None:
    assert main(["lint", "--format", "json", "contracts"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found[1] == {
        "code": "LP131",
        "severity": "error",
        "message": "a contract has no key `nme`",
        "file": "contracts/b.yaml",
        "line": 6,
        "column": 1,
        "path": "nme",
        "hint": "did you mean `name`?",
    }
    assert main(["lint", "-f", "json", "contracts/a.odcs.yaml"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_other_formats(folder: Path, capsys: Captured) -> None:
    assert main(["lint", "--format", "sarif", "contracts"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["LP133", "LP131"]
    assert main(["lint", "--format", "github", "contracts"]) == 1
    assert capsys.readouterr().out.splitlines()[1] == (
        "::error file=contracts/b.yaml,line=6,col=1,title=LP131::a contract has no key `nme`%0A"
        "hint: did you mean `name`?"
    )
    assert main(["lint", "--format", "junit", "--fail-on", "warning", "contracts"]) == 1
    assert ElementTree.fromstring(capsys.readouterr().out).get("failures") == "2"


def test_fix_mends_what_is_certain_and_reports_the_rest(folder: Path, capsys: Captured) -> None:
    file = Path("contracts/b.yaml")
    file.chmod(0o640)
    assert main(["lint", "--fix", "contracts"]) == 1
    printed = capsys.readouterr()
    assert file.read_text() == BROKEN.format(id='"0815"')
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert printed.out.startswith("contracts/b.yaml:6:1: error LP131: a contract has no key `nme`\n")
    assert printed.err == "2 files: 1 error (1 fixed)\n"
    assert [path.name for path in Path("contracts").iterdir() if path.name.startswith(".")] == []

    before = file.stat().st_mtime_ns
    assert main(["lint", "--fix", "contracts"]) == 1
    assert capsys.readouterr().err == "2 files: 1 error\n"
    assert file.stat().st_mtime_ns == before


def test_fix_mends_only_what_is_selected(folder: Path) -> None:
    assert main(["lint", "--fix", "--ignore", "LP133", "contracts"]) == 1
    assert Path("contracts/b.yaml").read_text() == BROKEN.format(id="0815")


def test_fix_writes_through_a_link(folder: Path) -> None:
    Path("link.yaml").symlink_to("contracts/b.yaml")
    assert main(["lint", "--fix", "link.yaml"]) == 1
    assert Path("link.yaml").is_symlink()
    assert Path("contracts/b.yaml").read_text() == BROKEN.format(id='"0815"')


def test_stdin(folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BROKEN.format(id="x").encode())))
    assert main(["lint", "-"]) == 1
    assert capsys.readouterr().out.startswith("<stdin>:6:1: error LP131: ")
    assert main(["lint", "--fix", "-"]) == 2
    assert capsys.readouterr().err == (
        "error LP420: --fix cannot change what comes from stdin\n  hint: write it to a file first\n"
    )


def test_the_same_version_twice(folder: Path, capsys: Captured) -> None:
    Path("contracts/z.odcs.yaml").write_text(CLEAN.format(id="a"))
    assert main(["lint", "--select", "LP769", "contracts"]) == 1
    assert capsys.readouterr().out == (
        "contracts/z.odcs.yaml:4:10: error LP769: version `1.0.0` of the contract `a` is also in "
        "contracts/a.odcs.yaml\n  hint: change the version or the id of one of them\n"
    )


def test_nothing_to_lint(folder: Path, capsys: Captured) -> None:
    Path("empty").mkdir()
    assert main(["lint", "empty"]) == 3
    assert capsys.readouterr() == (
        "",
        "error LP739: there is no contract here\n"
        "  hint: in folders: *.odcs.yaml, and YAML or JSON files with kind: DataContract\n",
    )


def test_a_path_that_is_not_there_does_not_hide_the_others(folder: Path, capsys: Captured) -> None:
    assert main(["lint", "none.yaml", "contracts"]) == 3
    printed = capsys.readouterr()
    assert printed.out.startswith("none.yaml: error LP101: cannot be read: No such file or directory\n")
    assert "contracts/b.yaml:6:1: error LP131" in printed.out
    assert main(["lint", "--ignore", "LP1", "none.yaml"]) == 3


def test_pipes_and_links_in_a_circle_end(folder: Path, capsys: Captured) -> None:
    os.mkfifo("contracts/pipe.odcs.yaml")
    os.mkfifo("contracts/other.yaml")
    Path("contracts/circle").symlink_to("..")
    Path("contracts/self.yaml").symlink_to("self.yaml")
    assert main(["lint", "--select", "LP101", "contracts"]) == 3
    assert capsys.readouterr().out == (
        "contracts/pipe.odcs.yaml: error LP101: cannot be read: it is a named pipe, not a file\n"
        "contracts/self.yaml: error LP101: cannot be read: Too many levels of symbolic links\n"
    )


def test_a_code_that_is_not_there(folder: Path, capsys: Captured) -> None:
    assert main(["lint", "--select", "LP9", "contracts"]) == 2
    assert capsys.readouterr().err == (
        "error LP754: --select: lint has no code that begins with 'LP9'\n  hint: docs/lint.md lists all codes\n"
    )
    assert main(["lint", "--format", "xml", "contracts"]) == 2


def test_control_characters_do_not_reach_the_terminal(folder: Path, capsys: Captured) -> None:
    Path("c.yaml").write_text(CLEAN.format(id="c") + 'schema: [{name: "a\\e[31mb"}]\n')
    assert main(["lint", "c.yaml"]) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_help_says_which_files_are_taken(capsys: Captured) -> None:
    assert main(["lint", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "*.odcs.yaml, *.odcs.yml, *.odcs.json" in text
    assert "whose root says `kind: DataContract` or an `apiVersion` of ODCS" in text


@pytest.mark.process
def test_68_tables_in_a_process_of_their_own(odcs_corpus: Path) -> None:
    example = odcs_corpus / "examples/v3.0.2/all/postgresql-adventureworks-contract.odcs.yaml"
    program = (
        "import sys; from lakepact.cli.main import main; code = main(['lint', sys.argv[1]]); "
        "print(sorted({'pyspark', 'pandas', 'jsonschema'} & set(sys.modules)), code, file=sys.stderr)"
    )
    with children_within(1.0):
        done = subprocess.run(
            [sys.executable, "-c", program, str(example)], capture_output=True, text=True, timeout=60, check=True
        )
    assert done.stderr.splitlines()[-1] == "[] 0"
