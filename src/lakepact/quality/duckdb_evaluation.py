"""Files held against the rules of an object by DuckDB: one aggregation, and one grouping for each key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakepact.errors import LakepactError
from lakepact.plan.checks import parents
from lakepact.plan.context import REMOVES
from lakepact.quality.duckdb_files import open_files, unreadable
from lakepact.quality.duckdb_input import InputRows, input_rows
from lakepact.quality.duckdb_judge import Counted, Judge
from lakepact.quality.duckdb_measures import ObjectRows, WholeMeasures
from lakepact.quality.duckdb_regex import NeedsSpark, Unresolved
from lakepact.quality.duckdb_results import Results, spark_text
from lakepact.quality.duckdb_rules import MeasuredRule, Translated, measured, translated
from lakepact.quality.engine import Data, FileData
from lakepact.quality.native import RowCounts, Run
from lakepact.quality.schema import Alignment
from lakepact.results.model import RuleResult
from lakepact.rules import compile_rules
from lakepact.rules.model import Aggregate, DatasetRule, ObjectRules, RowRule

__all__ = ["DuckDbEvaluation", "evaluate_connected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuckDbEvaluation:
    """What DuckDB found in files: counts of rows, how their columns differ, and a result for each rule.

    `counts` are those by the rules that were evaluated. With `complete` none of the rules on rows was left to Spark, so
    that the counts are those of Spark too.
    """

    counts: RowCounts
    alignment: Alignment
    results: tuple[RuleResult, ...]
    complete: bool


def evaluate_connected(
    connection: Any, data: FileData, rules: ObjectRules, run: Run, references: Mapping[str, Data]
) -> DuckDbEvaluation:
    """The evaluation on a connection of DuckDB. Raises ConfigurationError LP970 and LP971 for the files."""
    rows = input_rows(open_files(connection, data, rules), rules)
    evaluation = _Evaluation(connection, data, rules, run, references, rows, translated(rules.row_rules, rows))
    counted = evaluation.count()
    results = evaluation.row_results(counted) + evaluation.dataset_results(counted)
    every: tuple[RowRule | DatasetRule, ...] = (*rules.row_rules, *rules.dataset_rules)
    order = {rule.id: at for at, rule in enumerate(every)}
    return DuckDbEvaluation(
        counts=RowCounts(
            rows=counted.rows, quarantined=counted.quarantined, dropped=counted.dropped, failing=counted.failing
        ),
        alignment=rows.alignment,
        results=tuple(sorted(results, key=lambda result: order[result.rule_id])),
        complete=not any(rule.id in evaluation.made.skipped for rule in rules.row_rules),
    )


@dataclass(slots=True)
class _Evaluation:
    connection: Any
    data: FileData
    rules: ObjectRules
    run: Run
    references: Mapping[str, Data]
    rows: InputRows
    made: Translated
    judge: Judge = field(init=False)
    measures: dict[str, MeasuredRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.judge = Judge(self.connection, self.rows, self.made.rows)

    def count(self) -> Counted:
        """The pass over all rows; rules of which only Spark can tell, or that fail, are left out of it."""
        import duckdb

        fresh = True
        while True:
            try:
                if fresh:
                    self.judge.clashing.clear()
                    self.judge.find_clashes()
                self._find_measures()
                counted = self.judge.count(list(self.measures.values()))
            except duckdb.InterruptException:
                raise
            except duckdb.Error as error:
                if not self._leave_out_faulty():
                    raise unreadable(", ".join(self.data.paths), error) from error
                fresh = True
                continue
            doubtful = {each.rule.id for each in self.judge.rules} & counted.undecided.keys()
            if not doubtful:
                return counted
            self._leave_out(
                {rule_id: _in_its_own_way(counted.undecided[rule_id]) for rule_id in doubtful}, self.made.skipped
            )
            fresh = False

    def _leave_out(self, reasons: Mapping[str, str], told: dict[str, str]) -> None:
        told.update(reasons)
        self.judge.rules = [each for each in self.judge.rules if each.rule.id not in reasons]
        for rule_id in reasons:
            self.judge.clashing.pop(rule_id, None)

    def _leave_out_faulty(self) -> bool:
        """Leave out what DuckDB does not evaluate on its own; whether there was any."""
        import duckdb

        faults = self.judge.faults()
        self._leave_out(faults, self.made.failed)
        if faults:
            return True
        without = len(self.made.failed)
        for rule_id, each in list(self.measures.items()):
            try:
                self.judge.count([each])
            except duckdb.Error as error:
                self.made.failed[rule_id] = str(error).strip().partition("\n")[0]
        return len(self.made.failed) > without

    def _find_measures(self) -> None:
        """Translate the aggregates over the rows that are kept by the rules as they are now."""
        self.measures.clear()
        if self._unknown_rows():
            return
        for rule in self.rules.dataset_rules:
            if not isinstance(rule.measure, Aggregate) or rule.id in self.made.failed:
                continue
            try:
                self.measures[rule.id] = measured(rule, self.rows, self.judge.kept)
            except NeedsSpark as reason:
                self.made.skipped[rule.id] = str(reason)
            except Unresolved as reason:
                self.made.failed[rule.id] = str(reason)

    def _unknown_rows(self) -> str:
        """The rule that takes rows away and is left to Spark, so that nobody knows here which rows are kept."""
        skipped = [r.id for r in self.rules.row_rules if r.id in self.made.skipped and r.action in REMOVES]
        return skipped[0] if skipped else ""

    def row_results(self, counted: Counted) -> list[RuleResult]:
        """The results of the rules on rows."""
        results, found = Results(self.run), []
        for rule in self.rules.row_rules:
            if rule.id in self.made.skipped:
                found.append(results.skipped(rule, self.made.skipped[rule.id]))
            elif rule.id in self.made.failed:
                found.append(results.error(rule, self.made.failed[rule.id]))
            else:
                found.append(results.of_rows(rule, counted.broken.get(rule.id, 0), counted.rows))
        return found

    def dataset_results(self, counted: Counted) -> list[RuleResult]:
        """The results of the rules on the whole."""
        unknown = self._unknown_rows()
        return [self._dataset_result(rule, counted, unknown) for rule in self.rules.dataset_rules]

    def _dataset_result(self, rule: DatasetRule, counted: Counted, unknown: str) -> RuleResult:
        results = Results(self.run)
        if unknown:
            return results.skipped(rule, f"it measures the rows that are left by the rule '{unknown}'")
        if rule.id in self.made.failed:
            return results.error(rule, self.made.failed[rule.id])
        if rule.id in self.made.skipped:
            return results.skipped(rule, self.made.skipped[rule.id])
        if rule.id not in self.measures:
            return self._whole(rule, counted, results)
        if rule.id in counted.undecided:
            return results.skipped(rule, _in_its_own_way(counted.undecided[rule.id]))
        text, passed = counted.measured[rule.id]
        return results.of_whole(rule, spark_text(text, self.measures[rule.id].value.ddl), passed=passed)

    def _whole(self, rule: DatasetRule, counted: Counted, results: Results) -> RuleResult:
        import duckdb

        at_hand = {name for name, data in self.references.items() if isinstance(data, FileData)} | {self.rules.name}
        if absent := sorted(parents([rule]).get(rule.id, set()) - at_hand):
            return results.absent(rule, absent)
        own = ObjectRows(sql=self.judge.kept_rows(), rows=self.rows, undecided=counted.columns)
        measures = WholeMeasures(self.connection, self.rules.name, own, self.reference)
        try:
            return measures.result(rule, results)
        except NeedsSpark as reason:
            return results.skipped(rule, str(reason))
        except Unresolved as reason:
            return results.error(rule, str(reason))
        except duckdb.InterruptException:
            raise
        except (duckdb.Error, LakepactError) as error:
            return results.error(rule, str(error).strip().partition("\n")[0])

    def reference(self, name: str) -> ObjectRows:
        """The rows of another object of the contract, in its shape."""
        data, rules = self.references[name], compile_rules(self.run.contract).object(name)
        assert isinstance(data, FileData)
        if rules is None:
            raise Unresolved(f"the contract has no object {name!r}")
        rows = input_rows(open_files(self.connection, data, rules), rules)
        return ObjectRows(sql=rows.sql, rows=rows)


def _in_its_own_way(number: int) -> str:
    return f"{number} values that it reads in its own way"
