"""What adapters of foreign engines share: one result for each rule, whatever the engine says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lakepact.contract.model import Contract, SchemaObject
from lakepact.errors import ExtraMissing
from lakepact.quality.engine import EngineContext
from lakepact.quality.handling import AnyRule, rule_result, settled_status
from lakepact.quality.native import Run
from lakepact.quality.stopping import GivenUp
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import ObjectRules, RowRule

__all__ = [
    "Delegate",
    "Finding",
    "asked_object",
    "asked_rules",
    "described_fault",
    "public_columns",
    "result_of",
    "shown_number",
]

_PUBLIC = "public"
_LONGEST_FAULT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What an engine found for a rule, in lakepact's terms.

    `status` None stands for a violation: the rule's action says what that is. `violations` are rows that break the
    rule, `value` the measured value of a rule on the dataset. `examples` are values that break it, `rows` texts of
    rows that do.
    """

    status: RuleStatus | None
    violations: int | None = None
    tested: int | None = None
    value: str | None = None
    threshold: str | None = None
    message: str = ""
    examples: Sequence[object] = ()
    rows: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Delegate:
    """A library that evaluates rules: its engine's name in results, its own name, and the lock of its evaluations.

    Such a library keeps what it logs in one place for the whole process, so that one evaluation runs at a time.
    """

    engine: str
    title: str
    lock: threading.Lock = field(default_factory=threading.Lock)

    def results(
        self, asked: Sequence[AnyRule], context: EngineContext, evaluate: Callable[[], Mapping[str, Finding]]
    ) -> tuple[RuleResult, ...]:
        """A result for each rule from what `evaluate` finds, by id; where it raises, each is ERROR and says what.

        Raises ExtraMissing, and nothing else.
        """
        if not self.lock.acquire(timeout=-1 if context.seconds is None else context.seconds):
            return self._errors(asked, context, f"another evaluation by {self.title} has not ended")
        try:
            context.stop.check()
            findings = evaluate()
        except ExtraMissing:
            raise
        except GivenUp:
            return self._errors(asked, context, "nobody waits for it any more")
        except Exception as error:  # the library is somebody else's code: whatever it raises is told with the rules
            return self._errors(asked, context, f"{self.title} failed: {described_fault(error)}")
        finally:
            self.lock.release()
        return tuple(result_of(context.run, rule, self.engine, findings[rule.id]) for rule in asked)

    def _errors(self, asked: Sequence[AnyRule], context: EngineContext, message: str) -> tuple[RuleResult, ...]:
        finding = Finding(status=RuleStatus.ERROR, message=message)
        return tuple(result_of(context.run, rule, self.engine, finding) for rule in asked)


def result_of(run: Run, rule: AnyRule, engine: str, finding: Finding) -> RuleResult:
    """The result of a rule."""
    status = finding.status or settled_status(rule.action)
    plain = rule_result(run, rule, engine, status, finding.message or _message(rule, finding, status))
    return replace(
        plain,
        violations=finding.violations,
        tested=finding.tested,
        value=finding.value,
        threshold=finding.threshold or plain.threshold,
    )


def _message(rule: AnyRule, finding: Finding, status: RuleStatus) -> str:
    if status in (RuleStatus.PASS, RuleStatus.SKIPPED):
        return ""
    if isinstance(rule, RowRule) or finding.violations:
        of = f" of {finding.tested}" if finding.tested is not None else ""
        examples = [*map(repr, finding.examples), *finding.rows]
        quoted = f", for example {', '.join(examples)}" if examples else ""
        rows = "row" if finding.violations == 1 and not of else "rows"
        return f"{finding.violations}{of} {rows}{quoted}"
    value = finding.value if finding.value is not None else "no value"
    threshold = finding.threshold or getattr(rule, "threshold", "")
    return f"{value}, {threshold}" if threshold else value


def asked_rules(rules: ObjectRules, engine: str, *, compiled: bool) -> tuple[AnyRule, ...]:
    """The rules that are for the engine, after lakepact's own where these are asked for too (`compiled`)."""
    own: tuple[AnyRule, ...] = (*rules.row_rules, *rules.dataset_rules) if compiled else ()
    return (*own, *(rule for rule in rules.engine_rules if rule.engine == engine))


def asked_object(contract: Contract, name: str) -> SchemaObject:
    """The schema object that rules are those of."""
    described = contract.object(name)
    assert described is not None, "the rules are those of the contract"
    return described


def public_columns(described: SchemaObject) -> frozenset[str]:
    """The columns whose values may be quoted: those that the contract classifies as public."""
    return frozenset(prop.column for prop in described.properties if (prop.classification or "").casefold() == _PUBLIC)


def shown_number(value: object) -> str | None:
    """A measured number as results have it, whatever type the engine gives it; None for none."""
    if value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else str(number)


def described_fault(error: object) -> str:
    """The first words of what an engine says, on one line."""
    text = " ".join(str(error).split())
    text = text if isinstance(error, str) or not text else f"{type(error).__name__}: {text}"
    return text[:_LONGEST_FAULT] or type(error).__name__
