"""A plan as the Python source of a Lakeflow pipeline: readable, and in need of nothing but Spark."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping

import lakepact
from lakepact.plan.calls import Decorator, Step, decorators, steps
from lakepact.plan.metadata import contract_properties
from lakepact.plan.model import Dataset, Plan
from lakepact.targets.header import comment_text, header_lines
from lakepact.targets.pipeline_python.literals import python_string, python_value

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

    It calls nothing but the decorators of `pyspark.pipelines` and readers and projections of `spark`.
    """
    header = _HEADER.format(
        pipeline=_docstring_text(plan.pipeline),
        header="\n".join(f"# {line}" for line in header_lines(plan, lakepact.__version__)),
        properties=python_value(contract_properties(plan), ""),
    )
    taken: set[str] = {"CONTRACT", "dp", "spark"}
    return "\n".join([header, *(_dataset(dataset, contract_properties(plan), taken) for dataset in plan.datasets)])


def _docstring_text(text: str) -> str:
    return comment_text(text).replace("\\", "\\\\").replace('"', '\\"')


def _dataset(dataset: Dataset, shared: Mapping[str, str], taken: set[str]) -> str:
    above = "\n".join(_decorator(each, shared) for each in decorators(dataset))
    return f"\n{above}\ndef {_function_name(dataset.name, taken)}():\n{_body(steps(dataset))}\n"


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


def _function_name(name: str, taken: set[str]) -> str:
    """A function name like the dataset's, free in this source."""
    plain = re.sub(r"[^0-9A-Za-z_]+", "_", name).strip("_") or "dataset"
    base = f"_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) else plain
    candidate, number = base, 1
    while candidate in taken:
        number += 1
        candidate = f"{base}_{number}"
    taken.add(candidate)
    return candidate


def _body(chain: tuple[Step, ...]) -> str:
    head, rest = "spark", list(chain)
    while rest[0].arguments is None:
        head += f".{rest.pop(0).name}"
    if len(rest) <= _SHORT:
        return f"    return {head}" + "".join(_call(step, "    ") for step in rest)
    lines = [
        f"        {head}{_call(rest[0], '        ')}",
        *(f"        {_call(step, '        ')}" for step in rest[1:]),
    ]
    return "\n".join(["    return (", *lines, "    )"])


def _call(step: Step, indent: str) -> str:
    arguments = step.arguments or ()
    if step.name == "selectExpr":
        lines = [f"{indent}    {python_string(each)}," for each in arguments]
        return "\n".join([f".{step.name}(", *lines, f"{indent})"])
    listed = ", ".join(python_string(each) for each in arguments)
    if "\n" not in listed and len(indent) + len(step.name) + len(listed) + 3 > _WIDTH:
        return f".{step.name}(\n{indent}    {listed}\n{indent})"
    return f".{step.name}({listed})"
