"""Results and evidence as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakepact.drafts import Evidence, evidence_from_json, results_from_json
from lakepact.errors import ConfigurationError
from lakepact.results import RuleStatus

ROW: dict[str, Any] = {"contract_id": "a", "contract_version": "1.0.0", "rule_id": "t.x", "status": "FAIL"}


def test_rows_come_as_a_list_or_one_a_line() -> None:
    more = ROW | {"violations": 3, "value": 7, "at": "2024-05-01T10:00:00Z", "unknown": 1, "engine": None}
    listed = results_from_json(json.dumps([ROW, more]))
    assert listed == results_from_json(f"{json.dumps(ROW)}\n\n{json.dumps(more)}\n")
    assert [(each.status, each.violations, each.value, each.engine) for each in listed] == [
        (RuleStatus.FAIL, None, None, "native"),
        (RuleStatus.FAIL, 3, "7", "native"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is no JSON"),
        ("[1]", "row 1 is no object"),
        (json.dumps({"rule_id": "a", "status": 1}), "row 1 has no contract_id and no contract_version and no status"),
        (json.dumps(ROW | {"status": "bad"}), "row 1: 'bad' is not a valid RuleStatus"),
        (json.dumps([ROW, ROW | {"action": "jump"}]), "row 2: 'jump' is not a valid Action"),
        (json.dumps(ROW | {"tested": "many"}), "row 1 counts rows in something else than whole numbers"),
    ],
)
def test_what_is_no_result_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"LP887: 'r.json': these are no results of rules: {reason}"):
        results_from_json(text, file="r.json")


def test_evidence_is_by_rule() -> None:
    found = evidence_from_json('{"t.x": {"lowest": -1, "values": ["a"]}}')
    assert found == {"t.x": Evidence(lowest=-1, values=["a"])}
    for text, reason in (
        ("{", "it is no JSON"),
        ("[]", "it is no mapping of rules"),
        ('{"t": {"low": 1}}', "what was observed for 't' is no mapping of lowest, highest, values, text"),
        ('{"t": {"values": 1}}', "what was observed for 't' is no mapping"),
    ):
        with pytest.raises(ConfigurationError, match=f"LP887: .*{reason}"):
            evidence_from_json(text)
