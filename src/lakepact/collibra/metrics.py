"""Rules as assets of type Data Quality Metric: how many rows passed each, beside the table that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lakepact.collibra.discovery import table_path
from lakepact.collibra.gateway import COMPLIES_TO, GOVERNS, IMPLEMENTED_AS, CollibraGateway, Value
from lakepact.collibra.model import ImportedAsset
from lakepact.results.model import RuleResult, RuleStatus

__all__ = ["METRIC", "Metric", "RuleCounts", "counts_of", "measured_assets", "metric_assets", "read_metrics"]

METRIC: Final = "Data Quality Metric"
"""The name of the asset type."""

_RESULT: Final = "Result"
_PASSED: Final = "Rows Passed"
_FAILED: Final = "Rows Failed"
_LOADED: Final = "Loaded Rows"
_FRACTION: Final = "Passing Fraction"
_THRESHOLD: Final = "Threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCounts:
    """What one rule found on one dataset; rows are None where it is no rule about single rows."""

    rule_id: str
    name: str
    dataset: str
    held: bool
    loaded: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric as Collibra shows it; what it does not show is None."""

    name: str
    held: bool | None = None
    loaded: int | None = None
    passed: int | None = None
    failed: int | None = None


def counts_of(results: Iterable[RuleResult]) -> tuple[RuleCounts, ...]:
    """What each rule of a run found, in the order of the results; skipped ones found nothing.

    A rule that could not be evaluated does not hold: that it held before says nothing about this run.
    """
    found: dict[tuple[str, str], RuleCounts] = {}
    for each in results:
        if each.status is RuleStatus.SKIPPED:
            continue
        counted = each.violations is not None and each.tested is not None
        found[each.dataset, each.rule_id or each.rule_name] = RuleCounts(
            rule_id=each.rule_id or each.rule_name,
            name=each.rule_name,
            dataset=each.dataset,
            held=each.status is RuleStatus.PASS,
            loaded=each.tested if counted else None,
            failed=each.violations if counted else None,
        )
    return tuple(found.values())


def metric_assets(
    contract_id: str, counts: Sequence[RuleCounts], *, domain: str, measured: Mapping[str, str]
) -> tuple[ImportedAsset, ...]:
    """The metrics of a contract; `measured` gives the asset that a dataset is, and under "" that of all others.

    >>> one = RuleCounts(rule_id="r", name="id is unique", dataset="s.t", held=False, loaded=8, failed=2)
    >>> found = metric_assets("orders", [one], domain="d", measured={"": "p"})[0]
    >>> found.name, found.attributes["Passing Fraction"], found.sources
    ('orders / s.t / r', '75', {'00000000-0000-0000-0000-000000007018': ('p',)})
    """
    return tuple(
        ImportedAsset(
            name=f"{_start(contract_id)}{each.dataset} / {each.rule_id}",
            display_name=each.name,
            type=METRIC,
            domain_id=domain,
            attributes=_attributes(each),
            sources={COMPLIES_TO: (measured.get(each.dataset) or measured[""],)},
        )
        for each in counts
    )


def measured_assets(gateway: CollibraGateway, contract: str, counts: Sequence[RuleCounts]) -> dict[str, str]:
    """What the datasets of a contract are in Collibra: the table of its port with that name, else the port itself.

    Under "" is the port, or the contract where it has none. Of two tables with one name neither is taken.
    """
    port = next((each.target for each in gateway.relations(GOVERNS, source=contract)), "")
    found = {"": port or contract}
    related = gateway.relations(IMPLEMENTED_AS, source=port) if port else ()
    tables = [(table_path(gateway.asset(each.target).name), each.target) for each in related]
    for dataset in {each.dataset for each in counts}:
        path = table_path(dataset)
        named = [table for parts, table in tables if parts[-len(path) :] == path]
        if len(named) == 1:
            found[dataset] = named[0]
    return found


def read_metrics(gateway: CollibraGateway, contract_id: str, *, domain: str) -> tuple[Metric, ...]:
    """The metrics of a contract in a domain, by name; one request for each and one for their list."""
    assets = sorted(gateway.assets_in(domain, prefix=_start(contract_id)), key=lambda each: each.name)
    return tuple(_read(each.name, gateway.attributes(each.id)) for each in assets if each.type == METRIC)


def _start(contract_id: str) -> str:
    return f"{contract_id} / "


def _attributes(counts: RuleCounts) -> dict[str, str]:
    """The attributes that the type has out of the box; a fraction is one of 100."""
    found = {_RESULT: str(counts.held).lower()}
    if counts.loaded is None or counts.failed is None:
        return found
    passed = counts.loaded - counts.failed
    found |= {_PASSED: str(passed), _FAILED: str(counts.failed), _LOADED: str(counts.loaded), _THRESHOLD: "100"}
    if counts.loaded:
        found[_FRACTION] = f"{passed * 100 / counts.loaded:.6g}"
    return found


def _read(name: str, shown: Mapping[str, tuple[Value, ...]]) -> Metric:
    def number(key: str) -> int | None:
        try:
            return int(float(shown[key][0]))
        except (KeyError, IndexError, ValueError, OverflowError):
            return None

    said = str(shown[_RESULT][0]).lower() if shown.get(_RESULT) else ""
    return Metric(
        name=name,
        held={"true": True, "false": False}.get(said),
        loaded=number(_LOADED),
        passed=number(_PASSED),
        failed=number(_FAILED),
    )
