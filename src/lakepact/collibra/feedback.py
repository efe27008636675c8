"""What came of validating data, back to Collibra: how stewards see that a contract is held, and since when.

The data path only writes a file. `push_feedback` takes what waits to Collibra: values that are there already are not
sent again, and older news never replace newer ones.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lakepact.atomic_files import replace_file
from lakepact.collibra.gateway import CollibraGateway, Value
from lakepact.collibra.metrics import RuleCounts, counts_of, measured_assets, metric_assets
from lakepact.collibra.model import ImportedAsset
from lakepact.errors import ConfigurationError, LakepactError, RemoteUnavailable, UsageError
from lakepact.results.model import RuleResult, RuleStatus, Verdict, verdict_of
from lakepact.store.encoding import read_time, safe_name, time_text

__all__ = ["ATTRIBUTES", "Compliance", "Feedback", "Pushed", "compliance_of", "keep_feedback", "push_feedback"]

_LOG: Final = logging.getLogger(__name__)
_SUFFIX: Final = ".feedback.json"
_TIMELINESS: Final = "timeliness"
# The metrics of so many contracts are one import.
_TOGETHER: Final = 50
_NAMED: Final = 3

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


class Feedback(StrEnum):
    """As what outcomes are shown: attributes of the contract, an asset for each rule, or both."""

    ATTRIBUTES = "attributes"
    METRICS = "metrics"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """The outcome of one run for one contract.

    Rows are None where no rule looked at rows. One row can break several rules: `rows_failed` is that of the rule that
    most rows break, so at least so many. `sla` is met, violated, or empty where no service level was looked at. `rules`
    is what each rule found.
    """

    contract_id: str
    version: str
    run_id: str
    verdict: Verdict
    at: datetime
    rows_passed: int | None = None
    rows_failed: int | None = None
    sla: str = ""
    rules: tuple[RuleCounts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of what waited, by id of contract: sent, still waiting, refused; the latter two with why.

    `metrics` is how many assets of rules were imported for a contract.
    """

    sent: tuple[str, ...] = ()
    metrics: Mapping[str, int] = field(default_factory=dict)
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
                rules=counts_of(last),
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


def push_feedback(
    gateway: CollibraGateway,
    outbox: Path,
    *,
    attributes: Mapping[str, str] = ATTRIBUTES,
    metrics_domain: str = "",
) -> Pushed:
    """Take what waits in the folder to the contracts in Collibra; what arrived, or never will, leaves the folder.

    With the id of a domain for metrics each rule becomes an asset there, see `metric_assets`, by one import job for
    all contracts. What Collibra refuses for a contract (it is not there, an attribute type is not, a metric is none)
    stays and is named, so that it arrives when that is mended. Raises nothing for a Collibra that is away: it is among
    what waits.
    """
    sending = _Sending()
    deliveries = []
    for path in sorted(outbox.glob(f"*{_SUFFIX}")) if outbox.is_dir() else ():
        outcome = _read(path)
        if outcome is None:
            sending.refused[path.name] = "the file cannot be read"
            continue
        with sending.of(outcome.contract_id):
            deliveries.append(_prepared(gateway, path, outcome, attributes, metrics_domain))
    for start in range(0, len(deliveries), _TOGETHER):
        _import(gateway, deliveries[start : start + _TOGETHER], sending)
    for each in deliveries:
        contract_id = each.outcome.contract_id
        if contract_id in sending.waiting:
            continue
        with sending.of(contract_id):
            _write(gateway, each, attributes, complete=contract_id not in sending.refused)
            if contract_id not in sending.refused:
                if _read(each.path) == each.outcome:
                    each.path.unlink(missing_ok=True)
                sending.sent.append(contract_id)
    return Pushed(sent=tuple(sending.sent), metrics=sending.metrics, waiting=sending.waiting, refused=sending.refused)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """An outcome on its way: the asset of its contract, what that shows now, and whether it is old news there."""

    path: Path
    outcome: Compliance
    asset: str
    present: Mapping[str, tuple[Value, ...]]
    old: bool
    metrics: tuple[ImportedAsset, ...]


@dataclass(slots=True)
class _Sending:
    sent: list[str] = field(default_factory=list)
    metrics: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def of(self, *contract_ids: str) -> Iterator[None]:
        """What goes wrong inside is noted for those contracts."""
        try:
            yield
        except RemoteUnavailable as error:
            self.waiting |= dict.fromkeys(contract_ids, error.message)
        except LakepactError as error:
            self.refused |= dict.fromkeys(contract_ids, error.message)


def _prepared(
    gateway: CollibraGateway, path: Path, outcome: Compliance, attributes: Mapping[str, str], domain: str
) -> _Delivery:
    contracts = gateway.contracts(manifest_id=outcome.contract_id)
    if len(contracts) != 1:
        message = f"Collibra has {len(contracts)} contracts with the id '{outcome.contract_id}'"
        raise UsageError(message, "LP908", "feedback goes to exactly one")
    asset = contracts[0].id
    present = gateway.attributes(asset)
    shown = [str(each) for each in present.get(attributes.get("at", ""), ())]
    when = time_text(outcome.at)
    metrics: tuple[ImportedAsset, ...] = ()
    # The time at the contract is written when all metrics are there.
    if domain and outcome.rules and not any(each >= when for each in shown):
        measured = measured_assets(gateway, asset, outcome.rules)
        metrics = metric_assets(outcome.contract_id, outcome.rules, domain=domain, measured=measured)
    return _Delivery(path, outcome, asset, present, any(each > when for each in shown), metrics)


def _import(gateway: CollibraGateway, deliveries: Sequence[_Delivery], sending: _Sending) -> None:
    """One import for several contracts; what it could not do is noted for the contract whose metric it is."""
    ids = [each.outcome.contract_id for each in deliveries if each.metrics]
    names = {metric.name: each.outcome.contract_id for each in deliveries for metric in each.metrics}
    with sending.of(*ids):
        found: dict[str, list[str]] = {}
        for problem in gateway.import_assets([metric for each in deliveries for metric in each.metrics]):
            said = f"{problem.name}: {problem.why}" if problem.name else problem.why
            for contract_id in [names[problem.name]] if problem.name else ids:
                found.setdefault(contract_id, []).append(said)
        for each in deliveries:
            contract_id = each.outcome.contract_id
            problems = found.get(contract_id, [])
            if problems:
                more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
                sending.refused[contract_id] = f"metrics were not taken: {'; '.join(problems[:_NAMED])}{more}"
            elif each.metrics:
                sending.metrics[contract_id] = len(each.metrics)


def _write(gateway: CollibraGateway, delivery: _Delivery, attributes: Mapping[str, str], *, complete: bool) -> None:
    outcome, present = delivery.outcome, delivery.present
    if delivery.old:
        return
    values = {attributes[name]: value for name, value in _values(outcome).items() if attributes.get(name)}
    when = attributes.get("at", "")
    # The time goes last: it tells that all of the others are there.
    for name in sorted(values, key=lambda each: each == when):
        if name == when and not complete:
            continue
        if tuple(map(str, present.get(name, ()))) != (str(values[name]),):
            gateway.set_attribute(delivery.asset, name, values[name])


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
        read = {"at": read_time(data["at"]), "verdict": Verdict(data["verdict"])}
        # A file of a release before this one has no rules.
        return Compliance(**data | read | {"rules": tuple(RuleCounts(**each) for each in data.get("rules", ()))})
    except (OSError, ValueError, KeyError, TypeError, ConfigurationError):
        return None
