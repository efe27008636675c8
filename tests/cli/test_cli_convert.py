"""`lakepact convert`: the contract on stdout, words on stderr."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakepact.cli.main import main
from lakepact.contract import Mode, load_contract

Captured = pytest.CaptureFixture[str]

ASSET = """\
asset:
  name: crm_users
  object: users
  version: "1.0"
  schema:
    - {name: id, type: bigint, required: true}
    - {name: shape, type: geometry}
"""
WRITTEN = """\
version: "1.0"
kind: DataContract
apiVersion: v3.1.0
id: crm_users
name: crm_users
status: active
schema:
  - name: users
    physicalType: table
    properties:
      - name: id
        physicalType: bigint
        logicalType: integer
        required: true
      - name: shape
        physicalType: geometry
"""
WORDS = """\
users.yaml:1:1: info LP807: the asset has no `status`; `active` is written, which is its default
users.yaml:7:21: warning LP805: the type `geometry` has no logicalType in ODCS; it is kept as physicalType
"""


@pytest.fixture
def asset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An asset definition in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("users.yaml").write_text(ASSET)
    return "users.yaml"


def test_the_contract_goes_to_stdout_and_the_problems_to_stderr(asset: str, capsys: Captured) -> None:
    assert main(["convert", asset]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (WRITTEN, WORDS)
    assert load_contract(printed.out.encode(), mode=Mode.STRICT).id == "crm_users"


def test_the_contract_goes_to_a_file(asset: str, capsys: Captured) -> None:
    assert main(["convert", asset, "--output", "out/users.odcs.yaml"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", WORDS)
    assert Path("out/users.odcs.yaml").read_text() == WRITTEN


def test_json_holds_the_contract_and_the_problems(asset: str, capsys: Captured) -> None:
    assert main(["convert", asset, "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert found["document"]["schema"][0]["name"] == "users"
    assert found["problems"][1] == {
        "code": "LP805",
        "severity": "warning",
        "message": "the type `geometry` has no logicalType in ODCS; it is kept as physicalType",
        "file": "users.yaml",
        "line": 7,
        "column": 21,
        "path": "asset.schema[1].type",
        "hint": "",
    }


def test_stdin_is_read(asset: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ASSET.encode())))
    assert main(["convert", "-"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (WRITTEN, WORDS.replace("users.yaml", "stdin"))


def test_an_invalid_source_ends_with_3_and_all_its_faults(asset: str, capsys: Captured) -> None:
    Path("bad.yaml").write_text("asset:\n  schema:\n    - {type: string}\n")
    assert main(["convert", "bad.yaml"]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[:4] == [
        "error LP800: bad.yaml cannot be converted",
        "bad.yaml:1:1: error LP801: an asset needs `name`",
        "bad.yaml:1:1: error LP801: an asset needs `version`",
        "bad.yaml:1:1: info LP807: the asset has no `status`; `active` is written, which is its default",
    ]


def test_a_format_that_is_not_recognised_ends_with_3(asset: str, capsys: Captured) -> None:
    Path("job.yaml").write_text("tenant: acme\n")
    assert main(["convert", "job.yaml", "--output", "out.yaml"]) == 3
    assert capsys.readouterr().err.startswith("error LP811: the format of job.yaml is not recognised\n")
    assert not Path("out.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error LP813: no source is named\n  hint: name a file, or see `lakepact convert --list-formats`\n"),
        (["none.yaml"], "error LP420: there is no file 'none.yaml'\n"),
        (["."], "error LP420: '.' is a folder; a source is a file\n"),
        (["uc:a.b.c", "--from", "asset"], "error LP813: --from is for files, and uc: is none\n"),
    ],
)
def test_a_wrong_call_ends_with_2(asset: str, capsys: Captured, arguments: list[str], message: str) -> None:
    assert main(["convert", *arguments]) == 2
    assert capsys.readouterr().err == message


def test_the_name_of_a_format_is_checked(asset: str, capsys: Captured) -> None:
    assert main(["convert", asset, "--from", "soad"]) == 2
    assert capsys.readouterr().err.startswith("error LP810: `soad` is no format that is converted\n  hint: one of ")


def test_formats_are_listed(capsys: Captured) -> None:
    assert main(["convert", "--list-formats"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "odcs-v2                  ODCS v2.2.2 (and the layouts of v2.0 and v2.1)"
    assert main(["convert", "--list-formats", "--json"]) == 0
    names = [entry["name"] for entry in json.loads(capsys.readouterr().out)]
    assert names == [line.split()[0] for line in lines]
    assert {"asset", "data-contract", "dbt", "dqx", "json-schema", "lakeflow", "uc:catalog.schema.table"} <= set(names)


def test_a_workspace_has_to_be_configured(asset: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(Path.cwd()))
    for name in ("HOST", "TOKEN", "CONFIG_PROFILE", "CONFIG_FILE"):
        monkeypatch.delenv(f"DATABRICKS_{name}", raising=False)
    assert main(["convert", "uc:main.sales.orders"]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(("error LP827: databricks-sdk is not installed", "error LP829: no workspace is"))


@pytest.mark.spark
def test_a_delta_table_is_asked(spark: Any, asset: str, capsys: Captured) -> None:
    spark.sql("SELECT CAST(1 AS BIGINT) AS id, 'a' AS name").write.format("delta").save(str(Path("orders").absolute()))
    assert main(["convert", "delta:orders"]) == 0
    (table,) = load_contract(capsys.readouterr().out.encode(), mode=Mode.STRICT).schema
    assert [(column.name, column.physical_type) for column in table.properties] == [
        ("id", "BIGINT"),
        ("name", "STRING"),
    ]
    assert main(["convert", "delta:nothing"]) == 2
    assert capsys.readouterr().err.startswith("error LP826: Spark cannot read ")


@pytest.mark.process
def test_a_conversion_imports_no_engine(asset: str) -> None:
    program = (
        "import sys; from lakepact.cli.main import main; code = main(['convert', 'users.yaml']); "
        "print({'pyspark', 'pandas', 'pyarrow', 'databricks'} & set(sys.modules), code, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.splitlines()[-1] == "set() 0"
