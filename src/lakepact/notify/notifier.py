"""Tells people of broken contracts: the data job only writes down what happened, sending is done beside it or later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from lakepact.contract.model import Contract
from lakepact.errors import LakepactError, UsageError
from lakepact.notify.facts import Facts, Samples, facts_of
from lakepact.notify.incidents import Group, Incident, acknowledged, group_key, with_facts
from lakepact.notify.levels import levels_in
from lakepact.notify.model import Channel, Grouping, Notification, Receipt, Severity, State, Topic, Violation, cause_key
from lakepact.notify.outbox import Acknowledgement, Dead, Entry, Outbox
from lakepact.notify.places import Place
from lakepact.notify.planning import planned
from lakepact.notify.routing import ChannelPolicy, Mute, Route
from lakepact.notify.sending import Budget, Report, RetryPolicy, Sender
from lakepact.notify.wording import Wording
from lakepact.results.model import RuleResult, Verdict

__all__ = ["Notifier", "Status"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What waits, what was given up, which incidents are open, and which mutes hold.

    `news` is the number of runs that were not taken in yet, `damaged` that of files that were set aside.
    """

    waiting: tuple[Entry, ...]
    dead: tuple[Dead, ...]
    incidents: tuple[tuple[Facts, Incident], ...]
    mutes: tuple[Mute, ...]
    news: int = 0
    damaged: int = 0


class Notifier:
    """Turns results into incidents and messages, and sends these.

    `place` is where everything is kept. `notify` only writes there; `flush` does the rest, in this process or another
    one: only one sends at a time. `mask` are the classifications of columns whose values are hidden in sample rows
    (None: any but public). `link` is the address of the quarantine with `{contract}`, `{version}`, `{dataset}` and
    `{run}` in it, for results that come without one. `wording` are words of your own for broken contracts.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        channels: Iterable[Channel],
        place: Place,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        policies: Mapping[str, ChannelPolicy] | None = None,
        retry: RetryPolicy | None = None,
        mask: Sequence[str] | None = None,
        link: str = "",
        wording: Wording | None = None,
    ) -> None:
        self._routes = tuple(routes)
        self._channels = {each.name: each for each in channels}
        self._policies = dict(policies or {})
        self._outbox = Outbox(place)
        self._clock = clock
        self._mask = mask
        self._link = link
        self._wording = wording
        self._sender = Sender(self._outbox, self._channels, self._policies, retry or RetryPolicy(), clock)
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels by name."""
        return self._channels

    @property
    def outbox(self) -> Outbox:
        """What is kept at the place."""
        return self._outbox

    def notify(
        self,
        results: Iterable[RuleResult],
        contract: Contract,
        *,
        samples: Samples | None = None,
        quarantine: str = "",
        topic: Topic = Topic.RULES,
    ) -> bool:
        """Write down what the rules said in a run, the good and the bad: recovery is told from it, too.

        `topic` keeps what rules and what service levels say of one dataset apart; what rules say of a service level
        is told with the levels. `samples` are rows that break a rule, by its id; they are masked before they are kept.
        The same results told again change nothing. Never raises and never sends: False, and a warning in the log, where
        it could not be kept.
        """
        try:
            now, found = self._clock(), tuple(results)
            apart, levels = levels_in(found, contract) if topic is Topic.RULES else ((), ())
            said = facts_of(
                found,
                contract,
                now=now,
                samples=samples,
                quarantine=quarantine,
                mask=self._mask,
                topic=topic,
                apart=apart,
            )
            measured = facts_of(levels, contract, now=now, topic=Topic.LEVELS)
            for facts in (*said, *measured):
                link = facts.quarantine if quarantine else self._linked(facts) or facts.quarantine
                self._outbox.add_news(replace(facts, quarantine=link))
        except Exception as error:  # whatever is wrong here, the data job must not end by it
            what = error.message if isinstance(error, LakepactError) else f"{type(error).__name__}: {error}"
            _LOG.warning("notifications for '%s' could not be kept: %s", getattr(contract, "id", "?"), what)
            return False
        self._wake.set()
        return True

    def flush(self, *, seconds: float = 60.0, messages: int | None = None) -> Report:
        """Take in what runs said, and send what is due, for about so long and at most so many messages.

        A channel that fails never raises here; what it should have carried waits, or is given up. Raises
        ConfigurationError LP959 where the place cannot be used.
        """
        budget = Budget.of(seconds, messages)
        with self._outbox.place.exclusive() as mine:
            if not mine:
                return Report(busy=True)
            self._take_in()
            report = self._sender.send(budget)
            self._outbox.clean(self._clock())
        return report

    def revive(self) -> int:
        """Let everything that was given up be sent again by the next `flush`; gives how much that is."""
        dead = self._outbox.dead()
        for each in dead:
            self._outbox.revive(each)
        return len(dead)

    def status(self) -> Status:
        """How things stand."""
        now = self._clock()
        groups = sorted(self._outbox.groups(), key=lambda each: (each.facts.contract_id, each.facts.dataset))
        counts = self._outbox.counts()
        return Status(
            waiting=tuple(self._outbox.entries()),
            dead=tuple(self._outbox.dead()),
            incidents=tuple((group.facts, each) for group in groups for each in group.incidents.values()),
            mutes=tuple(each for each in self._outbox.mutes() if now < each.until),
            news=counts["news"],
            damaged=counts["damaged"],
        )

    def mute(
        self,
        until: datetime,
        *,
        contract: str = "*",
        dataset: str = "*",
        rule: str = "*",
        reason: str = "",
        by: str = "",
    ) -> Mute:
        """Tell nothing of what fits the patterns until that moment. Raises UsageError LP952 where it is over."""
        now = self._clock()
        if until <= now:
            raise UsageError(f"{until:%Y-%m-%d %H:%M:%S %Z} is over".replace("  ", " "), "LP952", "name a later time")
        key = cause_key(contract, dataset, rule, until.isoformat(), now.isoformat())[:12]
        mute = Mute(id=key, until=until, contract=contract, dataset=dataset, rule=rule, reason=reason, by=by)
        self._outbox.put_mute(mute)
        return mute

    def unmute(self, mute_id: str) -> None:
        """End a mute. Raises UsageError LP954 where there is none of that id."""
        if not self._outbox.remove_mute(mute_id):
            raise UsageError(f"there is no mute '{mute_id}'", "LP954", "`lakepact notify status` lists them")

    def acknowledge(self, contract: str, *, dataset: str = "*", rule: str = "*", by: str = "") -> None:
        """Say that somebody takes the open incidents that fit: they are not escalated or repeated any more."""
        taken = Acknowledgement(contract=contract, dataset=dataset, rule=rule, by=by or "somebody")
        self._outbox.add_acknowledgement(taken, self._clock())
        self._wake.set()

    def try_out(self, name: str) -> Receipt:
        """Send a notification that says it is a test, and its end, through one channel now.

        Raises UsageError LP954 for an unknown channel, and what the channel raises.
        """
        channel = self._channels.get(name)
        if channel is None:
            known = ", ".join(sorted(self._channels))
            raise UsageError(f"there is no channel '{name}'", "LP954", f"known: {known}")
        firing = self._worded(_example(name, self._clock()))
        receipt = channel.send(firing)
        over = {"id": cause_key(firing.id, "over"), "state": State.RESOLVED, "recovered": ("lakepact.test",)}
        channel.send(replace(firing, violations=(), title="", text=(), thread=receipt.remote_id, **over))  # type: ignore[arg-type]
        return receipt

    def start(self, *, interval: float = 5.0) -> None:
        """Send in a thread of its own until `stop`: after each `notify`, and every `interval` seconds."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(
                target=self._send_until_stopped, args=(interval,), name="lakepact-notify", daemon=True
            )
            self._thread.start()

    def stop(self, *, seconds: float = 10.0) -> None:
        """End that thread, and wait for it at most so long: what it could not send is kept for another time."""
        if self._thread is not None:
            self._stopping.set()
            self._wake.set()
            self._thread.join(seconds)
            self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _send_until_stopped(self, interval: float) -> None:
        stopping = False
        while not stopping:
            self._wake.wait(interval)
            self._wake.clear()
            # The last round is for what was written down just before the end.
            stopping = self._stopping.is_set()
            try:
                self.flush()
            except Exception as error:  # the thread lives as long as the job, which must not see its faults
                _LOG.warning("notifications cannot be sent: %s", error)

    def _take_in(self) -> None:
        """Bring the incidents up to date, and write down what follows; a kill in between changes nothing."""
        now = self._clock()
        for name, facts in list(self._outbox.news()):
            before = self._outbox.group(group_key(facts))
            after = with_facts(before, facts, now)
            if after is not before:
                self._plan(after, now)
            self._outbox.remove(name)
        taken = list(self._outbox.acknowledgements())
        for group in list(self._outbox.groups()):
            changed = group
            for _, each in taken:
                changed = acknowledged(
                    changed, {rule for rule in group.incidents if _takes(each, group, rule)}, each.by
                )
            self._plan(changed, now, kept=group)
        for name, _ in taken:
            self._outbox.remove(name)

    def _plan(self, group: Group, now: datetime, *, kept: Group | None = None) -> None:
        after, messages = planned(group, self._routes, self._groupings(), self._outbox.mutes(), now)
        for message in messages:
            self._outbox.add(replace(message, notification=self._worded(message.notification)), now)
        if after != kept:
            self._outbox.put_group(after)

    def _worded(self, notification: Notification) -> Notification:
        return notification if self._wording is None else self._wording.given_to(notification)

    def _groupings(self) -> dict[str, Grouping]:
        """What shares a message on each channel."""
        found = {}
        for name, channel in self._channels.items():
            usual = Grouping.RULE if channel.traits.keeps_incidents else Grouping.DATASET
            found[name] = self._policies.get(name, ChannelPolicy()).grouping or usual
        return found

    def _linked(self, facts: Facts) -> str:
        """The address of the quarantine, with the names of the facts in it; none for service levels."""
        if facts.topic is not Topic.RULES:
            return ""
        names = {
            "{contract}": facts.contract_id,
            "{version}": facts.contract_version,
            "{dataset}": facts.dataset,
            "{run}": facts.run_id,
        }
        link = self._link
        for name, value in names.items():
            link = link.replace(name, quote(value, safe=""))
        return link


def _takes(taken: Acknowledgement, group: Group, rule: str) -> bool:
    names = (group.facts.contract_id, group.facts.dataset, rule)
    return all(
        fnmatchcase(name, each) for name, each in zip(names, (taken.contract, taken.dataset, taken.rule), strict=True)
    )


def _example(channel: str, now: datetime) -> Notification:
    """A notification that nobody takes for a real one."""
    violation = Violation(
        rule_id="lakepact.test",
        rule_name="lakepact.test",
        status="warn",
        severity=Severity.INFO,
        message="This is a test.",
    )
    return Notification(
        id=cause_key("test", channel, now.isoformat()),
        cause=cause_key("test", channel),
        contract_id="lakepact.test",
        contract_version="0.0.0",
        contract_name="Test of lakepact notifications",
        dataset="lakepact.test",
        run_id="lakepact.test",
        verdict=Verdict.WARN,
        state=State.FIRING,
        severity=Severity.INFO,
        at=now,
        violations=(violation,),
    )
