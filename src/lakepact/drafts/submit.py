"""Brings drafts to those who decide on them; a place that fails is logged and tried again, and breaks nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lakepact.drafts.model import DRAFT_PROPERTY, Draft
from lakepact.drafts.outbox import Kept, forget, keep, kept_drafts
from lakepact.errors import ContractMissing, StoreConflict
from lakepact.store.model import Status
from lakepact.store.protocol import ContractStore

__all__ = ["DraftSink", "Failure", "Receipt", "StoreSink", "Submitted", "resubmit", "submit"]

_LOG: Final = logging.getLogger(__name__)


class DraftSink(Protocol):
    """A place that takes drafts: a contract store, a catalogue, a workflow."""

    @property
    def name(self) -> str:
        """What the place is called, in logs and in the outbox; the same from run to run."""

    def submit(self, draft: Draft, actor: str) -> tuple[str, bool]:
        """Keep the draft; return where it is, and whether it is new there. The same key again changes nothing."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A place has the draft: `where`, and whether it came there by this call."""

    sink: str
    where: str
    created: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A place does not have the draft: why, and the file that it waits in; without a file it is lost."""

    sink: str
    reason: str
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of one draft, or of all in an outbox, in each place."""

    receipts: tuple[Receipt, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every place has the draft."""
        return not self.failures


class StoreSink:
    """Drafts as versions of a contract store, with the status draft.

    A version is named by the key of the draft, so one that is there is left as it is: also while it is in review, and
    when it was rejected, which answers the same proposal for good.
    """

    def __init__(self, store: ContractStore) -> None:
        """Drafts go to `store`."""
        self._store = store

    @property
    def name(self) -> str:
        """The address of the store."""
        return self._store.address

    def submit(self, draft: Draft, actor: str) -> tuple[str, bool]:
        """Put the draft where it is not there yet. Raises what the store raises."""
        contract = draft.contract
        where = f"{self._store.address}#{contract.id}@{contract.version}"
        if self._has(draft):
            return where, False
        try:
            self._store.put(contract, actor=actor, reason=_reason(draft), status=Status.DRAFT)
        except StoreConflict:
            # Another run with the same finding was first.
            if not self._has(draft):
                raise
            return where, False
        return where, True

    def _has(self, draft: Draft) -> bool:
        try:
            self._store.version(draft.contract.id, draft.contract.version)
        except ContractMissing:
            return False
        return True


def submit(draft: Draft, sinks: Sequence[DraftSink], *, actor: str, outbox: Path | None = None) -> Submitted:
    """Give the draft to every sink; never raises for a sink that fails, nor for an outbox that cannot be written.

    What failed is logged and, with an outbox, kept there in a file for each draft and sink, until `resubmit` succeeds.
    """
    receipts: list[Receipt] = []
    failures: list[Failure] = []
    for sink in sinks:
        found = _given(draft, sink, actor)
        if isinstance(found, Failure) and outbox is not None:
            found = Failure(found.sink, found.reason, keep(outbox, Kept(draft, found.sink, actor, found.reason)))
        if isinstance(found, Receipt):
            if outbox is not None:
                forget(outbox, draft.key, found.sink)
            receipts.append(found)
        else:
            failures.append(found)
    return Submitted(tuple(receipts), tuple(failures))


def resubmit(outbox: Path, sinks: Sequence[DraftSink]) -> Submitted:
    """Give what waits in the outbox to the sinks that it was meant for; what succeeds leaves the outbox.

    A draft for a sink that is not among these stays and counts as a failure, as does a file that cannot be read.
    """
    known = {sink.name: sink for sink in sinks}
    receipts: list[Receipt] = []
    failures: list[Failure] = []
    waiting, damaged = kept_drafts(outbox)
    for kept, file in waiting:
        sink = known.get(kept.sink)
        found = (
            _given(kept.draft, sink, kept.actor)
            if sink is not None
            else Failure(kept.sink, f"no sink is named '{kept.sink}'")
        )
        if isinstance(found, Receipt):
            forget(outbox, kept.draft.key, found.sink)
            receipts.append(found)
        else:
            failures.append(Failure(found.sink, found.reason, file))
    failures += [Failure("", reason, file) for file, reason in damaged]
    return Submitted(tuple(receipts), tuple(failures))


def _given(draft: Draft, sink: DraftSink, actor: str) -> Receipt | Failure:
    name = sink.name
    contract = draft.contract
    try:
        where, created = sink.submit(draft, actor)
    except Exception as error:  # a sink may raise anything, and the data job must not end by it
        _LOG.warning("the draft %s %s did not reach %s: %s", contract.id, contract.version, name, error)
        return Failure(name, f"{type(error).__name__}: {error}")
    if created:
        _LOG.info("the draft %s %s is in %s", contract.id, contract.version, where)
    return Receipt(name, where, created)


def _reason(draft: Draft) -> str:
    said = next((each.value for each in draft.contract.custom_properties if each.property == DRAFT_PROPERTY), None)
    cause = str(said.get("cause", "")) if isinstance(said, dict) else ""
    return cause or "draft"
