"""PagerDuty: incidents by Events API v2, triggered, acknowledged and resolved under one key."""

from __future__ import annotations

import json
from typing import Any, Final

from lakepact.notify.delivery import TIMEOUT, post, refused
from lakepact.notify.masking import shortened
from lakepact.notify.model import Notification, Receipt, State, Traits
from lakepact.notify.secret_references import Secret
from lakepact.notify.templates import pagerduty_payload
from lakepact.notify.view import view_of

__all__ = ["PAGERDUTY_EVENTS", "PagerDuty"]

PAGERDUTY_EVENTS: Final = "https://events.pagerduty.com"
"""Where events go; accounts of the European region have `https://events.eu.pagerduty.com`."""

_WHAT: Final = "PagerDuty"
_ACTIONS: Final = {State.FIRING: "trigger", State.ACKNOWLEDGED: "acknowledge", State.RESOLVED: "resolve"}


class PagerDuty:
    """Sends events to the integration whose routing key `routing_key` gives.

    The cause is the dedup key: however often an event is sent, there is one open incident. PagerDuty itself does not
    acknowledge or resolve what was never triggered.
    """

    def __init__(
        self, name: str, routing_key: Secret, *, address: str = PAGERDUTY_EVENTS, timeout: float = TIMEOUT
    ) -> None:
        self.name = name
        self._routing_key = routing_key
        self._url = f"{address.rstrip('/')}/v2/enqueue"
        self._timeout = timeout

    @property
    def traits(self) -> Traits:
        """Idempotent, by the dedup key, and it keeps incidents."""
        return Traits(idempotent=True, keeps_incidents=True)

    def send(self, notification: Notification) -> Receipt:
        """Send the event, see `Channel.send`. The remote id is the dedup key."""
        key = f"lakepact-{notification.cause}"
        event: dict[str, Any] = {
            "routing_key": self._routing_key(),
            "event_action": _ACTIONS[notification.state],
            "dedup_key": key,
        }
        if notification.state is State.FIRING:
            event |= {"client": "lakepact", "payload": pagerduty_payload(notification)}
            link = view_of(notification).link
            if link:
                event["links"] = [{"href": link, "text": "Open the quarantine"}]
        answer = post(self._url, json.dumps(event).encode(), what=_WHAT, timeout=self._timeout)
        data = answer.json()
        if data.get("status") != "success":
            raise refused(_WHAT, shortened(str(data.get("message") or "it does not answer success"), 200))
        return Receipt(remote_id=str(data.get("dedup_key") or key))
