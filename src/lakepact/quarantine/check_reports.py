"""Why a batch is set aside, taken from what a check of it found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lakepact.contract.model import Contract
from lakepact.errors import UsageError
from lakepact.quarantine.model import FailedRule
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action

__all__ = ["failed_rules", "reported_rules"]


def failed_rules(results: Iterable[RuleResult]) -> tuple[FailedRule, ...]:
    """The rules that keep data from being let through, each once: violated, or not evaluated where more than a warning.

    >>> failed_rules(())
    ()
    """
    told = [
        {name: getattr(each, name) for name in ("rule_id", "status", "action", "message", "value", "threshold")}
        for each in results
    ]
    return tuple(_failed(told))


def reported_rules(report: object, contract: Contract, *, object_name: str, source: str) -> tuple[FailedRule, ...]:
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
        return tuple(_failed(found[0]["results"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"that is no report of a check: {error!r}", "LP989", hint) from error


def _failed(results: Sequence[Mapping[str, Any]]) -> Iterator[FailedRule]:
    seen: set[str] = set()
    for each in results:
        failed = each["status"] == RuleStatus.FAIL
        unknown = each["status"] == RuleStatus.ERROR and each["action"] != Action.WARN
        if (failed or unknown) and each["rule_id"] not in seen:
            seen.add(each["rule_id"])
            measured = f"{each.get('value')}, {each.get('threshold')}" if each.get("value") is not None else ""
            yield FailedRule(each["rule_id"], each.get("message") or measured)
