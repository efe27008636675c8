"""Facts from the footers of Parquet files: schema and statistics of row groups, without reading any data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.drafts.observed import observed_schema
from lakepact.drafts.statistics import ColumnFacts, FileFacts
from lakepact.drafts.type_keys import VOID
from lakepact.errors import ConfigurationError, ExtraMissing

if TYPE_CHECKING:
    from lakepact.drafts.places import Place

__all__ = ["parquet_facts"]

_SPARK_SCHEMA: Final = b"org.apache.spark.sql.parquet.row.metadata"
_ATOMS: Final = {
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "uint8": "SMALLINT",
    "uint16": "INT",
    "uint32": "BIGINT",
    "uint64": "DECIMAL(20,0)",
    "halffloat": "FLOAT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "STRING",
    "large_string": "STRING",
    "string_view": "STRING",
    "binary": "BINARY",
    "large_binary": "BINARY",
    "date32[day]": "DATE",
    "date64[ms]": "DATE",
    "null": "VOID",
}


def parquet_facts(places: Sequence[Place]) -> FileFacts:
    """The facts of Parquet files, from their footers alone; where Spark wrote its own schema there, that one counts.

    The schemas of all files must be the same. Raises ExtraMissing (LP884) without pyarrow, ConfigurationError (LP883)
    for a file that is no Parquet file or has another schema than the first.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        hint = "pip install 'lakepact[local]'"
        raise ExtraMissing("Parquet files need pyarrow, which is not installed", "LP884", hint) from error
    footers = []
    for place in places:
        try:
            with place.open() as stream:
                footers.append(pq.read_metadata(stream))
        except (pa.ArrowException, OSError) as error:
            message = f"'{place.name}' cannot be read as a Parquet file: {error}"
            raise ConfigurationError(message, "LP883", "name Parquet files that may be read") from error
    schemas = [_schema(footer) for footer in footers]
    for place, schema in zip(places, schemas, strict=True):
        if schema != schemas[0]:
            message = f"'{place.name}' has another schema than '{places[0].name}'"
            raise ConfigurationError(message, "LP883", "draft from files of one kind")
    columns: dict[tuple[str, ...], ColumnFacts] = {}
    for footer in footers:
        _add(columns, footer, schemas[0])
    if sum(footer.num_row_groups for footer in footers) != 1:
        for column in columns.values():
            column.distinct = None  # the numbers of several groups do not add up
    rows = sum(footer.num_rows for footer in footers)
    names = [place.name for place in places]
    return FileFacts(schemas[0], rows, list(columns.values()), exact=True, whole=True, files=names)


def _schema(footer: Any) -> StructType:
    said = (footer.metadata or {}).get(_SPARK_SCHEMA)
    if said is not None:
        return observed_schema(said.decode())
    old = {footer.schema.column(index).path for index in range(footer.num_columns) if _is_old(footer, index)}
    found = _struct(footer.schema.to_arrow_schema())
    # INT96 is a moment in UTC, which Arrow shows without a zone.
    moments = (replace(each, type=AtomicType("TIMESTAMP")) if each.name in old else each for each in found.fields)
    return StructType(tuple(moments))


def _is_old(footer: Any, index: int) -> bool:
    return bool(footer.schema.column(index).physical_type == "INT96")


def _struct(fields: Any) -> StructType:
    return StructType(tuple(StructField(field.name, _type(field.type), not field.nullable) for field in fields))


def _type(found: Any) -> SparkType:
    import pyarrow.types as kinds

    if kinds.is_struct(found):
        return _struct(list(found))
    if kinds.is_map(found):
        return MapType(_type(found.key_type), _type(found.item_type))
    if kinds.is_list(found) or kinds.is_large_list(found) or kinds.is_fixed_size_list(found):
        return ArrayType(_type(found.value_type))
    if kinds.is_dictionary(found):
        return _type(found.value_type)
    if kinds.is_decimal(found):
        return AtomicType(f"DECIMAL({found.precision},{found.scale})")
    if kinds.is_timestamp(found):
        return AtomicType("TIMESTAMP" if found.tz is not None else "TIMESTAMP_NTZ")
    if kinds.is_fixed_size_binary(found):
        return AtomicType("BINARY")
    name = _ATOMS.get(str(found))
    return VOID if name == "VOID" else AtomicType(name or str(found).upper())


def _add(columns: dict[tuple[str, ...], ColumnFacts], footer: Any, schema: StructType) -> None:
    """Count the row groups of one file in."""
    for group in range(footer.num_row_groups):
        row_group = footer.row_group(group)
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            path = tuple(chunk.path_in_schema.split("."))
            found = _type_at(schema, path)
            if found is not None:
                column = columns.setdefault(path, ColumnFacts(path, found, 0, 0))
                _count(column, chunk, row_group.num_rows)


def _type_at(schema: StructType, path: tuple[str, ...]) -> AtomicType | None:
    """The type of a leaf that has one value a row; None inside of lists and maps, and for names with dots."""
    here: SparkType = schema
    for name in path:
        fields = here.fields if isinstance(here, StructType) else ()
        found = next((each.type for each in fields if each.name == name), None)
        if found is None:
            return None
        here = found
    return here if isinstance(here, AtomicType) else None


def _count(column: ColumnFacts, chunk: Any, rows: int) -> None:
    column.rows += rows
    statistics = chunk.statistics
    if statistics is None or not statistics.has_null_count or column.present is None:
        column.present = None
        return
    column.present += rows - statistics.null_count
    column.distinct = statistics.distinct_count if statistics.has_distinct_count else None
    if not statistics.has_min_max:
        return
    low, high = _plain(statistics.min), _plain(statistics.max)
    if low is None or high is None:
        return
    column.at_lowest, column.lowest = _extreme(column.at_lowest, column.lowest, low, lower=True)
    column.at_highest, column.highest = _extreme(column.at_highest, column.highest, high, lower=False)


def _extreme(count: int, old: Any, new: Any, *, lower: bool) -> tuple[int, Any]:
    if old is not None and old == new:
        return count + 1, old
    if old is None or (new < old if lower else new > old):
        return 1, new
    return count, old


def _plain(value: Any) -> Any:
    """A value that the contract can hold as a bound; None for any other."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, int | Decimal):
        return value
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else None
