"""Settings in the form of `quality_violations`, as the requirement writes them, against real services."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import yaml
from notify_samples import DOCUMENT, NOW, Clock, contract, notification, passed, result, violation

from lakepact.contract import Contract, load_contract
from lakepact.errors import ConfigurationError
from lakepact.notify import Notifier, Route, State, Wording, open_notifier, read_settings
from lakepact.notify.email import Email
from lakepact.notify.pagerduty import PagerDuty
from lakepact.notify.wording import PLACEHOLDERS
from lakepact.results.model import RuleStatus
from lakepact.rules.model import Action
from lakepact.testing.notify_servers import SlackServer

SEED = """\
notifications:
  quality_violations:
    enabled: true

    channels:
      slack:
        enabled: true
        webhook_url: "${SLACK_WEBHOOK_URL}"
        channel: "#data-quality-alerts"
        mention_on_critical: ["@data-platform", "@ml-team"]

      email:
        enabled: true
        smtp_server: "${SMTP_SERVER}"
        from_email: "dativo-alerts@company.com"
        recipients:
          - data-team@company.com
          - ml-team@company.com

      pagerduty:
        enabled: false  # Enable for critical production issues
        api_key: "${PAGERDUTY_API_KEY}"
        service_id: "${PAGERDUTY_SERVICE_ID}"

    templates:
      quality_violation:
        subject: "[DATA QUALITY] Contract violation: {contract_name}"
        body: |
          Contract: {contract_name} (v{contract_version})
          Asset: {asset_name}
          Tenant: {tenant_id}

          Violations ({violation_count}):
          {violations_list}

          Action: Data quarantined to {quarantine_path}

          Review: {quarantine_ui_url}
"""

BODY = """\
Contract: Orders (v1.2.0)
Asset: main.sales.orders
Tenant: acme

Violations (2):
- amount.minimum [critical]: 3 of 10 rows
- email.required [error]: 3 of 10 rows

Action: Data quarantined to main.sales.orders__quarantine

Review: -"""


def named(**wishes: Any) -> Contract:
    """The contract with a `notification` block, as `lakepact convert` carries it."""
    more = {"tenant": "acme", "customProperties": [{"property": "lakepact.notification", "value": wishes}]}
    return load_contract(DOCUMENT + yaml.safe_dump(more).encode())


def broken() -> list[Any]:
    place = {"action": Action.QUARANTINE, "sample": "main.sales.orders__quarantine"}
    return [
        result("amount.minimum", severity="critical", **place),
        result("email.required", message="3 of 10 rows", **place),
    ]


def opened(folder: Path, text: str = SEED, **environment: str) -> Notifier:
    (folder / "notifications.yaml").write_text(text)
    return open_notifier(folder / "notifications.yaml", environment=environment, clock=Clock())


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError, match=r"LP950: \d+ errors? in 'notifications.yaml'") as raised:
        read_settings(text.encode(), "notifications.yaml")
    return [str(each) for each in raised.value.problems]


def test_the_requirement_is_read_as_it_is() -> None:
    found = read_settings(SEED.encode(), "configs/quality/notifications.yaml")
    assert [each.name for each in found.channels] == ["slack", "email"]
    assert found.routes == (Route(channels=("contract",), fallback=("slack", "email")),)
    assert found.outbox == Path("configs/quality/.lakepact/notify")
    assert found.wording is not None
    assert found.wording.subject == "[DATA QUALITY] Contract violation: {contract_name}"
    assert found.notes == (
        "Slack calls nobody by name: @data-platform, @ml-team will be shown; give the ids of users (U…) or groups (S…)",
    )


def test_slack_hears_in_the_words_of_the_template(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with SlackServer() as slack, caplog.at_level(logging.WARNING):
        told = opened(tmp_path, SLACK_WEBHOOK_URL=slack.webhook)
        assert told.notify(broken(), named(channels=["slack"]))
        assert told.flush().sent == 1
        (message,) = slack.messages
        texts = [block["text"]["text"] for block in message["blocks"]]
        assert texts == ["[DATA QUALITY] Contract violation: Orders", "@data-platform @ml-team", BODY]
        assert "Slack calls nobody by name: @data-platform, @ml-team will be shown" in caplog.text
        told.notify([passed("amount.minimum", run_id="run-2"), passed(run_id="run-2")], named(channels=["slack"]))
        assert told.flush().sent == 1
        assert slack.messages[1]["text"] == "Resolved: contract Orders 1.2.0 in main.sales.orders holds again"


def test_mail_goes_to_the_recipients_of_the_settings_and_of_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("aiosmtpd")
    from lakepact.testing.notify_smtp import MailServer

    with MailServer(tmp_path, login=False) as mail:
        monkeypatch.setenv("SSL_CERT_FILE", str(mail.ca))
        told = opened(tmp_path, SMTP_SERVER=f"{mail.host}:{mail.port}")
        told.notify(broken(), named(channels=["email"], recipients=["ml-team@company.com", "fraud@company.com"]))
        report = told.flush()
        assert (report.sent, report.reasons) == (1, ())
    (message,) = mail.messages
    assert message["Subject"] == "[DATA QUALITY] Contract violation: Orders"
    assert message["From"] == "dativo-alerts@company.com"
    assert sorted(mail.recipients[0]) == [
        "ann@example.com",
        "data-team@company.com",
        "fraud@company.com",
        "ml-team@company.com",
    ]
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    assert BODY in parts["text/plain"].replace("\r\n", "\n")
    assert "<p>- email.required [error]: 3 of 10 rows</p>" in parts["text/html"]


@pytest.mark.parametrize(
    ("wishes", "channels"),
    [
        ({}, ["email", "slack"]),
        ({"channels": ["email"]}, ["email"]),
        ({"channels": ["slack", "pagerduty"]}, ["slack"]),
        # A contract whose only channel is switched off is not passed over in silence.
        ({"channels": ["pagerduty"]}, ["email", "slack"]),
    ],
)
def test_a_contract_chooses_among_the_channels_that_are_enabled(
    tmp_path: Path, wishes: dict[str, Any], channels: list[str]
) -> None:
    told = opened(tmp_path)
    told.notify(broken(), named(**wishes))
    told.flush()
    assert sorted({each.channel for each in told.status().waiting}) == channels


@pytest.mark.parametrize("which", ["all", "each"])
def test_what_is_not_enabled_hears_nothing(tmp_path: Path, which: str) -> None:
    off = SEED.replace("    enabled: true\n", "    enabled: false\n", 1 if which == "all" else 3)
    told = opened(tmp_path, off if which == "all" else off.replace("    enabled: false\n", "    enabled: true\n", 1))
    assert dict(told.channels) == {}
    assert told.notify(broken(), contract())
    assert told.flush().waiting == 0


def test_pagerduty_takes_the_key_that_the_variable_has() -> None:
    text = SEED.replace("enabled: false", "enabled: true")
    channel = read_settings(text.encode(), environment={"PAGERDUTY_API_KEY": "abc"}).channels[2]
    assert isinstance(channel, PagerDuty)
    assert channel._routing_key() == "abc"


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ("smtp.company.com", ("smtp.company.com", 587, "starttls")),
        ("smtp.company.com:25", ("smtp.company.com", 25, "starttls")),
        ("smtp.company.com:465", ("smtp.company.com", 465, "tls")),
        ("::1", ("::1", 587, "starttls")),
        ("${SMTP_SERVER}", ("mail.company.com", 465, "tls")),
        ("${env:SMTP_SERVER}", ("mail.company.com", 465, "tls")),
    ],
)
def test_the_mail_server_and_its_port(server: str, found: tuple[str, int, str]) -> None:
    text = SEED.replace("${SMTP_SERVER}", server)
    channel = read_settings(text.encode(), environment={"SMTP_SERVER": "mail.company.com:465"}).channels[1]
    assert isinstance(channel, Email)
    assert channel._server() == found


def test_mentions_that_slack_knows_are_calls(tmp_path: Path) -> None:
    text = SEED.replace('"@data-platform", "@ml-team"', '"@here", U0123456789, "<!channel>"')
    with SlackServer() as slack:
        told = opened(tmp_path, text, SLACK_WEBHOOK_URL=slack.webhook)
        told.notify(broken(), named(channels=["slack"]))
        told.flush()
    assert slack.messages[0]["blocks"][1]["text"]["text"] == "<!here> <@U0123456789> &lt;!channel&gt;"


SECRETS = ["https://hooks.slack.com/services/T0/B0/hunter2", "hunter2", "${hunter-2}", "${A}${B}", "$HUNTER2", 7]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("key", ["webhook_url", "api_key"])
def test_a_plain_secret_is_refused_and_not_shown(key: str, secret: Any) -> None:
    data = yaml.safe_load(SEED)
    channel = "slack" if key == "webhook_url" else "pagerduty"
    data["notifications"]["quality_violations"]["channels"][channel][key] = secret
    (found,) = problems(yaml.safe_dump(data))
    where = f"notifications.quality_violations.channels.{channel}.{key}"
    assert f"error LP953: '{where}' must be a reference to a secret\n  hint: write ${{NAME}}, and have a var" in found
    assert "unter" not in found


def test_all_faults_come_in_one_pass_with_their_places() -> None:
    text = (
        SEED.replace("webhook_url", "webhok_url")
        .replace("enabled: false", "enabled: perhaps")
        .replace("recipients:\n          - data-team@company.com\n          - ml-team@company.com", "recipients: []")
    )
    assert [each.split("\n")[0].removeprefix("notifications.yaml:") for each in problems(text)] == [
        "6:7: error LP952: key 'webhook_url' is missing in 'notifications.quality_violations.channels.slack'",
        "8:9: error LP951: unknown key 'webhok_url' in 'notifications.quality_violations.channels.slack'",
        "16:21: error LP952: 'notifications.quality_violations.channels.email.recipients' must not be empty",
        "19:18: error LP952: 'notifications.quality_violations.channels.pagerduty.enabled' must be true or false, "
        "not a text",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "{tenant_id}",
            "{tenant}",
            "notifications.yaml:28:15: error LP952: there is nothing to put in for '{tenant}'\n"
            "  hint: did you mean 'tenant_id'?",
        ),
        (
            "dativo-alerts@company.com",
            "alerts",
            "notifications.yaml:13:9: error LP952: 'alerts' is no e-mail address\n  hint: write name@example.com",
        ),
        ("  quality_violations:\n", "  quality_violation:\n", "notifications.yaml:2:3: error LP951: unknown key"),
    ],
)
def test_what_the_schema_cannot_say(old: str, new: str, problem: str) -> None:
    assert any(each.startswith(problem) for each in problems(SEED.replace(old, new, 1))), problems(
        SEED.replace(old, new, 1)
    )


def test_every_name_in_braces_has_a_value() -> None:
    text = "\n".join(f"{name}={{{name}}}" for name in PLACEHOLDERS)
    told = Wording("{contract_id} {{x}} {", text).given_to(
        notification(tenant="acme", quarantine_place="q", run_id="run\n1", violations=(violation(message="{run_id}"),))
    )
    assert told.title == "sales.orders {x} {"
    assert told.text == (
        "asset_name=main.sales.orders",
        "contract_id=sales.orders",
        "contract_name=Orders",
        "contract_version=1.2.0",
        "domain=sales",
        "owners=sales-data",
        "quarantine_path=q",
        "quarantine_ui_url=https://lake.example.com/q?run=1&x=<y>",
        "run_id=run 1",
        "severity=error",
        "tenant_id=acme",
        f"time={NOW:%Y-%m-%d %H:%M:%S} UTC",
        "violation_count=1",
        # What data says is never filled in.
        "violations_list=- email.required [error]: 3 of 10 rows; {run_id}",
    )


def test_words_are_for_broken_contracts_and_bounded() -> None:
    wording = Wording("{contract_name}" * 100, "{violations_list}\n" * 1000)
    for state in (State.RESOLVED, State.ACKNOWLEDGED):
        assert wording.given_to(notification(state=state)) == notification(state=state)
    many = notification(violations=tuple(violation(f"rule-{n}") for n in range(10_000)), escalated=True)
    told = wording.given_to(many)
    assert told.title.startswith("Escalated: OrdersOrders")
    assert len(told.title) == 200
    assert len("\n".join(told.text)) <= 10_000
    assert told.text[20] == "and 9980 more rules"


def test_the_words_of_notify_yml(tmp_path: Path) -> None:
    text = """
channels: {chat: {type: slack, webhook: "${env:HOOK}"}}
routes: [{channels: [chat], severity: warning}]
template: {subject: "{contract_name} is broken", body: "see {quarantine_ui_url}"}
link: https://lake.example.com/{run}
"""
    with SlackServer() as slack:
        (tmp_path / "notify.yml").write_text(text)
        told = open_notifier(tmp_path / "notify.yml", environment={"HOOK": slack.webhook}, clock=Clock())
        told.notify([result(status=RuleStatus.WARN)], contract())
        told.flush()
    assert slack.messages[0]["text"] == "Orders is broken"
    assert [block["text"]["text"] for block in slack.messages[0]["blocks"]] == [
        "Orders is broken",
        "see https://lake.example.com/run-1",
        "<https://lake.example.com/run-1|Open the quarantine>",
    ]


def test_a_route_falls_back_only_from_the_contract() -> None:
    text = """
channels: {chat: {type: slack, webhook: "${env:HOOK}"}}
routes:
  - {channels: [chat], fallback: [chat]}
  - {channels: [contract], fallback: [none]}
"""
    assert problems(text) == [
        "notifications.yaml:4:34: error LP952: the route has nothing to fall back from\n"
        "  hint: add `contract` to its channels, for which the fallback stands in",
        "notifications.yaml:5:39: error LP954: there is no channel 'none'\n  hint: known: chat",
    ]
