"""The checks of an object as a whole: one query that measures, and a gate that stops the update."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lakepact.errors import ConfigurationError
from lakepact.plan.context import ObjectContext
from lakepact.plan.metadata import comment, table_properties
from lakepact.plan.model import Dataset, DatasetKind, DatasetRole, DatasetSource, Expectation, Select, SqlQuery
from lakepact.rules.model import Action, Aggregate, DatasetRule, DuplicateRows, OrphanRows, Query
from lakepact.sql import identifier, string

__all__ = ["checks_dataset", "checks_query", "gate_dataset", "parents"]

_OBJECT = re.compile(r"\{object:([^{}]*)\}")
_ROWS = "_lakepact_rows"
_MEASURED = "_lakepact_measured"
_COUNT = "_lakepact_count"


def checks_dataset(context: ObjectContext, rules: tuple[DatasetRule, ...]) -> Dataset | None:
    """One row for each dataset rule: rule, value, threshold, and whether it passed. None without rules."""
    if not rules:
        return None
    return Dataset(
        name=context.name(DatasetRole.CHECKS),
        kind=DatasetKind.MATERIALIZED_VIEW,
        role=DatasetRole.CHECKS,
        object=context.rules.name,
        query=SqlQuery(checks_query(context, rules)),
        comment=comment(DatasetRole.CHECKS, context.described, context.rules.table),
        expectations=_expectations(rule for rule in rules if rule.action is not Action.FAIL),
        table_properties=table_properties(context.contract, context.described),
    )


def gate_dataset(context: ObjectContext, rules: tuple[DatasetRule, ...]) -> Dataset | None:
    """The checks whose failure stops the update, with an expectation for each. None where no rule does."""
    failing = [rule for rule in rules if rule.action is Action.FAIL]
    if not failing:
        return None
    return Dataset(
        name=context.name(DatasetRole.GATE),
        kind=DatasetKind.MATERIALIZED_VIEW,
        role=DatasetRole.GATE,
        object=context.rules.name,
        query=Select(
            columns=(),
            source=DatasetSource(context.name(DatasetRole.CHECKS), False),
            where=f"action = {string(Action.FAIL.value)}",
        ),
        comment=comment(DatasetRole.GATE, context.described, context.rules.table),
        expectations=_expectations(failing),
        table_properties=table_properties(context.contract, context.described),
        private=True,
    )


def _expectations(rules: Iterable[DatasetRule]) -> tuple[Expectation, ...]:
    return tuple(
        Expectation(
            name=rule.name,
            predicate=f"rule_id <> {string(rule.id)} OR passed",
            action=rule.action,
            rule_id=rule.id,
            rule_action=rule.action,
        )
        for rule in rules
    )


def parents(rules: Iterable[DatasetRule]) -> dict[str, set[str]]:
    """The other objects that rules read, by the rule's id."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        if isinstance(rule.measure, OrphanRows):
            found[rule.id] = {rule.measure.parent}
        elif isinstance(rule.measure, Query):
            found[rule.id] = set(_OBJECT.findall(rule.measure.text))
    return found


def checks_query(context: ObjectContext, rules: tuple[DatasetRule, ...]) -> str:
    """The query that measures all rules: one pass for the aggregates, each key, reference and query on its own."""
    tables = _Tables(table=context.name(DatasetRole.PUBLISHED), datasets=context.datasets)
    rows = [_row(rule, tables.value(rule)) for rule in rules]
    contract = context.contract
    lines = [
        "WITH " + ",\n".join(tables.definitions()),
        "SELECT",
        "  inline(concat(",
        ",\n".join(rows),
        "  )),",
        f"  {string(contract.id)} AS contract_id,",
        f"  {string(contract.version)} AS contract_version",
        "FROM " + "\nCROSS JOIN ".join(tables.names()),
    ]
    return "\n".join(lines)


def _row(rule: DatasetRule, value: str) -> str:
    # A lambda binds the value under the name that the rule's condition uses, and evaluates the measure once.
    fields = [
        f"'rule_id', {string(rule.id)}",
        f"'rule_name', {string(rule.name)}",
        "'value', CAST(value AS STRING)",
        f"'threshold', {string(rule.threshold)}",
        f"'passed', coalesce({rule.condition}, FALSE)",
        f"'action', {string(rule.action.value)}",
    ]
    listed = ",\n".join(f"      {each}" for each in fields)
    return f"    transform(array({value}), value -> named_struct(\n{listed}\n    ))"


@dataclass(slots=True)
class _Tables:
    """The common table expressions of one query, each with one row, in the order in which rules ask for them."""

    table: str
    datasets: Mapping[str, str]
    aggregates: dict[str, str] = field(default_factory=dict)
    duplicates: dict[tuple[str, ...], str] = field(default_factory=dict)
    orphans: dict[OrphanRows, str] = field(default_factory=dict)
    queries: dict[str, str] = field(default_factory=dict)

    def value(self, rule: DatasetRule) -> str:
        """The expression of the rule's measure over the joined tables."""
        match rule.measure:
            case Aggregate(expression=expression):
                return self.aggregates.setdefault(expression, f"value_{len(self.aggregates) + 1}")
            case DuplicateRows(keys=keys, percent=percent):
                name = self.duplicates.setdefault(keys, f"_lakepact_duplicates_{len(self.duplicates) + 1}")
                surplus = f"{name}.surplus"
                return _percent(surplus) if percent else surplus
            case OrphanRows() as orphans:
                return self.orphans.setdefault(orphans, f"_lakepact_orphans_{len(self.orphans) + 1}") + ".orphans"
            case Query(text=text):
                resolved = self.resolved(text, rule)
                return self.queries.setdefault(resolved, f"_lakepact_query_{len(self.queries) + 1}") + ".result"

    def resolved(self, text: str, rule: DatasetRule) -> str:
        """The text of a query with the datasets' names in place of the objects'."""
        return _OBJECT.sub(lambda found: self.dataset(found.group(1), rule), text.strip().rstrip(";").rstrip())

    def dataset(self, name: str, rule: DatasetRule) -> str:
        """The dataset of an object, quoted. Raises ConfigurationError LP307 for an unknown object."""
        if name not in self.datasets:
            message = f"rule {rule.id!r} reads the object {name!r}, which the contract does not have"
            raise ConfigurationError(message, "LP307", facts={"rule": rule.id, "object": name})
        return identifier(self.datasets[name])

    def names(self) -> tuple[str, ...]:
        """The tables of the FROM clause."""
        return (_MEASURED, *self.duplicates.values(), *self.orphans.values(), *self.queries.values())

    def definitions(self) -> list[str]:
        """The text of every table."""
        measured = [f"count(*) AS {_COUNT}", *(f"{e} AS {name}" for e, name in self.aggregates.items())]
        return [
            _table(_MEASURED, "  SELECT\n" + ",\n".join(f"    {each}" for each in measured), f"  FROM {self._rows()}"),
            *(self._duplicates(name, keys) for keys, name in self.duplicates.items()),
            *(self._orphans(name, orphans) for orphans, name in self.orphans.items()),
            *(_table(name, "  SELECT (", text, "  ) AS result") for text, name in self.queries.items()),
        ]

    def _rows(self) -> str:
        # The alias keeps `column.field` from being read as a column of a table that has the column's name.
        return f"{identifier(self.table)} AS {_ROWS}"

    def _duplicates(self, name: str, keys: tuple[str, ...]) -> str:
        return _table(
            name,
            "  SELECT coalesce(sum(occurrences - 1), 0) AS surplus",
            "  FROM (",
            "    SELECT count(*) AS occurrences",
            f"    FROM {self._rows()}",
            f"    WHERE {_complete(keys)}",
            f"    GROUP BY {', '.join(keys)}",
            "    HAVING count(*) > 1",
            "  )",
        )

    def _orphans(self, name: str, orphans: OrphanRows) -> str:
        numbers = range(1, len(orphans.keys) + 1)
        matched = " AND ".join(f"child.key_{number} = parent.key_{number}" for number in numbers)
        parent = f"{identifier(self.datasets[orphans.parent])} AS {_ROWS}"
        return _table(
            name,
            "  SELECT count(*) AS orphans",
            f"  FROM (SELECT {_keys(orphans.keys)} FROM {self._rows()} WHERE {_complete(orphans.keys)}) AS child",
            f"  LEFT ANTI JOIN (SELECT {_keys(orphans.parent_keys)} FROM {parent}) AS parent",
            f"  ON {matched}",
        )


def _table(name: str, *lines: str) -> str:
    return "\n".join([f"{name} AS (", *lines, ")"])


def _keys(keys: tuple[str, ...]) -> str:
    return ", ".join(f"{key} AS key_{number}" for number, key in enumerate(keys, 1))


def _complete(keys: tuple[str, ...]) -> str:
    return " AND ".join(f"{key} IS NOT NULL" for key in keys)


def _percent(count: str) -> str:
    return f"CASE WHEN {_COUNT} = 0 THEN 0D ELSE 100D * {count} / {_COUNT} END"
