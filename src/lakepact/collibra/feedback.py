"""What came of validating data, back to Collibra: how stewards see that a contract is held, and since when.

The data path only writes a file. `push_feedback` takes what waits to Collibra: values that are there already are not
sent again, and older news never replace newer ones.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lakepact.atomic_files import replace_file
from lakepact.collibra.gateway import CollibraGateway, Value
from lakepact.errors import ConfigurationError, LakepactError, RemoteUnavailable, UsageError
from lakepact.results.model import RuleResult, RuleStatus, Verdict, verdict_of
from lakepact.store.encoding import read_time, safe_name, time_text

__all__ = ["ATTRIBUTES", "Compliance", "Pushed", "compliance_of", "keep_feedback", "push_feedback"]

_LOG: Final = logging.getLogger(__name__)
_SUFFIX: Final = ".feedback.json"
_TIMELINESS: Final = "timeliness"

ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "verdict": "Contract compliance",
        "at": "Last validation",
        "version": "Validated version",
        "run_id": "Run id",
        "rows_passed": "Rows Passed",
        "rows_failed": "Rows Failed",
        "sla": "SLA state",
    }
)
"""The attribute type that each value goes to; an empty name leaves the value out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """The outcome of one run for one contract.

    Rows are None where no rule looked at rows. One row can break several rules: `rows_failed` is that of the rule that
    most rows break, so at least so many. `sla` is met, violated, or empty where no service level was looked at.
    """

    contract_id: str
    version: str
    run_id: str
    verdict: Verdict
    at: datetime
    rows_passed: int | None = None
    rows_failed: int | None = None
    sla: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of what waited, by id of contract: sent, still waiting, refused; the latter two with why."""

    sent: tuple[str, ...] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def compliance_of(results: Iterable[RuleResult]) -> tuple[Compliance, ...]:
    """One outcome a contract, from the results of its last run among these, sorted by the id of the contract."""
    runs: dict[str, dict[tuple[str, str], list[RuleResult]]] = {}
    for result in results:
        key = (result.run_id, result.contract_version)
        runs.setdefault(result.contract_id, {}).setdefault(key, []).append(result)
    found = []
    for contract_id, by_run in sorted(runs.items()):
        (run_id, version), last = max(by_run.items(), key=lambda item: max(each.at for each in item[1]))
        failed = [each.violations for each in last if each.violations is not None]
        tested = [each.tested for each in last if each.tested is not None and each.violations is not None]
        worst = max(failed, default=None)
        found.append(
            Compliance(
                contract_id=contract_id,
                version=version,
                run_id=run_id,
                verdict=verdict_of(last),
                at=max(each.at for each in last),
                rows_passed=max(tested) - worst if tested and worst is not None else None,
                rows_failed=worst,
                sla=_sla(last),
            )
        )
    return tuple(found)


def keep_feedback(outbox: Path, outcomes: Iterable[Compliance]) -> None:
    """Let outcomes wait in a folder, the latest of each contract; never raises: data does not wait for news."""
    for each in outcomes:
        path = outbox / f"{safe_name(each.contract_id)}{_SUFFIX}"
        before = _read(path)
        if before is not None and before.at > each.at:
            continue
        try:
            outbox.mkdir(parents=True, exist_ok=True)
            replace_file(path, json.dumps(asdict(each) | {"at": time_text(each.at)}).encode())
        except OSError as error:
            _LOG.warning("the outcome for '%s' is not kept for Collibra: %s", each.contract_id, error)


def push_feedback(gateway: CollibraGateway, outbox: Path, *, attributes: Mapping[str, str] = ATTRIBUTES) -> Pushed:
    """Take what waits in the folder to the contracts in Collibra; what arrived, or never will, leaves the folder.

    What Collibra refuses for a contract (it is not there, an attribute type is not) stays and is named, so that it
    arrives when that is mended. Raises nothing for a Collibra that is away: it is among what waits.
    """
    sent: list[str] = []
    waiting: dict[str, str] = {}
    refused: dict[str, str] = {}
    for path in sorted(outbox.glob(f"*{_SUFFIX}")) if outbox.is_dir() else ():
        outcome = _read(path)
        if outcome is None:
            refused[path.name] = "the file cannot be read"
            continue
        try:
            _send(gateway, outcome, attributes)
        except RemoteUnavailable as error:
            waiting[outcome.contract_id] = error.message
        except LakepactError as error:
            refused[outcome.contract_id] = error.message
        else:
            if _read(path) == outcome:
                path.unlink(missing_ok=True)
            sent.append(outcome.contract_id)
    return Pushed(sent=tuple(sent), waiting=waiting, refused=refused)


def _send(gateway: CollibraGateway, outcome: Compliance, attributes: Mapping[str, str]) -> None:
    contracts = gateway.contracts(manifest_id=outcome.contract_id)
    if len(contracts) != 1:
        message = f"Collibra has {len(contracts)} contracts with the id '{outcome.contract_id}'"
        raise UsageError(message, "LP908", "feedback goes to exactly one")
    asset = contracts[0].id
    present = gateway.attributes(asset)
    values = {attributes[name]: value for name, value in _values(outcome).items() if attributes.get(name)}
    when = attributes.get("at", "")
    if when and any(str(each) > time_text(outcome.at) for each in present.get(when, ())):
        return
    # The time goes last: it tells that all of the others are there.
    for name in sorted(values, key=lambda each: each == when):
        if tuple(map(str, present.get(name, ()))) != (str(values[name]),):
            gateway.set_attribute(asset, name, values[name])


def _values(outcome: Compliance) -> dict[str, Value]:
    values: dict[str, Value | None] = {
        "verdict": outcome.verdict.value,
        "at": time_text(outcome.at),
        "version": outcome.version,
        "run_id": outcome.run_id,
        "rows_passed": outcome.rows_passed,
        "rows_failed": outcome.rows_failed,
        "sla": outcome.sla or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _sla(results: Sequence[RuleResult]) -> str:
    about = [each.status for each in results if (each.dimension or "").casefold() == _TIMELINESS]
    judged = [status for status in about if status not in (RuleStatus.SKIPPED, RuleStatus.ERROR)]
    if not judged:
        return ""
    return "met" if all(status is RuleStatus.PASS for status in judged) else "violated"


def _read(path: Path) -> Compliance | None:
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        return Compliance(**data | {"at": read_time(data["at"]), "verdict": Verdict(data["verdict"])})
    except (OSError, ValueError, KeyError, TypeError, ConfigurationError):
        return None
