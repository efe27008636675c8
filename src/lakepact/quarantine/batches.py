"""A file or table that fails as a whole is set aside where its contract says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lakepact.contract.model import Contract
from lakepact.quarantine.file_place import FilePlace
from lakepact.quarantine.model import FailedRule, Record
from lakepact.quarantine.records import Quarantine
from lakepact.quarantine.settings import enabled_settings

__all__ = ["quarantine_batch"]


def quarantine_batch(
    source: str,
    contract: Contract,
    violations: Sequence[FailedRule],
    *,
    dataset: str,
    run_id: str = "",
    object_name: str = "",
    url: str | None = None,
    variables: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    actor: str = "",
    reason: str = "",
    retention: timedelta | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Record:
    """Copy the file or folder at `source` (a path or a URL) into quarantine, with a document that says why.

    It goes below `url`, or below the bucket and prefix of the contract, whose `${NAME}` are `variables` (default: those
    of the environment). The same data in the same run is set aside once, whoever asks again. `metadata` is kept with
    it: `format` and `options` say how Spark reads the files in a replay, where their names do not tell. `actor` and
    `reason` say who set it aside, and why; `retention` stands in for that of the contract. Raises ConfigurationError
    LP980 where the place is not clear or the contract turns its quarantine off, UsageError LP984 where nothing is at
    `source`.
    """
    settings = enabled_settings(contract)
    place = FilePlace(settings.url(variables) if url is None else url, options=options)
    quarantine = Quarantine(place, contract=contract, clock=clock)
    said = {"actor": actor, "reason": reason}
    stored = place.set_aside(
        source,
        dataset=dataset,
        contract_id=contract.id,
        contract_version=contract.version,
        violations=violations,
        retention=settings.retention if retention is None else retention,
        now=quarantine.now,
        run_id=run_id,
        object_name=object_name,
        metadata={**(metadata or {}), **{name: text for name, text in said.items() if text}},
    )
    return quarantine.record(stored.header.id)
