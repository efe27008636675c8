"""Lints one document: grammar, rules and meaning in one pass."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lakepact.contract.content import ContentTooLarge, content_of
from lakepact.contract.loader import Mode, read_contract
from lakepact.contract.model import Contract
from lakepact.errors import Problem
from lakepact.lint.bounds import check_bounds
from lakepact.lint.catalogue import LintCode
from lakepact.lint.dates import check_dates
from lakepact.lint.header import check_header
from lakepact.lint.ids import check_ids
from lakepact.lint.keys import check_keys
from lakepact.lint.names import check_names
from lakepact.lint.patterns import check_patterns
from lakepact.lint.quality import check_quality
from lakepact.lint.readable import Readable, readable
from lakepact.lint.references import check_references
from lakepact.lint.rule_problems import rule_problems
from lakepact.lint.semantics import check_measures
from lakepact.lint.service_levels import check_service_levels
from lakepact.lint.spelling import spelling_fixes
from lakepact.lint.subject import Fix, Subject
from lakepact.lint.text import check_texts
from lakepact.lint.values import check_values
from lakepact.rules.derive import compile_rules

__all__ = ["Linted", "lint"]

_BREAK = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

_CHECKS: tuple[Callable[[Subject], None], ...] = (
    check_header,
    check_names,
    check_ids,
    check_bounds,
    check_patterns,
    check_dates,
    check_keys,
    check_references,
    check_measures,
    check_quality,
    check_values,
    check_service_levels,
    check_texts,
)


@dataclass(frozen=True, slots=True)
class Linted:
    """What lint says of one document.

    `contract` is None where the grammar refuses the document. `problems` are in the order of the document; `fixes` are
    the mends that are certain, each for one of them.
    """

    contract: Contract | None
    problems: tuple[Problem, ...]
    fixes: tuple[Fix, ...]


def lint(source: str | os.PathLike[str] | bytes, *, file: str = "", strict: bool = False) -> Linted:
    """Everything that is wrong with the contract in `source` (a path, or the bytes) or will surprise its users.

    `strict` refuses the grammar of another version than the declared one. Raises nothing for a bad document.

    >>> lint(b"apiVersion: v3.2.0\\nkind: DataContract\\nid: a\\nversion: one\\n").problems[0].message
    'the version `one` is not a semantic version, so it cannot be compared'
    """
    mode = Mode.STRICT if strict else Mode.COMPATIBLE
    name = file or ("" if isinstance(source, bytes) else str(source))
    content = _content(source)
    contract, problems = read_contract(source if content is None else content, file=name, mode=mode)
    basis, part = contract, None
    if contract is None and content is not None:
        basis, part = _rest(content, name, problems, strict=strict)
    if basis is None:
        return Linted(None, _ordered(problems), ())
    subject, of_rules = _meaning(basis, problems)
    found = [*of_rules, *subject.problems]
    if part is not None:
        found = [problem for problem in found if part.is_certain(problem)]
    data = part.data if part else basis.document
    fixes = [*spelling_fixes(basis.source, data, problems), *subject.fixes]
    return Linted(contract, _ordered([*problems, *found]), tuple(fixes))


def _content(source: str | os.PathLike[str] | bytes) -> bytes | None:
    """The bytes, read once, because those of a pipe are gone then; None where reading the contract says why."""
    try:
        return source if isinstance(source, bytes) else content_of(source)
    except (OSError, ValueError, ContentTooLarge):
        return None


def _rest(
    content: bytes, name: str, problems: Sequence[Problem], *, strict: bool
) -> tuple[Contract | None, Readable | None]:
    """What can be read of a document that is refused."""
    if strict:
        contract, problems = read_contract(content, file=name)
        if contract is not None:
            return contract, None
    part = readable(content, name, problems)
    return (part.contract, part) if part else (None, None)


def _meaning(contract: Contract, problems: Sequence[Problem]) -> tuple[Subject, list[Problem]]:
    of_rules = rule_problems(contract, compile_rules(contract).problems)
    subject = Subject(contract, known=frozenset(problem.path for problem in (*problems, *of_rules)))
    for check in _CHECKS:
        check(subject)
    measured = {problem.path for problem in subject.problems if problem.code == LintCode.MEASURE_AS_COLUMN}
    # The rules say of a measure that it is not there.
    return subject, [problem for problem in of_rules if problem.path not in measured]


def _ordered(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """In the order of the document, each once, with messages of one line."""
    found = dict.fromkeys(map(_on_one_line, problems))
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column, problem.code)))


def _on_one_line(problem: Problem) -> Problem:
    """What a message quotes may be a name with a line break in it."""
    if problem.message.isprintable():
        return problem
    return replace(problem, message=_BREAK.sub(lambda match: repr(match[0])[1:-1], problem.message))
