"""Files and folders of data, read as a contract's object has them to be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lakepact.errors import UsageError
from lakepact.plan.model import FileSource
from lakepact.plan.sources import ObjectSource, readable_source
from lakepact.rules.model import ObjectRules

__all__ = ["FORMATS", "format_of", "read_files"]

FORMATS: Final = ("csv", "json", "parquet", "orc", "avro", "delta")
_SUFFIXES: Final = {"ndjson": "json", "jsonl": "json"}
_PACKED: Final = frozenset({"gz", "bz2", "zst", "lz4", "snappy", "deflate"})


def format_of(path: Path) -> str:
    """The format of a file by its suffix, of a folder by what it holds.

    Raises UsageError LP899 where nothing is there, where nobody can tell, and for a folder of several formats.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".csv.gz") as file:
    ...     format_of(Path(file.name))
    'csv'
    """
    if not path.exists():
        raise UsageError(f"there is no '{path}'", "LP899", "name a file or a folder of data")
    if path.is_file():
        found = {_suffix(path)}
    elif (path / "_delta_log").is_dir():
        return "delta"
    else:
        files = (each for each in path.rglob("*") if each.is_file() and not each.name.startswith((".", "_")))
        found = {_suffix(each) for each in files} & set(FORMATS)
    known = found & set(FORMATS)
    if len(known) == 1:
        return known.pop()
    told = f"it has {' and '.join(sorted(known))}" if known else "its name does not tell"
    raise UsageError(f"the format of '{path}' is not clear: {told}", "LP899", f"give one of {', '.join(FORMATS)}")


def read_files(spark: Any, path: Path, rules: ObjectRules, *, kind: str, options: Mapping[str, str]) -> Any:
    """The data frame of files; text formats are read as text, so that every value is typed where it is counted."""
    given = {"header": "true"} | dict(options) if kind == "csv" else dict(options)
    place = str(path.absolute())
    source = readable_source(ObjectSource(source=FileSource(path=place, format=kind, options=given)), rules)
    assert isinstance(source, FileSource)
    reader = spark.read.format(source.format)
    for name, value in source.options.items():
        reader = reader.option(name, value)
    return (reader.schema(source.read_schema) if source.read_schema else reader).load(place)


def _suffix(path: Path) -> str:
    parts = path.name.lower().split(".")[1:]
    while parts and parts[-1] in _PACKED:
        parts.pop()
    last = parts[-1] if parts else ""
    return _SUFFIXES.get(last, last)
