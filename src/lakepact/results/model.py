"""What came of holding data against a contract: one result a rule, and one verdict over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lakepact.rules.model import Action

__all__ = ["RuleResult", "RuleStatus", "Verdict", "verdict_of"]


class RuleStatus(StrEnum):
    """How one rule ended.

    FAIL: it is violated, and what it guards must not go on, or its rows were set aside. WARN: it is violated, and that
    is only recorded. ERROR: it could not be evaluated, which is neither a pass nor a violation. SKIPPED: it was not
    evaluated, and `message` says why.
    """

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """The one word on all rules of a dataset: it alone decides what is raised, written and recorded.

    QUARANTINE: rows were set aside (or dropped), the others hold every rule that removes rows.
    """

    PASS = "pass"
    WARN = "warn"
    QUARANTINE = "quarantine"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """The result of one rule in one run on one dataset: a row of `rule_results`.

    `rule_id` and `rule_name` are those of the compiled rule, or of a clause that is no rule (`schema`). `violations` is
    the number of rows that break a row rule, None for a rule on the whole dataset; `tested` the number of rows that
    were looked at. `value` and `threshold` are the measured value of a dataset rule and what it should be, as text.
    `seconds` is None where the rule was evaluated together with others. `sample` names where violating rows can be
    found (a quarantine table). `message` is a sentence for people. `at` is in UTC.
    """

    run_id: str
    contract_id: str
    contract_version: str
    object: str
    dataset: str
    rule_id: str
    rule_name: str
    action: Action
    status: RuleStatus
    at: datetime
    engine: str = "native"
    violations: int | None = None
    tested: int | None = None
    value: str | None = None
    threshold: str | None = None
    dimension: str | None = None
    severity: str | None = None
    seconds: float | None = None
    sample: str | None = None
    message: str = ""


def verdict_of(results: Iterable[RuleResult]) -> Verdict:
    """The verdict: the worst of the rules. A rule that could not be evaluated and must stop an update fails it.

    >>> verdict_of(())
    <Verdict.PASS: 'pass'>
    """
    worst = Verdict.PASS
    for result in results:
        worst = max(worst, _verdict(result), key=list(Verdict).index)
    return worst


def _verdict(result: RuleResult) -> Verdict:
    match result.status:
        case RuleStatus.PASS | RuleStatus.SKIPPED:
            return Verdict.PASS
        case RuleStatus.WARN:
            return Verdict.WARN
        case RuleStatus.FAIL if result.action in (Action.QUARANTINE, Action.DROP):
            return Verdict.QUARANTINE
        case RuleStatus.ERROR if result.action is Action.WARN:
            return Verdict.WARN
    return Verdict.FAIL
