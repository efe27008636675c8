"""What a bad day brings: huge manifests, an hour without Collibra, a review whose start is not answered."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from collibra_connections import QUICK, client, gateway

from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.feedback import compliance_of, keep_feedback, push_feedback
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.metrics import read_metrics
from lakepact.collibra.retrying import RetryPolicy
from lakepact.collibra.sink import CollibraSink
from lakepact.collibra.store import CollibraContractStore
from lakepact.diff import Level
from lakepact.drafts.model import Draft
from lakepact.drafts.submit import resubmit, submit
from lakepact.errors import RemoteFailed, RemoteUnavailable
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action
from lakepact.store.model import Status
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract


@dataclass
class Day:
    """A tenant and a pipeline that have one time, which the test moves; nothing waits."""

    outbox: Path
    now: datetime = datetime(2024, 1, 31, 12, tzinfo=UTC)
    server: CollibraServer = field(init=False)
    port: str = field(init=False)

    def __post_init__(self) -> None:
        self.server = CollibraServer(clock=lambda: self.now.timestamp())

    def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def gateway(self) -> HttpGateway:
        """A new connection, as a new run has it."""
        seconds = lambda: self.now.timestamp()  # noqa: E731
        credentials = ClientCredentials(
            f"{self.server.url}/rest/oauth/v2/token",
            self.server.client_id,
            lambda: self.server.client_secret,
            clock=seconds,
        )
        options: dict[str, Any] = {"credentials": credentials, "clock": lambda: self.now, "pause": self.pause}
        options |= {"breaker": CircuitBreaker(clock=seconds), "policy": RetryPolicy(retries=2)}
        return HttpGateway(client(self.server, **options), pause=self.pause)

    def store(self, **options: Any) -> CollibraContractStore:
        return CollibraContractStore(
            self.gateway(), port_of=lambda contract_id: self.port, clock=lambda: self.now, pause=self.pause, **options
        )


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    found = Day(tmp_path / "outbox")
    with found.server as server:
        found.port = server.add_port("orders-gold")
        yield found


def result(run: int, at: datetime) -> RuleResult:
    return RuleResult(
        run_id=f"run-{run}",
        contract_id="orders",
        contract_version="1.0.0",
        object="orders",
        dataset="orders",
        rule_id="r",
        rule_name="r",
        action=Action.WARN,
        status=RuleStatus.PASS,
        at=at,
        violations=0,
        tested=run,
    )


def test_pipelines_go_on_while_collibra_is_down_for_an_hour_and_all_arrives_once(
    day: Day, caplog: pytest.LogCaptureFixture
) -> None:
    """A run every five minutes: each gets the last good contract, proposes one draft, and keeps what came of it."""
    domain = day.server.add_domain("Metrics", "Rulebook")
    for name in ("Run id", "Last validation"):
        day.server.add_attribute_type(name)
    store = day.store(quiet_for=300.0)
    store.put(contract(), actor="ada", status=Status.IN_REVIEW)
    store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    assert store.get("orders", store.latest("orders").version).source == contract().source
    workflow = day.server.add_workflow("Review")
    draft = Draft(contract=contract("orders", "1.1.0"), base=None, level=Level.MINOR, changes=(), key="k1")
    shown = {"attributes": {"run_id": "Run id", "at": "Last validation"}, "metrics_domain": domain}
    day.server.down = True
    began = day.now
    for run in range(1, 13):
        with caplog.at_level(logging.WARNING):
            assert store.get("orders", store.latest("orders").version).source == contract().source
        keep_feedback(day.outbox, compliance_of([result(run, day.now)]))
        assert list(push_feedback(day.gateway(), day.outbox, **shown).waiting) == ["orders"]
        sent = submit(
            draft, [CollibraSink(day.store(), workflow=workflow)], actor="pipeline", outbox=day.outbox / "drafts"
        )
        assert not sent.ok
        day.now = began + timedelta(minutes=5 * run)
    freshness = store.freshness("orders")
    assert freshness is not None
    assert not freshness.live
    assert "Collibra is away; 'orders' is as it was " in caplog.text
    with pytest.raises(RemoteUnavailable, match=r"^LP902: "):
        store.put(contract("orders", "1.0.1"), actor="ada")
    day.server.down = False
    day.now += timedelta(minutes=5)
    for _ in range(2):
        assert resubmit(day.outbox / "drafts", [CollibraSink(day.store(), workflow=workflow)]).ok
        assert push_feedback(day.gateway(), day.outbox, **shown).waiting == {}
        # The next runs find the same, and propose it again.
        assert submit(draft, [CollibraSink(day.store(), workflow=workflow)], actor="pipeline").ok
    assert [each.version for each in day.store().list_versions("orders")] == ["1.0.0", "1.1.0"]
    assert len(day.server.state.tables["instances"]) == 1
    asset = day.gateway().contracts()[0].id
    assert day.gateway().attributes(asset)["Run id"] == ("run-12",)
    metrics = read_metrics(day.gateway(), "orders", domain=domain)
    assert [(each.name, each.passed) for each in metrics] == [("orders / orders / r", 12)]
    done = [each for each in day.server.requests if each.method != "GET" and each.status in range(200, 300)]
    writes = [(each.method, each.path, each.digest) for each in done if "oauth" not in each.path]
    assert len(writes) == len(set(writes))


@pytest.mark.parametrize("fault", ["reset", "truncated"])
def test_a_review_whose_start_was_not_answered_is_not_started_twice(day: Day, fault: str) -> None:
    workflow = day.server.add_workflow("Review")
    draft = Draft(contract=contract("orders", "1.1.0"), base=None, level=Level.MINOR, changes=(), key="k1")
    if fault == "reset":
        day.server.faults.break_next(1, done=True, path="/workflowInstances", method="POST")
    else:
        day.server.faults.truncate_next(1, path="/workflowInstances", method="POST")
    for _ in range(2):
        sink = CollibraSink(day.store(), workflow=workflow)
        assert submit(draft, [sink], actor="pipeline", outbox=day.outbox).ok
    assert len(day.server.state.tables["instances"]) == 1


def test_a_review_that_was_not_started_is_started_later(day: Day) -> None:
    workflow = day.server.add_workflow("Review")
    draft = Draft(contract=contract("orders", "1.1.0"), base=None, level=Level.MINOR, changes=(), key="k1")
    day.server.faults.break_next(1, path="/workflowInstances", method="POST")
    assert not submit(draft, [CollibraSink(day.store(), workflow=workflow)], actor="p", outbox=day.outbox).ok
    assert day.server.state.tables["instances"] == {}
    assert resubmit(day.outbox, [CollibraSink(day.store(), workflow=workflow)]).ok
    assert len(day.server.state.tables["instances"]) == 1


def test_a_manifest_of_50_megabytes_is_left_out_and_holds_up_nothing(day: Day) -> None:
    store = day.store()
    store.put(contract(), actor="ada")
    asset = gateway(day.server).contracts()[0].id
    day.server.set_manifest(asset, "1.1.0", b"# " + b"x" * 50_000_000)
    assert [each.version for each in store.list_versions("orders")] == ["1.0.0"]
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with more than 32,000,000 bytes\n"):
        gateway(day.server, policy=QUICK).manifest(asset, "1.1.0")
