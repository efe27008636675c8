"""Which channels hear of what, and when: routes, quiet hours, escalation, mutes, and the limits of a channel."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo

from lakepact.notify.facts import Facts
from lakepact.notify.model import Grouping, Severity

__all__ = ["NAMED_BY_CONTRACT", "ChannelPolicy", "Escalation", "Mute", "QuietHours", "Rate", "Route"]

NAMED_BY_CONTRACT: Final = "contract"
"""Stands in a route for the channels that the contract itself names."""

_WEEK: Final = frozenset(range(7))
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A time of day in which a route waits, by the clock of its zone; `days` are those on which it begins (Monday: 0).

    An end that is not after the start is on the next day.
    """

    start: time
    end: time
    timezone: str
    days: frozenset[int] = _WEEK

    def end_of(self, now: datetime) -> datetime | None:
        """When the quiet time that `now` is in ends, in UTC; None where it is in none.

        >>> night = QuietHours(start=time(22), end=time(7), timezone="Europe/Berlin")
        >>> night.end_of(datetime(2024, 1, 31, 23, 0, tzinfo=UTC)).isoformat()
        '2024-02-01T06:00:00+00:00'
        >>> night.end_of(datetime(2024, 1, 31, 12, 0, tzinfo=UTC)) is None
        True
        """
        end = self._end_of_one(now)
        # One quiet time may begin when another ends, as those of a weekend do.
        for _ in range(len(_WEEK)):
            following = None if end is None else self._end_of_one(end)
            if following is None:
                break
            end = following
        return end

    def _end_of_one(self, now: datetime) -> datetime | None:
        zone = ZoneInfo(self.timezone)
        today = now.astimezone(zone).date()
        for day in (today - _DAY, today):
            begin = _at(day, self.start, zone)
            end = _at(day if self.end > self.start else day + _DAY, self.end, zone)
            if day.weekday() in self.days and begin <= now < end:
                return end
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is told, too, when an incident is neither resolved nor acknowledged after a time."""

    after: timedelta
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The channels that hear of violations of at least that severity, in these domains, of these owners and contracts.

    Each of the three is a choice of patterns (`*`, `?`) without regard to case; none means any. Every route that fits
    applies; a channel that several name hears once. NAMED_BY_CONTRACT is any channel that the contract names;
    `fallback` stand in for it where the contract names none that there is.

    `repeat` is after what time an incident that is still open is told again (None: never). Nothing is told before
    `mute_until`.
    """

    channels: tuple[str, ...]
    fallback: tuple[str, ...] = ()
    severity: Severity = Severity.INFO
    domains: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    quiet: QuietHours | None = None
    mute_until: datetime | None = None
    repeat: timedelta | None = _DAY
    escalation: Escalation | None = None

    def takes(self, facts: Facts, severity: Severity) -> bool:
        """Whether a violation of that severity goes this way."""
        return (
            severity.rank >= self.severity.rank
            and _fits(self.domains, (facts.domain,))
            and _fits(self.owners, facts.owners)
            and _fits(self.contracts, (facts.contract_id,))
        )

    def channels_for(
        self, facts: Facts, *, escalated: bool = False, known: Container[str] | None = None
    ) -> tuple[str, ...]:
        """The names of its channels, or of those that it escalates to, with those that the contract names.

        `known` are the channels that there are (None: any).
        """
        names = self.channels if not escalated else self.escalation.channels if self.escalation else ()
        named = tuple(each for each in facts.channels if known is None or each in known) or self.fallback
        found = [each for name in names for each in (named if name == NAMED_BY_CONTRACT else (name,))]
        return tuple(dict.fromkeys(found))

    def is_muted(self, now: datetime) -> bool:
        """Whether it tells nothing now."""
        return self.mute_until is not None and now < self.mute_until

    def not_before(self, now: datetime) -> datetime:
        """The moment at which it may tell what happens now."""
        return (self.quiet and self.quiet.end_of(now)) or now


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Until a moment nothing is told of the contracts, datasets and rules that fit the patterns.

    What is still broken then is told then.
    """

    id: str
    until: datetime
    contract: str = "*"
    dataset: str = "*"
    rule: str = "*"
    reason: str = ""
    by: str = ""

    def covers(self, facts: Facts, rule_id: str, now: datetime) -> bool:
        """Whether nothing is told of the rule now."""
        return (
            now < self.until
            and _fits((self.contract,), (facts.contract_id,))
            and _fits((self.dataset,), (facts.dataset,))
            and _fits((self.rule,), (rule_id,))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many messages in a time."""

    messages: int
    per: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """How a channel is used: its rate limit, and what shares a message (None: as fits its service)."""

    rate: Rate | None = None
    grouping: Grouping | None = None


def _fits(patterns: Iterable[str], names: Iterable[str]) -> bool:
    wanted = [each.casefold() for each in patterns]
    return not wanted or any(fnmatchcase(name.casefold(), each) for each in wanted for name in names)


def _at(day: date, moment: time, zone: ZoneInfo) -> datetime:
    """In UTC, where moments can be compared whatever the clocks of the zone do."""
    return datetime.combine(day, moment, zone).astimezone(UTC)
