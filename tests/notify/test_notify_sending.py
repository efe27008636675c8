"""Sending what waits: retries, pauses, limits, dead letters, kills in between, and several senders at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from notify_samples import DOCUMENT, NOW, RETRY, Clock, Remembering, contract, notifier, passed, result

from lakepact.contract import load_contract
from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable
from lakepact.notify import ChannelPolicy, FolderPlace, MemoryPlace, Notifier, Place, Rate, Route, Traits
from lakepact.notify.outbox import ChannelState, Entry, Outbox
from lakepact.notify.pagerduty import PagerDuty
from lakepact.notify.slack import SlackWebhook
from lakepact.notify.webhook import Webhook
from lakepact.testing.notify_servers import Fault, PagerDutyServer, SlackServer, WebhookReceiver


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return FolderPlace(tmp_path / "outbox") if request.param == "folder" else MemoryPlace()


def away(seconds: float | None = None) -> RemoteUnavailable:
    return RemoteUnavailable("it is away", "LP958", facts={} if seconds is None else {"retry_after": seconds})


def rules(count: int, run: int = 1, **more: Any) -> list[Any]:
    return [result(f"rule-{number}", run_id=f"run-{run}", **more) for number in range(count)]


def test_a_place_keeps_whole_files(place: Place) -> None:
    assert (place.names("a"), place.read("a/1")) == ((), None)
    assert place.create("a/1", b"one")
    assert not place.create("a/1", b"two")
    place.replace("a/2", b"three")
    assert (place.names("a"), place.read("a/1"), place.read("a/2")) == (("a/1", "a/2"), b"one", b"three")
    place.remove("a/1")
    place.remove("a/1")
    assert place.names("a") == ("a/2",)


def test_one_creates_what_many_create_at_once(place: Place) -> None:
    made: list[int] = []

    def create(number: int) -> None:
        if place.create("a/1", f"{number}".encode()):
            made.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert place.read("a/1") == f"{made[0]}".encode()
    assert len(made) == 1


def test_one_sends_at_a_time(place: Place) -> None:
    with place.exclusive() as first, place.exclusive() as second:
        assert (first, second) == (True, False)
    with place.exclusive() as third:
        assert third


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = FolderPlace(tmp_path / "file")
    with pytest.raises(ConfigurationError, match="where notifications wait, cannot be used: Not a directory"):
        place.create("a/1", b"")
    with pytest.raises(ConfigurationError, match="LP959"):
        notifier(Remembering(), place=place).flush()


def test_the_same_message_is_taken_once_whatever_fails_before(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    failures = [away(), away(), away()]
    chat.fail = lambda _: failures.pop() if failures else None
    told = notifier(chat, clock=clock, place=place)
    told.notify([result()], contract())
    pauses = []
    while told.flush().waiting:
        (entry,) = told.status().waiting
        assert entry.due is not None
        pauses.append((entry.due - clock()).total_seconds())
        assert (told.flush().failed, len(chat.taken)) == (0, 0)
        clock.now = entry.due
    assert [low <= pause <= 2 * low for low, pause in zip([30, 60, 120], pauses, strict=True)] == [True] * 3
    assert len(chat.taken) == 1
    assert told.flush().sent == 0


def test_the_pause_is_as_long_as_the_service_asks(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    chat.fail = lambda _: away(3000.0)
    told = notifier(chat, clock=clock, place=place)
    told.notify([result()], contract())
    assert told.flush().reasons == ("chat: it is away",)
    chat.fail = lambda _: None
    told.notify([result(dataset="other", severity="critical")], contract())
    clock.move(seconds=2999)
    assert (told.flush().sent, told.status().waiting[0].reason) == (0, "it is away")
    clock.move(seconds=2)
    assert told.flush().sent == 2


def test_what_fails_too_often_is_given_up_with_its_reason_and_can_be_tried_again(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    chat.fail = lambda _: away()
    told = notifier(chat, clock=clock, place=place)
    told.notify([result()], contract())
    for _ in range(RETRY.attempts):
        told.flush()
        clock.move(hours=1)
    status = told.status()
    assert [each.reason for each in status.dead] == ["it is away (4 attempts)"]
    assert status.waiting == ()
    chat.fail = lambda _: None
    assert told.flush().sent == 0
    assert told.revive() == 1
    assert told.flush().sent == 1
    assert told.status().dead == ()


def test_what_is_refused_is_given_up_at_once_and_stops_nothing_else(place: Place) -> None:
    chat = Remembering()
    chat.fail = lambda each: RemoteFailed("too ugly", "LP957") if each.dataset == "a" else None
    told = notifier(chat, place=place)
    told.notify([result(dataset="a"), result(dataset="b")], contract())
    report = told.flush()
    assert (report.sent, report.dead, report.reasons) == (1, 1, ("chat: too ugly",))


def test_a_dead_channel_stops_no_other_one(place: Place) -> None:
    dead, chat = Remembering("a-dead"), Remembering()
    dead.fail = lambda _: ValueError("secret inside")
    told = notifier(dead, chat, place=place)
    told.notify([result()], contract())
    report = told.flush()
    assert (report.sent, report.failed, report.reasons) == (1, 1, ("a-dead: unexpected ValueError",))


def test_a_message_that_always_fails_does_not_stand_before_the_others(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    chat.fail = lambda each: away() if each.dataset == "a" else None
    told = notifier(chat, clock=clock, place=place)
    told.notify([result(dataset=name) for name in "abc"], contract())
    told.flush()
    clock.move(minutes=10)
    told.flush()
    assert sorted(each.dataset for each in chat.taken) == ["b", "c"]


def test_the_end_of_an_incident_never_overtakes_its_beginning(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    chat.fail = lambda each: away() if each.state == "firing" else None
    told = notifier(chat, clock=clock, place=place)
    told.notify([result()], contract())
    told.flush()
    told.notify([passed(run_id="run-2")], contract())
    clock.move(minutes=5)
    told.flush()
    assert chat.taken == []
    chat.fail = lambda _: None
    clock.move(hours=1)
    told.flush()
    assert [each[0] for each in chat.told] == ["firing", "resolved"]


def test_a_channel_that_the_settings_do_not_have_any_more(place: Place) -> None:
    chat = Remembering()
    chat.fail = lambda _: away()
    told = notifier(chat, place=place)
    told.notify([result()], contract())
    told.flush()
    report = notifier(Remembering("mail"), place=place, routes=[Route(channels=("none",))]).flush()
    assert (report.dead, report.reasons) == (1, ("chat: the settings have no channel 'chat'",))


def limited(place: Place, *channels: Any, clock: Clock, messages: int) -> Notifier:
    policy = ChannelPolicy(rate=Rate(messages=messages, per=timedelta(hours=1)))
    return notifier(*channels, place=place, clock=clock, policies={each.name: policy for each in channels})


def test_what_a_limit_holds_back_comes_as_one_summary(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    told = limited(place, chat, clock=clock, messages=2)
    for number in range(6):
        told.notify([result(dataset=f"data-{number}")], contract())
        told.flush()
        clock.move(seconds=1)
    assert (len(chat.taken), told.flush().sent, told.status().waiting[0].held) == (2, 0, True)
    told.notify([result(dataset="data-9", severity="critical")], contract())
    assert told.flush().sent == 1
    clock.move(hours=1, seconds=1)
    assert (told.flush().sent, told.flush().waiting) == (1, 0)
    assert [each.dataset for each in chat.taken] == ["data-0", "data-1", "data-9", ""]
    assert chat.taken[-1].headings == tuple(
        f"[error] 1 rule of contract Orders 1.2.0 in data-{number} broken" for number in (2, 3, 4, 5)
    )


def test_a_summary_is_of_what_goes_to_the_same_people(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    told = limited(place, chat, clock=clock, messages=1)
    others = load_contract(DOCUMENT.replace(b"ann@example.com", b"eve@example.com").replace(b"id: sales", b"id: eve"))
    told.notify([result(dataset=f"data-{number}", severity="critical") for number in range(1)], contract())
    told.flush()
    for number in range(2):
        told.notify([result(dataset=f"mine-{number}")], contract())
        told.notify([result(dataset=f"eve-{number}")], others)
    told.flush()
    for _ in range(2):
        clock.move(hours=2)
        told.flush()
    summaries = [each for each in chat.taken if each.headings]
    assert sorted(sorted(each.contacts.owner_addresses) for each in summaries) == [
        ["ann@example.com"],
        ["eve@example.com"],
    ]
    assert all(len({"eve-" in heading for heading in each.headings}) == 1 for each in summaries)


def test_what_fits_into_the_limit_again_comes_as_it_is(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    told = limited(place, chat, clock=clock, messages=2)
    told.notify([result(dataset=f"data-{number}") for number in range(4)], contract())
    assert (told.flush().sent, told.flush().sent) == (2, 0)
    clock.move(hours=2)
    told.flush()
    assert sorted(each.dataset for each in chat.taken) == ["data-0", "data-1", "data-2", "data-3"]


def test_a_keeper_of_incidents_gets_no_summary(place: Place) -> None:
    pager, clock = Remembering("pager", Traits(idempotent=True, keeps_incidents=True)), Clock()
    told = limited(place, pager, clock=clock, messages=2)
    told.notify(rules(7), contract())
    for _ in range(4):
        told.flush()
        clock.move(hours=2)
    assert [each[1] for each in pager.told] == [[f"rule-{number}"] for number in range(7)]


def test_a_budget_is_kept(place: Place) -> None:
    chat = Remembering()
    told = notifier(chat, place=place)
    told.notify([result(dataset=f"data-{number}") for number in range(5)], contract())
    assert (told.flush(messages=2).sent, told.flush(seconds=0).sent, told.flush().sent) == (2, 0, 3)


@pytest.mark.parametrize("wrong", [timedelta(days=400), timedelta(days=-400)])
def test_a_clock_that_was_wrong_does_not_hold_messages_back(place: Place, wrong: timedelta) -> None:
    chat, clock = Remembering(), Clock(NOW + wrong)
    chat.fail = lambda _: away(600.0)
    told = notifier(chat, clock=clock, place=place, routes=[Route(channels=("chat",), repeat=None)])
    told.notify([result()], contract())
    told.flush()
    clock.now, chat.fail = NOW, lambda _: None
    assert told.flush().sent == 1


def test_receipts_are_kept_for_a_month(place: Place) -> None:
    chat, clock = Remembering(), Clock()
    told = notifier(chat, clock=clock, place=place)
    told.notify([result()], contract())
    told.flush()
    (name,) = place.names("sent")
    receipt = told.outbox.sent(chat.taken[0].id)
    assert receipt is not None
    assert (receipt.channel, receipt.receipt.remote_id) == ("chat", "chat-1")
    clock.move(days=29)
    told.flush()
    assert name in place.names("sent")
    clock.move(days=2)
    told.flush()
    assert name not in place.names("sent")


def test_damaged_files_are_set_aside_and_stop_nothing(place: Place) -> None:
    chat = Remembering()
    told = notifier(chat, place=place)
    place.replace("news/0.json", b"{")
    place.replace("outbox/0.json", b'{"channel": "chat"}')
    told.notify([result()], contract())
    assert told.flush().sent == 1
    assert told.status().damaged == 2
    assert place.read("damaged/news-0.json") == b"{"


def crashing(place: Place, calls: int) -> Place:
    """The place, which dies before its change of that number, as a process that is killed does."""

    class Crashing:
        def __init__(self) -> None:
            self.left = calls

        def _count(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt

        def __getattr__(self, name: str) -> Any:
            method = getattr(place, name)
            if name not in ("create", "replace", "remove"):
                return method

            def counted(*arguments: Any) -> Any:
                self._count()
                return method(*arguments)

            return counted

    return Crashing()  # type: ignore[return-value]


@pytest.mark.parametrize("calls", range(25))
def test_a_kill_at_any_change_loses_nothing_and_repeats_at_most_what_was_being_sent(calls: int) -> None:
    place, clock = MemoryPlace(), Clock()
    chat, pager = Remembering(), Remembering("pager", Traits(idempotent=True, keeps_incidents=True))
    notifier(chat, pager, place=place, clock=clock).notify([result("a"), result("b")], contract())
    with contextlib.suppress(KeyboardInterrupt):
        notifier(chat, pager, place=crashing(place, calls), clock=clock).flush()
    receipts = [name.removeprefix("sent/").removesuffix(".json") for name in place.names("sent")]
    told = notifier(chat, pager, place=place, clock=clock)
    assert told.flush().waiting == 0
    for channel, messages in ((chat, 1), (pager, 2)):
        ids = [each.id for each in channel.taken]
        assert len(set(ids)) == messages
        assert [ids.count(each) for each in set(ids) & set(receipts)] == [1] * len(set(ids) & set(receipts))
    assert len(chat.taken) + len(pager.taken) <= 4


@pytest.mark.parametrize("idempotent", [True, False])
def test_who_is_killed_twice_while_sending_sends_no_third_time(idempotent: bool) -> None:
    place = MemoryPlace()
    chat = Remembering("chat", Traits(idempotent=idempotent))
    notifier(chat, place=place).notify([result()], contract())
    for _ in range(2):
        chat.fail = lambda each: KeyboardInterrupt()  # type: ignore[assignment,return-value]
        with contextlib.suppress(KeyboardInterrupt):
            notifier(chat, place=place).flush()
    chat.fail = lambda _: None
    told = notifier(chat, place=place)
    told.flush()
    reasons = [each.reason for each in told.status().dead]
    assert reasons == ([] if idempotent else ["the process ended twice while it was sent; it may have arrived"])
    assert len(chat.taken) == idempotent


def test_a_summary_stands_for_what_it_covers_whenever_the_process_is_killed() -> None:
    for calls in range(40):
        place, clock, chat = MemoryPlace(), Clock(), Remembering()
        told = limited(place, chat, clock=clock, messages=1)
        told.notify([result(dataset=f"data-{number}") for number in range(4)], contract())
        told.flush()
        clock.move(hours=2)
        try:
            limited(crashing(place, calls), chat, clock=clock, messages=1).flush()
        except KeyboardInterrupt:
            limited(place, chat, clock=clock, messages=1).flush()
        headings = {each.headings for each in chat.taken[1:]}
        assert [len(each) for each in headings] == [3]
        assert len(chat.taken) <= 3
        assert Outbox(place).entries() == []


SENDER = """
    import sys
    from datetime import timedelta
    from pathlib import Path
    from lakepact.notify import FolderPlace, Notifier, Route
    from lakepact.notify.pagerduty import PagerDuty
    from lakepact.notify.slack import SlackWebhook
    from lakepact.notify.webhook import Webhook
    folder, kind, address, secret = sys.argv[1:]
    channel = {
        "slack": lambda: SlackWebhook("channel", lambda: address, timeout=60),
        "pagerduty": lambda: PagerDuty("channel", lambda: secret, address=address, timeout=60),
        "webhook": lambda: Webhook("channel", lambda: address, lambda: secret, timeout=60),
    }[kind]()
    Notifier([Route(channels=("channel",))], [channel], FolderPlace(folder)).flush()
"""


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.process
@pytest.mark.parametrize(("kind", "times"), [("slack", 2), ("pagerduty", 1), ("webhook", 1)])
def test_a_process_that_is_killed_between_send_and_record(tmp_path: Path, kind: str, times: int) -> None:
    """The service has the message, the process never hears of it: one duplicate at most, none where there are keys."""
    with SlackServer() as slack, PagerDutyServer() as pagerduty, WebhookReceiver() as receiver:
        server, address, secret, took = {
            "slack": (slack, slack.webhook, "-", lambda: len(slack.messages)),
            "pagerduty": (pagerduty, pagerduty.address, pagerduty.routing_key, lambda: sum(pagerduty.opened.values())),
            "webhook": (receiver, receiver.url, receiver.secret, lambda: len(receiver.events)),
        }[kind]
        channel: Any = {
            "slack": lambda: SlackWebhook("channel", lambda: address),
            "pagerduty": lambda: PagerDuty("channel", lambda: secret, address=address),
            "webhook": lambda: Webhook("channel", lambda: address, lambda: secret),
        }[kind]()
        told = Notifier([Route(channels=("channel",))], [channel], FolderPlace(tmp_path))
        told.notify([result()], contract())
        server.answer, reply = _slow_after(server.answer), server.answer  # type: ignore[method-assign]
        code = [sys.executable, "-c", textwrap.dedent(SENDER), str(tmp_path), kind, address, secret]
        with subprocess.Popen(code) as process:
            _until(lambda: took() == 1)
            assert told.flush().busy
            os.kill(process.pid, signal.SIGKILL)
        server.answer = reply  # type: ignore[method-assign]
        assert told.status().waiting[0].in_flight
        assert (told.flush().sent, told.flush().sent) == (1, 0)
        assert took() == times


def _slow_after(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Do what is asked, and keep the answer back for a while."""

    def slow(*arguments: Any) -> Any:
        reply = answer(*arguments)
        time.sleep(3)
        return reply

    return slow


def test_several_senders_and_writers_lose_and_repeat_nothing(tmp_path: Path) -> None:
    with SlackServer() as slack:

        def made() -> Notifier:
            channel = SlackWebhook("chat", lambda: slack.webhook)
            return Notifier([Route(channels=("chat",))], [channel], FolderPlace(tmp_path))

        def work(number: int) -> None:
            told = made()
            for dataset in range(5):
                assert told.notify([result(dataset=f"data-{number}-{dataset}")], contract())
                told.flush()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        made().flush()
        texts = [each["text"] for each in slack.messages]
        assert (len(texts), len(set(texts))) == (20, 20)


def test_faults_of_a_real_service_lose_and_repeat_nothing(tmp_path: Path) -> None:
    clock = Clock()
    with WebhookReceiver() as receiver:
        hook = Webhook("hook", lambda: receiver.url, lambda: receiver.secret, timeout=0.5)
        told = notifier(hook, place=FolderPlace(tmp_path), clock=clock, retry=replace(RETRY, attempts=20))
        for fault in (
            Fault(status=429, headers={"Retry-After": "30"}),
            Fault(status=500),
            Fault(status=500, done=True),
            Fault(reset=True),
            Fault(reset=True, done=True),
            Fault(seconds=0.8),
        ):
            receiver.fail(fault)
        told.notify([result(dataset=f"data-{number}") for number in range(3)], contract())
        while told.flush().waiting:
            clock.move(minutes=15)
        assert sorted(each["data"]["dataset"] for each in receiver.events.values()) == ["data-0", "data-1", "data-2"]
        assert (receiver.requests, told.status().dead) == (9, ())
        _until(lambda: receiver.repeated == 3)


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    (tmp_path / "outbox").write_text("this is a file")
    return tmp_path / "outbox"


def test_notify_never_raises(unwritable: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = notifier(Remembering(), place=FolderPlace(unwritable))
    assert not told.notify([result()], contract())
    assert not told.notify(None, contract())  # type: ignore[arg-type]
    assert not told.notify([result()], None)  # type: ignore[arg-type]
    assert not told.notify([result()], contract(), samples={"email.required": [7]})  # type: ignore[list-item]
    assert "notifications for 'sales.orders' could not be kept: '" in caplog.text


def test_notify_does_not_wait_for_a_dead_channel(tmp_path: Path) -> None:
    slow = Remembering()
    began = threading.Event()

    def hang(_: object) -> None:
        began.set()
        time.sleep(5)

    slow.fail = hang
    told = notifier(slow, place=FolderPlace(tmp_path))
    told.start(interval=60)
    told.notify([result()], contract())
    assert began.wait(5)
    begin = time.monotonic()
    for number in range(20):
        assert told.notify(rules(50, run=number, severity="critical"), contract())
    told.stop(seconds=0.1)
    assert time.monotonic() - begin < 4.5


def test_the_thread_sends_what_was_written_before_the_end(tmp_path: Path) -> None:
    chat = Remembering()
    with notifier(chat, place=FolderPlace(tmp_path)) as told:
        for number in range(3):
            told.notify([result(dataset=f"data-{number}")], contract())
    assert sorted(each.dataset for each in chat.taken) == ["data-0", "data-1", "data-2"]


def test_a_run_with_very_many_violations_is_bounded(tmp_path: Path) -> None:
    place, chat = FolderPlace(tmp_path), Remembering()
    told = notifier(chat, place=place)
    rows = ({"order_id": number, "email": "x" * 10_000} for number in range(10_000))
    told.notify([result(violations=10_000)], contract(), samples={"email.required": rows})
    (name,) = place.names("news")
    assert len(place.read(name) or b"") < 5_000
    told.flush()
    assert len(chat.taken[0].violations[0].samples) == 5


@pytest.mark.parametrize(
    ("quarantine", "sample", "link"),
    [
        ("", None, "https://lake.example.com/q/sales.orders/main.sales.orders/run%201"),
        ("main.q", None, "main.q"),
        ("", "main.other", "https://lake.example.com/q/sales.orders/main.sales.orders/run%201"),
    ],
)
def test_the_quarantine_is_linked(quarantine: str, sample: str | None, link: str) -> None:
    chat = Remembering()
    told = notifier(chat, link="https://lake.example.com/q/{contract}/{dataset}/{run}")
    told.notify([result(run_id="run 1", sample=sample)], contract(), quarantine=quarantine)
    told.flush()
    assert chat.taken[0].quarantine == link


def test_entries_are_readable_by_people_and_by_later_versions(tmp_path: Path) -> None:
    chat, place = Remembering(), FolderPlace(tmp_path)
    told = notifier(chat, place=place)
    told.notify([result()], contract())
    chat.fail = lambda _: away()
    told.flush()
    (name,) = place.names("outbox")
    text = (place.read(name) or b"").decode()
    assert '\n "channel": "chat",\n' in text
    place.replace(name, text.replace('"channel"', '"from_tomorrow": 1,\n "channel"').encode())
    (entry,) = told.outbox.entries()
    assert isinstance(entry, Entry)
    assert told.outbox.channel("chat") != ChannelState()
