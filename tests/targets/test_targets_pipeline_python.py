"""Python sources: golden files, only calls that are safe in a pipeline, and text that evaluates to what was meant."""

from __future__ import annotations

import ast

import pytest
from golden_files import assert_golden

import plan_samples as samples
from lakepact.plan.calls import decorators, steps
from lakepact.plan.model import SqlSource
from lakepact.plan.sources import ObjectSource
from lakepact.targets import pipeline_python
from lakepact.targets.pipeline_python.literals import python_string, python_value
from lakepact.testing.recording_pipelines import RecordingPipelines, RecordingSpark

_ALLOWED = {
    *("temporary_view", "table", "materialized_view"),
    *("expect_all", "expect_all_or_drop", "expect_all_or_fail"),
    *("format", "option", "schema", "load", "sql", "where", "selectExpr"),
}


def executed(source: str) -> RecordingPipelines:
    """What a source defines. The import of the source is that of the recording double."""
    dp = RecordingPipelines()
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    exec(compile(tree, "generated", "exec"), {"dp": dp, "spark": RecordingSpark()})
    return dp


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_source_is_the_golden_one(name: str) -> None:
    assert_golden("pipeline_python", f"{name}.py", pipeline_python.render(samples.SAMPLES[name]().plan()))


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_source_imports_and_calls_nothing_else(name: str) -> None:
    tree = ast.parse(pipeline_python.render(samples.SAMPLES[name]().plan()))
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports == ["from pyspark import pipelines as dp"]
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("as_")}
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func) for node in _calls(tree)
    }
    assert called <= _ALLOWED | own | {"replace"}


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_executed_source_makes_the_calls_of_the_plan(name: str) -> None:
    plan = samples.SAMPLES[name]().plan()
    calls = executed(pipeline_python.render(plan)).calls
    assert len(calls) == len(plan.datasets)
    for call, dataset in zip(calls, plan.datasets, strict=True):
        above, *expectations = decorators(dataset)
        assert (call.decorator, call.arguments) == (above.name, above.arguments)
        assert call.expectations == tuple((e.name, *pair) for e in expectations for pair in e.expectations.items())
        assert call.steps == tuple((step.name, *(step.arguments or ())) for step in steps(dataset))


def test_order_of_the_decorators() -> None:
    source = pipeline_python.render(samples.batch().plan())
    orders = next(
        node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "orders"
    )
    named = [ast.unparse(decorator).split("(")[0] for decorator in orders.decorator_list]
    assert named == ["dp.materialized_view", "dp.expect_all", "dp.expect_all_or_drop"]


def test_function_names_are_free_identifiers() -> None:
    columns = (samples.column("a"),)
    tables = {"class": "class", "one": "spark", "two": "1st", "three": "dp", "four": "día"}
    contract = samples.contract_of(*(samples.described(name, columns) for name in tables))
    rules = samples.rule_set(contract, *(samples.rules_of(n, columns, table=t) for n, t in tables.items()))
    source = ObjectSource(source=SqlSource(text="SELECT 1 AS a"))
    plan = samples.Sample(contract, rules, dict.fromkeys(tables, source)).plan()
    functions = [n.name for n in ast.parse(pipeline_python.render(plan)).body if isinstance(n, ast.FunctionDef)]
    assert functions == [
        *("class__input", "_class", "spark__input", "spark_2", "_1st__input", "_1st"),
        *("dp__input", "dp_2", "d_a__input", "d_a"),
    ]


STRINGS = (
    *("", "plain", "it's", 'say "hi"', "both ' and \"", "a\nb", "a\\d\nb", 'ends with "\n"', 'x """ \n y', "\r\n"),
    *("tab\t\n", "back\\\n\\", "\x00\n", "𝄞 größe", "\ud800", "{braces}\n{}", "\u2028\nx", "\\", '"', '"\na'),
)


@pytest.mark.parametrize("text", STRINGS)
def test_strings_evaluate_to_themselves(text: str) -> None:
    assert ast.literal_eval(python_string(text)) == text


def test_other_values_are_refused() -> None:
    with pytest.raises(TypeError, match=r"^no Python literal for float$"):
        python_value(1.5, "")
