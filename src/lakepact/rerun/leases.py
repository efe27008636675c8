"""The events that a worker has claimed: all of their leases are kept while it is at work on one of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from lakepact.errors import StoreConflict
from lakepact.rerun.inbox import Inbox, InboxEvent

__all__ = ["Leases"]

_LOG: Final = logging.getLogger(__name__)


class Leases:
    """Claimed events, each as it was when this worker last had it. `clock` gives the present time in UTC."""

    def __init__(
        self, inbox: Inbox, events: Iterable[InboxEvent], *, lease: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._inbox = inbox
        self._held = {event.delivery_id: event for event in events}
        self._lease = lease
        self._clock = clock
        self._renew_at = clock() + lease / 3

    def renew_when_due(self) -> None:
        """Extend all leases once a third of their time is over. One that is no longer ours is given up, and logged."""
        if self._clock() < self._renew_at:
            return
        for delivery_id, event in tuple(self._held.items()):
            try:
                self._held[delivery_id] = self._inbox.extend(event, self._lease)
            except StoreConflict as error:
                del self._held[delivery_id]
                _LOG.warning("event %s is left to who has it now: %s", delivery_id, error.message)
        self._renew_at = self._clock() + self._lease / 3

    def holds(self, event: InboxEvent) -> bool:
        """Whether nobody is known to have taken the event since it was claimed."""
        return event.delivery_id in self._held

    def held(self, event: InboxEvent) -> InboxEvent:
        """The event as it is held now. Raises StoreConflict LP934 where it was taken by somebody else."""
        found = self._held.get(event.delivery_id)
        if found is None:
            message = f"the delivery {event.delivery_id} is not held any more: its lease was over"
            raise StoreConflict(message, "LP934", "leave it to who has it now")
        return found

    def release(self, event: InboxEvent) -> InboxEvent:
        """The event as it is held, to be settled: its lease is kept no longer. Raises StoreConflict as `held`."""
        found = self.held(event)
        del self._held[event.delivery_id]
        return found
