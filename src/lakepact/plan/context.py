"""One schema object while it is planned: its rules sorted by what a query must do for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lakepact.contract.model import Contract, SchemaObject
from lakepact.plan.model import DatasetRole, Mode, Source
from lakepact.plan.names import RAW, dataset_name
from lakepact.rules.conversion import fits
from lakepact.rules.model import Action, ObjectRules, RowRule, RowRuleKind, TypedColumn
from lakepact.sql import identifier

__all__ = ["REMOVES", "ObjectContext"]

REMOVES = (Action.DROP, Action.QUARANTINE)


@dataclass(frozen=True, kw_only=True)
class ObjectContext:
    """What the queries of one object are made from. `datasets` maps every object of the contract to its dataset."""

    contract: Contract
    described: SchemaObject
    rules: ObjectRules
    source: Source
    rename: Mapping[str, str]
    datasets: Mapping[str, str]

    @property
    def mode(self) -> Mode:
        """Whether the object is fed as a stream."""
        return self.source.mode

    @property
    def stream(self) -> bool:
        """Whether the object is fed as a stream."""
        return self.mode is Mode.STREAM

    def name(self, role: DatasetRole, *, number: int = 0) -> str:
        """The name of a dataset of this object."""
        return dataset_name(self.rules.table, role, number=number)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The contract's columns, quoted, in order."""
        return tuple(identifier(column.name) for column in self.rules.columns)

    @cached_property
    def by_name(self) -> Mapping[str, TypedColumn]:
        """The contract's columns by their name in the data."""
        return {column.name: column for column in self.rules.columns}

    def chosen(self, kind: RowRuleKind, *actions: Action) -> tuple[RowRule, ...]:
        """The row rules of one kind with one of the actions, in order."""
        return tuple(rule for rule in self.rules.row_rules if rule.kind is kind and rule.action in actions)

    @cached_property
    def key_numbers(self) -> Mapping[str, int]:
        """The number of each key rule in names, 0 where it is the only one, by the rule's id."""
        keys = [rule.id for rule in self.rules.row_rules if rule.kind is RowRuleKind.KEY]
        return {keys[0]: 0} if len(keys) == 1 else {rule: number for number, rule in enumerate(keys, 1)}

    def duplicates(self, rule: RowRule) -> str:
        """The dataset with the repeated keys of a key rule."""
        return self.name(DatasetRole.DUPLICATES, number=self.key_numbers[rule.id])

    def repeated(self, rule: RowRule) -> str:
        """The column that says, in the quarantine's query, whether a row's key is repeated."""
        return f"_lakepact_repeated_{self.key_numbers[rule.id] or 1}"

    def typed(self, rule: RowRule) -> TypedColumn:
        """The column of a type rule."""
        return self.by_name[rule.columns[0]]

    @cached_property
    def holds(self) -> Callable[[RowRule], str]:
        """A function from a row rule to the predicate that says so over the input of the object."""
        predicates = {rule.id: self._predicate(rule) for rule in self.rules.row_rules}
        return lambda rule: predicates[rule.id]

    def _predicate(self, rule: RowRule) -> str:
        match rule.kind:
            case RowRuleKind.VALUE:
                return rule.predicate
            case RowRuleKind.TYPE:
                column = self.typed(rule)
                return fits(f"{RAW}.{identifier(column.name)}", identifier(column.name), column)
            case RowRuleKind.KEY:
                return f"NOT {self.repeated(rule)}"
