"""Rules as assets of type Data Quality Metric: one for each, by one import job for all contracts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from collibra_connections import QUICK, Answering, client, gateway

from lakepact.collibra.auth import Bearer
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.feedback import ATTRIBUTES, Compliance, Pushed, compliance_of, keep_feedback, push_feedback
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.metrics import METRIC, Metric, counts_of, read_metrics
from lakepact.collibra.model import ImportedAsset, ImportProblem, ManifestUpload
from lakepact.contract import load_contract
from lakepact.errors import RemoteFailed, RemoteUnavailable
from lakepact.rerun.collibra_source import CollibraReporter
from lakepact.rerun.job import Reported
from lakepact.rerun.runner import RunState, UpdateOutcome
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import document

NOON = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)
ATTRIBUTE_TYPES = ("Contract compliance", "Last validation", "Validated version", "Run id", "SLA state")


@dataclass
class Tenant:
    """A tenant with contracts at ports with a table, and a domain for metrics; its time is that of the test."""

    outbox: Path
    now: float = 1_700_000_000.0
    server: CollibraServer = field(init=False)
    domain: str = field(init=False)
    table: str = field(init=False)

    def __post_init__(self) -> None:
        self.server = CollibraServer(clock=lambda: self.now)

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def gateway(self, *, patience: float = 60.0, **options: Any) -> HttpGateway:
        return HttpGateway(client(self.server, **options), patience=patience, pause=self.pause)

    def add(self, contract_id: str) -> str:
        """A contract whose port has the table main.sales.<id>; the id of that."""
        table = self.server.add_table(f"databricks>main>sales>{contract_id}")
        content = document(contract_id, "1.0.0")
        upload = ManifestUpload(manifest_id=contract_id, version="1.0.0", content=content, name=f"{contract_id} c")
        port = self.server.add_port(f"{contract_id} port", tables=[table])
        assert gateway(self.server).initialise(port, upload) is not None
        return table

    def push(self, *results: RuleResult, **options: Any) -> Pushed:
        """Keep what the results say, and bring it."""
        return self.send(*compliance_of(results), **options)

    def send(self, *outcomes: Compliance, attributes: Any = ATTRIBUTES, **options: Any) -> Pushed:
        keep_feedback(self.outbox, outcomes)
        return push_feedback(self.gateway(**options), self.outbox, attributes=attributes, metrics_domain=self.domain)

    def metrics(self, contract_id: str = "orders") -> tuple[Metric, ...]:
        return read_metrics(gateway(self.server), contract_id, domain=self.domain)

    def writes(self) -> list[str]:
        asked = [each for each in self.server.requests if each.method != "GET" and "oauth" not in each.path]
        return [f"{each.method} {each.path.rsplit('/', 1)[-1]}" for each in asked]


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    found = Tenant(tmp_path / "outbox")
    with found.server as server:
        for name in ATTRIBUTE_TYPES:
            server.add_attribute_type(name)
        found.domain = server.add_domain("Contract metrics", "Rulebook")
        found.table = found.add("orders")
        server.requests.clear()
        yield found


def result(name: str, status: RuleStatus = RuleStatus.PASS, **options: Any) -> RuleResult:
    return RuleResult(
        **{
            "run_id": "run-1",
            "contract_id": "orders",
            "contract_version": "1.0.0",
            "object": "orders",
            "dataset": "main.sales.orders",
            "rule_id": name,
            "rule_name": f"rule {name}",
            "action": Action.WARN,
            "status": status,
            "at": NOON,
        }
        | options
    )


PASSED = result("a", violations=0, tested=100)
BROKEN = result("b", RuleStatus.WARN, violations=7, tested=100)


def test_what_rules_found() -> None:
    found = counts_of(
        [
            PASSED,
            BROKEN,
            result("of all rows", RuleStatus.FAIL, value="3", threshold="4"),
            result("skipped", RuleStatus.SKIPPED),
            result("broken", RuleStatus.ERROR),
            result("", rule_name="no id", violations=0, tested=0),
        ]
    )
    assert [(each.rule_id, each.held, each.loaded, each.failed) for each in found] == [
        ("a", True, 100, 0),
        ("b", False, 100, 7),
        ("of all rows", False, None, None),
        ("broken", False, None, None),
        ("no id", True, 0, 0),
    ]


def test_each_rule_is_a_metric_of_its_table(tenant: Tenant) -> None:
    found = tenant.push(PASSED, BROKEN, result("c", dataset="elsewhere", violations=0, tested=0))
    assert found == Pushed(sent=("orders",), metrics={"orders": 3})
    name = "orders / main.sales.orders / "
    assert tenant.metrics() == (
        Metric(name="orders / elsewhere / c", held=True, loaded=0, passed=0, failed=0),
        Metric(name=f"{name}a", held=True, loaded=100, passed=100, failed=0),
        Metric(name=f"{name}b", held=False, loaded=100, passed=93, failed=7),
    )
    state = tenant.server.state
    rows = {row["name"]: row for row in state.tables["assets"].values() if row["domainId"] == tenant.domain}
    assert rows[f"{name}b"]["displayName"] == "rule b"
    assert {state.tables["asset_types"][row["typeId"]]["name"] for row in rows.values()} == {METRIC}
    shown = gateway(tenant.server).attributes(rows[f"{name}b"]["id"])
    assert (shown["Passing Fraction"], shown["Threshold"]) == ((93,), (100,))
    port = next(row["id"] for row in state.tables["assets"].values() if row["name"] == "orders port")
    related = {row["targetId"]: row["sourceId"] for row in state.relations("00000000-0000-0000-0000-000000007018")}
    assert related[rows[f"{name}a"]["id"]] == related[rows[f"{name}b"]["id"]] == tenant.table
    assert related[rows["orders / elsewhere / c"]["id"]] == port
    asset = gateway(tenant.server).contracts(manifest_id="orders")[0].id
    assert gateway(tenant.server).attributes(asset)["Contract compliance"] == ("warn",)
    assert list(tenant.outbox.iterdir()) == []


def test_the_same_again_changes_nothing_and_older_news_neither(tenant: Tenant) -> None:
    tenant.push(PASSED, BROKEN)
    shown, written, activities = tenant.metrics(), tenant.writes(), len(tenant.server.state.activities)
    assert tenant.push(PASSED, BROKEN).sent == ("orders",)
    earlier = {"at": NOON - timedelta(hours=1), "run_id": "run-0"}
    assert tenant.push(replace(PASSED, status=RuleStatus.FAIL, **earlier)).sent == ("orders",)
    assert (tenant.metrics(), tenant.writes()) == (shown, written)
    assert len(tenant.server.state.activities) == activities
    later = replace(BROKEN, at=NOON + timedelta(hours=1), violations=0, status=RuleStatus.PASS)
    assert tenant.push(later).metrics == {"orders": 1}
    assert [each.passed for each in tenant.metrics()] == [100, 100]


def test_without_a_time_at_the_contract_metrics_are_imported_again_which_changes_nothing(tenant: Tenant) -> None:
    tenant.push(PASSED, BROKEN, attributes={})
    assert gateway(tenant.server).attributes(tenant.gateway().contracts(manifest_id="orders")[0].id).keys() == {
        "Manifest ID",
        "Version",
    }
    activities = len(tenant.server.state.activities)
    assert tenant.push(PASSED, BROKEN, attributes={}).metrics == {"orders": 2}
    assert len(tenant.server.state.activities) == activities


def test_all_contracts_are_one_import(tenant: Tenant) -> None:
    others = [f"c{number}" for number in range(3)]
    for each in others:
        tenant.add(each)
    tenant.server.requests.clear()
    results = [replace(PASSED, contract_id=each, dataset=f"main.sales.{each}") for each in others]
    found = tenant.push(BROKEN, *results, attributes={"at": "Last validation"})
    assert found.metrics == {"orders": 1, "c0": 1, "c1": 1, "c2": 1}
    assert tenant.writes() == ["POST json-job"] + ["PUT attributes"] * 4


def test_metrics_that_collibra_refuses_are_named_and_stay(tenant: Tenant) -> None:
    fraction = tenant.server.state.by_name("attribute_types", "Passing Fraction")
    fraction["allowedValues"] = [100]
    tenant.add("other")
    results = [BROKEN, PASSED, replace(PASSED, contract_id="other", dataset="main.sales.other")]
    found = tenant.push(*results)
    why = "orders / main.sales.orders / b: The attribute 'Passing Fraction' cannot have the value '93'."
    assert found == Pushed(sent=("other",), metrics={"other": 1}, refused={"orders": f"metrics were not taken: {why}"})
    assert [each.name for each in tenant.metrics()] == ["orders / main.sales.orders / a"]
    asset = tenant.gateway().contracts(manifest_id="orders")[0].id
    shown = gateway(tenant.server).attributes(asset)
    assert (shown["Contract compliance"], "Last validation" in shown) == (("warn",), False)
    del fraction["allowedValues"]
    assert tenant.push() == Pushed(sent=("orders",), metrics={"orders": 2})
    assert gateway(tenant.server).attributes(asset)["Last validation"] == ("2024-01-31T12:00:00.000000Z",)


def test_an_error_that_names_no_asset_is_that_of_all(tenant: Tenant) -> None:
    tenant.server.switches.import_errors_named = False
    tenant.server.state.by_name("attribute_types", "Passing Fraction")["allowedValues"] = [100]
    tenant.add("other")
    found = tenant.push(BROKEN, replace(PASSED, contract_id="other", dataset="main.sales.other"))
    why = "metrics were not taken: The attribute 'Passing Fraction' cannot have the value '93'."
    assert found.refused == {"orders": why, "other": why}
    assert len(list(tenant.outbox.iterdir())) == 2


def test_an_import_is_followed_to_its_end(tenant: Tenant) -> None:
    tenant.server.switches.import_seconds, tenant.server.switches.job_unknown_seconds = 7.0, 3.0
    assert tenant.push(PASSED).metrics == {"orders": 1}
    polls = [each for each in tenant.server.requests if "/jobs/" in each.path]
    assert 3 < len(polls) < 9
    assert {each.status for each in polls} == {200, 404}


def test_an_import_that_does_not_end_is_brought_again_and_is_there_once(tenant: Tenant) -> None:
    tenant.server.switches.import_seconds = 1000.0
    found = tenant.push(PASSED, patience=20.0)
    assert list(found.waiting) == ["orders"]
    assert found.waiting["orders"].endswith(" has not ended after 23 s")
    assert "Contract compliance" not in gateway(tenant.server).attributes(
        tenant.gateway().contracts(manifest_id="orders")[0].id
    )
    tenant.now += 2000
    assert len(tenant.metrics()) == 1
    tenant.server.switches.import_seconds = 0.0
    assert tenant.push() == Pushed(sent=("orders",), metrics={"orders": 1})
    assert len(tenant.metrics()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        lambda faults: faults.break_next(1, done=True, path="json-job"),
        lambda faults: faults.fail_next(1, 503, path="json-job"),
        lambda faults: faults.fail_next(1, 500, path="/jobs/"),
        lambda faults: faults.truncate_next(1, path="/jobs/"),
    ],
)
def test_an_import_survives_faults(tenant: Tenant, fault: Callable[[Any], None]) -> None:
    fault(tenant.server.faults)
    assert tenant.push(PASSED, BROKEN) == Pushed(sent=("orders",), metrics={"orders": 2})
    assert len(tenant.metrics()) == 2


def test_while_collibra_is_away_metrics_wait(tenant: Tenant) -> None:
    tenant.server.faults.fail_next(9, 503, path="json-job")
    found = tenant.push(PASSED, policy=replace(QUICK, retries=0))
    assert list(found.waiting) == ["orders"]
    tenant.server.faults.clear()
    assert tenant.push() == Pushed(sent=("orders",), metrics={"orders": 1})


def test_an_outcome_of_an_earlier_release_is_sent(tenant: Tenant) -> None:
    keep_feedback(tenant.outbox, compliance_of([PASSED]))
    path = next(tenant.outbox.iterdir())
    data = json.loads(path.read_bytes())
    del data["rules"]
    path.write_text(json.dumps(data))
    assert tenant.push() == Pushed(sent=("orders",))


def test_of_two_tables_with_one_name_neither_is_taken(tenant: Tenant) -> None:
    port = next(row["id"] for row in tenant.server.state.tables["assets"].values() if row["name"] == "orders port")
    tenant.server.add_domain("More", "Physical Data Dictionary")
    second = tenant.server.add_table("other>main>sales>orders", domain="More")
    tenant.server.state.add_relation(port, second, "00000000-0000-0000-0000-000000050042", user=port)
    tenant.push(PASSED)
    related = tenant.server.state.relations("00000000-0000-0000-0000-000000007018")
    assert [row["sourceId"] for row in related] == [port]


def imported(answers: dict[str, Any]) -> tuple[ImportProblem, ...]:
    """What an import of one asset says, where Collibra answers the rest of the path so."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = next(value for part, value in answers.items() if part in request.url.path)
        return httpx.Response(200, json=found)

    connection = CollibraClient("https://c.example", Bearer(lambda: "t"), transport=Answering(answer), policy=QUICK)
    domain = "7f1c0e1a-0000-4000-8000-000000000001"
    asset = ImportedAsset(name="orders / a", type=METRIC, domain_id=domain)
    return HttpGateway(connection, patience=1.0, pause=lambda seconds: None).import_assets([asset])


STARTED = {"json-job": {"id": "7f1c0e1a-0000-4000-8000-00000000000f"}}


def test_a_job_that_failed_as_a_whole() -> None:
    job = {"state": "ERROR", "result": "FAILURE", "message": "no space left"}
    why = "ended as ERROR FAILURE: no space left"
    with pytest.raises(RemoteFailed, match=rf"^LP906: https://c\.example refuses the request: the import job .* {why}"):
        imported({**STARTED, "/jobs/": job, "/errors": {"results": []}})
    error = {"errorType": "VALIDATION", "errorMessage": "orders / a is bad", "command": None}
    found = imported({**STARTED, "/jobs/": job, "/errors": {"results": [error]}})
    assert [each.name for each in found] == ["orders / a", ""]
    assert found[1].why.endswith(why)


def test_a_job_without_a_result_has_the_errors_that_are_listed() -> None:
    job = {"state": "COMPLETED"}
    assert imported({**STARTED, "/jobs/": job, "/errors": {"results": []}}) == ()
    nameless = {"errorMessage": ""}
    found = imported({**STARTED, "/jobs/": job, "/errors": {"results": [nameless]}})
    assert found == (ImportProblem(name="", why="it does not say why"),)


def test_what_is_no_job() -> None:
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with an import without a job\n"):
        imported({"json-job": {"id": "../../x"}})
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with a job that is none\n"):
        imported({**STARTED, "/jobs/": []})
    with pytest.raises(RemoteUnavailable, match=r"^LP902: .* has not ended after 2 s"):
        imported({**STARTED, "/jobs/": {"state": "RUNNING"}})


def test_a_rerun_shows_the_rules_where_the_settings_say(tenant: Tenant) -> None:
    outcome = UpdateOutcome(update_id="run-1", state=RunState.COMPLETED, results=(PASSED, BROKEN))
    contract = load_contract(document("orders", "1.0.0"))
    reporter = CollibraReporter(
        tenant.gateway(), tenant.outbox, attributes={"at": ATTRIBUTES["at"]}, metrics_domain=tenant.domain
    )
    reporter.report(Reported(contract=contract, pipeline="orders", outcome=outcome))
    assert sorted((each.passed, each.failed) for each in tenant.metrics()) == [(93, 7), (100, 0)]
    tenant.server.requests.clear()
    reporter.report(Reported(contract=contract, pipeline="orders", outcome=outcome))
    assert tenant.writes() == []
