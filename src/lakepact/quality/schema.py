"""The columns that data has against those that the contract wants, column by column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.diff.widening import Step, type_step
from lakepact.rules.conversion import converted, fits
from lakepact.rules.model import ObjectRules, TypedColumn
from lakepact.sql import identifier

__all__ = ["AlignedColumn", "Alignment", "ColumnDrift", "DriftKind", "align"]


class DriftKind(StrEnum):
    """How a column of the data differs from the contract."""

    MISSING = "missing"
    EXTRA = "extra"
    REPEATED = "repeated"
    TYPE = "type"
    NULLABLE = "nullable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """One difference. `expected` and `found` are types as SQL writes them, '' where there is no such column, or the
    names of a column that is there more than once.

    With `adapted` the data can be written all the same: values of another type are converted, each one checked, and a
    column that may hold NULL is checked row by row. Where it is False the data does not fit the contract.
    """

    column: str
    kind: DriftKind
    expected: str
    found: str
    adapted: bool

    def __str__(self) -> str:
        match self.kind:
            case DriftKind.MISSING:
                return f"column {self.column!r} ({self.expected}) is missing"
            case DriftKind.EXTRA:
                return f"column {self.column!r} ({self.found}) is not in the contract"
            case DriftKind.REPEATED:
                return f"column {self.column!r} is there more than once: {self.found}"
            case DriftKind.NULLABLE:
                return f"column {self.column!r} may hold NULL, the contract requires a value"
        how = "each value is converted and checked" if self.adapted else "which cannot be converted"
        return f"column {self.column!r} is {self.found}, the contract wants {self.expected}: {how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedColumn:
    """How a column of the contract is made.

    `value` is SQL over the data, '' where Spark cannot convert what is there; `raw` is the quoted name of the column in
    the data, '' where no value can be lost. `present` is whether the data has the column.
    """

    column: TypedColumn
    value: str
    raw: str = ""
    present: bool = True

    @property
    def name(self) -> str:
        """The quoted name."""
        return identifier(self.column.name)

    @property
    def sql(self) -> str:
        """The column of a query over the data."""
        value = self.value or f"CAST(NULL AS {self.column.type.ddl})"
        return self.name if value == self.name else f"{value} AS {self.name}"

    def fits(self, raw: str) -> str:
        """SQL that is FALSE where a value was lost; `raw` is SQL for the value before its conversion."""
        if not self.value:
            return f"{raw} IS NULL"
        return fits(raw, self.name, self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """The data in the shape of the contract: its columns in order, what differs, and the columns that it has beside."""

    columns: tuple[AlignedColumn, ...]
    extra: tuple[str, ...]
    drift: tuple[ColumnDrift, ...]

    @property
    def fitting(self) -> bool:
        """Whether nothing stands in the way of writing the data."""
        return all(each.adapted for each in self.drift)


def align(
    rules: ObjectRules, observed: StructType, *, convertible: Callable[[TypedColumn, str], bool] = lambda *_: True
) -> Alignment:
    """The alignment of columns `observed` with those of `rules`; names are compared without case, as Spark does.

    `convertible` says of a contract's column whether Spark can convert the SQL expression of a found value to it at
    all; a column that it cannot convert is of the wrong type, and each of its values counts as lost.
    """
    there: dict[str, list[StructField]] = {}
    for each in observed.fields:
        there.setdefault(each.name.casefold(), []).append(each)
    columns: list[AlignedColumn] = []
    drift: list[ColumnDrift] = []
    for column in rules.columns:
        found = there.pop(column.name.casefold(), [])
        expected = column.type.ddl
        if len(found) != 1:
            # Nobody can tell which of several is meant: none is.
            kind, names = (DriftKind.REPEATED if found else DriftKind.MISSING), ", ".join(each.name for each in found)
            columns.append(AlignedColumn(column=column, value=f"CAST(NULL AS {expected})", present=False))
            drift.append(_drift(column.name, kind, expected, names, adapted=False))
            continue
        (field,) = found
        raw = identifier(field.name)
        if _same(field.type, column.type):
            columns.append(AlignedColumn(column=column, value=raw))
        elif convertible(column, raw):
            columns.append(AlignedColumn(column=column, value=converted(raw, column), raw=raw))
            if not _widens(field.type, column):
                drift.append(_drift(column.name, DriftKind.TYPE, expected, field.type.ddl, adapted=True))
        else:
            columns.append(AlignedColumn(column=column, value="", raw=raw))
            drift.append(_drift(column.name, DriftKind.TYPE, expected, field.type.ddl, adapted=False))
        if column.required and not field.required:
            drift.append(_drift(column.name, DriftKind.NULLABLE, expected, field.type.ddl, adapted=True))
    extra = []
    for found in there.values():
        if len(found) == 1:
            extra.append(found[0].name)
            drift.append(_drift(found[0].name, DriftKind.EXTRA, "", found[0].type.ddl, adapted=False))
        else:
            names = ", ".join(each.name for each in found)
            drift.append(_drift(found[0].name, DriftKind.REPEATED, "", names, adapted=False))
    return Alignment(columns=tuple(columns), extra=tuple(extra), drift=tuple(drift))


def _drift(column: str, kind: DriftKind, expected: str, found: str, *, adapted: bool) -> ColumnDrift:
    return ColumnDrift(column=column, kind=kind, expected=expected, found=found, adapted=adapted)


def _same(found: SparkType, wanted: SparkType) -> bool:
    """Whether values need no conversion: fields of structs have to have the same names in the same order."""
    match found, wanted:
        case StructType(fields=there), StructType(fields=fields):
            return len(there) == len(fields) and all(
                one.name == other.name and _same(one.type, other.type) for one, other in zip(there, fields, strict=True)
            )
        case ArrayType(element=element), ArrayType(element=other):
            return _same(element, other)
        case MapType(key=key, value=value), MapType(key=other_key, value=other_value):
            return _same(key, other_key) and _same(value, other_value)
    return found == wanted


def _widens(found: SparkType, column: TypedColumn) -> bool:
    """Whether the conversion is none that anybody must hear of: every value fits, or text whose length is a rule."""
    if not isinstance(found, AtomicType) or not isinstance(column.type, AtomicType):
        return False
    if column.type.ddl.startswith("VARCHAR"):
        return found.ddl == "STRING" or found.ddl.startswith("VARCHAR")
    return type_step(found, column.type) is Step.WIDER
