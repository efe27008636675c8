"""Where the rows of a schema object come from, checked against the contract before anything is planned."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructType
from lakepact.errors import ConfigurationError, UsageError
from lakepact.plan.model import FileSource, Mode, Source
from lakepact.rules.model import ObjectRules, TypedColumn
from lakepact.sql import identifier

__all__ = ["ObjectSource", "check_sources", "readable_source", "source_name"]

_BY_POSITION = frozenset({"csv"})
_BY_NAME = frozenset({"json", "xml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSource:
    """Where one schema object is read from.

    `rename` maps a property or column of the contract to the name that it has in the source.

    >>> from lakepact.plan.model import TableSource
    >>> ObjectSource(source=TableSource(name=("raw", "orders")), rename={"order_id": "ID"}).mode
    <Mode.BATCH: 'batch'>
    """

    source: Source
    rename: Mapping[str, str] = field(default_factory=dict)

    @property
    def mode(self) -> Mode:
        """Whether the object is fed as a stream."""
        return self.source.mode


def check_sources(objects: Iterable[ObjectRules], sources: Mapping[str, ObjectSource]) -> None:
    """Raise UsageError LP301 for a source of no object, LP302 for a rename of no column."""
    known = {candidate.name: candidate for candidate in objects}
    for name, source in sources.items():
        if name not in known:
            raise _unknown("LP301", f"the contract has no schema object {name!r}", name, known)
        names = {name for column in known[name].columns for name in (column.property, column.name)}
        for renamed in source.rename:
            if renamed not in names:
                message = f"rename: object {name!r} has no property or column {renamed!r}"
                raise _unknown("LP302", message, renamed, sorted(names))


def _unknown(code: str, message: str, name: str, known: Iterable[str]) -> UsageError:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "known are: " + (", ".join(map(repr, names)) or "none")
    return UsageError(message, code, hint, {"name": name, "known": names})


def source_name(column: TypedColumn, rename: Mapping[str, str]) -> str:
    """The name of `column` in the source."""
    return rename.get(column.property, rename.get(column.name, column.name))


def readable_source(given: ObjectSource, rules: ObjectRules) -> Source:
    """The source with what its reader must know of the contract.

    CSV without a header has columns by position, JSON and XML have types that the reader would guess: their schema is
    the contract's columns with STRING for every leaf, so that typing happens where it is counted. Raises
    ConfigurationError LP303 where a table has no name or a file no path.
    """
    source = given.source
    if isinstance(source, FileSource):
        if not source.path or not source.format:
            message = f"object {rules.name!r}: a source of files needs a path and a format"
            raise ConfigurationError(message, "LP303", facts={"object": rules.name})
        if not source.read_schema and _needs_schema(source):
            return replace(source, read_schema=_text_schema(rules.columns, given.rename))
    return source


def _needs_schema(source: FileSource) -> bool:
    kind = source.format.lower()
    header = {key.lower(): value for key, value in source.options.items()}.get("header", "false")
    return kind in _BY_NAME or (kind in _BY_POSITION and header.lower() != "true")


def _text_schema(columns: Iterable[TypedColumn], rename: Mapping[str, str]) -> str:
    return ", ".join(f"{identifier(source_name(column, rename))} {_text_type(column.type)}" for column in columns)


def _text_type(kind: SparkType) -> str:
    match kind:
        case AtomicType():
            return "STRING"
        case ArrayType(element=element):
            return f"ARRAY<{_text_type(element)}>"
        case MapType(value=value):
            return f"MAP<STRING, {_text_type(value)}>"
        case StructType(fields=fields):
            return "STRUCT<" + ", ".join(f"{identifier(f.name)}: {_text_type(f.type)}" for f in fields) + ">"
