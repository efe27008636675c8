"""Data whose columns are not those of the contract becomes a draft for the steward."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from lakepact.collibra.settings import PREFIX, read_settings
from lakepact.contract.spark_schema import read_spark_schema
from lakepact.contract.types import StructType
from lakepact.drafts import DraftSink, Provenance, StoreSink, draft_from_schema, submit
from lakepact.errors import LakepactError
from lakepact.io.resolving import Governed, Surroundings
from lakepact.quality.schema import Alignment
from lakepact.spark.environment import cache_folder

__all__ = ["propose"]

_LOG: Final = logging.getLogger(__name__)
_OUTBOX: Final = "drafts"


def propose(
    df: Any,
    alignment: Alignment,
    governed: Governed,
    surroundings: Surroundings,
    *,
    sinks: Sequence[DraftSink],
    actor: str,
    dataset: str,
    run_id: str,
) -> str:
    """Draft the change that would make the columns fit; where it went: the store, Collibra where it is configured, and
    the sinks.

    The same columns give the same draft, however often they come. No failure in here stops the data: a place that
    cannot be reached is tried again by `lakepact.drafts.resubmit`, and the log says why.
    """
    provenance = Provenance(cause="data frame", dataset=dataset, run=run_id)
    observed = _observed(read_spark_schema(df.schema.json()), alignment)
    try:
        draft = draft_from_schema(governed.contract, governed.rules.name, observed, provenance=provenance)
        if draft is None:
            return ""
        places = [*_store_sink(surroundings), *_collibra_sink(), *sinks]
        outbox = (surroundings.cache or cache_folder()) / _OUTBOX
        done = submit(draft, places, actor=actor, outbox=outbox)
    except LakepactError as error:
        _LOG.warning("no draft of the changed columns of %s: %s", dataset, error)
        return ""
    return ", ".join(receipt.where for receipt in done.receipts)


def _observed(found: StructType, alignment: Alignment) -> StructType:
    """The columns that were found; those whose values can be converted have the contract's type already."""
    adapted = {
        each.column.name.casefold(): each.column.type for each in alignment.columns if each.present and each.value
    }
    fields = (replace(field, type=adapted.get(field.name.casefold(), field.type)) for field in found.fields)
    return StructType(tuple(fields))


def _store_sink(surroundings: Surroundings) -> list[DraftSink]:
    try:
        return [StoreSink(surroundings.opened())]
    except LakepactError as error:
        _LOG.warning("the draft does not go to a contract store: %s", error.message)
        return []


def _collibra_sink() -> list[DraftSink]:
    """Collibra, where its settings are in the environment."""
    if not any(os.environ.get(f"{PREFIX}{name}") for name in ("URL", "FILE")):
        return []
    from lakepact.collibra.sink import CollibraSink
    from lakepact.collibra.store import collibra_store

    try:
        settings = read_settings()
        return [CollibraSink(collibra_store(settings), workflow=settings.workflow)]
    except LakepactError as error:
        _LOG.warning("the draft does not go to Collibra: %s", error.message)
        return []
