"""What a contract says of violations, applied to columns that differ and to rules that no row can be blamed for."""

from __future__ import annotations

from dataclasses import replace

from lakepact.contract.types import AtomicType
from lakepact.quality.native import Run
from lakepact.quality.schema import Alignment, ColumnDrift, DriftKind
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.handling import Concern, Handling, Response
from lakepact.rules.model import Action, DatasetRule, EngineRule, ObjectRules, RowRule

__all__ = [
    "SCHEMA_RULE",
    "AnyRule",
    "batch_rules",
    "handled_alignment",
    "rule_result",
    "rules_of",
    "schema_result",
    "settled_status",
    "whole_quarantine",
]

SCHEMA_RULE = "schema"

AnyRule = RowRule | DatasetRule | EngineRule


def handled_alignment(alignment: Alignment, rules: ObjectRules, handling: Handling, *, text: bool = False) -> Alignment:
    """The alignment with what the contract's `schemaContract` allows and forbids: `adapted` says so of each column.

    `text`: the data has no types (CSV, JSON), so that a text where the contract wants a number is no change of type.
    """
    required = {column.name for column in rules.columns if column.required}
    drift = tuple(
        replace(each, adapted=_tolerated(each, handling, required=each.column in required, text=text))
        for each in alignment.drift
    )
    return replace(alignment, drift=drift)


def _tolerated(drift: ColumnDrift, handling: Handling, *, required: bool, text: bool) -> bool:
    said = handling.schema
    match drift.kind:
        case DriftKind.EXTRA:
            return drift.adapted or said.strict_mode is False
        case DriftKind.MISSING:
            return drift.adapted or (said.strict_mode is False and not required)
        case DriftKind.TYPE if drift.adapted and said.allow_type_changes is False:
            return text and drift.found == AtomicType("STRING").ddl
    return drift.adapted


def schema_result(
    run: Run, object_name: str, alignment: Alignment | None, handling: Handling, *, asked: bool = True
) -> RuleResult:
    """The result of holding the columns of the data against the contract.

    Without an alignment it is ERROR where an engine was `asked` for it, and SKIPPED where none tells columns.
    """
    response = handling.response(Concern.SCHEMA) or Response.BLOCK
    worst = [each for each in alignment.drift if not each.adapted] if alignment is not None else []
    status = settled_status(response.action) if worst else RuleStatus.PASS
    message = "; ".join(map(str, worst))
    if alignment is None:
        status = RuleStatus.ERROR if asked else RuleStatus.SKIPPED
        message = "the columns of the data could not be read" if asked else "no engine was asked that tells columns"
    return RuleResult(
        run_id=run.run_id,
        contract_id=run.contract.id,
        contract_version=run.contract.version,
        object=object_name,
        dataset=run.dataset,
        rule_id=SCHEMA_RULE,
        rule_name=SCHEMA_RULE,
        action=response.action,
        status=status,
        at=run.clock(),
        engine="schema",
        violations=len(worst) if alignment is not None else None,
        message=message,
    )


def settled_status(action: Action) -> RuleStatus:
    """The status of a violated rule of that action."""
    return RuleStatus.WARN if action is Action.WARN else RuleStatus.FAIL


def batch_rules(rules: ObjectRules, handling: Handling) -> ObjectRules:
    """The rules where all data can be set aside: then `quarantine` of the contract is for rules on all of it too.

    What a rule says for itself, by a policy or `lakepact.action`, stays.
    """
    whole = tuple(
        replace(rule, action=Action.QUARANTINE, action_from="quarantine of all data")
        if whole_quarantine(rule, handling)
        else rule
        for rule in rules.dataset_rules
    )
    return replace(rules, dataset_rules=whole)


def rules_of(rules: ObjectRules) -> tuple[AnyRule, ...]:
    """All rules of an object: on rows, on the dataset, of engines."""
    return (*rules.row_rules, *rules.dataset_rules, *rules.engine_rules)


def whole_quarantine(rule: DatasetRule, handling: Handling) -> bool:
    """Whether a violation of the rule sets all of the data aside, as the contract says of rules of that kind."""
    if rule.action_from not in ("default", "severity") or (rule.severity or "error").casefold() != "error":
        return False
    level = any(clause.startswith("slaProperties") for clause in rule.clauses)
    return handling.response(Concern.SLA if level else Concern.QUALITY) is Response.QUARANTINE


def rule_result(run: Run, rule: AnyRule, engine: str, status: RuleStatus, message: str) -> RuleResult:
    """A result without counts: of a rule that was not evaluated, or could not be."""
    return RuleResult(
        run_id=run.run_id,
        contract_id=run.contract.id,
        contract_version=run.contract.version,
        object=rule.object,
        dataset=run.dataset,
        rule_id=rule.id,
        rule_name=rule.name,
        action=rule.action,
        status=status,
        at=run.clock(),
        engine=engine,
        threshold=rule.threshold if isinstance(rule, DatasetRule) else None,
        dimension=rule.dimension,
        severity=rule.severity,
        message=message,
    )
