"""Service levels as notifications: one incident a level and dataset, apart from those of rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from lakepact.contract import Contract, load_contract
from lakepact.notify import Channel, MemoryPlace, Notification, Notifier, Receipt, Route, Severity, Traits
from lakepact.quality.sla_telling import tell_levels, told_levels
from lakepact.results.levels import LevelResult, LevelSource, LevelState
from lakepact.results.model import RuleStatus
from result_samples import NOON, result

DAY = dt.timedelta(days=1)


class Kept:
    """A channel that keeps what it is given."""

    name = "chat"
    traits = Traits()

    def __init__(self) -> None:
        self.taken: list[Notification] = []

    def send(self, notification: Notification) -> Receipt:
        self.taken.append(notification)
        return Receipt()


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now: dt.datetime = NOON

    def __call__(self) -> dt.datetime:
        return self.now


def contract(*, said: str = "", version: str = "1.0.0") -> Contract:
    handled = f"customProperties: [{{property: lakepact.onSlaViolation, value: {said}}}]\n" if said else ""
    text = (
        f"apiVersion: v3.1.0\nkind: DataContract\nid: sales.orders\nname: Orders\nversion: {version}\n{handled}"
        "domain: sales\nteam: {name: sales-data}\nschema: [{name: orders}]\n"
        "slaProperties: [{property: frequency, value: 1, unit: d}]\n"
    )
    return load_contract(text.encode(), file="orders.odcs.yaml")


def level(state: LevelState = LevelState.MISSED, **changed: Any) -> LevelResult:
    said: dict[str, Any] = {
        "contract_id": "sales.orders",
        "contract_version": "1.0.0",
        "level": "latency",
        "property": "latency",
        "object": "orders",
        "element": "orders.ts",
        "dataset": "main.sales.orders",
        "state": state,
        "measured": "7 h",
        "limit": "at most 4 h",
        "since": NOON - DAY,
        "source": LevelSource.DATA,
        "reason": "the newest value seen",
        "at": NOON,
    }
    return LevelResult(**said | changed)


def notifier(channel: Channel, clock: Clock, **route: Any) -> Notifier:
    routes = [Route(channels=("chat",), **route)]
    return Notifier(routes, [channel], MemoryPlace(), clock, link="https://lake/{dataset}")


def titles(channel: Kept) -> list[str]:
    from lakepact.notify.view import heading_of

    return [heading_of(each) for each in channel.taken]


def test_a_level_opens_one_incident_and_ends_it_when_it_is_met() -> None:
    chat, clock = Kept(), Clock()
    told = notifier(chat, clock)
    for state in (LevelState.MISSED, LevelState.MISSED, LevelState.UNKNOWN, LevelState.MET, LevelState.MET):
        clock.now += dt.timedelta(minutes=1)
        assert tell_levels(told, contract(), [level(state, at=clock.now)])
        told.flush()
    assert titles(chat) == [
        "[warning] 1 service level of contract Orders 1.0.0 in main.sales.orders missed",
        "Resolved: service levels of contract Orders 1.0.0 in main.sales.orders are met again",
    ]
    (violation,) = chat.taken[0].violations
    assert (violation.rule_id, violation.rule_name) == ("sla.latency", "latency orders.ts")
    assert (violation.value, violation.threshold) == ("7 h", "at most 4 h")
    assert violation.message == "since 2024-04-30T12:00:00Z; the newest value seen"
    assert (chat.taken[0].quarantine, chat.taken[1].recovered) == ("", ("sla.latency",))


def test_a_level_that_is_missed_again_is_told_again() -> None:
    chat, clock = Kept(), Clock()
    told = notifier(chat, clock)
    for state in (LevelState.MISSED, LevelState.MET, LevelState.MISSED):
        clock.now += dt.timedelta(minutes=1)
        tell_levels(told, contract(), [level(state, at=clock.now)])
        told.flush()
    assert [str(each.state) for each in chat.taken] == ["firing", "resolved", "firing"]


def test_levels_and_rules_of_a_dataset_leave_each_other_alone() -> None:
    chat, clock = Kept(), Clock()
    told = notifier(chat, clock)
    broken = result(status=RuleStatus.FAIL)
    told.notify([broken], contract())
    tell_levels(told, contract(), [level()])
    told.flush()
    # Each comes with a new version of the contract, by which what is not said ends.
    clock.now += dt.timedelta(minutes=1)
    tell_levels(told, contract(version="1.1.0"), [level()])
    told.notify([replace(broken, run_id="run-2")], contract(version="1.1.0"))
    told.flush()
    assert [str(each.state) for each in chat.taken] == ["firing", "firing"]
    assert len({each.cause for each in chat.taken}) == 2
    assert sorted(each.violation.rule_id for _, each in told.status().incidents) == [
        "orders.amount.minimum",
        "sla.latency",
    ]


def test_severity_and_owner_choose_the_way() -> None:
    for said, severity in (("", Severity.WARNING), ("warn", Severity.WARNING), ("block", Severity.ERROR)):
        chat, clock = Kept(), Clock()
        told = notifier(chat, clock, severity=Severity.ERROR, owners=("sales-*",))
        tell_levels(told, contract(said=said), [level()])
        told.flush()
        assert len(chat.taken) == (severity is Severity.ERROR), said
    other = notifier(chat, clock, owners=("finance",))
    tell_levels(other, contract(said="block"), [level()])
    assert other.flush().sent == 0


def test_the_worst_element_stands_for_a_level() -> None:
    late, met = level(element="orders.a", measured="9 h"), level(LevelState.MET, element="orders.b")
    unknown = level(LevelState.UNKNOWN, element="orders.c", measured="")
    (found,) = told_levels(contract(), [met, late, unknown, level(element="orders.d")])
    assert (found.status, found.rule_name) == (RuleStatus.WARN, "latency orders.a")
    assert found.message.endswith("; orders.d is missed, too: 7 h, at most 4 h")
    (found,) = told_levels(contract(), [met, unknown])
    assert (found.status, found.value) == (RuleStatus.SKIPPED, None)


def test_each_dataset_has_levels_of_its_own() -> None:
    found = told_levels(contract(), [level(), level(dataset="dev.orders"), level(LevelState.UNKNOWN, dataset="")])
    assert [each.dataset for each in found] == ["dev.orders", "main.sales.orders"]
