"""The SQL that judges every row of files once, and what its one aggregation gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakepact.plan.context import REMOVES
from lakepact.quality.duckdb_input import InputRows
from lakepact.quality.duckdb_rules import JudgedRule, MeasuredRule
from lakepact.quality.duckdb_text import Value
from lakepact.rules.model import Action, RowRule, RowRuleKind

__all__ = ["Counted", "Judge", "shown"]


def shown(value: Value) -> str:
    """A measured value as text; moments as Spark shows them in UTC."""
    if value.ddl == "TIMESTAMP":
        return f"CAST(timezone('UTC', {value.sql}) AS VARCHAR)"
    return f"CAST({value.sql} AS VARCHAR)"


@dataclass(frozen=True, slots=True)
class Counted:
    """What one aggregation over all rows gave.

    `broken` are violations and `undecided` values of which only Spark can tell, by the rule's id; `columns` are such
    values by the column's name. `measured` are the value as text and whether it is as it should be.
    """

    rows: int
    quarantined: int
    dropped: int
    failing: int
    broken: Mapping[str, int]
    undecided: Mapping[str, int]
    columns: Mapping[str, int]
    measured: Mapping[str, tuple[str | None, bool]]


@dataclass(slots=True)
class Judge:
    """Rows under rules; `clashing` are tables of the keys that occur more than once, by the rule's id."""

    connection: Any
    rows: InputRows
    rules: list[JudgedRule]
    clashing: dict[str, str] = field(default_factory=dict)

    def find_clashes(self) -> None:
        """Find the keys that occur more than once."""
        for number, each in enumerate(self.rules):
            if each.rule.kind is RowRuleKind.KEY:
                table = f"_lakepact_clashes_{number}"
                self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {self.repeated_keys(each.rule)}")
                if self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                    self.clashing[each.rule.id] = table

    def repeated_keys(self, rule: RowRule) -> str:
        """The query of the complete keys of a rule that occur more than once."""
        keys = ", ".join(self._keys(rule))
        named = ", ".join(f"{key} AS k{at}" for at, key in enumerate(self._keys(rule)))
        complete = " AND ".join(f"{key} IS NOT NULL" for key in self._keys(rule))
        return f"SELECT {named} FROM (\n{self.rows.sql}\n)\nWHERE {complete} GROUP BY {keys} HAVING count(*) > 1"

    def _keys(self, rule: RowRule) -> list[str]:
        return [self.rows.values[column.casefold()].sql for column in rule.columns]

    @property
    def judged(self) -> list[JudgedRule]:
        """The rules that a row can break."""
        return [each for each in self.rules if self._holds(each) is not None]

    def _holds(self, judged: JudgedRule) -> str | None:
        if judged.rule.kind is not RowRuleKind.KEY:
            return judged.holds
        table = self.clashing.get(judged.rule.id)
        return f"{table}.k0 IS NULL" if table else None

    def marked(self) -> str:
        """The query of the rows with `b{n}`, whether a row breaks the judged rule n."""
        marks = [f"({self._holds(each)}) IS NOT TRUE AS b{number}" for number, each in enumerate(self.judged)]
        joins = []
        for each in self.rules:
            if table := self.clashing.get(each.rule.id):
                same = " AND ".join(f"input.{key} = {table}.k{at}" for at, key in enumerate(self._keys(each.rule)))
                joins.append(f"\nLEFT JOIN {table} ON {same}")
        listed = ",\n  ".join(["input.*", *marks])
        return f"SELECT {listed}\nFROM (\n{self.rows.sql}\n) AS input{''.join(joins)}"

    def _any_broken(self, *actions: Action) -> str:
        return " OR ".join(f"b{number}" for number, each in enumerate(self.judged) if each.rule.action in actions)

    @property
    def kept(self) -> str:
        """SQL that is TRUE for rows that no rule takes away; '' where it is for all."""
        removed = self._any_broken(*REMOVES)
        return f"NOT ({removed})" if removed else ""

    def kept_rows(self) -> str:
        """The query of the rows that no rule takes away."""
        return f"SELECT * FROM (\n{self.marked()}\n)" + (f" WHERE {self.kept}" if self.kept else "")

    def count(self, measures: Sequence[MeasuredRule]) -> Counted:
        """All counts and measures, in one pass."""
        inner = self._counts(measures)
        outer: list[str] = []
        for each in measures:
            inner.append(each.value.sql)
            value = Value(f"x{len(inner) - 1}", each.value.type)
            outer += [shown(value), f"coalesce({each.condition(value)}, FALSE)"]
        plain = [f"x{number}" for number in range(len(inner) - len(measures))]
        listed = ",\n  ".join(f"{sql} AS x{number}" for number, sql in enumerate(inner))
        query = f"SELECT {', '.join([*plain, *outer])}\nFROM (\nSELECT {listed}\nFROM (\n{self.marked()}\n)\n)"
        line = list(self.connection.execute(query).fetchone())
        return self._read(line, measures)

    def _counts(self, measures: Sequence[MeasuredRule]) -> list[str]:
        dropped, quarantined = self._any_broken(Action.DROP), self._any_broken(Action.QUARANTINE)
        only_dropped = f"({dropped}) AND NOT ({quarantined})" if dropped and quarantined else dropped
        conditions = [quarantined, only_dropped, self._any_broken(Action.FAIL)]
        conditions += [f"b{number}" for number in range(len(self.judged))]
        conditions += self.rows.undecided.values()
        both: list[JudgedRule | MeasuredRule] = [*self.rules, *measures]
        conditions += [each.undecided for each in both]
        # DuckDB's count_if gives NULL where there are no rows.
        return ["count(*)", *(f"count(CASE WHEN {each} THEN 1 END)" if each else "0" for each in conditions)]

    def _read(self, line: list[Any], measures: Sequence[MeasuredRule]) -> Counted:
        rows, quarantined, dropped, failing = line[:4]
        at = 4
        broken = {each.rule.id: line[at + number] for number, each in enumerate(self.judged)}
        at += len(broken)
        columns = dict(zip(self.rows.undecided, line[at : at + len(self.rows.undecided)], strict=True))
        at += len(columns)
        undecided = {}
        both: list[JudgedRule | MeasuredRule] = [*self.rules, *measures]
        for each in both:
            undecided[each.rule.id] = line[at] + sum(columns.get(name, 0) for name in each.columns)
            at += 1
        pairs = {each.rule.id: (line[at + 2 * n], line[at + 2 * n + 1]) for n, each in enumerate(measures)}
        doubtful = {rule_id: number for rule_id, number in undecided.items() if number}
        return Counted(rows, quarantined, dropped, failing, broken, doubtful, columns, pairs)

    def faults(self) -> dict[str, str]:
        """What DuckDB says against each rule that it does not evaluate on its own."""
        import duckdb

        found = {}
        for each in self.rules:
            inner = self.repeated_keys(each.rule) if each.rule.kind is RowRuleKind.KEY else self._alone(each)
            try:
                self.connection.execute(inner).fetchone()
            except duckdb.Error as error:
                found[each.rule.id] = str(error).strip().partition("\n")[0]
        return found

    def _alone(self, judged: JudgedRule) -> str:
        tests = [f"count_if({sql})" for sql in (judged.holds, judged.undecided) if sql] or ["1"]
        return f"SELECT {', '.join(tests)} FROM (\n{self.rows.sql}\n) AS input"
