"""What the rules say of a contract, with the exact place of the fault and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lakepact.contract.model import Contract
from lakepact.contract.yaml_nodes import child_path
from lakepact.errors import Problem, Severity
from lakepact.lint.dates import better_format
from lakepact.lint.paths import ABSENT, value_at
from lakepact.lint.subject import place_of

__all__ = ["rule_problems"]

_NAMED = re.compile(r"^'(?P<name>.+)' is no property of this contract$|^the object has no property '(?P<option>.+)'$")
_OF_QUERY = re.compile(r"only (a SELECT|one statement) is run|the (variable|parentheses|text) |a quote ")
# What to do, by the number of the code, where the rules give no hint.
_HINTS = {
    205: "correct the option or the type; the clause is not enforced so far",
    206: "complete or correct the rule; it is not enforced so far",
    207: "correct the relationship; it is not enforced so far",
    208: "give it value, unit and element; it is not enforced so far",
    209: "choose another action in customProperties or in the policy",
    211: "correct the word; violations are handled by the default of each rule so far",
}
_HINTS_BY_WORDS = {
    "turns its quarantine off": "choose another action in customProperties or in the policy",
    "compares it with nothing": "add an operator, for example mustBeGreaterThan: 0",
    "is no property of this contract": "write object.property; it is not enforced so far",
    "unit 'm'": "it is not enforced so far",
    "names no element": "add element: object.property",
}


def rule_problems(contract: Contract, problems: Sequence[Problem]) -> list[Problem]:
    """The problems of `compile_rules` as lint shows them."""
    return [_refined(contract, problem) for problem in problems]


def _refined(contract: Contract, problem: Problem) -> Problem:
    text = problem.message.removeprefix(f"{problem.path}: ")
    path = _exact_path(contract, problem.path, text)
    place = place_of(contract, path)
    hint = problem.hint or _hint(contract, text, path, problem.code)
    return replace(
        problem,
        message=text,
        line=place.line,
        column=place.column,
        path=path,
        hint=hint,
        severity=_severity(problem, text, path),
    )


def _severity(problem: Problem, text: str, path: str) -> Severity:
    """A pattern that cannot be translated is no pattern of the standard, or none that Spark can run: an error."""
    broken = path.endswith(".pattern") and text.startswith("pattern '")
    return Severity.ERROR if broken else problem.severity


def _exact_path(contract: Contract, path: str, text: str) -> str:
    """Below the clause, the value that the text speaks of."""
    for candidate in _candidates(contract, path, text):
        if candidate in contract.places:
            return candidate
    return path


def _candidates(contract: Contract, path: str, text: str) -> Iterator[str]:
    if text.startswith("pattern '"):
        yield child_path(child_path(path, "arguments"), "pattern")
        yield child_path(path, "pattern")
    if match := _NAMED.match(text):
        name = match["name"] or match["option"]
        for key in ("to", "from", "element", "arguments", "properties"):
            yield from _holding(contract, child_path(path, key), name)
    if text.startswith("unit '"):
        yield child_path(path, "unit")
    if text.startswith("the library has no metric"):
        yield child_path(path, "metric")
        yield child_path(path, "rule")
    if _OF_QUERY.match(text):
        yield child_path(path, "query")


def _holding(contract: Contract, path: str, name: str) -> Iterator[str]:
    """The path at or below `path` where `name` is written."""
    value = value_at(contract.document, path)
    if value is ABSENT:
        return
    if isinstance(value, list):
        yield from (f"{path}[{index}]" for index, entry in enumerate(value) if entry == name)
    elif isinstance(value, dict):
        yield from _holding(contract, child_path(path, "properties"), name)
    else:
        yield path


def _hint(contract: Contract, text: str, path: str, code: str) -> str:
    if text.startswith("date pattern "):
        written = value_at(contract.document, path)
        guess = better_format(written) if isinstance(written, str) else ""
        return f"write {guess}" if guess else "write a format of java.time.format.DateTimeFormatter"
    if path.endswith(".pattern") and not text.startswith("pattern '"):
        return "write it so that both read the same"
    return next((hint for words, hint in _HINTS_BY_WORDS.items() if words in text), _HINTS.get(int(code[2:]), ""))
