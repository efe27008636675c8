"""Pipelines of a workspace, by the real SDK over HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config

from lakepact.contract import Contract, load_contract
from lakepact.errors import ConfigurationError, RemoteFailed
from lakepact.rerun.databricks_runner import DatabricksRunner
from lakepact.rerun.event_log import results_of_events
from lakepact.rerun.runner import RunState, UpdateRequest
from lakepact.results import RuleStatus
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
    with pytest.raises(ConfigurationError, match=r"^LP945: pipeline 'orders' may not be run: "):
        runner.start(_request(contract))
    workspace.fail_next(50, 500)
    with pytest.raises(RemoteFailed, match=r"^LP946: the workspace cannot run pipeline 'orders': "):
        runner.start(_request(contract))


def test_a_published_event_log_has_its_details_as_text(contract: Contract) -> None:
    import json

    event = _progress("orders", ("id.required", 1, 0))
    event["details"] = json.dumps(event["details"])
    (result,) = results_of_events([event], contract, run_id="u", at=_SINCE)
    assert (result.rule_id, result.tested) == ("orders.id.required", 1)
