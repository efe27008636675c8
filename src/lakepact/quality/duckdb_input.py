"""The rows of files in the shape of a contract's object, as SQL of DuckDB, and what is known of each column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lakepact.contract.types import ArrayType, AtomicType, SparkType, StructType
from lakepact.quality.duckdb_conversion import Converted, convert
from lakepact.quality.duckdb_files import FileColumns, FoundColumn
from lakepact.quality.duckdb_regex import NeedsSpark
from lakepact.quality.duckdb_text import Value, duckdb_type
from lakepact.quality.schema import AlignedColumn, Alignment, align
from lakepact.rules.model import ObjectRules, TypedColumn
from lakepact.sql import identifier

__all__ = ["InputRows", "input_rows"]

# b: boolean, n: numbers, d: dates, t: timestamps, l: local timestamps, x: bytes. Text becomes anything.
_KINDS: Final = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"), "n"),
    **{"BOOLEAN": "b", "DATE": "d", "TIMESTAMP": "t", "TIMESTAMP_NTZ": "l", "BINARY": "x"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRows:
    """`sql` is a query of the rows: column `n` of the contract is `c{n}`, `f{n}` whether its value fits, `u{n}` whether
    only Spark can tell.

    By name without case: `values` are the columns, `unavailable` says why one cannot be read, `fits` and `undecided`
    name the columns of those tests, where there are any.
    """

    sql: str
    alignment: Alignment
    values: Mapping[str, Value]
    unavailable: Mapping[str, str]
    fits: Mapping[str, str]
    undecided: Mapping[str, str]


@dataclass(slots=True)
class _Columns:
    raw: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    fits: dict[str, str] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)

    def add(self, number: int, aligned: AlignedColumn, found: FoundColumn | None) -> None:
        name, raw = aligned.column.name.casefold(), f"s{number}"
        self.values[name] = Value(f"c{number}", aligned.column.type)
        try:
            kind = duckdb_type(aligned.column.type)
            made = _made(aligned, found, raw, kind)
        except (NeedsSpark, KeyError) as error:
            reason = str(error) if isinstance(error, NeedsSpark) else f"the type {aligned.column.type.ddl}"
            self.unavailable[name] = f"{reason} (column {aligned.column.name!r})"
            return
        doubts = [made.undecided] if made.undecided else []
        if found is not None:
            self.raw.append(f"{found.sql} AS {raw}")
            if found.undecided:
                self.raw.append(f"({found.undecided}) AS d{number}")
                doubts.append(f"d{number}")
        self.made.append(f"{made.sql} AS c{number}")
        if made.lossy or made.fits:
            self.fits[name] = f"f{number}"
        if made.lossy:
            self.tests.append(f"({raw} IS NULL OR c{number} IS NOT NULL) AS f{number}")
        elif made.fits:
            self.made.append(f"{made.fits} AS f{number}")
        if doubts:
            self.made.append(f"coalesce({' OR '.join(f'({each})' for each in doubts)}, FALSE) AS u{number}")
            self.undecided[name] = f"u{number}"

    def query(self, relation: str) -> str:
        """Level by level, so that nothing is computed twice; whoever adds columns can name those of the relation."""
        made = relation
        for level in (self.raw, self.made, self.tests):
            made = f"(\nSELECT {', '.join(['*', *level])} FROM {made}\n)" if level else made
        return f"SELECT * FROM {made}"


def input_rows(files: FileColumns, rules: ObjectRules) -> InputRows:
    """The rows of `files` as those of the object."""
    by_name = {each.name.casefold(): each for each in files.columns}
    types = {identifier(each.name): each.type for each in files.columns}
    alignment = align(rules, files.schema, convertible=lambda column, raw: _fits(types[raw], column))
    columns = _Columns()
    for number, aligned in enumerate(alignment.columns):
        columns.add(number, aligned, by_name.get(aligned.column.name.casefold()) if aligned.present else None)
    return InputRows(
        sql=columns.query(files.relation),
        alignment=alignment,
        values=columns.values,
        unavailable=columns.unavailable,
        fits=columns.fits,
        undecided=columns.undecided,
    )


def _made(aligned: AlignedColumn, found: FoundColumn | None, raw: str, kind: str) -> Converted:
    if found is not None and not found.readable:
        raise NeedsSpark(f"the type {found.type.ddl} in such files")
    if found is None:
        return Converted(f"CAST(NULL AS {kind})")
    if not aligned.value:
        # Nothing of such a type becomes a value of the contract's.
        return Converted(f"CAST(NULL AS {kind})", fits=f"({raw} IS NULL)")
    column = aligned.column
    if not aligned.raw:
        return Converted(raw)
    return convert(raw, found.type, column.type, zone=column.zone, pattern=column.format)


def _fits(found: SparkType, column: TypedColumn) -> bool:
    return _convertible(found, column.type, formatted=column.format is not None)


def _convertible(found: SparkType, wanted: SparkType, *, formatted: bool) -> bool:
    """Whether Spark casts between the types at all, as its analyser has it."""
    match found, wanted:
        case AtomicType(), AtomicType():
            return _KINDS.get(_kind(found.ddl), "any") not in _refused(_kind(wanted.ddl), formatted=formatted)
        case ArrayType(element=element), ArrayType(element=other):
            return _convertible(element, other, formatted=False)
        case StructType(fields=there), StructType(fields=fields):
            known = {each.name.casefold(): each.type for each in there}
            return all(
                each.name.casefold() in known and _convertible(known[each.name.casefold()], each.type, formatted=False)
                for each in fields
            )
    return type(found) is type(wanted)


def _kind(ddl: str) -> str:
    return ddl.partition("(")[0]


def _refused(wanted: str, *, formatted: bool) -> str:
    """The kinds of types, by their letters, that Spark refuses to cast to the type `wanted`."""
    if wanted == "DATE":
        return "" if formatted else "bnx"
    kind = _KINDS.get(wanted, "")
    return {"b": "dtlx", "n": "dlx", "t": "bx", "l": "bnx", "x": "bndtl"}.get(kind, "")
