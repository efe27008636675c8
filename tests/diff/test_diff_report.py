"""Reports of a comparison: text, Markdown and JSON."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from diff_samples import document

from lakepact.contract import Contract, load_contract
from lakepact.diff import Comparison, Waiver, compare
from lakepact.diff.report import comparison_json, markdown, summary, text_lines

OLD = b"""\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.2.0
status: active
schema:
  - name: customers
    description: who buys
  - name: orders
    properties:
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0.10}
        required: true
      - name: note
        logicalType: string
        description: a|b
"""
NEW = (
    OLD.replace(b"version: 1.2.0", b"version: 1.3.0")
    .replace(b"0.10", b"0.05")
    .replace(b"        required: true\n", b"")
    .replace(b"a|b", b"'<b>x</b> | @team `y` #1 [l](u)'")
    .replace(b"who buys", b"who bought")
    .replace(b"active", b"deprecated")
)


def contract(source: bytes, file: str) -> Contract:
    return load_contract(source, file=file)


@pytest.fixture
def comparison() -> Comparison:
    return compare(contract(OLD, "old.yaml"), contract(NEW, "new.yaml"))


def test_text_is_grouped_by_object_with_the_most_severe_first(comparison: Comparison) -> None:
    assert list(text_lines(comparison)) == [
        "orders 1.2.0 -> 1.3.0",
        "major: asks for 2.0.0, which 1.3.0 does not cover",
        "",
        "orders",
        "  major  consumer  new.yaml:11  `orders.amount` may be absent now.",
        "  major  consumer  new.yaml:13  `orders.amount`: `minimum` changed from >= 0.1 to >= 0.05: "
        "more values are accepted.",
        "  patch  nobody    new.yaml:16  `orders.note`: `description` changed from 'a|b' to "
        "'<b>x</b> | @team `y` #1 [l](u)'.",
        "",
        "contract",
        "  minor  nobody    new.yaml:5  The contract: `status` changed from 'active' to 'deprecated'.",
        "",
        "customers",
        "  patch  nobody    new.yaml:8  `customers`: `description` changed from 'who buys' to 'who bought'.",
    ]


def test_markdown_folds_patches_away_and_escapes_what_acts(comparison: Comparison) -> None:
    assert (
        markdown(comparison)
        == """\
### orders 1.2.0 -&gt; 1.3.0

**major: asks for 2.0.0, which 1.3.0 does not cover**

| level | breaks | change | where |
|---|---|---|---|
| major | consumer | <code>orders.amount</code> may be absent now. | new.yaml:11 |
| major | consumer | <code>orders.amount</code>: <code>minimum</code> changed from &gt;= 0.1 to &gt;= 0.05: more values are accepted. | new.yaml:13 |
| minor | nobody | The contract: <code>status</code> changed from 'active' to 'deprecated'. | new.yaml:5 |

<details><summary>2 patch changes</summary>

| level | breaks | change | where |
|---|---|---|---|
| patch | nobody | <code>orders.note</code>: <code>description</code> changed from 'a&#124;b' to '&lt;b&gt;x&lt;/b&gt; &#124; &#64;team <code>y</code> &#35;1 &#91;l&#93;(u)'. | new.yaml:16 |
| patch | nobody | <code>customers</code>: <code>description</code> changed from 'who buys' to 'who bought'. | new.yaml:8 |

</details>
"""  # noqa: E501
    )


def test_a_name_with_a_backtick_stays_in_its_cell() -> None:
    old, new = document(tenant="a"), document(tenant="b ` | c")
    shown = markdown(compare(*(contract(json.dumps(one).encode(), "f.yaml") for one in (old, new))))
    (row,) = [line for line in shown.splitlines() if "tenant" in line]
    assert (
        row == "| minor | nobody | The contract: &#96;tenant&#96; changed from 'a' to 'b &#96; &#124; c'. | f.yaml:1 |"
    )


def test_json_holds_the_four_keys_and_plain_values(comparison: Comparison) -> None:
    found = comparison_json(comparison)
    changes = found.pop("changes")
    assert found == {
        "old_id": "orders",
        "new_id": "orders",
        "old_version": "1.2.0",
        "new_version": "1.3.0",
        "level": "major",
        "required_version": "2.0.0",
        "version_ok": False,
        "waived": None,
    }
    assert changes[2] == {
        "path": "schema.orders.properties.amount.required",
        "kind": "changed",
        "level": "major",
        "breaks": "consumer",
        "sentence": "`orders.amount` may be absent now.",
        "old": True,
        "new": False,
        "old_place": {"file": "old.yaml", "line": 14, "column": 19, "path": "schema[1].properties[0].required"},
        "new_place": {"file": "new.yaml", "line": 11, "column": 9, "path": "schema[1].properties[0]"},
        "waived": None,
    }
    assert json.loads(json.dumps(found)) == found


def test_values_of_json_are_numbers_lists_and_mappings() -> None:
    old = document({"name": "a", "enum": [{"value": 0.1}], "examples": [{"x": [1]}]})
    new = document({"name": "a", "enum": [{"value": 2}, {"value": 12345678901234567890.5}]})
    sides = [
        contract(json.dumps(one).encode().replace(b"1.2345678901234567e+19", b"12345678901234567890.5"), "")
        for one in (old, new)
    ]
    found = {change["path"].rpartition(".")[2]: change for change in comparison_json(compare(*sides))["changes"]}
    assert (found["enum"]["old"], found["enum"]["new"]) == ([0.1], [2, "12345678901234567890.5"])
    assert (found["examples"]["old"], found["examples"]["new"]) == ([{"x": [1]}], None)
    json.dumps(found)


def test_what_is_gone_has_no_place_in_the_new_document() -> None:
    sides = [
        contract(json.dumps(one).encode(), name) for one, name in ((document({"name": "a"}), "o"), (document(), "n"))
    ]
    (change,) = comparison_json(compare(*sides))["changes"]
    assert change["new_place"] is None
    assert next(line for line in text_lines(compare(*sides)) if "removed" in line).startswith("  major  consumer  o:1 ")


def test_waived_changes_are_marked_in_every_form() -> None:
    waiver = Waiver(contract="*", path="*", reason="no | reader", author="ann", expires=dt.date(2030, 1, 1))
    found = compare(contract(OLD, "old.yaml"), contract(NEW, "new.yaml"), waivers=[waiver])
    lines = list(text_lines(found))
    assert lines[1:3] == ["major: asks for 2.0.0, which is waived", "waived: no | reader"]
    assert lines[5].endswith("`orders.amount` may be absent now. (waived: no | reader)")
    assert "\nWaived: no &#124; reader\n" in markdown(found)
    assert "may be absent now. Waived: no &#124; reader |" in markdown(found)
    assert comparison_json(found)["changes"][0]["waived"] == "no | reader"


@pytest.mark.parametrize(
    ("old", "new", "status", "line"),
    [
        ("1.0.0", "1.0.0", "active", "none: nothing changed"),
        ("1.1.0", "1.0.0", "active", "none: nothing changed, but 1.0.0 is lower than 1.1.0"),
        ("1.0.0", "1.1.0", "draft", "major: asks for 2.0.0, which 1.1.0 does not cover"),
        ("1.0.0", "3.0.0", "draft", "major: asks for 2.0.0, which 3.0.0 covers"),
        ("summer", "3.0.0", "draft", "major: summer is not a semantic version, so that none can be asked for"),
    ],
)
def test_one_line_says_what_is_asked_for(old: str, new: str, status: str, line: str) -> None:
    before, after = document(version=old, status="active"), document(version=new, status=status)
    assert summary(compare(*(contract(json.dumps(one).encode(), "") for one in (before, after)))) == line
