"""The SQL that judges every row of an object once, whatever is asked of the rows afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from lakepact.plan.context import REMOVES
from lakepact.plan.names import FAILED_RULES, RAW
from lakepact.quality.aggregates import row_measure
from lakepact.quality.masks import Masks
from lakepact.quality.schema import Alignment
from lakepact.rules.model import Action, DatasetRule, ObjectRules, RowRule, RowRuleKind
from lakepact.rules.sla import AGE
from lakepact.sql import identifier, string

__all__ = ["JudgedRows", "KeyClashes", "Measures"]

_INPUT: Final = "`_lakepact_input`"
_KEYED: Final = "`_lakepact_keyed`"
_EIGHT_BYTES: Final = {
    *("BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ"),
}
# A number is written into the Java that Spark makes of a query, which is compiled anew whenever it is another one; what
# is taken from an array is not.
_HIDDEN_AGE: Final = "unix_seconds(element_at(array(current_timestamp()), IF(count(1) >= 0, 1, 2))) - "
# Keys that clash: some megabytes.
_FEW: Final = 50_000


@dataclass(frozen=True, slots=True)
class KeyClashes:
    """What is known of a key rule: how many keys clash within the data, and with rows that are there (`existing`).

    `within` counts keys, or their hashes, so that it is more than nothing wherever a key clashes, and once in a
    lifetime where none does. `known` is the SQL name of the relation of the keys that clash within, '' where they are
    to be found again. `existing` is that of the relation of other rows, '' where no key of the data is there.
    """

    within: int
    existing: str = ""
    known: str = ""

    def __bool__(self) -> bool:
        return self.within > 0 or bool(self.existing)

    @property
    def are_few(self) -> bool:
        """Whether they are known to be so few that each task may have all of them, and no row has to move."""
        return not self.existing and self.within <= _FEW


@dataclass(frozen=True, slots=True)
class Measures:
    """Dataset rules that one pass over the kept rows answers, by their position in the query's result."""

    rules: tuple[DatasetRule, ...] = ()

    @classmethod
    def among(cls, rules: Sequence[DatasetRule]) -> Measures:
        """Those of the rules that it answers."""
        return cls(tuple(rule for rule in rules if row_measure(rule) is not None))

    def columns(self) -> list[str]:
        """One column for each rule: the measured value."""
        found = self.columns_over("")
        assert found is not None, "a measure is made of aggregates that are known, or has no condition of its own"
        return found

    def columns_over(self, condition: str) -> list[str] | None:
        """The same over the rows for which the condition is true; None where the rows have to be apart for that."""
        measures = [row_measure(rule) for rule in self.rules]
        texts = [measure.over(condition) for measure in measures if measure is not None]
        known = [text for text in texts if text is not None]
        if len(known) < len(texts):
            return None
        return [f"{_with_hidden_time(text)} AS v{number}" for number, text in enumerate(known)]

    def verdicts(self) -> list[str]:
        """The value as text, and whether it is as it should be, for each rule."""
        columns = []
        for number, rule in enumerate(self.rules):
            # A lambda binds the value under the name that the rule's condition uses.
            held = f"transform(array(v{number}), value -> coalesce({rule.condition}, FALSE))"
            columns += [f"CAST(v{number} AS STRING) AS value_{number}", f"element_at({held}, 1) AS ok_{number}"]
        return columns


@dataclass(frozen=True, kw_only=True)
class JudgedRows:
    """Queries over the rows of `source` (SQL name of a relation) in the shape and under the rules of an object.

    `clashes` holds what was found out about each key rule, by id; a key rule that is not there has no clash. `carried`
    are quoted columns of the source that are kept beside those of the contract.
    """

    rules: ObjectRules
    alignment: Alignment
    source: str
    contract: tuple[str, str] = ("", "")
    clashes: Mapping[str, KeyClashes] = field(default_factory=dict)
    carried: tuple[str, ...] = ()

    @cached_property
    def judged(self) -> tuple[RowRule, ...]:
        """The rules that a row can break here: types of converted columns, values, and keys that clash."""
        return tuple(rule for rule in self.rules.row_rules if self._predicate(rule) is not None)

    @cached_property
    def masks(self) -> Masks:
        """The predicates of `judged`."""
        return Masks(tuple(self._predicate(rule) or "TRUE" for rule in self.judged))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the contract, quoted, then the carried ones."""
        return (*(identifier(column.name) for column in self.rules.columns), *self.carried)

    def typed(self) -> str:
        """The query of the rows with the contract's names and types."""
        return f"{self._with(self._inputs())}SELECT {_listed(self.columns)}\nFROM {_INPUT}"

    def kept(self) -> str:
        """The query of the rows that break no rule that removes rows; no other rule is evaluated for it."""
        return self._of(REMOVES)._kept()

    def _kept(self) -> str:
        return f"{self._with(self._levels())}SELECT {_listed(self.columns)}\nFROM {self._last}{_where(self._keep)}"

    def quarantined(self, *, added: Mapping[str, str], batch: Sequence[str] = ()) -> str:
        """The query of the rows that are set aside, with why; `added` are further columns, SQL by name.

        `batch` are ids of rules for which all rows are set aside together.
        """
        return self._of((*REMOVES, Action.FAIL) if batch else REMOVES)._quarantined(added, batch)

    def _of(self, actions: Collection[Action]) -> JudgedRows:
        """The same rows under those rules only that have one of the actions."""
        chosen = tuple(rule for rule in self.rules.row_rules if rule.action in actions)
        return replace(self, rules=replace(self.rules, row_rules=chosen))

    def _quarantined(self, added: Mapping[str, str], batch: Sequence[str]) -> str:
        failed = self.masks.broken_names([(at, string(rule.id)) for at, rule in enumerate(self.judged)])
        if batch:
            failed = f"array_union({failed}, array({', '.join(map(string, batch))}))"
        columns = [
            *self.columns,
            f"{failed} AS {FAILED_RULES}",
            f"{self._raw_values()} AS _lakepact_raw_values",
            f"{string(self.contract[0])} AS _lakepact_contract_id",
            f"{string(self.contract[1])} AS _lakepact_contract_version",
            *(f"{sql} AS {identifier(name)}" for name, sql in added.items()),
        ]
        where = "TRUE" if batch else self._any(Action.QUARANTINE) or "FALSE"
        return f"{self._with(self._levels())}SELECT {_listed(columns)}\nFROM {self._last}\nWHERE {where}"

    def counts(self, measures: Measures | None = None) -> str:
        """The query that counts rows and violations, and measures the kept rows, in one pass.

        Its columns are `kept` (NULL, or whether the line is of rows that are kept), `n`, `quarantined`, `dropped`,
        `failing` and `f0`, `f1`, …: violations in the order of `judged`; then those of `measures`.
        """
        asked = measures or Measures()
        removed = self._any(*REMOVES)
        # To group rows costs more than to look at the condition of each for every measure.
        together = asked.columns_over(f"NOT ({removed})" if removed else "")
        split = together is None
        columns = [
            f"{f'NOT ({removed})' if split else 'CAST(NULL AS BOOLEAN)'} AS kept",
            "count(1) AS n",
            f"{_count(self._any(Action.QUARANTINE))} AS quarantined",
            f"{_count(self._only_dropped())} AS dropped",
            f"{_count(self._any(Action.FAIL))} AS failing",
            *(f"{_count(self.masks.broken(position))} AS f{position}" for position in range(len(self.judged))),
            *(asked.columns() if together is None else together),
        ]
        grouped = f"\nGROUP BY NOT ({removed})" if split else ""
        text = f"{self._with(self._levels())}SELECT {_listed(columns)}\nFROM {self._last}{grouped}"
        return f"SELECT *, {_listed(asked.verdicts())}\nFROM (\n{text}\n)" if asked.rules else text

    def alone(self, rule: RowRule) -> str:
        """The query of how many rows hold one rule."""
        if rule.kind is RowRuleKind.KEY:
            return self.exact_probe(rule)
        return f"{self._with(self._inputs())}SELECT {_count(self._predicate(rule) or 'TRUE')} AS n\nFROM {_INPUT}"

    def nothing_measured(self, measures: Measures) -> str:
        """The query that measures no rows at all."""
        inner = f"{self._with(self._inputs())}SELECT {_listed(measures.columns())}\nFROM {_INPUT}\nWHERE FALSE"
        return f"SELECT *, {_listed(measures.verdicts())}\nFROM (\n{inner}\n)"

    def clash_probe(self, rule: RowRule) -> str:
        """The query of how many hashes of keys occur more than once: with none, no key does.

        Equal keys have equal hashes, and to group eight bytes is cheaper than to group keys.
        """
        return self._counted(self._repeated(rule, f"xxhash64({_listed(self._keys(rule))})"))

    def is_narrow(self, rule: RowRule) -> bool:
        """Whether each part of a key has eight bytes at most, so that little is won by hashing it first."""
        types = {column.name: column.type.ddl for column in self.rules.columns}
        return all(types[name] in _EIGHT_BYTES for name in rule.columns)

    def repeated_keys(self, rule: RowRule) -> str:
        """The query of the keys that occur more than once, in a form that Spark finds again where it was cached."""
        ((name, text),) = self._inputs()
        # With a common table expression the cached plan would not be recognised.
        return self._repeated(rule, _listed(self._keys(rule)), f"(\n{text}\n) AS {name}")

    def _repeated(self, rule: RowRule, grouped: str, rows: str = _INPUT) -> str:
        """The query of what occurs more than once among the complete keys of the rows."""
        where = self._complete(rule)
        return f"SELECT {grouped} FROM {rows} WHERE {where} GROUP BY {grouped} HAVING count(1) > 1"

    def exact_probe(self, rule: RowRule) -> str:
        """The query of how many keys occur more than once."""
        return self._counted(self._repeated(rule, _listed(self._keys(rule))))

    def existing_probe(self, rule: RowRule, existing: str) -> str:
        """The query of whether a key of the data is in the relation `existing`: one line or none."""
        same = _equal("i", "e", self._keys(rule))
        found = f"SELECT 1 AS n\nFROM {_INPUT} AS i LEFT SEMI JOIN {existing} AS e ON {same}\nLIMIT 1"
        return self._with(self._inputs()) + found

    def _counted(self, query: str) -> str:
        return f"{self._with(self._inputs())}SELECT count(1) AS n FROM (\n{query}\n)"

    def _with(self, tables: Sequence[tuple[str, str]]) -> str:
        return "WITH " + ",\n".join(f"{name} AS (\n{text}\n)" for name, text in tables) + "\n"

    def _inputs(self) -> list[tuple[str, str]]:
        columns = [each.sql for each in self.alignment.columns]
        if raw := self._raw_columns:
            columns.append(f"named_struct({', '.join(f'{string(name)}, {sql}' for name, sql in raw.items())}) AS {RAW}")
        return [(_INPUT, f"SELECT {_listed([*columns, *self.carried])}\nFROM {self.source}")]

    def _levels(self) -> list[tuple[str, str]]:
        tables = self._inputs()
        clashing = [rule for rule in self.judged if rule.kind is RowRuleKind.KEY]
        if clashing:
            tables += [(self._clash_table(rule), self._clashing_keys(rule)) for rule in clashing]
            tables.append((_KEYED, self._keyed(clashing)))
        for number, level in enumerate(self.masks.levels()):
            tables.append(
                (identifier(f"_lakepact_level_{number}"), f"SELECT *, {_listed(level.columns)}\nFROM {tables[-1][0]}")
            )
        return tables

    @property
    def _last(self) -> str:
        return self._levels()[-1][0]

    def _clashing_keys(self, rule: RowRule) -> str:
        clash, keys = self.clashes[rule.id], _listed(self._keys(rule))
        parts = []
        if clash.within:
            parts.append(f"SELECT {keys} FROM {clash.known}" if clash.known else self._repeated(rule, keys))
        if clash.existing:
            # Only those that the data has too: a large table is not grouped for a few rows.
            there = _listed([f"e.{key}" for key in self._keys(rule)])
            same = _equal("i", "e", self._keys(rule))
            parts.append(f"SELECT {there} FROM {clash.existing} AS e LEFT SEMI JOIN {_INPUT} AS i ON {same}")
        if not clash.existing:
            return parts[0]
        union = "\nUNION ALL\n".join(parts)
        return f"SELECT DISTINCT {keys} FROM (\n{union}\n)"

    def _keyed(self, clashing: Sequence[RowRule]) -> str:
        marks, joins = [], []
        for number, rule in enumerate(clashing):
            alias, keys = f"c{number}", self._keys(rule)
            marks.append(f"{alias}.{keys[0]} IS NOT NULL AS {self._repeated_name(rule)}")
            same = _equal("i", alias, keys)
            joins.append(f"LEFT JOIN {self._clash_table(rule)} AS {alias} ON {same}")
        few = [f"c{number}" for number, rule in enumerate(clashing) if self.clashes[rule.id].are_few]
        hint = f" /*+ BROADCAST({', '.join(few)}) */" if few else ""
        return f"SELECT{hint} i.*, {_listed(marks)}\nFROM {_INPUT} AS i\n" + "\n".join(joins)

    def _clash_table(self, rule: RowRule) -> str:
        return identifier(f"_lakepact_clashes_{self._key_number(rule)}")

    def _repeated_name(self, rule: RowRule) -> str:
        return identifier(f"_lakepact_repeated_{self._key_number(rule)}")

    def _key_number(self, rule: RowRule) -> int:
        return [each.id for each in self.rules.row_rules if each.kind is RowRuleKind.KEY].index(rule.id)

    def _keys(self, rule: RowRule) -> list[str]:
        return [identifier(column) for column in rule.columns]

    def _complete(self, rule: RowRule) -> str:
        return " AND ".join(f"{key} IS NOT NULL" for key in self._keys(rule))

    def _predicate(self, rule: RowRule) -> str | None:
        match rule.kind:
            case RowRuleKind.VALUE:
                return rule.predicate
            case RowRuleKind.KEY:
                return f"NOT {self._repeated_name(rule)}" if self.clashes.get(rule.id) else None
        aligned = next(each for each in self.alignment.columns if each.column.name == rule.columns[0])
        if not aligned.raw:
            return None
        test = aligned.fits(f"{RAW}.{aligned.name}")
        return None if test == "TRUE" else test

    @cached_property
    def _raw_columns(self) -> dict[str, str]:
        typed = {rule.columns[0] for rule in self.rules.row_rules if rule.kind is RowRuleKind.TYPE}
        return {each.column.name: each.raw for each in self.alignment.columns if each.raw and each.column.name in typed}

    def _raw_values(self) -> str:
        pairs = [
            f"IF({self.masks.broken(position)}, "
            f"struct({string(rule.columns[0])}, CAST({RAW}.{identifier(rule.columns[0])} AS STRING)), NULL)"
            for position, rule in enumerate(self.judged)
            if rule.kind is RowRuleKind.TYPE
        ]
        if not pairs:
            return "CAST(map() AS MAP<STRING, STRING>)"
        return "map_from_entries(array_compact(array(\n  " + ",\n  ".join(pairs) + "\n)))"

    def _any(self, *actions: Action) -> str:
        return self.masks.any_broken(lambda position: self.judged[position].action in actions)

    def _only_dropped(self) -> str:
        dropped, kept = self._any(Action.DROP), self._any(Action.QUARANTINE)
        return f"({dropped}) AND NOT ({kept})" if dropped and kept else dropped

    @property
    def _keep(self) -> str:
        removed = self._any(*REMOVES)
        return f"NOT ({removed})" if removed else ""


def _with_hidden_time(measure: str) -> str:
    """The measure of freshness without the present time as a number; any other as it is."""
    return f"{_HIDDEN_AGE}{measure.removeprefix(AGE)}" if measure.startswith(AGE) else measure


def _listed(columns: Sequence[str]) -> str:
    return ",\n  ".join(columns)


def _equal(left: str, right: str, keys: Sequence[str]) -> str:
    return " AND ".join(f"{left}.{key} = {right}.{key}" for key in keys)


def _where(condition: str) -> str:
    return f"\nWHERE {condition}" if condition else ""


def _count(condition: str) -> str:
    return f"count(if((\n{condition}\n), 1, NULL))" if condition else "0L"
