"""Many rules: compiling, planning, and evaluating them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.measure import Line, median_cpu
from lakepact.contract import load_contract
from lakepact.contract.model import Contract
from lakepact.local.definitions import ExpectationAction, ExpectationDefinition
from lakepact.local.expectations import guard
from lakepact.plan import FileSource, ObjectSource, build_plan
from lakepact.rules import compile_rules
from lakepact.spark.session import LocalSession
from lakepact.targets import pipeline_python

__all__ = ["measure_evaluation", "measure_planning"]

_ROWS = 300_000


def measure_planning() -> Iterator[Line]:
    """Two lines: rules of a table with 400 of them, and its plan with the generated source."""
    contract = _contract(400)
    started = time.process_time()
    rules = compile_rules(contract)
    compiled = time.process_time() - started
    number = sum(1 for _ in rules.all_rules())
    yield Line(f"compile {number} rules of one table", compiled, 0.5, "CPU s")
    started = time.process_time()
    source = ObjectSource(source=FileSource(path="data", format="parquet"))
    pipeline_python.render(build_plan(contract, rules, {"wide": source}, pipeline="bench"))
    yield Line(f"plan and render {number} rules", time.process_time() - started, 2.0, "CPU s")


def measure_evaluation(session: LocalSession) -> Iterator[Line]:
    """How the cost grows from 100 to 400 expectations: in proportion, with a tenth for noise."""
    costs = {number: _evaluation(session, number) for number in (0, 100, 400)}
    growth = (costs[400] - costs[0]) / (costs[100] - costs[0])
    detail = ", ".join(f"{number}: {cost:.1f} CPU s" for number, cost in costs.items())
    yield Line(f"400 against 100 expectations, {_ROWS:,} rows", growth, 4.4, "x CPU", detail)


def _contract(rules: int) -> Contract:
    lines = ["apiVersion: v3.1.0", "kind: DataContract", "id: wide", "version: 1.0.0", "status: active", "schema:"]
    lines += ["  - name: wide", "    properties:"]
    # Each column has a type, required, minimum and maximum: four rules.
    for number in range(rules // 4):
        options = "logicalTypeOptions: {minimum: 0, maximum: 100}"
        lines.append(f"      - {{name: c{number}, logicalType: integer, required: true, {options}}}")
    return load_contract("\n".join(lines).encode())


def _evaluation(session: LocalSession, number: int) -> float:
    expectations = [
        ExpectationDefinition(
            f"r{each}", f"c{each % 20} IS NULL OR c{each % 20} > {each - 500}", ExpectationAction.DROP
        )
        for each in range(number)
    ]
    around = guard("wide", expectations)

    def evaluate() -> None:
        columns = [f"(id * {n + 1}) % 1000 AS c{n}" for n in range(20)]
        rows = session.connect.range(_ROWS).selectExpr(*columns)
        around.apply(rows, observation="bench").write.format("noop").mode("overwrite").save()

    return median_cpu(session.classic, evaluate, rounds=3)
