"""What each channel must be told now, from the difference between the incidents and what it knows of them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lakepact.notify.incidents import Group, Incident, Told
from lakepact.notify.model import Grouping, Notification, Severity, State, cause_key, worst
from lakepact.notify.routing import Mute, Route

__all__ = ["Planned", "planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A message for a channel, not before a moment. `sequence` orders the messages of one group."""

    channel: str
    notification: Notification
    not_before: datetime
    sequence: int


@dataclass(slots=True)
class _Selected:
    """The routes by which a channel hears of a rule; `direct` where one of them is no escalation."""

    routes: list[Route] = field(default_factory=list)
    direct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """The rules of one message: those to tell, those that somebody took, those that hold again, and the others."""

    told: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    solved: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def planned(
    group: Group,
    routes: Sequence[Route],
    channels: Mapping[str, Grouping],
    mutes: Iterable[Mute],
    now: datetime,
) -> tuple[Group, tuple[Planned, ...]]:
    """The messages that are due, and the group as it is when they are kept; the same for the same arguments.

    A channel is told what is new, what got worse, what is open for longer than the route repeats, what somebody took,
    and what holds again where it knew of it. Whatever is muted now is left as it is.
    """
    return _Planning(group, routes, tuple(mutes), now).over(channels)


class _Planning:
    """One pass over the channels of one group."""

    def __init__(self, group: Group, routes: Sequence[Route], mutes: Sequence[Mute], now: datetime) -> None:
        self._group = group
        self._routes = routes
        self._mutes = mutes
        self._now = now

    def over(self, channels: Mapping[str, Grouping]) -> tuple[Group, tuple[Planned, ...]]:
        selected = self._selections(channels)
        known: dict[str, Mapping[str, Told]] = {}
        messages: list[Planned] = []
        for channel, grouping in channels.items():
            told = self._group.told.get(channel, {})
            for change in self._changes(grouping, told, selected.get(channel, {})):
                sequence = self._group.sequence + len(messages) + 1
                messages.append(self._message(channel, grouping, change, told, selected.get(channel, {}), sequence))
                told = self._after(told, change)
            if told:
                known[channel] = told
        return replace(self._group, told=known, sequence=self._group.sequence + len(messages)), tuple(messages)

    def _selections(self, known: Container[str]) -> dict[str, dict[str, _Selected]]:
        found: dict[str, dict[str, _Selected]] = {}
        for rule, incident in self._group.incidents.items():
            if self._is_muted(rule):
                continue
            for route in self._taking(incident.violation.severity):
                if route.is_muted(self._now):
                    continue
                for channel, direct in self._channels(route, incident, known):
                    entry = found.setdefault(channel, {}).setdefault(rule, _Selected())
                    entry.routes.append(route)
                    entry.direct = entry.direct or direct
        return found

    def _channels(self, route: Route, incident: Incident, known: Container[str]) -> Iterator[tuple[str, bool]]:
        facts = self._group.facts
        yield from ((channel, True) for channel in route.channels_for(facts, known=known))
        escalation = route.escalation
        if escalation and not incident.acknowledged_by and incident.opened_at + escalation.after <= self._now:
            yield from ((channel, False) for channel in route.channels_for(facts, escalated=True, known=known))

    def _changes(
        self, grouping: Grouping, told: Mapping[str, Told], selected: Mapping[str, _Selected]
    ) -> Iterator[_Change]:
        tell = [rule for rule, each in selected.items() if self._is_due(rule, told.get(rule), each.routes)]
        taken = [rule for rule, each in told.items() if rule not in tell and self._is_taken(rule, each)]
        solved = [rule for rule, each in told.items() if self._is_solved(rule, each)]
        if grouping is Grouping.RULE:
            yield from (_Change(told=(rule,)) for rule in tell)
            yield from (_Change(taken=(rule,)) for rule in taken)
            yield from (_Change(solved=(rule,)) for rule in solved)
        elif tell or taken or solved:
            still = {*selected, *(rule for rule in told if rule in self._group.incidents)}
            others = tuple(rule for rule in self._group.incidents if rule in still and rule not in {*tell, *taken})
            yield _Change(told=tuple(tell), taken=tuple(taken), solved=tuple(solved), others=others)

    def _is_due(self, rule: str, told: Told | None, routes: Iterable[Route]) -> bool:
        incident = self._group.incidents[rule]
        if told is None or incident.violation.severity.rank > told.severity.rank:
            return True
        pauses = [each.repeat for each in routes if each.repeat is not None]
        return bool(pauses) and not incident.acknowledged_by and told.at + min(pauses) <= self._now

    def _is_taken(self, rule: str, told: Told) -> bool:
        incident = self._group.incidents.get(rule)
        taken = incident is not None and bool(incident.acknowledged_by) and not told.acknowledged
        return taken and not self._is_silent(rule, told.severity)

    def _is_solved(self, rule: str, told: Told) -> bool:
        return rule not in self._group.incidents and not self._is_silent(rule, told.severity)

    def _is_silent(self, rule: str, severity: Severity) -> bool:
        """Whether the rule, or every route that it took, is muted."""
        routes = self._taking(severity)
        return self._is_muted(rule) or (bool(routes) and all(each.is_muted(self._now) for each in routes))

    def _is_muted(self, rule: str) -> bool:
        return any(each.covers(self._group.facts, rule, self._now) for each in self._mutes)

    def _taking(self, severity: Severity) -> list[Route]:
        return [each for each in self._routes if each.takes(self._group.facts, severity)]

    def _message(
        self,
        channel: str,
        grouping: Grouping,
        change: _Change,
        told: Mapping[str, Told],
        selected: Mapping[str, _Selected],
        sequence: int,
    ) -> Planned:
        facts = self._group.facts
        rules = (*change.told, *change.taken, *change.others)
        shown = tuple(self._group.incidents[rule].violation for rule in rules)
        state = State.RESOLVED if not rules else State.FIRING
        if change.taken and not change.told and not change.solved:
            state = State.ACKNOWLEDGED
        severity = worst([*(each.severity for each in shown)] or [told[rule].severity for rule in change.solved])
        parts = (*change.told, *change.taken, *change.solved) if grouping is Grouping.RULE else ()
        notification = Notification(
            id=cause_key(self._group.key, channel, str(sequence)),
            cause=cause_key(facts.contract_id, facts.dataset, *facts.topic.parts, *parts),
            contract_id=facts.contract_id,
            contract_version=facts.contract_version,
            contract_name=facts.contract_name,
            dataset=facts.dataset,
            run_id=facts.run_id,
            verdict=facts.verdict,
            state=state,
            severity=severity,
            at=self._now,
            domain=facts.domain,
            owners=facts.owners,
            contacts=facts.contacts,
            violations=shown,
            recovered=change.solved,
            quarantine=facts.quarantine,
            quarantine_place=facts.quarantine_place,
            tenant=facts.tenant,
            topic=facts.topic,
            escalated=bool(change.told) and not any(selected[rule].direct for rule in change.told),
        )
        when = self._not_before(change, told, selected)
        return Planned(channel=channel, notification=notification, not_before=when, sequence=sequence)

    def _not_before(self, change: _Change, told: Mapping[str, Told], selected: Mapping[str, _Selected]) -> datetime:
        """The end of quiet hours, which what is critical passes."""
        open_now = [self._group.incidents[rule].violation.severity for rule in (*change.told, *change.taken)]
        if Severity.CRITICAL in (*open_now, *(told[rule].severity for rule in change.solved)):
            return self._now
        routes = [route for rule in change.told for route in selected[rule].routes]
        for rule in (*change.taken, *change.solved):
            routes += self._taking(told[rule].severity)
        return min((each.not_before(self._now) for each in routes), default=self._now)

    def _after(self, told: Mapping[str, Told], change: _Change) -> dict[str, Told]:
        """What the channel knows after that message."""
        known = {rule: each for rule, each in told.items() if rule not in change.solved}
        for rule in change.told:
            incident = self._group.incidents[rule]
            taken = bool(incident.acknowledged_by)
            known[rule] = Told(severity=incident.violation.severity, at=self._now, acknowledged=taken)
        for rule in change.taken:
            known[rule] = replace(known[rule], acknowledged=True)
        return known
