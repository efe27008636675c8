"""Rules evaluated by Spark itself: one aggregation for all rules on rows, one grouping for each key.

Works on any session that runs SQL and keeps temporary views: classic, Spark Connect, Databricks Connect.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Final, TypeVar

from lakepact.contract.model import Contract
from lakepact.contract.spark_schema import read_spark_schema
from lakepact.plan.checks import checks_query, parents
from lakepact.plan.context import ObjectContext
from lakepact.plan.model import DatasetRole, TableSource
from lakepact.quality.rows import JudgedRows, KeyClashes, Measures
from lakepact.quality.schema import Alignment, align
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.conversion import converted
from lakepact.rules.model import Action, DatasetRule, ObjectRules, RowRule, RowRuleKind, TypedColumn
from lakepact.spark.quiet import errors_expected, failure_text, spark_failures
from lakepact.sql import identifier

__all__ = ["NativeEvaluation", "RowCounts", "Run", "align_frame"]

_Answer = TypeVar("_Answer")
_STATUS: Final = {
    Action.WARN: RuleStatus.WARN,
    Action.DROP: RuleStatus.FAIL,
    Action.QUARANTINE: RuleStatus.FAIL,
    Action.FAIL: RuleStatus.FAIL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every result of one evaluation has in common. `clock` gives the time in UTC."""

    run_id: str
    contract: Contract
    dataset: str
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """Rows of the data: all, those set aside, those dropped, and those that break a rule that must stop a write."""

    rows: int
    quarantined: int
    dropped: int
    failing: int

    @property
    def kept(self) -> int:
        """Rows that are neither set aside nor dropped."""
        return self.rows - self.quarantined - self.dropped


def align_frame(spark: Any, frame: Any, rules: ObjectRules) -> Alignment:
    """How the columns of `frame` become those of `rules`; only columns whose type differs cost a question to Spark."""
    from pyspark.errors import AnalysisException

    def convertible(column: TypedColumn, raw: str) -> bool:
        with suppress(AnalysisException), errors_expected():
            return bool(frame.selectExpr(f"{converted(raw, column)} AS converted").schema.fields)
        return False

    return align(rules, read_spark_schema(frame.schema.json()), convertible=convertible)


class NativeEvaluation:
    """The rows of a data frame under the rules of one object; close it, or use it as a context manager.

    Questions are put to Spark when they are asked: `evaluate` is one action for all rules on rows, one for each key,
    and one for the rules on the whole dataset that no aggregation answers. `kept` and `quarantined` are data frames.
    """

    def __init__(
        self,
        spark: Any,
        frame: Any,
        *,
        rules: ObjectRules,
        run: Run,
        alignment: Alignment | None = None,
        carried: Sequence[str] = (),
    ) -> None:
        """`carried` names columns of the frame that are kept beside those of the contract."""
        self._spark = spark
        self._run = run
        self._rules = rules
        self._views: list[str] = []
        self._cached: list[Any] = []
        self._failed: dict[str, Exception] = {}
        self.alignment = alignment or align_frame(spark, frame, rules)
        self._rows = JudgedRows(
            rules=rules,
            alignment=self.alignment,
            source=self._view(frame),
            contract=(run.contract.id, run.contract.version),
            carried=tuple(identifier(name) for name in carried),
        )

    def __enter__(self) -> NativeEvaluation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Forget the temporary views and what is cached; data frames made from them can no longer be used."""
        while self._cached:
            self._cached.pop().unpersist()
        while self._views:
            self._spark.catalog.dropTempView(self._views.pop())

    def find_clashes(self, existing: Any | None = None, *, cached: bool = True) -> None:
        """Find out for each key rule whether keys clash, within the data and with the rows of the frame `existing`.

        Must be asked before the other questions; without it no key clashes. With `cached` Spark may keep the keys that
        clash until this is closed, so that they are found once.
        """
        there = self._view(existing) if existing is not None else ""
        columns = {name.casefold() for name in existing.columns} if existing is not None else set()

        def clashes() -> dict[str, KeyClashes]:
            found = {}
            for rule in self._rows.rules.row_rules:
                if rule.kind is RowRuleKind.KEY:
                    known = columns >= {name.casefold() for name in rule.columns}
                    found[rule.id] = self._clashes(rule, there if known else "", cached=cached)
            return found

        self._rows = replace(self._rows, clashes=self._without_refused(clashes))

    def _clashes(self, rule: RowRule, there: str, *, cached: bool) -> KeyClashes:
        repeated = self._kept_relation(self._rows.repeated_keys(rule)) if cached and self._rows.is_narrow(rule) else ""
        probe = f"SELECT count(1) AS n FROM {repeated}" if repeated else self._rows.clash_probe(rule)
        within = self._number(probe)
        clashing = bool(there) and self._number(self._rows.existing_probe(rule, there)) > 0
        return KeyClashes(within, there if clashing else "", repeated)

    def _kept_relation(self, query: str) -> str:
        """The quoted name of a relation that Spark computes once; '' where it keeps none (serverless compute)."""
        frame = self._spark.sql(query)
        try:
            with errors_expected():
                frame.persist()
        except spark_failures():
            return ""
        self._cached.append(frame)
        return self._view(frame)

    def kept(self) -> Any:
        """The rows that break no rule that removes rows, with the contract's columns and the carried ones."""
        return self._without_refused(lambda: self._analysed(self._rows.kept()))

    def aligned(self) -> Any:
        """All rows in the shape of the contract."""
        return self._spark.sql(self._rows.typed())

    def quarantined(self, *, added: Mapping[str, str], batch: Sequence[str] = ()) -> Any:
        """The rows that are set aside, with the rules that they break; `added` are further columns, SQL by name.

        `batch` are ids of rules for which all rows are set aside together.
        """
        return self._without_refused(lambda: self._analysed(self._rows.quarantined(added=added, batch=batch)))

    def evaluate(
        self,
        *,
        resulting: Callable[[], Any | None] = lambda: None,
        references: Mapping[str, Any] | None = None,
    ) -> tuple[RowCounts, tuple[RuleResult, ...]]:
        """Counts of rows, and a result for every rule of the object.

        Rules on the whole dataset speak of the frame that `resulting` gives, or of the kept rows. `references` are the
        data frames of other objects, by name; a rule that reads one that is not there is skipped with the reason. A
        rule that Spark refuses, or that fails on a value, has the status ERROR; the others are evaluated all the same.
        """
        dataset_rules, whole = self._rules.dataset_rules, resulting()
        direct = Measures.among(dataset_rules) if whole is None else Measures()
        try:
            with errors_expected():
                counts, results = self._without_refused(lambda: self._row_results(direct))
        except spark_failures():
            self._leave_out(self._failing)
            direct, whole = Measures(), resulting()
            counts, results = self._row_results(direct)
        results += [
            self._error(rule, self._failed[rule.id]) for rule in self._rules.row_rules if rule.id in self._failed
        ]
        others = [rule for rule in dataset_rules if rule not in direct.rules]
        results += self._dataset_results(others, whole, references or {})
        rules: tuple[RowRule | DatasetRule, ...] = (*self._rules.row_rules, *dataset_rules)
        order = {rule.id: number for number, rule in enumerate(rules)}
        return counts, tuple(sorted(results, key=lambda result: order[result.rule_id]))

    def _without_refused(self, ask: Callable[[], _Answer]) -> _Answer:
        """The answer to a question, without the rules whose SQL Spark refuses.

        They are looked for when it refuses the question. Raises what it says where that is not for a rule.
        """
        from pyspark.errors import AnalysisException

        try:
            with errors_expected():
                return ask()
        except AnalysisException:
            if not self._leave_out(self._refused):
                raise
        return ask()

    def _leave_out(self, fault: Callable[[str], Exception | None]) -> bool:
        """Evaluate no longer the rules in whose query `fault` finds one, so that they hide no other; if there are any.

        A key rule has two queries, of which one hashes and one groups.
        """
        rows = self._rows
        for rule in rows.rules.row_rules:
            queries = [rows.alone(rule), *([rows.clash_probe(rule)] if rule.kind is RowRuleKind.KEY else [])]
            error = next((error for error in map(fault, queries) if error is not None), None)
            if error is not None:
                self._failed[rule.id] = error
        left = tuple(rule for rule in rows.rules.row_rules if rule.id not in self._failed)
        self._rows = replace(rows, rules=replace(rows.rules, row_rules=left))
        return len(left) < len(rows.rules.row_rules)

    def _refused(self, query: str) -> Exception | None:
        """What Spark says against a query when it analyses it; None where it takes it."""
        from pyspark.errors import AnalysisException

        try:
            with errors_expected():
                self._analysed(query)
        except AnalysisException as error:
            return error
        return None

    def _analysed(self, query: str) -> Any:
        """The data frame of a query that Spark takes. Raises AnalysisException where it refuses the query."""
        frame = self._spark.sql(query)
        frame.schema  # noqa: B018 (a session of Spark Connect analyses when it is asked)
        return frame

    def _failing(self, query: str) -> Exception | None:
        """With what a query fails when it is run; None where it does not."""
        try:
            with errors_expected():
                self._number(query)
        except spark_failures() as error:
            return error
        return None

    def _row_results(self, direct: Measures) -> tuple[RowCounts, list[RuleResult]]:
        lines = [row.asDict() for row in self._spark.sql(self._rows.counts(direct)).collect()]
        total = {
            name: sum(line[name] for line in lines)
            for name in ("n", "quarantined", "dropped", "failing", *(f"f{i}" for i in range(len(self._rows.judged))))
        }
        counts = RowCounts(
            rows=total["n"], quarantined=total["quarantined"], dropped=total["dropped"], failing=total["failing"]
        )
        broken = {rule.id: total[f"f{position}"] for position, rule in enumerate(self._rows.judged)}
        rules = self._rows.rules.row_rules
        results = [self._row_result(rule, broken.get(rule.id, 0), counts.rows) for rule in rules]
        if direct.rules:
            kept = next((line for line in lines if line["kept"] is not False), None)
            if kept is None:
                kept = self._spark.sql(self._rows.nothing_measured(direct)).collect()[0].asDict()
            results += [
                self._dataset_result(rule, value=kept[f"value_{number}"], passed=bool(kept[f"ok_{number}"]))
                for number, rule in enumerate(direct.rules)
            ]
        return counts, results

    def _dataset_results(
        self, rules: Sequence[DatasetRule], resulting: Any | None, references: Mapping[str, Any]
    ) -> list[RuleResult]:
        if not rules:
            return []
        wanted = parents(rules)
        at_hand = references.keys() | {self._rules.name}
        absent = {rule.id: sorted(wanted.get(rule.id, set()) - at_hand) for rule in rules}
        asked = tuple(rule for rule in rules if not absent[rule.id])
        found = [self._skipped(rule, absent[rule.id]) for rule in rules if absent[rule.id]]
        if not asked:
            return found
        own = self._view(resulting if resulting is not None else self.kept())
        needed = sorted({name for rule in asked for name in wanted.get(rule.id, set())} - {self._rules.name})
        datasets = {name: self._view(references[name]) for name in needed} | {self._rules.name: own}
        return found + self._measured(self._context(datasets), asked)

    def _measured(self, context: ObjectContext, rules: tuple[DatasetRule, ...]) -> list[RuleResult]:
        """The results of rules in one query; where that fails, of each on its own, so that one hides no other."""
        try:
            with errors_expected():
                rows = self._spark.sql(checks_query(context, rules)).collect()
        except spark_failures() as error:
            if len(rules) == 1:
                return [self._error(rules[0], error)]
            return [result for rule in rules for result in self._measured(context, (rule,))]
        lines = {row["rule_id"]: row for row in rows}
        return [
            self._dataset_result(rule, value=lines[rule.id]["value"], passed=bool(lines[rule.id]["passed"]))
            for rule in rules
        ]

    def _context(self, datasets: Mapping[str, str]) -> ObjectContext:
        """The object as the queries of a plan see it, its published dataset being a view of ours."""
        named = {name: view.strip("`") for name, view in datasets.items()}
        described = self._run.contract.object(self._rules.name)
        assert described is not None, "the rules are those of the contract"
        context = ObjectContext(
            contract=self._run.contract,
            described=described,
            rules=replace(self._rules, table=named[self._rules.name]),
            source=TableSource(name=(named[self._rules.name],)),
            rename={},
            datasets=named,
        )
        assert context.name(DatasetRole.PUBLISHED) == named[self._rules.name]
        return context

    def _row_result(self, rule: RowRule, violations: int, tested: int) -> RuleResult:
        status = _STATUS[rule.action] if violations else RuleStatus.PASS
        message = f"{violations} of {tested} rows" if violations else ""
        return replace(self._result(rule, status), violations=violations, tested=tested, message=message)

    def _dataset_result(self, rule: DatasetRule, *, value: str | None, passed: bool) -> RuleResult:
        message = "" if passed else f"{value if value is not None else 'no value'}, {rule.threshold}"
        status = RuleStatus.PASS if passed else _STATUS[rule.action]
        return replace(self._result(rule, status), value=value, message=message)

    def _skipped(self, rule: DatasetRule, absent: Sequence[str]) -> RuleResult:
        reads = ", ".join(repr(name) for name in absent)
        message = f"the rule reads {reads}, whose data is not at hand"
        return replace(self._result(rule, RuleStatus.SKIPPED), message=message)

    def _error(self, rule: RowRule | DatasetRule, error: Exception) -> RuleResult:
        message = f"Spark refuses the rule: {failure_text(error)}"
        return replace(self._result(rule, RuleStatus.ERROR), message=message)

    def _result(self, rule: RowRule | DatasetRule, status: RuleStatus) -> RuleResult:
        return RuleResult(
            run_id=self._run.run_id,
            contract_id=self._run.contract.id,
            contract_version=self._run.contract.version,
            object=rule.object,
            dataset=self._run.dataset,
            rule_id=rule.id,
            rule_name=rule.name,
            action=rule.action,
            status=status,
            at=self._run.clock(),
            threshold=rule.threshold if isinstance(rule, DatasetRule) else None,
            dimension=rule.dimension,
            severity=rule.severity,
        )

    def _number(self, query: str) -> int:
        found = self._spark.sql(query).collect()
        return int(found[0]["n"]) if found else 0

    def _view(self, frame: Any) -> str:
        """The quoted name of a new temporary view of `frame`."""
        name = f"_lakepact_{uuid.uuid4().hex}"
        frame.createOrReplaceTempView(name)
        self._views.append(name)
        return identifier(name)
