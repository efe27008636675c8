"""`lakepact collibra …`: whether Collibra can be reached, what belongs together there, and what goes back and forth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.collibra_connection import login_check, watch
from lakepact.cli.collibra_contracts import list_, promote, pull, push, status
from lakepact.cli.collibra_options import AsJson, SettingsFile, counted, mapping_of, settings_in, show_rows, store_of
from lakepact.cli.output import say, show_json, write
from lakepact.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakepact.collibra.feedback import Pushed
    from lakepact.collibra.settings import CollibraSettings
    from lakepact.collibra.store import CollibraContractStore
    from lakepact.drafts.submit import Submitted
    from lakepact.results.model import RuleResult

__all__ = ["check", "collibra", "discover", "push_status", "sync"]

_DRAFTS: Final = "drafts"
_FEEDBACK: Final = "collibra-feedback"

_Feedback = Annotated[
    Path | None,
    typer.Option("--outbox", metavar="DIR", help="Where outcomes wait (default: in the cache).", show_default=False),
]

collibra = typer.Typer(
    name="collibra",
    help="Contracts in Collibra: check the connection, map ports, bring drafts and outcomes there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
collibra.command("login-check")(login_check)
collibra.command("list")(list_)
collibra.command()(pull)
collibra.command()(push)
collibra.command()(status)
collibra.command()(promote)
collibra.command()(watch)


@collibra.command()
def check(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """Log in, and show what the statuses of the tenant mean; exit code 3 where one is missing."""
    from lakepact.collibra.http_gateway import HttpGateway
    from lakepact.store.model import Status

    read = settings_in(settings)
    gateway = HttpGateway(read.client())
    version, available = gateway.check(), gateway.statuses()
    found: dict[str, str | None] = {}
    for each in Status:
        try:
            found[each.value] = read.names.name(each, available)
        except ConfigurationError:
            found[each.value] = None
    if as_json:
        show_json({"address": gateway.address, "version": version, "statuses": found})
    else:
        say(f"{gateway.address} answers: Collibra {version or 'of an unknown version'}")
        show_rows([(each, name or "MISSING") for each, name in found.items()])
    missing = [each for each, name in found.items() if name is None]
    # Out of the box a tenant can say everything but this.
    if [each for each in missing if each != Status.RETIRED.value]:
        say(f"no status of Collibra means {', '.join(missing)}: name one in the settings, under `names`")
        raise typer.Exit(ExitCode.CONFIGURATION)


@collibra.command()
def discover(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="Only find the ports of these tables.", show_default=False),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="Write the mapping to a new file.", show_default=False),
    ] = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Print which contracts, ports, products and tables belong together, as a mapping file to review.

    With datasets: print the ports that each may have, and why; exit code 1 where that is not exactly one.
    """
    if datasets:
        _show_ports(datasets, settings_in(settings), as_json=as_json)
        return
    from lakepact.collibra.discovery import discover as discover_all
    from lakepact.collibra.http_gateway import HttpGateway
    from lakepact.collibra.mapping import mapping_text

    found = discover_all(HttpGateway(settings_in(settings).client()))
    for doubt in found.doubts:
        say(f"to decide: {doubt}")
    text = mapping_text(found.mapping)
    if to is not None:
        # An existing mapping was reviewed by somebody: it is never replaced.
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
        say(f"{to} maps {counted(len(found.mapping.contracts), 'contract')}; review it, then name it in the settings")
    elif as_json:
        contracts = [
            {
                "contract_id": each.contract_id,
                "port": each.port,
                "product": each.product,
                "asset": each.asset,
                "datasets": list(each.datasets),
            }
            for each in found.mapping.contracts
        ]
        show_json({"contracts": contracts, "doubts": list(found.doubts)})
    else:
        write(text)


@collibra.command()
def sync(
    drafts: Annotated[
        Path | None,
        typer.Option("--drafts", metavar="DIR", help="Where drafts wait (default: in the cache).", show_default=False),
    ] = None,
    feedback: _Feedback = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring what waits to Collibra, finish what was interrupted, and read all contracts into the cache.

    Exit code 1 where something still waits or was refused, 4 where Collibra is away.
    """
    from lakepact.collibra.sink import CollibraSink
    from lakepact.drafts.submit import resubmit

    read = settings_in(settings)
    store = store_of(read)
    brought = resubmit(_folder(drafts, _DRAFTS), [CollibraSink(store, workflow=read.workflow)])
    pushed = _push(store, read, _folder(feedback, _FEEDBACK))
    rows, settled = _all_contracts(store)
    if as_json:
        show_json({"contracts": rows, "settled": settled, "drafts": _draft_json(brought), "feedback": _json(pushed)})
    else:
        show_rows([(row["id"], row["latest"] or "-", str(row["versions"])) for row in rows])
        _say_drafts(brought)
        _say_pushed(pushed)
        if settled:
            say(f"finished what was interrupted: {', '.join(settled)}")
    if brought.failures or pushed.waiting or pushed.refused:
        raise typer.Exit(ExitCode.VIOLATED)


@collibra.command("push-status")
def push_status(
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="Results of rules as JSON, a list of rows of `rule_results`.", show_default=False
        ),
    ] = None,
    outbox: _Feedback = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell Collibra how contracts are held: the results in files, and what waits in the outbox.

    What Collibra does not take now waits in the outbox; then the exit code is 1, and 4 where Collibra is away.
    """
    from lakepact.collibra.feedback import compliance_of, keep_feedback

    outcomes = compliance_of(each for path in results or () for each in _results(path))
    read = settings_in(settings)
    folder = _folder(outbox, _FEEDBACK)
    keep_feedback(folder, outcomes)
    pushed = _push(store_of(read), read, folder)
    if as_json:
        show_json(_json(pushed))
    else:
        show_rows([(each, _sent_as(pushed, each)) for each in pushed.sent])
        _say_pushed(pushed)
    if pushed.waiting:
        raise typer.Exit(ExitCode.REMOTE)
    if pushed.refused:
        raise typer.Exit(ExitCode.VIOLATED)


def _show_ports(datasets: Sequence[str], settings: CollibraSettings, *, as_json: bool) -> None:
    from lakepact.collibra.discovery import candidates
    from lakepact.collibra.http_gateway import HttpGateway

    gateway, mapping = HttpGateway(settings.client()), mapping_of(settings)
    found = {
        each: candidates(gateway, each, mapping=mapping, external_system=settings.external_system) for each in datasets
    }
    if as_json:
        shown = {each: [{"port": one.port, "why": one.why} for one in ports] for each, ports in found.items()}
        show_json(shown)
    else:
        show_rows([(each, one.port, one.why) for each, ports in found.items() for one in ports])
        for each, ports in found.items():
            if len({one.port for one in ports}) != 1:
                say(f"to decide: '{each}' has {counted(len({one.port for one in ports}), 'port')} in Collibra")
    if any(len({one.port for one in ports}) != 1 for ports in found.values()):
        raise typer.Exit(ExitCode.VIOLATED)


def _folder(given: Path | None, name: str) -> Path:
    from lakepact.spark.environment import cache_folder

    return given if given is not None else cache_folder() / name


def _push(store: CollibraContractStore, settings: CollibraSettings, folder: Path) -> Pushed:
    from lakepact.collibra.feedback import push_feedback

    return push_feedback(
        store.gateway, folder, attributes=settings.shown_attributes, metrics_domain=settings.shown_metrics
    )


def _all_contracts(store: CollibraContractStore) -> tuple[list[dict[str, Any]], list[str]]:
    """How every contract stands, and those that an interrupted writer had left half done."""
    from lakepact.collibra.failures import away
    from lakepact.contract import SpecifierSet
    from lakepact.store.model import Status

    versions: dict[str, list[Any]] = {}
    for each in store.search():
        versions.setdefault(each.contract_id, []).append(each)
    stale = [each for each in versions if (fresh := store.freshness(each)) is not None and not fresh.live]
    if stale:
        raise away(store.gateway.address, f"it went away while {', '.join(stale)} was read")
    settled = [each for each in versions if store.interrupted(each) and store.settle(each)]
    rows, releases = [], SpecifierSet.parse("")
    for contract_id, found in versions.items():
        validated = [each.version for each in found if each.status is Status.VALIDATED and each.version in releases]
        rows.append({"id": contract_id, "latest": validated[-1] if validated else None, "versions": len(found)})
    return rows, settled


def _results(path: Path) -> list[RuleResult]:
    import json
    from datetime import datetime

    from lakepact.results.model import RuleResult, RuleStatus
    from lakepact.rules.model import Action

    try:
        data = json.loads(regular_file(path, what="results").read_bytes())
        return [
            RuleResult(
                **row
                | {
                    "action": Action(row["action"]),
                    "status": RuleStatus(row["status"]),
                    "at": datetime.fromisoformat(row["at"]),
                }
            )
            for row in data
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{path} holds no results of rules: {type(error).__name__}: {error}"
        raise ConfigurationError(message, "LP919", "give a JSON list of rows of the table rule_results") from error


def _json(pushed: Pushed) -> dict[str, Any]:
    return {
        "sent": list(pushed.sent),
        "metrics": dict(pushed.metrics),
        "waiting": dict(pushed.waiting),
        "refused": dict(pushed.refused),
    }


def _sent_as(pushed: Pushed, contract_id: str) -> str:
    metrics = pushed.metrics.get(contract_id, 0)
    return f"sent, with {counted(metrics, 'metric')}" if metrics else "sent"


def _draft_json(brought: Submitted) -> dict[str, Any]:
    return {
        "sent": [each.where for each in brought.receipts],
        "waiting": [{"sink": each.sink, "reason": each.reason, "file": str(each.kept)} for each in brought.failures],
    }


def _say_pushed(pushed: Pushed) -> None:
    for contract_id, why in pushed.waiting.items():
        say(f"the outcome for '{contract_id}' waits: {why}")
    for contract_id, why in pushed.refused.items():
        say(f"the outcome for '{contract_id}' was refused: {why}")


def _say_drafts(brought: Submitted) -> None:
    for receipt in brought.receipts:
        say(f"a draft {'is now' if receipt.created else 'was already'} in {receipt.where}")
    for failure in brought.failures:
        say(f"a draft waits for {failure.sink or 'nobody'} in {failure.kept}: {failure.reason}")
