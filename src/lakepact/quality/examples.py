"""A few rows that break a rule, as text: asked of the data by a query of its own, and masked by that query.

A row is told by its key and by the columns of the rule. Values of columns that are not classified as public never leave
the engine: the query has `***` in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lakepact.contract.model import SchemaObject
from lakepact.notify.masking import HIDDEN, shortened
from lakepact.quality.delegated import asked_object, public_columns
from lakepact.quality.engine import Data, EngineContext
from lakepact.quality.shaped import ShapedData, opened
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.access import column_sql
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import ObjectRules, RowRule
from lakepact.spark.quiet import errors_expected
from lakepact.sql import literal
from lakepact.targets.demands import Demand, Keyed, demands_of
from lakepact.targets.gx.expectations import GxExpectation
from lakepact.targets.queries import complete
from lakepact.targets.soda.checks import SodaCheck

__all__ = [
    "BrokenRows",
    "broken_by_check",
    "broken_by_demand",
    "broken_by_expectation",
    "example_rows",
    "with_examples",
]

_LONGEST: Final = 100
_VIOLATED: Final = (RuleStatus.FAIL, RuleStatus.WARN)
# Keys of a check's body that say nothing of which rows break it.
_BESIDE: Final = frozenset({"threshold", "filter"})
_LENGTHS: Final = {"valid_min_length": "<", "valid_max_length": ">", "valid_length": "<>"}
_BOUNDS: Final = {"valid_min": "<", "valid_max": ">"}
# Of a limit of Great Expectations: what makes it strict, and what breaks it otherwise and then.
_LIMITS: Final = {"min_value": ("strict_min", "<", "<="), "max_value": ("strict_max", ">", ">=")}
_KEYS: Final = frozenset({"column_values_to_be_unique", "compound_columns_to_be_unique"})


@dataclass(frozen=True, slots=True)
class BrokenRows:
    """Which rows break a rule: `where` in SQL of the engine, and the columns that the rule speaks of."""

    where: str
    columns: tuple[str, ...]


def broken_by_demand(demand: Demand, data: ShapedData) -> BrokenRows | None:
    """The rows that break a rule of lakepact; None where it is no rule on rows.

    Raises Inexpressible where the engine has no SQL for it.
    """
    if isinstance(demand.what, Keyed):
        return _repeated(demand.what.columns, data)
    if not demand.predicate or not isinstance(demand.rule, RowRule):
        return None
    holds = data.tables.expression(demand.predicate)
    return BrokenRows(f"NOT coalesce((\n{holds}\n), FALSE)", demand.rule.columns)


def broken_by_check(check: SodaCheck, data: ShapedData, columns: Sequence[str] = ()) -> BrokenRows | None:
    """The rows that break a check of Soda; None for those that Soda alone can tell, and for queries.

    What a query of the contract returns under the name of a public column may be the values of another one.
    `columns` are those of the rule. Raises Inexpressible where the engine has no SQL for it.
    """
    kept = str(check.body["filter"]) if "filter" in check.body else ""
    named = check.body.get("columns", [check.column] if check.column else list(columns))
    names = tuple(str(name) for name in named) if isinstance(named, list) else ()
    match check.kind:
        case "duplicate" if names:
            return _repeated(names, data, kept)
        case "failed_rows" if "expression" in check.body:
            return BrokenRows(_both(f"({check.body['expression']})", kept), names)
        case "missing" | "invalid" if len(names) == 1:
            body = {key: value for key, value in check.body.items() if key not in _BESIDE}
            broken = list(_conditions(check.kind, column_sql(names[0]), body))
            where = data.tables.expression(" OR ".join(f"({each})" for each in broken))
            return BrokenRows(_both(f"({where})", kept), names) if all(broken) else None
    return None


def broken_by_expectation(expectation: GxExpectation, data: ShapedData) -> BrokenRows | None:
    """The rows that break an expectation of Great Expectations; None for those on other than plain values and keys.

    Raises Inexpressible where the engine has no SQL for it.
    """
    said = {key: value for key, value in expectation.kwargs.items() if value is not None and key != "mostly"}
    columns = said.pop("column_list", None) or ([said.pop("column")] if "column" in said else [])
    names = tuple(map(str, columns)) if isinstance(columns, list | tuple) else ()
    kind = expectation.type.removeprefix("expect_")
    if kind in _KEYS and names and not said:
        return _repeated(names, data)
    if len(names) != 1:
        return None
    if kind == "column_values_to_not_be_null":
        broken = [] if said else [f"{column_sql(names[0])} IS NULL"]
    else:
        broken = [_unexpected(kind, key, value, column_sql(names[0]), said) for key, value in said.items()]
    if not broken or not all(broken):
        return None
    return BrokenRows(f"({data.tables.expression(' OR '.join(f'({each})' for each in broken))})", names)


def example_rows(data: ShapedData, broken: BrokenRows, described: SchemaObject, limit: int) -> tuple[str, ...]:
    """At most `limit` of the rows, each as `column=value …`; none where no column of them is public."""
    keys = sorted((each for each in described.properties if each.primary_key), key=lambda each: _position(each))
    wanted = dict.fromkeys((*(each.column for each in keys), *broken.columns))
    there = [name for name in wanted if not data.obstacle(name)]
    public = {name.casefold() for name in public_columns(described)}
    if not public.intersection(name.casefold() for name in there):
        return ()
    quote = data.tables.quote
    listed = ", ".join(quote(name) if name.casefold() in public else f"'{HIDDEN}'" for name in there)
    query = f"SELECT {listed} FROM {data.tables.own} WHERE {broken.where} LIMIT {limit:d}"
    rows = data.connection.execute(query).fetchall() if data.session is None else data.session.sql(query).collect()
    return tuple(" ".join(f"{name}={_shown(value)}" for name, value in zip(there, row, strict=True)) for row in rows)


def with_examples(
    results: Sequence[RuleResult], data: Data, rules: ObjectRules, context: EngineContext
) -> tuple[RuleResult, ...]:
    """The results, those of violated rules on rows with a few of the rows that break them in the message.

    Each such rule costs a query of its own. Where rows cannot be asked for the results are as they were.
    """
    violated = {each.rule_id for each in results if each.violations and each.status in _VIOLATED}
    own = replace(rules, row_rules=tuple(rule for rule in rules.row_rules if rule.id in violated), dataset_rules=())
    if not context.samples or not own.row_rules:
        return tuple(results)
    try:
        with errors_expected(), opened(data, rules, context, extra="duckdb") as shaped:
            found = dict(_quoted_rows(own, shaped, context))
    except Exception:  # whatever a driver raises: rows are a help, and the counts are there without them
        return tuple(results)
    return tuple(
        replace(each, message=f"{each.message}, for example {', '.join(found[each.rule_id])}")
        if found.get(each.rule_id)
        else each
        for each in results
    )


def _quoted_rows(rules: ObjectRules, data: ShapedData, context: EngineContext) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The rows that break each of the rules, by its id."""
    described = asked_object(context.run.contract, rules.name)
    for demand in demands_of(rules, described):
        try:
            data.check_columns(demand.rule)
            broken = broken_by_demand(demand, data)
        except Inexpressible:
            continue
        if broken is not None and not context.stop.asked:
            yield demand.rule.id, example_rows(data, broken, described, context.samples)


def _position(prop: Any) -> int:
    return prop.primary_key_position if prop.primary_key_position is not None else 0


def _shown(value: object) -> str:
    shown = repr(value) if isinstance(value, str) and value != HIDDEN else str(value)
    return shortened("NULL" if value is None else shown, _LONGEST)


def _repeated(columns: Sequence[str], data: ShapedData, kept: str = "") -> BrokenRows:
    keys = [data.tables.quote(name) for name in columns]
    whole, listed = _both(complete(keys), kept), ", ".join(keys)
    again = f"SELECT {listed} FROM {data.tables.own} WHERE {whole} GROUP BY {listed} HAVING count(1) > 1"
    return BrokenRows(f"{whole} AND ({listed}) IN (\n{again}\n)", tuple(columns))


def _unexpected(kind: str, key: str, value: object, column: str, said: Mapping[str, object]) -> str:
    """SQL of Spark that is TRUE for what one argument of an expectation forbids; '' where it has none here."""
    match kind, key, value:
        case "column_values_to_be_in_set", "value_set", list() if value:
            return f"{column} NOT IN ({', '.join(literal(each) for each in value)})"
        case "column_values_to_not_be_in_set", "value_set", list() if value:
            return f"{column} IN ({', '.join(literal(each) for each in value)})"
        case "column_values_to_match_regex", "regex", str():
            return f"NOT {column} RLIKE {literal(value)}"
        case "column_values_to_be_between" | "column_value_lengths_to_be_between", _, int() | float():
            measured = f"char_length({column})" if "lengths" in kind else column
            if key in _LIMITS:
                strict, open_, closed = _LIMITS[key]
                return f"{measured} {closed if said.get(strict) is True else open_} {literal(value)}"
            return "FALSE" if key in ("strict_min", "strict_max") and isinstance(value, bool) else ""
    return ""


def _both(condition: str, kept: str) -> str:
    return f"{condition} AND (\n{kept}\n)" if kept else condition


def _conditions(kind: str, column: str, body: Mapping[str, object]) -> Iterator[str]:
    """SQL of Spark that is TRUE for what breaks the check, one for each option; '' for an option that has none here."""
    if kind == "missing":
        yield f"{column} IS NULL"
    for option, value in body.items():
        yield _condition(option, value, column) if (option == "missing_values") == (kind == "missing") else ""


def _condition(option: str, value: object, column: str) -> str:
    match value:
        case list() if option in ("valid_values", "invalid_values", "missing_values") and value:
            listed = ", ".join(literal(each) for each in value)
            return f"{column} {'NOT IN' if option == 'valid_values' else 'IN'} ({listed})"
        case {"regex": str(regex)} if option in ("valid_format", "invalid_format"):
            return f"{'NOT ' if option == 'valid_format' else ''}{column} RLIKE {literal(regex)}"
        case int() | float() if option in _BOUNDS and not isinstance(value, bool):
            return f"{column} {_BOUNDS[option]} {literal(value)}"
        case int() if option in _LENGTHS and not isinstance(value, bool):
            return f"char_length({column}) {_LENGTHS[option]} {literal(value)}"
    return ""
