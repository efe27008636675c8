"""Data held against a contract by all engines that its rules need: columns, lakepact's own rules, Soda, GX, custom.

Engines that read files run side by side, each with a time limit; those on a Spark session one after the other. What an
engine cannot do is the result of its own rules and hides no other.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.errors import LakepactError, UsageError
from lakepact.quality.engine import Data, EngineContext, FrameData, QualityEngine, TableData
from lakepact.quality.evaluated import Evaluated, TellsColumns
from lakepact.quality.examples import with_examples
from lakepact.quality.handling import (
    AnyRule,
    batch_rules,
    handled_alignment,
    rule_result,
    rules_of,
    schema_result,
    settled_status,
)
from lakepact.quality.moments import with_moments
from lakepact.quality.native import Run
from lakepact.quality.opening import open_engine
from lakepact.quality.report import QualityReport
from lakepact.quality.running import Outcome, Task, run_tasks
from lakepact.quality.stopping import Stop
from lakepact.quality.table_data import on_disk
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.derive import compile_rules
from lakepact.rules.handling import EnforcementMode, Handling, handling_of
from lakepact.rules.model import EngineRule, ObjectRules
from lakepact.rules.policy import Policy

__all__ = ["LIMIT", "check_quality"]

LIMIT: Final = 300.0
_RULE_ENGINES: Final = ("soda", "gx", "custom")
_COMPILING: Final = ("soda", "gx")
_TEXT_FORMATS: Final = ("csv", "json")


@dataclass(frozen=True, slots=True)
class _Share:
    """The rules that one engine is asked for, and what stands in the way of asking it ('' for nothing)."""

    name: str
    engine: QualityEngine | None
    rules: ObjectRules
    obstacle: str = ""

    @property
    def expected(self) -> tuple[AnyRule, ...]:
        return rules_of(self.rules)


def check_quality(
    data: Data | TableData,
    contract: Contract,
    *,
    object_name: str | None = None,
    engines: Sequence[QualityEngine | str] = (),
    mode: EnforcementMode | str | None = None,
    handling: Handling | None = None,
    policy: Policy | None = None,
    references: Mapping[str, Data | TableData] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    seconds: float | None = LIMIT,
    samples: int = 0,
    dataset: str = "",
    run_id: str | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> QualityReport:
    """The verdict on the data, with a result for every rule of the object; nothing is written, nothing raised for data.

    engines: names or engines. The first one evaluates the rules of lakepact too (but `custom`, which cannot); rules of
    an engine that is not among them are skipped. With none, lakepact's rules are evaluated by Spark for a data frame
    and by DuckDB for files and tables in memory, and each engine that the contract has rules for does its own.
    handling, mode: stand in place of what the contract says is done about violations. seconds: the time that each
    engine has; one that takes longer is given up, its queries are ended, and its rules are errors. settings: arguments
    of engines, by name. samples: how many violating values a result may quote.

    Raises UsageError LP976, LP977 for engines, LP978 where no object of the contract is meant; ConfigurationError LP979
    for what is no data, or cannot be read as a table; ExtraMissing LP972 where PyArrow is not installed for a table.
    """
    began = monotonic()
    handled = (handling or handling_of(contract)).with_mode(EnforcementMode(mode) if mode is not None else None)
    compiled = compile_rules(contract, policy=policy, handling=handled)
    rules = batch_rules(_chosen(compiled.objects, object_name, contract), handled)
    run = Run(run_id=run_id or str(uuid.uuid4()), contract=contract, dataset=dataset or rules.table, clock=clock)
    if not handled.enabled:
        return _report(run, rules, _not_evaluated(run, rules), handled, began)
    with on_disk(data, references or {}) as (held, others):
        timed = tuple(with_moments(rule, run.clock()) for rule in rules.engine_rules)
        shares = list(_shares(held, replace(rules, engine_rules=timed), engines, settings or {}))
        context = EngineContext(run=run, references=others, seconds=seconds, samples=samples)
        telling = next((share.name for share in shares if isinstance(share.engine, TellsColumns)), "")
        told: list[Evaluated] = []
        outcomes = run_tasks(
            [_task(each, held, context, told if each.name == telling else None) for each in shares],
            seconds=seconds,
            parallel=not isinstance(held, FrameData),
        )
        text = not isinstance(held, FrameData) and held.format in _TEXT_FORMATS
        alignment = handled_alignment(told[0].alignment, rules, handled, text=text) if told else None
        results = [schema_result(run, rules.name, alignment, handled, asked=bool(telling))]
        for share, outcome in zip(shares, outcomes, strict=True):
            results += _settled(run, share, outcome, rules)
        results += _left_out(run, rules, results)
        return replace(
            _report(run, rules, results, handled, began),
            drift=alignment.drift if alignment is not None else (),
            counts=told[0].counts if told else None,
            seconds={share.name: outcome.seconds for share, outcome in zip(shares, outcomes, strict=True)},
        )


def _chosen(objects: Sequence[ObjectRules], name: str | None, contract: Contract) -> ObjectRules:
    found = [each for each in objects if name is None or each.name == name]
    if len(found) != 1:
        listed = ", ".join(repr(each.name) for each in objects) or "none"
        asked = f"has no schema object {name!r}" if name is not None else f"has {len(objects)} schema objects"
        raise UsageError(
            f"contract '{contract.id}' {contract.version} {asked}", "LP978", f"give `object_name`; known are: {listed}"
        )
    return found[0]


def _shares(
    data: Data,
    rules: ObjectRules,
    engines: Sequence[QualityEngine | str],
    settings: Mapping[str, Mapping[str, Any]],
) -> Iterator[_Share]:
    """Each engine with its rules, in the order in which they run."""
    own = rules.row_rules or rules.dataset_rules
    wanted = {rule.engine for rule in rules.engine_rules}
    asked: list[QualityEngine | str] = list(engines)
    if not asked:
        general = "native" if isinstance(data, FrameData) else "duckdb"
        asked = [general] if own or not wanted else []
        asked += [name for name in _RULE_ENGINES if name in wanted]
        first = general if own else ""
    else:
        first = next((name for name in map(_name, asked) if name != "custom"), "")
    # Lakepact's own rules come first, then the engines in the order of the flow.
    for each in sorted(asked, key=lambda each: (_name(each) != first, _position(_name(each)))):
        name = _name(each)
        mine = tuple(rule for rule in rules.engine_rules if rule.engine == name)
        share = replace(rules, engine_rules=mine)
        yield _opened(each, share if name == first else replace(share, row_rules=(), dataset_rules=()), data, settings)


def _name(engine: QualityEngine | str) -> str:
    return engine if isinstance(engine, str) else engine.name


def _position(name: str) -> int:
    return _RULE_ENGINES.index(name) if name in _RULE_ENGINES else -1


def _opened(
    engine: QualityEngine | str, rules: ObjectRules, data: Data, settings: Mapping[str, Mapping[str, Any]]
) -> _Share:
    name = _name(engine)
    if isinstance(engine, str):
        try:
            # Asked for lakepact's own rules, Soda and Great Expectations evaluate them too.
            own = {"compiled": True} if name in _COMPILING and (rules.row_rules or rules.dataset_rules) else {}
            engine = open_engine(name, own | dict(settings.get(name, {})))
        except UsageError:
            raise
        except LakepactError as error:
            return _Share(name, None, rules, _told(error))
    if not engine.takes(data):
        kind = "a data frame" if isinstance(data, FrameData) else f"files of the format {data.format}"
        return _Share(name, None, rules, f"the engine {name} does not read {kind}")
    return _Share(name, engine, rules)


def _task(share: _Share, data: Data, context: EngineContext, told: list[Evaluated] | None) -> Task:
    """The evaluation of the share, which can be ended by itself; with `told`, columns and counts go there."""
    engine: Any = share.engine
    stop = Stop()
    own = replace(context, stop=stop)

    def evaluate() -> tuple[RuleResult, ...]:
        if engine is None:
            return ()
        if told is None:
            return tuple(engine.evaluate(data, share.rules, own))
        told.append(engine.evaluate_data(data, share.rules, own))
        return with_examples(told[-1].results, data, share.rules, own)

    session = getattr(data.frame, "sparkSession", None) if isinstance(data, FrameData) else None
    return Task(share.name, evaluate, stop, session)


def _settled(run: Run, share: _Share, outcome: Outcome, rules: ObjectRules) -> Iterator[RuleResult]:
    """A result for each rule of the share, in their order, then those for rules that only the engine knows."""
    found = {each.rule_id: each for each in outcome.results}
    reason = share.obstacle or outcome.fault or f"the engine {share.name} gave no result"
    for rule in share.expected:
        result = found.pop(rule.id, None)
        if result is None:
            yield rule_result(run, rule, share.name, RuleStatus.ERROR, reason)
        elif result.status in (RuleStatus.FAIL, RuleStatus.WARN):
            yield replace(result, action=rule.action, status=settled_status(rule.action))
        else:
            yield replace(result, action=rule.action)
    of_others = {rule.id for rule in rules_of(rules)}
    yield from (each for rule_id, each in found.items() if rule_id not in of_others)


def _left_out(run: Run, rules: ObjectRules, results: Sequence[RuleResult]) -> list[RuleResult]:
    """The rules that no engine was asked for, as skipped."""
    known = {each.rule_id for each in results}
    return [_skipped(run, rule) for rule in rules_of(rules) if rule.id not in known]


def _skipped(run: Run, rule: AnyRule, message: str = "") -> RuleResult:
    if isinstance(rule, EngineRule):
        message = message or f"the engine {rule.engine} was not asked for"
        return rule_result(run, rule, rule.engine, RuleStatus.SKIPPED, message)
    return rule_result(run, rule, "native", RuleStatus.SKIPPED, message or "no engine was asked that evaluates it")


def _not_evaluated(run: Run, rules: ObjectRules) -> list[RuleResult]:
    return [_skipped(run, rule, "enforcement is disabled") for rule in rules_of(rules)]


def _report(
    run: Run, rules: ObjectRules, results: Sequence[RuleResult], handling: Handling, began: float
) -> QualityReport:
    return QualityReport(
        run_id=run.run_id,
        contract_id=run.contract.id,
        contract_version=run.contract.version,
        object=rules.name,
        dataset=run.dataset,
        results=tuple(results),
        total_seconds=monotonic() - began,
        mode=handling.mode,
    )


def _told(error: LakepactError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message
