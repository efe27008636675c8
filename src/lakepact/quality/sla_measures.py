"""How each kind of service level is decided: from the history of runs, from rules on the data, or by the clock.

Each function answers for one service level and the history of one dataset. It raises Inexpressible where the document
says nothing that can be measured.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from lakepact.contract.model import SlaProperty
from lakepact.quality.sla_limits import (
    amount_of,
    moment_of_level,
    period_before,
    seconds_of,
    share_of,
    shown_seconds,
    shown_share,
    span_of,
    time_of_day,
)
from lakepact.results.levels import LevelSource, LevelState
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.results.runs import DatasetHistory, RunSummary

__all__ = [
    "Finding",
    "Question",
    "availability",
    "completeness",
    "end_of_life",
    "error_rate",
    "frequency",
    "freshness_by_rule",
    "freshness_by_runs",
    "general_availability",
    "retention",
    "time_of_availability",
    "unmeasured",
    "volume",
]

# Clocks of machines differ by seconds; a time of the data that is further ahead is no time.
_SKEW: Final = 60.0
# Runs start a little later or earlier; a daily run is not late for five minutes.
_GRACE: Final = Fraction(1, 10)
_VIOLATED: Final = (RuleStatus.WARN, RuleStatus.FAIL)
_NO_RUN: Final = "no run is recorded"


@dataclass(frozen=True, slots=True)
class Question:
    """One service level, the history of one dataset, and the window and time zone to look at them by."""

    sla: SlaProperty
    history: DatasetHistory
    window: dt.timedelta
    zone: dt.tzinfo

    @property
    def now(self) -> dt.datetime:
        """The moment that is asked about."""
        return self.history.now

    @property
    def recent(self) -> tuple[RunSummary, ...]:
        """The runs in the window."""
        return tuple(run for run in self.history.runs if run.at > self.now - self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a measure found; see `LevelResult`."""

    state: LevelState
    source: LevelSource
    limit: str
    measured: str = ""
    since: dt.datetime | None = None
    reason: str = ""


def unmeasured(reason: str, *, limit: str, source: LevelSource = LevelSource.NOTHING, measured: str = "") -> Finding:
    """The finding that nothing is known."""
    return Finding(state=LevelState.UNKNOWN, source=source, limit=limit, reason=reason, measured=measured)


def freshness_by_rule(asked: Question, rule_id: str, version: str) -> Finding:
    """How old the newest value is by now, as far as it was seen: what nobody has looked at is not fresh."""
    limit = _seconds_limit(asked.sla)
    text = f"at most {shown_seconds(limit)}"
    looked = asked.history.decided(rule_id)
    if not looked:
        return _not_looked(asked, rule_id, text)
    last, since = looked[-1], _streak(looked)
    age = _number(last.value)
    ago = (asked.now - last.at).total_seconds()
    if age is None:
        return _without_value(last, since, limit=limit, ago=ago, text=text, version=version)
    if age < -_SKEW:
        reason = f"the newest value was {shown_seconds(-age)} in the future when it was looked at: not counted as fresh"
        return unmeasured(reason, limit=text, source=LevelSource.DATA, measured=shown_seconds(age))
    by_now = max(0.0, age) + ago
    met = by_now <= limit
    if not met:
        since = asked.now - dt.timedelta(seconds=by_now - limit)
    return Finding(
        state=LevelState.MET if met else LevelState.MISSED,
        source=LevelSource.DATA,
        limit=text,
        measured=shown_seconds(by_now),
        since=since,
        reason=f"the newest value seen; last looked at {shown_seconds(ago)} ago{_later_fault(asked, rule_id, last)}",
    )


def _without_value(
    last: RuleResult, since: dt.datetime, *, limit: float, ago: float, text: str, version: str
) -> Finding:
    """Where only the verdict is recorded: it holds for the version whose limit it is, and as long as the limit."""
    looked = f"looked at {shown_seconds(ago)} ago"
    if last.status in _VIOLATED:
        said = f" ({last.message})" if last.message else ""
        reason = f"violated when {looked}{said}"
        return Finding(state=LevelState.MISSED, source=LevelSource.DATA, limit=text, since=since, reason=reason)
    if last.contract_version != version:
        return unmeasured(f"only version {last.contract_version} was {looked}", limit=text, source=LevelSource.DATA)
    if ago > limit:
        reason = f"nothing newer was seen: {looked}"
        late = last.at + dt.timedelta(seconds=limit)
        return Finding(state=LevelState.MISSED, source=LevelSource.DATA, limit=text, since=late, reason=reason)
    reason = f"held when {looked}; the age itself is not recorded"
    return Finding(state=LevelState.MET, source=LevelSource.DATA, limit=text, since=since, reason=reason)


def freshness_by_runs(asked: Question) -> Finding:
    """How long ago the last run let data through, where no property says how old the data is."""
    limit = _seconds_limit(asked.sla)
    text = f"at most {shown_seconds(limit)}"
    successes = asked.history.successes
    if not successes:
        return unmeasured(_nothing_came(asked), limit=text, source=LevelSource.RUNS)
    ago = (asked.now - successes[-1].at).total_seconds()
    due = successes[-1].at + dt.timedelta(seconds=limit)
    return Finding(
        state=LevelState.MET if ago <= limit else LevelState.MISSED,
        source=LevelSource.RUNS,
        limit=text,
        measured=shown_seconds(ago),
        since=successes[-1].at if ago <= limit else due,
        reason="time since the last successful run, as no property is named to measure by",
    )


def retention(asked: Question, rule_id: str) -> Finding:
    """How old the oldest value is: at most as old as the limit."""
    limit = _seconds_limit(asked.sla)
    text = f"at most {shown_seconds(limit)}"
    looked = asked.history.decided(rule_id)
    if not looked:
        return _not_looked(asked, rule_id, text)
    last, since = looked[-1], _streak(looked)
    age, ago = _number(last.value), (asked.now - last.at).total_seconds()
    reason = f"the oldest value; last looked at {shown_seconds(ago)} ago{_later_fault(asked, rule_id, last)}"
    measured = shown_seconds(age) if age is not None else ""
    if age is None:
        state = LevelState.MISSED if last.status in _VIOLATED else LevelState.MET
        reason = f"{'too old' if last.status in _VIOLATED else 'nothing too old'} when looked at"
    elif age > limit:
        state = LevelState.MISSED
    elif age + ago > limit:
        state = LevelState.UNKNOWN
        reason += "; by now it is too old, unless it was removed"
    else:
        state = LevelState.MET
    return Finding(state=state, source=LevelSource.DATA, limit=text, measured=measured, since=since, reason=reason)


def frequency(asked: Question) -> Finding:
    """Whether the next successful run is overdue: a span of the calendar after the last one, and a tenth for delays."""
    span = span_of(asked.sla)
    text = f"every {asked.sla.value} {asked.sla.unit or ''}".rstrip() + " (10 % grace)"
    successes = asked.history.successes
    if not successes:
        return unmeasured(_nothing_came(asked), limit=text, source=LevelSource.RUNS)

    def due(after: dt.datetime) -> dt.datetime:
        end = span.after(after, asked.zone)
        return end + (end - after) * float(_GRACE)

    last = successes[-1].at
    moments = [run.at for run in successes if run.at > asked.now - asked.window]
    gaps = list(pairwise(moments))
    late = sum(now > due(was) for was, now in gaps)
    longest = max(((now - was).total_seconds() for was, now in gaps), default=None)
    reason = f"time since the last of {_counted(len(moments), 'successful run')} in {_window(asked)}"
    if longest is not None:
        reason += f"; longest gap {shown_seconds(longest)}, {late} of {len(gaps)} gaps too long"
    overdue = asked.now > due(last)
    return Finding(
        state=LevelState.MISSED if overdue else LevelState.MET,
        source=LevelSource.RUNS,
        limit=text,
        measured=shown_seconds((asked.now - last).total_seconds()),
        since=due(last) if overdue else last,
        reason=reason,
    )


def availability(asked: Question) -> Finding:
    """The share of runs in the window that let data through."""
    limit = share_of(asked.sla, as_fraction_below_one=True)
    text, runs = f"at least {shown_share(limit)}", asked.recent
    if not runs:
        return unmeasured(f"{_NO_RUN} in {_window(asked)}", limit=text, source=LevelSource.RUNS)
    good = sum(run.succeeded for run in runs)
    share = Fraction(good, len(runs))
    return Finding(
        state=LevelState.MET if share >= limit else LevelState.MISSED,
        source=LevelSource.RUNS,
        limit=text,
        measured=shown_share(share),
        since=asked.now - asked.window,
        reason=f"{good} of {_counted(len(runs), 'run')} in {_window(asked)} succeeded",
    )


def error_rate(asked: Question) -> Finding:
    """The share of rows that break a rule, in the window: between the most of one rule and the sum of all."""
    limit = share_of(asked.sla, as_fraction_below_one=False)
    text = f"at most {shown_share(limit)}"
    runs = [run for run in asked.recent if run.rows]
    rows = sum(run.rows or 0 for run in runs)
    if not rows:
        return unmeasured(f"no row was looked at in {_window(asked)}", limit=text, source=LevelSource.RUNS)
    least, most = (Fraction(sum(each), rows) for each in zip(*((run.broken, run.suspect) for run in runs), strict=True))
    state = LevelState.MET if most <= limit else LevelState.MISSED if least > limit else LevelState.UNKNOWN
    between = "" if least == most else f" to {shown_share(most)}"
    reason = f"rows that break a rule, of {rows} in {_counted(len(runs), 'run')} in {_window(asked)}"
    if between:
        reason += "; a row that breaks two rules, or a rule that was not evaluated, cannot be told apart"
    return Finding(
        state=state,
        source=LevelSource.RUNS,
        limit=text,
        measured=shown_share(least) + between,
        since=asked.now - asked.window,
        reason=reason,
    )


def volume(asked: Question) -> Finding:
    """Rows that successful runs looked at in the last whole period."""
    wanted = amount_of(asked.sla)
    begin, end = period_before(asked.now, wanted.unit, asked.zone)
    text = f"at least {asked.sla.value} {asked.sla.unit}"
    if not asked.history.runs or asked.history.runs[0].at >= end:
        return unmeasured(f"{_NO_RUN} before {_moment(end)}", limit=text, source=LevelSource.RUNS)
    runs = [run for run in asked.history.successes if begin <= run.at < end]
    rows = sum(run.rows or 0 for run in runs)
    if runs and all(run.rows is None for run in runs):
        return unmeasured("no run counted rows", limit=text, source=LevelSource.RUNS)
    if rows < wanted.rows and asked.history.runs[0].at >= begin:
        reason = f"{rows} rows, but nothing is recorded before {_moment(asked.history.runs[0].at)}"
        return unmeasured(reason, limit=text, source=LevelSource.RUNS, measured=f"{rows} rows")
    return Finding(
        state=LevelState.MET if rows >= wanted.rows else LevelState.MISSED,
        source=LevelSource.RUNS,
        limit=text,
        measured=f"{rows} rows",
        since=begin,
        reason=f"rows of {_counted(len(runs), 'successful run')} from {_moment(begin)} to {_moment(end)}",
    )


def completeness(asked: Question, rule_ids: Sequence[str]) -> Finding:
    """The lowest share of rows that hold a rule of completeness, each as it was last counted."""
    limit = share_of(asked.sla, as_fraction_below_one=True)
    text = f"at least {shown_share(limit)}"
    shares: list[tuple[Fraction, RuleResult]] = []
    for rule_id in rule_ids:
        counted = [each for each in asked.history.decided(rule_id) if each.tested and each.violations is not None]
        if counted:
            shares.append((1 - Fraction(counted[-1].violations or 0, counted[-1].tested or 1), counted[-1]))
    if not shares:
        reason = "no rule of completeness has counted rows" if rule_ids else "the contract has no rule of completeness"
        return unmeasured(reason, limit=text, source=LevelSource.DATA)
    share, worst = min(shares, key=lambda each: each[0])
    if share >= limit and len(shares) < len(rule_ids):
        reason = f"{len(rule_ids) - len(shares)} of {len(rule_ids)} rules of completeness have not counted rows"
        return unmeasured(reason, limit=text, source=LevelSource.DATA, measured=shown_share(share))
    return Finding(
        state=LevelState.MET if share >= limit else LevelState.MISSED,
        source=LevelSource.DATA,
        limit=text,
        measured=shown_share(share),
        since=worst.at,
        reason=f"lowest of {_counted(len(shares), 'rule')}: {worst.rule_id}, {worst.violations} of {worst.tested} rows",
    )


def general_availability(asked: Question) -> Finding:
    """Whether data was let through since it was promised."""
    promised = moment_of_level(asked.sla, asked.zone)
    text = f"from {_moment(promised)}"
    if asked.now < promised:
        return unmeasured("it is not promised yet", limit=text, source=LevelSource.CLOCK)
    successes = asked.history.successes
    if not successes:
        return unmeasured(_nothing_came(asked), limit=text, source=LevelSource.RUNS)
    first = successes[0].at
    reason = "the first successful run that is recorded"
    return Finding(
        state=LevelState.MET,
        source=LevelSource.RUNS,
        limit=text,
        measured=_moment(first),
        since=max(first, promised),
        reason=reason,
    )


def end_of_life(asked: Question) -> Finding:
    """Whether the end that is announced is still to come; after it nothing is promised."""
    end = moment_of_level(asked.sla, asked.zone)
    text = f"until {_moment(end)}"
    if asked.now >= end:
        return unmeasured("it is over: nothing is promised any more", limit=text, source=LevelSource.CLOCK)
    left = shown_seconds((end - asked.now).total_seconds())
    return Finding(state=LevelState.MET, source=LevelSource.CLOCK, limit=text, measured=f"{left} left")


def time_of_availability(asked: Question) -> Finding:
    """Whether a run let data through on the day of the last deadline, before it.

    A run of the day before may have been for this deadline or late for its own: it was late where that is nearer.
    """
    promised = time_of_day(asked.sla, asked.zone)
    text = f"each day by {asked.sla.value}"
    day = promised.last(asked.now)
    due, midnight = promised.on(day), promised.midnight(day)
    before = promised.on(day - dt.timedelta(days=1))
    successes = asked.history.successes
    if not asked.history.runs or asked.history.runs[0].at > due:
        return unmeasured(f"{_NO_RUN} before {_moment(due)}", limit=text, source=LevelSource.RUNS)
    on_time = [run.at for run in successes if midnight <= run.at <= due]
    early = [run.at for run in successes if before + (due - before) / 2 <= run.at < midnight]
    late = [run.at for run in successes if due < run.at]
    state, measured, reason = LevelState.MISSED, "", f"no successful run on {day} by {_moment(due)}"
    if on_time:
        state, measured, reason = LevelState.MET, _moment(on_time[0]), f"the first successful run on {day}"
    elif early:
        state, measured = LevelState.UNKNOWN, _moment(early[-1])
        reason = f"the last successful run by {_moment(due)} was the day before: whether it brought {day} is not known"
    elif late:
        measured, reason = _moment(late[0]), f"{reason}; the next one came late"
    since = on_time[0] if on_time else due
    return Finding(state=state, source=LevelSource.RUNS, limit=text, measured=measured, since=since, reason=reason)


def _seconds_limit(sla: SlaProperty) -> float:
    return float(-(-seconds_of(sla) // 1))


def _not_looked(asked: Question, rule_id: str, text: str) -> Finding:
    found = asked.history.of_rule(rule_id)
    said = f": {found[-1].message or found[-1].status}" if found else ""
    reason = f"rule {rule_id} could not be evaluated{said}" if found else f"rule {rule_id} has no result"
    return unmeasured(reason, limit=text, source=LevelSource.DATA)


def _later_fault(asked: Question, rule_id: str, last: RuleResult) -> str:
    """That a later look failed."""
    after = [each for each in asked.history.of_rule(rule_id) if each.at > last.at]
    return f"; later the rule could not be evaluated: {after[-1].message or after[-1].status}" if after else ""


def _streak(looked: Sequence[RuleResult]) -> dt.datetime:
    """When the rule began to hold, or to be violated, as it is now."""
    since = looked[-1]
    for each in reversed(looked):
        if (each.status in _VIOLATED) is not (since.status in _VIOLATED):
            break
        since = each
    return since.at


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and abs(number) < 1e11 else None


def _nothing_came(asked: Question) -> str:
    return "no run that is recorded succeeded" if asked.history.runs else _NO_RUN


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _window(asked: Question) -> str:
    return f"the last {shown_seconds(asked.window.total_seconds())}"


def _moment(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
