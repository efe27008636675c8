"""What settings of notifications say, whatever the form in which they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lakepact.notify.model import Channel
from lakepact.notify.routing import ChannelPolicy, Route
from lakepact.notify.secret_references import Secret, SecretScopes, secret_of
from lakepact.notify.sending import RetryPolicy
from lakepact.notify.wording import Wording

__all__ = ["NotifySettings", "Origin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """What the settings say. Secrets are not in it: the channels read them when they send.

    `notes` are sentences on what the settings ask for and no service can do.
    """

    channels: tuple[Channel, ...]
    routes: tuple[Route, ...]
    policies: Mapping[str, ChannelPolicy]
    retry: RetryPolicy
    outbox: Path
    mask: tuple[str, ...] | None = None
    link: str = ""
    wording: Wording | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where settings come from, and what reads the secrets that they refer to; paths in them are below `folder`."""

    folder: Path
    secrets: SecretScopes | None = None
    environment: Mapping[str, str] | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def secret(self, reference: str) -> Secret:
        """What reads the secret that the reference names."""
        return secret_of(reference, folder=self.folder, environment=self.environment, scopes=self.secrets)
