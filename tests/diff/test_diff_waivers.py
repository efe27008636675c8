"""Waivers: read with all problems at once, and applied to changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from diff_samples import document, loaded

from lakepact.diff import Waiver, compare, load_waivers
from lakepact.errors import ConfigurationError

TODAY = dt.date(2026, 3, 1)
GOOD = """\
- contract: orders
  path: schema.t.*
  reason: nobody reads it yet
  author: ann
  expires: 2026-03-01
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigurationError, match=r"^LP770: w\.yml has \d+ errors?\n") as raised:
        load_waivers(text.encode(), today=TODAY, file="w.yml")
    return [f"{p.file}:{p.line}:{p.column} {p.code} {p.message}" for p in raised.value.problems]


def test_a_waiver_holds_through_its_last_day() -> None:
    (waiver,) = load_waivers(GOOD.encode(), today=TODAY)
    assert (waiver.contract, waiver.path, waiver.reason, waiver.author) == (
        "orders",
        "schema.t.*",
        "nobody reads it yet",
        "ann",
    )
    assert (waiver.expires, waiver.place.line) == (TODAY, 1)
    with pytest.raises(ConfigurationError, match=r":5:12: error LP773: the waiver expired on 2026-03-01\n"):
        load_waivers(GOOD.encode(), today=TODAY + dt.timedelta(days=1), file="w.yml")


@pytest.mark.parametrize("text", ["", "# none\n", "[]", "waivers: []", "waivers:\n", "---\n"])
def test_a_file_without_waivers_is_one(text: str) -> None:
    assert load_waivers(text.encode(), today=TODAY) == ()


def test_the_list_may_stand_under_a_key_and_be_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "w.yml"
    file.write_text("waivers:\n" + GOOD)
    assert len(load_waivers(file, today=TODAY)) == 1


def test_all_problems_come_together_with_their_places() -> None:
    text = """\
- {contract: a, path: x, reason: "", author: b, expires: 2026-02-01}
- {contract: a, path: x, author: b, expires: soon, because: y}
- 7
- {path: x, reason: r, expires: 2027-01-01}
- {contract: a, path: x, reason: r, author: null, expires: 2027-13-01}
"""
    assert problems_of(text) == [
        "w.yml:1:34 LP772 the waiver has no `reason`",
        "w.yml:1:58 LP773 the waiver expired on 2026-02-01",
        "w.yml:2:3 LP772 the waiver has no `reason`",
        "w.yml:2:46 LP774 `soon` is not a date",
        "w.yml:2:61 LP771 a waiver has no key `because`",
        "w.yml:3:3 LP771 an entry is not a waiver",
        "w.yml:4:3 LP771 the waiver has no `contract`",
        "w.yml:4:3 LP772 the waiver has no `author`",
        "w.yml:5:45 LP772 the waiver has no `author`",
        "w.yml:5:60 LP774 `2027-13-01` is not a date",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "w.yml:2:1 LP104 not YAML: did not find expected node content (while parsing a flow node)"),
        ("other: []", "w.yml:1:1 LP771 the file is not a list of waivers"),
        ("text", "w.yml:1:1 LP771 the file is not a list of waivers"),
    ],
)
def test_what_is_no_list_of_waivers(text: str, problem: str) -> None:
    assert problems_of(text + "\n") == [problem]


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(ConfigurationError, match=r"error LP771: the file is not UTF-8\n"):
        load_waivers(b"\xff", today=TODAY)


def waiver(path: str, reason: str = "agreed", contract: str = "c") -> Waiver:
    return Waiver(contract=contract, path=path, reason=reason, author="ann", expires=TODAY)


OLD = loaded(document({"name": "a", "required": True}, {"name": "b"}))
NEW = loaded(document({"name": "a"}, version="1.0.1"))


def test_waived_changes_need_no_version() -> None:
    waivers = [waiver("schema.t.properties.a.*", "old data"), waiver("*.b", "unused"), waiver("*", "late")]
    found = compare(OLD, NEW, waivers=waivers)
    assert {change.path: change.waived for change in found.changes} == {
        "schema.t.properties.a.required": "old data",
        "schema.t.properties.b": "unused",
    }
    assert (found.version_ok, found.waived, found.required_version) == (True, "old data; unused", "2.0.0")


@pytest.mark.parametrize(
    "waivers",
    [
        [waiver("*.b")],
        [waiver("*", contract="other")],
        [waiver("schema.t.properties.a")],
        [waiver("schema.?.properties.b")],
        [waiver("schema[t]*")],
    ],
)
def test_a_change_without_a_waiver_still_counts(waivers: list[Waiver]) -> None:
    assert not compare(OLD, NEW, waivers=waivers).version_ok


def test_what_remains_must_be_covered() -> None:
    old = loaded(document({"name": "a"}, {"name": "b"}))
    added = document({"name": "a"}, {"name": "c"})
    lower, higher = (loaded({**added, "version": version}) for version in ("1.0.1", "1.1.0"))
    assert not compare(old, lower, waivers=[waiver("*.b")]).version_ok
    assert compare(old, higher, waivers=[waiver("*.b")]).version_ok


def test_waivers_that_are_not_needed_are_not_told() -> None:
    found = compare(OLD, loaded(document({"name": "a"}, version="2.0.0")), waivers=[waiver("*")])
    assert (found.version_ok, found.waived) == (True, None)


def test_a_waiver_is_for_the_id_of_the_new_contract() -> None:
    old, new = (loaded({**document({"name": "a"}), "id": name}) for name in ("x", "y"))
    assert compare(old, new, waivers=[waiver("id", contract="y")]).changes[0].waived == "agreed"
    assert compare(old, new, waivers=[waiver("id", contract="x")]).changes[0].waived is None


def test_a_contract_may_be_any() -> None:
    assert compare(OLD, NEW, waivers=[waiver("*", contract="*")]).version_ok
