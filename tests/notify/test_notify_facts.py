"""What is kept of a run: rules by state, severities, people, and rows without what must not be shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notify_samples import DATASET, DOCUMENT, NOW, contract, passed, result

from lakepact.contract import load_contract
from lakepact.notify import Severity
from lakepact.notify.contacts import contacts_of, is_address, owners_of
from lakepact.notify.encoding import decoded, encoded
from lakepact.notify.facts import Facts, facts_of, severity_of
from lakepact.notify.masking import HIDDEN, masked_samples
from lakepact.results.model import RuleStatus, Verdict

ROW = {"order_id": 1, "email": "ann@example.com", "country": "DE", "address": {"street": "Main St"}, "_rescued": "x"}


def test_rows_show_only_what_is_public_or_not_classified() -> None:
    (row,) = masked_samples([ROW], contract().object("orders"))
    assert row == {"order_id": "1", "email": HIDDEN, "country": "DE", "address": HIDDEN, "_rescued": HIDDEN}


def test_the_classifications_to_mask_can_be_named() -> None:
    (row,) = masked_samples([ROW], contract().object("orders"), ["RESTRICTED"])
    assert row == {
        "order_id": "1",
        "email": HIDDEN,
        "country": "DE",
        "address": "{'street': 'Main St'}",
        "_rescued": HIDDEN,
    }


def test_rows_of_an_object_that_nobody_describes_show_nothing() -> None:
    assert masked_samples([ROW], None) == (dict.fromkeys(ROW, HIDDEN),)


def test_rows_are_few_short_and_printable() -> None:
    rows = masked_samples(({"ORDER_ID": "a\n\x1b" + "b" * 1000} for _ in range(10_000)), contract().object("orders"))
    assert len(rows) == 5
    assert rows[0] == {"ORDER_ID": "a\\n\\x1b" + "b" * 92 + "…"}
    assert masked_samples([{"country": None}], contract().object("orders")) == ({"country": "NULL"},)


@given(st.text(alphabet=st.characters(), max_size=30))
@settings(max_examples=50)
def test_no_masked_value_is_in_what_is_kept(secret: str) -> None:
    rows = [{"email": f"secret{secret}value", "address": {"street": f"secret{secret}value"}}]
    (facts,) = facts_of([result()], contract(), now=NOW, samples={"email.required": rows})
    assert b"secret" not in encoded(facts)


def test_the_facts_of_a_run_are_its_rules_by_state() -> None:
    results = [
        passed("a"),
        result("b", RuleStatus.WARN),
        result("c", RuleStatus.ERROR, message="no column c"),
        result("d", RuleStatus.SKIPPED),
    ]
    (facts,) = facts_of(results, contract(), now=NOW, quarantine="main.sales.orders_quarantine")
    assert [(each.rule_id, each.status, each.severity) for each in facts.violations] == [
        ("b", "warn", Severity.WARNING),
        ("c", "error", Severity.ERROR),
    ]
    assert (facts.passed, facts.skipped, facts.verdict) == (("a",), ("d",), Verdict.FAIL)
    assert (facts.contract_name, facts.domain, facts.dataset, facts.run_id) == ("Orders", "sales", DATASET, "run-1")
    assert facts.quarantine == "main.sales.orders_quarantine"
    assert decoded(Facts, encoded(facts)) == facts


def test_each_dataset_and_run_has_facts_of_its_own() -> None:
    results = [result(), result(dataset="main.sales.lines"), result(run_id="run-2")]
    found = list(facts_of(results, contract(), now=NOW))
    assert [(each.dataset, each.run_id) for each in found] == [
        ("main.sales.lines", "run-1"),
        (DATASET, "run-1"),
        (DATASET, "run-2"),
    ]


def test_the_id_of_facts_is_that_of_what_they_say() -> None:
    def id_of(*results: object, version: str = "1.2.0") -> str:
        (facts,) = facts_of(results, contract(version), now=NOW)  # type: ignore[arg-type]
        return facts.id

    first = id_of(result("a"), passed("b"))
    assert id_of(passed("b"), replace(result("a"), seconds=9.9)) == first
    others = [id_of(result("a"), result("b")), id_of(result("a"), passed("b"), version="1.3.0")]
    others.append(id_of(result("a", run_id="run-2"), passed("b", run_id="run-2")))
    assert len({first, *others}) == 4


@pytest.mark.parametrize(
    ("word", "status", "severity"),
    [
        ("Critical", RuleStatus.WARN, Severity.CRITICAL),
        ("high", RuleStatus.WARN, Severity.ERROR),
        ("minor", RuleStatus.FAIL, Severity.WARNING),
        (" info ", RuleStatus.FAIL, Severity.INFO),
        ("whatever", RuleStatus.FAIL, Severity.ERROR),
        (None, RuleStatus.WARN, Severity.WARNING),
        (None, RuleStatus.ERROR, Severity.ERROR),
    ],
)
def test_severity_is_the_word_of_the_contract_else_what_the_rule_does(
    word: str | None, status: RuleStatus, severity: Severity
) -> None:
    assert severity_of(result(status=status, severity=word)) is severity


def test_people_are_the_present_team_and_the_support_channels() -> None:
    found = contacts_of(contract(), NOW.date())
    assert owners_of(contract(), NOW.date()) == ("sales-data", "ann@example.com", "bob")
    assert found.owner_addresses == ("ann@example.com",)
    assert found.support_addresses == ("help@example.com",)
    assert found.slack_channels == ("#orders-help",)
    assert "gone@example.com" in owners_of(contract(), date(2023, 12, 30))


WISHES = b"""
customProperties:
  - property: lakepact.notification
    value: {channels: [slack, 7], recipients: [ml-team@example.com, "a\\nb@c.d", ann@example.com]}
"""


def test_a_contract_says_who_wants_to_hear_and_how() -> None:
    wishing = load_contract(DOCUMENT + WISHES)
    assert contacts_of(wishing, NOW.date()).owner_addresses == ("ann@example.com", "ml-team@example.com")
    (facts,) = facts_of([result()], wishing, now=NOW)
    assert facts.channels == ("slack",)


def test_a_contract_without_people_names_nobody() -> None:
    bare = load_contract(b"apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\n")
    assert owners_of(bare, NOW.date()) == ()
    assert contacts_of(bare, NOW.date()).owner_addresses == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@b",
        "a b@c.d",
        "a@b\nBcc: x@y",
        "a@b,c@d",
        "<a@b.c>",
        "a@b c",
        "ä@b.c",
        "a..b@c",
        ".a@b",
        "a@b..c",
        "a@-b",
        "a" * 252 + "@b.c",
    ],
)
def test_what_is_no_plain_address_is_none(text: str) -> None:
    assert not is_address(text)
