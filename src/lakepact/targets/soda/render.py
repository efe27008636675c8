"""A contract as contracts of Soda 4, one for each schema object."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

import lakepact
from lakepact.contract.model import Contract
from lakepact.contract.types import AtomicType, SparkType
from lakepact.errors import Problem
from lakepact.rules.handling import handling_of
from lakepact.rules.literals import Inexpressible, decimal_parts
from lakepact.rules.model import ObjectRules, RowRule, RowRuleKind, RuleSet
from lakepact.sql import qualified
from lakepact.targets.demands import demands_of
from lakepact.targets.foreign import foreign_rule_problem
from lakepact.targets.header import comment_text
from lakepact.targets.places import described_object, table_parts, table_parts_of
from lakepact.targets.queries import Tables
from lakepact.targets.soda.checks import RULE, SodaCheck, soda_check
from lakepact.targets.soda.sodacl import translate_soda

__all__ = ["SodaContract", "render", "soda_document", "soda_text"]

_SAFE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./ ()-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SodaContract:
    """The contract of the object `name`: `text` is YAML, `document` the same as data.

    `not_expressed` has the reason for each rule, by id, that Soda cannot hold; `notes` what a check means where that
    differs from the rule. `problems` are rules for Soda that are not known.
    """

    name: str
    document: Mapping[str, object]
    text: str
    not_expressed: Mapping[str, str]
    notes: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def render(contract: Contract, rules: RuleSet, *, data_source: str | None = None) -> tuple[SodaContract, ...]:
    """One contract for each object; SQL in it is Spark's.

    `data_source` is the name that Soda knows the data by (default: the contract's first server, else `lakepact`).
    Raises UsageError LP301 for rules of another contract.
    """
    source = data_source or (contract.servers[0].server if contract.servers else "lakepact")
    return tuple(_render(contract, each, source) for each in rules.objects)


def _render(contract: Contract, rules: ObjectRules, source: str) -> SodaContract:
    described = described_object(contract, rules)
    parts = table_parts(contract, rules.table)
    tables = Tables(own=qualified(parts), others={n: qualified(p) for n, p in table_parts_of(contract).items()})
    checks: list[SodaCheck] = []
    refused: dict[str, str] = {}
    problems: list[Problem] = []
    for demand in demands_of(rules, described):
        try:
            checks.append(soda_check(demand, tables))
        except Inexpressible as reason:
            refused[demand.rule.id] = str(reason)
    for rule in rules.engine_rules:
        if rule.engine != "soda":
            refused[rule.id] = f"engine {rule.engine!r} runs it"
            continue
        try:
            checks += translate_soda(rule, tables)
        except Inexpressible as reason:
            refused[rule.id] = str(reason)
            problems.append(foreign_rule_problem(contract, rule, "Soda 4", str(reason)))
    schema = _schema_check(rules)
    refused = {name: reason for name, reason in refused.items() if name not in schema}
    strict = handling_of(contract).schema.strict_mode is True
    document = soda_document("/".join((source, *parts)), checks, rules=rules, strict=strict)
    notes = {check.rule: check.note for check in checks if check.note}
    notes |= dict.fromkeys(schema, "the check of the schema compares the type of the stored column")
    lines = _header(contract, refused, notes)
    return SodaContract(
        name=rules.name,
        document=document,
        text="".join(f"# {line}".rstrip() + "\n" for line in lines) + soda_text(document),
        not_expressed=refused,
        notes=notes,
        problems=tuple(problems),
    )


def _schema_check(rules: ObjectRules) -> tuple[str, ...]:
    """The rules on types that a check of the stored columns stands for."""
    simple = {column.name for column in rules.columns if _data_type(column.type)}
    return tuple(
        rule.id
        for rule in rules.row_rules
        if isinstance(rule, RowRule) and rule.kind is RowRuleKind.TYPE and rule.columns[0] in simple
    )


def _data_type(found: SparkType) -> dict[str, object]:
    """A type as the schema check compares it; none for what is built of others, and for text with a length."""
    if not isinstance(found, AtomicType) or found.ddl.startswith("VARCHAR"):
        return {}
    if not found.ddl.startswith("DECIMAL"):
        return {"data_type": found.ddl}
    precision, scale = decimal_parts(found.ddl)
    return {"data_type": "DECIMAL", "numeric_precision": precision, "numeric_scale": scale}


def soda_document(
    dataset: str, checks: Sequence[SodaCheck], *, rules: ObjectRules | None = None, strict: bool = False
) -> dict[str, object]:
    """The checks as a contract on `dataset`; with `rules`, all columns and their types are part of it.

    `strict`: columns beside those are a violation.
    """
    columns: dict[str, dict[str, Any]] = {}
    for column in rules.columns if rules else ():
        columns[column.name] = {"name": column.name, **_data_type(column.type)}
    general: list[dict[str, object]] = []
    if rules is not None and columns:
        loose = {"allow_extra_columns": not strict, "allow_other_column_order": True}
        general.append({"schema": {**loose, "attributes": {RULE: f"{rules.name}.schema"}}})
    for check in checks:
        if check.column is None:
            general.append(check.document())
        else:
            columns.setdefault(check.column, {"name": check.column}).setdefault("checks", []).append(check.document())
    # Soda wants the key, also where no check is on a column.
    document: dict[str, object] = {"dataset": dataset, "columns": list(columns.values())}
    if general:
        document["checks"] = general
    return document


def _header(contract: Contract, refused: Mapping[str, str], notes: Mapping[str, str]) -> list[str]:
    lines = [
        f"Generated by lakepact {lakepact.__version__}; edit the contract, not this file.",
        f"contract: {comment_text(contract.id)}",
        f"version:  {comment_text(contract.version)}",
        f"sha256:   {contract.sha256}",
        "SQL is that of Spark.",
    ]
    lines += [f"note: {comment_text(f'{rule}: {note}')}" for rule, note in notes.items()]
    return lines + [f"not expressed: {comment_text(f'{rule}: {reason}')}" for rule, reason in refused.items()]


class _Dumper(yaml.SafeDumper):
    """Texts are quoted unless no version of YAML reads them as anything else."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    plain = _SAFE.fullmatch(value) and value == value.strip()
    style = None if plain else "|" if "\n" in value else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def soda_text(document: Mapping[str, object]) -> str:
    """A contract of Soda as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000)
