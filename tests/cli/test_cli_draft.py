"""`lakepact draft …`: what is printed, what goes into a store, and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from lakepact.cli.main import main
from lakepact.contract import load_contract
from lakepact.store import Status, open_store

Captured = pytest.CaptureFixture[str]

BASE = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders  # one a line
    properties:
      - {name: id, logicalType: integer, required: true}
"""
SCHEMA = json.dumps(
    {
        "type": "struct",
        "fields": [
            {"name": "id", "type": "long", "nullable": True, "metadata": {}},
            {"name": "note", "type": "string", "nullable": True, "metadata": {}},
        ],
    }
)
RESULT = {"contract_id": "orders", "contract_version": "1.0.0", "rule_id": "orders.id.required", "status": "fail"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKEPACT_ACTOR", "ada")
    Path("orders.yaml").write_text(BASE, encoding="utf-8")
    Path("schema.json").write_text(SCHEMA, encoding="utf-8")
    return tmp_path


def test_the_draft_is_printed_and_the_proposals_are_said(capsys: Captured) -> None:
    assert main(["draft", "from-schema", "schema.json", "--base", "orders.yaml", "--dataset", "t"]) == 0
    printed = capsys.readouterr()
    contract = load_contract(printed.out.encode())
    assert contract.version.startswith("1.1.0-draft.")
    assert "  - name: orders  # one a line\n" in printed.out
    assert printed.err == "added: the column `note` is new: STRING [seen in t]\n"


def test_nothing_to_propose_is_said(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = json.loads(SCHEMA) | {"fields": json.loads(SCHEMA)["fields"][:1]}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(schema)))
    assert main(["draft", "from-schema", "-", "--base", "orders.yaml", "--json"]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("null\n", "nothing to propose: the contract describes what was seen\n")


def test_a_store_gets_it_once(capsys: Captured) -> None:
    assert main(["store", "init", "--store", "file:store"]) == 0
    arguments = ["draft", "from-schema", "schema.json", "--base", "orders.yaml", "--store", "file:store"]
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["contract"], first["base"], first["level"], first["created"]) == ("orders", "1.0.0", "minor", True)
    assert main([*arguments, "--run", "2"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == f"file:store#orders@{first['version']} was there already"
    (stored,) = open_store("file:store").list_versions("orders")
    assert (stored.version, stored.status, stored.created_by) == (first["version"], Status.DRAFT, "ada")
    base = f"store:file:store#orders@{stored.version}"
    assert main(["draft", "from-schema", "schema.json", "--base", base]) == 0
    assert capsys.readouterr().out == ""


def test_a_store_that_is_away_fills_the_outbox(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEPACT_STORE_TOKEN", "secret")
    sent = ["draft", "from-schema", "schema.json", "--base", "orders.yaml", "--store", "http://127.0.0.1:9/store"]
    assert main(sent) == 4
    capsys.readouterr()
    assert main([*sent, "--outbox", "outbox"]) == 0
    (kept,) = Path("outbox").iterdir()
    assert f"the draft waits in '{kept}': RemoteFailed: " in capsys.readouterr().err
    assert main(["draft", "resubmit", "outbox", "--store", "http://127.0.0.1:9/store"]) == 4
    assert f"'{kept}' stays: RemoteFailed: " in capsys.readouterr().err


def test_results_loosen_the_base(capsys: Captured) -> None:
    Path("results.json").write_text(json.dumps(RESULT | {"violations": 2, "tested": 9}), encoding="utf-8")
    assert main(["draft", "from-results", "results.json", "--base", "orders.yaml"]) == 0
    printed = capsys.readouterr()
    assert "{name: id, logicalType: integer, required: false}" in printed.out
    assert printed.err == "relaxed: `id` is not required [2 of 9 rows break it]\n"
    assert main(["draft", "from-results", "results.json"]) == 2
    assert "LP888: results are about a contract" in capsys.readouterr().err


def test_what_was_observed_is_a_file(capsys: Captured) -> None:
    text = BASE.replace("required: true", "logicalTypeOptions: {maximum: 5}")
    Path("orders.yaml").write_text(text, encoding="utf-8")
    Path("results.json").write_text(json.dumps(RESULT | {"rule_id": "orders.id.maximum"}), encoding="utf-8")
    Path("seen.json").write_text('{"orders.id.maximum": {"highest": 9}}', encoding="utf-8")
    assert main(["draft", "from-results", "results.json", "--base", "orders.yaml", "--observed", "seen.json"]) == 0
    assert "{maximum: 9}" in capsys.readouterr().out


def test_files_make_a_new_contract(capsys: Captured) -> None:
    Path("orders.csv").write_text("id,zip\n" + "".join(f"{n},{10000 + n}\n" for n in range(60)), encoding="utf-8")
    assert main(["draft", "from-files", "orders.csv", "--id", "orders", "--object", "o", "--threshold", "0.9"]) == 0
    printed = capsys.readouterr()
    contract = load_contract(printed.out.encode())
    assert [(prop.name, prop.required, prop.unique) for prop in contract.schema[0].properties] == [
        ("id", True, True),
        ("zip", True, False),
    ]
    assert "added: unique of `zip`: true (50% sure), only listed [60 rows, as many values]\n" in printed.err
    assert main(["draft", "from-files", "orders.csv", "--id", "orders", "--form", "xml"]) == 2
    assert "LP888: 'xml' is no form of files\n  hint: accepted: parquet, csv, json" in capsys.readouterr().err


def test_registries_give_subjects_or_bare_schemas(capsys: Captured) -> None:
    Path("money.proto").write_text("message Money { double amount = 1; }", encoding="utf-8")
    proto = 'import "money.proto"; message Order { int64 id = 1; Money price = 2; }'
    Path("order.proto").write_text(proto, encoding="utf-8")
    arguments = ["draft", "from-registry", "order.proto", "--kind", "protobuf", "--base", "orders.yaml"]
    assert main([*arguments, "--reference", "money.proto=money.proto", "--message", "Order"]) == 0
    assert capsys.readouterr().err == (
        "added: the column `price` is new: STRUCT<`amount`: DOUBLE> [seen in the data]\n"
    )
    subject = {"subject": "orders-value", "version": 3, "schemaType": "PROTOBUF", "schema": "message O { bool b = 1; }"}
    Path("subject.json").write_text(json.dumps(subject), encoding="utf-8")
    assert main(["draft", "from-registry", "subject.json", "--id", "orders"]) == 0
    printed = capsys.readouterr()
    assert 'datasetVersion: "3"' in printed.out
    assert printed.err == "added: `O` is new, with the column `b` [seen in orders-value, version 3]\n"
    for wrong, words in (
        ([*arguments, "--reference", "money"], "LP888: 'money' is not written NAME=FILE"),
        (["draft", "from-registry", "subject.json", "--kind", "thrift"], "LP888: 'thrift' is no kind of schema"),
        (["draft", "from-registry", "none.json"], "LP888: 'none.json' cannot be read: No such file or directory"),
    ):
        assert main(wrong) == 2
        assert words in capsys.readouterr().err


def test_the_object_must_be_clear(capsys: Captured) -> None:
    Path("orders.yaml").write_text(BASE + "  - name: returns\n", encoding="utf-8")
    assert main(["draft", "from-schema", "schema.json", "--base", "orders.yaml"]) == 2
    assert "LP888: the contract has several objects, or none: orders, returns" in capsys.readouterr().err
    assert main(["draft", "from-schema", "schema.json", "--base", "orders.yaml", "--object", "orders"]) == 0


def test_a_base_that_is_no_contract_is_refused_with_its_problems(capsys: Captured) -> None:
    Path("orders.yaml").write_text("kind: DataContract\n", encoding="utf-8")
    assert main(["draft", "from-schema", "schema.json", "--base", "orders.yaml"]) == 3
    assert "LP100: 'orders.yaml' is no contract\norders.yaml:1:1: error " in capsys.readouterr().err


def test_new_goes_into_a_store_as_a_draft(capsys: Captured) -> None:
    assert main(["store", "init", "--store", "file:store"]) == 0
    capsys.readouterr()
    made = ["new", "--name", "Sales", "--column", "id:string:pk", "--yes", "--store", "file:store"]
    assert main(made) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "file:store#sales@0.1.0 is there, as a draft\n")
    (stored,) = open_store("file:store").list_versions("sales")
    assert (stored.status, stored.created_by, stored.reason) == (Status.DRAFT, "ada", "lakepact new")
    assert not Path("sales.odcs.yaml").exists()
    assert main([*made, "-"]) == 0
    assert "id: sales\n" in capsys.readouterr().out
