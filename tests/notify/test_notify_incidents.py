"""One incident a rule, from the first run that says so until it holds; told once, when it is worse, and at its end."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notify_samples import DOCUMENT, NOW, Clock, Remembering, contract, notifier, passed, result

from lakepact.contract import load_contract
from lakepact.notify import ChannelPolicy, Escalation, Grouping, MemoryPlace, QuietHours, Route, Severity, Traits
from lakepact.notify.facts import facts_of
from lakepact.notify.incidents import with_facts
from lakepact.results.model import RuleResult, RuleStatus

INCIDENTS = Traits(idempotent=True, keeps_incidents=True)


def run(number: int, *results: RuleResult) -> list[RuleResult]:
    """The results, as those of the run of that number."""
    return [replace(each, run_id=f"run-{number}") for each in results]


def test_an_incident_is_told_once_and_resolved_once() -> None:
    chat, clock = Remembering(), Clock()
    told = notifier(chat, clock=clock)
    for number in range(3):
        told.notify(run(number, result()), contract())
        told.flush()
        clock.move(minutes=5)
    told.notify(run(3, passed()), contract())
    told.flush()
    told.notify(run(4, passed()), contract())
    told.flush()
    assert chat.told == [("firing", ["email.required"], []), ("resolved", [], ["email.required"])]
    assert [each.thread for each in chat.taken] == ["", "chat-1"]
    assert (told.status().news, told.status().incidents) == (0, ())
    assert len({each.cause for each in chat.taken}) == 1


def test_the_next_incident_begins_a_thread_of_its_own() -> None:
    chat = Remembering()
    told = notifier(chat)
    for number, each in enumerate([result(), passed(), result()]):
        told.notify(run(number, each), contract())
        told.flush()
    assert [(each.state.value, each.thread) for each in chat.taken] == [
        ("firing", ""),
        ("resolved", "chat-1"),
        ("firing", ""),
    ]


def test_all_violations_of_a_run_share_a_message_and_an_incident_keeper_has_one_a_rule() -> None:
    chat, pager = Remembering(), Remembering("pager", INCIDENTS)
    told = notifier(chat, pager)
    told.notify([result("a"), result("b"), passed("c")], contract())
    told.flush()
    assert chat.told == [("firing", ["a", "b"], [])]
    assert pager.told == [("firing", ["a"], []), ("firing", ["b"], [])]
    assert len({each.cause for each in pager.taken}) == 2
    told.notify(run(2, passed("a"), result("b"), passed("c")), contract())
    told.flush()
    assert chat.told[1:] == [("firing", ["b"], ["a"])]
    assert pager.told[2:] == [("resolved", [], ["a"])]
    assert pager.taken[2].cause == pager.taken[0].cause


def test_the_grouping_of_a_channel_can_be_chosen() -> None:
    chat = Remembering()
    told = notifier(chat, policies={"chat": ChannelPolicy(grouping=Grouping.RULE)})
    told.notify([result("a"), result("b")], contract())
    told.flush()
    assert chat.told == [("firing", ["a"], []), ("firing", ["b"], [])]


def test_what_gets_worse_is_told_and_what_gets_better_is_not() -> None:
    chat = Remembering()
    told = notifier(chat)
    for number, word in enumerate(["warning", "critical", "warning", "critical"]):
        told.notify(run(number, result(severity=word)), contract())
        told.flush()
    assert [each.severity for each in chat.taken] == [Severity.WARNING, Severity.CRITICAL]


def test_what_stays_open_is_told_again_after_the_time_of_the_route() -> None:
    chat, clock = Remembering(), Clock()
    told = notifier(chat, clock=clock, routes=[Route(channels=("chat",), repeat=timedelta(hours=4))])
    told.notify([result()], contract())
    for _ in range(9):
        told.flush()
        clock.move(hours=1)
    assert [each.at.hour for each in chat.taken] == [12, 16, 20]


def test_a_route_that_never_repeats_does_not() -> None:
    chat, clock = Remembering(), Clock()
    told = notifier(chat, clock=clock, routes=[Route(channels=("chat",), repeat=None)])
    told.notify([result()], contract())
    told.flush()
    clock.move(days=30)
    told.flush()
    assert len(chat.taken) == 1


def test_the_same_run_told_again_changes_nothing() -> None:
    chat, clock = Remembering(), Clock()
    told = notifier(chat, clock=clock)
    for _ in range(3):
        assert told.notify([result()], contract())
        clock.move(seconds=1)
    told.flush()
    told.notify([result()], contract())
    told.flush()
    assert len(chat.taken) == 1


def test_a_rule_that_a_run_does_not_mention_or_skips_stays_broken() -> None:
    chat = Remembering()
    told = notifier(chat)
    told.notify([result("a"), result("b")], contract())
    told.notify(run(2, result("a", RuleStatus.SKIPPED), passed("c")), contract())
    told.flush()
    assert chat.told == [("firing", ["a", "b"], [])]


def test_a_rule_that_a_new_version_of_the_contract_does_not_have_is_over() -> None:
    chat = Remembering()
    told = notifier(chat)
    told.notify([result("a"), result("b"), result("c")], contract())
    told.flush()
    told.notify(run(2, result("a", RuleStatus.SKIPPED), result("b")), contract("2.0.0"))
    told.flush()
    assert chat.told[1:] == [("firing", ["a", "b"], ["c"])]


def test_a_rule_that_could_not_be_evaluated_is_an_incident() -> None:
    chat = Remembering()
    told = notifier(chat)
    told.notify([result(status=RuleStatus.ERROR, violations=None)], contract())
    told.flush()
    assert chat.taken[0].violations[0].status == "error"


def test_a_rule_that_one_engine_passes_and_another_fails_is_broken() -> None:
    chat = Remembering()
    told = notifier(chat)
    told.notify([passed(engine="soda"), result(), result(engine="gx", severity="critical")], contract())
    told.flush()
    assert [(each.severity, len(each.violations)) for each in chat.taken] == [(Severity.CRITICAL, 1)]


def test_the_same_rule_of_another_dataset_is_another_incident() -> None:
    chat = Remembering()
    told = notifier(chat)
    told.notify([result(), result(dataset="dev.sales.orders")], contract())
    told.flush()
    assert sorted(each.dataset for each in chat.taken) == ["dev.sales.orders", "main.sales.orders"]
    assert len({each.cause for each in chat.taken}) == 2


def test_old_news_opens_incidents_and_ends_none() -> None:
    """A worker whose clock is behind, or whose news came late, cannot say that all is well now."""
    chat = Remembering()
    place = MemoryPlace()
    on_time, behind = Clock(), Clock(NOW - timedelta(hours=2))
    told = notifier(chat, clock=on_time, place=place)
    told.notify(run(1, result("a")), contract())
    told.flush()
    notifier(chat, clock=behind, place=place).notify(run(2, passed("a"), result("b")), contract())
    told.flush()
    assert chat.told == [("firing", ["a"], []), ("firing", ["b", "a"], [])]


def test_old_news_does_not_change_what_is_known_of_an_incident() -> None:
    place, clock, behind = MemoryPlace(), Clock(), Clock(NOW - timedelta(hours=2))
    told = notifier(Remembering(), clock=clock, place=place)
    told.notify(run(1, result(violations=3)), contract())
    notifier(Remembering(), clock=behind, place=place).notify(run(0, result(violations=9)), contract("1.1.0"))
    told.flush()
    notifier(Remembering(), clock=behind, place=place).notify(run(2, result(violations=8)), contract("1.1.0"))
    told.flush()
    ((facts, incident),) = told.status().incidents
    assert (facts.contract_version, incident.violation.violations) == ("1.2.0", 3)


def test_news_from_the_future_does_not_silence_what_comes_after() -> None:
    chat, place = Remembering(), MemoryPlace()
    ahead, on_time = Clock(NOW + timedelta(days=300)), Clock()
    notifier(chat, clock=ahead, place=place).notify(run(1, result()), contract())
    told = notifier(chat, clock=on_time, place=place)
    told.flush()
    on_time.move(minutes=5)
    told.notify(run(2, passed()), contract())
    told.flush()
    assert [each[0] for each in chat.told] == ["firing", "resolved"]


def test_quiet_hours_hold_back_what_is_not_critical_and_it_is_told_afterwards() -> None:
    chat, clock = Remembering(), Clock(NOW.replace(hour=23))
    quiet = QuietHours(start=time(22), end=time(6), timezone="UTC")
    told = notifier(chat, clock=clock, routes=[Route(channels=("chat",), quiet=quiet)])
    told.notify(run(1, result("a")), contract())
    assert told.flush().waiting == 1
    told.notify(run(2, result("a"), result("b", severity="critical")), contract())
    told.flush()
    assert chat.told == [("firing", ["b", "a"], [])]
    told.notify(run(3, passed("a"), result("b", severity="critical")), contract())
    told.flush()
    assert len(chat.taken) == 1
    clock.move(hours=7)
    told.flush()
    assert chat.told[1:] == [("firing", ["a"], []), ("firing", ["b"], ["a"])]


def test_a_route_without_quiet_hours_is_not_held_back_by_another_one() -> None:
    chat = Remembering()
    quiet = QuietHours(start=time(0), end=time(0), timezone="UTC")
    routes = [Route(channels=("chat",), quiet=quiet), Route(channels=("chat",), severity=Severity.ERROR)]
    told = notifier(chat, routes=routes)
    told.notify([result("a", severity="info")], contract())
    told.flush()
    assert chat.taken == []
    told.notify(run(2, result("a", severity="error")), contract())
    told.flush()
    assert chat.taken[0].severity is Severity.ERROR


def test_a_muted_incident_is_told_when_the_mute_is_over_and_still_open() -> None:
    chat, clock = Remembering(), Clock()
    told = notifier(chat, clock=clock)
    told.mute(clock() + timedelta(hours=2), contract="sales.*", reason="maintenance")
    told.notify(run(1, result("a"), result("b")), contract())
    told.flush()
    told.notify(run(2, passed("a"), result("b")), contract())
    told.flush()
    assert chat.taken == []
    clock.move(hours=2)
    told.flush()
    assert chat.told == [("firing", ["b"], [])]


def test_the_end_of_an_incident_is_told_after_a_mute_too() -> None:
    chat, clock = Remembering(), Clock()
    told = notifier(chat, clock=clock)
    told.notify(run(1, result()), contract())
    told.flush()
    mute = told.mute(clock() + timedelta(hours=2))
    told.notify(run(2, passed()), contract())
    told.flush()
    assert len(chat.taken) == 1
    told.unmute(mute.id)
    told.flush()
    assert chat.told[1:] == [("resolved", [], ["email.required"])]


def test_a_route_is_muted_until_its_time() -> None:
    chat, clock = Remembering(), Clock()
    routes = [Route(channels=("chat",), mute_until=NOW + timedelta(days=1))]
    told = notifier(chat, clock=clock, routes=routes)
    told.notify([result()], contract())
    told.flush()
    assert chat.taken == []
    clock.move(days=1)
    told.flush()
    assert chat.told == [("firing", ["email.required"], [])]


def escalating() -> list[Route]:
    after = Escalation(after=timedelta(minutes=30), channels=("pager",))
    return [Route(channels=("chat",), escalation=after)]


def test_what_is_not_resolved_in_time_is_escalated_once_and_its_end_is_told_there_too() -> None:
    chat, pager, clock = Remembering(), Remembering("pager", INCIDENTS), Clock()
    told = notifier(chat, pager, clock=clock, routes=escalating())
    told.notify(run(1, result()), contract())
    for _ in range(5):
        told.flush()
        clock.move(minutes=10)
    assert [(each.at - NOW, each.escalated) for each in pager.taken] == [(timedelta(minutes=30), True)]
    assert [each.escalated for each in chat.taken] == [False]
    told.notify(run(2, passed()), contract())
    told.flush()
    assert [each[0] for each in pager.told] == ["firing", "resolved"]


def test_what_is_resolved_or_acknowledged_in_time_is_not_escalated() -> None:
    chat, pager, clock = Remembering(), Remembering("pager", INCIDENTS), Clock()
    told = notifier(chat, pager, clock=clock, routes=escalating())
    told.notify(run(1, result("a"), result("b")), contract())
    told.flush()
    told.notify(run(2, passed("a"), result("b")), contract())
    told.acknowledge("sales.orders", rule="b", by="ann")
    told.flush()
    clock.move(days=2)
    told.flush()
    assert pager.taken == []
    assert chat.told == [("firing", ["a", "b"], []), ("firing", ["b"], ["a"]), ("acknowledged", ["b"], [])]
    assert told.status().incidents[0][1].acknowledged_by == "ann"


def test_an_acknowledgement_is_told_once() -> None:
    pager = Remembering("pager", INCIDENTS)
    told = notifier(pager)
    told.notify([result("a"), result("b")], contract())
    told.flush()
    told.acknowledge("sales.*", rule="a", by="ann")
    told.flush()
    told.flush()
    assert pager.told[2:] == [("acknowledged", ["a"], [])]


def test_a_channel_that_two_routes_name_hears_once() -> None:
    chat = Remembering()
    told = notifier(chat, routes=[Route(channels=("chat",)), Route(channels=("chat",), domains=("sales",))])
    told.notify([result()], contract())
    told.flush()
    assert len(chat.taken) == 1


def test_a_contract_names_channels_where_a_route_lets_it() -> None:
    chat, mail, pager = Remembering(), Remembering("mail"), Remembering("pager", INCIDENTS)
    wishes = b"customProperties: [{property: lakepact.notification, value: {channels: [mail, none]}}]\n"
    told = notifier(chat, mail, pager, routes=[Route(channels=("contract", "chat"))])
    told.notify([result()], load_contract(DOCUMENT + wishes))
    told.flush()
    assert (len(chat.taken), len(mail.taken), len(pager.taken)) == (1, 1, 0)


def test_only_what_a_route_takes_is_in_its_message() -> None:
    chat = Remembering()
    told = notifier(chat, routes=[Route(channels=("chat",), severity=Severity.ERROR)])
    told.notify([result("a", severity="info"), result("b", severity="error")], contract())
    told.flush()
    assert chat.told == [("firing", ["b"], [])]


@given(st.lists(st.lists(st.sampled_from(["pass", "fail", "warn", "skipped"]), min_size=3, max_size=3), max_size=12))
@settings(max_examples=60)
def test_a_channel_knows_in_the_end_exactly_what_is_broken(runs: list[list[str]]) -> None:
    """Whatever happened: who reads all messages of an incident keeper knows which rules are broken now."""
    pager, clock = Remembering("pager", INCIDENTS), Clock()
    told = notifier(pager, clock=clock)
    broken: dict[str, bool] = {}
    for number, statuses in enumerate(runs):
        results = [result(f"rule-{index}", RuleStatus(each)) for index, each in enumerate(statuses)]
        told.notify(run(number, *results), contract())
        for index, each in enumerate(statuses):
            if each != "skipped":
                broken[f"rule-{index}"] = each != "pass"
        if number % 2:
            told.flush()
        clock.move(minutes=1)
    told.flush()
    known: dict[str, bool] = {}
    for each in pager.taken:
        known |= {one.rule_id: True for one in each.violations} | dict.fromkeys(each.recovered, False)
    assert {rule for rule, is_broken in known.items() if is_broken} == {
        rule for rule, is_broken in broken.items() if is_broken
    }
    states = [(each.cause, each.state, each.severity) for each in pager.taken]
    assert all(before != after for before, after in itertools.pairwise(states))


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=400)])
def test_taking_in_news_twice_gives_the_same_group(late: timedelta) -> None:
    (facts,) = facts_of([result()], contract(), now=NOW + late)
    group = with_facts(None, facts, NOW)
    assert with_facts(group, facts, NOW) is group
    assert group.facts.at == NOW
    assert isinstance(group.incidents["email.required"].opened_at, datetime)
