"""A plan as the Python source of a Lakeflow pipeline: readable, and in need of nothing but Spark."""

from __future__ import annotations

from collections.abc import Mapping

import lakepact
from lakepact.plan.calls import Decorator, Step, decorators, steps
from lakepact.plan.metadata import contract_properties
from lakepact.plan.model import Dataset, Plan
from lakepact.targets.header import comment_text, header_lines
from lakepact.targets.pipeline_python.literals import python_string, python_value
from lakepact.targets.pipeline_python.reading import ReadingFunction, function_name, read_calls, reading_functions

__all__ = ["render"]

# A chain of so many calls stands on one line, as formatters have it.
_SHORT = 2
_WIDTH = 120

_HEADER = '''\
"""Pipeline {pipeline}: what the contract below demands, as datasets with expectations."""

{header}
# The pipeline supplies `spark`.
# ruff: noqa: E501, F821

from pyspark import pipelines as dp

CONTRACT = {properties}
'''


def render(plan: Plan) -> str:
    """The source of all datasets of `plan`, the same text for the same plan.

    It calls nothing but the decorators of `pyspark.pipelines`, readers and projections of `spark`, and functions of its
    own that write the SQL by which a column of any type is read as one of the contract's.
    """
    header = _HEADER.format(
        pipeline=_docstring_text(plan.pipeline),
        header="\n".join(f"# {line}" for line in header_lines(plan, lakepact.__version__)),
        properties=python_value(contract_properties(plan), ""),
    )
    taken: set[str] = {"CONTRACT", "dp", "spark"}
    readers = reading_functions(plan, taken)
    shared = contract_properties(plan)
    datasets = (_dataset(dataset, shared, taken, readers) for dataset in plan.datasets)
    return "\n".join([header, *(reader.source for reader in readers.values()), *datasets])


def _docstring_text(text: str) -> str:
    return comment_text(text).replace("\\", "\\\\").replace('"', '\\"')


def _dataset(
    dataset: Dataset, shared: Mapping[str, str], taken: set[str], readers: Mapping[str, ReadingFunction]
) -> str:
    above = "\n".join(_decorator(each, shared) for each in decorators(dataset))
    calls = read_calls(dataset, readers)
    return f"\n{above}\ndef {function_name(dataset.name, taken)}():\n{_body(steps(dataset), calls)}\n"


def _decorator(decorator: Decorator, shared: Mapping[str, str]) -> str:
    if decorator.expectations:
        return f"@dp.{decorator.name}(\n    {python_value(decorator.expectations, '    ')}\n)"
    lines = [f"    {name}={_argument(value, shared)}," for name, value in decorator.arguments.items()]
    return "\n".join([f"@dp.{decorator.name}(", *lines, ")"])


def _argument(value: object, shared: Mapping[str, str]) -> str:
    if not isinstance(value, Mapping) or not shared.items() <= value.items():
        return python_value(value, "    ")
    rest = {name: each for name, each in value.items() if name not in shared}
    return python_value(rest, "    ").replace("{", "{\n        **CONTRACT,", 1)


def _body(chain: tuple[Step, ...], calls: Mapping[str, str]) -> str:
    head, rest = "spark", list(chain)
    while rest[0].arguments is None:
        head += f".{rest.pop(0).name}"
    if len(rest) <= _SHORT:
        return f"    return {head}" + "".join(_call(step, "    ", calls) for step in rest)
    lines = [
        f"        {head}{_call(rest[0], '        ', calls)}",
        *(f"        {_call(step, '        ', calls)}" for step in rest[1:]),
    ]
    return "\n".join(["    return (", *lines, "    )"])


def _call(step: Step, indent: str, calls: Mapping[str, str]) -> str:
    arguments = step.arguments or ()
    if step.name == "selectExpr":
        lines = [f"{indent}    {calls.get(each) or python_string(each)}," for each in arguments]
        return "\n".join([f".{step.name}(", *lines, f"{indent})"])
    listed = ", ".join(python_string(each) for each in arguments)
    if "\n" not in listed and len(indent) + len(step.name) + len(listed) + 3 > _WIDTH:
        return f".{step.name}(\n{indent}    {listed}\n{indent})"
    return f".{step.name}({listed})"
