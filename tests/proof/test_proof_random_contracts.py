"""Random contracts, policies and rows through the whole chain: every row ends where the judge says it does."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import Judgement, Oracle
from oracle_values import identity
from proof_execution import Observed, document, execute

pytestmark = pytest.mark.spark

# Each takes a second or two; `LAKEPACT_PROOF=1000` proves more of them.
few = settings(
    max_examples=int(os.environ.get("LAKEPACT_PROOF", "16")),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

_NUMBERS = [-2, -1, 0, 1, 2, 3, 5, 10]
_TEXTS = ["", "a", "b", "ab", "abc", "a\n", " a ", "1", "NULL", "é", "\U0001f600", "it's", "${x}"]
_DAYS = [dt.date(2023, 12, 31), dt.date(2024, 1, 1), dt.date(2024, 2, 29), dt.date(1900, 1, 1)]
_MOMENTS = [
    dt.datetime(2023, 12, 31, 23, 0, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC),
]
_ACTIONS = st.sampled_from(["warn", "drop", "quarantine"])


def _bounds(limits: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
    return st.dictionaries(names, st.sampled_from(limits), max_size=2)


def _maybe(**choices: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=choices)


def _merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda given: {name: value for part in given for name, value in part.items()})


def _declared(
    kind: str, given_options: st.SearchStrategy[dict[str, Any]], **more: Any
) -> st.SearchStrategy[dict[str, Any]]:
    base = given_options.map(lambda o: {"logicalType": kind, **more, **({"logicalTypeOptions": o} if o else {})})
    return base


def _enum(listed: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.lists(st.sampled_from(listed), min_size=1, max_size=4, unique=True)
    return _maybe(enum=values.map(lambda chosen: [{"value": value} for value in chosen]))


_LENGTHS = {"minLength": st.integers(0, 2), "maxLength": st.integers(1, 3)}
_PATTERNS = st.sampled_from(["a", "^a", "a$", "^[a-c]*$", r"\d", r"^.$", "^$|b", r"\$\{x\}", "'"])
_INTEGERS = _declared(
    "integer",
    _merged(
        _bounds([-1, 0, 1, 2, 1.5]),
        _maybe(multipleOf=st.sampled_from([1, 2, 3]), format=st.sampled_from(["i8", "i64", "u8"])),
    ),
)
_DOUBLES = _declared("number", _merged(_bounds([-1, 0, 0.5, 1]), _maybe(multipleOf=st.sampled_from([0.5, 1, 0.1]))))
_DECIMALS = _declared(
    "number", _merged(_bounds([-1, 0, 0.5]), _maybe(multipleOf=st.sampled_from([0.05, 2]))), physicalType="DECIMAL(4,2)"
)
_STRINGS = _declared(
    "string", _maybe(pattern=_PATTERNS, format=st.sampled_from(["email", "uuid", "ipv4", "byte"]), **_LENGTHS)
)
_DATES = _declared("date", _bounds(["2024-01-01", "2023-12-31", "1900-01-01"]))
_TIMES = _declared(
    "timestamp",
    _merged(
        _bounds(["2024-01-01T00:00:00", "2024-01-01T01:00:00+01:00", "2024-01-01"]),
        _maybe(defaultTimezone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"])),
    ),
)
_BOOLEANS = _declared("boolean", st.just({}))
_ENUMS = {
    "integer": _NUMBERS,
    "number": [0, 0.5, 1, -1],
    "string": _TEXTS,
    "date": ["2024-01-01", "2024-02-29"],
    "boolean": [True, False],
}
_SCALARS = st.one_of(_INTEGERS, _DOUBLES, _DECIMALS, _STRINGS, _DATES, _TIMES, _BOOLEANS)


@st.composite
def _thresholds(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"mustBe": 0}
    single = ["mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo"]
    name = draw(st.sampled_from([*single, "mustBe", "mustBeBetween", "mustNotBeBetween"]))
    if name.endswith("Between"):
        low = draw(st.integers(0, 3))
        return {name: [low, low + draw(st.integers(1, 60))]}
    return {name: draw(st.integers(0, 5))}


@st.composite
def _rules(draw: st.DrawFn, metrics: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    rules = []
    for metric in draw(st.lists(st.sampled_from(metrics), max_size=2)):
        rule = {**metric, **draw(_thresholds())}
        if metric["metric"] != "rowCount":
            rule |= draw(_maybe(unit=st.sampled_from(["rows", "percent"])))
        rules.append(rule | draw(_maybe(severity=st.sampled_from(["error", "warning", "info"]))) | draw(_asking()))
    return rules


@st.composite
def _asking(draw: st.DrawFn) -> dict[str, Any]:
    action = draw(st.none() | _ACTIONS) if draw(st.integers(0, 3)) == 0 else None
    return {"customProperties": [{"property": "lakepact.action", "value": action}]} if action else {}


@st.composite
def _property(draw: st.DrawFn, name: str) -> dict[str, Any]:
    declared = draw(_SCALARS)
    kind = declared["logicalType"]
    decimal = "physicalType" in declared
    if kind in _ENUMS and not decimal:
        declared |= draw(_enum(_ENUMS[kind]))
    flags = ("required", "unique", "primaryKey", "criticalDataElement")
    declared |= {flag: True for flag in flags if draw(st.integers(0, 4)) == 0}
    metrics: list[dict[str, Any]] = [{"metric": "nullValues"}, {"metric": "duplicateValues"}]
    if kind == "string":
        metrics += [
            {"metric": "missingValues", "arguments": {"missingValues": [None, "", "a"]}},
            {"metric": "invalidValues", "arguments": {"validValues": ["a", "b", "it's"]}},
            {"metric": "invalidValues", "arguments": {"pattern": "^a"}},
        ]
    if quality := draw(_rules(metrics)):
        declared["quality"] = quality
    return {"name": name, **declared, **draw(_asking())}


@st.composite
def _contracts(draw: st.DrawFn) -> dict[str, Any]:
    names = ["a", "b c", "select", "D"][: draw(st.integers(1, 4))]
    properties = [draw(_property(name)) for name in names]
    keyed = [each for each in properties if each.get("primaryKey")]
    for position, each in enumerate(reversed(keyed), 1):
        each["primaryKeyPosition"] = position
    metrics = [{"metric": "rowCount"}, {"metric": "duplicateValues", "arguments": {"properties": names[:2]}}]
    return document(*properties, quality=draw(_rules(metrics)), **draw(_asking()))


@st.composite
def _policies(draw: st.DrawFn) -> list[dict[str, str]]:
    conditions = [
        {"rule": "*.required"},
        {"rule": "*.type"},
        {"rule": "*.minimum"},
        {"rule": "*.unique"},
        {"property": "t.a"},
        {"severity": "error"},
        {"rule": "t.*"},
    ]
    chosen = draw(st.lists(st.sampled_from(conditions), max_size=2))
    return [{**condition, "action": draw(_ACTIONS)} for condition in chosen]


def _typed_values(declared: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    kind = declared["logicalType"]
    if "physicalType" in declared:
        return st.sampled_from([Decimal(text) for text in ("0", "-1", "0.5", "0.51", "99.99", "2")])
    small = declared.get("logicalTypeOptions", {}).get("format") == "i8"
    values: Mapping[str, Sequence[Any]] = {
        "integer": [*_NUMBERS, *([] if small else [300])],
        "number": [0.0, -0.0, 0.5, 0.51, 1.0, -1.0, 0.3, 1e300, float("nan"), float("inf"), float("-inf")],
        "string": _TEXTS,
        "date": _DAYS,
        "timestamp": _MOMENTS,
        "boolean": [True, False],
    }
    return st.sampled_from(values[kind])


def _texts(declared: Mapping[str, Any]) -> st.SearchStrategy[str]:
    wrong = ["", "x", "1.5", "99999999999999999999", "2024-02-30", "NaN", "1e400", "null"]
    written = _typed_values(declared).map(lambda value: str(value).replace("inf", "Infinity").replace("nan", "NaN"))
    return written | written | st.sampled_from(wrong)


@st.composite
def _cases(draw: st.DrawFn, *, text: bool) -> tuple[dict[str, Any], list[dict[str, str]], list[dict[str, Any]]]:
    contract = draw(_contracts())
    _, *properties = contract["schema"][0]["properties"]
    values = {each["name"]: _texts(each) if text else _typed_values(each) for each in properties}
    row = st.fixed_dictionaries({name: st.none() | value | value for name, value in values.items()})
    rows = draw(st.lists(row, min_size=4, max_size=12))
    numbers = [{"row": str(n) if text else n} for n in range(len(rows))]
    return contract, draw(_policies()), [each | number for each, number in zip(rows, numbers, strict=True)]


def _agree(judged: Judgement, observed: Observed, judge: Oracle) -> None:
    everything = {*judge.types, *judge.values, *judge.keys}
    assert {(rule.id, rule.action) for rule in everything} == {(r.id, r.action) for r in observed.rules.row_rules}
    assert {(rule.id, rule.action) for rule in judge.checks} == {(r.id, r.action) for r in observed.rules.dataset_rules}
    assert sorted(observed.published) == judged.published
    assert observed.quarantined == {n: judged.held_for[n] for n in judged.quarantined}
    assert set(observed.published).isdisjoint(observed.quarantined)
    assert len(observed.published) + len(observed.quarantined) + len(judged.dropped) == len(judged.typed)
    values = {rule.id for rule in judge.values}
    for n in judged.published:
        assert observed.warned[n] & values == judged.broken[n] & values
    for n, row in (observed.published | observed.held).items():
        for name, value in judged.typed[n].items():
            assert _comparable(row[name]) == _comparable(value), f"{name} of row {n}"
    assert {id_: count for id_, count in observed.counts.items() if id_ in judged.counts} == judged.counts
    assert observed.checks == {
        id_: (pytest.approx(value, rel=1e-12), passed) for id_, (value, passed) in judged.checks.items()
    }


def _comparable(value: Any) -> object:
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else identity(value)


@given(case=_cases(text=True))
@few
def test_rows_of_text(spark: Any, case: tuple[Any, Any, Any]) -> None:
    contract, policy, rows = case
    judge = Oracle(contract, name="t", policy=policy)
    _agree(judge.judge(rows, text=True), execute(spark, contract, rows, text=True, policy=policy), judge)


@given(case=_cases(text=False))
@few
def test_rows_with_types(spark: Any, case: tuple[Any, Any, Any]) -> None:
    contract, policy, rows = case
    judge = Oracle(contract, name="t", policy=policy)
    _agree(judge.judge(rows), execute(spark, contract, rows, policy=policy), judge)
