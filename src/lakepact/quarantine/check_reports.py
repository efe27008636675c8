"""Why a batch is set aside, taken from what a check of it found, and that as results for whoever is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from lakepact.contract.model import Contract
from lakepact.errors import UsageError
from lakepact.quarantine.model import FailedRule, Record
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.derive import compile_rules
from lakepact.rules.model import Action

__all__ = ["batch_results", "failed_rules", "failed_statuses", "reported_statuses"]

_SHOWN: Final = 12


def failed_rules(results: Iterable[RuleResult]) -> tuple[FailedRule, ...]:
    """The rules that keep data from being let through, each once: violated, or not evaluated where more than a warning.

    >>> failed_rules(())
    ()
    """
    return tuple(failed_statuses(results))


def failed_statuses(results: Iterable[RuleResult]) -> dict[FailedRule, RuleStatus]:
    """The same rules, each with whether it is violated, or was not evaluated."""
    told = [
        {name: getattr(each, name) for name in ("rule_id", "status", "action", "message", "value", "threshold")}
        for each in results
    ]
    return dict(_failed(told))


def reported_statuses(
    report: object, contract: Contract, *, object_name: str, source: str
) -> dict[FailedRule, RuleStatus]:
    """The same from what `lakepact check --json` prints, for the object; of several of it for the data at `source`.

    Raises UsageError LP989 where the report is none, or is not about that contract or that data.
    """
    hint = "take what `lakepact check CONTRACT SOURCE --json` prints"
    if not isinstance(report, list) or not all(isinstance(each, dict) and "results" in each for each in report):
        raise UsageError("that is no report of a check", "LP989", hint)
    found = [each for each in report if each.get("object") == object_name]
    found = [each for each in found if each.get("dataset") == source] if len(found) > 1 else found
    if len(found) != 1:
        raise UsageError(f"the report says nothing of '{object_name}' at '{source}'", "LP989", hint)
    said = (found[0].get("contract_id"), found[0].get("contract_version"))
    if said != (contract.id, contract.version):
        message = f"the report is of '{said[0]}' {said[1]}, the contract is '{contract.id}' {contract.version}"
        raise UsageError(message, "LP989", "name the contract that the data was held against")
    try:
        return dict(_failed(found[0]["results"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"that is no report of a check: {error!r}", "LP989", hint) from error


def batch_results(
    record: Record, contract: Contract, broken: Mapping[FailedRule, RuleStatus], *, at: datetime
) -> tuple[RuleResult, ...]:
    """What the rules that keep a batch back say of it, as results of the run that it is of, or else of its record.

    The dataset is the batch's own: what is said of one says nothing of another, or of the table that both are meant
    for. Name, dimension and severity are those of the contract, where it has the rule.
    """
    rules = compile_rules(contract)
    known = {rule.id: rule for rule in (*rules.all_rules(), *rules.engine_rules())}
    return tuple(
        RuleResult(
            run_id=record.header.run_id or record.id,
            contract_id=contract.id,
            contract_version=contract.version,
            object=record.header.object,
            dataset=f"{record.header.dataset}, batch {record.id[:_SHOWN]}",
            rule_id=failed.rule_id,
            rule_name=rule.name if rule else failed.rule_id,
            action=Action.QUARANTINE,
            status=status,
            at=at,
            dimension=rule.dimension if rule else None,
            severity=rule.severity if rule else None,
            message=failed.message,
        )
        for failed, status in broken.items()
        for rule in [known.get(failed.rule_id)]
    )


def _failed(results: Sequence[Mapping[str, Any]]) -> Iterator[tuple[FailedRule, RuleStatus]]:
    seen: set[str] = set()
    for each in results:
        failed = each["status"] == RuleStatus.FAIL
        unknown = each["status"] == RuleStatus.ERROR and each["action"] != Action.WARN
        if (failed or unknown) and each["rule_id"] not in seen:
            seen.add(each["rule_id"])
            measured = f"{each.get('value')}, {each.get('threshold')}" if each.get("value") is not None else ""
            yield FailedRule(each["rule_id"], each.get("message") or measured), RuleStatus(each["status"])
