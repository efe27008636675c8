"""`lakepact export`: what goes to stdout, to files and to stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from lakepact.cli import main
from quality.planted import CONTRACT

BAD_RULE = """
apiVersion: v3.1.0
kind: DataContract
id: bad
version: 1.0.0
status: active
schema:
  - name: a/b
    properties:
      - {name: x, logicalType: string}
    quality:
      - {id: drift, type: custom, engine: soda, implementation: 'drift(x) > 1'}
  - name: a:b
    properties:
      - {name: x, logicalType: string}
"""


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contract.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(BAD_RULE, encoding="utf-8")
    return Path("contract.yaml")


def test_one_object_goes_to_stdout(contract: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "soda", str(contract), "--object", "regions", "--data-source", "lake"]) == 0
    told = capsys.readouterr()
    assert yaml.safe_load(told.out)["dataset"] == "lake/regions"
    assert told.err == ""


def test_what_is_left_out_is_said(contract: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "gx", str(contract), "--object", "customers"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["name"] == "planted customers"
    lines = told.err.splitlines()
    assert lines[0] == "note: customers.balance.minimum: GX takes NaN for valid"
    assert (
        "not expressed: customers.amount.type: "
        "GX sees stored values, not those from which values of DECIMAL(10,2) are made"
    ) in lines


def test_several_objects_go_to_files(contract: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "gx", str(contract), "-o", "out"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[:2] == ["wrote out/customers.gx.json", "wrote out/regions.gx.json"]
    assert json.loads(Path("out/regions.gx.json").read_text(encoding="utf-8"))["expectations"] == []


def test_names_that_no_file_can_have_do_not_collide(contract: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "soda", "bad.yaml", "-o", "out"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "wrote out/a_b.soda.yml",
        "wrote out/a_b_2.soda.yml",
        "bad.yaml:12:9: warning LP314: rule 'a/b.quality.drift' is not one that Soda 4 can be given: "
        "Soda's check 'drift(x) > 1' is not known",
        "not expressed: a/b.quality.drift: Soda's check 'drift(x) > 1' is not known",
    ]


def test_json_has_everything(contract: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "soda", "bad.yaml", "--json", "-o", "out"]) == 0
    told = capsys.readouterr()
    first, second = json.loads(told.out)
    assert (first["object"], first["file"], second["file"]) == ("a/b", "out/a_b.soda.yml", "out/a_b_2.soda.yml")
    assert first["not_expressed"] == {"a/b.quality.drift": "Soda's check 'drift(x) > 1' is not known"}
    assert first["problems"][0]["code"] == "LP314"
    assert (second["problems"], second["document"]["dataset"]) == ([], "lakepact/a:b")
    assert told.err == ""


def test_an_action_of_a_policy_is_the_severity(contract: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("version: 1\nactions: [{rule: 'customers.*', action: warn}]\n", encoding="utf-8")
    assert main(["export", "gx", str(contract), "--object", "customers", "--policy", "policy.yaml"]) == 0
    assert {each["severity"] for each in json.loads(capsys.readouterr().out)["expectations"]} == {"warning"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["soda", "contract.yaml"],
            "error LP429: the contract has 2 schema objects: customers, regions\n"
            "  hint: choose one with --object, or a folder with -o\n",
        ),
        (
            ["soda", "contract.yaml", "--object", "region"],
            "error LP426: the contract has no schema object 'region'\n  hint: did you mean 'regions'?\n",
        ),
        (
            ["gx", "contract.yaml", "--data-source", "x"],
            "error LP429: --data-source is Soda's\n  hint: leave it out\n",
        ),
    ],
)
def test_wrong_calls(contract: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", *arguments]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", message)


HANDLED = """
apiVersion: v3.1.0
kind: DataContract
id: handled
version: 1.0.0
status: active
customProperties:
  - {property: lakepact.schemaContract, value: {strict_mode: true}}
  - {property: lakepact.onQualityViolation, value: quarantine}
schema:
  - name: t
    properties:
      - {name: x, logicalType: string, quality: [{id: once, metric: duplicateValues, mustBe: 0}]}
"""


@pytest.mark.parametrize("strict", [True, False])
def test_columns_and_violations_are_taken_as_a_check_takes_them(
    contract: Path, capsys: pytest.CaptureFixture[str], strict: bool
) -> None:
    document = HANDLED if strict else HANDLED.replace("strict_mode: true", "strict_mode: false")
    contract.write_text(document.replace("quarantine", "quarantine" if strict else "warn"), encoding="utf-8")
    assert main(["export", "soda", str(contract)]) == 0
    soda = yaml.safe_load(capsys.readouterr().out)
    assert soda["checks"][0]["schema"]["allow_extra_columns"] is not strict
    (duplicate,) = soda["columns"][0]["checks"]
    assert ("level" in duplicate["duplicate"]["threshold"]) is not strict
    assert main(["export", "gx", str(contract)]) == 0
    told = [(each["type"], each["severity"]) for each in json.loads(capsys.readouterr().out)["expectations"]]
    columns, unique = "expect_table_columns_to_match_set", "expect_column_values_to_be_unique"
    assert told == ([(columns, "critical"), (unique, "critical")] if strict else [(unique, "warning")])
