"""What `lakepact check` does with its reports beside printing them: data set aside, people told, results recorded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.check_data import Place
from lakepact.cli.output import printable, say

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.notify import Notifier
    from lakepact.quality.report import QualityReport

__all__ = ["DataQuarantine", "ResultsTable", "batches_url", "record", "set_aside", "tell"]

DataQuarantine = Annotated[
    str | None,
    typer.Option(
        "--quarantine",
        metavar="PLACE",
        help="Copy data whose verdict is quarantine here: a folder, a URL, or `contract` for where the contract says.",
        show_default=False,
    ),
]
ResultsTable = Annotated[
    str | None,
    typer.Option(
        "--results",
        metavar="PLACE",
        help="Add the results to rule_results here: a path, spark:SCHEMA, or uc:CATALOG.SCHEMA?warehouse=ID.",
        show_default=False,
    ),
]
_BY_CONTRACT = "contract"


def batches_url(contract: Contract, place: str | None) -> str | None:
    """Where data is set aside, None for nowhere: nobody asks for it, or the contract turns its quarantine off.

    Raises ConfigurationError LP980 where the contract names no place.
    """
    if place is None:
        return None
    from lakepact.quarantine.settings import settings_of

    settings = settings_of(contract)
    if not settings.enabled:
        say(f"nothing is set aside: {printable(contract.id)} {printable(contract.version)} turns its quarantine off")
        return None
    return settings.url() if place == _BY_CONTRACT else place.removeprefix("files:")


def set_aside(
    reports: Sequence[QualityReport],
    contract: Contract,
    places: Mapping[str, Place],
    *,
    url: str | None,
    kind: str | None,
    options: Mapping[str, str],
    dataset: str | None,
) -> dict[str, str]:
    """Copy the files whose verdict is quarantine, with the rules that they break; where each is, by its object.

    The same content is set aside once, as by `lakepact quarantine add`. Raises as `quarantine_batch` does.
    """
    from lakepact.cli.quarantine_options import actor_of
    from lakepact.quarantine import quarantine_batch
    from lakepact.quarantine.check_reports import failed_rules
    from lakepact.results import Verdict

    found: dict[str, str] = {}
    reading = {name: value for name, value in {"format": kind, "options": dict(options)}.items() if value}
    for each in reports if url is not None else ():
        source, described = places[each.object], contract.object(each.object)
        if each.overall_result is not Verdict.QUARANTINE or described is None:
            continue
        if not isinstance(source, Path):
            say(f"the table {printable(source.name)} is not set aside: only files are")
            continue
        record = quarantine_batch(
            str(source),
            contract,
            failed_rules(each.results),
            dataset=dataset or described.table,
            object_name=described.name,
            url=url,
            metadata=reading,
            actor=actor_of(os.environ.get("LAKEPACT_ACTOR")),
            reason="lakepact check",
        )
        found[each.object] = record.path
        say(f"set aside {printable(str(source))} as {record.id}: {printable(record.path)}")
    return found


def tell(
    reports: Sequence[QualityReport], contract: Contract, notifier: Notifier | None, quarantined: Mapping[str, str]
) -> None:
    """Keep for the notifier what the rules said, and where data was set aside."""
    if notifier is not None:
        for each in reports:
            notifier.notify(each.results, contract, quarantine=quarantined.get(each.object, ""))


def record(place: str | None, reports: Sequence[QualityReport]) -> None:
    """Add the results to `rule_results`, where that is asked for. Raises as `record_results` does."""
    if place is None or not reports:
        return
    from lakepact.results.recording import record_results

    found = [each for report in reports for each in report.results]
    record_results(place, found, key=f"check:{reports[0].run_id}")
