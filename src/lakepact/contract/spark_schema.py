"""The schema of a data frame, read from Spark's JSON form of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from lakepact.contract.spark_types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType

__all__ = ["read_spark_schema"]

_NAMES: Final[Mapping[str, str]] = {
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": "INT",
    "long": "BIGINT",
    "decimal": "DECIMAL(10,0)",
    "null": "VOID",
}
_CHAR: Final = "__CHAR_VARCHAR_TYPE_STRING"


def read_spark_schema(schema: str | Mapping[str, Any]) -> StructType:
    """The columns of a data frame from `frame.schema.json()`; a field that is not nullable is `required`.

    >>> text = '{"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": false, "metadata": {}}]}'
    >>> read_spark_schema(text).fields[0].type.ddl
    'BIGINT'
    """
    read = json.loads(schema) if isinstance(schema, str) else schema
    return StructType(tuple(_field(each) for each in read["fields"]))


def _field(field: Mapping[str, Any]) -> StructField:
    metadata = field.get("metadata") or {}
    declared = metadata.get(_CHAR)
    return StructField(
        name=field["name"],
        type=_type(declared if isinstance(declared, str) and field["type"] == "string" else field["type"]),
        required=not field.get("nullable", True),
        comment=metadata.get("comment"),
    )


def _type(written: Any) -> SparkType:
    if not isinstance(written, Mapping):
        name = str(written)
        return AtomicType(_NAMES.get(name, re.sub(r"\s*,\s*", ",", name.upper())))
    match written["type"]:
        case "struct":
            return read_spark_schema(written)
        case "array":
            return ArrayType(_type(written["elementType"]))
        case "map":
            return MapType(_type(written["keyType"]), _type(written["valueType"]))
    # A type of the user's own is stored as the type that it is made of.
    return _type(written.get("sqlType", written["type"]))
