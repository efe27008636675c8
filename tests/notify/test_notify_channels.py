"""Each channel against a server that is as strict as the service documents, and fails as services fail."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notify_samples import NOW, notification, violation

from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable
from lakepact.notify import Channel, Contacts, Notification, Severity, State
from lakepact.notify.delivery import post
from lakepact.notify.pagerduty import PagerDuty
from lakepact.notify.slack import SUPPORT, SlackBot, SlackWebhook
from lakepact.notify.teams import Teams
from lakepact.notify.webhook import Webhook
from lakepact.testing.notify_servers import (
    Fault,
    LoopbackService,
    PagerDutyServer,
    SlackServer,
    TeamsServer,
    WebhookReceiver,
)

NASTY = "<!channel> <https://evil.example|x> &amp; *b* `c` [l](https://evil.example) **d** \"q\" 'r' </td>\n\x1b[31m"


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer(channels={"data-quality": "C0000000001", "orders-help": "C0000000002"}) as server:
        yield server


@pytest.fixture
def pagerduty() -> Iterator[PagerDutyServer]:
    with PagerDutyServer() as server:
        yield server


@pytest.fixture
def teams() -> Iterator[TeamsServer]:
    with TeamsServer() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as server:
        yield server


def bot(server: SlackServer, channel: str = "#data-quality", **more: Any) -> SlackBot:
    return SlackBot("bot", lambda: server.token, channel, api=server.api, **more)


def pager(server: PagerDutyServer) -> PagerDuty:
    return PagerDuty("pager", lambda: server.routing_key, address=server.address)


def hook(server: WebhookReceiver, **more: Any) -> Webhook:
    return Webhook("hook", lambda: server.url, lambda: server.secret, **more)


def text_of(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def test_slack_webhook_posts_what_people_need(slack: SlackServer) -> None:
    SlackWebhook("chat", lambda: slack.webhook).send(notification())
    (message,) = slack.messages
    assert message["text"] == "[error] 1 rule of contract Orders 1.2.0 in main.sales.orders broken"
    assert message["blocks"][0]["text"]["text"] == message["text"]
    assert [each["text"] for each in message["blocks"][1]["fields"]][:3] == [
        "*Contract*\nsales.orders 1.2.0",
        "*Dataset*\nmain.sales.orders",
        "*Severity*\nerror",
    ]
    assert message["blocks"][2]["text"]["text"] == (
        "*email.required [error]*\n3 of 10 rows; an address is missing\n> order_id=1, email=***"
    )
    assert message["blocks"][3]["text"]["text"] == (
        "<https://lake.example.com/q?run=1&amp;x=&lt;y&gt;|Open the quarantine>"
    )


def test_slack_calls_people_only_for_what_is_critical(slack: SlackServer) -> None:
    channel = SlackWebhook("chat", lambda: slack.webhook, mention=("here", "U012345", "S012345"))
    channel.send(notification())
    channel.send(notification(severity=Severity.CRITICAL))
    channel.send(notification(severity=Severity.CRITICAL, state=State.RESOLVED))
    assert ["<!here> <@U012345> <!subteam^S012345>" in text_of(each) for each in slack.messages] == [False, True, False]


def test_slack_mentions_nobody_that_it_does_not_know() -> None:
    with pytest.raises(ConfigurationError, match="Slack cannot mention '@ann'"):
        SlackWebhook("chat", lambda: "", mention=("@ann",))


def test_slack_bot_keeps_an_incident_in_a_thread(slack: SlackServer) -> None:
    first = bot(slack).send(notification())
    bot(slack).send(notification(state=State.RESOLVED, violations=(), thread=first.remote_id))
    assert first.remote_id == "C0000000001/1700000000.000000"
    assert [each.get("thread_ts") for each in slack.messages] == [None, "1700000000.000000"]
    assert [each["channel"] for each in slack.messages] == ["C0000000001", "C0000000001"]


def test_slack_bot_posts_to_the_support_channel_of_the_contract(slack: SlackServer) -> None:
    bot(slack, SUPPORT).send(notification())
    bot(slack, SUPPORT, fallback="data-quality").send(notification(contacts=Contacts()))
    assert [each["channel"] for each in slack.messages] == ["C0000000002", "C0000000001"]
    with pytest.raises(RemoteFailed, match="the contract names no Slack channel among its support"):
        bot(slack, SUPPORT).send(notification(contacts=Contacts()))


def test_slack_bot_tells_apart_what_passes_and_what_does_not(slack: SlackServer) -> None:
    with pytest.raises(RemoteFailed, match="Slack refuses the message: channel_not_found") as refused:
        bot(slack, "nowhere").send(notification())
    assert not isinstance(refused.value, RemoteUnavailable)
    slack.fail(Fault(status=200, body=b'{"ok": false, "error": "internal_error"}'))
    with pytest.raises(RemoteUnavailable, match="internal_error"):
        bot(slack).send(notification())
    wrong = SlackBot("bot", lambda: "xoxb-other", "data-quality", api=slack.api)
    with pytest.raises(RemoteFailed, match="invalid_auth"):
        wrong.send(notification())


def test_pagerduty_has_one_incident_from_trigger_to_resolve(pagerduty: PagerDutyServer) -> None:
    channel = pager(pagerduty)
    key = channel.send(notification()).remote_id
    for state in (State.FIRING, State.ACKNOWLEDGED, State.FIRING):
        channel.send(notification(state=state))
    assert (pagerduty.incidents, pagerduty.opened) == ({key: "acknowledged"}, {key: 1})
    channel.send(notification(state=State.RESOLVED, violations=()))
    assert pagerduty.incidents == {key: "resolved"}
    channel.send(notification())
    assert pagerduty.opened == {key: 2}


def test_pagerduty_gets_what_it_documents(pagerduty: PagerDutyServer) -> None:
    pager(pagerduty).send(notification())
    (event,) = pagerduty.events
    assert event["dedup_key"] == f"lakepact-{'ca' * 16}"
    assert event["links"] == [{"href": "https://lake.example.com/q?run=1&x=<y>", "text": "Open the quarantine"}]
    assert {key: event["payload"][key] for key in ("summary", "source", "severity", "component", "group")} == {
        "summary": "[error] 1 rule of contract Orders 1.2.0 in main.sales.orders broken",
        "source": "main.sales.orders",
        "severity": "error",
        "component": "sales.orders",
        "group": "sales",
    }
    assert event["payload"]["custom_details"]["Rule 1"].startswith("email.required [error]\n3 of 10 rows")


def test_pagerduty_refuses_a_wrong_key(pagerduty: PagerDutyServer) -> None:
    channel = PagerDuty("pager", lambda: "f" * 32, address=pagerduty.address)
    with pytest.raises(RemoteFailed, match=r"PagerDuty refuses the message: HTTP 400 .*'routing_key' is invalid"):
        channel.send(notification())


def test_teams_shows_a_card_without_markup(teams: TeamsServer) -> None:
    receipt = Teams("teams", lambda: teams.webhook).send(notification(violations=(violation(message="**bold**"),)))
    (card,) = teams.cards
    assert receipt.remote_id == "run-1"
    assert card["body"][0]["inlines"][0]["text"].startswith("[error] 1 rule of contract Orders")
    assert card["actions"][0]["url"] == "https://lake.example.com/q?run=1&x=<y>"
    assert "3 of 10 rows; **bold**" in [each["inlines"][0]["text"] for each in card["body"]]


def test_webhook_is_signed_and_taken_once(receiver: WebhookReceiver) -> None:
    channel = hook(receiver)
    assert channel.send(notification()).remote_id == f"msg_{'1f' * 16}"
    channel.send(notification())
    ((message_id, event),) = receiver.events.items()
    assert (message_id, receiver.repeated) == (f"msg_{'1f' * 16}", 1)
    assert (event["type"], event["timestamp"]) == ("lakepact.contract.firing", "2024-01-31T12:00:00+00:00")
    assert event["data"]["contract"] == {"id": "sales.orders", "version": "1.2.0"}
    assert event["data"]["violations"][0]["samples"] == [{"order_id": "1", "email": "***"}]


def test_webhook_with_another_secret_is_refused(receiver: WebhookReceiver) -> None:
    other = Webhook("hook", lambda: receiver.url, lambda: "whsec_" + "QUJD" * 10)
    with pytest.raises(RemoteFailed, match="the webhook refuses the message: HTTP 401 the signature is wrong"):
        other.send(notification())


@pytest.mark.parametrize("secret", ["", "1234", "whsec_", "whsec_QUJD", "whsec_ä", "QUJD" * 10])
def test_webhook_signs_with_no_weak_secret(secret: str, receiver: WebhookReceiver) -> None:
    other = Webhook("hook", lambda: receiver.url, lambda: secret)
    with pytest.raises(ConfigurationError, match="the secret of a webhook is none of Standard Webhooks"):
        other.send(notification())
    assert receiver.requests == 0


def test_a_clock_that_is_wrong_is_told(receiver: WebhookReceiver) -> None:
    ahead = hook(receiver, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(RemoteFailed, match=r"the timestamp is too old or too new\n"):
        ahead.send(notification())
    receiver.clock = lambda: time.time() - 3600
    with pytest.raises(RemoteFailed, match=r"\(the clock here is (3599|3600|3601) seconds ahead of its own\)"):
        hook(receiver).send(notification())


def channels(
    slack: SlackServer, pagerduty: PagerDutyServer, teams: TeamsServer, receiver: WebhookReceiver
) -> list[tuple[Channel, LoopbackService]]:
    return [
        (SlackWebhook("chat", lambda: slack.webhook, timeout=0.5), slack),
        (SlackBot("bot", lambda: slack.token, "data-quality", api=slack.api, timeout=0.5), slack),
        (PagerDuty("pager", lambda: pagerduty.routing_key, address=pagerduty.address, timeout=0.5), pagerduty),
        (Teams("teams", lambda: teams.webhook, timeout=0.5), teams),
        (hook(receiver, timeout=0.5), receiver),
    ]


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize(
    ("fault", "reason", "asked"),
    [
        (Fault(status=429, headers={"Retry-After": "7"}), "HTTP 429", 7.0),
        (Fault(status=500, body=b"oops"), "HTTP 500 oops", None),
        (Fault(status=503), "HTTP 503", None),
        (Fault(reset=True), "the connection broke", None),
        (Fault(seconds=1.0), "it does not answer in time", None),
    ],
)
def test_what_passes_can_be_tried_again(
    index: int,
    fault: Fault,
    reason: str,
    asked: float | None,
    slack: SlackServer,
    pagerduty: PagerDutyServer,
    teams: TeamsServer,
    receiver: WebhookReceiver,
) -> None:
    channel, server = channels(slack, pagerduty, teams, receiver)[index]
    server.fail(fault)
    with pytest.raises(RemoteUnavailable, match=rf"does not take messages: {reason}\n") as raised:
        channel.send(notification())
    assert raised.value.facts.get("retry_after") == asked
    channel.send(notification())


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("status", [301, 400, 403, 404, 410])
def test_what_stays_is_refused(
    index: int,
    status: int,
    slack: SlackServer,
    pagerduty: PagerDutyServer,
    teams: TeamsServer,
    receiver: WebhookReceiver,
) -> None:
    channel, server = channels(slack, pagerduty, teams, receiver)[index]
    server.fail(Fault(status=status, headers={"Location": "http://127.0.0.1:1/"}))
    with pytest.raises(RemoteFailed, match=rf"refuses the message: HTTP {status}\n") as raised:
        channel.send(notification())
    assert not isinstance(raised.value, RemoteUnavailable)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/secret"
        with pytest.raises(RemoteUnavailable, match=r"Teams does not take messages: it cannot be reached\n"):
            Teams("teams", lambda: address).send(notification())


@pytest.mark.parametrize(
    "address", ["", "example.com", "http://example.com/secret", "ftp://example.com", "https://", "http://[", "file:/x"]
)
def test_messages_go_only_to_encrypted_addresses_and_errors_do_not_show_them(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the address of Teams is none that a message can go to\n") as raised:
        Teams("teams", lambda: address).send(notification())
    assert "secret" not in str(raised.value)


def test_an_answer_is_read_only_so_far(slack: SlackServer) -> None:
    slack.fail(Fault(status=400, body=b"x" * 10_000_000))
    with pytest.raises(RemoteFailed, match=r"HTTP 400 x{299}…\n"):
        SlackWebhook("chat", lambda: slack.webhook).send(notification())
    slack.fail(Fault(status=200, body=b"x" * 10_000_000))
    assert len(post(slack.webhook, b"{}", what="Slack").body) < 1_000_000


def test_a_service_that_answers_drop_by_drop_is_not_waited_for() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        dripping = threading.Thread(target=_drip, args=(listening,), daemon=True)
        dripping.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        begin = time.monotonic()
        with pytest.raises(RemoteUnavailable, match=r"it takes longer than 0\.5 seconds"):
            Teams("teams", lambda: address, timeout=0.5).send(notification())
        # The whole body would take ten.
        assert time.monotonic() - begin < 8


def _drip(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.1)


def huge(text: str) -> Notification:
    """As much of everything as is ever kept."""
    samples = tuple({f"c{column}{text}"[:100]: (text * 100)[:100] for column in range(20)} for _ in range(5))
    each = violation(
        text, rule_name=(text * 10)[:200], message=(text * 100)[:500], value=text, threshold=text, samples=samples
    )
    return notification(
        contract_id=text,
        contract_name=text * 20,
        contract_version=text,
        dataset=text * 20,
        run_id=text,
        domain=text * 20,
        owners=(text,) * 50,
        quarantine=f"https://lake.example.com/{text}",
        violations=(each,) * 50,
        recovered=(text,) * 200,
    )


@given(st.text(max_size=60))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_texts_there_are_services_take_them(
    slack: SlackServer, pagerduty: PagerDutyServer, teams: TeamsServer, receiver: WebhookReceiver, text: str
) -> None:
    clean = text.encode("utf-8", "backslashreplace").decode()
    for message in (huge(clean), huge(f"{clean}{NASTY}"), notification(headings=(clean,) * 500)):
        for channel, _ in channels(slack, pagerduty, teams, receiver):
            channel.send(message)


def test_foreign_text_has_no_markup_anywhere(slack: SlackServer, teams: TeamsServer) -> None:
    message = notification(
        contract_name=NASTY, violations=(violation(NASTY, rule_name=NASTY, message=NASTY),), recovered=(NASTY,)
    )
    SlackWebhook("chat", lambda: slack.webhook).send(message)
    shown = json.dumps(slack.messages[0])
    assert "<!channel>" not in shown.replace(json.dumps(slack.messages[0]["blocks"][0]), "")
    assert "<https://evil" not in slack.messages[0]["text"]
    assert slack.messages[0]["blocks"][0]["text"]["type"] == "plain_text"
    Teams("teams", lambda: teams.webhook).send(message)
    assert {each["type"] for each in teams.cards[0]["body"]} == {"RichTextBlock"}


@pytest.mark.parametrize(
    ("state", "more", "title"),
    [
        (State.RESOLVED, {}, "Resolved: contract Orders 1.2.0 in main.sales.orders holds again"),
        (State.ACKNOWLEDGED, {}, "Acknowledged: contract Orders 1.2.0 in main.sales.orders"),
        (
            State.FIRING,
            {"escalated": True},
            "Escalated: [error] 1 rule of contract Orders 1.2.0 in main.sales.orders broken",
        ),
        (State.FIRING, {"headings": ("a", "b")}, "2 notifications held back by the rate limit"),
    ],
)
def test_titles(slack: SlackServer, state: State, more: dict[str, Any], title: str) -> None:
    SlackWebhook("chat", lambda: slack.webhook).send(notification(state=state, **more))
    assert slack.messages[0]["text"] == title


def test_apprise_takes_any_of_its_addresses(receiver: WebhookReceiver) -> None:
    pytest.importorskip("apprise")
    from lakepact.notify.apprise_channel import AppriseChannel

    taken: list[dict[str, Any]] = []
    receiver.answer = _taking(taken)  # type: ignore[method-assign]
    address = receiver.address.replace("http://", "json://")
    channel = AppriseChannel("other", lambda: address)
    channel.send(notification())
    channel.send(notification(state=State.RESOLVED, violations=()))
    assert [each["type"] for each in taken] == ["failure", "success"]
    assert taken[0]["title"] == "[error] 1 rule of contract Orders 1.2.0 in main.sales.orders broken"
    assert "Dataset: main.sales.orders\n" in taken[0]["message"]
    receiver.fail(Fault(status=500))
    with pytest.raises(RemoteUnavailable, match="apprise says that it failed"):
        channel.send(notification())
    with pytest.raises(ConfigurationError, match=r"the address of 'other' is none that apprise knows\n"):
        AppriseChannel("other", lambda: "nothing://").send(notification(at=NOW))


def _taking(taken: list[dict[str, Any]]) -> Callable[..., Any]:
    from lakepact.testing.loopback import Reply

    def answer(path: str, headers: Any, body: bytes) -> Reply:
        taken.append(json.loads(body))
        return Reply(200)

    return answer
