"""Tables in memory (pandas, PyArrow, Polars) as a Parquet file of their own, so that every engine reads them alike."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lakepact.errors import ConfigurationError, ExtraMissing
from lakepact.quality.engine import Data, FileData, FrameData, TableData

__all__ = ["on_disk"]


@contextmanager
def on_disk(
    data: Data | TableData, references: Mapping[str, Data | TableData]
) -> Iterator[tuple[Data, dict[str, Data]]]:
    """Data and references with each table as a file, which is gone after the `with` block; other data as it is.

    Raises ConfigurationError LP979 for a table that no Parquet file holds, and for what is no data; ExtraMissing LP972
    where PyArrow is not installed.
    """
    with ExitStack() as stack:
        yield _kept(stack, data), {name: _kept(stack, each) for name, each in references.items()}


def _kept(stack: ExitStack, data: object) -> Data:
    if isinstance(data, FrameData | FileData):
        return data
    if not isinstance(data, TableData):
        hint = "wrap it: FrameData (Spark), TableData (pandas, PyArrow, Polars) or FileData, of lakepact.quality.engine"
        raise ConfigurationError(f"a {_kind(data)} is no data that is checked", "LP979", hint)
    # An engine that was given up may still read the file.
    folder = tempfile.TemporaryDirectory(prefix="lakepact-table-", ignore_cleanup_errors=True)
    file = Path(stack.enter_context(folder)) / "table.parquet"
    _write(data.table, file)
    return FileData(paths=(str(file),), format="parquet")


def _write(table: Any, file: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        message = "pyarrow is not installed, which reads tables in memory"
        raise ExtraMissing(message, "LP972", "pip install pyarrow") from None
    try:
        found = _arrow(pa, table)
        # Spark has no finer time than a microsecond.
        pq.write_table(found, file, coerce_timestamps="us", allow_truncated_timestamps=True, store_schema=False)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        # What comes before quotes values.
        told = str(error.args[-1]).strip().partition("\n")[0]
        hint = "give each column values of one type, or let Spark check it: FrameData(spark.createDataFrame(...))"
        raise ConfigurationError(f"the {_kind(table)} cannot be read: {told}", "LP979", hint) from None


def _arrow(pa: Any, table: Any) -> Any:
    """The table of PyArrow, with types that files have."""
    # Whoever has a frame of pandas has imported it.
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(table, pandas.DataFrame):
        found = pa.Table.from_pandas(table, preserve_index=False)
    elif hasattr(table, "__arrow_c_stream__"):
        found = pa.table(table)
    else:
        raise TypeError("it is no table that gives Arrow data")
    if not found.num_columns:
        raise ValueError("it has no columns")
    return found.cast(pa.schema([_field(pa, each) for each in found.schema]))


def _field(pa: Any, field: Any) -> Any:
    kind = field.type
    if "duration[" in str(kind):
        raise TypeError(f"column {field.name!r} is of the type {kind}, which no file has")
    if pa.types.is_null(kind):
        # A column of objects that are all missing: text is what such columns hold.
        kind = pa.string()
    elif pa.types.is_float16(kind):
        kind = pa.float32()
    # pandas does not say which columns are required, and Spark reads no such promise of a file.
    return pa.field(field.name, kind, nullable=True)


def _kind(table: object) -> str:
    return f"{type(table).__module__.partition('.')[0]}.{type(table).__qualname__}"
