"""A few rows that break a rule, as text: asked of the data by a query of its own, and masked by that query.

A row is told by its key and by the columns of the rule. Values of columns that are not classified as public never leave
the engine: the query has `***` in their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakepact.contract.model import SchemaObject
from lakepact.notify.masking import HIDDEN, shortened
from lakepact.quality.delegated import public_columns
from lakepact.quality.shaped import ShapedData
from lakepact.rules.access import column_sql
from lakepact.rules.model import RowRule
from lakepact.sql import literal
from lakepact.targets.demands import Demand, Keyed
from lakepact.targets.queries import complete
from lakepact.targets.soda.checks import SodaCheck

__all__ = ["BrokenRows", "broken_by_check", "broken_by_demand", "example_rows"]

_LONGEST: Final = 100
# Keys of a check's body that say nothing of which rows break it.
_BESIDE: Final = frozenset({"threshold", "filter"})
_LENGTHS: Final = {"valid_min_length": "<", "valid_max_length": ">", "valid_length": "<>"}
_BOUNDS: Final = {"valid_min": "<", "valid_max": ">"}


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
