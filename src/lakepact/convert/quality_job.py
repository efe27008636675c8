"""A job configuration, its `data_contract:` file and its asset definition, read together as one ODCS v3.1.0 contract.

Any of the three may be given: the others are found by the paths that it names. Checks of Soda, Great Expectations and
Python stay rules of their engines; schema and inline checks become lakepact's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.convert.asset import asset_document
from lakepact.convert.building import add_custom
from lakepact.convert.data_contract import data_contract_document
from lakepact.convert.finish import finished
from lakepact.convert.joining import joined
from lakepact.convert.model import Converted
from lakepact.convert.source import Element, Source, open_source
from lakepact.convert.type_hints import hinted_type
from lakepact.errors import ConfigurationError, Problem, Severity

__all__ = ["convert_quality_job"]

_MISSING = "LP814"
_UNTYPED = "LP809"
# How far above the file that names a path the path is looked for.
_LEVELS = 4


@dataclass(frozen=True, slots=True)
class _Parts:
    """The documents that belong together; None where one is not there."""

    contract: Source | None
    asset: Source | None
    job: Source | None

    def sources(self) -> Iterator[Source]:
        yield from (each for each in (self.job, self.contract, self.asset) if each is not None)


def convert_quality_job(source: bytes, *, file: str = "") -> Converted:
    """The one contract of a job, its contract file and its asset. Paths of another machine are looked for near `file`.

    Raises ConfigurationError (LP800) with every reason why they are none, LP814 among them for a file that is not
    there.

    >>> text = b"data_contract: {name: t, version: '1', schema: [{name: id, type: bigint}], status: active}"
    >>> convert_quality_job(text).document["schema"][0]["name"]
    't'
    """
    parts = _parts(open_source(source, file=file))
    main = next(parts.sources())
    documents = []
    if parts.contract is not None:
        documents.append(data_contract_document(parts.contract, own_engines=True))
    if parts.asset is not None:
        documents.append(asset_document(parts.asset, own_actions=False))
    document = joined(*documents) if documents else {}
    if parts.job is not None:
        _read_job(document, parts.job.root)
    elif parts.asset is not None and parts.contract is not None:
        _settle_mode(document, None)
    _type_columns(document, parts)
    return _finished(document, main, parts)


def _parts(opened: Source) -> _Parts:
    root = opened.root
    said = root.element("data_contract") if isinstance(root.data.get("data_contract"), Mapping) else None
    if isinstance(root.data.get("asset"), Mapping):
        asset = root.element("asset")
        reference = asset.element("data_contract") if asset is not None and asset.has("data_contract") else None
        return _Parts(_followed(reference, "contract_path"), opened, None)
    if said is not None and "contract_path" in said.data:
        contract = _followed(said, "contract_path")
        asset_file = _followed(root, "asset_path") or _asset_of(contract)
        return _Parts(contract, asset_file, opened)
    return _Parts(opened, _asset_of(opened), None)


def _asset_of(contract: Source | None) -> Source | None:
    return _followed(contract.root.element("data_contract"), "asset_ref") if contract is not None else None


def _followed(element: Element | None, key: str) -> Source | None:
    """The document whose path stands under `key`; None where there is none, which is told if a path is written."""
    written = element.data.get(key) if element is not None else None
    if element is None or not isinstance(written, str) or not written:
        return None
    found = _found(written, element.source.file)
    if found is None:
        # Without the contract there is nothing to convert; without the asset columns have no types.
        severity = Severity.ERROR if key == "contract_path" else Severity.WARNING
        hint = "name the file by a path that is right here, or put it beside"
        element.source.note(
            _MISSING, f"`{key}` names '{written}', which is not there", element.at(key), severity=severity, hint=hint
        )
        return None
    return open_source(found.read_bytes(), file=str(found))


def _found(written: str, beside: str) -> Path | None:
    """The file: as it is written, else the longest end of the path that is there beside the file or above it."""
    parts = PurePosixPath(written.replace("\\", "/")).parts
    here = Path(beside).absolute().parent if beside not in ("", "stdin") else Path.cwd()
    places = [here, *here.parents][:_LEVELS]
    ends = [Path(*parts[start:]) for start in range(1 if parts[0] == "/" else 0, len(parts))]
    for candidate in (Path(written), *(place / end for end in ends for place in places)):
        if ".." not in candidate.parts and candidate.is_file() and candidate.stat().st_size <= MAX_BYTES:
            return candidate
    return None


def _read_job(document: dict[str, Any], job: Element) -> None:
    """What the job says beside its contract; its enforcement goes before that of the asset."""
    said = job.element("data_contract")
    mode = said.text("enforcement_mode") if said is not None else None
    off = said is not None and said.flag("enabled") is False
    _settle_mode(document, "disabled" if off else mode)
    if tenant := job.text("tenant_id"):
        document["tenant"] = tenant
    path = said.text("contract_path") if said is not None else None
    known = {each["property"]: each["value"] for each in document.get("customProperties", ())}
    add_custom(document, {"lakepact.jobEnforcement": mode if off else None})
    if known.get("lakepact.contractPath") != path:
        add_custom(document, {"lakepact.jobContractPath": path})
    add_custom(document, {"lakepact.job": job.rest()})


def _settle_mode(document: dict[str, Any], mode: str | None) -> None:
    """One enforcement mode: the given one, else that of the asset, which stays where it was overruled."""
    entries = document.get("customProperties", [])
    of_asset = next((each for each in entries if each["property"] == "lakepact.enforcementMode"), None)
    switched = next((each for each in entries if each["property"] == "lakepact.dataContract"), None)
    off = switched is not None and switched["value"].get("enabled") is False
    chosen = mode or ("disabled" if off else of_asset["value"] if of_asset else None)
    if of_asset is not None:
        of_asset["property"] = "lakepact.assetEnforcement"
    add_custom(document, {"lakepact.enforcement": chosen})


def _type_columns(document: dict[str, Any], parts: _Parts) -> None:
    """Columns without a type get that of their checks; what each part said of them for itself is taken back."""
    for source in parts.sources():
        source.problems[:] = [problem for problem in source.problems if problem.code != _UNTYPED]
    holder = parts.contract or parts.asset
    for entry in document.get("schema", ()):
        untyped = [p for p in entry.get("properties", ()) if not {"logicalType", "physicalType"} & set(p)]
        hinted = {p["name"]: kind for p in untyped if (kind := hinted_type(p.get("quality", ())))}
        for column in untyped:
            if column["name"] in hinted:
                column["logicalType"] = hinted[column["name"]]
        unknown = [p["name"] for p in untyped if p["name"] not in hinted]
        if holder is not None:
            _tell_types(holder, entry["name"], hinted, unknown)


def _tell_types(holder: Source, name: str, hinted: Mapping[str, str], unknown: list[str]) -> None:
    path, hint = next(iter(holder.document.data), ""), "give each a type in the schema of the asset"
    if hinted:
        listed = ", ".join(f"{column} ({kind})" for column, kind in hinted.items())
        message = f"types of `{name}` that nobody declares are those of their checks: {listed}"
        holder.note(_UNTYPED, message, path, severity=Severity.INFO, hint=hint)
    if unknown:
        holder.note(_UNTYPED, f"no type is known for {', '.join(unknown)} of `{name}`", path, hint=hint)


def _finished(document: dict[str, Any], main: Source, parts: _Parts) -> Converted:
    """The document held against the grammar, with the problems of all parts."""
    problems: list[Problem] = []
    faulty = False
    for source in reversed(list(parts.sources())):
        try:
            problems = [*(finished(document, source).problems if source is main else source.finish()), *problems]
        except ConfigurationError as error:
            faulty, problems = True, [*error.problems, *problems]
    if faulty:
        raise ConfigurationError(f"{main.file or 'the source'} cannot be converted", "LP800", problems=problems)
    return Converted(document=document, problems=tuple(problems))
