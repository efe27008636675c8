"""Every kind of rule, on NULL, NaN, empty, boundary and neighbouring values: the table, the judge and Spark agree."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import oracle_values
import pytest
from oracle import Oracle
from proof_execution import Observed, document, execute

from lakepact.contract import load_contract
from lakepact.rules import compile_rules

NAN, INFINITY = float("nan"), float("inf")
UTC = dt.UTC
WARN = [{"rule": "*", "action": "warn"}]


@dataclass(frozen=True)
class Case:
    """A property, a rule on it, and values of which is known whether the rule holds."""

    name: str
    rule: str
    declared: Mapping[str, Any]
    holds: tuple[Any, ...] = ()
    breaks: tuple[Any, ...] = ()

    @property
    def described(self) -> dict[str, Any]:
        return {"name": self.name, **self.declared}

    @property
    def id(self) -> str:
        return f"t.{self.name}{'' if self.rule[0] in '[{.' else '.'}{self.rule}"

    def own(self, ids: set[str]) -> set[str]:
        """Those of `ids` that are rules on the property."""
        return {id_ for id_ in ids if id_.startswith(tuple(f"t.{self.name}{after}" for after in ".[{"))}

    @property
    def values(self) -> tuple[Any, ...]:
        return (*self.holds, *self.breaks)


def typed(kind: str, **given: Any) -> dict[str, Any]:
    return {"logicalType": kind, "logicalTypeOptions": given}


def of(kind: str, metric: str, **given: Any) -> dict[str, Any]:
    return {"logicalType": kind, "quality": [{"metric": metric, "mustBe": 0, "arguments": given}]}


def enumerated(kind: str, *values: Any) -> dict[str, Any]:
    return {"logicalType": kind, "enum": [{"value": value} for value in values]}


def decimal(**given: Any) -> dict[str, Any]:
    return typed("number", **given) | {"physicalType": "DECIMAL(6,2)"}


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


BIG = 2**53 + 1
DAY = dt.date(2024, 2, 29)
COMBINED = "e\u0301"
POINT = {
    "logicalType": "object",
    "properties": [
        {"name": "x", "logicalType": "integer", "required": True, "logicalTypeOptions": {"minimum": 0}},
        {"name": "y", "logicalType": "string"},
    ],
}


def point(x: int | None, y: str | None = None) -> dict[str, Any]:
    return {"x": x, "y": y}


NUMBERS = (
    Case("i_min", "minimum", typed("integer", minimum=1), (None, 1, 2, 2**63 - 1), (0, -1, -(2**63))),
    Case("i_max", "maximum", typed("integer", maximum=1), (None, 1, 0, -(2**63)), (2, 2**63 - 1)),
    Case("i_emin", "exclusiveMinimum", typed("integer", exclusiveMinimum=1), (None, 2), (1, 0)),
    Case("i_emax", "exclusiveMaximum", typed("integer", exclusiveMaximum=1), (None, 0), (1, 2)),
    Case("i_half", "minimum", typed("integer", minimum=1.5), (None, 2), (1,)),
    Case("i_big", "minimum", typed("integer", minimum=BIG), (BIG, BIG + 1), (BIG - 1,)),
    Case("i_huge", "maximum", typed("integer", maximum=10**30), (None, 2**63 - 1), ()),
    Case("i_mul", "multipleOf", typed("integer", multipleOf=5), (None, 0, 5, -10), (1, -4, 2**63 - 1)),
    Case("i_u8", "format", typed("integer", format="u8"), (None, 0, 255), (-1, 256)),
    Case("n_min", "minimum", typed("number", minimum=0.1), (None, 0.1, 1e308, INFINITY), (0.09, -INFINITY, NAN)),
    Case("n_max", "maximum", typed("number", maximum=0.1), (None, 0.1, -0.0, -INFINITY), (0.11, INFINITY, NAN)),
    Case("n_emin", "exclusiveMinimum", typed("number", exclusiveMinimum=0), (None, 5e-324), (0.0, -0.0, -1.0, NAN)),
    Case("n_emax", "exclusiveMaximum", typed("number", exclusiveMaximum=0), (None, -5e-324), (0.0, -0.0, 1.0, NAN)),
    Case("n_mul", "multipleOf", typed("number", multipleOf=0.1), (None, 0.3, 0.0, -0.7, 5.0), (0.35, NAN, INFINITY)),
    Case("n_cent", "multipleOf", typed("number", multipleOf=0.01), (4.35, 1234567.89, 0.07), (100.005, 1e-6, 4.351)),
    Case("n_int", "multipleOf", typed("number", multipleOf=3), (None, 3.0, -6.0, 3e15), (1.0, 2.999999, 1e15)),
    Case("f_max", "maximum", typed("number", format="f32", maximum=0.1), (None, oracle_values.single(0.1)), (0.2, NAN)),
    Case("d_min", "minimum", decimal(minimum=0.1), (None, Decimal("0.10"), Decimal("0.11")), (Decimal("0.09"),)),
    Case("d_max", "exclusiveMaximum", decimal(exclusiveMaximum=9.995), (Decimal("9.99"),), (Decimal("10.00"),)),
    Case("d_mul", "multipleOf", decimal(multipleOf=0.05), (None, Decimal("0.15"), Decimal(0)), (Decimal("0.16"),)),
)
MOMENTS = (
    Case("date_far", "maximum", typed("date", maximum="9999-12-31"), (None, dt.date.max, dt.date.min), ()),
    Case(
        "ts_day",
        "minimum",
        typed("timestamp", minimum="2024-01-01", defaultTimezone="America/New_York"),
        (None, moment("2024-01-01T05:00:00+00:00")),
        (moment("2024-01-01T04:59:59+00:00"),),
    ),
    Case("date_min", "minimum", typed("date", minimum="2024-02-29"), (None, DAY), (DAY - dt.timedelta(1),)),
    Case("date_max", "exclusiveMaximum", typed("date", exclusiveMaximum="2024-03-01"), (DAY,), (dt.date(2024, 3, 1),)),
    Case(
        "ts_offset",
        "minimum",
        typed("timestamp", minimum="2024-01-01T00:00:00+02:00"),
        (None, moment("2023-12-31T22:00:00+00:00"), moment("2024-01-01T00:00:00+02:00")),
        (moment("2023-12-31T21:59:59.999999+00:00"),),
    ),
    Case(
        "ts_zone",
        "maximum",
        typed("timestamp", maximum="2024-07-01T00:00:00", defaultTimezone="Europe/Berlin"),
        (None, moment("2024-06-30T22:00:00+00:00")),
        (moment("2024-06-30T22:00:00.000001+00:00"), moment("2024-07-01T00:00:00+00:00")),
    ),
    Case(
        "ts_utc",
        "exclusiveMinimum",
        typed("timestamp", exclusiveMinimum="2024-01-01T00:00:00"),
        (moment("2024-01-01T00:00:00.000001+00:00"),),
        (moment("2024-01-01T00:00:00+00:00"),),
    ),
    Case(
        "ts_ntz",
        "minimum",
        typed("timestamp", timezone=False, minimum="2024-03-31T02:30:00"),
        (None, moment("2024-03-31T02:30:00")),
        (moment("2024-03-31T02:29:59"),),
    ),
    Case("time", "time", typed("time"), (None, "00:00:00", "23:59:59.5"), ("24:00:00", "", "12:60:00", "noon")),
    Case("time_min", "minimum", typed("time", minimum="08:00:00"), (None, "08:00:00", "08:00:00.1"), ("07:59:59",)),
)
TEXTS = (
    Case("s_required", "required", {"logicalType": "string", "required": True}, ("", "a"), (None,)),
    Case("n_required", "required", {"logicalType": "number", "required": True}, (0.0, NAN), (None,)),
    Case("s_min", "minLength", typed("string", minLength=2), (None, "ab", COMBINED, "a\n"), ("", "a", "\U0001f600")),
    Case("s_max", "maxLength", typed("string", maxLength=1), (None, "", "\U0001f600", "ß"), ("ab", COMBINED)),
    Case("p_end", "pattern", typed("string", pattern="a$"), (None, "a", "ba", "b\na"), ("", "a\n", "ab", "a\nb")),
    Case("p_both", "pattern", typed("string", pattern=r"^\d{2}$"), (None, "12"), ("123", "12\n", "\u0661\u0662", "")),
    Case("p_search", "pattern", typed("string", pattern="b+"), (None, "b", "abbc"), ("", "B")),
    Case("p_dollar", "pattern", typed("string", pattern=r"\$\{x}'"), (None, "a ${x}'"), ("x", "${x}")),
    Case("p_slash", "pattern", typed("string", pattern=r"\\d"), (None, "a\\d"), ("1", "d")),
    Case("p_dot", "pattern", typed("string", pattern="^.$"), (None, "a", "\U0001f600"), ("", "ab", "\n")),
    Case("p_or", "pattern", typed("string", pattern="^a|b$"), (None, "ax", "xb"), ("xa", "b\n", "")),
    Case("p_set", "pattern", typed("string", pattern="^[$a]$"), (None, "$", "a"), ("", "b", "a\n")),
    Case("e_text", "enum", enumerated("string", "a", "it's", None), (None, "a", "it's"), ("", "A", "b")),
    Case("e_int", "enum", enumerated("integer", 1, 2), (None, 1), (0, 3)),
    Case("e_number", "enum", enumerated("number", 0.1, 2), (None, 0.1, 2.0), (NAN, 0.2)),
    Case("e_date", "enum", enumerated("date", "2024-02-29"), (None, DAY), (dt.date(2024, 3, 1),)),
    Case("e_bool", "enum", enumerated("boolean", True), (None, True), (False,)),
    Case("q_null", "quality.nullValues", of("string", "nullValues"), ("", "a"), (None,)),
    Case(
        "q_miss",
        "quality.missingValues",
        of("string", "missingValues", missingValues=[None, "", "N/A"]),
        ("a", " ", "n/a"),
        (None, "", "N/A"),
    ),
    Case("q_miss0", "quality.missingValues", of("string", "missingValues", missingValues=["x"]), (None, ""), ("x",)),
    Case("q_miss_i", "quality.missingValues", of("integer", "missingValues", missingValues=[-1]), (None, 0), (-1,)),
    Case(
        "q_valid",
        "quality.invalidValues",
        of("string", "invalidValues", validValues=["a", None]),
        (None, "a"),
        ("", "b"),
    ),
    Case("q_valid_n", "quality.invalidValues", of("number", "invalidValues", validValues=[1]), (None, 1.0), (NAN, 1.5)),
    Case("q_pattern", "quality.invalidValues", of("string", "invalidValues", pattern="^a"), (None, "ab"), ("", "ba")),
)
FORMATS = (
    Case(
        "f_mail", "format", typed("string", format="email"), (None, "a.b+c@d.example"), ("", "a", "a@", "@b.c", "a b@c")
    ),
    Case(
        "f_uuid",
        "format",
        typed("string", format="uuid"),
        (None, "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"),
        ("", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"),
    ),
    Case("f_uri", "format", typed("string", format="uri"), (None, "https://a.b/c?d=e#f", "urn:a:b"), ("", "a b", "/c")),
    Case(
        "f_host",
        "format",
        typed("string", format="hostname"),
        (None, "a", "a-b.example", "a" * 63),
        ("", "-a", "a-", "a..b", "a_b", "a" * 64),
    ),
    Case(
        "f_v4",
        "format",
        typed("string", format="ipv4"),
        (None, "0.0.0.0", "255.255.255.255"),
        ("", "256.0.0.1", "1.2.3", "1.2.3.4\n", "1.2.3.4.5"),
    ),
    Case(
        "f_v6",
        "format",
        typed("string", format="ipv6"),
        (None, "::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"),
        ("", ":::", "1:2:3:4:5:6:7", "1::2::3", "12345::", "g::"),
    ),
    Case("f_byte", "format", typed("string", format="byte"), (None, "", "YQ==", "YWI="), ("Y", "a b=", "YQ=", "*")),
    Case("f_pass", "minLength", typed("string", format="password", minLength=1), (None, "x"), ("",)),
)
NESTED = (
    Case("o_required", ".x.required", POINT, (None, point(1)), (point(None), point(None, "a"))),
    Case("o_minimum", ".x.minimum", POINT, (None, point(None), point(0)), (point(-1),)),
    Case("o_min", "minProperties", POINT | typed("object", minProperties=2), (None, point(1, "")), (point(1),)),
    Case("o_max", "maxProperties", POINT | typed("object", maxProperties=1), (None, point(1)), (point(1, ""),)),
    Case("o_need", "required", POINT | typed("object", required=["y"]), (None, point(1, "")), (point(1),)),
    Case("a_min", "minItems", typed("array", minItems=1) | {"items": typed("integer")}, (None, [None]), ([],)),
    Case("a_max", "maxItems", typed("array", maxItems=1) | {"items": typed("integer")}, (None, [], [1]), ([1, None],)),
    Case(
        "a_unique",
        "uniqueItems",
        typed("array", uniqueItems=True) | {"items": typed("integer")},
        (None, [], [1, 2, None]),
        ([1, 1], [None, None], [None, 1, None]),
    ),
    Case(
        "a_items",
        "[].minimum",
        {"logicalType": "array", "items": typed("integer", minimum=0)},
        (None, [], [0, None]),
        ([-1], [None, -1], [1, -1]),
    ),
    Case(
        "a_required",
        "[].required",
        {"logicalType": "array", "items": {"logicalType": "string", "required": True}},
        (None, [], [""]),
        ([None], ["a", None]),
    ),
    Case(
        "a_points",
        "[].x.required",
        {"logicalType": "array", "items": POINT},
        (None, [], [None], [point(1)]),
        ([point(None)], [point(1), None, point(None)]),
    ),
    Case(
        "a_points_min",
        "[].x.minimum",
        {"logicalType": "array", "items": POINT},
        (None, [], [None, point(None), point(0)]),
        ([point(0), point(-1)],),
    ),
    Case(
        "a_deep",
        "[][].maximum",
        {"logicalType": "array", "items": {"logicalType": "array", "items": typed("number", maximum=1)}},
        (None, [], [None], [[]], [[None, 1.0]]),
        ([[2.0]], [[], None, [0.0, NAN]]),
    ),
    Case(
        "a_enum",
        "[].enum",
        {"logicalType": "array", "items": enumerated("string", "a", "b")},
        (None, [], [None, "a"]),
        (["c"], ["a", None, ""]),
    ),
    Case(
        "m_points",
        "{value}.x.required",
        {"logicalType": "map", "map": {"key": {"logicalType": "string"}, "value": POINT}},
        (None, {}, {"a": None}, {"a": point(1)}),
        ({"a": point(None)}, {"a": point(1), "b": point(None)}),
    ),
    Case(
        "m_key",
        "{key}.minLength",
        {"logicalType": "map", "map": {"key": typed("string", minLength=2), "value": typed("integer", minimum=0)}},
        (None, {}, {"ab": -1}),
        ({"a": 1}, {"ab": 1, "": None}),
    ),
    Case(
        "m_value",
        "{value}.minimum",
        {"logicalType": "map", "map": {"key": typed("string", minLength=2), "value": typed("integer", minimum=0)}},
        (None, {}, {"a": None}, {"a": 0}),
        ({"a": -1}, {"a": None, "b": -1}),
    ),
)
CASES = (*NUMBERS, *MOMENTS, *TEXTS, *FORMATS, *NESTED)


def table(cases: tuple[Case, ...]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One contract for all cases, and rows that hold the n-th value of every case."""
    height = max(len(case.values) for case in cases)
    rows = [
        {case.name: case.values[n] if n < len(case.values) else None for case in cases} | {"row": n}
        for n in range(height)
    ]
    return document(*(case.described for case in cases)), rows


@pytest.fixture(scope="module")
def observed(spark: Any) -> Observed:
    contract, rows = table(CASES)
    return execute(spark, contract, rows, policy=WARN)


@pytest.fixture(scope="module")
def judged() -> list[set[str]]:
    contract, rows = table(CASES)
    return Oracle(contract, name="t").judge(rows).broken


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_judge_agrees_with_the_table(case: Case) -> None:
    contract, rows = table((case,))
    broken = Oracle(contract, name="t").judge(rows).broken
    assert [case.id in each for each in broken] == [False] * len(case.holds) + [True] * len(case.breaks)


@pytest.mark.spark
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_spark_agrees_with_the_judge(observed: Observed, judged: list[set[str]], case: Case) -> None:
    for n, value in enumerate(case.values):
        assert case.own(observed.warned[n]) == case.own(judged[n]), f"on {value!r}"


def test_both_know_the_same_rules_and_actions() -> None:
    contract, _ = table(CASES)
    judge = Oracle(contract, name="t")
    rules = compile_rules(load_contract(json.dumps(contract).encode(), file="proof.odcs.yaml"))
    assert {(rule.id, rule.action) for rule in rules.objects[0].row_rules} == {
        (rule.id, rule.action) for rule in (*judge.types, *judge.values)
    }
