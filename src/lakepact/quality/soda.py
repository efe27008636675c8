"""Soda 4 as a quality engine: rules that are written for it, and on request lakepact's own."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Final

from lakepact.errors import ExtraMissing
from lakepact.quality.delegated import (
    Delegate,
    Finding,
    asked_object,
    asked_rules,
    described_fault,
    shown_number,
)
from lakepact.quality.engine import Data, EngineContext, FrameData
from lakepact.quality.examples import BrokenRows, broken_by_check, broken_by_demand, example_rows
from lakepact.quality.handling import AnyRule
from lakepact.quality.shaped import ShapedData, Unanswerable, opened
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import DatasetRule, EngineRule, ObjectRules, RowRule
from lakepact.spark.environment import environment
from lakepact.spark.quiet import errors_expected
from lakepact.targets.demands import demands_of
from lakepact.targets.queries import key_rows_query
from lakepact.targets.soda.checks import RULE, SodaCheck, soda_check
from lakepact.targets.soda.render import soda_document, soda_text
from lakepact.targets.soda.sodacl import translate_soda

__all__ = ["SodaEngine"]

_NAME: Final = "lakepact"
# Nothing is sent, and no file of the working directory becomes part of the environment.
_QUIET_ENVIRONMENT: Final = {"SODA_CORE_TELEMETRY_ENABLED": "false", "PYTHON_DOTENV_DISABLED": "true"}
_COUNTS: Final = {"missing": "missing_count", "invalid": "invalid_count", "failed_rows": "failed_rows_count"}
_SODA: Final = Delegate("soda", "Soda")


class SodaEngine:
    """Evaluates rules by Soda Core 4 (extra `soda`), on data frames and by DuckDB on files.

    compiled: evaluate lakepact's own rules too, and not only those that the contract has for Soda. Their counts are
    lakepact's (rows of repeated keys, not Soda's surplus), and data is taken as it is: a rule on the type of raw values
    is skipped. Rows that a result quotes are asked for by a query beside Soda, whose own samples go to its cloud.
    """

    def __init__(self, *, compiled: bool = False) -> None:
        self._compiled = compiled

    @property
    def name(self) -> str:
        """`soda`."""
        return "soda"

    def takes(self, data: Data) -> bool:
        """Data frames, and files that DuckDB reads."""
        return True

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """A result for each rule that is for Soda, in the order of the rules.

        A check that Soda cannot evaluate is ERROR, with what Soda says, and the others are evaluated all the same.
        Raises ExtraMissing LP973 where Soda is not installed, LP974 for files without DuckDB.
        """
        asked = asked_rules(rules, self.name, compiled=self._compiled)
        if not asked:
            return ()
        soda = _library(data)

        def evaluate() -> dict[str, Finding]:
            with opened(data, rules, context, extra="soda") as shaped:
                return _Evaluation(soda, shaped, rules, context, compiled=self._compiled).findings()

        return _SODA.results(asked, context, evaluate)


@dataclass(frozen=True, slots=True)
class _Library:
    """What is used of Soda."""

    session: Any
    contract: Any
    logs: Any
    frames: Any = None
    files: Any = None

    def source_of(self, data: ShapedData) -> _Source:
        """The data as Soda sees it."""
        if data.connection is not None:
            made = self.files.from_existing_cursor(data.connection, name=_NAME)
            return _Source(made, f"{_NAME}/main/{data.view}")
        return _Source(self.frames.from_existing_session(session=data.session, name=_NAME), f"{_NAME}/{data.view}")


@dataclass(frozen=True, slots=True)
class _Source:
    implementation: Any
    dataset: str


def _library(data: Data) -> _Library:
    try:
        with environment(_QUIET_ENVIRONMENT):
            return _imported(data)
    except ImportError as error:
        message = f"Soda is not installed: there is no module {error.name!r}"
        raise ExtraMissing(message, "LP973", "pip install 'lakepact[soda]'") from None


def _imported(data: Data) -> _Library:
    # First, or the plugins find each other in a circle.
    import soda_core.contracts  # noqa: F401
    from soda_core.common.logs import Logs
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession
    from soda_core.telemetry.soda_telemetry import SodaTelemetry

    # It reads the environment once, when it is first made.
    SodaTelemetry()
    if isinstance(data, FrameData):
        from soda_sparkdf import SparkDataFrameDataSource

        return _Library(ContractVerificationSession, ContractYamlSource, Logs, frames=SparkDataFrameDataSource)
    from soda_duckdb import DuckDBDataSource

    return _Library(ContractVerificationSession, ContractYamlSource, Logs, files=DuckDBDataSource)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What Soda says of one check: its result, or why there is none."""

    result: Any = None
    error: str = ""


class _Evaluation:
    def __init__(
        self, soda: _Library, data: ShapedData, rules: ObjectRules, context: EngineContext, *, compiled: bool
    ) -> None:
        self._soda = soda
        self._data = data
        self._rules = rules
        self._tables = data.tables
        self._source = soda.source_of(data)
        self._described = asked_object(context.run.contract, rules.name)
        self._demands = {each.rule.id: each for each in demands_of(rules, self._described)} if compiled else {}
        self._stop = context.stop
        self._samples = context.samples

    def findings(self) -> dict[str, Finding]:
        """What was found for each rule, by id."""
        findings: dict[str, Finding] = {}
        checks: dict[str, tuple[SodaCheck, ...]] = {}
        asked: dict[str, AnyRule] = {}
        for rule, found in self._translated():
            asked[rule.id] = rule
            if isinstance(found, Finding):
                findings[rule.id] = found
            else:
                checks[rule.id] = found
        # Each check has a name of its own, because a rule may have several.
        named = {
            f"{rule_id}#{number}": replace(check, rule=f"{rule_id}#{number}", qualifier=f"{place} {number}", name="")
            for place, (rule_id, several) in enumerate(checks.items())
            for number, check in enumerate(several)
        }
        outcomes = self._outcomes(tuple(named.values()))
        for rule_id, several in checks.items():
            parts = [(check, outcomes[f"{rule_id}#{number}"]) for number, check in enumerate(several)]
            found = self._finding(asked[rule_id], parts)
            findings[rule_id] = replace(found, rows=self._rows(asked[rule_id], found, several))
        return findings

    def _rows(self, rule: AnyRule, finding: Finding, checks: Sequence[SodaCheck]) -> tuple[str, ...]:
        """Rows that break the rule, which Soda Core counts and does not give."""
        if not self._samples or not finding.violations:
            return ()
        try:
            with errors_expected():
                broken = self._broken(rule, checks)
                found = (example_rows(self._data, each, self._described, self._samples) for each in broken if each)
                return tuple(islice(chain.from_iterable(found), self._samples))
        except Exception:  # whatever a driver raises: rows are a help, and the counts are there without them
            return ()

    def _broken(self, rule: AnyRule, checks: Sequence[SodaCheck]) -> list[BrokenRows | None]:
        match rule:
            case RowRule():
                return [broken_by_demand(self._demands[rule.id], self._data)]
            case EngineRule():
                return [broken_by_check(check, self._data, rule.columns) for check in checks]
        return []

    def _translated(self) -> Iterator[tuple[AnyRule, tuple[SodaCheck, ...] | Finding]]:
        for demand in self._demands.values():
            try:
                self._data.check_columns(demand.rule)
                yield demand.rule, (soda_check(demand, self._tables, exact=True),)
            except Unanswerable as reason:
                yield demand.rule, Finding(status=RuleStatus.ERROR, message=str(reason))
            except Inexpressible as reason:
                yield demand.rule, Finding(status=RuleStatus.SKIPPED, message=str(reason))
        for rule in self._rules.engine_rules:
            if rule.engine != "soda":
                continue
            try:
                checks = translate_soda(rule, self._tables)
            except Inexpressible as reason:
                yield rule, Finding(status=RuleStatus.ERROR, message=f"Soda 4 cannot be given the rule: {reason}")
            else:
                yield rule, (*checks, *self._companions(checks))

    def _companions(self, checks: Sequence[SodaCheck]) -> Iterator[SodaCheck]:
        """For a check of duplicates, one that counts what lakepact counts: every row of a repeated key."""
        for check in checks:
            if check.kind != "duplicate":
                continue
            named = check.body.get("columns", [check.column])
            keys = [self._tables.quote(str(name)) for name in named] if isinstance(named, list) else []
            where = f" WHERE {check.body['filter']}" if "filter" in check.body else ""
            source = f"(SELECT * FROM {self._tables.own}{where}) AS filtered"
            query = key_rows_query(keys, self._tables, source=source)
            yield SodaCheck(rule=check.rule, kind="metric", body={"query": query, "threshold": {"must_be": 0}})

    def _outcomes(self, checks: tuple[SodaCheck, ...]) -> dict[str, _Outcome]:
        """The outcome of each check. Where Soda reports an error, halves are asked again: one hides no other."""
        obstacles = {check.rule: self._obstacle(check) for check in checks}
        found = {rule: _Outcome(error=reason) for rule, reason in obstacles.items() if reason}
        return found | self._halved(tuple(check for check in checks if not obstacles[check.rule]))

    def _obstacle(self, check: SodaCheck) -> str:
        columns = check.body.get("columns", [check.column or check.body.get("column")])
        named = [str(name) for name in columns if name is not None] if isinstance(columns, list) else []
        return next((reason for name in named if (reason := self._data.obstacle(name))), "")

    def _halved(self, checks: tuple[SodaCheck, ...]) -> dict[str, _Outcome]:
        if not checks:
            return {}
        if self._stop.asked:
            return {check.rule: _Outcome(error="nobody waits for it any more") for check in checks}
        results, errors = self._run(checks)
        if not errors:
            return {check.rule: results.get(check.rule, _Outcome(error="Soda gave no result")) for check in checks}
        if len(checks) == 1:
            return {checks[0].rule: _Outcome(error=errors)}
        middle = len(checks) // 2
        return self._halved(checks[:middle]) | self._halved(checks[middle:])

    def _run(self, checks: Sequence[SodaCheck]) -> tuple[dict[str, _Outcome], str]:
        text = soda_text(soda_document(self._source.dataset, checks))
        try:
            with _quiet(self._soda.logs()) as logs, errors_expected():
                session = self._soda.session.execute(
                    contract_yaml_sources=[self._soda.contract.from_str(text)],
                    data_source_impls=[self._source.implementation],
                    logs=logs,
                )
        except Exception as error:  # a contract that Soda cannot read is an exception, and a query that fails is a log
            return {}, described_fault(error)
        results = {
            str(each.check.attributes[RULE]): _Outcome(result=each)
            for result in session.contract_verification_results
            for each in result.check_results
        }
        errors = session.get_errors_str() or "Soda reports an error"
        return results, described_fault(str(errors)) if session.has_errors else ""

    def _finding(self, rule: AnyRule, parts: Sequence[tuple[SodaCheck, _Outcome]]) -> Finding:
        """One finding from the checks of a rule; the last ones may be companions, which only count."""
        companions = sum(check.kind == "duplicate" for check, _ in parts) if isinstance(rule, EngineRule) else 0
        own = parts[: len(parts) - companions]
        errors = [outcome.error for _, outcome in own if outcome.error]
        if errors:
            return Finding(status=RuleStatus.ERROR, message=errors[0])
        outcomes = [str(outcome.result.outcome.name) for _, outcome in own]
        status: RuleStatus | None = RuleStatus.PASS
        if any(each in ("FAILED", "NOT_EVALUATED") for each in outcomes):
            # Without an error there is no value to compare: what must be so is not.
            status = None
        elif "WARN" in outcomes:
            status = RuleStatus.WARN if isinstance(rule, EngineRule) else None
        check, outcome = own[0]
        tested = outcome.result.diagnostic_metric_values.get("dataset_rows_tested")
        value = shown_number(outcome.result.threshold_value) if len(own) == 1 else None
        if isinstance(rule, RowRule):
            return Finding(status=status, violations=int(float(value or 0)), tested=tested)
        if isinstance(rule, DatasetRule):
            return Finding(status=status, value=value)
        return Finding(
            status=status,
            violations=self._violations(parts),
            tested=tested,
            value=value,
            threshold=_shown(check.body.get("threshold")) if len(own) == 1 else None,
        )

    def _violations(self, parts: Sequence[tuple[SodaCheck, _Outcome]]) -> int | None:
        """Rows that break the checks of a rule, where the checks count rows."""
        counts: list[int] = []
        for check, outcome in parts:
            if check.kind == "duplicate" or outcome.result is None:
                continue
            if check.kind in _COUNTS:
                counts.append(int(outcome.result.diagnostic_metric_values.get(_COUNTS[check.kind]) or 0))
            elif check.kind == "metric" and any(other.kind == "duplicate" for other, _ in parts):
                counts.append(int(outcome.result.threshold_value or 0))
        return sum(counts) if counts else None


def _shown(threshold: object) -> str | None:
    if not isinstance(threshold, Mapping):
        return None
    return ", ".join(f"{key} {_shown(value) or value}" for key, value in threshold.items() if key != "level")


class _Kept(logging.Handler):
    """Hands records to Soda's own collection."""

    def __init__(self, logs: Any) -> None:
        super().__init__()
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        self._logs.gatherer.emit(record)


@contextmanager
def _quiet(logs: Any) -> Iterator[Any]:
    """While this is open, what Soda logs goes to `logs` and nowhere else; then logging is as it was."""
    soda = logging.getLogger("soda")
    propagates = soda.propagate
    handler = _Kept(logs)
    soda.addHandler(handler)
    soda.propagate = False
    try:
        yield logs
    finally:
        soda.propagate = propagates
        soda.removeHandler(handler)
        for each in [each for each in logging.root.handlers if type(each).__module__ == type(logs).__module__]:
            logging.root.removeHandler(each)
