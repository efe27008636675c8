"""Great Expectations 1.x as a quality engine: rules that are written for it, and on request lakepact's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from lakepact.contract.model import Operator, Threshold
from lakepact.errors import ExtraMissing
from lakepact.quality.delegated import (
    Delegate,
    Finding,
    asked_object,
    asked_rules,
    described_fault,
    public_columns,
    shown_number,
)
from lakepact.quality.engine import Data, EngineContext
from lakepact.quality.examples import BrokenRows, broken_by_demand, broken_by_expectation, example_rows
from lakepact.quality.handling import AnyRule
from lakepact.quality.shaped import ShapedData, Unanswerable, opened
from lakepact.quality.stopping import Stop
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.literals import Inexpressible, as_fraction
from lakepact.rules.model import Action, ObjectRules, RowRule
from lakepact.spark.environment import environment
from lakepact.spark.quiet import errors_expected
from lakepact.sql import identifier
from lakepact.targets.demands import Demand, Matching, RowCount, Typed, demands_of
from lakepact.targets.gx.expectations import QUERY, RULE, GxExpectation, rows_expectation
from lakepact.targets.gx.legacy import translate_gx

__all__ = ["GxEngine"]

_NAME: Final = "lakepact"
_QUIET_ENVIRONMENT: Final = {"GX_ANALYTICS_ENABLED": "false"}
# GX gives this name to the data that a query asks, and leaves it there.
_LEFT_BEHIND: Final = "tmp_view"
_ANSWER: Final = "_lakepact_holds_"
_GX: Final = Delegate("gx", "GX")


class GxEngine:
    """Evaluates rules by Great Expectations 1.x (extra `gx`): on data frames, and on files that pandas holds.

    compiled: evaluate lakepact's own rules too, and not only those that the contract has for GX. A rule for which GX
    has no kind of its own becomes a column of its answers, which GX counts; one on the whole dataset is skipped.
    docs: a folder for Data Docs, which quote no values.
    """

    def __init__(self, *, compiled: bool = False, docs: Path | None = None) -> None:
        self._compiled = compiled
        self._docs = docs

    @property
    def name(self) -> str:
        """`gx`."""
        return "gx"

    def takes(self, data: Data) -> bool:
        """Data frames, and files that DuckDB reads."""
        return True

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """A result for each rule that is for GX, in the order of the rules.

        An expectation that GX cannot evaluate is ERROR, with what GX says, and the others are evaluated all the same.
        Raises ExtraMissing LP975 where GX is not installed, LP974 for files without DuckDB.
        """
        asked = asked_rules(rules, self.name, compiled=self._compiled)
        if not asked:
            return ()
        library = _library()

        def evaluate() -> dict[str, Finding]:
            with _quiet(), opened(data, rules, context, extra="gx") as shaped:
                evaluation = _Evaluation(library, shaped, rules, context, compiled=self._compiled, docs=self._docs)
                return evaluation.findings()

        return _GX.results(asked, context, evaluate)


def _library() -> Any:
    try:
        with environment(_QUIET_ENVIRONMENT):
            import great_expectations
    except ImportError as error:
        message = f"Great Expectations is not installed: there is no module {error.name!r}"
        raise ExtraMissing(message, "LP975", "pip install 'lakepact[gx]'") from None
    return great_expectations


@contextmanager
def _quiet() -> Iterator[None]:
    """While this is open, GX logs nothing: what it has to say is in its results."""
    logger = logging.getLogger("great_expectations")
    propagates, handler = logger.propagate, logging.NullHandler()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        with errors_expected():
            yield
    finally:
        logger.propagate = propagates
        logger.removeHandler(handler)


def _asking(stop: Stop, records: Callable[..., Any]) -> Callable[..., Any]:
    """A method by which each metric of GX gets the data, and which asks first whether anybody still waits."""

    def asked(*arguments: Any, **named: Any) -> Any:
        stop.check()
        return records(*arguments, **named)

    return asked


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for a rule: expectations, and the demand where it is lakepact's own rule."""

    rule: AnyRule
    expectations: tuple[GxExpectation, ...]
    demand: Demand | None = None


class _Evaluation:
    def __init__(
        self,
        library: Any,
        data: ShapedData,
        rules: ObjectRules,
        context: EngineContext,
        *,
        compiled: bool,
        docs: Path | None,
    ) -> None:
        self._library = library
        self._data = data
        self._stop = context.stop
        self._rules = rules
        self._compiled = compiled
        self._docs = docs
        self._described = asked_object(context.run.contract, rules.name)
        self._samples = 0 if docs else context.samples
        self._public = public_columns(self._described) if self._samples else frozenset()
        self._answers: list[str] = []

    def findings(self) -> dict[str, Finding]:
        """What was found for each rule, by id."""
        findings: dict[str, Finding] = {}
        asked: list[_Asked] = []
        for rule, found in self._translated():
            if isinstance(found, Finding):
                findings[rule.id] = found
            else:
                asked.append(found)
        built: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for each in asked:
            for number, expectation in enumerate(each.expectations):
                name = f"{each.rule.id}#{number}"
                self._stop.check()
                try:
                    built[name] = self._built(expectation, name)
                except Inexpressible as reason:
                    faults[each.rule.id] = str(reason)
        results = self._run([each for name, each in built.items() if name.rpartition("#")[0] not in faults])
        for each in asked:
            if fault := faults.get(each.rule.id):
                findings[each.rule.id] = Finding(status=RuleStatus.ERROR, message=fault)
            else:
                parts = [results.get(f"{each.rule.id}#{number}") for number in range(len(each.expectations))]
                findings[each.rule.id] = self._finding(each, parts)
        return findings

    def _translated(self) -> Iterator[tuple[AnyRule, _Asked | Finding]]:
        for demand in demands_of(self._rules, self._described) if self._compiled else ():
            try:
                self._data.check_columns(demand.rule)
                expectation = self._own(demand)
            except Unanswerable as reason:
                yield demand.rule, Finding(status=RuleStatus.ERROR, message=str(reason))
            except Inexpressible as reason:
                yield demand.rule, Finding(status=RuleStatus.SKIPPED, message=str(reason))
            else:
                yield demand.rule, _Asked(demand.rule, (expectation,), demand)
        for rule in self._rules.engine_rules:
            if rule.engine != "gx":
                continue
            try:
                yield rule, _Asked(rule, translate_gx(rule))
            except Inexpressible as reason:
                yield rule, Finding(status=RuleStatus.ERROR, message=f"GX 1.x cannot be given the rule: {reason}")

    def _own(self, demand: Demand) -> GxExpectation:
        """The expectation that counts for a rule of lakepact; what the count has to be is compared here."""
        rule = demand.rule
        warns = rule.action is Action.WARN
        if isinstance(demand.what, Typed):
            raise Inexpressible(f"GX sees stored values, not those from which values of {demand.what.type} are made")
        if isinstance(demand.what, RowCount):
            kind, kwargs = "expect_table_row_count_to_be_between", {"min_value": 0}
            return GxExpectation(rule=rule.id, type=kind, kwargs=kwargs, warns=warns, description=rule.description)
        found = rows_expectation(demand.what, exact=True)
        # Python's patterns are not those of Java.
        if found is None or (isinstance(demand.what, Matching) and self._data.session is None):
            if not demand.predicate:
                raise Inexpressible("GX has no expectation that measures it")
            column = f"{_ANSWER}{len(self._answers)}"
            self._answers.append(self._data.tables.expression(demand.predicate))
            found = "expect_column_values_to_be_in_set", {"column": column, "value_set": [True]}, ""
        return GxExpectation(rule=rule.id, type=found[0], kwargs=found[1], warns=warns, description=rule.description)

    def _built(self, expectation: GxExpectation, name: str) -> Any:
        """The expectation for GX. Raises Inexpressible where a column is not there, or GX refuses an argument."""
        # Whether a column exists may be what is asked.
        names = [] if expectation.type == "expect_column_to_exist" else _columns(expectation.kwargs)
        for column in names:
            if not column.startswith(_ANSWER) and (reason := self._data.obstacle(column)):
                raise Inexpressible(reason)
        document = replace(expectation, rule=name).document()
        try:
            suite = self._library.ExpectationSuite(name=_NAME, expectations=[document])
        except Exception as error:  # GX has no error of its own for arguments that it does not take
            raise Inexpressible(f"GX refuses the expectation: {described_fault(error)}") from error
        return suite.expectations[0]

    def _run(self, expectations: Sequence[Any]) -> dict[str, Any]:
        """The results by the name that `meta` carries."""
        if not expectations:
            return {}
        context = self._library.get_context(mode="ephemeral")
        context.enable_analytics(False)
        context.variables.progress_bars = {"globally": False}
        suite = context.suites.add(self._library.ExpectationSuite(name=_NAME, expectations=list(expectations)))
        queries = any(each.expectation_type == QUERY for each in expectations)
        with self._left_clean(queries=queries):
            frame = self._frame()
            sources = context.data_sources
            if self._data.session is not None:
                source = sources.add_spark(name=_NAME, persist=False)
                # Its queries would be run in the process's default session, which need not know the data.
                source.get_execution_engine().spark = self._data.session
            else:
                source = sources.add_pandas(name=_NAME)
                engine = source.get_execution_engine()
                engine.get_domain_records = _asking(self._stop, engine.get_domain_records)
            batch = source.add_dataframe_asset(name=self._rules.name).add_batch_definition_whole_dataframe(_NAME)
            definition = context.validation_definitions.add(
                self._library.ValidationDefinition(name=_NAME, data=batch, suite=suite)
            )
            validated = self._validated(context, definition, frame)
        return {str(each.expectation_config.meta[RULE]): each for each in validated.results}

    def _validated(self, context: Any, definition: Any, frame: Any) -> Any:
        level = "SUMMARY" if self._samples else "BASIC"
        asked = {"result_format": level, "partial_unexpected_count": self._samples}
        if self._docs is None:
            return definition.run(batch_parameters={"dataframe": frame}, result_format=asked)
        from great_expectations.checkpoint.actions import UpdateDataDocsAction

        place = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(self._docs.absolute())}
        index = {"class_name": "DefaultSiteIndexBuilder"}
        site = {"class_name": "SiteBuilder", "store_backend": place, "site_index_builder": index}
        context.add_data_docs_site(_NAME, site)
        checkpoint = context.checkpoints.add(
            self._library.Checkpoint(
                name=_NAME,
                validation_definitions=[definition],
                actions=[UpdateDataDocsAction(name=_NAME, site_names=[_NAME])],
                result_format=asked,
            )
        )
        (validated,) = checkpoint.run(batch_parameters={"dataframe": frame}).run_results.values()
        return validated

    def _frame(self) -> Any:
        quote = self._data.tables.quote
        answers = [f"({sql}) AS {quote(f'{_ANSWER}{number}')}" for number, sql in enumerate(self._answers)]
        if self._data.session is not None:
            return self._data.session.table(identifier(self._data.view)).selectExpr("*", *answers)
        import pandas

        columns = ", ".join(("*", *answers))
        found = self._data.connection.sql(f"SELECT {columns} FROM {self._data.tables.own}").to_arrow_table()
        # Types of Arrow keep whole numbers beside NULL, and decimals.
        return found.to_pandas(types_mapper=pandas.ArrowDtype)

    @contextmanager
    def _left_clean(self, *, queries: bool) -> Iterator[None]:
        """Takes away what GX leaves in the session, unless it was there before."""
        catalog = self._data.session.catalog if queries and self._data.session is not None else None
        ours = catalog is not None and not catalog.tableExists(_LEFT_BEHIND)
        try:
            yield
        finally:
            if ours and catalog is not None:
                catalog.dropTempView(_LEFT_BEHIND)

    def _finding(self, asked: _Asked, parts: Sequence[Any]) -> Finding:
        errors = [_fault(part) for part in parts]
        if fault := next((each for each in errors if each), ""):
            return Finding(status=RuleStatus.ERROR, message=fault)
        counts = [part.result["unexpected_count"] for part in parts if "unexpected_count" in part.result]
        violations = sum(int(count) for count in counts) if counts else None
        tested = next((int(n) for part in parts if (n := part.result.get("element_count")) is not None), None)
        if asked.demand is not None:
            return self._own_finding(asked.demand, parts[0], violations, tested)
        values = [part.result["observed_value"] for part in parts if "observed_value" in part.result]
        queried = [each.type == QUERY for each in asked.expectations]
        if all(queried):
            violations, values = sum(int(value) for value in values), []
        examples, rows = self._quoted(asked, parts, violations)
        return Finding(
            status=RuleStatus.PASS if all(part.success for part in parts) else None,
            violations=violations,
            tested=tested,
            value=shown_number(values[0]) if len(values) == 1 else None,
            examples=examples,
            rows=rows,
        )

    def _own_finding(self, demand: Demand, part: Any, violations: int | None, tested: int | None) -> Finding:
        if isinstance(demand.rule, RowRule):
            asked = _Asked(demand.rule, (_asked_by(part),), demand)
            status = None if violations else RuleStatus.PASS
            examples, rows = self._quoted(asked, [part], violations)
            return Finding(status=status, violations=violations or 0, tested=tested, examples=examples, rows=rows)
        measured: float = part.result["observed_value"] if violations is None else violations
        if demand.percent:
            measured = 100.0 * measured / tested if tested else 0.0
        kept = all(_holds(each, as_fraction(measured)) for each in demand.thresholds)
        return Finding(status=RuleStatus.PASS if kept else None, value=shown_number(measured))

    def _quoted(
        self, asked: _Asked, parts: Sequence[Any], violations: int | None
    ) -> tuple[tuple[object, ...], tuple[str, ...]]:
        """Rows that break the rule, second; where these cannot be asked for, the values that GX gives."""
        if not self._samples or not violations:
            return (), ()
        try:
            with errors_expected():
                broken = self._broken(asked)
                found = (example_rows(self._data, each, self._described, self._samples) for each in broken if each)
                rows = tuple(islice(chain.from_iterable(found), self._samples))
        except Exception:  # whatever a driver raises: rows are a help, and the counts are there without them
            rows = ()
        return (() if rows else self._examples(asked, parts)), rows

    def _broken(self, asked: _Asked) -> list[BrokenRows | None]:
        if asked.demand is not None:
            return [broken_by_demand(asked.demand, self._data)]
        return [broken_by_expectation(each, self._data) for each in asked.expectations]

    def _examples(self, asked: _Asked, parts: Sequence[Any]) -> tuple[object, ...]:
        """Values that break the rule, of public columns only."""
        columns = [name for each in asked.expectations for name in _columns(each.kwargs)]
        if not self._samples or not columns or not self._public.issuperset(columns):
            return ()
        found = [value for part in parts for value in part.result.get("partial_unexpected_list") or ()]
        return tuple(found[: self._samples])


def _asked_by(part: Any) -> GxExpectation:
    return GxExpectation(rule="", type=part.expectation_config.type, kwargs=part.expectation_config.kwargs)


def _columns(kwargs: Mapping[str, object]) -> list[str]:
    """The columns that an expectation names."""
    names = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    listed = kwargs.get("column_list")
    return [str(name) for name in (*names, *(listed if isinstance(listed, list | tuple) else ()))]


def _fault(part: Any) -> str:
    """Why there is no result, '' where there is one."""
    if part is None:
        return "GX gave no result"
    told = "" if part.success else _told(part.exception_info)
    return f"GX cannot evaluate it: {told}" if told else ""


def _told(info: object) -> str:
    """The message of an exception, which stands in different places."""
    if not isinstance(info, Mapping):
        return ""
    if message := info.get("exception_message"):
        return described_fault(str(message))
    return next((text for each in info.values() if (text := _told(each))), "")


def _holds(threshold: Threshold, measured: Fraction) -> bool:
    value = threshold.value
    bounds = [as_fraction(each) for each in (value if isinstance(value, tuple) else (value,))]
    match threshold.operator:
        case Operator.MUST_BE:
            return measured == bounds[0]
        case Operator.MUST_NOT_BE:
            return measured != bounds[0]
        case Operator.MUST_BE_GREATER_THAN:
            return measured > bounds[0]
        case Operator.MUST_BE_GREATER_OR_EQUAL_TO:
            return measured >= bounds[0]
        case Operator.MUST_BE_LESS_THAN:
            return measured < bounds[0]
        case Operator.MUST_BE_LESS_OR_EQUAL_TO:
            return measured <= bounds[0]
        case Operator.MUST_BE_BETWEEN:
            return bounds[0] <= measured <= bounds[1]
    return not bounds[0] <= measured <= bounds[1]
