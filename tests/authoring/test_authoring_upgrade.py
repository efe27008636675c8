"""Upgrades between versions of the standard: what changes, what stays, what is kept aside, and the way back."""

from __future__ import annotations

import pytest
from upgrade_meaning import changed_meaning, errors_of, predicates

from lakepact.authoring import Upgraded, upgrade
from lakepact.contract import ApiVersion, load_contract
from lakepact.contract.edit_data import same_data
from lakepact.errors import ContractInvalid, Severity

HEADER = "apiVersion: {version}\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: active\n"
ANNOUNCED = "`apiVersion` is"


def upgraded(body: str, version: str, to: str, *, header: str = HEADER) -> Upgraded:
    return upgrade((header.format(version=version) + body).encode(), to=ApiVersion(to), file="a.yaml")


def body_of(result: Upgraded) -> str:
    """The text after the header."""
    text = result.source.decode()
    return text[text.index("status: active\n") + len("status: active\n") :]


def messages(result: Upgraded) -> list[str]:
    """All notes but that of the version itself, each with its code and line."""
    notes = (*result.changes, *result.losses)
    return [f"{note.code}:{note.line}: {note.message}" for note in notes if not note.message.startswith(ANNOUNCED)]


def check(before: str, version: str, after: str, to: str, *notes: str) -> Upgraded:
    """Upgrades, and holds text, notes and strict validity against what is wanted."""
    result = upgraded(before, version, to)
    assert body_of(result) == after
    assert messages(result) == list(notes)
    assert errors_of(result.source) == []
    assert result.valid
    return result


def prop(lines: str, logical_type: str = "number") -> str:
    """A contract's one property, with more lines."""
    start = f"schema:\n- name: o\n  properties:\n  - name: p\n    logicalType: {logical_type}\n"
    return start + "".join(f"    {line}\n" for line in lines.strip("\n").splitlines())


def rule(lines: str) -> str:
    """A contract's one quality rule of the property."""
    first, *others = lines.strip("\n").splitlines()
    return prop("\n".join(["quality:", f"- {first}", *(f"  {line}" for line in others)]))


def test_the_version_it_has_changes_nothing() -> None:
    source = HEADER.format(version="v3.1.0").encode() + b"team:\n- username: a\n"
    assert upgrade(source, to=ApiVersion.V3_1_0) == Upgraded(source)


def test_comments_order_and_layout_stay() -> None:
    source = (
        b"\xef\xbb\xbf# ours\r\napiVersion: 'v3.0.2'  # the standard\r\nkind: DataContract\r\nid: a\r\n"
        b'version: "1.0"\r\nstatus: active\r\n\r\ntags: [ a,  b ]  # flat\r\n'
    )
    assert upgrade(source, to=ApiVersion.V3_2_0).source == source.replace(b"v3.0.2", b"v3.2.0")


def test_the_place_of_a_note_is_that_of_the_given_document() -> None:
    body = "team:\n  # a comment\n  - username: a\n" + prop("logicalTypeOptions: {minimum: 1, exclusiveMinimum: true}")
    result = upgraded(body, "v3.0.2", "v3.1.0")
    assert str(result.changes[-1]) == (
        "a.yaml:14:56: info LP701: `exclusiveMinimum` is the bound itself, was a switch of `minimum`"
    )
    assert result.changes[-1].path == "schema[0].properties[0].logicalTypeOptions.exclusiveMinimum"


def test_a_document_that_is_not_valid_is_refused() -> None:
    with pytest.raises(ContractInvalid, match=r"a.yaml has 1 error\n.*`schema\[0\]`|a schema object needs `name`"):
        upgraded("schema:\n- {}\n", "v3.0.2", "v3.1.0")


def test_grammar_of_another_version_is_mended_in_the_version_that_is_declared() -> None:
    check(
        "team:\n  members:\n    - username: a\n",
        "v3.0.2",
        "team:\n  - username: a\n",
        "v3.0.2",
        "LP701:7: `team` is a list of members, was an object",
    )


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_team_up_and_down_again(indent: str) -> None:
    body = f"team:  # four people\n{indent}# the lead\n{indent}- username: a\n{indent}  role: x\nname: n\n"
    up = upgraded(body, "v3.0.2", "v3.1.0")
    data = load_contract(up.source).document
    assert data["team"] == {"members": [{"username": "a", "role": "x"}]}
    assert body_of(upgrade(up.source, to=ApiVersion.V3_0_2)) == body


def test_what_a_team_is_beside_its_members_is_kept_and_comes_back() -> None:
    body = "team:\n  name: us\n  members:\n    - username: a\n  tags: [t]\n"
    down = check(
        body,
        "v3.1.0",
        "team:\n  - username: a\ncustomProperties:\n  - property: lakepact.team\n    value:\n"
        "      name: us\n      tags: [t]\n",
        "v3.0.2",
        "LP701:7: `team` is a list of members, was an object",
        "LP702:7: `name`, `tags` of `team` came with v3.1.0; kept as the custom property `lakepact.team`",
    )
    assert body_of(upgrade(down.source, to=ApiVersion.V3_1_0)) == body


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (
            "{minimum: 0.10, exclusiveMinimum: true}",
            "{exclusiveMinimum: 0.10}",
            "`exclusiveMinimum` is the bound itself, was a switch of `minimum`",
        ),
        (
            "{maximum: 1, exclusiveMaximum: false}",
            "{maximum: 1}",
            "`exclusiveMaximum: false` is removed; `maximum` is inclusive without it",
        ),
        (
            "{exclusiveMaximum: true, minimum: 1}",
            "{minimum: 1}",
            "`exclusiveMaximum: true` is removed; there is no `maximum` that it could exclude",
        ),
    ],
)
def test_bounds_up(old: str, new: str, note: str) -> None:
    before, after = (prop(f"logicalTypeOptions: {options}") for options in (old, new))
    result = upgraded(before, "v3.0.2", "v3.1.0")
    assert body_of(result) == after
    assert [message.split(": ", 1)[1] for message in messages(result)] == [note]
    assert changed_meaning(load_contract(HEADER.format(version="v3.0.2").encode() + before.encode()), result) == []


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (
            "{exclusiveMinimum: 0.10}",
            "{minimum: 0.10, exclusiveMinimum: true}",
            "`exclusiveMinimum` is a switch of `minimum`, was a bound",
        ),
        (
            "{maximum: 3, exclusiveMaximum: 3}",
            "{maximum: 3, exclusiveMaximum: true}",
            "`exclusiveMaximum` is a switch of `maximum`, was a bound; `maximum: 3` is removed, which it implies",
        ),
        (
            "{minimum: 4, exclusiveMinimum: 3}",
            "{minimum: 4}",
            "`exclusiveMinimum: 3` is removed; `minimum` implies it",
        ),
        (
            "{minimum: 2, exclusiveMinimum: 3}",
            "{minimum: 3, exclusiveMinimum: true}",
            "`exclusiveMinimum` is a switch of `minimum`, was a bound; `minimum: 2` is removed, which it implies",
        ),
    ],
)
def test_bounds_down(old: str, new: str, note: str) -> None:
    result = upgraded(prop(f"logicalTypeOptions: {old}"), "v3.1.0", "v3.0.2")
    assert body_of(result) == prop(f"logicalTypeOptions: {new}")
    assert [message.split(": ", 1)[1] for message in messages(result)] == [note]


def test_two_bounds_of_text_cannot_be_compared_so_one_is_kept_aside() -> None:
    options = 'logicalTypeOptions: {minimum: "2020-01-01", exclusiveMinimum: "2019-01-01"}'
    down = upgraded(prop(options, "date"), "v3.1.0", "v3.0.2")
    assert body_of(down) == prop(
        'logicalTypeOptions: {minimum: "2020-01-01"}\ncustomProperties:\n'
        '- property: lakepact.logicalTypeOptions.exclusiveMinimum\n  value: "2019-01-01"',
        "date",
    )
    data = load_contract(upgrade(down.source, to=ApiVersion.V3_1_0).source).document
    assert same_data(data, load_contract((HEADER.format(version="v3.1.0") + prop(options, "date")).encode()).document)


@pytest.mark.parametrize(
    ("pattern", "kind"), [("yyyy-MM-dd HH:mm", "timestamp"), ("HH:mm", "time"), ("yyyy-MM-dd", "date")]
)
def test_the_format_of_a_date_tells_what_it_is(pattern: str, kind: str) -> None:
    old, new = (prop(f'logicalTypeOptions: {{format: "{pattern}"}}', name) for name in ("date", kind))
    up = upgraded(old, "v3.0.2", "v3.1.0")
    assert body_of(up) == new
    assert body_of(upgrade(up.source, to=ApiVersion.V3_0_2)) == old


def test_a_date_by_its_physical_type_stays_one() -> None:
    old = prop('physicalType: DATE\nlogicalTypeOptions: {format: "yyyy-MM-dd HH:mm"}', "date")
    assert body_of(upgraded(old, "v3.0.2", "v3.1.0")) == old


def test_a_timestamp_without_a_format_is_kept_aside_and_comes_back() -> None:
    body = prop("logicalTypeOptions:\n  timezone: false\n  minimum: '2020-01-01'", "timestamp")
    down = check(
        body,
        "v3.1.0",
        prop(
            "logicalTypeOptions:\n  minimum: '2020-01-01'\ncustomProperties:\n- property: lakepact.logicalType\n"
            "  value: timestamp\n- property: lakepact.logicalTypeOptions.timezone\n  value: false",
            "date",
        ),
        "v3.0.2",
        "LP702:10: v3.0.2 does not know `logicalType: timestamp`; `date` is written instead; "
        "kept as the custom property `lakepact.logicalType`",
        "LP702:12: v3.0.2 has no place for `logicalTypeOptions.timezone`; "
        "kept as the custom property `lakepact.logicalTypeOptions.timezone`",
    )
    data = load_contract(upgrade(down.source, to=ApiVersion.V3_1_0).source).document
    assert same_data(data, load_contract((HEADER.format(version="v3.1.0") + body).encode()).document)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rule: nullCheck\nmustBe: 0", "metric: nullValues\nmustBe: 0"),
        ("rule: nullCheck", "metric: nullValues\nmustBe: 0"),
        ("type: library\nrule: duplicateCount\nmustBe: 3", "type: library\nmetric: duplicateValues\nmustBe: 3"),
        ("rule: unique", "metric: duplicateValues\nmustBe: 0"),
        ("rule: countCheck\nmustBeLessThan: 9", "metric: rowCount\nmustBeLessThan: 9"),
        ("rule: invalidValues\npattern: x\nmustBe: 0", "metric: invalidValues\narguments:\n  pattern: x\nmustBe: 0"),
        (
            "rule: validValues\nvalidValues: [a, b]  # two",
            "metric: invalidValues\nmustBe: 0\narguments:\n  validValues: [a, b]  # two",
        ),
        (
            "rule: rowCount\nmustBeGreaterOrEqualTo: 1.50\nmustBeLessOrEqualTo: 9",
            "metric: rowCount\nmustBeBetween:\n  - 1.50\n  - 9",
        ),
        (
            "rule: rowCount\nmustBeGreaterThan: 1\nmustBeLessThan: 9",
            "metric: rowCount\nmustBeGreaterThan: 1\n---\nmetric: rowCount\nmustBeLessThan: 9",
        ),
        ("type: sql\nquery: SELECT 1", "type: sql\nquery: SELECT 1\nmustBe: true"),
        (
            "type: sql\nquery: >-\n  SELECT ${column}\n  FROM ${object}  # both\nmustBe: 0",
            "type: sql\nquery: >-\n  SELECT {property}\n  FROM {object}  # both\nmustBe: 0",
        ),
        (
            "type: custom\nengine: soda\nimplementation: ${object}",
            "type: custom\nengine: soda\nimplementation: ${object}",
        ),
        (
            "rule: nullCheck\nmustBe: 0\nurgency: high",
            "metric: nullValues\nmustBe: 0\ncustomProperties:\n- property: urgency\n  value: high",
        ),
    ],
)
def test_quality_rules_up(old: str, new: str) -> None:
    result = upgraded(rule(old), "v3.0.2", "v3.1.0")
    first, *others = new.split("\n---\n")
    expected = rule(first.replace("\n- property", "\n- property"))
    for other in others:
        head, *rest = other.splitlines()
        expected += "".join(f"    {line}\n" for line in (f"- {head}", *(f"  {line}" for line in rest)))
    wanted = load_contract((HEADER.format(version="v3.1.0") + expected).encode())
    assert same_data(load_contract(result.source).document, wanted.document), result.source.decode()
    assert set(expected.splitlines()) - set(body_of(result).splitlines()) <= {"        - 1.50", "        - 9"} | {
        line for line in expected.splitlines() if "property" in line or "value" in line
    }
    assert errors_of(result.source) == []


def test_a_rule_that_says_only_a_range_becomes_options() -> None:
    limits = "customProperties:\n- {property: min, value: 1.50}\n- {property: max, value: 2}"
    check(
        rule(f"rule: between\n{limits}"),
        "v3.0.2",
        prop("logicalTypeOptions:\n  minimum: 1.50\n  maximum: 2"),
        "v3.1.0",
        "LP701:12: `minimum` and `maximum` of the type, was a rule",
    )


def test_a_range_rule_that_says_more_becomes_a_predicate_and_a_rule_again() -> None:
    body = rule("type: library\nrule: minCheck\nseverity: error\ncustomProperties:\n- {property: min, value: 7}")
    up = upgraded(body, "v3.0.2", "v3.1.0")
    (quality,) = load_contract(up.source).schema[0].properties[0].quality
    assert quality.engine == "lakepact"
    assert quality.implementation == "{property} IS NULL OR ({property} >= 7 AND NOT isnan({property}))"
    assert messages(up) == [
        "LP701:13: the rule `minCheck` has no metric in v3.1.0; written as a predicate for the engine lakepact"
    ]
    assert predicates(load_contract(up.source))[1:] == [
        "quarantine coalesce((`p` IS NULL OR (`p` >= 7 AND NOT isnan(`p`))), FALSE)"
    ]
    assert predicates(load_contract((HEADER.format(version="v3.0.2") + body).encode()))[1:] == [
        "quarantine `p` IS NULL OR (`p` >= 7.0D AND NOT isnan(`p`))"
    ]
    down = upgrade(up.source, to=ApiVersion.V3_0_2)
    assert body_of(down) == body


def test_a_rule_without_a_metric_becomes_text_and_comes_back() -> None:
    body = rule("type: library\nrule: freshness\nmustBeLessThan: 3")
    up = check(
        body,
        "v3.0.2",
        rule(
            "type: text\ncustomProperties:\n- property: lakepact.type\n  value: library\n"
            "- property: lakepact.rule\n  value: freshness\n"
            "- property: lakepact.mustBeLessThan\n  value: 3"
        ),
        "v3.1.0",
        "LP702:12: the rule `freshness` has no metric in v3.1.0; written as a rule of type text, "
        "its keys as custom properties",
    )
    data = load_contract(upgrade(up.source, to=ApiVersion.V3_0_2).source).document
    assert same_data(data, load_contract((HEADER.format(version="v3.0.2") + body).encode()).document)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("metric: nullValues\nmustBe: 0", "rule: nullCheck\nmustBe: 0"),
        ("metric: missingValues\narguments: {missingValues: [x]}\nmustBe: 0", None),
        ("metric: invalidValues\narguments:\n  validValues: [x]  # one\nmustBe: 0", None),
        ("type: sql\nquery: SELECT {property}\nmustBe: 0", "type: sql\nquery: SELECT ${property}\nmustBe: 0"),
    ],
)
def test_quality_rules_down_and_up_again(old: str, new: str | None) -> None:
    down = upgraded(rule(old), "v3.1.0", "v3.0.2")
    if new is not None:
        assert body_of(down) == rule(new)
    assert not down.losses
    again = load_contract(upgrade(down.source, to=ApiVersion.V3_1_0).source)
    assert same_data(again.document, load_contract((HEADER.format(version="v3.1.0") + rule(old)).encode()).document)


def test_variables_are_left_alone_and_listed() -> None:
    query = "type: sql\nquery: SELECT ${object}, ${LIMIT:-5}\nmustBe: 0"
    check(
        rule(query),
        "v3.2.0",
        rule(query),
        "v3.1.0",
        "LP702:13: v3.1.0 has no variables; `object`, `LIMIT` is plain text there",
    )
    assert messages(upgraded("name: ${NAME}\n", "v3.1.0", "v3.2.0")) == [
        "LP702:6: `NAME` is a variable from v3.2.0 on, was plain text"
    ]


V3_2 = """\
schema:
- name: o
  synonyms:
  - synonym: orders
  properties:
  - name: m
    logicalType: map
    map:
      key: {logicalType: string}
      value: {logicalType: integer}
  - name: total
    semanticType: measure
    logicalType: number
    transformLogic: sum(x)
  - name: e
    logicalType: string
    # allowed
    enum:
    - value: x  # the first
  - name: v
    logicalType: vector
    logicalTypeOptions:
      dimensions: 3
servers:
- server: s
  type: iceberg
  catalog: c
  catalogUrl: u
- server: t
  type: postgres
  host: h
  port: "5432"
  database: d
  schema: s
support:
- channel: c
context: Ask us.
"""


@pytest.mark.parametrize("to", ["v3.1.0", "v3.0.2", "v3.0.0"])
def test_what_came_with_later_versions_is_kept_aside_and_comes_back(to: str) -> None:
    down = upgraded(V3_2, "v3.2.0", to)
    assert errors_of(down.source) == []
    contract = load_contract(down.source)
    assert [column.name for column in contract.schema[0].properties] == ["m", "e", "v"]
    assert contract.schema[0].properties[0].logical_type == "object"
    assert contract.servers[0].type == "custom"
    assert b"# allowed" in down.source
    assert b"# the first" in down.source
    again = upgrade(down.source, to=ApiVersion.V3_2_0)
    wanted = load_contract((HEADER.format(version="v3.2.0") + V3_2.replace('"5432"', "5432")).encode())
    assert same_data(load_contract(again.source).document, wanted.document)


def test_a_status_that_is_required_is_written_and_listed() -> None:
    header = HEADER.replace("status: active\n", "")
    result = upgraded("name: x\n", "v3.2.0", "v3.1.0", header=header)
    assert result.source.decode() == header.format(version="v3.1.0") + "status: draft\nname: x\n"
    assert messages(result) == ["LP702:1: v3.1.0 requires `status`, which is not there; `draft` is written"]
    empty = upgraded("name: x\n", "v3.2.0", "v3.1.0", header=HEADER.replace("active", " # not yet"))
    assert b"\nstatus: draft  # not yet\n" in empty.source
    assert errors_of(empty.source) == []


def test_loose_values_are_mended() -> None:
    header = HEADER.replace("1.0.0", "1.10")
    result = upgraded("name:\ncustomProperties:\n- property: x\n", "v3.0.2", "v3.1.0", header=header)
    assert result.source.decode() == header.format(version="v3.1.0").replace("1.10", '"1.10"') + (
        "customProperties:\n- property: x\n  value: null\n"
    )
    assert messages(result) == [
        "LP701:4: `version` is text in quotes",
        "LP701:6: `name` without a value is removed",
        "LP701:8: `value: null` is written, which a custom property without a value means",
    ]


def test_deprecated_keys_are_kept_and_told() -> None:
    body = "dataProduct: p\nslaDefaultElement: o.p\n"
    check(
        body,
        "v3.0.2",
        body,
        "v3.1.0",
        "LP704:6: `dataProduct` is deprecated since v3.1.0; it is kept",
        "LP704:7: `slaDefaultElement` is deprecated since v3.1.0; it is kept",
    )
    assert messages(upgraded(body, "v3.1.0", "v3.2.0")) == []


def test_the_staging_folder_of_athena() -> None:
    old = "servers:\n- {server: s, type: athena, staging_dir: d, schema: x}\n"
    up = upgraded(old, "v3.0.1", "v3.0.2")
    assert body_of(up) == old.replace("staging_dir", "stagingDir")
    assert body_of(upgrade(up.source, to=ApiVersion.V3_0_1)) == old


def test_other_custom_properties_of_ours_are_left_where_they_are() -> None:
    body = prop("customProperties:\n- property: lakepact.action\n  value: drop\n- property: lakepact.team\n  value: x")
    check(body, "v3.1.0", body, "v3.2.0")


def test_what_stands_behind_an_alias_is_not_edited_and_said() -> None:
    body = (
        "schema:\n- name: o\n  properties:\n  - name: p\n    quality: &q\n    - {rule: nullCheck}\n"
        "  - name: r\n    quality: *q\n"
    )
    result = upgraded(body, "v3.0.2", "v3.1.0")
    assert body_of(result) == body
    assert not result.valid
    assert messages(result)[0] == (
        "LP702:11: not done, because `schema[0].properties[1].quality[0].rule`: comes from an alias or a merge key: "
        "the metric nullValues, was the rule nullCheck, which allows none"
    )
    assert [loss.severity for loss in result.losses if loss.code == "LP703"] == [Severity.ERROR] * 2
