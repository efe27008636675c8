"""The datasets of an object's rows: input, duplicates, published, quarantine."""

from __future__ import annotations

from lakepact.plan.context import REMOVES, ObjectContext
from lakepact.plan.metadata import (
    cluster_columns,
    comment,
    delta_properties,
    partition_columns,
    planned_columns,
    table_properties,
)
from lakepact.plan.model import (
    Conversion,
    Dataset,
    DatasetKind,
    DatasetRole,
    DatasetSource,
    Expectation,
    Select,
    SqlQuery,
)
from lakepact.plan.names import COUNT, FAILED_RULES, RAW, SET_ASIDE_AT
from lakepact.plan.sources import source_name
from lakepact.rules.conversion import converted, fits
from lakepact.rules.model import Action, RowRule, RowRuleKind, TypedColumn
from lakepact.sql import identifier, string

__all__ = ["duplicates_datasets", "input_dataset", "published_dataset", "quarantine_dataset"]

# Aliases that no table and no column of a contract has, so that `name.field` is never read as one of them.
_IN = "_lakepact_in"
_DUPLICATES = "_lakepact_duplicates"


def input_dataset(context: ObjectContext) -> Dataset:
    """The source with the contract's names and types, and the raw values of the columns whose type is a rule.

    A type rule that fails the update raises here, where every reader of the input meets it; one that only warns is
    counted here, where the raw value is still known.
    """
    guarded = {rule.columns[0]: rule for rule in context.chosen(RowRuleKind.TYPE, Action.FAIL)}
    columns = [_typed(context, column, guarded.get(column.name)) for column in context.rules.columns]
    kept = [context.typed(rule) for rule in context.chosen(RowRuleKind.TYPE, Action.WARN, *REMOVES)]
    if kept:
        fields = ", ".join(f"{string(column.name)}, {_raw(context, column)}" for column in kept)
        columns.append(f"named_struct({fields}) AS {RAW}")
    return Dataset(
        name=context.name(DatasetRole.INPUT),
        kind=DatasetKind.TEMPORARY_VIEW,
        role=DatasetRole.INPUT,
        object=context.rules.name,
        query=Select(columns=tuple(columns), source=context.source, conversions=_conversions(context, columns)),
        comment=comment(DatasetRole.INPUT, context.described, context.rules.table),
        expectations=tuple(
            _expectation(rule, context.holds(rule), Action.WARN)
            for rule in context.chosen(RowRuleKind.TYPE, Action.WARN)
        ),
    )


def _conversions(context: ObjectContext, columns: list[str]) -> dict[str, Conversion]:
    made = [
        Conversion(
            type=column.type.ddl,
            template=converted(Conversion.COLUMN, column),
            raw=_raw(context, column),
            alias=identifier(column.name),
        )
        for column in context.rules.columns
    ]
    return {each.expression: each for each in made if each.expression in columns}


def _raw(context: ObjectContext, column: TypedColumn) -> str:
    return identifier(source_name(column, context.rename))


def _typed(context: ObjectContext, column: TypedColumn, guard: RowRule | None) -> str:
    raw, name = _raw(context, column), identifier(column.name)
    value = converted(raw, column)
    if guard is not None:
        said = f"LP570: rule {guard.id}: a value does not fit {column.type.ddl}: "
        error = f"raise_error(concat({string(said)}, CAST({raw} AS STRING)))"
        value = f"CASE WHEN {fits(raw, value, column)} THEN {value} ELSE {error} END"
    return name if value == name else f"{value} AS {name}"


def duplicates_datasets(context: ObjectContext) -> tuple[Dataset, ...]:
    """For each key rule the keys that occur more than once, with the number of their rows.

    A key rule that warns or fails is an expectation here: it counts repeated keys.
    """
    rules = context.chosen(RowRuleKind.KEY, *Action)
    return tuple(
        Dataset(
            name=context.duplicates(rule),
            kind=DatasetKind.MATERIALIZED_VIEW,
            role=DatasetRole.DUPLICATES,
            object=context.rules.name,
            query=SqlQuery(_duplicates_query(context, rule)),
            comment=comment(DatasetRole.DUPLICATES, context.described, context.rules.table),
            expectations=()
            if rule.action in REMOVES
            else (_expectation(rule, f"{identifier(COUNT)} = 1", rule.action),),
            table_properties=table_properties(context.contract, context.described),
            private=True,
        )
        for rule in rules
    )


def _duplicates_query(context: ObjectContext, rule: RowRule) -> str:
    keys = [identifier(column) for column in rule.columns]
    return "\n".join(
        [
            f"SELECT {', '.join(keys)}, count(*) AS {identifier(COUNT)}",
            f"FROM {identifier(context.name(DatasetRole.INPUT))}",
            f"WHERE {' AND '.join(f'{key} IS NOT NULL' for key in keys)}",
            f"GROUP BY {', '.join(keys)}",
            "HAVING count(*) > 1",
        ]
    )


def published_dataset(context: ObjectContext) -> Dataset:
    """The rows that the contract lets through, with one expectation for each value rule."""
    described = context.described
    return Dataset(
        name=context.name(DatasetRole.PUBLISHED),
        kind=_kind(context),
        role=DatasetRole.PUBLISHED,
        object=context.rules.name,
        query=_published_query(context),
        comment=comment(DatasetRole.PUBLISHED, described, context.rules.table),
        expectations=tuple(
            _expectation(rule, rule.predicate, Action.DROP if rule.action in REMOVES else rule.action)
            for rule in context.chosen(RowRuleKind.VALUE, *Action)
        ),
        columns=planned_columns(context.rules),
        table_properties=table_properties(context.contract, described) | delta_properties(described),
        cluster_by=cluster_columns(described),
        partition_by=partition_columns(described),
    )


def _published_query(context: ObjectContext) -> Select | SqlQuery:
    predicates = [context.holds(rule) for rule in context.chosen(RowRuleKind.TYPE, *REMOVES)]
    where = _all(predicates)
    # A failing key rule is joined too: the published rows then wait for it and are not written when it fails.
    keys = context.chosen(RowRuleKind.KEY, Action.FAIL, *REMOVES)
    if not keys:
        return Select(columns=context.columns, source=_input(context), where=where)
    lines = ["SELECT", _listed(context.columns), f"FROM {identifier(context.name(DatasetRole.INPUT))} AS {_IN}"]
    lines += [f"LEFT ANTI JOIN {_on_key(context, rule)}" for rule in keys]
    return SqlQuery("\n".join([*lines, f"WHERE {where}"] if where else lines))


def quarantine_dataset(context: ObjectContext) -> Dataset | None:
    """The rows that the published dataset must not hold and that are kept, with the ids of the rules they break.

    It is there where a rule quarantines, and where a type or key rule drops: those are counted by its expectations.
    """
    types, keys = (context.chosen(kind, *REMOVES) for kind in (RowRuleKind.TYPE, RowRuleKind.KEY))
    values = context.chosen(RowRuleKind.VALUE, Action.QUARANTINE)
    breaking = {rule.id for rule in (*types, *keys, *values)}
    if not breaking:
        return None
    recorded = [rule for rule in context.rules.row_rules if rule.id in breaking or _is_dropped_value(rule)]
    where = "NOT (" + _all([context.holds(rule) for rule in recorded if rule.id in breaking]) + ")"
    columns = (*context.columns, *_quarantine_columns(context, recorded, types))
    return Dataset(
        name=context.name(DatasetRole.QUARANTINE),
        kind=_kind(context),
        role=DatasetRole.QUARANTINE,
        object=context.rules.name,
        query=_quarantine_query(context, columns, where, keys),
        comment=comment(DatasetRole.QUARANTINE, context.described, context.rules.table),
        expectations=_quarantine_expectations(context, (*types, *keys)),
        columns=planned_columns(context.rules),
        table_properties=table_properties(context.contract, context.described),
    )


def _is_dropped_value(rule: RowRule) -> bool:
    return rule.kind is RowRuleKind.VALUE and rule.action is Action.DROP


def _quarantine_columns(context: ObjectContext, recorded: list[RowRule], types: tuple[RowRule, ...]) -> tuple[str, ...]:
    failed = ",\n  ".join(f"IF({context.holds(rule)}, NULL, {string(rule.id)})" for rule in recorded)
    contract = context.contract
    # A stream sets a row aside once, at a moment, by which it can expire; a materialized view computes it ever again.
    moment = (f"current_timestamp() AS {SET_ASIDE_AT}",) if context.stream else ()
    return (
        f"array_compact(array(\n  {failed}\n)) AS {FAILED_RULES}",
        f"{_raw_values(context, types)} AS _lakepact_raw_values",
        f"{string(contract.id)} AS _lakepact_contract_id",
        f"{string(contract.version)} AS _lakepact_contract_version",
        *moment,
    )


def _raw_values(context: ObjectContext, types: tuple[RowRule, ...]) -> str:
    if not types:
        return "CAST(map() AS MAP<STRING, STRING>)"
    entries = []
    for rule in types:
        name = context.typed(rule).name
        pair = f"struct({string(name)}, CAST({RAW}.{identifier(name)} AS STRING))"
        entries.append(f"IF({context.holds(rule)}, NULL, {pair})")
    return "map_from_entries(array_compact(array(\n  " + ",\n  ".join(entries) + "\n)))"


def _quarantine_query(
    context: ObjectContext, columns: tuple[str, ...], where: str, keys: tuple[RowRule, ...]
) -> Select | SqlQuery:
    if not keys:
        return Select(columns=columns, source=_input(context), where=where)
    marks = ", ".join(f"{_alias(context, rule)}.{COUNT} IS NOT NULL AS {context.repeated(rule)}" for rule in keys)
    joins = [f"  LEFT JOIN {_on_key(context, rule)}" for rule in keys]
    lines = [
        "SELECT",
        _listed(columns),
        "FROM (",
        f"  SELECT {_IN}.*, {marks}",
        f"  FROM {identifier(context.name(DatasetRole.INPUT))} AS {_IN}",
        *joins,
        ")",
        f"WHERE {where}",
    ]
    return SqlQuery("\n".join(lines))


def _quarantine_expectations(context: ObjectContext, counted: tuple[RowRule, ...]) -> tuple[Expectation, ...]:
    expectations = [
        _expectation(rule, f"NOT array_contains({FAILED_RULES}, {string(rule.id)})", Action.WARN) for rule in counted
    ]
    dropped = [rule for rule in counted if rule.action is Action.DROP]
    if dropped:
        kept = [rule.id for rule in context.rules.row_rules if rule.action is Action.QUARANTINE]
        listed = ", ".join(string(rule) for rule in kept)
        predicate = f"arrays_overlap({FAILED_RULES}, array({listed}))" if kept else "FALSE"
        expectations.append(
            Expectation(
                name=_free_name("only quarantined rows", {expectation.name for expectation in expectations}),
                predicate=predicate,
                action=Action.DROP,
                rule_id="",
                rule_action=Action.DROP,
            )
        )
    return tuple(expectations)


def _free_name(name: str, taken: set[str]) -> str:
    return name if name not in taken else _free_name(name + "_", taken)


def _expectation(rule: RowRule, predicate: str, action: Action) -> Expectation:
    return Expectation(name=rule.name, predicate=predicate, action=action, rule_id=rule.id, rule_action=rule.action)


def _kind(context: ObjectContext) -> DatasetKind:
    return DatasetKind.STREAMING_TABLE if context.stream else DatasetKind.MATERIALIZED_VIEW


def _input(context: ObjectContext) -> DatasetSource:
    return DatasetSource(context.name(DatasetRole.INPUT), context.stream)


def _alias(context: ObjectContext, rule: RowRule) -> str:
    return f"{_DUPLICATES}_{context.key_numbers[rule.id] or 1}"


def _on_key(context: ObjectContext, rule: RowRule) -> str:
    alias = _alias(context, rule)
    pairs = [f"{_IN}.{identifier(column)} = {alias}.{identifier(column)}" for column in rule.columns]
    return f"{identifier(context.duplicates(rule))} AS {alias} ON {' AND '.join(pairs)}"


def _listed(columns: tuple[str, ...]) -> str:
    return ",\n".join(f"  {column}" for column in columns)


def _all(predicates: list[str]) -> str:
    if len(predicates) == 1:
        return predicates[0]
    return "\n  AND ".join(f"({predicate})" for predicate in predicates)
