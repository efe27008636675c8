"""What the rerun job shows at a contract in Collibra, above all of updates that did not complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rerun_samples import contract_of

from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.feedback import ATTRIBUTES
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.store import CollibraContractStore
from lakepact.rerun.collibra_source import CollibraReporter
from lakepact.rerun.job import Reported
from lakepact.rerun.runner import RunState, UpdateOutcome
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules.model import Action
from lakepact.testing.collibra_server import CollibraServer

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def gateway() -> Iterator[HttpGateway]:
    """A Collibra with the contract `orders`."""
    with CollibraServer() as server:
        for attribute in ATTRIBUTES.values():
            server.add_attribute_type(attribute)
        token = ClientCredentials(f"{server.url}/rest/oauth/v2/token", server.client_id, lambda: server.client_secret)
        found = HttpGateway(CollibraClient(server.url, token))
        port = server.add_port("orders-gold")
        store = CollibraContractStore(found, port_of=lambda _: port)
        store.put(contract_of("1.0.0"), actor="ada", reason="proposed")
        yield found


def shown(gateway: HttpGateway) -> Mapping[str, object]:
    """The attributes of the contract, other than its own."""
    found = gateway.attributes(gateway.contracts(manifest_id="orders")[0].id)
    return {name: found[name][0] for name in ATTRIBUTES.values() if found.get(name)}


def passed(update_id: str, version: str, *, at: datetime = AT) -> RuleResult:
    """A rule that no row broke."""
    return RuleResult(
        run_id=update_id,
        contract_id="orders",
        contract_version=version,
        object="orders",
        dataset="main.sales.orders",
        rule_id="orders.id.type",
        rule_name="id.type",
        action=Action.WARN,
        status=RuleStatus.PASS,
        at=at,
        violations=0,
        tested=5,
    )


def test_an_update_that_failed_is_not_shown_as_what_held_before(gateway: HttpGateway, tmp_path: Path) -> None:
    later = AT + timedelta(hours=1)
    reporter = CollibraReporter(gateway, tmp_path, clock=lambda: later)
    good = UpdateOutcome(update_id="u-1", state=RunState.COMPLETED, results=(passed("u-1", "1.0.0"),))
    reporter.report(Reported(contract=contract_of("1.0.0"), pipeline="orders", outcome=good))
    assert (shown(gateway)["Contract compliance"], shown(gateway)["Run id"]) == ("pass", "u-1")

    # Its sources did not load: no rule was asked.
    bad = UpdateOutcome(update_id="u-2", state=RunState.FAILED, message="no such column")
    reporter.report(Reported(contract=contract_of("1.1.0"), pipeline="orders", outcome=bad))
    found = shown(gateway)
    assert (found["Contract compliance"], found["Run id"], found["Validated version"]) == ("fail", "u-2", "1.1.0")

    # Rules were asked before it failed, and one of its tables is not there all the same.
    worse = UpdateOutcome(
        update_id="u-3",
        state=RunState.FAILED,
        results=(passed("u-3", "1.1.0", at=later + timedelta(hours=1)),),
    )
    reporter.report(Reported(contract=contract_of("1.1.0"), pipeline="orders", outcome=worse))
    assert (shown(gateway)["Contract compliance"], shown(gateway)["Run id"]) == ("fail", "u-3")
