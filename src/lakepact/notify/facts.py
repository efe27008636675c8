"""What one run says about one dataset, for notifications: all that is kept of results, contract and sample rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from lakepact.contract import Contract
from lakepact.notify.contacts import contacts_of, named_channels, owners_of
from lakepact.notify.masking import masked_samples, shortened
from lakepact.notify.model import Contacts, Severity, Topic, Violation
from lakepact.results.model import RuleResult, RuleStatus, Verdict, verdict_of

__all__ = ["Facts", "Samples", "facts_of", "severity_of"]

Samples = Mapping[str, Iterable[Mapping[str, object]]]
"""Rows that break a rule, by its id."""

_MAX_NAME: Final = 1000
_MAX_MESSAGE: Final = 500
_MAX_VALUE: Final = 200
_MAX_LINK: Final = 2000
_BROKEN: Final = (RuleStatus.FAIL, RuleStatus.WARN, RuleStatus.ERROR)

# The words that contracts use; what the standard shows as examples, and what other tools write.
_WORDS: Final = {
    **dict.fromkeys(("critical", "blocker", "fatal", "highest", "urgent"), Severity.CRITICAL),
    **dict.fromkeys(("error", "high", "major", "severe"), Severity.ERROR),
    **dict.fromkeys(("warning", "warn", "medium", "moderate", "minor"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "informational", "low", "lowest", "trivial"), Severity.INFO),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One run on one dataset: which rules are broken, which hold, and whom and which channels the contract names.

    `quarantine` is a link, or the name of the place that `quarantine_place` is.

    `id` is the same for the same results of the same run, whenever they are told.
    """

    id: str
    contract_id: str
    contract_version: str
    contract_name: str
    domain: str
    owners: tuple[str, ...]
    contacts: Contacts
    dataset: str
    run_id: str
    at: datetime
    verdict: Verdict
    violations: tuple[Violation, ...]
    passed: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    quarantine: str = ""
    channels: tuple[str, ...] = ()
    tenant: str = ""
    quarantine_place: str = ""
    topic: Topic = Topic.RULES


def facts_of(
    results: Iterable[RuleResult],
    contract: Contract,
    *,
    now: datetime,
    samples: Samples | None = None,
    quarantine: str = "",
    mask: Sequence[str] | None = None,
    topic: Topic = Topic.RULES,
    apart: Container[str] = (),
) -> Iterator[Facts]:
    """The facts of each dataset and run among the results; sample rows are masked by the contract.

    That rules of `apart` are broken is told elsewhere: here only that they could not be evaluated.
    """
    found = sorted(results, key=_dataset_and_run)
    for (dataset, run_id), group in groupby(found, _dataset_and_run):
        rules = list(group)
        broken = tuple(
            _violation(each, contract, (samples or {}).get(each.rule_id, ()), mask)
            for each in rules
            if each.status in _BROKEN and not _is_elsewhere(each, apart)
        )
        place = shortened(next((each.sample for each in rules if each.sample), ""), _MAX_LINK)
        yield Facts(
            id=_id(contract, dataset, run_id, rules),
            contract_id=contract.id,
            contract_version=contract.version,
            contract_name=contract.name or "",
            domain=contract.domain or "",
            owners=owners_of(contract, now.date()),
            contacts=contacts_of(contract, now.date()),
            dataset=shortened(dataset, _MAX_NAME),
            run_id=shortened(run_id, _MAX_NAME),
            at=now.astimezone(UTC),
            verdict=verdict_of(rules),
            violations=broken,
            passed=tuple(
                each.rule_id for each in rules if each.status is RuleStatus.PASS or _is_elsewhere(each, apart)
            ),
            skipped=tuple(each.rule_id for each in rules if each.status is RuleStatus.SKIPPED),
            channels=named_channels(contract),
            quarantine=shortened(quarantine, _MAX_LINK) or place,
            quarantine_place=place,
            tenant=shortened(contract.tenant or "", _MAX_NAME),
            topic=topic,
        )


def severity_of(result: RuleResult) -> Severity:
    """The severity that the contract gives the rule, else ERROR, or WARNING for what only warns."""
    by_contract = _WORDS.get((result.severity or "").strip().casefold())
    return by_contract or (Severity.WARNING if result.status is RuleStatus.WARN else Severity.ERROR)


def _violation(
    result: RuleResult, contract: Contract, rows: Iterable[Mapping[str, object]], mask: Sequence[str] | None
) -> Violation:
    return Violation(
        rule_id=result.rule_id,
        rule_name=shortened(result.rule_name, _MAX_VALUE),
        status=result.status.value,
        severity=severity_of(result),
        violations=result.violations,
        tested=result.tested,
        value=_optional(result.value),
        threshold=_optional(result.threshold),
        dimension=_optional(result.dimension),
        message=shortened(result.message, _MAX_MESSAGE),
        samples=masked_samples(rows, contract.object(result.object), mask),
    )


def _is_elsewhere(result: RuleResult, apart: Container[str]) -> bool:
    return result.rule_id in apart and result.status in (RuleStatus.FAIL, RuleStatus.WARN)


def _optional(text: str | None) -> str | None:
    return None if text is None else shortened(text, _MAX_VALUE)


def _dataset_and_run(result: RuleResult) -> tuple[str, str]:
    return result.dataset, result.run_id


def _id(contract: Contract, dataset: str, run_id: str, results: Iterable[RuleResult]) -> str:
    told = [(each.rule_id, each.engine, each.status.value, each.violations, each.value) for each in results]
    text = json.dumps([contract.id, contract.version, dataset, run_id, sorted(told, key=str)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
