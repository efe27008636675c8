"""From a contract, its rules and its sources to the datasets of a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakepact.contract.model import Contract
from lakepact.errors import ConfigurationError, Problem, Severity, UsageError
from lakepact.plan.checks import checks_dataset, gate_dataset, parents
from lakepact.plan.context import ObjectContext
from lakepact.plan.model import Dataset, DatasetKind, DatasetRole, Mode, ObjectPlan, Plan, SqlQuery
from lakepact.plan.names import RESERVED, check_names, dataset_name
from lakepact.plan.queries import duplicates_datasets, input_dataset, published_dataset, quarantine_dataset
from lakepact.plan.sources import ObjectSource, check_sources, readable_source
from lakepact.rules.model import DatasetRule, ObjectRules, RowRuleKind, RuleSet

__all__ = ["build_plan"]


def build_plan(
    contract: Contract,
    rules: RuleSet,
    sources: Mapping[str, ObjectSource],
    *,
    pipeline: str,
    derived: Mapping[str, str] | None = None,
    require_all: bool = False,
) -> Plan:
    """The datasets of `pipeline` that keep `contract`, for every schema object that has a source.

    `derived` maps names of further materialized views to their queries; they have no rules. An object without a source
    is not planned: the plan's `problems` say so, and name the rules that read such an object as a table that must be
    there already. With `require_all` it is ConfigurationError LP308 instead. Raises UsageError LP301 and LP302 for
    sources and renames that the contract does not know, LP309 for key rules on a stream, and ConfigurationError
    LP303 to LP307 and LP310 where the contract cannot be planned.
    """
    check_sources(rules.objects, sources)
    problems = [_without_source(contract, each) for each in rules.objects if each.name not in sources]
    if problems and require_all:
        raise ConfigurationError("schema objects have no source", "LP308", problems=problems)
    datasets = {each.name: dataset_name(each.table, DatasetRole.PUBLISHED) for each in rules.objects}
    planned = []
    for each in rules.objects:
        if each.name in sources:
            planned.append(_object_plan(contract, each, sources[each.name], datasets))
            problems += _unplanned_parents(contract, each.dataset_rules, sources)
            problems += _substituted_names(contract, each)
    planned += [_derived(name, text) for name, text in (derived or {}).items()]
    check_names(planned)
    return Plan(
        pipeline=pipeline,
        contract_id=contract.id,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        objects=tuple(planned),
        problems=tuple(problems),
    )


def _object_plan(
    contract: Contract,
    rules: ObjectRules,
    given: ObjectSource,
    datasets: Mapping[str, str],
) -> ObjectPlan:
    described = contract.object(rules.name)
    if described is None:
        message = f"the rules are not those of contract {contract.id!r}: it has no schema object {rules.name!r}"
        raise UsageError(message, "LP301", "compile the rules of this contract", {"name": rules.name})
    _check_object(rules, given)
    context = ObjectContext(
        contract=contract,
        described=described,
        rules=rules,
        source=readable_source(given, rules),
        rename=given.rename,
        datasets=datasets,
    )
    return ObjectPlan(
        name=rules.name,
        table=rules.table,
        mode=given.mode,
        datasets=_datasets(context, rules.dataset_rules),
        row_rules=rules.row_rules,
        dataset_rules=rules.dataset_rules,
    )


def _datasets(context: ObjectContext, checked: tuple[DatasetRule, ...]) -> tuple[Dataset, ...]:
    built = (
        input_dataset(context),
        *duplicates_datasets(context),
        published_dataset(context),
        quarantine_dataset(context),
        checks_dataset(context, checked),
        gate_dataset(context, checked),
    )
    return tuple(dataset for dataset in built if dataset is not None)


def _check_object(rules: ObjectRules, given: ObjectSource) -> None:
    keys = [rule.id for rule in rules.row_rules if rule.kind is RowRuleKind.KEY]
    if keys and given.mode is Mode.STREAM:
        message = f"object {rules.name!r} is a stream, where rows cannot be held back for a key that comes again later"
        hint = f"compile the rules with streaming=({rules.name!r},): its keys are then checked as a whole"
        raise UsageError(message, "LP309", hint, {"object": rules.name, "rules": keys})
    reserved = [column.name for column in rules.columns if column.name.lower().startswith(RESERVED)]
    if reserved or not rules.columns:
        what = f"has columns with reserved names: {', '.join(reserved)}" if reserved else "has no columns"
        hint = f"names that start with {RESERVED} belong to lakepact" if reserved else "give it properties"
        raise ConfigurationError(f"object {rules.name!r} {what}", "LP310", hint, {"object": rules.name})


def _without_source(contract: Contract, rules: ObjectRules) -> Problem:
    place = described.place if (described := contract.object(rules.name)) else None
    return Problem(
        code="LP308",
        severity=Severity.WARNING,
        message=f"schema object {rules.name!r} has no source in this pipeline: none of its rules is checked",
        file=contract.file,
        line=place.line if place else 0,
        column=place.column if place else 0,
        path=place.path if place else "",
        hint="name its files, table or query under `objects`",
    )


def _unplanned_parents(
    contract: Contract, checked: Iterable[DatasetRule], sources: Mapping[str, ObjectSource]
) -> list[Problem]:
    places = {rule.id: rule.place for rule in checked}
    return [
        Problem(
            code="LP311",
            severity=Severity.WARNING,
            message=f"rule {rule!r} reads {name!r}, which this pipeline does not make: its table must exist already",
            file=contract.file,
            line=places[rule].line,
            column=places[rule].column,
            path=places[rule].path,
        )
        for rule, names in parents(checked).items()
        for name in sorted(names - sources.keys())
    ]


def _substituted_names(contract: Contract, rules: ObjectRules) -> list[Problem]:
    places = {rules.table: None} | {column.name: column.place for column in rules.columns}
    return [
        Problem(
            code="LP313",
            severity=Severity.WARNING,
            message=f"object {rules.name!r}: Spark puts a variable in place of ${{...}} in the name {name!r}",
            file=contract.file,
            line=place.line if place else 0,
            column=place.column if place else 0,
            path=place.path if place else "",
            hint="set spark.sql.variable.substitute to false where the pipeline runs, or give it another physicalName",
        )
        for name, place in places.items()
        if "${" in name
    ]


def _derived(name: str, text: str) -> ObjectPlan:
    dataset = Dataset(
        name=name,
        kind=DatasetKind.MATERIALIZED_VIEW,
        role=DatasetRole.PUBLISHED,
        object=name,
        query=SqlQuery(text.strip().rstrip(";").rstrip()),
    )
    return ObjectPlan(name=name, table=name, mode=Mode.BATCH, datasets=(dataset,), row_rules=(), dataset_rules=())
