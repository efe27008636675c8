"""notify.yml: every fault at its place in one pass, no secret in it and none in a message."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from notify_samples import NOW, Clock, contract, notification, result

from lakepact.contract.yaml_nodes import read_yaml
from lakepact.errors import ConfigurationError
from lakepact.notify import ChannelPolicy, Escalation, Grouping, QuietHours, Rate, Route, Severity, open_notifier
from lakepact.notify import read_settings as read
from lakepact.notify.email import Email
from lakepact.notify.schema import settings_schema
from lakepact.notify.secret_references import secret_of
from lakepact.notify.wording import PLACEHOLDERS, placeholders_in
from lakepact.testing.notify_servers import PagerDutyServer, SlackServer

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "notifications.md"

SMALL = """
channels:
  chat: {type: slack, webhook: "${env:HOOK}"}
routes:
  - channels: [chat]
"""


def example() -> str:
    """The settings that the documentation shows: all that can be written."""
    blocks = re.findall(r"^```yml\n(.*?)^```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    return str(blocks[1])


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError, match=r"LP950: \d+ errors? in 'notify.yml'") as raised:
        read(text.encode())
    return [str(each) for each in raised.value.problems]


def test_the_small_example_of_the_documentation_is_right() -> None:
    (small, _) = re.findall(r"^```yml\n(.*?)^```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    found = read(small.encode())
    assert [each.name for each in found.channels] == ["chat", "oncall"]


def test_all_that_can_be_written_is_read() -> None:
    found = read(example().encode(), "folder/notify.yml")
    assert [each.name for each in found.channels] == ["chat", "bot", "mail", "oncall", "teams", "hook", "other"]
    assert found.routes == (
        Route(
            channels=("bot", "mail"),
            severity=Severity.WARNING,
            domains=("sales",),
            owners=("sales-*",),
            contracts=("sales.*",),
            quiet=QuietHours(
                start=time(22), end=time(7), timezone="Europe/Berlin", days=frozenset({0, 1, 2, 3, 4, 5, 6})
            ),
            repeat=timedelta(hours=12),
            escalation=Escalation(after=timedelta(minutes=30), channels=("oncall",)),
        ),
        Route(channels=("oncall",), severity=Severity.CRITICAL, repeat=None, mute_until=NOW.replace(hour=10)),
        Route(channels=("contract",), fallback=("chat",)),
    )
    assert found.wording is not None
    assert {*placeholders_in(found.wording.subject), *placeholders_in(found.wording.body)} == {*PLACEHOLDERS}
    assert found.policies["chat"] == ChannelPolicy(
        rate=Rate(messages=20, per=timedelta(hours=1)), grouping=Grouping.DATASET
    )
    assert found.policies["mail"] == ChannelPolicy()
    assert (found.outbox, found.mask) == (Path("folder/.lakepact/notify"), ("restricted", "confidential"))
    assert (found.retry.attempts, found.retry.first, found.retry.longest) == (12, 30.0, 3600.0)
    assert found.link == "https://lake.example.com/quarantine?dataset={dataset}&run={run}"


@pytest.mark.parametrize("which", ["small", "all"])
def test_the_schema_for_editors_accepts_what_is_read(which: str) -> None:
    jsonschema.Draft202012Validator.check_schema(settings_schema())
    document, _ = read_yaml(SMALL if which == "small" else example())
    assert document is not None
    jsonschema.validate(document.data, settings_schema())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "webhook:",
            "webhok:",
            "notify.yml:3:23: error LP951: unknown key 'webhok' in 'channels.chat'\n  hint: did you",
        ),
        ("webhook:", "webhok:", "notify.yml:3:3: error LP952: key 'webhook' is missing in 'channels.chat'"),
        ("type: slack", "type: slak", "notify.yml:3:16: error LP952: 'channels.chat.type' must be slack or slack-bot"),
        ("type: slack, ", "", "notify.yml:3:3: error LP952: key 'type' is missing in 'channels.chat'\n  hint: known:"),
        ("[chat]", "[chatt]", "notify.yml:5:16: error LP954: there is no channel 'chatt'\n  hint: known: chat"),
        ("[chat]", "[]", "notify.yml:5:15: error LP952: 'routes[0].channels' must not be empty"),
        ("[chat]", "chat", "notify.yml:5:15: error LP952: 'routes[0].channels' must be a list, not a text"),
        ("[chat]", "[7]", "notify.yml:5:16: error LP952: 'routes[0].channels[0]' must be a text, not a whole number"),
        (
            "  - channels",
            "  - severity: bad\n    channels",
            "notify.yml:5:15: error LP952: 'routes[0].severity' must be i",
        ),
        (
            "  - channels",
            "  - repeat: soon\n    channels",
            "notify.yml:5:13: error LP952: 'routes[0].repeat' is not right",
        ),
        (
            "  - channels",
            "  - mute_until: x\n    channels",
            "notify.yml:5:17: error LP952: 'x' is no time\n  hint: write",
        ),
        ("  chat:", "  'a b': {}\n  chat:", "notify.yml:3:3: error LP952: a key in 'channels' is not a name"),
        (
            "  - channels",
            "  - quiet: {from: '22:00', to: '24:00', timezone: UTC}\n    channels",
            "notify.yml:5:32: error LP952: 'routes[0].quiet.to' is not right: '24:00'",
        ),
        (
            "  - channels",
            "  - quiet: {from: '22:00', to: '07:00', timezone: Mars}\n    channels",
            "notify.yml:5:51: error LP952: 'Mars' is no time zone\n  hint: write a name such as Europe/Berlin",
        ),
        (
            "  - channels",
            "  - escalate: {after: 30m, channels: [none]}\n    channels",
            "notify.yml:5:39: error LP954: there is no channel 'none'",
        ),
        (
            "type: slack,",
            "type: slack, mention: ['@ann'],",
            "notify.yml:3:9: error LP952: Slack cannot mention '@ann'\n  hint: write here, channel",
        ),
        (
            "type: slack,",
            "type: slack, rate: {messages: 0, per: 1h},",
            "notify.yml:3:40: error LP952: 'channels.chat.rate.messages' must be from 1 to 1000",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(old: str, new: str, problem: str) -> None:
    assert any(each.startswith(problem) for each in problems(SMALL.replace(old, new, 1))), problems(
        SMALL.replace(old, new, 1)
    )


def test_all_faults_come_in_one_pass() -> None:
    text = "channels:\n  a: {type: slack, webhook: x, extra: 1}\n  b: {type: email, host: ''}\nroutes: []\nmore: 1\n"
    assert [each.split("\n")[0].removeprefix("notify.yml:") for each in problems(text)] == [
        "2:29: error LP953: 'channels.a.webhook' must be a reference to a secret",
        "2:32: error LP951: unknown key 'extra' in 'channels.a'",
        "3:3: error LP952: key 'from' is missing in 'channels.b'",
        "3:3: error LP952: key 'to' is missing in 'channels.b'",
        "3:26: error LP952: 'channels.b.host' must not be empty",
        "4:9: error LP952: 'routes' must not be empty",
        "5:1: error LP951: unknown key 'more'",
    ]


@pytest.mark.parametrize("source", [b"\xff", b"a: [", b"", b"- a\n", b"x: " + b"1" * 1_000_001])
def test_what_is_no_settings_file(source: bytes) -> None:
    with pytest.raises(ConfigurationError, match="LP950"):
        read(source)


SECRETS = [
    "https://hooks.slack.com/services/T0/B0/hunter2",
    "xoxb-hunter2",
    "hunter2",
    "${env:HOOK}hunter2",
    "${HUNTER2}",
    "${env:}",
    "${secret:hunter2}",
    "${file:}",
    7777777,
    ["hunter2"],
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("slack", "webhook"),
        ("slack-bot", "token"),
        ("email", "password"),
        ("pagerduty", "routing_key"),
        ("teams", "webhook"),
        ("webhook", "secret"),
        ("webhook", "url"),
        ("apprise", "url"),
    ],
)
def test_a_secret_in_the_settings_is_an_error_that_does_not_show_it(kind: str, key: str, secret: Any) -> None:
    text = yaml.safe_dump({"channels": {"chat": {"type": kind, key: secret}}, "routes": [{"channels": ["chat"]}]})
    found = problems(text)
    assert any(f"error LP953: 'channels.chat.{key}' must be a reference to a secret" in each for each in found)
    assert not any("unter" in each or "7777777" in each for each in found)


def test_what_looks_like_a_secret_is_one_wherever_it_stands() -> None:
    token = "xoxb-hunter2"
    text = f"""
channels:
  chat: {{type: slack-bot, token: "${{env:TOKEN}}", channel: {token}, api: "https://slack.com/x?sig=hunter2"}}
  other: {{type: {token}}}
link: https://hooks.slack.com/services/hunter2
routes: [{{channels: [chat]}}]
"""
    found = problems(text)
    assert [each.split(": ", 1)[1] for each in found if "LP953" in each] == [
        f"error LP953: '{where}' holds what looks like a secret\n"
        "  hint: write ${env:NAME}, ${file:PATH} or ${secret:SCOPE/KEY}"
        for where in ("channels.chat.channel", "channels.chat.api", "link")
    ]
    assert not any("hunter2" in each for each in found)


def test_secrets_are_read_when_they_are_needed(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    secret = secret_of("${env:TOKEN}", environment=environment)
    with pytest.raises(ConfigurationError, match=r"LP955: there is no secret in \$\{env:TOKEN\}"):
        secret()
    environment["TOKEN"] = " 1234\n"
    assert secret() == "1234"
    (tmp_path / "token").write_text("5678\n")
    assert secret_of("${file:token}", folder=tmp_path)() == "5678"
    assert secret_of(f"${{file:{tmp_path}/token}}")() == "5678"
    assert secret_of("${secret:scope/key}", scopes=lambda scope, key: f"{scope}-{key}")() == "scope-key"
    with pytest.raises(ConfigurationError, match=r"nothing here can read the secret \$\{secret:scope/key\}"):
        secret_of("${secret:scope/key}")()
    with pytest.raises(ConfigurationError, match=r"the secret in '.*/none' cannot be read: FileNotFoundError"):
        secret_of("${file:none}", folder=tmp_path)()
    with pytest.raises(ConfigurationError, match="has characters that none has"):
        secret_of("${env:TOKEN}", environment={"TOKEN": "a\nb"})()


def test_a_secret_that_is_not_there_yet_loses_no_message(tmp_path: Path) -> None:
    clock, environment = Clock(), dict[str, str]()
    with SlackServer() as slack:
        file = tmp_path / "notify.yml"
        file.write_text(SMALL)
        told = open_notifier(file, environment=environment, clock=clock)
        told.notify([result()], contract())
        assert told.flush().reasons == ("chat: there is no secret in ${env:HOOK}",)
        environment["HOOK"] = slack.webhook
        clock.move(minutes=5)
        assert told.flush().sent == 1


def test_a_notifier_of_a_file_sends_by_its_routes(tmp_path: Path) -> None:
    with SlackServer() as slack, PagerDutyServer() as pagerduty:
        file = tmp_path / "notify.yml"
        file.write_text(f"""
channels:
  chat: {{type: slack, webhook: "${{env:HOOK}}"}}
  oncall: {{type: pagerduty, routing_key: "${{file:key}}", address: "{pagerduty.address}"}}
routes:
  - channels: [chat]
  - {{channels: [oncall], severity: critical}}
mask: [public]
link: https://lake.example.com/{{run}}
""")
        (tmp_path / "key").write_text(pagerduty.routing_key)
        told = open_notifier(file, environment={"HOOK": slack.webhook}, clock=Clock())
        rows = [{"order_id": 1, "email": "ann@example.com", "country": "DE"}]
        told.notify([result("a"), result("b", severity="critical")], contract(), samples={"a": rows})
        assert told.flush().sent == 2
        assert "order_id=1, email=ann@example.com, country=***" in str(slack.messages[0])
        assert [each["payload"]["severity"] for each in pagerduty.events] == ["critical"]
        assert (tmp_path / ".lakepact" / "notify" / "sent").is_dir()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"LP950: '.*/none\.yml' cannot be read: No such file or directory"):
        open_notifier(tmp_path / "none.yml")


def test_the_port_of_tls_is_its_own() -> None:
    mail = {"type": "email", "host": "127.0.0.1", "from": "a@b.c", "to": ["a@b.c"], "security": "tls", "timeout": "1s"}
    text = yaml.safe_dump({"channels": {"mail": mail}, "routes": [{"channels": ["mail"]}]})
    (channel,) = read(text.encode()).channels
    assert isinstance(channel, Email)
    assert channel._port == 465
    with pytest.raises(ConfigurationError, match="LP95"):
        read(text.replace("a@b.c", "nobody").encode())
    assert notification().id
