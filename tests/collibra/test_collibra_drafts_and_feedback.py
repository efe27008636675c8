"""Drafts and outcomes on their way to Collibra, and what discovery finds there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from collibra_connections import QUICK, gateway

from lakepact.collibra.discovery import candidates, discover, find_port
from lakepact.collibra.feedback import Compliance, compliance_of, keep_feedback, push_feedback
from lakepact.collibra.mapping import Mapped, Mapping
from lakepact.collibra.model import ManifestUpload
from lakepact.collibra.retrying import RetryPolicy
from lakepact.collibra.sink import CollibraSink
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Contract
from lakepact.diff import Level
from lakepact.drafts.model import Draft, Proposal, ProposalKind
from lakepact.drafts.submit import resubmit, submit
from lakepact.errors import ConfigurationError, ContractMissing, UsageError
from lakepact.results.model import RuleResult, RuleStatus, Verdict
from lakepact.rules.model import Action
from lakepact.store.model import Status
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract, document

NOON = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)


@dataclass
class Place:
    """A tenant with a port for the contract orders."""

    server: CollibraServer
    port: str

    def store(self, **options: Any) -> CollibraContractStore:
        return CollibraContractStore(gateway(self.server, **options), port_of=lambda contract_id: self.port)

    @property
    def asset(self) -> str:
        return gateway(self.server).contracts(manifest_id="orders")[0].id


@pytest.fixture
def place() -> Iterator[Place]:
    with CollibraServer() as server:
        yield Place(server, server.add_port("orders-gold"))


def a_draft(version: str = "1.1.0", *, base: Contract | None = None) -> Draft:
    proposal = Proposal(
        kind=ProposalKind.ADDED, path="orders.b", text="`orders.b` is new", evidence="seen in 7 of 7 rows"
    )
    given = contract("orders", version, columns=("order_id", "b"))
    return Draft(contract=given, base=base, level=Level.MINOR, changes=(proposal,), key="k1")


def writes(server: CollibraServer) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in server.requests if each.method != "GET" and "/token" not in each.path]


def test_a_draft_waits_for_stewards_with_its_reasons_and_a_review(place: Place) -> None:
    store = place.store()
    store.put(contract(), actor="ada", status=Status.IN_REVIEW)
    store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="good")
    workflow = place.server.add_workflow("Review")
    sink = CollibraSink(store, workflow=workflow)
    done = submit(a_draft(), [sink], actor="pipeline")
    assert done.receipts[0].where == f"collibra:{place.server.url}#orders@1.1.0"
    assert done.receipts[0].created
    notes = [note.text for note in store.gateway.notes(place.asset)]
    assert notes[-1] == "Draft 1.1.0 (k1) proposes:\n- `orders.b` is new (seen in 7 of 7 rows)"
    assert notes[-2].startswith("pipeline put version 1.1.0 as draft: proposed: `orders.b` is new\n")
    assert store.latest("orders").version == "1.0.0"
    assert len(place.server.state.tables["instances"]) == 1
    before = writes(place.server)
    again = submit(a_draft(), [CollibraSink(place.store(), workflow=workflow)], actor="pipeline")
    assert not again.receipts[0].created
    assert writes(place.server) == before


def test_a_draft_of_a_new_contract_is_no_validated_one(place: Place) -> None:
    done = submit(a_draft("0.1.0"), [CollibraSink(place.store())], actor="pipeline")
    assert done.ok
    with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no validated version\n"):
        place.store().latest("orders")


def test_a_draft_that_finds_collibra_away_arrives_later_once(place: Place, tmp_path: Path) -> None:
    options = {"policy": RetryPolicy(retries=0)}
    store = place.store()
    store.put(contract(), actor="ada")
    workflow = place.server.add_workflow("Review")
    place.server.down = True
    for _ in range(3):
        done = submit(a_draft(), [CollibraSink(place.store(**options))], actor="pipeline", outbox=tmp_path)
        assert not done.ok
        assert done.failures[0].kept is not None
    place.server.down = False
    for _ in range(2):
        sink = CollibraSink(place.store(), workflow=workflow)
        assert resubmit(tmp_path, [sink]).ok
    versions = [each.version for each in place.store().list_versions("orders")]
    assert versions == ["1.0.0", "1.1.0"]
    assert len(place.server.state.tables["instances"]) == 1
    assert len(store.gateway.notes(place.asset)) == 3


def test_a_draft_whose_document_did_not_arrive_is_completed(place: Place, tmp_path: Path) -> None:
    store = place.store()
    store.put(contract(), actor="ada")
    place.server.faults.fail_next(99, 503, path="/versions", method="POST")
    options = {"policy": RetryPolicy(retries=0)}
    assert not submit(a_draft(), [CollibraSink(place.store(**options))], actor="pipeline", outbox=tmp_path).ok
    place.server.faults.clear()
    assert store.version("orders", "1.1.0").status is Status.DRAFT
    other_run = replace(a_draft(), contract=contract("orders", "1.1.0", columns=("order_id", "b"), purpose="run 2"))
    assert submit(other_run, [CollibraSink(place.store())], actor="pipeline").ok
    assert resubmit(tmp_path, [CollibraSink(place.store())]).ok
    assert place.store().get("orders", "1.1.0").source == other_run.contract.source
    assert list(tmp_path.iterdir()) == []


def result(name: str, status: RuleStatus = RuleStatus.PASS, **options: Any) -> RuleResult:
    return RuleResult(
        **{
            "run_id": "run-1",
            "contract_id": "orders",
            "contract_version": "1.0.0",
            "object": "orders",
            "dataset": "main.sales.orders",
            "rule_id": name,
            "rule_name": name,
            "action": Action.WARN,
            "status": status,
            "at": NOON,
        }
        | options
    )


def test_an_outcome_is_the_verdict_of_the_last_run() -> None:
    found = compliance_of(
        [
            result("old", RuleStatus.FAIL, run_id="run-0", at=NOON - timedelta(hours=1), action=Action.FAIL),
            result("a", violations=0, tested=100),
            result("b", RuleStatus.FAIL, violations=7, tested=100, action=Action.QUARANTINE),
            result("c", RuleStatus.WARN, violations=3, tested=100, at=NOON + timedelta(seconds=1)),
            result("d", dimension="timeliness"),
            result("e", RuleStatus.SKIPPED, dimension="timeliness"),
            result("x", contract_id="other", at=NOON),
        ]
    )
    assert tuple(replace(each, rules=()) for each in found) == (
        Compliance(
            contract_id="orders",
            version="1.0.0",
            run_id="run-1",
            verdict=Verdict.QUARANTINE,
            at=NOON + timedelta(seconds=1),
            rows_passed=93,
            rows_failed=7,
            sla="met",
        ),
        Compliance(contract_id="other", version="1.0.0", run_id="run-1", verdict=Verdict.PASS, at=NOON),
    )
    late = compliance_of([result("d", RuleStatus.WARN, dimension="Timeliness")])
    assert late[0].sla == "violated"


OUTCOME = Compliance(
    contract_id="orders",
    version="1.0.0",
    run_id="run-1",
    verdict=Verdict.QUARANTINE,
    at=NOON,
    rows_passed=93,
    rows_failed=7,
    sla="met",
)


@pytest.fixture
def told(place: Place) -> Place:
    """The tenant with the attribute types for outcomes, and the contract."""
    for name in ("Contract compliance", "Last validation", "Validated version", "Run id", "SLA state"):
        place.server.add_attribute_type(name)
    place.store().put(contract(), actor="ada")
    place.server.requests.clear()
    return place


def test_stewards_see_how_a_contract_is_held(told: Place, tmp_path: Path) -> None:
    keep_feedback(tmp_path, [OUTCOME])
    assert push_feedback(gateway(told.server), tmp_path).sent == ("orders",)
    found = {name: str(values[0]) for name, values in gateway(told.server).attributes(told.asset).items()}
    assert found == {
        "Manifest ID": "orders",
        "Version": "1.0.0",
        "Contract compliance": "quarantine",
        "Last validation": "2024-01-31T12:00:00.000000Z",
        "Validated version": "1.0.0",
        "Run id": "run-1",
        "Rows Passed": "93",
        "Rows Failed": "7",
        "SLA state": "met",
    }
    assert list(tmp_path.iterdir()) == []


def test_the_same_outcome_again_writes_nothing_and_an_older_one_neither(told: Place, tmp_path: Path) -> None:
    keep_feedback(tmp_path, [OUTCOME])
    push_feedback(gateway(told.server), tmp_path)
    assert len(writes(told.server)) == 7
    keep_feedback(tmp_path, [OUTCOME])
    push_feedback(gateway(told.server), tmp_path)
    keep_feedback(tmp_path, [replace(OUTCOME, at=NOON - timedelta(hours=1), verdict=Verdict.FAIL, run_id="run-0")])
    assert push_feedback(gateway(told.server), tmp_path).sent == ("orders",)
    assert len(writes(told.server)) == 7
    keep_feedback(tmp_path, [replace(OUTCOME, at=NOON + timedelta(hours=1), run_id="run-2")])
    push_feedback(gateway(told.server), tmp_path)
    assert len(writes(told.server)) == 9


def test_the_latest_outcome_waits_while_collibra_is_away(told: Place, tmp_path: Path) -> None:
    told.server.down = True
    quick = {"policy": replace(QUICK, retries=0)}
    keep_feedback(tmp_path, [OUTCOME])
    keep_feedback(tmp_path, [replace(OUTCOME, at=NOON + timedelta(hours=1), verdict=Verdict.PASS)])
    keep_feedback(tmp_path, [OUTCOME])
    found = push_feedback(gateway(told.server, **quick), tmp_path)
    assert list(found.waiting) == ["orders"]
    told.server.down = False
    assert push_feedback(gateway(told.server), tmp_path).sent == ("orders",)
    assert gateway(told.server).attributes(told.asset)["Contract compliance"] == ("pass",)


def test_an_outcome_that_was_cut_in_the_middle_is_sent_again(told: Place, tmp_path: Path) -> None:
    keep_feedback(tmp_path, [OUTCOME])
    told.server.faults.fail_next(9, 503, path="/attributes", method="PUT")
    quick = {"policy": replace(QUICK, retries=0)}
    assert list(push_feedback(gateway(told.server, **quick), tmp_path).waiting) == ["orders"]
    told.server.faults.clear()
    assert push_feedback(gateway(told.server), tmp_path).sent == ("orders",)


def test_what_collibra_refuses_is_named_and_stays(place: Place, tmp_path: Path) -> None:
    keep_feedback(tmp_path, [OUTCOME])
    assert push_feedback(gateway(place.server), tmp_path).refused == {
        "orders": "Collibra has 0 contracts with the id 'orders'"
    }
    place.store().put(contract(), actor="ada")
    refused = push_feedback(gateway(place.server), tmp_path).refused
    assert refused == {"orders": "Collibra has no attribute type 'Contract compliance'"}
    only = {"verdict": "Description", "at": ""}
    assert push_feedback(gateway(place.server), tmp_path, attributes=only).sent == ("orders",)
    (tmp_path / "x.feedback.json").write_text("{")
    assert push_feedback(gateway(place.server), tmp_path).refused == {"x.feedback.json": "the file cannot be read"}


def test_no_outcome_stops_the_data(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    keep_feedback(tmp_path / "file", [OUTCOME])
    assert "the outcome for 'orders' is not kept for Collibra" in caplog.text


def made(place: Place, contract_id: str, port: str) -> str:
    content = document(contract_id, "1.0.0")
    upload = ManifestUpload(manifest_id=contract_id, version="1.0.0", content=content, name=f"{contract_id} contract")
    found = gateway(place.server).initialise(port, upload)
    assert found is not None
    return found.id


def test_discovery_maps_what_is_certain_and_names_the_rest(place: Place) -> None:
    server = place.server
    orders = server.add_table("databricks>main>sales>orders")
    shared = server.add_table("databricks>main>sales>customers")
    gold = server.add_port("gold", tables=[orders, shared])
    silver = server.add_port("silver", tables=[shared])
    product = server.add_product("Sales", ports=[gold])
    asset, other = made(place, "sales.orders", gold), made(place, "sales.customers", silver)
    server.requests.clear()
    found = discover(gateway(server))
    assert found.mapping == Mapping(
        (
            Mapped(contract_id="sales.customers", port=silver, asset=other),
            Mapped(
                contract_id="sales.orders", port=gold, product=product, asset=asset, datasets=("main.sales.orders",)
            ),
        )
    )
    assert found.doubts == (
        "the table main.sales.customers implements 2 ports",
        f"the port 'orders-gold' ({place.port}) has no contract yet",
    )
    assert len(server.requests) < 12


def test_the_port_of_a_dataset_comes_from_the_surest_source(place: Place) -> None:
    server, found = place.server, gateway(place.server)
    table = server.add_table("databricks>main>sales>orders")
    server.add_port("old", tables=[server.add_table("databricks>main>old_sales>orders")])
    gold = server.add_port("gold", tables=[table])
    assert find_port(found, "main.sales.orders") == gold
    assert find_port(found, "MAIN.sales.Orders") == gold
    row = {"externalSystemId": "unity", "externalEntityId": "main.sales.orders", "mappedResourceId": place.port}
    server.state.put("mappings", row)
    assert find_port(found, "main.sales.orders", external_system="unity") == place.port
    contract_port = server.add_port("of the contract")
    made(place, "sales.orders", contract_port)
    options: dict[str, Any] = {"contract_id": "sales.orders", "external_system": "unity"}
    assert find_port(found, "main.sales.orders", **options) == contract_port
    mapping = Mapping((Mapped(contract_id="x", port=gold, datasets=("main.sales.orders",)),))
    assert candidates(found, "main.sales.orders", mapping=mapping, **options)[0].why == "the mapping file"
    assert find_port(found, "main.sales.orders", mapping=mapping, **options) == gold


def test_of_several_ports_none_is_chosen(place: Place) -> None:
    server = place.server
    table = server.add_table("databricks>main>sales>orders")
    ports = sorted([server.add_port("a", tables=[table]), server.add_port("b", tables=[table])])
    with pytest.raises(
        UsageError, match=r"^LP908: the dataset 'main\.sales\.orders' has 2 ports in Collibra: "
    ) as raised:
        find_port(gateway(server), "main.sales.orders")
    assert raised.value.facts["ports"] == ports
    with pytest.raises(ConfigurationError, match=r"^LP909: the dataset 'main\.sales\.other' has no port in Collibra\n"):
        find_port(gateway(server), "main.sales.other")
    system = server.add_domain("More tables", "Physical Data Dictionary")
    assert system
    server.add_table("other>main>sales>orders", domain="More tables")
    with pytest.raises(UsageError, match=r"^LP908: "):
        find_port(gateway(server), "orders")
