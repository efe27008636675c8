"""Sends what waits, channel by channel: in order, within limits, again after failures, and never more than it must."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from lakepact.errors import LakepactError, RemoteFailed, RemoteUnavailable
from lakepact.notify.masking import shortened
from lakepact.notify.model import Channel, Notification, Receipt, Severity, State, cause_key, worst
from lakepact.notify.outbox import ChannelState, Entry, Outbox, Sent
from lakepact.notify.routing import ChannelPolicy, Rate
from lakepact.notify.view import heading_of
from lakepact.results.model import Verdict

__all__ = ["Budget", "Report", "RetryPolicy", "Sender"]

_LOG: Final = logging.getLogger(__name__)
_MOST_REMEMBERED: Final = 1000
_MAX_REASON: Final = 500
# Longer than any pause or quiet time that is written: a moment beyond it was written by a clock that went wrong.
_FARTHEST: Final = timedelta(days=9)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a message is tried, and the pauses between: from `first` to `longest` seconds.

    Each is twice the one before, shortened by chance to no less than half.
    `patience` is the longest pause that a service may ask for.

    >>> RetryPolicy().pause(3, None, lambda: 1.0), RetryPolicy().pause(1, 90.0, lambda: 0.0)
    (120.0, 90.0)
    """

    attempts: int = 12
    first: float = 30.0
    longest: float = 3600.0
    patience: float = 86400.0

    def pause(self, attempts: int, asked: float | None, chance: Callable[[], float]) -> float:
        """Seconds until the next one after so many attempts; never less than the service asked for."""
        if asked:
            return min(asked, self.patience) + chance()
        grown = min(self.longest, self.first * 2.0 ** min(attempts - 1, 30))
        return grown * (0.5 + chance() / 2)


@dataclass(slots=True, kw_only=True)
class Budget:
    """How long sending may take, and how many messages it may send; it ends after the message that goes over."""

    ends: float
    messages: int | None = None

    @classmethod
    def of(cls, seconds: float, messages: int | None = None) -> Budget:
        """A budget from now on."""
        return cls(ends=time.monotonic() + seconds, messages=messages)

    def take(self) -> bool:
        """Whether one more message may be sent."""
        if time.monotonic() >= self.ends or self.messages == 0:
            return False
        if self.messages is not None:
            self.messages -= 1
        return True


@dataclass(slots=True, kw_only=True)
class Report:
    """What sending came to: messages that were taken, that failed for now, that were given up, that wait.

    `busy` is True where another process is sending, and this one did nothing. `reasons` tells each failure once.
    """

    sent: int = 0
    failed: int = 0
    dead: int = 0
    waiting: int = 0
    busy: bool = False
    reasons: tuple[str, ...] = ()

    def note(self, channel: str, reason: str) -> None:
        """Add the reason of a failure."""
        self.reasons = tuple(dict.fromkeys((*self.reasons, f"{channel}: {reason}")))


class Sender:
    """Sends the entries of an outbox. Its caller holds `place.exclusive()`."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        policies: Mapping[str, ChannelPolicy],
        retry: RetryPolicy,
        clock: Callable[[], datetime],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._policies = policies
        self._retry = retry
        self._clock = clock
        self._chance = chance

    def send(self, budget: Budget) -> Report:
        """Send what may be sent now."""
        report = Report()
        waiting: dict[str, list[Entry]] = {}
        for entry in self._outbox.entries():
            waiting.setdefault(entry.channel, []).append(entry)
        for name, entries in waiting.items():
            channel = self._channels.get(name)
            if channel is None:
                for entry in entries:
                    self._bury(entry, f"the settings have no channel '{name}'", report)
            else:
                rate = self._policies.get(name, ChannelPolicy()).rate
                _Pass(self, channel, rate, report).over(entries, budget)
        report.waiting = len(self._outbox.entries())
        return report

    def _bury(self, entry: Entry, reason: str, report: Report) -> None:
        _LOG.warning("a notification for '%s' is given up: %s", entry.channel, reason)
        self._outbox.bury(entry, shortened(reason, _MAX_REASON), self._clock())
        report.dead += 1
        report.note(entry.channel, reason)


class _Pass:
    """One pass over what waits for one channel."""

    def __init__(self, sender: Sender, channel: Channel, rate: Rate | None, report: Report) -> None:
        self._sender = sender
        self._outbox = sender._outbox
        self._channel = channel
        self._rate = rate
        self._report = report
        self._state = self._outbox.channel(channel.name)

    def over(self, entries: list[Entry], budget: Budget) -> None:
        if _is_ahead(self._state.paused_until, self._now()):
            return
        waiting = {entry.id: entry for entry in self._summed_up(list(self._known(self._covered(entries))))}
        while self._round(waiting, budget):
            pass

    def _round(self, waiting: dict[str, Entry], budget: Budget) -> bool:
        """Send what may be sent; whether another round can send more, because it need not wait for others now."""
        sent = behind = False
        # Those that failed least first: one that always fails must not stand before all others.
        for entry in sorted(waiting.values(), key=lambda each: each.attempts):
            now = self._now()
            if _is_ahead(entry.due, now) or _is_ahead(entry.not_before, now):
                continue
            if _is_behind(entry, waiting.values()):
                behind = True
                continue
            if entry.notification.severity is not Severity.CRITICAL and not self._free(now):
                self._outbox.put(replace(entry, held=True))
                continue
            if not budget.take() or not self._hand_over(entry):
                return False
            del waiting[entry.id]
            sent = True
        return sent and behind

    def _covered(self, entries: list[Entry]) -> list[Entry]:
        """The entries without those that a summary stands for, whose receipt is that summary."""
        summaries = {covered: entry.id for entry in entries for covered in entry.covers}
        for entry in entries:
            if entry.id in summaries:
                sent = Sent(channel=entry.channel, at=self._now(), summary=summaries[entry.id])
                self._outbox.done(entry, sent)
        return [entry for entry in entries if entry.id not in summaries]

    def _known(self, entries: list[Entry]) -> Iterator[Entry]:
        """The entries of which is known whether they were sent, or that may be sent once more."""
        for entry in entries:
            if not entry.in_flight:
                yield entry
                continue
            known = replace(entry, in_flight=False, unknown=entry.unknown + 1)
            if known.unknown > 1 and not self._channel.traits.idempotent:
                reason = "the process ended twice while it was sent; it may have arrived"
                self._sender._bury(known, reason, self._report)
            else:
                self._outbox.put(known)
                yield known

    def _summed_up(self, entries: list[Entry]) -> list[Entry]:
        """The entries with one summary for those that were held back, where they are more than may be sent.

        Only what goes to the same people is put together.
        """
        now = self._now()
        held = [each for each in entries if each.held and not each.attempts and not _is_ahead(each.not_before, now)]
        single = [each for each in held if not each.covers]
        together = [each for each in single if each.notification.contacts == single[0].notification.contacts]
        if self._channel.traits.keeps_incidents or len(together) < 2 or not 0 < self._free(now) < len(held):
            return entries
        summary = _summary(self._channel.name, together, now)
        self._outbox.add_entry(summary)
        return self._covered([summary, *entries])

    def _free(self, now: datetime) -> int:
        """How many messages the rate limit leaves."""
        if self._rate is None:
            return _MOST_REMEMBERED
        begin = now - self._rate.per
        return max(0, self._rate.messages - sum(begin < each <= now for each in self._state.sent))

    def _hand_over(self, entry: Entry) -> bool:
        """Send one; False where the channel should be left alone for now."""
        notification = entry.notification
        thread = self._outbox.thread(entry.channel, notification.cause)
        flying = replace(entry, in_flight=True, attempts=entry.attempts + 1, held=False)
        self._outbox.put(flying)
        try:
            receipt = self._channel.send(replace(notification, thread=thread))
        except RemoteUnavailable as error:
            return self._later(flying, error.message, error.facts.get("retry_after"))
        except RemoteFailed as error:
            self._sender._bury(replace(flying, in_flight=False), error.message, self._report)
            return True
        except LakepactError as error:
            return self._later(flying, error.message, None)
        except Exception as error:  # a channel of somebody else may raise anything, and the others must be served
            return self._later(flying, f"unexpected {type(error).__name__}", None)
        self._took(flying, receipt)
        return True

    def _took(self, entry: Entry, receipt: Receipt) -> None:
        now = self._now()
        is_over = entry.notification.state is State.RESOLVED
        self._outbox.put_thread(entry.channel, entry.notification.cause, None if is_over else receipt)
        self._outbox.done(entry, Sent(channel=entry.channel, at=now, receipt=receipt))
        self._report.sent += 1
        recent = (*self._state.sent, now)[-_MOST_REMEMBERED:] if self._rate else ()
        if recent or self._state != ChannelState():
            self._keep(ChannelState(sent=recent))

    def _later(self, entry: Entry, reason: str, asked: object) -> bool:
        """Try it again after a pause, in which the channel is left alone; or give it up."""
        retry, now = self._sender._retry, self._now()
        seconds = retry.pause(entry.attempts, asked if isinstance(asked, float) else None, self._sender._chance)
        due = now + timedelta(seconds=seconds)
        waits = replace(entry, in_flight=False, due=due, reason=shortened(reason, _MAX_REASON))
        if entry.attempts >= retry.attempts:
            self._sender._bury(waits, f"{reason} ({entry.attempts} attempts)", self._report)
        else:
            self._outbox.put(waits)
            self._report.failed += 1
            self._report.note(entry.channel, reason)
        self._keep(replace(self._state, paused_until=due))
        return False

    def _keep(self, state: ChannelState) -> None:
        self._state = state
        self._outbox.put_channel(self._channel.name, state)

    def _now(self) -> datetime:
        return self._sender._clock()


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now < moment <= now + _FARTHEST


def _is_behind(entry: Entry, waiting: Iterable[Entry]) -> bool:
    """Whether an earlier message of the incident must be sent before: news of a state never overtakes another state."""
    cause, state = entry.notification.cause, entry.notification.state
    earlier = (each for each in waiting if each.notification.cause == cause and each.sequence < entry.sequence)
    return any(state is not State.FIRING or each.notification.state is not State.FIRING for each in earlier)


def _summary(channel: str, held: list[Entry], now: datetime) -> Entry:
    """A message in the place of several, made of their titles."""
    key = cause_key("summary", channel, *(each.id for each in held))
    notifications = [each.notification for each in held]
    is_firing = any(each.state is State.FIRING for each in notifications)
    notification = Notification(
        id=key,
        cause=key,
        contract_id="",
        contract_version="",
        dataset="",
        run_id="",
        verdict=max((each.verdict for each in notifications), key=list(Verdict).index),
        state=State.FIRING if is_firing else State.RESOLVED,
        severity=worst(each.severity for each in notifications),
        at=now,
        headings=tuple(heading_of(each) for each in notifications),
        owners=tuple(dict.fromkeys(owner for each in notifications for owner in each.owners)),
        contacts=notifications[0].contacts,
    )
    covers = tuple(each.id for each in held)
    return Entry(channel=channel, notification=notification, created=now, not_before=now, covers=covers)
