"""Everything that apprise reaches (extra `apprise`): about 150 services by one address each."""

from __future__ import annotations

from typing import Any, Final

from lakepact.errors import ConfigurationError, ExtraMissing
from lakepact.notify.delivery import away
from lakepact.notify.model import Notification, Receipt, Severity, State, Traits
from lakepact.notify.secret_references import Secret
from lakepact.notify.templates import plain_text, subject

__all__ = ["AppriseChannel"]

_KINDS: Final = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "failure",
}


class AppriseChannel:
    """Sends text to the apprise address that `url` gives.

    apprise says only whether a service took a message: every failure is tried again, and no message is sent only once
    for sure. Raises ExtraMissing LP956 at the first message where apprise is not installed.
    """

    def __init__(self, name: str, url: Secret) -> None:
        self.name = name
        self._url = url

    @property
    def traits(self) -> Traits:
        """Not idempotent."""
        return Traits()

    def send(self, notification: Notification) -> Receipt:
        """Send the text, see `Channel.send`."""
        target = self._target()
        kind = "success" if notification.state is State.RESOLVED else _KINDS[notification.severity]
        title, text = subject(notification), plain_text(notification)
        if not target.notify(body=text, title=title, notify_type=kind, body_format="text"):
            raise away("the service behind apprise", "apprise says that it failed")
        return Receipt()

    def _target(self) -> Any:
        try:
            import apprise
        except ImportError:
            message = f"the channel '{self.name}' needs apprise"
            raise ExtraMissing(message, "LP956", "install lakepact[apprise]") from None
        target = apprise.Apprise()
        if not target.add(self._url()):
            raise ConfigurationError(f"the address of '{self.name}' is none that apprise knows", "LP955", "check it")
        return target
