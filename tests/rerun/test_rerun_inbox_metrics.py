"""Metrics of the inbox and of the receiver: their samples, who may read them, and the rules of Prometheus on them."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from lakepact.errors import ConfigurationError
from lakepact.rerun.authentication import Secrets
from lakepact.rerun.inbox import EffectKey, EffectState
from lakepact.rerun.inbox_metrics import INBOX_METRICS, inbox_samples
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.rerun.metrics_text import inbox_text, receiver_text
from lakepact.rerun.receiver_metrics import ANSWER_SECONDS, ANSWERS, Tally
from lakepact.rerun.settings import read_receiver_settings
from lakepact.testing.inbox_suite import SetClock, arrival
from webhook_samples import SECRET, TOKEN, body, headers, receiving, settings

RULES, TESTS = "lakepact.inbox.rules.yml", "lakepact.inbox.rules.test.yml"
READER = "token-of-who-reads-metrics"


@pytest.fixture
def rules_folder(repository: Path) -> Path:
    return repository / "docs" / "metrics"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def filled(clock: SetClock) -> MemoryInbox:
    """An inbox with an event in each state, the oldest of those that wait a minute old."""
    inbox = MemoryInbox(clock=clock)
    for name in ("done", "dead"):
        inbox.receive(arrival(name))
    done, dead = inbox.claim("ada", timedelta(minutes=5), limit=2)[::-1]
    key = EffectKey(contract_id="orders", version="1.2.0", sha256="ab", pipeline="sales")
    inbox.begin_effect(key, "done")
    inbox.settle_effect(key, "done", EffectState.DONE)
    inbox.complete(done)
    inbox.fail(dead, "it cannot be done")
    clock.pass_by(timedelta(hours=1))
    inbox.receive(arrival("failed"))
    for _ in range(2):
        (event,) = inbox.claim("ada", timedelta(minutes=5))
        inbox.fail(event, "not now", clock.now)
    clock.pass_by(timedelta(seconds=60))
    inbox.receive(arrival("claimed"))
    inbox.claim("ada", timedelta(minutes=5), limit=2)
    inbox.receive(arrival("received"))
    return inbox


def values(inbox: MemoryInbox, clock: SetClock) -> dict[tuple[str, ...], float]:
    return {(each.metric.name, *each.labels): each.value for each in inbox_samples(inbox, clock.now)}


def test_samples_of_an_inbox(clock: SetClock) -> None:
    inbox = filled(clock)
    assert values(inbox, clock) == {
        ("lakepact_inbox_events", "received"): 1,
        ("lakepact_inbox_events", "claimed"): 2,
        ("lakepact_inbox_events", "done"): 1,
        ("lakepact_inbox_events", "failed"): 0,
        ("lakepact_inbox_events", "dead"): 1,
        ("lakepact_inbox_oldest_waiting_seconds",): 60,
        ("lakepact_inbox_attempts_max",): 3,
        ("lakepact_inbox_last_done_timestamp_seconds",): inbox.get("done").changed_at.timestamp(),
        ("lakepact_inbox_effects", "begun"): 0,
        ("lakepact_inbox_effects", "done"): 1,
        ("lakepact_inbox_effects", "abandoned"): 0,
    }
    clock.pass_by(-timedelta(hours=3))
    assert values(inbox, clock)["lakepact_inbox_oldest_waiting_seconds",] == 0


def test_an_empty_inbox_has_no_time_of_an_end(clock: SetClock) -> None:
    found = values(MemoryInbox(clock=clock), clock)
    assert set(found.values()) == {0}
    assert ("lakepact_inbox_last_done_timestamp_seconds",) not in found


def test_the_receiver_counts_its_answers() -> None:
    given = settings(metrics=lambda: Secrets(bearer=(READER,)))
    with receiving(MemoryInbox(), given) as address:
        for sent in (headers(body()), headers(body()), {"content-type": "application/json"}, {}):
            httpx.post(address, content=body(), headers=sent)
        for prefix in ("", "/api"):
            found = httpx.get(
                httpx.URL(address).join(f"{prefix}/metrics"), headers={"authorization": f"Bearer {READER}"}
            )
            assert found.status_code == 200
            assert found.headers["content-type"].startswith("text/plain; version=")
            answers = dict(
                re.findall(r'^lakepact_webhook_answers_total{status="(\d+)"} (\S+)$', found.text, re.MULTILINE)
            )
            assert answers == {"200": "1.0", "202": "1.0", "401": "1.0", "415": "1.0"}
            assert 'lakepact_webhook_answer_seconds_bucket{le="+Inf"} 4.0' in found.text
            assert "orders" not in found.text


@pytest.mark.parametrize("given", ["", f"Bearer {TOKEN}", f"Basic {READER}", "Bearer x"])
def test_who_has_no_token_of_metrics_reads_none(given: str) -> None:
    with receiving(MemoryInbox(), settings(metrics=lambda: Secrets(bearer=(READER,)))) as address:
        found = httpx.get(httpx.URL(address).join("/metrics"), headers={"authorization": given})
        assert (found.status_code, found.json()["detail"]) == (401, "not authentic")
        assert found.headers["www-authenticate"] == 'Bearer realm="lakepact"'
    with receiving(MemoryInbox()) as address:
        assert httpx.get(httpx.URL(address).join("/metrics"), headers={"authorization": given}).status_code == 404


def test_tokens_of_metrics_that_cannot_be_had() -> None:
    def away() -> Secrets:
        raise ConfigurationError("there is no secret", "LP931")

    with receiving(MemoryInbox(), settings(metrics=away)) as address:
        found = httpx.get(httpx.URL(address).join("/metrics"), headers={"authorization": f"Bearer {READER}"})
    assert (found.status_code, found.json()["detail"]) == (503, "metrics cannot be read now")


def test_the_token_of_metrics_is_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{READER}\n", encoding="utf-8")
    known = {"LAKEPACT_WEBHOOK_SECRET": SECRET}
    assert read_receiver_settings(known).metrics is None
    for name, value in (("", READER), ("_FROM", f"file:{file}")):
        found = read_receiver_settings(known | {f"LAKEPACT_WEBHOOK_METRICS_TOKEN{name}": value}).metrics
        assert found is not None
        assert found() == Secrets(bearer=(READER,))
    for weak in ("short", "  "):
        with pytest.raises(
            ConfigurationError, match=r"^LP931: (LAKEPACT_WEBHOOK_METRICS_TOKEN is not one|there is no)"
        ):
            read_receiver_settings(known | {"LAKEPACT_WEBHOOK_METRICS_TOKEN": weak})


def names_of_series() -> set[str]:
    counted = {f"{ANSWER_SECONDS[0]}_{end}" for end in ("bucket", "count", "sum")}
    return {metric.name for metric in INBOX_METRICS} | {f"{ANSWERS[0]}_total"} | counted


def test_the_docs_name_every_metric(repository: Path) -> None:
    page = (repository / "docs" / "webhook.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(lakepact_\w+)", page, re.MULTILINE))
    assert told == {metric.name for metric in INBOX_METRICS} | {f"{ANSWERS[0]}_total", ANSWER_SECONDS[0]}


def test_each_rule_is_tested_and_asks_for_metrics_that_are_there(rules_folder: Path) -> None:
    rules: Any = yaml.safe_load((rules_folder / RULES).read_text(encoding="utf-8"))
    tests: Any = yaml.safe_load((rules_folder / TESTS).read_text(encoding="utf-8"))
    (group,) = rules["groups"]
    alerts = {each["alert"]: each["expr"] for each in group["rules"]}
    assert set(re.findall(r"lakepact_\w+", " ".join(alerts.values()))) <= names_of_series()
    cases = [case for each in tests["tests"] for case in each["alert_rule_test"]]
    assert {each["alertname"] for each in cases if each.get("exp_alerts")} == set(alerts)
    assert {each["alertname"] for each in cases if not each.get("exp_alerts")} == set(alerts)


@pytest.mark.process
@pytest.mark.parametrize("command", [("check", "rules", RULES), ("test", "rules", TESTS)])
def test_prometheus_runs_the_rules(rules_folder: Path, command: tuple[str, ...]) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool on PATH")
    ran = subprocess.run([tool, *command], cwd=rules_folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "SUCCESS" in ran.stdout


@pytest.mark.process
def test_prometheus_accepts_the_metrics(clock: SetClock) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool on PATH")
    tally = Tally()
    tally.count(202, 0.01)
    inbox, counted = inbox_text(inbox_samples(filled(clock), clock.now)), receiver_text(tally.counted())
    for text in (inbox, counted):
        ran = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, b"")
    assert 'le="0.005"} 0.0' in counted.decode()
    assert 'le="0.01"} 1.0' in counted.decode()
    types = set(re.findall(r"^# TYPE (\w+)", inbox.decode(), re.MULTILINE))
    assert types == {metric.name for metric in INBOX_METRICS}
