"""`lakepact diff`: formats, exit codes, references, waivers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lakepact.cli.main import main
from speed import children_within

Captured = pytest.CaptureFixture[str]

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - name: order_id
        logicalType: string
        required: true
"""
WAIVER = "- {contract: orders, path: '*', reason: nobody reads it, author: ann, expires: %s}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`old.yaml`, and `new.yaml` in which a property is no longer required."""
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(CONTRACT)
    Path("new.yaml").write_text(CONTRACT.replace("        required: true\n", "").replace("1.0.0", "1.1.0"))
    return tmp_path


def test_a_version_that_does_not_cover_the_changes_exits_1(capsys: Captured) -> None:
    assert main(["diff", "old.yaml", "new.yaml"]) == 1
    printed = capsys.readouterr()
    assert printed.out == (
        "orders 1.0.0 -> 1.1.0\n"
        "major: asks for 2.0.0, which 1.1.0 does not cover\n"
        "\n"
        "orders\n"
        "  major  consumer  new.yaml:9  `orders.order_id` may be absent now.\n"
    )
    assert printed.err == (
        "error LP775: major: asks for 2.0.0, which 1.1.0 does not cover\n"
        "  hint: set the version to 2.0.0, or waive changes with --waivers\n"
    )


def test_a_version_that_covers_them_exits_0(capsys: Captured) -> None:
    Path("new.yaml").write_text(Path("new.yaml").read_text().replace("1.1.0", "2.0.0"))
    assert main(["diff", "old.yaml", "new.yaml"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1] == "major: asks for 2.0.0, which 2.0.0 covers"
    assert printed.err == ""


@pytest.mark.parametrize("arguments", [["--json"], ["--format", "json"], ["--json", "--format", "json"]])
def test_json(capsys: Captured, arguments: list[str]) -> None:
    assert main(["diff", "old.yaml", "new.yaml", *arguments]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["level"], found["required_version"], found["version_ok"]) == ("major", "2.0.0", False)
    assert [change["path"] for change in found["changes"]] == ["schema.orders.properties.order_id.required"]


def test_markdown(capsys: Captured) -> None:
    assert main(["diff", "old.yaml", "new.yaml", "--format", "markdown"]) == 1
    assert capsys.readouterr().out.startswith("### orders 1.0.0 -&gt; 1.1.0\n\n**major: asks for 2.0.0")


def test_a_waiver_lets_it_pass(capsys: Captured) -> None:
    Path("waivers.yml").write_text(WAIVER % "2999-01-01")
    assert main(["diff", "old.yaml", "new.yaml", "--waivers", "waivers.yml"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1:3] == ["major: asks for 2.0.0, which is waived", "waived: nobody reads it"]
    assert printed.err == ""


def test_an_expired_waiver_is_an_error(capsys: Captured) -> None:
    Path("waivers.yml").write_text(WAIVER % "2001-01-01")
    assert main(["diff", "old.yaml", "new.yaml", "--waivers", "waivers.yml"]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "error LP770: waivers.yml has 1 error\n"
        "waivers.yml:1:80: error LP773: the waiver expired on 2001-01-01\n"
        "  hint: mend what it waives, or renew it\n"
    )


def test_the_problems_of_both_documents_come_together(capsys: Captured) -> None:
    Path("old.yaml").write_text("a: [\n")
    Path("new.yaml").write_text(CONTRACT.replace("DataContract", "Other"))
    assert main(["diff", "old.yaml", "new.yaml"]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error LP100: 2 errors in 'old.yaml' and 'new.yaml'"
    assert lines[1].startswith("old.yaml:2:1: error LP104: not YAML")
    assert "new.yaml:2:7: error LP120: `kind` is `Other`, not `DataContract`" in lines


def test_warnings_of_both_documents_are_said(capsys: Captured) -> None:
    for name in ("old.yaml", "new.yaml"):
        Path(name).write_text(CONTRACT.replace("v3.1.0", "v3.0.2").replace("string", "timestamp"))
    assert main(["diff", "old.yaml", "new.yaml"]) == 0
    printed = capsys.readouterr()
    assert [line.split(":")[0] for line in printed.err.splitlines() if "warning LP141" in line] == [
        "old.yaml",
        "new.yaml",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["old.yaml", "none.yaml"], 2, "error LP783: there is no file 'none.yaml'\n"),
        (["old.yaml", "new.yaml", "--waivers", "none.yml"], 2, "error LP420: there is no file 'none.yml'\n"),
        (
            ["old.yaml", "new.yaml", "--json", "--format", "text"],
            2,
            "error LP776: --json and --format text exclude each other\n",
        ),
    ],
)
def test_a_wrong_argument_is_said(capsys: Captured, arguments: list[str], code: int, message: str) -> None:
    assert main(["diff", *arguments]) == code
    assert capsys.readouterr().err == message


def test_either_side_may_be_a_revision(folder: Path, capsys: Captured) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, timeout=60)

    git("init", "-q")
    git("add", "old.yaml")
    git("commit", "-q", "-m", "first")
    Path("old.yaml").write_text(Path("new.yaml").read_text())
    assert main(["diff", "git:HEAD:old.yaml", "old.yaml"]) == 1
    printed = capsys.readouterr()
    assert "old.yaml:9  `orders.order_id` may be absent now." in printed.out


def test_control_characters_of_a_contract_do_not_reach_the_terminal(capsys: Captured) -> None:
    Path("new.yaml").write_text(CONTRACT.replace("name: orders", 'name: "or\\e[31mders"'))
    assert main(["diff", "old.yaml", "new.yaml"]) == 1
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "or\\x1b[31mders" in printed.out


@pytest.mark.process
def test_68_tables_cost_less_than_a_second_of_cpu_and_no_pyspark(odcs_corpus: Path) -> None:
    example = odcs_corpus / "examples/v3.0.2/all/postgresql-adventureworks-contract.odcs.yaml"
    program = (
        "import sys; from lakepact.cli.main import main; code = main(['diff', sys.argv[1], sys.argv[1]]); "
        "print('pyspark' in sys.modules, code, file=sys.stderr)"
    )
    with children_within(0.8):
        done = subprocess.run(
            [sys.executable, "-c", program, str(example)], capture_output=True, text=True, timeout=60, check=True
        )
    assert done.stderr.splitlines()[-1] == "False 0"
