"""Data whose columns are not those of the contract becomes a draft for the steward."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from lakepact.drafts import DraftSink, Provenance, StoreSink, draft_from_dataframe, submit
from lakepact.errors import LakepactError
from lakepact.io.resolving import Governed, Surroundings
from lakepact.spark.environment import cache_folder

__all__ = ["propose"]

_LOG: Final = logging.getLogger(__name__)
_OUTBOX: Final = "drafts"


def propose(
    df: Any,
    governed: Governed,
    surroundings: Surroundings,
    *,
    sinks: Sequence[DraftSink],
    actor: str,
    dataset: str,
    run_id: str,
) -> str:
    """Draft the change that would make the columns fit, and bring it to the store and the sinks; where it went.

    The same columns give the same draft, however often they come. No failure in here stops the data: a place that
    cannot be reached is tried again by `lakepact.drafts.resubmit`, and the log says why.
    """
    provenance = Provenance(cause="data frame", dataset=dataset, run=run_id)
    try:
        draft = draft_from_dataframe(df, governed.contract, object_name=governed.rules.name, provenance=provenance)
        if draft is None:
            return ""
        places = [*_store_sink(surroundings), *sinks]
        outbox = (surroundings.cache or cache_folder()) / _OUTBOX
        done = submit(draft, places, actor=actor, outbox=outbox)
    except LakepactError as error:
        _LOG.warning("no draft of the changed columns of %s: %s", dataset, error)
        return ""
    return ", ".join(receipt.where for receipt in done.receipts)


def _store_sink(surroundings: Surroundings) -> list[DraftSink]:
    try:
        return [StoreSink(surroundings.opened())]
    except LakepactError as error:
        _LOG.warning("the draft does not go to a contract store: %s", error.message)
        return []
