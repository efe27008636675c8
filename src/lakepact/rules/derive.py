"""From a contract to its rules: every clause becomes rules or a reason, each rule gets its id and its action."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TypedDict

from lakepact.contract.model import Contract, Place, SemanticType
from lakepact.errors import Problem
from lakepact.rules.coverage import MEASURE, cover
from lakepact.rules.drafting import DatasetDraft, Draft, EngineDraft, KeyDraft, Ledger, ObjectScope, RowDraft
from lakepact.rules.fields import Field, Unreachable, walk
from lakepact.rules.handling import Handling, handling_of, quarantine_turned_off
from lakepact.rules.keys import key_drafts, primary_key
from lakepact.rules.model import (
    Action,
    DatasetRule,
    DuplicateRows,
    Enforcement,
    EngineRule,
    ObjectRules,
    RowRule,
    RowRuleKind,
    RuleSet,
    TypedColumn,
)
from lakepact.rules.naming import Names
from lakepact.rules.options import field_drafts, text_format, zone
from lakepact.rules.policy import Decision, Policy, decide
from lakepact.rules.quality import quality_drafts
from lakepact.rules.references import relationship_drafts
from lakepact.rules.sla import sla_drafts

__all__ = ["compile_rules"]

_Rule = RowRule | DatasetRule | EngineRule
_ENFORCEMENT = {RowRule: Enforcement.ROW, DatasetRule: Enforcement.DATASET, EngineRule: Enforcement.ENGINE}
_NOT_IN_PIPELINES = "a pipeline does not"

_KEPT_ASIDE = (
    "the contract turns its quarantine off, which holds for files that fail as a whole; pipelines and governed writes "
    "set rows aside all the same, unless their rules have the action drop or fail"
)
_STREAM = (
    "a stream cannot hold back a row whose twin comes later: the table is checked instead (rows are not quarantined)"
)


def compile_rules(
    contract: Contract,
    *,
    policy: Policy | None = None,
    streaming: Collection[str] = (),
    variant: bool = False,
    handling: Handling | None = None,
) -> RuleSet:
    """The rules of every schema object, and the coverage of the document.

    `streaming` names the objects that are fed as streams, where keys are checked on the table instead of row by row.
    `variant`: objects without properties are VARIANT instead of STRING. `handling` stands in place of what the contract
    says is done about violations. Never raises for what a contract says: what
    cannot be enforced is in the coverage with its reason, and in `problems` where the document is at fault.
    """
    ledger = Ledger(file=contract.file)
    scopes = _scopes(contract, ledger, variant=variant)
    levels: dict[str, list[DatasetDraft]] = {name: [] for name in scopes}
    for owner, draft in sla_drafts(contract, scopes, ledger):
        levels[owner.object.name].append(draft)
    handled = handling or handling_of(contract)
    ledger.problems.extend(handled.problems)
    compiler = _Compiler(policy or Policy(), handled, frozenset(streaming), ledger, scopes, levels)
    objects = tuple(compiler.object(scope) for scope in scopes.values())
    if (off := quarantine_turned_off(contract)) and any(map(_sets_rows_aside, objects)):
        ledger.refuse(off.place.path, _KEPT_ASIDE, code="LP211", place=off.place)
    return RuleSet(
        contract_id=contract.id,
        contract_version=contract.version,
        objects=objects,
        coverage=cover(contract, ledger),
        problems=tuple(_placed(problem, contract) for problem in ledger.problems),
    )


def _sets_rows_aside(rules: ObjectRules) -> bool:
    return any(rule.action is Action.QUARANTINE for rule in rules.row_rules)


def _placed(problem: Problem, contract: Contract) -> Problem:
    return problem if problem.file else replace(problem, file=contract.file)


def _scopes(contract: Contract, ledger: Ledger, *, variant: bool) -> dict[str, ObjectScope]:
    scopes: dict[str, ObjectScope] = {}
    for schema_object in contract.schema:
        fields: list[Field] = []
        for found in walk(schema_object, ledger.problems, variant=variant):
            if isinstance(found, Unreachable):
                ledger.sections[found.prop.place.path] = found.reason
            else:
                fields.append(found)
        scopes[schema_object.name] = ObjectScope(schema_object, tuple(fields))
    for problem in ledger.problems:
        if problem.code in ("LP201", "LP203"):
            ledger.note(problem.path, Enforcement.NOT_ENFORCEABLE, problem.message)
    for _, prop in contract.walk_properties():
        if prop.semantic_type is SemanticType.MEASURE:
            ledger.sections[prop.place.path] = MEASURE
    return scopes


@dataclass(slots=True)
class _Compiler:
    policy: Policy
    handling: Handling
    streaming: frozenset[str]
    ledger: Ledger
    scopes: dict[str, ObjectScope]
    levels: dict[str, list[DatasetDraft]]

    def object(self, scope: ObjectScope) -> ObjectRules:
        rows: list[RowRule] = []
        datasets: list[DatasetRule] = []
        engines: list[EngineRule] = []
        names = Names(scope.object.name)
        for draft in self._drafts(scope):
            rule = self._rule(draft, scope, names)
            match rule:
                case RowRule():
                    rows.append(rule)
                case DatasetRule():
                    datasets.append(rule)
                case EngineRule():
                    engines.append(rule)
        return ObjectRules(
            name=scope.object.name,
            table=scope.object.table,
            columns=tuple(_typed_column(field) for field in scope.columns),
            row_rules=tuple(rows),
            dataset_rules=tuple(datasets),
            primary_key=tuple(field.column for field in primary_key(scope)),
            engine_rules=tuple(engines),
        )

    def _drafts(self, scope: ObjectScope) -> Iterator[Draft]:
        ledger = self.ledger
        for field in scope.fields:
            yield from field_drafts(field, ledger)
            yield from quality_drafts(scope, field, ledger)
        yield from key_drafts(scope, ledger)
        yield from quality_drafts(scope, None, ledger)
        for field in scope.fields:
            yield from relationship_drafts(scope, field, self.scopes, ledger)
        yield from relationship_drafts(scope, None, self.scopes, ledger)
        yield from self.levels[scope.object.name]

    def _rule(self, draft: Draft, scope: ObjectScope, names: Names) -> _Rule:
        rule_id, name = names.take(draft.label)
        decision = decide(draft, rule_id, scope.object.name, self.policy, self.handling)
        if isinstance(draft, KeyDraft):
            draft, decision = self._key_draft(draft, scope, decision)
        rule = _rule(draft, rule_id, name, scope, decision)
        self._claim(rule, decision)
        return rule

    def _claim(self, rule: _Rule, decision: Decision) -> None:
        enforcement = _ENFORCEMENT[type(rule)]
        reason = (
            f"{rule.engine} runs it where data is checked; {_NOT_IN_PIPELINES}" if isinstance(rule, EngineRule) else ""
        )
        for path in rule.clauses:
            self.ledger.claim(path, enforcement, rule.id, reason)
            self.ledger.claim(path, enforcement, rule.id, decision.note)
        if decision.note and decision.note != _STREAM:
            self.ledger.problem("LP209", f"rule {rule.id!r}: {decision.note}", place=rule.place)

    def _key_draft(
        self, draft: KeyDraft, scope: ObjectScope, decision: Decision
    ) -> tuple[RowDraft | DatasetDraft, Decision]:
        """What a key demands of each row, or of the table where rows cannot be held back."""
        if scope.object.name in self.streaming and decision.action is not Action.FAIL:
            decision = Decision(Action.WARN, "stream", _STREAM)
        if decision.action in (Action.DROP, Action.QUARANTINE):
            row = RowDraft(
                label=draft.label,
                clauses=draft.clauses,
                description=draft.description,
                origin=draft.origin,
                predicate="",
                columns=draft.columns,
                kind=RowRuleKind.KEY,
            )
            return row, decision
        dataset = DatasetDraft(
            label=draft.label,
            clauses=draft.clauses,
            description=draft.description,
            origin=draft.origin,
            measure=DuplicateRows(draft.keys),
            condition="value = 0",
            threshold="mustBe 0 rows",
        )
        return dataset, decision


class _Shared(TypedDict):
    """What every rule says."""

    id: str
    name: str
    object: str
    clauses: tuple[str, ...]
    description: str
    action: Action
    action_from: str
    dimension: str | None
    severity: str | None
    place: Place


def _rule(
    draft: RowDraft | DatasetDraft | EngineDraft, rule_id: str, name: str, scope: ObjectScope, decision: Decision
) -> _Rule:
    shared = _Shared(
        id=rule_id,
        name=name,
        object=scope.object.name,
        clauses=draft.clauses,
        description=draft.description,
        action=decision.action,
        action_from=decision.source,
        dimension=draft.origin.dimension,
        severity=draft.origin.severity,
        place=draft.origin.place,
    )
    match draft:
        case RowDraft():
            return RowRule(**shared, kind=draft.kind, predicate=draft.predicate, columns=draft.columns)
        case DatasetDraft():
            return DatasetRule(
                **shared,
                measure=draft.measure,
                condition=draft.condition,
                threshold=draft.threshold,
                thresholds=draft.thresholds,
            )
        case EngineDraft():
            return EngineRule(
                **shared,
                engine=draft.engine,
                implementation=draft.implementation,
                columns=draft.columns,
                thresholds=draft.thresholds,
            )


def _typed_column(field: Field) -> TypedColumn:
    prop = field.prop
    return TypedColumn(
        name=field.column,
        property=prop.name,
        type=field.type,
        required=prop.required or prop.primary_key,
        comment=prop.description,
        place=prop.place,
        format=text_format(field),
        zone=zone(field),
    )
