"""`lakepact collibra list|pull|push|status|promote`: contracts of a tenant, one by one and on their way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import Actor, actor_of, regular_file, status_of, waivers_in
from lakepact.cli.collibra_options import AsJson, SettingsFile, counted, mapping_of, settings_in, show_rows, store_of
from lakepact.cli.output import say, show_json
from lakepact.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.collibra.exchange import Moved
    from lakepact.collibra.metrics import Metric
    from lakepact.collibra.overview import PortRow, Standing
    from lakepact.collibra.store import CollibraContractStore
    from lakepact.contract import Contract
    from lakepact.store.model import Status, StoredVersion

__all__ = ["list_", "promote", "pull", "push", "status"]

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:.*", re.DOTALL)
_HASH: Final = re.compile(r"[0-9a-f]{64}")

_Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of contracts.", show_default=False)]


def list_(
    status: Annotated[
        str | None,
        typer.Option(metavar="STATUS", help="Only with this status, ours or the tenant's.", show_default=False),
    ] = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """List contracts with their status, active version and port, and ports that have no contract."""
    from lakepact.collibra.http_gateway import HttpGateway
    from lakepact.collibra.overview import overview

    read = settings_in(settings)
    rows = overview(HttpGateway(read.client()), mapping=mapping_of(read), names=read.names)
    if status is not None:
        asked = status.strip().casefold().replace("-", " ").replace("_", " ")
        rows = tuple(each for each in rows if asked in (each.status.casefold(), each.meaning or ""))
    if as_json:
        show_json([_row_json(each) for each in rows])
    elif rows:
        show_rows([_row_cells(each) for each in rows])
    else:
        say("there is no contract with that status" if status else "there is neither a contract nor a port")


def pull(
    contract_ids: _Ids = None,
    to: Annotated[
        str, typer.Option("--to", metavar="PLACE", help="A folder, or the address of a store such as file:contracts.")
    ] = "contracts",
    everything: Annotated[bool, typer.Option("--all", help="All contracts.")] = False,
    status: Annotated[str, typer.Option(metavar="STATUS", help="Versions with this status, or `any`.")] = "validated",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that were changed here; they are lost.")
    ] = False,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring contracts from Collibra into a folder (the latest version of each), or all versions into a store.

    Only what changed is written. What was changed on both sides stays as it is, is printed, and the exit code is 1.
    """
    from lakepact.collibra.exchange import pull_to_folder, pull_to_store
    from lakepact.store import open_store

    if bool(contract_ids) == everything:
        raise UsageError("name contracts, or give --all", "LP429", "`lakepact collibra list` shows which there are")
    store, wanted = store_of(settings_in(settings)), None if status == "any" else status_of(status, code="LP429")
    in_store = _ADDRESS.fullmatch(to) is not None
    found = _versions(store, contract_ids or (), wanted, each_version=in_store)
    moved = (
        pull_to_store(store, found, open_store(to))
        if in_store
        else pull_to_folder(store, found, Path(to), overwrite=overwrite)
    )
    _show_moved(moved, "conflict", as_json=as_json)


def push(
    contracts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONTRACT]...", help="Files; with --from, ids in that store (default: all).", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="ADDRESS", help="Take the highest versions in a store.", show_default=False),
    ] = None,
    port: Annotated[
        str,
        typer.Option(metavar="UUID", help="The port of a new contract (default: by the mapping, or by its tables)."),
    ] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.", show_default=False)] = "",
    expected: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="Replace the draft that has this hash.", show_default=False),
    ] = None,
    actor: Actor = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring contracts to Collibra as drafts, each to its port. The same bytes again change nothing.

    Exit code 1 where one did not arrive: another draft has its version, or nobody can tell its port.
    """
    from lakepact.collibra.exchange import port_finder
    from lakepact.collibra.exchange import push as push_contracts
    from lakepact.collibra.store import collibra_store

    read = _read_contracts(contracts or (), source)
    for name, given in (("--expected", expected), ("--port", port)):
        if given and len(read) > 1:
            raise UsageError(f"{name} is about one contract", "LP429", "push that one alone")
    chosen = settings_in(settings)
    finder = port_finder(
        lambda: store.gateway,
        {each.id: each for each in read},
        port=port,
        mapping=mapping_of(chosen),
        external_system=chosen.external_system,
    )
    store = collibra_store(chosen, port_of=finder)
    moved = push_contracts(store, read, actor=actor_of(actor, code="LP429"), reason=reason, expected=expected)
    _show_moved(moved, "did not arrive", as_json=as_json)


def status(
    contract_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a contract.", show_default=False)],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how one contract stands: its asset, its versions, drafts that wait, and what was told of it last."""
    from lakepact.collibra.overview import standing

    read = settings_in(settings)
    found = standing(
        store_of(read),
        contract_id,
        names=read.names,
        attributes=read.shown_attributes,
        metrics_domain=read.shown_metrics,
    )
    if as_json:
        show_json(_standing_json(found))
        return
    meaning = f" ({found.meaning})" if found.meaning is not None else " (says nothing to lakepact)"
    told = ", ".join(f"{key} {value}" for key, value in found.feedback.items())
    show_rows(
        [
            ("contract", found.contract.manifest_id),
            ("asset", found.contract.id),
            ("status", f"{found.status}{meaning}"),
            ("active", found.active or "-"),
            ("pending", ", ".join(found.pending) or "-"),
            ("port", found.port or "-"),
            ("feedback", told or "-"),
        ]
    )
    rows = [
        (f"version {each.version}", each.status.value, each.sha256, f"{each.changed_at:%Y-%m-%d}", each.changed_by)
        for each in found.versions
    ]
    show_rows(rows)
    show_rows([(f"metric {_short(each.name, contract_id)}", *_metric_cells(each)) for each in found.metrics])


def promote(
    contract_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a contract.", show_default=False)],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="One of its versions.", show_default=False)],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit trail.", show_default=False)],
    reviewed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The document that was reviewed.", show_default=False)
    ] = None,
    expected: Annotated[
        str | None, typer.Option(metavar="HASH", help="Its hash, in place of the document.", show_default=False)
    ] = None,
    to: Annotated[str, typer.Option(metavar="STATUS", help="Where to take it.")] = "validated",
    waivers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Changes that the version need not cover.", show_default=False),
    ] = None,
    actor: Actor = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a version to validated, by all steps, where Collibra still has the bytes that were reviewed.

    Say which bytes those are: --reviewed names the document, --expected its hash. Exit code 1 where there are others.
    """
    from lakepact.collibra.exchange import promote as promote_version

    if (reviewed is None) == (expected is None):
        hint = "give --reviewed FILE or --expected HASH; `lakepact collibra status` shows hashes"
        raise UsageError("nobody says which bytes were reviewed", "LP429", hint)
    sha256 = _hash_of(reviewed, expected)
    found = promote_version(
        store_of(settings_in(settings)),
        contract_id,
        version,
        sha256=sha256,
        actor=actor_of(actor, code="LP429"),
        reason=reason,
        to=status_of(to, code="LP429"),
        waivers=waivers_in(waivers),
    )
    if as_json:
        from lakepact.store.encoding import version_data

        show_json(version_data(found))
    else:
        show_rows([(found.contract_id, found.version, found.status.value, found.sha256[:12])])


def _versions(
    store: CollibraContractStore, ids: Sequence[str], status: Status | None, *, each_version: bool
) -> list[StoredVersion]:
    """The versions of that status, of the named contracts or of all; the highest of each unless `each_version`.

    Raises ContractMissing LP850 for a named contract that has none.
    """
    if ids and not each_version:
        return [store.latest(each, status=status) for each in dict.fromkeys(ids)]
    if ids:
        found = [one for each in dict.fromkeys(ids) for one in store.list_versions(each, status=status)]
        for each in set(ids) - {one.contract_id for one in found}:
            store.latest(each, status=status)
        return found
    found = list(store.search(status=status))
    return found if each_version else list(_highest(found))


def _highest(versions: Sequence[StoredVersion]) -> Sequence[StoredVersion]:
    """The last version of each contract that is a release; versions come lowest first."""
    from lakepact.contract import SpecifierSet

    releases = SpecifierSet.parse("")
    return tuple({each.contract_id: each for each in versions if each.version in releases}.values())


def _read_contracts(texts: Sequence[str], source: str | None) -> list[Contract]:
    from lakepact.contract import load_contract
    from lakepact.store import open_store

    if source is None:
        if not texts:
            raise UsageError("nothing is named to push", "LP429", "name files, or a store with --from ADDRESS")
        return [load_contract(regular_file(Path(each), what="a contract")) for each in texts]
    store = open_store(source)
    ids = texts or store.list_contracts()
    return [store.get(each, store.latest(each, status=None).version) for each in ids]


def _show_moved(moved: Sequence[Moved], what: str, *, as_json: bool) -> None:
    from lakepact.collibra.exchange import Outcome

    conflicts = [each for each in moved if each.outcome is Outcome.CONFLICT]
    changed = [each for each in moved if each.outcome in (Outcome.NEW, Outcome.CHANGED)]
    if as_json:
        show_json([_moved_json(each) for each in moved])
    else:
        show_rows([(each.contract_id, each.version, each.outcome.value, each.where) for each in (*changed, *conflicts)])
    for each in conflicts:
        say(f"'{each.contract_id}' {each.version}: {each.why}")
    same = len(moved) - len(conflicts) - len(changed)
    said = [f"{counted(len(changed), 'version')} written", f"{same} the same", f"{len(conflicts)} {what}"]
    say(", ".join(said[:2] + said[2:] * bool(conflicts)))
    if conflicts:
        raise typer.Exit(ExitCode.VIOLATED)


def _hash_of(reviewed: Path | None, expected: str | None) -> str:
    from lakepact.store.encoding import sha256_of

    if reviewed is not None:
        return sha256_of(regular_file(reviewed, what="a contract").read_bytes())
    text = (expected or "").strip().lower()
    if not _HASH.fullmatch(text):
        raise UsageError(f"'{expected}' is no hash", "LP429", "give all 64 digits of the SHA-256, or --reviewed FILE")
    return text


def _row_cells(row: PortRow) -> tuple[str, ...]:
    port = f"{row.port_name} ({row.port})" if row.port else "no port"
    meaning = f"{row.status} ({row.meaning})" if row.meaning is not None else row.status
    return (row.contract_id or "-", row.version or "-", meaning or "no contract", port, row.mapping)


def _row_json(row: PortRow) -> dict[str, Any]:
    return {
        "contract_id": row.contract_id or None,
        "asset": row.asset or None,
        "status": row.status or None,
        "meaning": row.meaning,
        "version": row.version or None,
        "port": row.port or None,
        "port_name": row.port_name or None,
        "mapping": row.mapping,
        "datasets": list(row.datasets),
    }


def _standing_json(found: Standing) -> dict[str, Any]:
    from lakepact.store.encoding import version_data

    return {
        "contract_id": found.contract.manifest_id,
        "asset": found.contract.id,
        "status": found.status,
        "meaning": found.meaning,
        "active": found.active or None,
        "pending": list(found.pending),
        "port": found.port or None,
        "feedback": dict(found.feedback),
        "metrics": [_metric_json(each) for each in found.metrics],
        "versions": [version_data(each) for each in found.versions],
    }


def _short(name: str, contract_id: str) -> str:
    return name.removeprefix(f"{contract_id} / ")


def _metric_cells(metric: Metric) -> tuple[str, str]:
    held = {True: "held", False: "not held", None: "no result"}[metric.held]
    counted_rows = metric.passed is not None and metric.loaded is not None
    return held, f"{metric.passed} of {metric.loaded} rows" if counted_rows else "-"


def _metric_json(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "held": metric.held,
        "rows_passed": metric.passed,
        "rows_failed": metric.failed,
        "loaded_rows": metric.loaded,
    }


def _moved_json(moved: Moved) -> dict[str, Any]:
    return {
        "contract_id": moved.contract_id,
        "version": moved.version,
        "outcome": moved.outcome.value,
        "where": moved.where,
        "why": moved.why or None,
    }
