"""Metrics of Prometheus from an inbox: how many events stand how, and for how long they wait.

Labels are words of fixed lists; no label or sample holds what a notice says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from lakepact.rerun.inbox import EffectState, Inbox, InboxState
from lakepact.results.metrics import Metric, Sample

__all__ = ["INBOX_METRICS", "inbox_samples"]

_EVENTS: Final = Metric(
    "lakepact_inbox_events", ("state",), "Events in the inbox by state (received, claimed, done, failed, dead)."
)
_OLDEST: Final = Metric(
    "lakepact_inbox_oldest_waiting_seconds",
    (),
    "Time since the oldest event was received that is neither done nor dead; 0 where there is none.",
)
_ATTEMPTS: Final = Metric(
    "lakepact_inbox_attempts_max", (), "Most attempts of an event that is neither done nor dead; 0 where there is none."
)
_DONE_AT: Final = Metric(
    "lakepact_inbox_last_done_timestamp_seconds", (), "When an event was done the last time, since 1970."
)
_EFFECTS: Final = Metric(
    "lakepact_inbox_effects", ("state",), "Effects of contracts on pipelines by state (begun, done, abandoned)."
)

INBOX_METRICS: Final = (_EVENTS, _OLDEST, _ATTEMPTS, _DONE_AT, _EFFECTS)
"""Every metric of an inbox."""

_ENDED: Final = (InboxState.DONE, InboxState.DEAD)


def inbox_samples(inbox: Inbox, now: datetime) -> Iterator[Sample]:
    """The samples of an inbox as it is now. Raises what the inbox raises.

    >>> from datetime import UTC
    >>> from lakepact.rerun import open_inbox
    >>> samples = list(inbox_samples(open_inbox("memory:"), datetime.now(UTC)))
    >>> [(each.metric.name, *each.labels, each.value) for each in samples][:2]
    [('lakepact_inbox_events', 'received', 0.0), ('lakepact_inbox_events', 'claimed', 0.0)]
    """
    events, effects = inbox.list(), inbox.effects()
    waiting = [each for each in events if each.state not in _ENDED]
    states = Counter(each.state for each in events)
    yield from (Sample(_EVENTS, (state.value,), float(states[state])) for state in InboxState)
    # Clocks of two machines differ: nothing waits for less than no time.
    ages = [max((now - each.received_at).total_seconds(), 0.0) for each in waiting]
    yield Sample(_OLDEST, (), max(ages, default=0.0))
    yield Sample(_ATTEMPTS, (), float(max((each.attempts for each in waiting), default=0)))
    done = [each.changed_at for each in events if each.state is InboxState.DONE]
    if done:
        yield Sample(_DONE_AT, (), max(done).timestamp())
    standing = Counter(each.state for each in effects)
    yield from (Sample(_EFFECTS, (state.value,), float(standing[state])) for state in EffectState)
