"""Collibra as the place where contracts are validated, and as the place that hears what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lakepact.collibra.feedback import ATTRIBUTES, Compliance, compliance_of, keep_feedback, push_feedback
from lakepact.collibra.gateway import CollibraGateway
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Contract
from lakepact.errors import RemoteFailed, UsageError
from lakepact.rerun.adopting import StoreSource
from lakepact.rerun.inbox import Arrival
from lakepact.rerun.job import Reported
from lakepact.rerun.runner import RunState
from lakepact.results.model import Verdict

__all__ = ["CollibraReporter", "CollibraSource"]

_LOG: Final = logging.getLogger(__name__)


class CollibraSource:
    """Contracts as Collibra has them now. An event may name the asset of a contract in place of the contract."""

    def __init__(self, store: CollibraContractStore) -> None:
        self._store = store
        self._gateway = store.gateway
        self._validated = StoreSource(store)

    @property
    def address(self) -> str:
        """Which Collibra this is."""
        return self._validated.address

    def contract_id(self, arrival: Arrival) -> str:
        """The id that the event names, or that of the asset that it names."""
        if arrival.contract_id:
            return arrival.contract_id
        for found in self._gateway.contracts():
            if found.id == arrival.asset_id:
                return found.manifest_id
        message = f"the event {arrival.delivery_id} names the asset {arrival.asset_id}, which is no data contract"
        raise UsageError(message, "LP942", "send the id of the contract (manifestId) with the event")

    def validated(self, contract_id: str) -> Contract | None:
        """The highest validated version as it is now: an event says that what was read before it does not count.

        Raises RemoteUnavailable LP902 while Collibra is away, so that the event is looked at later.
        """
        self._store.look(contract_id)
        return self._validated.validated(contract_id)


class CollibraReporter:
    """Compliance and counts at the contract's asset; what cannot be sent waits in `outbox` and is sent again.

    An update that did not complete is a contract that is not held, whatever its rules said before it ended: what was
    shown of an earlier one must not stand for it. `attributes` and `metrics_domain` say where outcomes are shown, as
    `push_feedback` has them.
    """

    def __init__(
        self,
        gateway: CollibraGateway,
        outbox: Path,
        *,
        attributes: Mapping[str, str] = ATTRIBUTES,
        metrics_domain: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gateway = gateway
        self._outbox = outbox
        self._attributes = attributes
        self._metrics_domain = metrics_domain
        self._clock = clock

    def report(self, reported: Reported) -> None:
        """Keep what the results say, and send all that waits. Raises RemoteFailed LP946 where Collibra is away."""
        outcomes = compliance_of(reported.outcome.results)
        if reported.outcome.state is not RunState.COMPLETED:
            outcomes = (replace(outcomes[0] if outcomes else self._unknown(reported), verdict=Verdict.FAIL),)
        keep_feedback(self._outbox, outcomes)
        pushed = push_feedback(
            self._gateway, self._outbox, attributes=self._attributes, metrics_domain=self._metrics_domain
        )
        contract_id = reported.contract.id
        if contract_id in pushed.waiting:
            why = pushed.waiting[contract_id]
            raise RemoteFailed(f"what came of '{contract_id}' is not in Collibra yet: {why}", "LP946")
        if contract_id in pushed.refused:
            _LOG.warning("Collibra does not take what came of %r: %s", contract_id, pushed.refused[contract_id])

    def _unknown(self, reported: Reported) -> Compliance:
        """What is known where no rule was asked."""
        return Compliance(
            contract_id=reported.contract.id,
            version=reported.contract.version,
            run_id=reported.outcome.update_id,
            verdict=Verdict.FAIL,
            at=self._clock(),
        )
