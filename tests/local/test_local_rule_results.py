"""What an update says of rules, as results; and once for each rule, for people."""

from __future__ import annotations

from datetime import UTC, datetime

from lakepact.contract import load_contract
from lakepact.local.names import Namespace
from lakepact.local.result import (
    CheckResult,
    DatasetResult,
    DatasetState,
    ExpectationResult,
    PipelineResult,
    UpdateResult,
    UpdateState,
)
from lakepact.local.rule_results import results_of, told_once
from lakepact.results import RuleStatus
from lakepact.rules import compile_rules

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONTRACT = load_contract(b"""\
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
status: active
schema:
  - name: orders
    physicalName: tbl_orders
    properties:
      - name: id
        logicalType: integer
        required: true
        quality:
          - {metric: nullValues, mustBeLessThan: 5, unit: percent, severity: critical, dimension: completeness}
""")


def expectation(rule: str, failed: int, passed: int, action: str = "quarantine") -> ExpectationResult:
    return ExpectationResult(
        name=rule.removeprefix("orders."), rule_id=rule, action=action, passed_records=passed, failed_records=failed
    )


def dataset(name: str, *expectations: ExpectationResult, checks: tuple[CheckResult, ...] = ()) -> DatasetResult:
    return DatasetResult(
        name=name, kind="table", state=DatasetState.COMPLETED, expectations=expectations, checks=checks
    )


def update(*datasets: DatasetResult) -> UpdateResult:
    pipeline = PipelineResult(name="shop", datasets=datasets, contract_id="shop", contract_version="1.0.0")
    return UpdateResult(update_id="u1", state=UpdateState.COMPLETED, pipelines=(pipeline,))


def test_a_rule_is_told_once_although_several_datasets_asked_it() -> None:
    nulls = "orders.id.quality.nullValues"
    measured = CheckResult(
        name="id.quality.nullValues",
        rule_id=nulls,
        value=12.5,
        threshold="mustBeLessThan 5 percent",
        passed=False,
        action="fail",
    )
    done = update(
        dataset("tbl_orders__input", expectation("orders.id.type", 0, 10)),
        dataset(
            "tbl_orders",
            expectation("orders.id.type", 1, 9),
            expectation("orders.id.required", 0, 8),
            expectation("", 5, 5),
            checks=(measured,),
        ),
        dataset("tbl_orders__quarantine", expectation("orders.id.type", 1, 1), expectation("orders.id.required", 2, 0)),
        dataset("tbl_orders__gate", expectation(nulls, 1, 0, "fail")),
    )
    results = results_of(done, at=NOW, namespace=Namespace("main", "sales"))
    assert len(results) == 7
    told = told_once(results, compile_rules(CONTRACT))
    assert [(each.rule_id, each.dataset, each.status, each.violations, each.tested) for each in told] == [
        ("orders.id.type", "main.sales.tbl_orders", RuleStatus.FAIL, 1, 10),
        ("orders.id.required", "main.sales.tbl_orders", RuleStatus.FAIL, 2, 2),
        (nulls, "main.sales.tbl_orders", RuleStatus.FAIL, None, None),
    ]
    assert {each.object for each in told} == {"orders"}
    assert (told[2].value, told[2].threshold) == ("12.5", "mustBeLessThan 5 percent")
    assert (told[2].severity, told[2].dimension) == ("critical", "completeness")


def test_what_the_rules_do_not_know_comes_last_and_as_it_is() -> None:
    kept = dataset("tbl_orders", expectation("orders.id.required", 0, 1))
    done = update(dataset("other", expectation("orders.gone", 1, 1)), kept)
    results = results_of(done, at=NOW, namespace=Namespace("main", "sales"))
    told = told_once(results, compile_rules(CONTRACT))
    assert [(each.rule_id, each.dataset) for each in told] == [
        ("orders.id.required", "main.sales.tbl_orders"),
        ("orders.gone", "main.sales.other"),
    ]
