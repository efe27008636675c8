"""The service levels of a contract (`slaProperties`), decided from data, run history and the clock.

Data speaks through the rules that the contract compiles to (freshness, retention, completeness) and their recorded
results; runs through all results (frequency, availability, error rate, volume). What nothing decides is unknown, with
the reason, and never met.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from lakepact.contract.model import Contract, SchemaObject, SlaProperty
from lakepact.errors import UsageError
from lakepact.quality import sla_measures as measures
from lakepact.quality.sla_limits import kind_of, shown
from lakepact.quality.sla_measures import Finding, Question
from lakepact.results.levels import LevelResult, level_names, levels_by_rule
from lakepact.results.model import RuleResult
from lakepact.results.runs import DatasetHistory, histories
from lakepact.rules import compile_rules
from lakepact.rules.literals import Inexpressible, zone_of
from lakepact.rules.model import DatasetRule, RowRule, RuleSet

__all__ = ["WINDOW", "service_levels", "sla_rule_ids"]

WINDOW: Final = dt.timedelta(days=30)
"""How far back shares and gaps are looked at."""

_BY_RULE: Final = ("latency", "retention")
_BY_RUNS: Final = {
    "frequency": measures.frequency,
    "availability": measures.availability,
    "errorrate": measures.error_rate,
    "throughput": measures.volume,
    "generalavailability": measures.general_availability,
    "timeofavailability": measures.time_of_availability,
    "endofsupport": measures.end_of_life,
    "endoflife": measures.end_of_life,
}


def service_levels(
    contract: Contract,
    results: Iterable[RuleResult],
    *,
    now: dt.datetime,
    window: dt.timedelta = WINDOW,
    timezone: str = "UTC",
    dataset: str | None = None,
    rules: RuleSet | None = None,
) -> tuple[LevelResult, ...]:
    """How every service level stands at `now`, in the order of the document, for each dataset that is recorded.

    `results` are rows of `rule_results`, of any contract and in any order; those after `now` are not counted, and the
    reason says so. `window` is for shares and gaps, `timezone` for days and times of day that name none, `dataset`
    restricts to one. Raises UsageError LP993 for an unknown time zone, or a `now` without one.

    >>> from lakepact.contract import load_contract
    >>> text = b"apiVersion: v3.1.0\\nkind: DataContract\\nid: a\\nversion: 1.0.0\\nschema: [{name: t}]\\n"
    >>> text += b"slaProperties: [{property: frequency, value: 1, unit: d}]"
    >>> [found] = service_levels(load_contract(text), (), now=dt.datetime(2024, 5, 1, tzinfo=dt.UTC))
    >>> print(found.state, found.reason)
    unknown no run is recorded
    """
    if now.tzinfo is None:
        raise UsageError("the moment to look at names no time zone", "LP993", "give a datetime with a tzinfo")
    try:
        zone = zone_of(timezone)
    except Inexpressible as unknown:
        raise UsageError(str(unknown), "LP993", "write a name such as Europe/Berlin") from unknown
    known = histories(results, contract_id=contract.id, now=now, dataset=dataset)
    compiled = compile_rules(contract) if rules is None else rules
    names = level_names(contract.sla_properties)
    found: list[LevelResult] = []
    for sla, name in zip(contract.sla_properties, names, strict=True):
        asking = partial(Question, sla, window=window, zone=zone)
        answers = _found(
            contract, sla, known, compiled, asking, partial(DatasetHistory, dataset="", results=(), now=now)
        )
        found += [_result(contract, sla, name, element, history, answer) for element, history, answer in answers]
    return tuple(found)


def sla_rule_ids(contract: Contract, rules: RuleSet | None = None) -> tuple[str, ...]:
    """The ids of the rules that measure service levels on data."""
    return tuple(levels_by_rule(contract, rules))


@dataclass(frozen=True, slots=True)
class _Target:
    """What a service level is about: an element of the document, its object, and the rules that measure it.

    `element` is '' for the whole object; `object` is None where the contract has no such thing.
    """

    element: str
    object: str | None
    rules: tuple[str, ...] = ()


def _found(
    contract: Contract,
    sla: SlaProperty,
    known: Sequence[DatasetHistory],
    rules: RuleSet,
    asking: Callable[[DatasetHistory], Question],
    nothing: Callable[[str], DatasetHistory],
) -> Iterator[tuple[str, DatasetHistory, Finding]]:
    """What is found of each target of the service level, in each dataset of its object."""
    for target in _targets(contract, sla, rules, known):
        own = tuple(each for each in known if each.object == target.object) or (nothing(target.object or ""),)
        for history in own:
            try:
                found = _finding(asking(history), target, contract, rules)
            except (Inexpressible, OverflowError) as refused:
                reason = str(refused) if isinstance(refused, Inexpressible) else "it is out of range"
                found = measures.unmeasured(reason, limit=shown(sla))
            yield target.element, history, found


def _finding(asked: Question, target: _Target, contract: Contract, rules: RuleSet) -> Finding:
    kind = kind_of(asked.sla)
    if kind in _BY_RULE and target.rules:
        if kind == "latency":
            return measures.freshness_by_rule(asked, target.rules[0], contract.version)
        return measures.retention(asked, target.rules[0])
    if kind == "latency" and not asked.sla.elements and not contract.sla_default_element:
        return measures.freshness_by_runs(asked)
    if kind in _BY_RULE:
        return measures.unmeasured(_refusal(asked.sla, rules), limit=shown(asked.sla))
    if target.object is None:
        raise Inexpressible(f"{target.element!r} is no object or property of this contract")
    if kind in _BY_RUNS:
        return _BY_RUNS[kind](asked)
    if kind == "completeness":
        if (asked.sla.unit or "").strip().casefold().startswith(("row", "record")):
            return measures.volume(asked)
        return measures.completeness(asked, _completeness_rules(rules, target))
    raise Inexpressible(f"nothing measures {asked.sla.property}")


def _rules_of(sla: SlaProperty, rules: RuleSet) -> list[DatasetRule]:
    found = (rule for each in rules.objects for rule in each.dataset_rules)
    return [rule for rule in found if sla.place.path in rule.clauses]


def _refusal(sla: SlaProperty, rules: RuleSet) -> str:
    """Why the contract compiles to no rule for it."""
    clause = next((each for each in rules.coverage.clauses if each.path == sla.place.path), None)
    return clause.reason if clause is not None and clause.reason else f"nothing measures {sla.property}"


def _targets(
    contract: Contract, sla: SlaProperty, rules: RuleSet, known: Sequence[DatasetHistory]
) -> Iterator[_Target]:
    """Each element that the service level names, else every object."""
    measured = _rules_of(sla, rules)
    default = (contract.sla_default_element,) if contract.sla_default_element and kind_of(sla) in _BY_RULE else ()
    named = sla.elements or default
    for element in named:
        if len(named) == 1 and measured:
            yield _Target(element, measured[0].object, (measured[0].id,))
            continue
        owner = _object_of(element, contract)
        label = element.partition(".")[2].replace("[]", "")
        own = (rule for rule in measured if owner is not None and rule.object == owner.name)
        ids = tuple(rule.id for rule in own if rule.name.partition(".sla.")[0].replace("[]", "") == label)
        yield _Target(element, None if owner is None else owner.name, ids)
    if not named:
        names = [each.name for each in contract.schema] or sorted({each.object for each in known}) or [""]
        yield from (_Target("", name) for name in names)


def _object_of(element: str, contract: Contract) -> SchemaObject | None:
    """The object that an element names, or whose property it names."""
    for each in contract.schema:
        if any(element == name or element.startswith(f"{name}.") for name in (each.name, each.physical_name) if name):
            return each
    return None


def _completeness_rules(rules: RuleSet, target: _Target) -> list[str]:
    """The rules on rows of the target whose dimension is completeness, or that demand a value."""
    found = rules.object(target.object or "")
    column = target.element.partition(".")[2].partition(".")[0]
    return [
        rule.id
        for rule in (found.row_rules if found is not None else ())
        if ((rule.dimension or "").casefold() == "completeness" or _demands_value(rule))
        and (not column or column in rule.columns)
    ]


def _demands_value(rule: RowRule) -> bool:
    return any(clause.endswith(".required") for clause in rule.clauses)


def _result(
    contract: Contract, sla: SlaProperty, name: str, element: str, history: DatasetHistory, found: Finding
) -> LevelResult:
    unused: Mapping[str, object] = {"scheduler": sla.scheduler, "schedule": sla.schedule, "valueExt": sla.value_ext}
    skew = ""
    if history.future:
        skew = f"; {history.future} results are dated after this moment and are not counted"
    return LevelResult(
        contract_id=contract.id,
        contract_version=contract.version,
        level=name,
        property=sla.property,
        object=history.object,
        element=element,
        dataset=history.dataset,
        state=found.state,
        measured=found.measured,
        limit=found.limit,
        since=found.since,
        source=found.source,
        reason=found.reason + skew,
        at=history.now,
        driver=sla.driver,
        unused=tuple(key for key, value in unused.items() if value is not None),
    )
