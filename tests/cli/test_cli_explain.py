"""`lakepact explain`: every clause, for people and machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
        logicalTypeOptions: {pattern: "^O-[0-9]+$"}
      - name: amount
        logicalType: number
        quality:
          - type: text
            description: Looks right to the accountants.
  - name: customers
    properties:
      - name: customer_id
        logicalType: integer
        unique: true
"""


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A contract with two objects and one clause that nothing can check."""
    monkeypatch.chdir(tmp_path)
    Path("orders.odcs.yaml").write_text(CONTRACT)
    return "orders.odcs.yaml"


def explained(capsys: Captured, *arguments: str) -> list[dict[str, Any]]:
    """The JSON of `explain`."""
    assert main(["explain", "--json", *arguments]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_the_json_holds_each_clause_with_its_rules(contract: str, capsys: Captured) -> None:
    (found,) = explained(capsys, contract)

    assert (found["contract"], found["version"], found["file"]) == ("orders", "1.0.0", contract)
    assert sum(found["counts"].values()) == len(found["clauses"])
    paths = [clause["path"] for clause in found["clauses"]]
    assert len(set(paths)) == len(paths)
    required = next(clause for clause in found["clauses"] if clause["path"] == "schema[0].properties[0].required")
    assert (required["object"], required["line"], required["enforcement"]) == ("orders", 11, "row rule")
    (rule,) = required["rules"]
    assert rule["sql"] == "`order_id` IS NOT NULL"
    assert (rule["action"], rule["action_from"]) == ("quarantine", "default")


def test_the_text_is_grouped_by_object_and_fits_100_columns(contract: str, capsys: Captured) -> None:
    assert main(["explain", contract]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "orders 1.0.0  orders.odcs.yaml"
    assert [line for line in lines[1:] if line and not line.startswith(" ")][-3:-1] == ["orders", "customers"]
    assert max(map(len, lines)) <= 100
    assert "             `order_id` IS NOT NULL" in lines
    assert "     16  quality: Looks right to the accountants.          not enforceable" in lines
    assert "\x1b" not in printed.out
    assert lines[-1].startswith(f"{len(explained(capsys, contract)[0]['clauses'])} clauses: ")


def test_one_object_alone(contract: str, capsys: Captured) -> None:
    (found,) = explained(capsys, contract, "--object", "customers")
    assert {clause["object"] for clause in found["clauses"]} == {"customers"}
    assert sum(found["counts"].values()) == len(found["clauses"])


def test_strict_exits_1_and_lists_the_gaps(contract: str, capsys: Captured) -> None:
    assert main(["explain", "--strict", contract]) == 1
    printed = capsys.readouterr()
    assert "orders 1.0.0" in printed.out
    assert printed.err.startswith("error LP427: 1 clause cannot be enforced\norders.odcs.yaml:16:13: error LP427: ")
    assert main(["explain", "--strict", "--object", "customers", contract]) == 0


def test_several_contracts_and_an_object_of_one(contract: str, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "other.yaml").write_text(CONTRACT.replace("id: orders", "id: other").replace("customers", "clients"))
    assert [found["contract"] for found in explained(capsys, contract, "other.yaml")] == ["orders", "other"]
    assert [found["contract"] for found in explained(capsys, "--object", "clients", contract, "other.yaml")] == [
        "other"
    ]


def test_the_problems_of_all_files_come_together(contract: str, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v3.1.0\nkind: Nonsense\nid: a\nversion: 1.0.0\nstatus: active\n")
    (tmp_path / "b.yaml").write_text("a: [")
    assert main(["explain", "a.yaml", contract, "b.yaml"]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert lines[0] == "error LP100: 2 errors in the 3 files"
    assert lines[1] == "a.yaml:2:7: error LP120: `kind` is `Nonsense`, not `DataContract`"
    assert any(line.startswith("b.yaml:2:1: error LP104: not YAML") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.yaml"], "error LP420: there is no file 'missing.yaml'\n"),
        (["."], "error LP420: '.' is a folder; a contract is a file\n"),
        (["orders.odcs.yaml", "--policy", "none.yml"], "error LP420: there is no file 'none.yml'\n"),
        (
            ["orders.odcs.yaml", "--object", "custmers"],
            "error LP426: no contract here has a schema object 'custmers'\n  hint: did you mean 'customers'?\n",
        ),
    ],
)
def test_a_wrong_argument_is_said(contract: str, capsys: Captured, arguments: list[str], message: str) -> None:
    assert main(["explain", *arguments]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", message)


def test_control_characters_of_a_contract_do_not_reach_the_terminal(tmp_path: Path, capsys: Captured) -> None:
    hostile = tmp_path / "hostile.yaml"
    hostile.write_text(CONTRACT.replace("name: amount", 'name: "a\\e[31mb"'))
    assert main(["explain", str(hostile)]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.process
def test_68_tables_cost_less_than_a_second_of_cpu_and_no_pyspark(odcs_corpus: Path) -> None:
    example = odcs_corpus / "examples/v3.0.2/all/postgresql-adventureworks-contract.odcs.yaml"
    program = (
        "import sys; from lakepact.cli.main import main; code = main(['explain', sys.argv[1]]); "
        "print('pyspark' in sys.modules, code, file=sys.stderr)"
    )
    with children_within(1.0):
        done = subprocess.run(
            [sys.executable, "-c", program, str(example)], capture_output=True, text=True, timeout=60, check=True
        )
    assert done.stderr.splitlines()[-1] == "False 0"
