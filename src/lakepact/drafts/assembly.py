"""Puts a draft together: the level of its changes, its key, its version, and where it comes from, in the document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from lakepact.authoring.bump import bumped
from lakepact.contract import ApiVersion, Contract, Version, load_contract
from lakepact.contract.writing import write_document
from lakepact.convert.building import slug
from lakepact.diff import Level, compare
from lakepact.drafts.document import DocumentEdits, plain
from lakepact.drafts.model import DRAFT_PROPERTY, Draft, Proposal, Provenance

__all__ = ["blank_contract", "changed_draft", "draft_key", "draft_version", "first_draft"]

_FIRST = "0.1.0"
_SHOWN = 12


def changed_draft(
    base: Contract, edits: DocumentEdits, changes: Sequence[Proposal], provenance: Provenance
) -> Draft | None:
    """The draft that the edits make of the base, or of what others made of it; None where nothing but hints is listed.

    Raises ConfigurationError (LP170) where the version of the base is not semantic.
    """
    if not any(map(_counts, changes)):
        return None
    ordered = tuple(changes)
    found = compare(base, load_contract(edits.source(), file=base.file))
    level = found.level if found.level is not Level.NONE else Level.PATCH
    key = draft_key(base, base.id, ordered)
    edits.set("", "version", draft_version(Version.parse(base.version), level, key))
    edits.set("", "status", "draft", after="version")
    edits.custom("", DRAFT_PROPERTY, _property(base, ordered, provenance, key))
    contract = load_contract(edits.source(), file=base.file)
    return Draft(contract, base, level, ordered, key)


def blank_contract(contract_id: str, objects: Sequence[dict[str, Any]]) -> Contract:
    """A contract that nobody has written yet, with these schema objects, for a draft to start from."""
    document = {
        "apiVersion": ApiVersion.V3_1_0.value,
        "kind": "DataContract",
        "id": contract_id,
        "name": slug(contract_id),
        "version": _FIRST,
        "status": "draft",
        "schema": list(objects),
    }
    return load_contract(write_document(document))


def first_draft(edits: DocumentEdits, changes: Sequence[Proposal], provenance: Provenance) -> Draft:
    """The draft of a contract that is new; `edits` are those of a `blank_contract`."""
    ordered = tuple(changes)
    key = draft_key(None, edits.contract.id, ordered)
    edits.set("", "version", f"{_FIRST}-{_suffix(key)}")
    edits.custom("", DRAFT_PROPERTY, _property(None, ordered, provenance, key))
    return Draft(load_contract(edits.source()), None, Level.MINOR, ordered, key)


def draft_key(base: Contract | None, contract_id: str, changes: Sequence[Proposal]) -> str:
    """What tells one draft from another: the bytes of the base, and what is proposed for which elements.

    Evidence and measured values are no part of it, nor run, time or version of the data: a rule that fails a thousand
    times, each time by another value, makes one draft.
    """
    counted = [each for each in changes if _counts(each)]
    proposals = sorted({(each.kind.value, each.path, each.clause, each.target, each.adopted) for each in counted})
    content = {"base": base.sha256 if base is not None else "", "id": contract_id, "proposals": proposals}
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def draft_version(base: Version, level: Level, key: str) -> str:
    """The version of a draft: the next one of that level, as a pre-release that is named by the key.

    >>> draft_version(Version.parse("1.4.2"), Level.MINOR, "3fa9" * 16)
    '1.5.0-draft.3fa93fa93fa9'
    """
    suffix = _suffix(key)
    release = Version.parse(f"{base.major}.{base.minor}.{base.patch}")
    for start in (base, release):
        version = Version.parse(f"{bumped(start, level)}-{suffix}")
        if version > base:
            break
    return version.text


def _suffix(key: str) -> str:
    # Digits alone would be a number, which must not start with 0: as many more as bring a letter.
    end = next((at for at in range(_SHOWN, len(key)) if not key[:at].isdigit()), len(key))
    return f"draft.{key[:end]}"


def _counts(proposal: Proposal) -> bool:
    """Whether a proposal is in the document, as a clause or for people to decide; what is only listed is not."""
    return proposal.adopted or proposal.confidence == 1.0


def _property(base: Contract | None, changes: Sequence[Proposal], provenance: Provenance, key: str) -> dict[str, Any]:
    """What the document says of itself; what is unknown is left out."""
    said: dict[str, Any] = {
        "key": key,
        "base": {"version": base.version, "sha256": base.sha256} if base is not None else None,
        "cause": provenance.cause,
        "dataset": provenance.dataset,
        "datasetVersion": provenance.dataset_version,
        "run": provenance.run,
        "rules": list(provenance.rules),
        "statistics": plain(provenance.statistics),
        "proposals": [_listed(each) for each in changes],
    }
    return {name: value for name, value in said.items() if value}


def _listed(proposal: Proposal) -> dict[str, Any]:
    said: dict[str, Any] = {
        "kind": proposal.kind.value,
        "path": proposal.path,
        "clause": proposal.clause,
        "text": proposal.text,
        "evidence": proposal.evidence,
    }
    said = {name: value for name, value in said.items() if value}
    if proposal.confidence < 1:
        said["confidence"] = round(proposal.confidence, 4)
    return said | ({} if proposal.adopted else {"adopted": False})
