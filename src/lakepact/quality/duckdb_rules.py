"""The rules of an object as SQL of DuckDB, or the reason why a rule is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from lakepact.contract.types import AtomicType
from lakepact.quality.duckdb_expression import Translator
from lakepact.quality.duckdb_input import InputRows
from lakepact.quality.duckdb_regex import NeedsSpark, Unresolved
from lakepact.quality.duckdb_text import Value
from lakepact.rules.model import Aggregate, DatasetRule, RowRule, RowRuleKind

__all__ = ["JudgedRule", "MeasuredRule", "Translated", "condition_of", "measured", "translated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRule:
    """A rule on rows: `holds` is SQL over the input, '' for a key, None where no row can break it.

    `columns` are those that it reads, by name without case; of rows where `undecided` is TRUE only Spark can tell.
    """

    rule: RowRule
    holds: str | None
    columns: frozenset[str]
    undecided: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRule:
    """A rule on the kept rows that one aggregation answers, by its translated expression.

    `condition` gives SQL of whether a measured value is as it should be.
    """

    rule: DatasetRule
    value: Value
    condition: Callable[[Value], str]
    columns: frozenset[str]
    undecided: str = ""


@dataclass(slots=True)
class Translated:
    """What became of the rules; `skipped` and `failed` have the reasons, by the rule's id."""

    rows: list[JudgedRule] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def translated(rules: Iterable[RowRule], rows: InputRows) -> Translated:
    """The rules on rows."""
    made = Translated()
    for rule in rules:
        try:
            made.rows.append(_judged(rule, rows))
        except NeedsSpark as reason:
            made.skipped[rule.id] = str(reason)
        except Unresolved as reason:
            made.failed[rule.id] = str(reason)
    return made


def _judged(rule: RowRule, rows: InputRows) -> JudgedRule:
    if rule.kind is RowRuleKind.VALUE:
        translator = Translator(rows.values, rows.unavailable)
        found = translator.expression(rule.predicate)
        if found.value.ddl not in ("BOOLEAN", "VOID"):
            raise Unresolved(f"the rule is no condition, but of type {found.value.ddl}")
        return JudgedRule(
            rule=rule, holds=found.value.sql, columns=frozenset(translator.used), undecided=found.undecided
        )
    names = frozenset(column.casefold() for column in rule.columns)
    for name in names:
        if name in rows.unavailable:
            raise NeedsSpark(rows.unavailable[name])
        if rule.kind is RowRuleKind.KEY and not isinstance(rows.values[name].type, AtomicType):
            raise NeedsSpark(f"a key of {rows.values[name].ddl}")
    if rule.kind is RowRuleKind.KEY:
        return JudgedRule(rule=rule, holds="", columns=names)
    (name,) = names
    return JudgedRule(rule=rule, holds=rows.fits.get(name), columns=names)


def measured(rule: DatasetRule, rows: InputRows, kept: str) -> MeasuredRule:
    """An aggregate rule over the rows where `kept` is TRUE. Raises NeedsSpark and Unresolved."""
    assert isinstance(rule.measure, Aggregate)
    translator = Translator(rows.values, rows.unavailable, aggregates=True, kept=kept)
    found = translator.expression(rule.measure.expression)
    condition_of(rule, found.value)
    return MeasuredRule(
        rule=rule,
        value=found.value,
        condition=partial(condition_of, rule),
        columns=frozenset(translator.used),
        undecided=found.undecided,
    )


def condition_of(rule: DatasetRule, value: Value) -> str:
    """Whether a measured value is as it should be, as SQL over `value`. Raises NeedsSpark and Unresolved."""
    found = Translator({"value": value}).expression(rule.condition)
    if found.undecided:
        raise NeedsSpark("a text as a value")
    return found.value.sql
