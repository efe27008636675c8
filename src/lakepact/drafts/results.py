"""Drafts from the results of rules: what is violated is proposed as loosened, with the evidence, and never deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from lakepact.contract import Contract
from lakepact.drafts.assembly import changed_draft
from lakepact.drafts.document import DocumentEdits
from lakepact.drafts.elements import Element, Elements
from lakepact.drafts.loosening import Loosening, Violation
from lakepact.drafts.model import Draft, Evidence, Proposal, ProposalKind, Provenance
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules import compile_rules
from lakepact.rules.model import DatasetRule, RowRule

__all__ = ["draft_from_results"]

_NOTHING: Final[Mapping[str, Evidence]] = MappingProxyType({})


def draft_from_results(
    base: Contract,
    results: Sequence[RuleResult],
    *,
    observed_values: Mapping[str, Evidence] = _NOTHING,
    provenance: Provenance,
) -> Draft | None:
    """The contract with each violated rule loosened as far as the data needs it; None where no rule is violated.

    `required` becomes false, a bound moves to the observed extreme, an enumeration gets the observed values, a
    threshold moves to what was measured; `observed_values` says by the id of a rule what the data holds. Where no
    loosening is safe (`unique`, patterns, queries, types), or nothing was observed to go by, the proposal is noted on
    the element and the clause stays. Results of other contracts and other versions say nothing about this one.
    """
    rules = {rule.id: rule for rule in compile_rules(base, variant=True).all_rules()}
    worst = _violations(base, results, observed_values)
    loosening = _Results(base)
    for rule_id in sorted(worst):
        if rule_id in rules:
            loosening.rule(rules[rule_id], worst[rule_id])
    named = provenance if provenance.rules else replace(provenance, rules=sorted(set(worst) & set(rules)))
    return changed_draft(base, loosening.edits, loosening.changes, named)


def _violations(
    base: Contract, results: Sequence[RuleResult], observed: Mapping[str, Evidence]
) -> dict[str, Violation]:
    """The worst violation of each rule, whatever the order of the results."""
    found: dict[str, list[RuleResult]] = {}
    for result in results:
        mine = result.contract_id == base.id and result.contract_version == base.version
        if mine and result.status in (RuleStatus.FAIL, RuleStatus.WARN) and result.violations != 0:
            found.setdefault(result.rule_id, []).append(result)
    return {rule_id: _violation(each, observed.get(rule_id, Evidence())) for rule_id, each in found.items()}


def _violation(results: Sequence[RuleResult], observed: Evidence) -> Violation:
    values = [value for each in results if (value := _decimal(each.value)) is not None]
    rows = max(results, key=lambda each: (each.violations or 0, -(each.tested or 0)))
    shares = [100 * Decimal(each.violations) / each.tested for each in results if each.violations and each.tested]
    return Violation(
        rows=rows.violations,
        tested=rows.tested,
        share=max(shares, default=None),
        lowest=min(values, default=None),
        highest=max(values, default=None),
        observed=observed,
    )


def _decimal(text: str | None) -> Decimal | None:
    try:
        value = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None


@dataclass(slots=True)
class _Results:
    """The edits and proposals of one draft."""

    base: Contract
    edits: DocumentEdits = field(init=False)
    elements: Elements = field(init=False)
    changes: list[Proposal] = field(init=False, default_factory=list)
    loosened: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.edits = DocumentEdits(self.base)
        self.elements = Elements(self.base)

    def rule(self, rule: RowRule | DatasetRule, violation: Violation) -> None:
        """What is proposed for the clauses that a violated rule comes from."""
        path = rule.clauses[0]
        element = self.elements.around(path)
        if path in self.loosened:
            return
        self.loosened.add(path)
        made = Loosening(self.edits, element, violation).of(rule) if element.prop or element.quality else None
        if made is None:
            self._note(rule, element, path, violation)
            return
        self.changes.append(
            Proposal(
                kind=made.kind,
                path=element.name,
                text=made.text,
                evidence=violation.words(),
                clause=made.clause,
                target=rule.id,
            )
        )

    def _note(self, rule: RowRule | DatasetRule, element: Element, path: str, violation: Violation) -> None:
        clause = path.removeprefix(element.path).lstrip(".")
        text = f"loosen the rule {rule.name} ({rule.description})?"
        kind = ProposalKind.LOOSENED
        if not self.edits.propose(element.path, kind.value, clause or rule.name, text):
            return
        name = element.name or path
        self.changes.append(
            Proposal(
                kind=kind,
                path=name,
                text=text,
                evidence=violation.words(),
                clause=clause or rule.name,
                target=rule.id,
                adopted=False,
            )
        )
