"""What a place of quarantined data must offer: what it holds, and an append-only journal of decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from lakepact.contract.types import StructField
from lakepact.quarantine.model import Correction, Decision, Stored

__all__ = ["QuarantinePlace"]


class QuarantinePlace(Protocol):
    """Where the quarantine of one dataset is: a table with rows, or a folder with batches.

    Every method raises RemoteFailed LP986 where the place cannot be used, and ConfigurationError LP988 where what it
    holds is damaged.
    """

    @property
    def address(self) -> str:
        """The address that `open_quarantine` opens it by."""
        ...

    def columns(self) -> tuple[StructField, ...]:
        """The columns of the data, without those of lakepact; empty for batches."""
        ...

    def stored(self) -> tuple[Stored, ...]:
        """All that is held now."""
        ...

    def decisions(self) -> tuple[Decision, ...]:
        """All decisions about records of this dataset; those about one record in their order."""
        ...

    def append(self, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
        """Keep decisions; those that are refused, because their record has one with that number, are returned.

        Decisions about rows of one table become visible together.
        """
        ...

    def corrections(self) -> Mapping[str, Mapping[str, Any]]:
        """All corrected values, by the id of the correction."""
        ...

    def keep_correction(self, correction: Correction) -> None:
        """Keep corrected values, before the decision that refers to them."""
        ...

    def remove(self, record_ids: Collection[str]) -> None:
        """Remove the data of records, and their corrected values; what is gone already is no error.

        Rows without a run, which a pipeline computes anew at every update, cannot be removed; those that a stream set
        aside at one moment are removed together.
        """
        ...
