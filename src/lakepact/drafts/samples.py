"""Facts from the first bytes of CSV and JSON files: types are inferred, values counted."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from lakepact.contract.types import ArrayType, AtomicType, SparkType, StructField, StructType
from lakepact.drafts.statistics import ColumnFacts, FileFacts
from lakepact.drafts.type_keys import VOID
from lakepact.errors import ConfigurationError

__all__ = ["csv_facts", "json_facts"]

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?[eE][+-]?[0-9]{1,3}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,}(Z|[+-][0-9]{2}:?[0-9]{2})?")
_DELIMITERS: Final = ",;\t|"
_LARGEST_PRECISION: Final = 38
_MOST_COUNTED: Final = 100_000
_DEEPEST: Final = 40

_BIGINT, _DOUBLE, _STRING = AtomicType("BIGINT"), AtomicType("DOUBLE"), AtomicType("STRING")
_BOOLEAN, _DATE = AtomicType("BOOLEAN"), AtomicType("DATE")


def csv_facts(samples: Mapping[str, tuple[bytes, bool]]) -> FileFacts:
    """The facts of CSV files with a line of names: the first bytes of each, and whether there are more.

    Raises ConfigurationError (LP883) for a sample without names, or whose files name other columns.
    """
    columns: dict[str, list[str]] = {}
    rows, first = 0, ""
    for file, (content, more) in samples.items():
        names, table = _table(file, content, more=more)
        if columns and list(columns) != names:
            raise _unusable(file, f"its columns are not those of {first}", "draft from files of one kind")
        first = first or file
        columns = columns or {name: [] for name in names}
        for row in table:
            rows += 1
            for name, value in zip(names, row, strict=False):
                columns[name].append(value)
    fields, facts = [], []
    for name, texts in columns.items():
        present = [text for text in texts if text != ""]
        found = _text_type(present)
        fields.append(StructField(name, found))
        facts.append(_facts((name,), found, rows, present))
    whole = not any(more for _, more in samples.values())
    return FileFacts(StructType(tuple(fields)), rows, facts, exact=False, whole=whole, files=list(samples))


def json_facts(samples: Mapping[str, tuple[bytes, bool]]) -> FileFacts:
    """The facts of JSON files, one object a line or all in a list: the first bytes of each, and whether there are more.

    Raises ConfigurationError (LP883) for a sample without objects.
    """
    records: list[Mapping[str, Any]] = []
    for file, (content, more) in samples.items():
        found = list(_records(file, content, more=more))
        if not found:
            raise _unusable(file, "no object is in its first bytes", "give a larger sample, or lines of JSON objects")
        records += found
    schema = _json_type(records, 0)
    assert isinstance(schema, StructType)
    facts = list(_json_columns((), schema, records, len(records)))
    whole = not any(more for _, more in samples.values())
    return FileFacts(schema, len(records), facts, exact=False, whole=whole, files=list(samples))


def _unusable(file: str, reason: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"nothing can be drafted from '{file}': {reason}", "LP883", hint)


def _table(file: str, content: bytes, *, more: bool) -> tuple[list[str], list[list[str]]]:
    text = content.decode("utf-8-sig", "replace")
    if more:
        # The sample may end within a line, and within a character.
        text = text[: text.rfind("\n") + 1]
    try:
        dialect: Any = csv.Sniffer().sniff(text[:20_000], _DELIMITERS)
    except csv.Error:
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), dialect) if row]
    except csv.Error as error:
        raise _unusable(file, str(error), "give a file with one row a line") from error
    if not rows or len(set(rows[0])) != len(rows[0]) or not all(rows[0]):
        raise _unusable(file, "its first line does not name the columns", "give a CSV file with a line of names")
    names = rows[0]
    # A last row that is cut within quotes has another number of values.
    return names, [row for row in rows[1:] if len(row) == len(names)]


def _text_type(texts: Sequence[str]) -> SparkType:
    if not texts:
        return VOID
    if all(text.casefold() in ("true", "false") for text in texts):
        return _BOOLEAN
    if all(map(_INTEGER.fullmatch, texts)):
        return _BIGINT
    if all(_INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text) for text in texts):
        return _decimal_type(texts)
    if all(_INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text) or _FLOAT.fullmatch(text) for text in texts):
        return _DOUBLE
    if all(map(_is_date, texts)):
        return _DATE
    return _moment_type(texts) or _STRING


def _decimal_type(texts: Sequence[str]) -> SparkType:
    parts = [text.lstrip("-").partition(".") for text in texts]
    scale = max(len(fraction) for _, _, fraction in parts)
    precision = max(len(whole) for whole, _, _ in parts) + scale
    return AtomicType(f"DECIMAL({precision},{scale})") if precision <= _LARGEST_PRECISION else _DOUBLE


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and text[4] == "-" and bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _moment_type(texts: Sequence[str]) -> SparkType | None:
    zones = set()
    for text in texts:
        match = _MOMENT.fullmatch(text)
        if match is None:
            return None
        try:
            dt.datetime.fromisoformat(text)
        except ValueError:
            return None
        zones.add(match[1] is not None)
    return AtomicType("TIMESTAMP" if zones == {True} else "TIMESTAMP_NTZ") if len(zones) == 1 else None


def _facts(path: tuple[str, ...], found: SparkType, rows: int, values: Sequence[Any]) -> ColumnFacts:
    made = ColumnFacts(path, found, rows, len(values))
    if not isinstance(found, AtomicType) or found in (VOID, _BOOLEAN) or not values:
        return made
    counted = Counter(map(str, values))
    made.distinct = len(counted)
    made.values = counted if len(counted) <= _MOST_COUNTED else None
    if found == _STRING:
        return made
    known = {text: _value(text, found) for text in counted}
    low, high = min(known, key=lambda text: known[text]), max(known, key=lambda text: known[text])
    made.lowest, made.highest = known[low], known[high]
    made.at_lowest = sum(counted[text] for text in known if known[text] == known[low])
    made.at_highest = sum(counted[text] for text in known if known[text] == known[high])
    return made


def _value(text: str, found: AtomicType) -> Any:
    if found == _BIGINT:
        return int(text)
    return Decimal(text) if found == _DOUBLE or found.ddl.startswith("DECIMAL") else text


def _records(file: str, content: bytes, *, more: bool) -> Iterator[Mapping[str, Any]]:
    text = content.decode("utf-8-sig", "replace").strip()
    decoder = json.JSONDecoder(parse_constant=str)
    at = 1 if text.startswith("[") else 0
    while at < len(text):
        skipped = re.match(r"[\s,]*", text[at:])
        at += skipped.end() if skipped else 0
        if at >= len(text) or text[at] == "]":
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            if more:
                return
            line = text.count("\n", 0, at) + 1
            raise _unusable(file, f"line {line} is no JSON", "give one object a line, or a list of objects") from error
        if isinstance(value, Mapping):
            yield value


def _json_type(values: Iterable[Any], depth: int) -> SparkType:
    present = [value for value in values if value is not None]
    if not present:
        return VOID
    kinds = {_kind(value) for value in present}
    if kinds == {"object"} and depth < _DEEPEST:
        names = dict.fromkeys(name for value in present for name in value)
        inner = ((name, _json_type([value.get(name) for value in present], depth + 1)) for name in names)
        return StructType(tuple(StructField(name, found) for name, found in inner))
    if kinds == {"array"} and depth < _DEEPEST:
        return ArrayType(_json_type([each for value in present for each in value], depth + 1))
    if kinds == {"boolean"}:
        return _BOOLEAN
    if kinds == {"integer"} and all(-(2**63) <= value < 2**63 for value in present):
        return _BIGINT
    return _DOUBLE if kinds <= {"integer", "number"} else _STRING


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case Mapping():
            return "object"
        case list():
            return "array"
    return "string"


def _json_columns(
    path: tuple[str, ...], schema: StructType, records: Sequence[Mapping[str, Any]], rows: int
) -> Iterator[ColumnFacts]:
    for field in schema.fields:
        values = [value for record in records if (value := record.get(field.name)) is not None]
        here = (*path, field.name)
        if isinstance(field.type, StructType):
            yield ColumnFacts(here, field.type, rows, len(values))
            yield from _json_columns(here, field.type, values, len(values))
        else:
            yield _facts(here, field.type, rows, values)
