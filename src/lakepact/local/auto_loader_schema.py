"""The schema that Auto Loader would infer for files, read with a classic Spark session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lakepact.sql_text import TokenKind, join, split_at_commas, tokenize

__all__ = ["infer_schema"]

_UNTYPED = {"csv", "json", "xml"}
_NO_FILES = {"PATH_NOT_FOUND", "UNABLE_TO_INFER_SCHEMA"}
_Hint = tuple[tuple[str, ...], str]


def infer_schema(
    classic: Any, path: str, file_format: str, options: Mapping[str, str], *, typed: bool, hints: str
) -> str:
    """The schema of the files at `path` as Spark's JSON, or '' where there are none.

    CSV, JSON and XML give STRING columns unless `typed`. `hints` is DDL of single columns, with dotted names for nested
    fields (`id INT, address.zip STRING, tags.element STRING`); columns that the files do not have are added.
    """
    from pyspark.errors import AnalysisException
    from pyspark.sql.types import StructField, StructType

    reading = _inference_options(file_format, options, typed=typed)
    try:
        found = classic.read.format(file_format).options(**reading).load(path).schema
    except AnalysisException as error:
        if (error.getCondition() or "") in _NO_FILES:
            return ""
        raise
    if not found.fields:
        return ""
    pairs = _hints(hints)
    fields = {field.name: field.dataType for field in found.fields}
    if file_format in _UNTYPED and not typed:
        nested = {names[0].lower() for names, _ in pairs if len(names) > 1}
        fields = {name: kind if name.lower() in nested else _text_type() for name, kind in fields.items()}
    for names, kind in pairs:
        fields = _hinted(fields, names, _parsed(classic, kind))
    return StructType([StructField(name, kind) for name, kind in fields.items()]).json()


def _inference_options(file_format: str, options: Mapping[str, str], *, typed: bool) -> dict[str, str]:
    inference = {"inferSchema": str(typed)} if file_format in {"csv", "xml"} else {}
    if file_format == "json" and not typed:
        inference["primitivesAsString"] = "true"
    return {**options, **inference}


def _hints(text: str) -> list[_Hint]:
    """The columns and types of schema hints.

    >>> _hints("id INT, `a b`.c MAP<STRING, INT>")
    [(('id',), 'INT'), (('a b', 'c'), 'MAP<STRING, INT>')]
    """
    pairs: list[_Hint] = []
    for item in split_at_commas(tokenize(text)):
        blank = next((index for index, token in enumerate(item) if token.kind is TokenKind.SPACE), len(item))
        names = [token for token in item[:blank] if token.kind is not TokenKind.SYMBOL]
        parts = (token.text[1:-1].replace("``", "`") if token.text[0] == "`" else token.text for token in names)
        pairs.append((tuple(parts), join(item[blank:]).strip()))
    return pairs


def _parsed(classic: Any, kind: str) -> Any:
    from pyspark.sql.types import StructType, _parse_datatype_json_string

    # The session's own parser, because Python's asks whichever session is active.
    text = classic._jvm.org.apache.spark.sql.types.StructType.fromDDL(f"x {kind}").json()
    parsed = _parse_datatype_json_string(text)
    assert isinstance(parsed, StructType)
    return parsed.fields[0].dataType


def _hinted(fields: Mapping[str, Any], names: Sequence[str], kind: Any) -> dict[str, Any]:
    first, rest = names[0], names[1:]
    known = next((name for name in fields if name.lower() == first.lower()), first)
    return {**fields, known: _nested(fields.get(known), rest, kind)}


def _nested(found: Any, names: Sequence[str], kind: Any) -> Any:
    from pyspark.sql.types import ArrayType, MapType, StructField, StructType

    if not names:
        return kind
    match found, names[0].lower():
        case ArrayType(), "element":
            return ArrayType(_nested(found.elementType, names[1:], kind), found.containsNull)
        case MapType(), "key":
            return MapType(_nested(found.keyType, names[1:], kind), found.valueType, found.valueContainsNull)
        case MapType(), "value":
            return MapType(found.keyType, _nested(found.valueType, names[1:], kind), found.valueContainsNull)
    inner = {field.name: field.dataType for field in found.fields} if isinstance(found, StructType) else {}
    return StructType([StructField(name, part) for name, part in _hinted(inner, names, kind).items()])


def _text_type() -> Any:
    from pyspark.sql.types import StringType

    return StringType()
