"""Microsoft Teams: Adaptive Cards through the webhook of a workflow ("When a Teams webhook request is received")."""

from __future__ import annotations

import json
from typing import Final

from lakepact.notify.delivery import TIMEOUT, post
from lakepact.notify.model import Notification, Receipt, Traits
from lakepact.notify.secret_references import Secret
from lakepact.notify.templates import teams_card

__all__ = ["Teams"]

_WHAT: Final = "Teams"


class Teams:
    """Posts a card to the workflow whose address `webhook` gives.

    Teams has no threads for workflows and takes a message as often as it is sent. That a workflow accepts a card
    (202) does not tell that it could post it: its run history in Power Automate does.
    """

    def __init__(self, name: str, webhook: Secret, *, timeout: float = TIMEOUT) -> None:
        self.name = name
        self._webhook = webhook
        self._timeout = timeout

    @property
    def traits(self) -> Traits:
        """Not idempotent."""
        return Traits()

    def send(self, notification: Notification) -> Receipt:
        """Post the card, see `Channel.send`. The remote id is that of the run of the workflow."""
        content = json.dumps(teams_card(notification)).encode()
        answer = post(self._webhook(), content, what=_WHAT, timeout=self._timeout)
        return Receipt(remote_id=answer.headers.get("x-ms-workflow-run-id", ""))
