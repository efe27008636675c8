"""What is told to people: notifications, the channels that carry them, and the receipts that come back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from lakepact.results.model import Verdict

__all__ = [
    "Channel",
    "Contacts",
    "Grouping",
    "Notification",
    "Receipt",
    "Severity",
    "State",
    "Topic",
    "Traits",
    "Violation",
    "cause_key",
    "worst",
]

_KEY_LENGTH: Final = 32


class State(StrEnum):
    """How the matter of a notification stands. ACKNOWLEDGED: it is not solved, but somebody has taken it."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How much a violation matters, in rising order; a critical one passes quiet hours and rate limits."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """A number that grows with the severity.

        >>> Severity.INFO.rank < Severity.CRITICAL.rank
        True
        """
        return list(Severity).index(self)


class Topic(StrEnum):
    """What a notification is about: rules on data, or service levels. Each has incidents of its own for a dataset."""

    RULES = "rules"
    LEVELS = "service levels"

    @property
    def parts(self) -> tuple[str, ...]:
        """What it adds to the key of a cause: nothing for rules, so that incidents which are open keep theirs."""
        return () if self is Topic.RULES else (self.value,)


class Grouping(StrEnum):
    """What shares a message: all rules of a dataset, or each rule has messages of its own."""

    DATASET = "dataset"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule that is broken, as a result said it. `samples` are a few rows, masked and as text."""

    rule_id: str
    rule_name: str
    status: str
    severity: Severity
    violations: int | None = None
    tested: int | None = None
    value: str | None = None
    threshold: str | None = None
    dimension: str | None = None
    message: str = ""
    samples: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Whom the contract names: addresses of its team and of its support, and the names of its Slack channels."""

    owner_addresses: tuple[str, ...] = ()
    support_addresses: tuple[str, ...] = ()
    slack_channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message about a contract and a dataset, whatever carries it.

    `id` is the same whenever this message is sent again, `cause` the same for all messages of one incident. `thread` is
    the remote id of the first message of the incident on the same channel, '' for that message itself. `quarantine` is
    a link, or the name of the place, where the violating rows are. `headings` are the titles of the messages that a
    rate limit held back; a notification that has them tells nothing else. `quarantine_place` is the name of the place
    where rows were set aside, also where there is a link. `title` and `text` are words of somebody's own, which
    stand in for those of this library. `topic` says what the violations are: broken rules, or missed service levels.
    """

    id: str
    cause: str
    contract_id: str
    contract_version: str
    dataset: str
    run_id: str
    verdict: Verdict
    state: State
    severity: Severity
    at: datetime
    contract_name: str = ""
    domain: str = ""
    owners: tuple[str, ...] = ()
    contacts: Contacts = Contacts()
    violations: tuple[Violation, ...] = ()
    recovered: tuple[str, ...] = ()
    quarantine: str = ""
    escalated: bool = False
    thread: str = ""
    headings: tuple[str, ...] = ()
    tenant: str = ""
    quarantine_place: str = ""
    title: str = ""
    text: tuple[str, ...] = ()
    topic: Topic = Topic.RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a service took a message: its id (a Slack `ts`, a Message-ID, a dedup key), and what else it says."""

    remote_id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a kind of channel can do.

    `idempotent`: the service drops the second of two messages with one id. `keeps_incidents`: it opens and closes
    incidents by their key, so that its messages must stay one a rule and are never put together into a summary.
    """

    idempotent: bool = False
    keeps_incidents: bool = False


class Channel(Protocol):
    """A way to people. `send` blocks for a bounded time.

    It raises RemoteUnavailable LP958 where the same message can succeed later (`facts["retry_after"]`: the seconds that
    the service asked for), RemoteFailed LP957 where it cannot, ConfigurationError LP955 for a secret that is not there.
    """

    @property
    def name(self) -> str:
        """Its name in the settings."""

    @property
    def traits(self) -> Traits:
        """What its service can do."""

    def send(self, notification: Notification) -> Receipt:
        """Hand the notification to the service."""


def cause_key(*parts: str) -> str:
    """A short key for a cause: contract, dataset and, where it has messages of its own, rule.

    >>> cause_key("orders", "main.sales.orders") == cause_key("orders", "main.sales.orders")
    True
    >>> cause_key("a", "bc") == cause_key("ab", "c")
    False
    """
    text = "\0".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_KEY_LENGTH]


def worst(severities: Iterable[Severity]) -> Severity:
    """The highest of them, INFO where there is none."""
    return max(severities, key=lambda each: each.rank, default=Severity.INFO)
