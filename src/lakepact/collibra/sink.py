"""Drafts for stewards: each becomes an inactive version on the right port, with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Contract
from lakepact.errors import ContractMissing, StoreConflict
from lakepact.store.model import Status

__all__ = ["CollibraSink", "ProposedContract", "ProposedPart"]


class ProposedPart(Protocol):
    """One proposal in a draft: `text` says what, `evidence` why."""

    @property
    def text(self) -> str:
        """What is proposed, for people."""
        ...

    @property
    def evidence(self) -> str:
        """What was seen, for people."""
        ...


class ProposedContract(Protocol):
    """What a draft is to Collibra; the drafts of `lakepact.drafts` are this."""

    @property
    def contract(self) -> Contract:
        """The contract that is proposed; its version is as good as the key."""
        ...

    @property
    def changes(self) -> Sequence[ProposedPart]:
        """The proposals in it."""
        ...

    @property
    def key(self) -> str:
        """The same for the same proposals on the same base."""
        ...


class CollibraSink:
    """Takes drafts to Collibra: a version with the status draft, a comment that lists what is proposed and why.

    With `workflow` (the id of a definition) a review is started, with the contract, the version and the key of the
    draft as properties. The same draft again changes nothing; one that was interrupted goes on where it was.
    """

    def __init__(self, store: CollibraContractStore, *, workflow: str = "") -> None:
        self._store = store
        self._workflow = workflow

    @property
    def name(self) -> str:
        """The address of the store."""
        return self._store.address

    def submit(self, draft: ProposedContract, actor: str) -> tuple[str, bool]:
        """Keep the draft; where it is, and whether it is new there. Raises what the store raises."""
        contract = draft.contract
        where = f"{self._store.address}#{contract.id}@{contract.version}"
        created = not self._has(contract)
        if created:
            try:
                self._store.put(contract, actor=actor, reason=_reason(draft), status=Status.DRAFT)
            except StoreConflict:
                # Another run with the same finding was first.
                if not self._has(contract):
                    raise
                created = False
        if not created:
            self._complete(draft, actor)
        self._announce(draft)
        return where, created

    def _has(self, contract: Contract) -> bool:
        try:
            self._store.version(contract.id, contract.version)
        except ContractMissing:
            return False
        return True

    def _complete(self, draft: ProposedContract, actor: str) -> None:
        """Send the document where a writer was cut off before that; one that is there stays, whatever it says."""
        contract = draft.contract
        try:
            self._store.get(contract.id, contract.version)
        except StoreConflict:
            seen = self._store.version(contract.id, contract.version).sha256
            self._store.put(contract, actor=actor, reason=_reason(draft), expected=seen)

    def _announce(self, draft: ProposedContract) -> None:
        """Start the review and comment, once: the comment is written last, and tells that both were done."""
        contract, gateway = draft.contract, self._store.gateway
        title = f"Draft {contract.version} ({draft.key}) proposes:"
        asset = gateway.contracts(manifest_id=contract.id)[0].id
        if any(note.text.startswith(title) for note in gateway.notes(asset)):
            return
        if self._workflow:
            properties = {"contractId": contract.id, "version": contract.version, "draftKey": draft.key}
            gateway.start_workflow(self._workflow, asset, properties)
        lines = [f"- {each.text}{f' ({each.evidence})' if each.evidence else ''}" for each in draft.changes]
        gateway.add_note(asset, "\n".join([title, *(lines or ["- nothing"])]))


def _reason(draft: ProposedContract) -> str:
    said = [each.text for each in draft.changes]
    return f"proposed: {'; '.join(said[:3])}{' and more' if len(said) > 3 else ''}" if said else "proposed"
