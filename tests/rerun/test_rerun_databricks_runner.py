"""Pipelines of a workspace, by the real SDK over HTTP on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config

from lakepact.contract import Contract, load_contract
from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.local.event_log import update_events
from lakepact.local.names import Namespace
from lakepact.local.result import (
    DatasetResult,
    DatasetState,
    ExpectationResult,
    PipelineResult,
    UpdateResult,
    UpdateState,
)
from lakepact.local.rule_results import results_of
from lakepact.rerun.databricks_runner import DatabricksRunner
from lakepact.rerun.event_log import results_of_events
from lakepact.rerun.runner import RunState, UpdateRequest
from lakepact.results import RuleResult, RuleStatus
from lakepact.testing.workspace import Workspace
from lakepact.testing.workspace_pipelines import WorkspacePipelines

_CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    quality:
      - {id: enough, metric: rowCount, mustBeGreaterThan: 0, severity: error}
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: amount, logicalType: number, logicalTypeOptions: {minimum: 0}}
"""
_SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def _progress(dataset: str, *counts: tuple[str, int, int]) -> dict[str, Any]:
    expectations = [
        {"name": name, "dataset": f"main.sales.{dataset}", "passed_records": passed, "failed_records": failed}
        for name, passed, failed in counts
    ]
    progress = {"status": "RUNNING", "data_quality": {"expectations": expectations}}
    return {"event_type": "flow_progress", "level": "INFO", "details": {"flow_progress": progress}}


@pytest.fixture
def contract() -> Contract:
    return load_contract(_CONTRACT)


@pytest.fixture
def workspace() -> Iterator[WorkspacePipelines]:
    with WorkspacePipelines() as found:
        yield found


@pytest.fixture
def client(workspace: WorkspacePipelines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceClient:
    (tmp_path / "config").touch()
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "config"))
    config = Config(host=workspace.url, token=workspace.token, auth_type="pat", retry_timeout_seconds=2)
    return WorkspaceClient(config=config)


def _runner(client: WorkspaceClient, **pipelines: str) -> DatabricksRunner:
    return DatabricksRunner(client, pipelines, pause=lambda _: None)


def _request(contract: Contract, **changed: Any) -> UpdateRequest:
    asked: dict[str, Any] = {"pipeline": "orders", "key": "k", "contracts": (contract,), "since": _SINCE}
    return UpdateRequest(**(asked | changed))


def test_an_update_is_started_followed_and_read(
    workspace: WorkspacePipelines, client: WorkspaceClient, contract: Contract
) -> None:
    pipeline = workspace.add_pipeline("orders")
    events = [
        _progress("orders", ("id.required", 3, 1), ("amount.minimum", 4, 0)),
        {"event_type": "update_progress", "level": "INFO"},
        _progress("orders", ("id.required", 2, 1), ("hand-written", 9, 9)),
        _progress("orders__checks", ("quality.enough", 1, 0)),
    ]
    workspace.next_update(pipeline, looks=1, events=events)
    runner = _runner(client, orders=pipeline)
    update = runner.start(_request(contract, full_refresh=True))
    assert workspace.started(pipeline) == (True,)
    assert runner.outcome("orders", update, contract).state is RunState.RUNNING
    outcome = runner.outcome("orders", update, contract)
    assert (outcome.state, outcome.message) == (RunState.COMPLETED, "")
    assert [(each.rule_id, each.status, each.violations, each.tested, each.engine) for each in outcome.results] == [
        ("orders.id.required", RuleStatus.FAIL, 2, 7, "lakeflow"),
        ("orders.amount.minimum", RuleStatus.PASS, 0, 4, "lakeflow"),
        ("orders.quality.enough", RuleStatus.PASS, None, None, "lakeflow"),
    ]
    assert [each.dataset for each in outcome.results] == [
        "main.sales.orders",
        "main.sales.orders",
        "main.sales.orders__checks",
    ]
    assert runner.address == workspace.url


def test_a_running_update_is_waited_for(
    workspace: WorkspacePipelines, client: WorkspaceClient, contract: Contract
) -> None:
    pipeline = workspace.add_pipeline("orders")
    other = workspace.start(pipeline, looks=3)
    update = _runner(client, orders=pipeline).start(_request(contract))
    assert update != other
    assert workspace.started(pipeline) == (False,)


def test_an_update_that_was_started_before_a_crash_is_found_again(
    workspace: WorkspacePipelines, client: WorkspaceClient, contract: Contract
) -> None:
    pipeline = workspace.add_pipeline("orders")
    runner = _runner(client, orders=pipeline)
    assert runner.start(_request(contract)) == runner.start(_request(contract))
    assert len(workspace.started(pipeline)) == 1
    later = _request(contract, since=datetime(2999, 1, 1, tzinfo=UTC))
    workspace.next_update(pipeline, looks=0)
    runner.start(later)
    assert len(workspace.started(pipeline)) == 2


def test_only_the_tables_that_are_named_are_refreshed(
    workspace: WorkspacePipelines, client: WorkspaceClient, contract: Contract
) -> None:
    pipeline = workspace.add_pipeline("orders")
    workspace.next_update(pipeline, looks=0)
    runner = _runner(client, orders=pipeline)
    asked = []
    for year, full in ((2998, False), (2999, True)):
        since = datetime(year, 1, 1, tzinfo=UTC)
        update_id = runner.start(_request(contract, refresh=("orders", "total"), full_refresh=full, since=since))
        update = client.pipelines.get_update(pipeline, update_id).update
        assert update is not None
        asked.append((update.refresh_selection, update.full_refresh_selection, update.full_refresh))
    assert asked == [(["orders", "total"], None, False), (None, ["orders", "total"], False)]


@pytest.mark.parametrize(
    ("started", "wanted", "same"),
    [
        ({"full_refresh": True}, {}, True),
        ({"full_refresh": True}, {"full_refresh": True, "refresh": ("orders",)}, True),
        ({"refresh_selection": ["orders", "total"]}, {"refresh": ("orders",)}, True),
        ({"full_refresh_selection": ["orders"]}, {"full_refresh": True, "refresh": ("orders",)}, True),
        ({}, {"refresh": ("orders",)}, True),
        ({}, {"full_refresh": True}, False),
        ({"validate_only": True}, {}, False),
        ({"refresh_selection": ["total"]}, {}, False),
        ({"refresh_selection": ["total"]}, {"refresh": ("orders",)}, False),
        ({"refresh_selection": ["orders"]}, {"full_refresh": True, "refresh": ("orders",)}, False),
    ],
)
def test_an_update_that_does_less_than_is_asked_for_is_another(
    workspace: WorkspacePipelines,
    client: WorkspaceClient,
    contract: Contract,
    started: dict[str, Any],
    wanted: dict[str, Any],
    same: bool,
) -> None:
    pipeline = workspace.add_pipeline("orders")
    workspace.next_update(pipeline, looks=0)
    other = client.pipelines.start_update(pipeline, **started).update_id
    client.pipelines.get_update(pipeline, str(other))
    found = _runner(client, orders=pipeline).start(_request(contract, **wanted))
    assert (found == other, len(workspace.started(pipeline))) == (same, 1 if same else 2)


def test_a_pipeline_that_never_ends_is_not_waited_for(
    workspace: WorkspacePipelines, client: WorkspaceClient, contract: Contract
) -> None:
    pipeline = workspace.add_pipeline("orders", continuous=True)
    workspace.start(pipeline, looks=1000)
    with pytest.raises(ConfigurationError, match=r"^LP945: pipeline 'orders' is continuous, and runs"):
        _runner(client, orders=pipeline).start(_request(contract))


def test_a_failed_update_says_why(workspace: WorkspacePipelines, client: WorkspaceClient, contract: Contract) -> None:
    pipeline = workspace.add_pipeline("orders")
    error = {"exceptions": [{"message": "[EXPECTATION_VIOLATION] amount.minimum\n at line 1"}]}
    events = [{"event_type": "flow_progress", "level": "ERROR", "message": "Flow failed.", "error": error}]
    workspace.next_update(pipeline, ends="FAILED", looks=0, events=events)
    runner = _runner(client, orders=pipeline)
    outcome = runner.outcome("orders", runner.start(_request(contract)), contract)
    assert (outcome.state, outcome.message) == (RunState.FAILED, "[EXPECTATION_VIOLATION] amount.minimum")


def test_what_another_attempt_may_help_is_told_apart(
    workspace: WorkspacePipelines, client: WorkspaceClient, contract: Contract
) -> None:
    pipeline = workspace.add_pipeline("orders")
    runner = _runner(client, orders=pipeline, gone="00000000-0000-4000-8000-000000000000")
    with pytest.raises(ConfigurationError, match=r"^LP945: no id of the pipeline 'unknown' in http"):
        runner.start(_request(contract, pipeline="unknown"))
    with pytest.raises(ConfigurationError, match=r"^LP945: pipeline 'gone' is not in the workspace: The specified"):
        runner.start(_request(contract, pipeline="gone"))
    workspace.fail_next(1, 403)
    with pytest.raises(
        ConfigurationError, match=r"^LP945: pipeline 'orders' may not be run: Try again later\.\n  hint"
    ):
        runner.start(_request(contract))
    workspace.fail_next(50, 500)
    with pytest.raises(RemoteFailed, match=r"^LP946: the workspace cannot run pipeline 'orders': "):
        runner.start(_request(contract))


def test_a_token_that_expires_meanwhile_is_no_end(contract: Contract) -> None:
    with Workspace() as workspace:
        workspace.add_service_principal("sp-1", "hush")
        pipeline = workspace.pipelines.add_pipeline("orders")
        entry = {"service_principal_name": "sp-1", "permission_level": "CAN_RUN"}
        user = WorkspaceClient(host=workspace.url, token=workspace.token, auth_type="pat", config_file=os.devnull)
        user.api_client.do("PATCH", f"/api/2.0/permissions/pipelines/{pipeline}", body={"access_control_list": [entry]})
        access: dict[str, Any] = {"host": workspace.url, "client_id": "sp-1", "client_secret": "hush"}
        runner = _runner(WorkspaceClient(**access, config_file=os.devnull), orders=pipeline)
        update = runner.start(_request(contract))
        workspace.expire_tokens()
        with pytest.raises(RemoteFailed, match=r"^LP946: the workspace cannot run pipeline 'orders': Access token has"):
            runner.outcome("orders", update, contract)
        # The next job logs in anew, and follows the same update.
        again = _runner(WorkspaceClient(**access, config_file=os.devnull), orders=pipeline)
        assert again.start(_request(contract)) == update
        assert len(workspace.pipelines.started(pipeline)) == 1


def test_a_run_here_and_its_event_log_say_the_same(contract: Contract) -> None:
    counted = (
        ExpectationResult(
            name="id.required", rule_id="orders.id.required", action="quarantine", passed_records=7, failed_records=2
        ),
        ExpectationResult(
            name="amount.minimum", rule_id="orders.amount.minimum", action="warn", passed_records=9, failed_records=0
        ),
    )
    asked: dict[str, Any] = {
        "kind": "table",
        "state": DatasetState.COMPLETED,
        "output_records": 9,
        "expectations": counted,
    }
    datasets = tuple(DatasetResult(name=name, **asked) for name in ("orders", "orders__quarantine"))
    pipeline = PipelineResult(name="p", datasets=datasets, contract_id="orders", contract_version="1.0.0")
    update = UpdateResult(update_id="u", state=UpdateState.COMPLETED, pipelines=(pipeline,))
    published = [
        {"event_type": each.event_type, "details": each.details, "origin": {"dataset_name": f"main.a.{each.dataset}"}}
        for each in update_events(update, pipeline)
    ]

    def said(results: Iterable[RuleResult]) -> set[tuple[Any, ...]]:
        return {(each.dataset, each.rule_id, each.status, each.violations, each.tested) for each in results}

    here = said(results_of(update, at=_SINCE, namespace=Namespace("main", "a")))
    assert said(results_of_events(published, contract, run_id="u", at=_SINCE)) == here
    assert len(here) == 4


def test_a_published_event_log_has_its_details_as_text(contract: Contract) -> None:
    import json

    event = _progress("orders", ("id.required", 1, 0))
    event["details"] = json.dumps(event["details"])
    (result,) = results_of_events([event], contract, run_id="u", at=_SINCE)
    assert (result.rule_id, result.tested) == ("orders.id.required", 1)
