"""Tables through delta-rs: rows as Arrow data, and back, with what delta-rs itself brings; new tables; its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import arro3.core as arro3
import deltalake
from deltalake.exceptions import DeltaError
from deltalake.schema import ArrayType, Field, PrimitiveType, Schema

from lakepact.errors import LakepactError, UsageError
from lakepact.store.tables import Column, ColumnType, Table

__all__ = [
    "arrow_rows",
    "create_table",
    "delta_faults",
    "delta_fields",
    "delta_schema",
    "one_row",
    "python_rows",
    "python_values",
    "typed_rows",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DELTA_TYPES: Final = {
    ColumnType.STRING: "string",
    ColumnType.LONG: "long",
    ColumnType.TIMESTAMP: "timestamp",
    ColumnType.BINARY: "binary",
}


def delta_fields(columns: Sequence[Column]) -> list[Field]:
    """The columns as fields of a Delta schema."""
    return [
        Field(
            column.name,
            ArrayType(PrimitiveType("string"), contains_null=False)
            if column.type is ColumnType.STRINGS
            else PrimitiveType(_DELTA_TYPES[column.type]),
            nullable=column.nullable,
            metadata={"comment": column.comment},
        )
        for column in columns
    ]


def delta_schema(table: Table) -> Schema:
    """The schema of a table, with its comments."""
    return Schema(delta_fields(table.columns))


def python_rows(reader: Any) -> list[dict[str, Any]]:
    """All rows of a stream, by column."""
    table = reader.read_all()
    columns = {name: python_values(table, name) for name in table.column_names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def python_values(table: arro3.Table, column: str) -> list[Any]:
    """The values of a column as Python's own."""
    values: Any = table.column(column)
    found: list[Any] = values.to_pylist()
    return found


def one_row(table: Table, row: Mapping[str, Any]) -> arro3.Table:
    """One row as Arrow data. Raises UsageError LP869 for text that is not Unicode."""
    try:
        return arrow_rows(table, [row])
    except UnicodeEncodeError as error:
        message = "the event has text that is not valid Unicode, which a table cannot hold"
        raise UsageError(message, "LP869", f"remove {error.object[error.start]!r} from it") from error


def arrow_rows(table: Table, rows: Sequence[Mapping[str, Any]]) -> arro3.Table:
    """Rows as Arrow data, with the columns of the table; times have a zone."""
    return arro3.Table.from_pydict(
        {each.name: _array(each.type, [row[each.name] for row in rows]) for each in table.columns}
    )


def _array(kind: ColumnType, values: Sequence[Any]) -> arro3.Array:
    match kind:
        case ColumnType.TIMESTAMP:
            ticks = [None if each is None else (each - _EPOCH) // timedelta(microseconds=1) for each in values]
            return arro3.Array(ticks, arro3.DataType.int64()).cast(_arrow(kind))
        case ColumnType.STRINGS:
            ends = [0]
            for each in values:
                ends.append(ends[-1] + len(each))
            elements = arro3.Array([text for each in values for text in each], arro3.DataType.utf8())
            return arro3.list_array(arro3.Array(ends, arro3.DataType.int32()), elements)
    return arro3.Array(values, _arrow(kind))


def _arrow(kind: ColumnType) -> arro3.DataType:
    match kind:
        case ColumnType.STRING:
            return arro3.DataType.utf8()
        case ColumnType.LONG:
            return arro3.DataType.int64()
        case ColumnType.TIMESTAMP:
            return arro3.DataType.timestamp("us", tz="UTC")
        case ColumnType.BINARY:
            return arro3.DataType.binary()
    return arro3.DataType.list(arro3.DataType.utf8())


def typed_rows(table: Table, rows: arro3.Table) -> arro3.Table:
    """The result of a query with the types of the table: the engine answers with views, and with foreign comments."""
    fields = [arro3.Field(column.name, _arrow(column.type), nullable=column.nullable) for column in table.columns]
    columns = [rows.column(column.name).cast(_arrow(column.type)) for column in table.columns]
    return arro3.Table.from_arrays(columns, schema=arro3.Schema(fields))


def create_table(uri: str, table: Table, options: dict[str, str] | None) -> deltalake.DeltaTable:
    """A new table; `options` are delta-rs' for the storage. Raises DeltaError where there is one already."""
    return deltalake.DeltaTable.create(
        uri,
        delta_schema(table),
        name=table.name,
        description=table.comment,
        configuration=dict(table.properties),
        storage_options=options,
        raise_if_key_not_exists=False,
    )


@contextmanager
def delta_faults(told: Callable[[str], LakepactError]) -> Iterator[None]:
    """Turn what delta-rs raises into the error that `told` makes of its first line."""
    try:
        yield
    except (DeltaError, OSError) as error:
        raise told(_reason(error)) from error
    except Exception as error:
        # What goes wrong while rows are read has no class of its own.
        if type(error) is not Exception:
            raise
        raise told(_reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
