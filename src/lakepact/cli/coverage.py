"""What a contract demands and what is done about it, clause by clause: for people and for machines."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.plan.model import DatasetRole
from lakepact.plan.names import dataset_name
from lakepact.rules.model import (
    Aggregate,
    Clause,
    DatasetRule,
    DuplicateRows,
    Enforcement,
    EngineRule,
    Measure,
    OrphanRows,
    Query,
    RowRule,
    RowRuleKind,
    RuleSet,
)
from lakepact.toned_lines import Line, Span

__all__ = ["clauses_of", "coverage_json", "coverage_lines", "rule_sql"]

_WIDTH: Final = 100
_TEXT: Final = 48
_INDENT: Final = " " * 11
_OBJECT: Final = re.compile(r"schema\[(\d+)\]")
_TONES: Final = {
    Enforcement.ROW: "good",
    Enforcement.DATASET: "good",
    Enforcement.ENGINE: "good",
    Enforcement.TABLE: "good",
    Enforcement.METADATA: "dim",
    Enforcement.NOT_ENFORCEABLE: "bad",
}

_ROLES: Final[Mapping[type, DatasetRole]] = {RowRule: DatasetRole.PUBLISHED, DatasetRule: DatasetRole.CHECKS}

Rule = RowRule | DatasetRule | EngineRule


def clauses_of(contract: Contract, rules: RuleSet, schema_object: str | None = None) -> tuple[Clause, ...]:
    """The clauses of the contract in document order, or only those of one schema object."""
    clauses = rules.coverage.clauses
    if schema_object is None:
        return clauses
    return tuple(clause for clause in clauses if _object_name(contract, clause) == schema_object)


def coverage_json(contract: Contract, rules: RuleSet, clauses: Sequence[Clause]) -> dict[str, Any]:
    """One contract as `lakepact explain --json` writes it."""
    known = _rules_by_id(rules)
    return {
        "contract": contract.id,
        "version": contract.version,
        "file": contract.file,
        "counts": {kind.value: count for kind, count in _counts(clauses).items()},
        "clauses": [_clause_json(contract, clause, known, rules) for clause in clauses],
    }


def coverage_lines(contract: Contract, rules: RuleSet, clauses: Sequence[Clause]) -> Iterator[Line]:
    """One contract as `lakepact explain` prints it, at most 100 columns wide but for SQL without spaces."""
    known = _rules_by_id(rules)
    shown: set[str] = set()
    yield (Span(f"{contract.id} {contract.version}", "title"), Span(f"  {contract.file}", "dim"))
    for name, group in groupby(clauses, key=lambda clause: _object_name(contract, clause)):
        yield ()
        yield (Span(name or "(contract)", "title"),)
        for clause in group:
            yield from _clause_lines(clause, known, shown, rules)
    yield ()
    yield _summary(clauses)


def rule_sql(rule: Rule, rules: RuleSet) -> str:
    """What is evaluated, as SQL; in words where the SQL needs more than the published row.

    A row rule gives a predicate, a dataset rule a measured value and its condition, a rule of an engine its own words.
    """
    if isinstance(rule, EngineRule):
        written = rule.implementation
        return " ".join((written if isinstance(written, str) else json.dumps(written, default=str)).split())
    if isinstance(rule, DatasetRule):
        return f"{_measure_sql(rule.measure)} AS value, {rule.condition}"
    match rule.kind:
        case RowRuleKind.VALUE:
            return rule.predicate
        case RowRuleKind.TYPE:
            return f"the source value can be cast to {_type_of(rule, rules)}"
        case RowRuleKind.KEY:
            return f"no other row has the same ({', '.join(rule.columns)})"


def _type_of(rule: RowRule, rules: RuleSet) -> str:
    columns = found.columns if (found := rules.object(rule.object)) else ()
    return next((column.type.ddl for column in columns if column.name in rule.columns), "the column's type")


def _measure_sql(measure: Measure) -> str:
    match measure:
        case Aggregate():
            return measure.expression
        case DuplicateRows():
            surplus = f"surplus rows over ({', '.join(measure.keys)})"
            return f"{surplus} in percent of all rows" if measure.percent else surplus
        case OrphanRows():
            keys, parent_keys = ", ".join(measure.keys), ", ".join(measure.parent_keys)
            return f"rows whose ({keys}) is not in {measure.parent} ({parent_keys})"
        case Query():
            return " ".join(measure.text.split())


def _rules_by_id(rules: RuleSet) -> Mapping[str, Rule]:
    found: tuple[Rule, ...] = (*rules.all_rules(), *rules.engine_rules())
    return {rule.id: rule for rule in found}


def _object_name(contract: Contract, clause: Clause) -> str:
    """The schema object that the clause stands in, '' for clauses of the whole contract."""
    found = _OBJECT.match(clause.path)
    return contract.schema[int(found[1])].name if found and int(found[1]) < len(contract.schema) else ""


def _counts(clauses: Sequence[Clause]) -> Mapping[Enforcement, int]:
    counts = dict.fromkeys(Enforcement, 0)
    for clause in clauses:
        counts[clause.enforcement] += 1
    return counts


def _clause_lines(clause: Clause, rules: Mapping[str, Rule], shown: set[str], ruled: RuleSet) -> Iterator[Line]:
    tone = _TONES[clause.enforcement]
    first, *more = _wrapped(clause.text, _TEXT)
    beside = f"{clause.enforcement}: {clause.reason}" if clause.reason else clause.enforcement.value
    fits = len(_INDENT) + _TEXT + len(beside) <= _WIDTH
    right = Span(beside if fits else clause.enforcement.value, tone)
    yield (Span(f"  {clause.place.line or '':>5}  ", "dim"), Span(f"{first:<{_TEXT}}  "), right)
    for text in more:
        yield (Span(f"{_INDENT[2:]}{text}"),)
    for text in [] if fits else _wrapped(clause.reason, _WIDTH - len(_INDENT)):
        yield (Span(f"{_INDENT}{text}", tone),)
    for rule in (rules[name] for name in clause.rules if name in rules):
        yield (Span(f"{_INDENT}{rule.action} ({rule.action_from})", "warn"), Span(f"  {rule.id}", "dim"))
        # A rule of several clauses (a key, a type) is written out at the first of them.
        for text in [] if rule.id in shown else _wrapped(rule_sql(rule, ruled), _WIDTH - len(_INDENT) - 2):
            yield (Span(f"{_INDENT}  {text}"),)
        shown.add(rule.id)


def _wrapped(text: str, width: int) -> list[str]:
    flat = " ".join(text.split())
    if len(flat) <= width:
        return [flat]
    return textwrap.wrap(flat, width, break_long_words=False, break_on_hyphens=False)


def _summary(clauses: Sequence[Clause]) -> Line:
    counts = _counts(clauses)
    parts = [Span(f"{len(clauses)} clauses: ")]
    for kind, count in counts.items():
        if kind is Enforcement.ENGINE and not count:
            continue
        plural = "s" if count != 1 and kind in (Enforcement.ROW, Enforcement.DATASET, Enforcement.TABLE) else ""
        parts += [Span(f"{count} {kind}{plural}", _TONES[kind] if count else "dim"), Span(", ")]
    return tuple(parts[:-1])


def _clause_json(contract: Contract, clause: Clause, known: Mapping[str, Rule], rules: RuleSet) -> dict[str, Any]:
    return {
        "path": clause.path,
        "line": clause.place.line,
        "column": clause.place.column,
        "object": _object_name(contract, clause) or None,
        "text": clause.text,
        "enforcement": clause.enforcement.value,
        "reason": clause.reason,
        "rules": [_rule_json(known[name], rules) for name in clause.rules if name in known],
    }


def _rule_json(rule: Rule, rules: RuleSet) -> dict[str, Any]:
    found = rules.object(rule.object)
    table = found.table if found else rule.object
    return {
        "id": rule.id,
        "name": rule.name,
        "kind": _kind(rule),
        "sql": rule_sql(rule, rules),
        "threshold": rule.threshold if isinstance(rule, DatasetRule) else None,
        "action": rule.action.value,
        "action_from": rule.action_from,
        "dimension": rule.dimension,
        "severity": rule.severity,
        "enforced_in": None if isinstance(rule, EngineRule) else dataset_name(table, _ROLES[type(rule)]),
    }


def _kind(rule: Rule) -> str:
    match rule:
        case EngineRule():
            return rule.engine
        case DatasetRule():
            return "dataset"
    return rule.kind.value
