"""A contract as live datasets: the pipeline picks up the version that is valid when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lakepact.contract.loader import load_contract
from lakepact.contract.model import Contract
from lakepact.errors import ExtraMissing
from lakepact.pipeline.define import define_datasets
from lakepact.plan.build import build_plan
from lakepact.plan.entries import object_source
from lakepact.plan.model import Mode, Plan
from lakepact.plan.sources import ObjectSource
from lakepact.rules.derive import compile_rules
from lakepact.rules.policy import Policy, load_policy
from lakepact.spark.connect import active_session

__all__ = ["register"]


def register(
    contract: Contract | str | Path,
    sources: Mapping[str, ObjectSource | Mapping[str, object]],
    *,
    pipeline: str = "",
    policy: Policy | str | Path | None = None,
    dp: ModuleType | Any | None = None,
    spark: Any | None = None,
) -> Plan:
    """Define the datasets of `contract` in the pipeline that is running, and give their plan.

    `contract` is a contract or the path of a document. `sources` maps schema objects to where they are read from, as
    `ObjectSource` or as the entry of a lakepact.yml: `{"path": ..., "format": ..., "mode": "stream"}`,
    `{"table": ...}`, `{"sql": ...}`. `policy` is a policy or the path of its file. `pipeline` names the plan, by
    default the contract's id. `dp` is `pyspark.pipelines` and `spark` the active session unless given.

    Raises what `load_contract`, `load_policy` and `build_plan` raise; EnvironmentLacking LP607 without a session,
    ExtraMissing LP602 where there is no `pyspark.pipelines`.

        from lakepact.pipeline import register

        register("contracts/orders.odcs.yaml", {"orders": {"path": "/Volumes/raw/orders", "format": "json"}})
    """
    document = contract if isinstance(contract, Contract) else load_contract(contract)
    given = {
        name: each if isinstance(each, ObjectSource) else object_source(name, each) for name, each in sources.items()
    }
    streaming = tuple(name for name, source in given.items() if source.mode is Mode.STREAM)
    actions = policy if isinstance(policy, Policy) or policy is None else load_policy(Path(policy))
    rules = compile_rules(document, policy=actions, streaming=streaming)
    plan = build_plan(document, rules, given, pipeline=pipeline or document.id)
    define_datasets(
        plan,
        dp=_pipelines() if dp is None else dp,
        spark=active_session() if spark is None else spark,
    )
    return plan


def _pipelines() -> ModuleType:
    try:
        from pyspark import pipelines
    except ImportError:
        message = "this Python has no pyspark.pipelines"
        raise ExtraMissing(message, "LP602", "pip install 'lakepact[local]', or run on Databricks") from None
    return pipelines
