"""Functions of a generated source that write the SQL of conversions, so that each stands there once."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lakepact.plan.model import Conversion, Dataset, Plan, Select
from lakepact.targets.pipeline_python.literals import python_string

__all__ = ["ReadingFunction", "function_name", "read_calls", "reading_functions"]

# Shorter templates are read more easily where they stand.
_LONG = 60
_BRANCHES = re.compile(r"(?= WHEN | ELSE )")

_FUNCTION = '''
def {name}(column):
    """SQL that reads `column`, of whatever type, as {type}: NULL where its value would be lost or changed."""
    return (
{lines}
    ).replace({placeholder}, column)
'''


@dataclass(frozen=True, slots=True)
class ReadingFunction:
    """A function of the source: its name, and its text."""

    name: str
    source: str


def reading_functions(plan: Plan, taken: set[str]) -> dict[str, ReadingFunction]:
    """A function for each long template of `plan`, by the template. Their names are added to `taken`."""
    found: dict[str, ReadingFunction] = {}
    for conversion in _conversions(plan):
        if conversion.template not in found and len(conversion.template) > _LONG:
            name = function_name(f"as_{_plain(conversion.type.lower())[:40]}", taken)
            found[conversion.template] = ReadingFunction(name, _source(name, conversion))
    return found


def read_calls(dataset: Dataset, functions: Mapping[str, ReadingFunction]) -> dict[str, str]:
    """Python for the columns of `dataset` that a function reads, by the column's SQL."""
    conversions = dataset.query.conversions if isinstance(dataset.query, Select) else {}
    return {
        expression: f"{functions[each.template].name}({python_string(each.raw)}) + {python_string(f' AS {each.alias}')}"
        for expression, each in conversions.items()
        if each.template in functions
    }


def function_name(name: str, taken: set[str]) -> str:
    """A function name like `name`, free in this source; it is added to `taken`."""
    plain = _plain(name) or "dataset"
    base = f"_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) else plain
    candidate, number = base, 1
    while candidate in taken:
        number += 1
        candidate = f"{base}_{number}"
    taken.add(candidate)
    return candidate


def _plain(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z_]+", "_", name).strip("_")


def _conversions(plan: Plan) -> Iterator[Conversion]:
    for dataset in plan.datasets:
        if isinstance(dataset.query, Select):
            yield from dataset.query.conversions.values()


def _source(name: str, conversion: Conversion) -> str:
    lines = "\n".join(f"        {python_string(part)}" for part in _BRANCHES.split(conversion.template))
    shown = re.sub(r"[^ -~]|[\"\\\\]", "?", conversion.type)
    return _FUNCTION.format(name=name, type=shown, lines=lines, placeholder=python_string(Conversion.COLUMN))
