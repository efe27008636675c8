"""A contract as suites of Great Expectations 1.x, one for each schema object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import lakepact
from lakepact.contract.model import Contract
from lakepact.errors import Problem
from lakepact.rules.handling import Concern, Response, handling_of
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import ObjectRules, RuleSet
from lakepact.sql import qualified
from lakepact.targets.demands import demands_of
from lakepact.targets.foreign import foreign_rule_problem
from lakepact.targets.gx.expectations import BATCH, GxExpectation, gx_expectation
from lakepact.targets.gx.legacy import translate_gx
from lakepact.targets.places import described_object, table_parts_of
from lakepact.targets.queries import Tables

__all__ = ["GxSuite", "render"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GxSuite:
    """The suite of the object `name`: `text` is JSON, `document` the same as data (`ExpectationSuite(**document)`).

    `not_expressed` has the reason for each rule, by id, that GX cannot hold; `notes` what an expectation means where
    that differs from the rule. `problems` are rules for GX that are not known.
    """

    name: str
    document: Mapping[str, object]
    text: str
    not_expressed: Mapping[str, str]
    notes: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def render(contract: Contract, rules: RuleSet) -> tuple[GxSuite, ...]:
    """One suite for each object; SQL in it is Spark's.

    Raises UsageError LP301 for rules of another contract.
    """
    return tuple(_render(contract, each) for each in rules.objects)


def _render(contract: Contract, rules: ObjectRules) -> GxSuite:
    described = described_object(contract, rules)
    tables = Tables(
        own=BATCH,
        others={name: qualified(parts) for name, parts in table_parts_of(contract).items()} | {rules.name: BATCH},
    )
    expectations: list[GxExpectation] = []
    expectations += _columns(contract, rules)
    refused: dict[str, str] = {}
    problems: list[Problem] = []
    for demand in demands_of(rules, described):
        try:
            expectations.append(gx_expectation(demand, tables))
        except Inexpressible as reason:
            refused[demand.rule.id] = str(reason)
    for rule in rules.engine_rules:
        if rule.engine != "gx":
            refused[rule.id] = f"engine {rule.engine!r} runs it"
            continue
        try:
            expectations += translate_gx(rule)
        except Inexpressible as reason:
            refused[rule.id] = str(reason)
            problems.append(foreign_rule_problem(contract, rule, "GX 1.x", str(reason)))
    notes = {each.rule: each.note for each in expectations if each.note}
    document = {
        "name": f"{contract.id} {rules.name}",
        "expectations": [each.document() for each in expectations],
        "meta": {
            "generated_by": f"lakepact {lakepact.__version__}; edit the contract, not this file",
            "contract": contract.id,
            "version": contract.version,
            "sha256": contract.sha256,
            "sql": "spark",
            "notes": [{"rule": rule, "note": note} for rule, note in notes.items()],
            "not_expressed": [{"rule": rule, "reason": reason} for rule, reason in refused.items()],
        },
    }
    return GxSuite(
        name=rules.name,
        document=document,
        text=json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n",
        not_expressed=refused,
        notes=notes,
        problems=tuple(problems),
    )


def _columns(contract: Contract, rules: ObjectRules) -> list[GxExpectation]:
    """What a strict contract says of its columns: there are these and no others."""
    handling = handling_of(contract)
    if not handling.schema.strict_mode or not rules.columns:
        return []
    return [
        GxExpectation(
            rule=f"{rules.name}.schema",
            type="expect_table_columns_to_match_set",
            kwargs={"column_set": [column.name for column in rules.columns], "exact_match": True},
            warns=handling.response(Concern.SCHEMA) is Response.WARN,
            description="the columns of the contract and no others",
        )
    ]
