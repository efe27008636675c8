"""`lakepact schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.contract.json_schema import contract_json_schema
from lakepact.contract.model import ApiVersion

Captured = pytest.CaptureFixture[str]


def test_it_prints_the_schema_of_v3_1_0(capsys: Captured) -> None:
    assert main(["schema"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == contract_json_schema(ApiVersion.V3_1_0)
    assert printed.err == ""


@pytest.mark.parametrize("version", list(ApiVersion))
def test_each_version_has_one(version: ApiVersion, capsys: Captured) -> None:
    assert main(["schema", "--version", version.value]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == f"urn:lakepact:odcs:{version.value}"


def test_it_is_written_to_a_file(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["schema", "--version", "v3.2.0", "--output", "schemas/odcs.json"]) == 0
    assert json.loads(Path("schemas/odcs.json").read_text()) == contract_json_schema(ApiVersion.V3_2_0)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "'schemas/odcs.json' written. "
        "The first line of a contract names it: # yaml-language-server: $schema=schemas/odcs.json\n"
    )


def test_an_unknown_version_and_a_folder_are_said(tmp_path: Path, capsys: Captured) -> None:
    assert main(["schema", "--version", "v4"]) == 2
    assert capsys.readouterr().err == (
        "error LP843: 'v4' is no version of the standard\n  hint: accepted: v3.0.0, v3.0.1, v3.0.2, v3.1.0, v3.2.0\n"
    )
    assert main(["schema", "-o", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error LP840: '{tmp_path}' is a folder\n  hint: name the file to write\n"
