"""`lakepact export`: the rules of a contract for another quality engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.files import write_atomically
from lakepact.cli.output import say, show_json, write
from lakepact.errors import UsageError

if TYPE_CHECKING:
    from lakepact.contract import Contract
    from lakepact.rules.model import RuleSet
    from lakepact.targets.gx import GxSuite
    from lakepact.targets.soda import SodaContract

    _Export = GxSuite | SodaContract

__all__ = ["export"]


class _Format(StrEnum):
    SODA = "soda"
    GX = "gx"


_ENDINGS = {_Format.SODA: ".soda.yml", _Format.GX: ".gx.json"}


def export(
    target: Annotated[_Format, typer.Argument(metavar="FORMAT", help="soda (contract YAML) or gx (suite JSON).")],
    contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="A file, git:REV:PATH or store:ADDRESS#ID.")],
    schema_object: Annotated[
        str | None, typer.Option("--object", metavar="NAME", help="Only this schema object.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Write a file for each object here.")
    ] = None,
    data_source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of Soda's data source (default: the first server).")
    ] = None,
    policy: Annotated[Path | None, typer.Option(metavar="FILE", help="Actions that override the contract's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print exports and what they leave out as JSON.")] = False,
) -> None:
    """Write the rules of a contract for Soda 4 or Great Expectations 1.x.

    What the engine has no words for is listed on stderr, with the reason, and in the export.
    """
    from lakepact.contract import load_contract
    from lakepact.history import read_reference
    from lakepact.quality.handling import batch_rules
    from lakepact.rules import compile_rules, load_policy
    from lakepact.rules.handling import handling_of

    if data_source is not None and target is not _Format.SODA:
        raise UsageError("--data-source is Soda's", "LP429", "leave it out")
    read = read_reference(contract)
    document = load_contract(read.content, file=read.file)
    rules = compile_rules(document, policy=load_policy(policy) if policy is not None else None)
    handled = handling_of(document)
    # What sets all data aside fails in engines that know nothing of a quarantine, as it fails a check.
    rules = replace(rules, objects=tuple(batch_rules(each, handled) for each in rules.objects))
    exports = _chosen(document, _rendered(target, document, rules, data_source), schema_object)
    if output is None and not as_json and len(exports) != 1:
        listed = ", ".join(each.name for each in exports) or "none"
        message = f"the contract has {len(exports)} schema objects: {listed}"
        raise UsageError(message, "LP429", "choose one with --object, or a folder with -o")
    files = _written(exports, output, _ENDINGS[target]) if output is not None else []
    if as_json:
        places = map(str, files) if files else [""] * len(exports)
        show_json([_json(each, file) for each, file in zip(exports, places, strict=True)])
        return
    if output is None:
        write(exports[0].text)
    for file in files:
        say(f"wrote {file}")
    _tell(exports)


def _rendered(target: _Format, contract: Contract, rules: RuleSet, data_source: str | None) -> Sequence[_Export]:
    if target is _Format.GX:
        from lakepact.targets import gx

        return gx.render(contract, rules)
    from lakepact.targets import soda

    return soda.render(contract, rules, data_source=data_source)


def _chosen(contract: Contract, exports: Sequence[_Export], name: str | None) -> list[_Export]:
    if name is None:
        return list(exports)
    found = contract.object(name)
    if found is None:
        from lakepact.contract.checked_document import nearest

        known = [each.name for each in exports]
        raise UsageError(f"the contract has no schema object '{name}'", "LP426", nearest(name, known))
    return [each for each in exports if each.name == found.name]


def _written(exports: Sequence[_Export], folder: Path, ending: str) -> list[Path]:
    """The files, one for each export; names that differ only in what a file name cannot hold get a number."""
    files: list[Path] = []
    taken: set[str] = set()
    for each in exports:
        stem = re.sub(r"[^\w.-]+", "_", each.name).strip(".") or "object"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        files.append(folder / f"{name}{ending}")
        write_atomically(files[-1], each.text)
    return files


def _json(export: _Export, file: str) -> dict[str, object]:
    return {
        "object": export.name,
        **({"file": file} if file else {}),
        "document": export.document,
        "notes": export.notes,
        "not_expressed": export.not_expressed,
        "problems": [asdict(problem) for problem in export.problems],
    }


def _tell(exports: Sequence[_Export]) -> None:
    for each in exports:
        for problem in each.problems:
            say(str(problem))
        for rule, note in each.notes.items():
            say(f"note: {rule}: {note}")
        for rule, reason in each.not_expressed.items():
            say(f"not expressed: {rule}: {reason}")
