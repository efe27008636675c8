"""What a check by Spark must not do each time anew."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from lakepact.contract import load_contract
from lakepact.quality.native import NativeEvaluation, Run
from lakepact.results import RuleStatus
from lakepact.rules import compile_rules

pytestmark = pytest.mark.spark

CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: seen
version: 1.0.0
status: active
slaProperties:
  - {property: freshness, value: 2, unit: h, element: seen.at}
schema:
  - name: seen
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: at, logicalType: timestamp}
"""


def test_how_old_something_is_compiles_nothing_anew(local_session: Any, generated_code: None) -> None:
    spark = local_session.classic.newSession()
    spark.conf.set("spark.sql.codegen.factoryMode", "FALLBACK")
    compiled = spark.sparkContext._jvm.org.apache.spark.metrics.source.CodegenMetrics.METRIC_COMPILATION_TIME()
    contract = load_contract(CONTRACT)
    (rules,) = compile_rules(contract).objects
    run = Run(run_id="r", contract=contract, dataset="seen", clock=lambda: dt.datetime(2024, 5, 1, tzinfo=dt.UTC))
    frame = spark.sql("SELECT id, current_timestamp() - INTERVAL 1 HOUR AS at FROM range(10)").localCheckpoint()
    ages, counts = [], []
    for _ in range(3):
        counts.append(compiled.getCount())
        with NativeEvaluation(spark, frame, rules=rules, run=run) as rows:
            rows.find_clashes()
            _, results = rows.evaluate()
        (fresh,) = [each for each in results if each.value is not None]
        assert fresh.status is RuleStatus.PASS
        ages.append(int(fresh.value))
        # Another second is another number.
        time.sleep(1.1)
    assert 3600 <= ages[0] < ages[1] < ages[2] < 7200
    assert counts[2] == counts[1] > counts[0]
