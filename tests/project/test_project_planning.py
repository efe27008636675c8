"""Plans of a project's pipelines: what depends on the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakepact.errors import ConfigurationError
from lakepact.plan import FileSource, Mode, Select
from lakepact.project.load import load_project
from lakepact.project.planning import plan_pipeline
from lakepact.project.resolve import resolve_pipeline, select_environment, select_pipelines

PROJECT = """\
version: 1
contracts: [contracts/*.yaml]
environments:
  local: {catalog: spark_catalog, schema: shop, storage: .lakepact}
  prod: {catalog: main, schema: shop}
pipelines:
  shop:
    contract: shop
    objects:
      events: {path: data/events, format: parquet, mode: stream}
  by_hand:
    sources: [pipelines/*.py]
"""
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
status: active
schema:
  - name: events
    properties:
      - {name: id, logicalType: integer, unique: true}
      - {name: payload, logicalType: object}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "own.py").write_text("")
    (tmp_path / "contracts" / "shop.yaml").write_text(CONTRACT)
    (tmp_path / "lakepact.yml").write_text(PROJECT)
    return tmp_path


@pytest.mark.parametrize(("environment", "kind"), [("local", "STRING"), ("prod", "VARIANT")])
def test_objects_of_any_shape_are_variant_where_databricks_is(root: Path, environment: str, kind: str) -> None:
    project = load_project(root / "lakepact.yml")
    chosen = select_environment(project, environment)
    resolved = resolve_pipeline(project, project.pipelines["shop"], chosen)
    plan = plan_pipeline(project, resolved, absolute_paths=False)
    published = next(dataset for dataset in plan.datasets if dataset.name == "events")
    assert {column.name: column.type.ddl for column in published.columns} == {"id": "BIGINT", "payload": kind}


@pytest.mark.parametrize("absolute", [False, True])
def test_paths_are_absolute_where_a_run_needs_them(root: Path, absolute: bool) -> None:
    project = load_project(root / "lakepact.yml")
    resolved = resolve_pipeline(project, project.pipelines["shop"], select_environment(project))
    plan = plan_pipeline(project, resolved, absolute_paths=absolute)
    query = plan.datasets[0].query
    assert isinstance(query, Select)
    assert isinstance(query.source, FileSource)
    assert query.source.path == (str(root / "data/events") if absolute else "data/events")
    assert query.source.mode is Mode.STREAM


def test_a_pipeline_without_a_contract_has_no_plan(root: Path) -> None:
    project = load_project(root / "lakepact.yml")
    (pipeline,) = select_pipelines(project, ["by_hand"])
    resolved = resolve_pipeline(project, pipeline, select_environment(project))
    with pytest.raises(ConfigurationError, match=r"^LP412: pipeline 'by_hand' has no contract to plan"):
        plan_pipeline(project, resolved, absolute_paths=False)
