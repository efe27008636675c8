"""The page of lint: each bad snippet has its code and no other, each good one has nothing, and the page is current."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from lint_documents import document

from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.lint import lint
from lakepact.lint.catalogue import CHECKS, LintCode, reportable_codes

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import lint_page  # noqa: E402

SNIPPETS = list(lint_page.snippets())


def codes(source: bytes) -> set[str]:
    return {str(problem.code) for problem in lint(source).problems}


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if not s.good], ids=lambda snippet: snippet.code)
def test_bad_snippets_have_their_code_and_no_other(snippet: lint_page.Snippet) -> None:
    assert codes(snippet.document.encode()) == {snippet.code}


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if s.good], ids=lambda snippet: snippet.code)
def test_good_snippets_have_no_finding(snippet: lint_page.Snippet) -> None:
    assert codes(snippet.document.encode()) == set()


def test_every_code_has_both_snippets_or_says_why_not() -> None:
    shown = {kind: {snippet.code for snippet in SNIPPETS if snippet.good is kind} for kind in (True, False)}
    assert shown[True] == shown[False]
    assert shown[True] | set(lint_page.WITHOUT_SNIPPET) == set(reportable_codes())
    assert shown[True] & set(lint_page.WITHOUT_SNIPPET) == set()
    assert len(SNIPPETS) == 2 * len(shown[True])


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("LP102", b"#" * (MAX_BYTES + 1)),
        ("LP103", "name: Stück".encode("latin-1")),
        ("LP109", b"a: " + b"[" * 200 + b"]" * 200),
        ("LP110", b"a: &a [1,1,1,1,1,1,1,1,1]\n" + b"".join(
            b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 9)) for name in range(98, 105)
        )),
    ],
)  # fmt: skip
def test_what_no_snippet_can_show(code: str, source: bytes) -> None:
    assert codes(source) == {code}


def test_a_path_where_nothing_is(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path / "none.yaml").problems
    assert (str(problem.code), problem.file) == ("LP101", str(tmp_path / "none.yaml"))


def test_every_code_has_a_severity_a_meaning_and_a_remedy() -> None:
    assert set(CHECKS) == set(LintCode)
    assert all(check.meaning.endswith(".") and check.remedy.endswith(".") for check in CHECKS.values())


def test_the_severity_of_the_page_is_that_of_the_finding() -> None:
    for snippet in SNIPPETS:
        if not snippet.good:
            found = {problem.severity for problem in lint(snippet.document.encode()).problems}
            # A name with spaces around it is the mild form of its code.
            assert found == {lint_page.severity(snippet.code, snippet.document)} or snippet.code == "LP724"


def test_the_page_is_current() -> None:
    hint = "`python tools/lint_page.py` writes it anew"
    assert (ROOT / "docs" / "lint.md").read_text(encoding="utf-8") == lint_page.page(), hint


def test_a_clean_contract_has_no_finding() -> None:
    assert lint(document("name: Orders")).problems == ()
