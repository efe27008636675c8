# Databricks notebook source
# ruff: noqa: F821

# COMMAND ----------

# MAGIC %md
# MAGIC # Generate a pipeline, and run it
# MAGIC From a contract to the source of a pipeline, and from there to tables, rows that were set aside, and the result
# MAGIC of every rule. Here it runs on this machine: `python notebooks/generate_and_run.py`. On Databricks the widgets
# MAGIC `project`, `env` and `pipeline_id` name a folder with a `lakepact.yml`, an environment of it, and the pipeline
# MAGIC that was deployed from it.

# COMMAND ----------

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from lakepact.contract import Contract
from lakepact.local.run import run_project
from lakepact.project import load_project, resolve_pipeline, select_environment, select_pipelines
from lakepact.project.planning import plan_pipeline
from lakepact.rerun.databricks_runner import DatabricksRunner
from lakepact.rerun.runner import UpdateRequest
from lakepact.targets import pipeline_python


def setting(name: str, default: str) -> str:
    """A widget on Databricks, a variable of the environment elsewhere."""
    if "dbutils" in globals():
        dbutils.widgets.text(name, default)
        return str(dbutils.widgets.get(name))
    return os.environ.get(f"LAKEPACT_{name.upper()}", default)


# COMMAND ----------

# MAGIC %md
# MAGIC ## A project
# MAGIC Without the widget `project` a small one is made: five orders, of which one is negative and one has no number.

# COMMAND ----------

FILES = {
    "lakepact.yml": """\
version: 1
contracts: [orders.odcs.yaml]
environments:
  local: {catalog: spark_catalog, schema: sales, storage: .lakepact}
pipelines:
  orders:
    contract: notebook-orders
    objects:
      orders: {path: orders.csv, format: csv, options: {header: "true"}, mode: batch}
""",
    "orders.odcs.yaml": """\
apiVersion: v3.1.0
kind: DataContract
id: notebook-orders
name: Orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: order_id, logicalType: integer, required: true}
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0}
        customProperties: [{property: lakepact.action, value: quarantine}]
""",
    "orders.csv": "order_id,amount\n1,9.5\n2,-1\n3,20\n4,0\n,3\n",
}


def example() -> Path:
    """The folder of a new project."""
    folder = Path(tempfile.mkdtemp(prefix="lakepact-"))
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


root = Path(setting("project", "") or example())
project = load_project(root / "lakepact.yml")
environment = select_environment(project, setting("env", "") or None)
(pipeline, *_) = select_pipelines(project, ())
resolved = resolve_pipeline(project, pipeline, environment)
print(f"pipeline {pipeline.name} in {environment.catalog}.{environment.schema}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Its source
# MAGIC `lakepact generate` writes the same into files. What is warned of has no rule, or no source.

# COMMAND ----------

plan = plan_pipeline(project, resolved, absolute_paths=False)
for problem in plan.problems:
    print(problem)
print(pipeline_python.render(plan))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Run it
# MAGIC With a `pipeline_id` an update is started in the workspace and followed; without one the pipeline runs here.

# COMMAND ----------


def run_there(pipeline_id: str, contract: Contract) -> None:
    """Start an update in the workspace, and say what became of it and of each rule."""
    from databricks.sdk import WorkspaceClient

    runner = DatabricksRunner(WorkspaceClient(), {pipeline.name: pipeline_id})
    asked = UpdateRequest(pipeline=pipeline.name, key="notebook", contracts=(contract,), since=datetime.now(UTC))
    update = runner.start(asked)
    while not (found := runner.outcome(pipeline.name, update, contract)).state.ended:
        time.sleep(5)
    print(update, found.state, found.message)
    for result in found.results:
        print(result.rule_id, result.status, result.violations, "of", result.tested)


def run_here() -> None:
    """Run the pipeline on this machine, and say what became of each table and rule."""
    update = run_project(project, environment=environment.name, pipelines=[pipeline.name])
    print(update.update_id, update.state)
    for dataset in update.pipelines[0].datasets:
        print(dataset.name, dataset.state, dataset.output_records, "rows", dataset.error)
        for each in dataset.expectations:
            print("   ", each.name, each.action, each.failed_records, "of", each.passed_records + each.failed_records)


pipeline_id = setting("pipeline_id", "")
if pipeline_id and resolved.contract is not None:
    run_there(pipeline_id, resolved.contract)
else:
    run_here()
