"""`lakepact gate`: formats, exit codes, options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_samples import GitFolder, contract
from lakepact.cli.main import main

Captured = pytest.CaptureFixture[str]

WAIVERS = """\
- contract: orders
  path: schema.orders.properties.amount
  reason: nobody reads it
  author: Ada
  expires: {expires}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitFolder:
    """A removed property under a minor version, a damaged contract, and a good one; not committed."""
    made = GitFolder.create(tmp_path / "repository")
    made.write("contracts/orders.yaml", contract("1.0.0", properties=("order_id", "amount")))
    made.write("contracts/stock.yaml", contract("1.0.0", id="stock"))
    made.commit()
    made.write("contracts/orders.yaml", contract("1.1.0", properties=("order_id",)))
    made.write("contracts/stock.yaml", contract("1.0.1", id="stock"))
    made.write("contracts/new.odcs.yaml", "a: [")
    monkeypatch.chdir(made.root)
    return made


def test_the_text_has_the_failed_ones_first(folder: GitFolder, capsys: Captured) -> None:
    assert main(["gate", "HEAD"]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out == (
        "3 contracts changed between HEAD and the work tree, 2 failed\n"
        "\n"
        "failed  contracts/new.odcs.yaml  unreadable (added)\n"
        "  contracts/new.odcs.yaml:2:1: error LP104: not YAML: did not find expected node content (while parsing a "
        "flow node)\n"
        "\n"
        "failed  contracts/orders.yaml  orders 1.0.0 -> 1.1.0 (modified)\n"
        "  contracts/orders.yaml:4:10: error LP789: version 1.1.0 does not cover a major change since 1.0.0\n"
        "    hint: set `version` to 2.0.0 or higher, undo the change, or waive it\n"
        "  since 1.0.0 (contracts/orders.yaml)\n"
        "    major: asks for 2.0.0, which 1.1.0 does not cover\n"
        "\n"
        "    orders\n"
        "      major  consumer  HEAD:contracts/orders.yaml:12  `orders.amount` was removed.\n"
        "\n"
        "ok  contracts/stock.yaml  stock 1.0.0 -> 1.0.1 (modified)\n"
        "  since 1.0.0 (contracts/stock.yaml)\n"
        "    none: nothing changed\n"
    )


@pytest.mark.parametrize("words", [["--json"], ["--format", "json"], ["--json", "--format", "json"]])
def test_the_json_holds_everything(folder: GitFolder, capsys: Captured, words: list[str]) -> None:
    assert main(["gate", "HEAD", *words]) == 1
    printed = capsys.readouterr()
    assert printed.err == "3 contracts changed between HEAD and the work tree, 2 failed\n"
    report = json.loads(printed.out)
    assert (report["base"], report["head"], report["ok"]) == ("HEAD", "the work tree", False)
    new, orders, stock = report["contracts"]
    assert (new["path"], new["verdict"], new["id"], new["new_version"]) == (
        "contracts/new.odcs.yaml",
        "failed",
        "",
        None,
    )
    assert {key: orders[key] for key in ("path", "old_path", "happening", "id", "old_version", "new_version")} == {
        "path": "contracts/orders.yaml",
        "old_path": "contracts/orders.yaml",
        "happening": "modified",
        "id": "orders",
        "old_version": "1.0.0",
        "new_version": "1.1.0",
    }
    (problem,) = orders["problems"]
    assert problem == {
        "code": "LP789",
        "severity": "error",
        "message": "version 1.1.0 does not cover a major change since 1.0.0",
        "file": "contracts/orders.yaml",
        "line": 4,
        "column": 10,
        "path": "version",
        "hint": "set `version` to 2.0.0 or higher, undo the change, or waive it",
    }
    (comparison,) = orders["comparisons"]
    assert (comparison["old_file"], comparison["binding"], comparison["level"], comparison["version_ok"]) == (
        "contracts/orders.yaml",
        True,
        "major",
        False,
    )
    assert [change["sentence"] for change in comparison["changes"]] == ["`orders.amount` was removed."]
    assert (stock["verdict"], stock["problems"], stock["waived"]) == ("ok", [], None)


def test_annotations_for_github_escape_what_the_runner_reads(folder: GitFolder, capsys: Captured) -> None:
    folder.write("contracts/100% a,b:c.yaml", contract("1.0.0", id="a").replace("kind: DataContract", "kind: x"))
    assert main(["gate", "HEAD", "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "::error file=contracts/100%25 a%2Cb%3Ac.yaml,line=2,col=7,title=LP120::`kind` is `x`, not `DataContract`%0A"
        "hint: write kind: DataContract",
        "::error file=contracts/new.odcs.yaml,line=2,col=1,title=LP104::not YAML: did not find expected node content "
        "(while parsing a flow node)",
        "::error file=contracts/orders.yaml,line=4,col=10,title=LP789::version 1.1.0 does not cover a major change "
        "since 1.0.0%0Ahint: set `version` to 2.0.0 or higher, undo the change, or waive it",
    ]


def test_markdown_has_a_table_and_keeps_hostile_names_in_their_cells(folder: GitFolder, capsys: Captured) -> None:
    folder.write("contracts/a|b @team\n# <x>.odcs.yaml", contract("1.0.0", id='"o|p"'))
    assert main(["gate", "HEAD", "--format", "markdown"]) == 1
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[:8] == [
        "## Contracts: failed",
        "",
        "4 contracts changed between HEAD and the work tree, 2 failed",
        "",
        "| verdict | contract | file |",
        "|---|---|---|",
        "| failed | unreadable (added) | contracts/new.odcs.yaml |",
        "| failed | orders 1.0.0 -&gt; 1.1.0 (modified) | contracts/orders.yaml |",
    ]
    assert lines[8] == "| ok | o&#124;p 1.0.0 (added) | contracts/a&#124;b &#64;team &#35; &lt;x&gt;.odcs.yaml |"
    assert "- line 4: error LP789: version 1.1.0 does not cover a major change since 1.0.0" in printed.out
    assert "| major | consumer | <code>orders.amount</code> was removed. |" in printed.out


def test_a_waiver_lets_a_change_pass(folder: GitFolder, capsys: Captured) -> None:
    (folder.root / "contracts/new.odcs.yaml").unlink()
    Path("waivers.yaml").write_text(WAIVERS.format(expires="2999-01-01"))
    assert main(["gate", "HEAD", "--waivers", "waivers.yaml"]) == 0
    printed = capsys.readouterr().out
    assert "waived  contracts/orders.yaml  orders 1.0.0 -> 1.1.0 (modified)\n  waived: nobody reads it\n" in printed
    Path("waivers.yaml").write_text(WAIVERS.format(expires="2020-01-01"))
    assert main(["gate", "HEAD", "--waivers", "waivers.yaml"]) == 3
    assert "LP773" in capsys.readouterr().err


def test_two_revisions_and_a_folder(folder: GitFolder, capsys: Captured) -> None:
    folder.write("other/x.yaml", contract("1.0.0", id="x"))
    folder.commit()
    assert main(["gate", "HEAD~1..HEAD", "other"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 contract changed between HEAD~1 and HEAD, none failed",
        "",
        "ok  other/x.yaml  x 1.0.0 (added)",
    ]
    assert main(["gate", "HEAD..HEAD"]) == 0
    assert capsys.readouterr().out == "no contracts changed between HEAD and HEAD\n"


def test_moves_and_removals_are_said(folder: GitFolder, capsys: Captured) -> None:
    folder.commit()
    (folder.root / "contracts/stock.yaml").rename(folder.root / "stock.yaml")
    (folder.root / "contracts/orders.yaml").unlink()
    assert main(["gate", "HEAD"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "failed  contracts/orders.yaml  orders 1.1.0 (deleted)" in lines
    assert "ok  stock.yaml  stock 1.0.1 (renamed from contracts/stock.yaml)" in lines


def test_a_layout(folder: GitFolder, capsys: Captured) -> None:
    words = ["gate", "HEAD", "contracts", "--layout", "{domain}/v{major}.{minor}/{id}.yaml", "--json"]
    assert main(words) == 1
    _, orders, stock = json.loads(capsys.readouterr().out)["contracts"]
    assert [problem["code"] for problem in orders["problems"]] == ["LP787", "LP789"]
    assert stock["problems"][0]["hint"].startswith("move it to 'sales/v1.0/stock.yaml'")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope..HEAD"], "error LP782: there is no revision 'nope' in '"),
        (["HEAD", "none"], "error LP783: there is no folder 'none'\n"),
        (
            ["HEAD", "--layout", "{x}"],
            "error LP786: layout `{x}` has the unknown placeholder {x}\n  hint: placeholders: ",
        ),
        (["HEAD", "--waivers", "none"], "error LP420: there is no file 'none'\n"),
        (["HEAD", "--json", "--format", "text"], "error LP776: --json and --format text exclude each other\n"),
    ],
)
def test_a_wrong_argument_is_said(folder: GitFolder, capsys: Captured, words: list[str], message: str) -> None:
    assert main(["gate", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)


def test_control_characters_do_not_reach_the_terminal(folder: GitFolder, capsys: Captured) -> None:
    folder.write("contracts/a\x1b[31m.odcs.yaml", contract("1.0.0", id='"a\\e[31m"'))
    for form in ("text", "markdown", "github"):
        assert main(["gate", "HEAD", "--format", form]) == 1
        assert "\x1b" not in capsys.readouterr().out
