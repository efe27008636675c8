"""`lakepact check`, and what it does beside printing: data set aside, results recorded, rows quoted, Data Docs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lakepact.cli import main
from lakepact.results.reading import read_results
from lakepact.testing.notify_servers import SlackServer

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: points
version: 1.0.0
status: active
customProperties:
  - {property: lakepact.quarantine, value: {s3_bucket: bad, s3_prefix: "${LAKEPACT_TEST_TENANT}/"}}
schema:
  - name: points
    physicalName: lake.points
    properties:
      - {name: id, logicalType: string, primaryKey: true, classification: public}
      - name: place
        logicalType: string
        logicalTypeOptions: {maxLength: 5}
        customProperties: [{property: lakepact.action, value: quarantine}]
"""
ROWS = "id,place\n1,here\n2,nowhere\n3,there\n4,everywhere\n"


@pytest.fixture
def points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "c.yaml").write_text(CONTRACT)
    (tmp_path / "points.csv").write_text(ROWS)
    (tmp_path / "good.csv").write_text("id,place\n1,here\n")
    monkeypatch.setenv("LAKEPACT_TEST_TENANT", "north")
    monkeypatch.setenv("LAKEPACT_ACTOR", "ada")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> tuple[str, str]:
    assert main(["check", "c.yaml", *arguments]) == code
    printed = capsys.readouterr()
    return printed.out, printed.err


def records(capsys: pytest.CaptureFixture[str], place: str) -> list[Any]:
    assert main(["quarantine", "list", place, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def test_data_is_set_aside_once_where_the_contract_says(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        _, said = check(capsys, "points.csv", "--quarantine", "./aside")
    assert said.startswith("set aside points.csv as ")
    (record,) = records(capsys, "aside")
    assert (record["dataset"], record["contract_id"], record["status"]) == ("lake.points", "points", "quarantined")
    assert record["failed_rules"] == [{"rule_id": "points.place.maxLength", "message": "2 of 4 rows"}]
    assert record["metadata"] == {"actor": "ada", "reason": "lakepact check"}
    held = Path(record["path"]) / "points.csv"
    assert held.read_text() == ROWS
    assert (points / "points.csv").read_text() == ROWS


def test_the_place_of_the_contract_is_known_before_anything_is_evaluated(
    points: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (points / "c.yaml").write_text(CONTRACT.replace("bad", str(points / "bad")))
    check(capsys, "points.csv", "--quarantine", "contract")
    assert len(records(capsys, str(points / "bad" / "north"))) == 1
    monkeypatch.delenv("LAKEPACT_TEST_TENANT")
    out, said = check(capsys, "points.csv", "--quarantine", "contract", code=3)
    assert (out, said.splitlines()[0]) == (
        "",
        "error LP980: ${LAKEPACT_TEST_TENANT} in '${LAKEPACT_TEST_TENANT}/' has no value",
    )


def test_nothing_is_set_aside_where_the_contract_turns_its_quarantine_off(
    points: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (points / "c.yaml").write_text(CONTRACT.replace("{s3_bucket: bad,", "{enabled: false, s3_bucket: bad,"))
    for place in ("contract", "aside"):
        out, said = check(capsys, "points.csv", "--quarantine", place)
        assert said == "nothing is set aside: points 1.0.0 turns its quarantine off\n"
        assert out.startswith("points.csv  QUARANTINE")
    assert main(["quarantine", "add", "points.csv", "--contract", "c.yaml", "--to", "aside"]) == 3
    assert capsys.readouterr().err.startswith("error LP980: the contract 'points' 1.0.0 turns its quarantine off")
    assert not (points / "aside").exists()
    (points / "c.yaml").write_text(CONTRACT.replace("{s3_bucket: bad,", "{enabled: 'no', s3_bucket: bad,"))
    assert (
        "error LP980: lakepact.quarantine of 'points' 1.0.0: enabled is 'no'"
        in check(capsys, "points.csv", "--quarantine", "contract", code=3)[1]
    )


def test_what_holds_or_is_blocked_is_not_set_aside(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys, "good.csv", "--quarantine", "aside", code=0)[1] == ""
    (points / "more.csv").write_text("id,place,more\n1,everywhere,x\n")
    out, said = check(capsys, "more.csv", "--quarantine", "aside")
    assert (out.splitlines()[0], said) == ("more.csv  FAIL  1 rows, 1 to quarantine", "")
    assert not (points / "aside").exists()


def test_people_are_told_where_it_is(
    points: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with SlackServer() as slack:
        monkeypatch.setenv("HOOK", slack.webhook)
        (points / "notify.yml").write_text(
            'channels: {chat: {type: slack, webhook: "${env:HOOK}"}}\nroutes: [{channels: [chat]}]\n'
        )
        check(capsys, "points.csv", "--quarantine", "aside", "--notify", "notify.yml")
        assert main(["notify", "send"]) == 0
        capsys.readouterr()
        (record,) = records(capsys, "aside")
        assert record["path"] in json.dumps(slack.messages)


def test_results_are_recorded_under_the_name_of_the_data(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        check(capsys, "points.csv", "--results", "lake", "--dataset", "main.points", "--json")
    found = read_results("lake")
    assert {(each.dataset, each.rule_id, each.engine, each.violations) for each in found} == {
        ("main.points", "schema", "schema", 0),
        ("main.points", "points.id.required", "duckdb", 0),
        ("main.points", "points.primaryKey", "duckdb", 0),
        ("main.points", "points.place.maxLength", "duckdb", 2),
    }
    assert len({each.run_id for each in found}) == 2
    assert main(["results", "trend", "--results", "lake", "--rule", "points.place.maxLength"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1:3] == ["main.points", "points.place.maxLength"]


def test_a_name_is_for_one_data(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = CONTRACT + "  - name: other\n    properties: [{name: a, logicalType: string}]\n"
    (points / "c.yaml").write_text(two)
    _, said = check(capsys, "points.csv", "other=good.csv", "--dataset", "x", code=2)
    assert said.startswith("error LP429: --dataset names one data, and there are several\n")


def test_results_that_cannot_be_recorded_are_printed_first(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, said = check(capsys, "points.csv", "--results", "points.csv/lake", code=4)
    assert out.startswith("points.csv  QUARANTINE  4 rows, 2 to quarantine\n")
    assert said.startswith("error LP992: ")


def test_rows_that_break_a_rule_are_quoted_as_far_as_they_are_public(
    points: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quoted = "  FAIL  points.place.maxLength  2 of 4 rows, for example id='2' place=***, id='4' place=***"
    out, said = check(capsys, "points.csv", "--samples", "2")
    assert (out.splitlines()[1], said) == (quoted, "")
    assert check(capsys, "points.csv")[0].splitlines()[1] == "  FAIL  points.place.maxLength  2 of 4 rows"
    (points / "c.yaml").write_text(CONTRACT.replace(", classification: public", ""))
    out, said = check(capsys, "points.csv", "--samples", "2")
    assert out.splitlines()[1] == "  FAIL  points.place.maxLength  2 of 4 rows"
    assert said == "--samples quotes nothing: the contract classifies no column as public\n"


def test_data_docs_are_written_on_request(points: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("great_expectations")
    rule = """    quality:
      - {type: custom, engine: greatExpectations, name: some,
         implementation: {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}}}
"""
    (points / "c.yaml").write_text(CONTRACT + rule)
    check(capsys, "good.csv", "--data-docs", "docs", code=0)
    assert (points / "docs" / "index.html").is_file()
