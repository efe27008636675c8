"""`quality`: metrics with every threshold, queries and what may run, predicates of engines, texts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.rules import compile_rules
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import Action, Aggregate, DatasetRule, DuplicateRows, Enforcement, Query, RowRule, RuleSet
from lakepact.rules.queries import author_predicate, author_query


def compiled(
    *rules: dict[str, Any], on: str = "property", version: str = "v3.1.0", extra: dict[str, Any] | None = None
) -> RuleSet:
    prop: dict[str, Any] = {"name": "c", "logicalType": "integer"} | (extra or {})
    schema_object: dict[str, Any] = {"name": "t", "properties": [prop, {"name": "d", "logicalType": "string"}]}
    (prop if on == "property" else schema_object)["quality"] = list(rules)
    document = {"apiVersion": version, "kind": "DataContract", "id": "q", "version": "1.0.0", "status": "active"}
    return compile_rules(load_contract(json.dumps(document | {"schema": [schema_object]}).encode()))


def only(rules: RuleSet) -> RowRule | DatasetRule:
    (found,) = [rule for rule in rules.all_rules() if ".quality." in rule.id]
    return found


def dataset(rules: RuleSet) -> DatasetRule:
    rule = only(rules)
    assert isinstance(rule, DatasetRule)
    return rule


def reason(rules: RuleSet) -> str:
    (found,) = [c for c in rules.coverage.clauses if ".quality[" in c.path]
    assert found.enforcement is Enforcement.NOT_ENFORCEABLE
    return found.reason


def percent(question: str) -> Aggregate:
    return Aggregate(f"coalesce(100.0D * count_if(NOT ({question})) / nullif(count(1), 0), 0.0D)")


@pytest.mark.parametrize(
    ("threshold", "condition", "shown"),
    [
        ({"mustBe": 5}, "value = 5", "mustBe 5 rows"),
        ({"mustNotBe": 5}, "value <> 5", "mustNotBe 5 rows"),
        ({"mustBeGreaterThan": 5}, "value > 5", "mustBeGreaterThan 5 rows"),
        ({"mustBeGreaterOrEqualTo": 5}, "value >= 5", "mustBeGreaterOrEqualTo 5 rows"),
        ({"mustBeLessThan": 5.5}, "value < 5.5D", "mustBeLessThan 5.5 rows"),
        ({"mustBeLessOrEqualTo": 5}, "value <= 5", "mustBeLessOrEqualTo 5 rows"),
        ({"mustBeBetween": [1, 5]}, "value BETWEEN 1 AND 5", "mustBeBetween 1 and 5 rows"),
        ({"mustNotBeBetween": [1, 5]}, "NOT (value BETWEEN 1 AND 5)", "mustNotBeBetween 1 and 5 rows"),
    ],
)
def test_thresholds(threshold: dict[str, Any], condition: str, shown: str) -> None:
    rule = dataset(compiled({"metric": "nullValues"} | threshold))
    assert rule.measure == Aggregate("count_if(NOT (`c` IS NOT NULL))")
    assert (rule.condition, rule.threshold) == (condition, shown)


def test_several_operators_all_hold() -> None:
    given = {"rule": "rowCount", "mustBeGreaterThan": 1, "mustBeLessThan": 9}
    rule = dataset(compiled(given, on="object", version="v3.0.2"))
    assert rule.measure == Aggregate("count(1)")
    assert rule.condition == "(value > 1) AND (value < 9)"


def test_zero_rows_is_a_row_rule_and_zero_percent_is_not() -> None:
    rule = only(compiled({"metric": "nullValues", "mustBe": 0}))
    assert isinstance(rule, RowRule)
    assert (rule.predicate, rule.columns) == ("`c` IS NOT NULL", ("c",))
    rule = dataset(compiled({"metric": "nullValues", "mustBe": 0, "unit": "percent"}))
    assert rule.measure == percent("`c` IS NOT NULL")
    assert rule.condition == "value = 0"


@pytest.mark.parametrize(
    ("rule", "measure"),
    [
        ({"metric": "duplicateValues", "mustBe": 0}, DuplicateRows(("`c`",))),
        ({"metric": "duplicateValues", "mustBe": 0, "unit": "percent"}, DuplicateRows(("`c`",), percent=True)),
        (
            {"metric": "missingValues", "mustBeLessThan": 2, "arguments": {"missingValues": [None, 0]}},
            Aggregate("count_if(NOT ((`c` IS NULL OR NOT (`c` IN (0))) AND (`c` IS NOT NULL)))"),
        ),
        (
            {"metric": "invalidValues", "mustBeLessThan": 2, "arguments": {"validValues": [1, None, 2]}},
            Aggregate("count_if(NOT (`c` IS NULL OR `c` IN (1, 2)))"),
        ),
    ],
)
def test_measures(rule: dict[str, Any], measure: object) -> None:
    assert dataset(compiled(rule)).measure == measure


def test_duplicates_over_several_properties() -> None:
    given = {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["c", "d"]}}
    assert dataset(compiled(given, on="object")).measure == DuplicateRows(("`c`", "`d`"))


@pytest.mark.parametrize(
    ("rule", "on", "version", "said"),
    [
        ({"type": "text", "description": "be good"}, "property", "v3.1.0", "a text for people, no engine can check it"),
        (
            {"type": "custom", "engine": "montecarlo", "implementation": "x"},
            "property",
            "v3.1.0",
            "engine 'montecarlo' runs it, lakepact does not",
        ),
        (
            {"type": "custom", "engine": "soda", "implementation": ""},
            "property",
            "v3.1.0",
            "engine 'soda': the rule has no implementation",
        ),
        ({"rule": "countCheck"}, "object", "v3.0.2", "the rule measures rowCount and compares it with nothing"),
        ({"rule": "sparkle", "mustBe": 0}, "property", "v3.0.2", "the library has no metric 'sparkle'"),
        ({"metric": "invalidValues", "mustBe": 0}, "property", "v3.1.0", "invalidValues needs arguments.validValues"),
        ({"metric": "nullValues", "mustBe": 0}, "object", "v3.1.0", "nullValues measures a property"),
        ({"metric": "rowCount", "mustBe": 1, "unit": "percent"}, "object", "v3.1.0", "rowCount in percent"),
        ({"type": "sql", "query": "DROP TABLE x", "mustBe": 0}, "object", "v3.1.0", "only a SELECT is run"),
        ({"type": "sql", "query": "SELECT {property}", "mustBe": 0}, "object", "v3.1.0", "{property} stands in a rule"),
    ],
)
def test_what_cannot_be_enforced_says_why(rule: dict[str, Any], on: str, version: str, said: str) -> None:
    assert reason(compiled(rule, on=on, version=version)).startswith(said)


@pytest.mark.parametrize(("name", "predicate"), [("nullCheck", "`c` IS NOT NULL"), ("unique", "")])
def test_old_rule_names_allow_none(name: str, predicate: str) -> None:
    rule = only(compiled({"rule": name}, version="v3.0.2"))
    if isinstance(rule, RowRule):
        assert rule.predicate == predicate
    else:
        assert (rule.measure, rule.condition) == (DuplicateRows(("`c`",)), "value = 0")


def test_old_range_rules_take_their_limits_from_custom_properties() -> None:
    limits = [{"property": "min", "value": 0}, {"property": "max", "value": 500}]
    rule = only(compiled({"rule": "between", "customProperties": limits}, version="v3.0.2"))
    assert isinstance(rule, RowRule)
    assert rule.predicate == "`c` IS NULL OR (`c` >= 0 AND `c` <= 500)"


def test_ids_come_from_id_name_or_metric_and_never_collide() -> None:
    given = {"metric": "nullValues", "mustBe": 0}
    rules = compiled(given | {"id": "x1"}, given | {"name": "No holes!"}, given, given)
    assert [r.name for r in rules.all_rules() if "quality" in r.id] == [
        "c.quality.x1",
        "c.quality.No_holes",
        "c.quality.nullValues",
        "c.quality.nullValues_2",
    ]


@pytest.mark.parametrize(
    ("severity", "critical", "row_action", "dataset_action"),
    [
        ("error", False, (Action.QUARANTINE, "severity"), (Action.FAIL, "severity")),
        ("warning", False, (Action.WARN, "severity"), (Action.WARN, "severity")),
        ("warning", True, (Action.QUARANTINE, "criticalDataElement"), (Action.WARN, "severity")),
        (None, False, (Action.WARN, "default"), (Action.WARN, "default")),
    ],
)
def test_actions_by_severity(severity: str | None, critical: bool, row_action: object, dataset_action: object) -> None:
    base = {"metric": "nullValues"} | ({"severity": severity} if severity else {})
    extra = {"criticalDataElement": critical}
    row, whole = only(compiled(base | {"mustBe": 0}, extra=extra)), only(compiled(base | {"mustBe": 1}, extra=extra))
    assert (row.action, row.action_from) == row_action
    assert (whole.action, whole.action_from) == dataset_action


@pytest.mark.parametrize(
    ("threshold", "condition"),
    [
        ({"mustBeLessThan": 5}, "coalesce(try_cast(value AS DOUBLE) < 5, FALSE)"),
        ({"mustBe": True}, "coalesce(try_cast(value AS BOOLEAN) = TRUE, FALSE)"),
        ({"mustBe": "ok"}, "coalesce(CAST(value AS STRING) = 'ok', FALSE)"),
    ],
)
def test_conditions_on_queries(threshold: dict[str, Any], condition: str) -> None:
    rule = dataset(compiled({"type": "sql", "query": "SELECT max({column}) FROM {table}"} | threshold))
    assert rule.measure == Query("SELECT max(`c`) FROM {object:t}")
    assert rule.condition == condition


def test_a_query_without_operator_answers_true() -> None:
    rule = dataset(compiled({"type": "sql", "query": "SELECT true FROM ${object}"}, version="v3.0.2"))
    assert (rule.condition, rule.threshold) == ("coalesce(try_cast(value AS BOOLEAN), FALSE)", "TRUE")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("SELECT count(*) FROM ${table} WHERE ${column} < 0;", "SELECT count(*) FROM {object:t} WHERE `c` < 0"),
        ("-- a comment; DROP\nSELECT 1 /* x */ ;  ", "SELECT 1"),
        ("with a as (select 1) select * from a", "with a as (select 1) select * from a"),
        ("SELECT ';' || \"--\" FROM {model}", "SELECT ';' || \"--\" FROM {object:t}"),
        ("SELECT `update` FROM {object}", "SELECT `update` FROM {object:t}"),
        ("SELECT {'a'}", "SELECT {'a'}"),
    ],
)
def test_queries_that_may_run(text: str, read: str) -> None:
    assert author_query(text, "t", "`c`") == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("INSERT INTO t VALUES (1)", "begins with INSERT"),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "the query holds INSERT"),
        ("SELECT 1; DROP TABLE t", "only one statement is run"),
        ("SELECT java_method('java.lang.System', 'exit', 0)", "calls java_method, which runs code"),
        ("SELECT 'a", "a quote is not closed"),
        ("SELECT (1", "the parentheses do not match"),
        ("SELECT 1) UNION (SELECT 2", "the parentheses do not match"),
        ("SELECT ${VAR}", r"the variable \$\{VAR\} is not resolved"),
        ("", "begins with nothing"),
        ("/* SELECT */", "begins with nothing"),
    ],
)
def test_queries_that_may_not_run(text: str, said: str) -> None:
    with pytest.raises(Inexpressible, match=said):
        author_query(text, "t", "`c`")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the expression is empty"),
        ("c IN (SELECT 1)", "holds SELECT"),
        ("sum(c) OVER () > 1", "holds OVER"),
        ("a; b", "only one statement"),
        ("a) OR (b", "parentheses do not match"),
        ("{table}.c > 1", "has no meaning in an expression on one row"),
    ],
)
def test_predicates_that_may_not_run(text: str, said: str) -> None:
    with pytest.raises(Inexpressible, match=said):
        author_predicate(text, "`c`")


def test_a_predicate_of_an_engine_is_two_valued() -> None:
    given = {"type": "custom", "engine": "lakeflow-expectations", "implementation": {"expression": "${column} > 0"}}
    rule = only(compiled(given))
    assert isinstance(rule, RowRule)
    assert rule.predicate == "coalesce((`c` > 0), FALSE)"


@pytest.mark.spark
def test_measures_on_spark(spark: Any) -> None:
    half = dataset(compiled({"metric": "nullValues", "mustBeLessThan": 1, "unit": "percent"}))
    assert isinstance(half.measure, Aggregate)
    query = f"SELECT {half.measure.expression} AS v FROM VALUES (1), (NULL), (3), (4) AS t(c)"
    assert spark.sql(query).first().v == 25.0
    assert spark.sql(query + " WHERE c > 9").first().v == 0.0
    condition = dataset(compiled({"type": "sql", "query": "SELECT 1", "mustBe": 1})).condition
    values = ("1", "'1'", "'x'", "NULL", "TRUE", "2L", "1.0BD")
    found = [spark.sql(f"SELECT {condition} AS v FROM (SELECT {value} AS value)").first().v for value in values]
    assert found == [True, True, False, False, True, False, True]


@pytest.mark.parametrize(
    ("written", "engine"),
    [
        *((word, "soda") for word in ("soda", "sodaCore", "soda_core")),
        *((word, "gx") for word in ("greatExpectations", "great_expectations", "gx", "Great-Expectations")),
        *((word, "custom") for word in ("custom", "python", "lakepact-python")),
    ],
)
def test_rules_of_quality_engines_are_kept_for_them(written: str, engine: str) -> None:
    given = {"type": "custom", "engine": written, "implementation": {"check": "x"}, "name": "n", "severity": "error"}
    rules = compiled(given, extra={"physicalName": "C_1"})
    (rule,) = rules.engine_rules()
    assert (rule.id, rule.name, rule.engine, rule.implementation, rule.columns) == (
        "t.c.quality.n",
        "c.quality.n",
        engine,
        {"check": "x"},
        ("C_1",),
    )
    assert (rule.action, rule.action_from, rule.severity) == (Action.FAIL, "severity", "error")
    (clause,) = [each for each in rules.coverage.clauses if ".quality[" in each.path]
    assert (clause.enforcement, clause.rules) == (Enforcement.ENGINE, ("t.c.quality.n",))
    assert clause.reason == f"{engine} runs it where data is checked; a pipeline does not"
    assert [rule for rule in rules.all_rules() if ".quality." in rule.id] == []


def test_a_rule_of_an_engine_sets_the_data_aside_but_drops_no_rows() -> None:
    def asked(action: str) -> dict[str, Any]:
        given = {"type": "custom", "engine": "soda", "implementation": "x"}
        return given | {"customProperties": [{"property": "lakepact.action", "value": action}]}

    rules = compiled(asked("quarantine"), asked("drop"), on="object")
    assert [(rule.id, rule.action) for rule in rules.engine_rules()] == [
        ("t.quality.soda", Action.QUARANTINE),
        ("t.quality.soda_2", Action.WARN),
    ]
    assert [problem.message for problem in rules.problems] == [
        "rule 't.quality.soda_2': customProperties asks for drop, which a rule of a quality engine cannot do"
    ]
