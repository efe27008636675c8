"""`lakepact draft …`: a proposed version of a contract, from what was seen in data, files, registries and results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lakepact.cli.arguments import Actor, actor_of
from lakepact.cli.output import say, show_json, write
from lakepact.errors import ContractInvalid, ExitCode, UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.drafts import Draft

__all__ = ["draft", "from_files", "from_registry", "from_results", "from_schema", "resubmit"]

_FORMS: Final = ("parquet", "csv", "json")
_KINDS: Final = ("avro", "json", "protobuf", "subject")

_File = Annotated[str, typer.Argument(metavar="FILE", help="A file, - for stdin.", show_default=False)]
_Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="CONTRACT",
        help="The contract that changes: a file, git:REV:PATH, or store:ADDRESS#ID@VERSION.",
        show_default=False,
    ),
]
_Id = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="Without --base: id of the new contract.", show_default=False)
]
_Object = Annotated[
    str | None,
    typer.Option("--object", metavar="NAME", help="The schema object (default: the only one).", show_default=False),
]
_Dataset = Annotated[str, typer.Option(metavar="NAME", help="The data that was looked at.", show_default=False)]
_DatasetVersion = Annotated[str, typer.Option(metavar="TEXT", help="Its version.", show_default=False)]
_Run = Annotated[str, typer.Option(metavar="ID", help="The run that looked at it.", show_default=False)]
_Cause = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the steward.", show_default=False)]
_Store = Annotated[
    str | None,
    typer.Option("--store", "-s", metavar="ADDRESS", help="Put the draft into this store.", show_default=False),
]
_Outbox = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where drafts wait while the store is away.", show_default=False),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

draft = typer.Typer(
    name="draft",
    help="Propose a version of a contract from what was seen, and print it or put it into a store.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@draft.command("from-schema")
def from_schema(
    file: _File,
    base: _Base = None,
    contract_id: _Id = None,
    object_name: _Object = None,
    dataset: _Dataset = "",
    dataset_version: _DatasetVersion = "",
    run: _Run = "",
    cause: _Cause = "the schema of the data is not that of the contract",
    store: _Store = None,
    outbox: _Outbox = None,
    actor: Actor = None,
    as_json: _Json = False,
) -> None:
    """From the schema of a data frame, as `df.schema.json()` writes it."""
    from lakepact.drafts import Provenance, draft_from_schema, observed_schema

    known = _base(base)
    why = Provenance(cause=cause, dataset=dataset, dataset_version=dataset_version, run=run)
    name = _object(known, object_name, contract_id)
    made = draft_from_schema(known, name, observed_schema(_text(file)), provenance=why, contract_id=contract_id)
    _show(made, store, outbox, actor, as_json=as_json)


@draft.command("from-files")
def from_files(
    files: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, or folders of them, or URLs.", show_default=False)
    ],
    base: _Base = None,
    contract_id: _Id = None,
    object_name: _Object = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--form", metavar="FORM", help="parquet, csv or json (default: by the names).", show_default=False
        ),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="How sure a clause must be to get into the draft.")
    ] = 0.95,
    sample_bytes: Annotated[int, typer.Option(min=1, help="How much of a CSV or JSON file is read.")] = 1 << 20,
    dataset: _Dataset = "",
    dataset_version: _DatasetVersion = "",
    run: _Run = "",
    cause: _Cause = "files were delivered",
    store: _Store = None,
    outbox: _Outbox = None,
    actor: Actor = None,
    as_json: _Json = False,
) -> None:
    """From files: Parquet by its footers, CSV and JSON by their first bytes."""
    from lakepact.drafts import Provenance, draft_from_files, file_facts

    if form is not None and form not in _FORMS:
        raise UsageError(f"'{form}' is no form of files", "LP888", f"accepted: {', '.join(_FORMS)}")
    known = _base(base)
    why = Provenance(cause=cause, dataset=dataset, dataset_version=dataset_version, run=run)
    facts = file_facts(files, form=form, sample_bytes=sample_bytes)
    name = _object(known, object_name, contract_id)
    made = draft_from_files(known, name, facts, provenance=why, contract_id=contract_id, threshold=threshold)
    _show(made, store, outbox, actor, as_json=as_json)


@draft.command("from-registry")
def from_registry(
    file: _File,
    base: _Base = None,
    contract_id: _Id = None,
    object_name: _Object = None,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="avro, json or protobuf; subject: what the registry answers.")
    ] = "subject",
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="A schema that it refers to; may be given several times."),
    ] = None,
    message: Annotated[
        str, typer.Option(metavar="NAME", help="A message of a Protobuf schema (default: the first).")
    ] = "",
    dataset: _Dataset = "",
    dataset_version: _DatasetVersion = "",
    run: _Run = "",
    cause: _Cause = "the schema in the registry is not that of the contract",
    store: _Store = None,
    outbox: _Outbox = None,
    actor: Actor = None,
    as_json: _Json = False,
) -> None:
    """From a schema of a registry: Avro, JSON Schema or Protobuf."""
    from lakepact.drafts import Provenance, SchemaKind, Subject, draft_from_registry, read_subject

    if kind not in _KINDS:
        raise UsageError(f"'{kind}' is no kind of schema", "LP888", f"accepted: {', '.join(_KINDS)}")
    text = _text(file)
    if kind == "subject":
        subject = read_subject(text, file=file)
    else:
        subject = Subject(schema=text, kind=SchemaKind(kind.upper()), references=_references(reference or []))
    known = _base(base)
    why = Provenance(
        cause=cause, dataset=dataset or subject.name, dataset_version=dataset_version or subject.version, run=run
    )
    single = known is not None and len(known.schema) == 1
    name = object_name or (_object(known, None, None) if single else None)
    made = draft_from_registry(
        known, subject, provenance=why, object_name=name, contract_id=contract_id, message=message, file=file
    )
    _show(made, store, outbox, actor, as_json=as_json)


@draft.command("from-results")
def from_results(
    file: _File,
    base: _Base = None,
    observed: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What the data holds, by rule, as JSON.", show_default=False),
    ] = None,
    dataset: _Dataset = "",
    dataset_version: _DatasetVersion = "",
    run: _Run = "",
    cause: _Cause = "rules are violated",
    store: _Store = None,
    outbox: _Outbox = None,
    actor: Actor = None,
    as_json: _Json = False,
) -> None:
    """From the results of rules, as JSON rows of `rule_results`."""
    from lakepact.drafts import Provenance, draft_from_results, evidence_from_json, results_from_json

    known = _base(base)
    if known is None:
        raise UsageError("results are about a contract", "LP888", "name it with --base")
    results = results_from_json(_text(file), file=file)
    values = evidence_from_json(_text(str(observed)), file=str(observed)) if observed is not None else {}
    why = Provenance(
        cause=cause,
        dataset=dataset or next((each.dataset for each in results), ""),
        dataset_version=dataset_version,
        run=run or next((each.run_id for each in results), ""),
    )
    made = draft_from_results(known, results, observed_values=values, provenance=why)
    _show(made, store, outbox, actor, as_json=as_json)


@draft.command("resubmit")
def resubmit(
    outbox: Annotated[Path, typer.Argument(metavar="DIR", help="The outbox.", show_default=False)],
    store: Annotated[str, typer.Option("--store", "-s", metavar="ADDRESS", help="The store.", show_default=False)],
) -> None:
    """Try again what waits in an outbox for a store."""
    from lakepact.drafts import StoreSink
    from lakepact.drafts import resubmit as try_again
    from lakepact.store import open_store

    done = try_again(outbox, [StoreSink(open_store(store))])
    for receipt in done.receipts:
        say(f"{receipt.where} {'is there now' if receipt.created else 'was there already'}")
    for failure in done.failures:
        say(f"'{failure.kept}' stays: {failure.reason}")
    if not done.ok:
        raise typer.Exit(ExitCode.REMOTE)


def _base(text: str | None) -> Contract | None:
    """The contract that changes; its problems are said, or raised all together."""
    from lakepact.contract import read_contract
    from lakepact.history import read_reference

    if text is None:
        return None
    reference = read_reference(text)
    contract, problems = read_contract(reference.content, file=reference.file)
    if contract is None:
        raise ContractInvalid(f"'{text}' is no contract", "LP100", problems=problems)
    for problem in problems:
        say(str(problem))
    return contract


def _object(base: Contract | None, name: str | None, contract_id: str | None) -> str:
    """The schema object that is meant. Raises UsageError LP888 where that is not clear."""
    if name is not None:
        return name
    if base is None:
        return contract_id or ""
    if len(base.schema) != 1:
        known = ", ".join(each.name for each in base.schema) or "none"
        raise UsageError(f"the contract has several objects, or none: {known}", "LP888", "name one with --object")
    return base.schema[0].name


def _text(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"'{file}' cannot be read: {reason}", "LP888", "name a file of text in UTF-8") from error


def _references(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, mark, file = each.rpartition("=")
        if not mark:
            raise UsageError(
                f"'{each}' is not written NAME=FILE", "LP888", "for example money.proto=schemas/money.proto"
            )
        found[name] = _text(file)
    return found


def _show(made: Draft | None, store: str | None, outbox: Path | None, actor: str | None, *, as_json: bool) -> None:
    if made is None:
        if as_json:
            show_json(None)
        say("nothing to propose: the contract describes what was seen")
        return
    for change in made.changes:
        sure = f" ({int(change.confidence * 100)}% sure)" if change.confidence < 1 else ""
        said = "" if change.adopted else ", only listed"
        say(f"{change.kind}: {change.text}{sure}{said} [{change.evidence}]")
    created = _submitted(made, store, outbox, actor_of(actor, code="LP888")) if store is not None else None
    if as_json:
        show_json(_data(made, created))
    elif store is None:
        write(made.contract.source.decode("utf-8-sig"))


def _submitted(made: Draft, store: str, outbox: Path | None, actor: str) -> bool:
    """Put the draft into the store; whether it is new there. Without an outbox what the store raises is raised."""
    from lakepact.drafts import StoreSink, submit
    from lakepact.store import open_store

    sink = StoreSink(open_store(store))
    if outbox is None:
        where, created = sink.submit(made, actor)
        say(f"{where} {'is there now' if created else 'was there already'}")
        return created
    done = submit(made, [sink], actor=actor, outbox=outbox)
    for receipt in done.receipts:
        say(f"{receipt.where} {'is there now' if receipt.created else 'was there already'}")
    for failure in done.failures:
        say(f"the draft waits in '{failure.kept}': {failure.reason}")
    return any(receipt.created for receipt in done.receipts)


def _data(made: Draft, created: bool | None) -> dict[str, Any]:
    proposals = [
        {
            "kind": change.kind.value,
            "path": change.path,
            "clause": change.clause,
            "text": change.text,
            "evidence": change.evidence,
            "confidence": change.confidence,
            "adopted": change.adopted,
        }
        for change in made.changes
    ]
    return {
        "contract": made.contract.id,
        "version": made.contract.version,
        "base": made.base.version if made.base is not None else None,
        "level": made.level.value,
        "key": made.key,
        "created": created,
        "proposals": proposals,
        "document": made.contract.source.decode("utf-8-sig"),
    }
