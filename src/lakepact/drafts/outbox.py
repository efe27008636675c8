"""Drafts that wait for a place which failed: one file for each draft and place, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakepact.atomic_files import replace_file
from lakepact.contract import Contract, load_contract
from lakepact.diff import Level
from lakepact.drafts.model import Draft, Proposal, ProposalKind
from lakepact.errors import ContractInvalid

__all__ = ["Kept", "forget", "keep", "kept_drafts"]

_LOG: Final = logging.getLogger(__name__)
_FORM: Final = "lakepact-draft-1"
_SUFFIX: Final = ".draft.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft that did not reach its sink, who made it, and why it is here."""

    draft: Draft
    sink: str
    actor: str
    reason: str


def keep(outbox: Path, kept: Kept) -> Path | None:
    """Write the file; None, with a line in the log, where that is not possible."""
    file = _file(outbox, kept.draft.key, kept.sink)
    try:
        outbox.mkdir(parents=True, exist_ok=True)
        content = json.dumps(_data(kept), ensure_ascii=False, indent=1).encode()
        replace_file(file, content, durable=True, private=True)
    except (OSError, UnicodeError) as error:
        _LOG.error("the draft %s is not kept in %s: %s", kept.draft.contract.version, outbox, error)
        return None
    return file


def forget(outbox: Path, key: str, sink: str) -> None:
    """Remove the file of a draft and sink, where there is one."""
    try:
        _file(outbox, key, sink).unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("a draft that arrived stays in %s: %s", outbox, error)


def kept_drafts(outbox: Path) -> tuple[list[tuple[Kept, Path]], list[tuple[Path, str]]]:
    """All that waits, with its file, and the files that cannot be read, with the reason."""
    waiting: list[tuple[Kept, Path]] = []
    damaged: list[tuple[Path, str]] = []
    for file in sorted(outbox.glob(f"*{_SUFFIX}")):
        try:
            waiting.append((_kept(json.loads(file.read_bytes())), file))
        except (OSError, ValueError, KeyError, TypeError, ContractInvalid) as error:
            _LOG.error("%s cannot be read as a draft: %s", file, error)
            damaged.append((file, f"{type(error).__name__}: {error}"))
    return waiting, damaged


def _file(outbox: Path, key: str, sink: str) -> Path:
    # The name of a sink may hold anything; its hash is a safe part of a name.
    return outbox / f"{key[:24]}.{hashlib.sha256(sink.encode()).hexdigest()[:12]}{_SUFFIX}"


def _data(kept: Kept) -> dict[str, Any]:
    draft = kept.draft
    changes = [
        {
            name: getattr(each, name)
            for name in ("path", "text", "evidence", "clause", "target", "confidence", "adopted")
        }
        | {"kind": each.kind.value}
        for each in draft.changes
    ]
    return {
        "form": _FORM,
        "sink": kept.sink,
        "actor": kept.actor,
        "reason": kept.reason,
        "key": draft.key,
        "level": draft.level.value,
        "contract": _document(draft.contract),
        "base": _document(draft.base) if draft.base is not None else None,
        "changes": changes,
    }


def _kept(data: dict[str, Any]) -> Kept:
    if data["form"] != _FORM:
        raise ValueError(f"its form is {data['form']!r}, not {_FORM!r}")
    changes = tuple(Proposal(**{**each, "kind": ProposalKind(each["kind"])}) for each in data["changes"])
    base = _contract(data["base"]) if data["base"] is not None else None
    draft = Draft(_contract(data["contract"]), base, Level(data["level"]), changes, data["key"])
    return Kept(draft, data["sink"], data["actor"], data["reason"])


def _document(contract: Contract) -> dict[str, str]:
    return {"file": contract.file, "text": contract.source.decode()}


def _contract(data: dict[str, str]) -> Contract:
    return load_contract(data["text"].encode(), file=data["file"])
