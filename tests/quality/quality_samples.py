"""Contracts and small engines for tests of the orchestrator."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lakepact.contract import Contract, load_contract
from lakepact.contract.types import StructType
from lakepact.quality.engine import Data, EngineContext, FileData
from lakepact.quality.evaluated import Evaluated
from lakepact.quality.handling import rule_result, rules_of
from lakepact.quality.schema import align
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import ObjectRules

FILE = FileData(paths=("orders.parquet",), format="parquet")


def engine_rule(engine: str, name: str, **more: Any) -> dict[str, Any]:
    """A rule of an engine."""
    return {"type": "custom", "engine": engine, "implementation": {"check": name}, "name": name, **more}


def contract(
    *engine_rules: Mapping[str, Any], custom: Mapping[str, Any] | None = None, own: bool = True, kind: str = "string"
) -> Contract:
    """A contract of orders with one required column, rows counted, and these rules of engines."""
    rows = {"metric": "rowCount", "mustBeGreaterThan": 0, "name": "rows"}
    described = {
        "name": "orders",
        "properties": [{"name": "id", "logicalType": kind, "required": own}],
        "quality": [*([rows] if own else []), *engine_rules],
    }
    document = {
        **{"apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "version": "1.0.0", "status": "active"},
        "schema": [described],
        "customProperties": [{"property": f"lakepact.{key}", "value": value} for key, value in (custom or {}).items()],
    }
    return load_contract(json.dumps(document).encode())


@dataclass
class Small:
    """An engine that gives each rule of its share the status that it is told, or runs a function instead."""

    name: str
    statuses: Mapping[str, RuleStatus] = field(default_factory=dict)
    instead: Callable[[ObjectRules], Sequence[RuleResult]] | None = None
    reads: bool = True
    seen: list[tuple[str, ...]] = field(default_factory=list)

    def takes(self, data: Data) -> bool:
        """Whether it was made to."""
        return self.reads

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """PASS, but for what it is told."""
        self.seen.append(tuple(rule.name for rule in rules_of(rules)))
        if self.instead is not None:
            return tuple(self.instead(rules))
        return tuple(
            replace(
                rule_result(context.run, rule, self.name, self.statuses.get(rule.name, RuleStatus.PASS), ""),
                violations=3 if rule.name in self.statuses else 0,
            )
            for rule in rules_of(rules)
        )


class Telling(Small):
    """An engine that tells columns too: those of the contract but for what it is given."""

    def __init__(self, name: str, observed: StructType) -> None:
        super().__init__(name)
        self.observed = observed

    def evaluate_data(self, data: Data, rules: ObjectRules, context: EngineContext) -> Evaluated:
        """The results, with the columns against those of the contract."""
        return Evaluated(results=self.evaluate(data, rules, context), alignment=align(rules, self.observed))


def hanging(release: threading.Event) -> Callable[[ObjectRules], Sequence[RuleResult]]:
    """An evaluation that ends when it is released."""

    def evaluate(_: ObjectRules) -> Sequence[RuleResult]:
        release.wait(30)
        return ()

    return evaluate
