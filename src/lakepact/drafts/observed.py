"""The schema that was seen in data: Spark's JSON as types of the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from lakepact.contract.spark_schema import read_spark_schema
from lakepact.contract.types import StructType
from lakepact.errors import UsageError

__all__ = ["HasSchema", "observed_schema", "schema_of"]


class HasSchema(Protocol):
    """A data frame of any kind of Spark."""

    @property
    def schema(self) -> Any:
        """Its schema, which has a method `json`."""


def observed_schema(schema_json: str | Mapping[str, Any]) -> StructType:
    """The schema that `df.schema.json()` writes; `required` of a field says that it is never NULL.

    Raises UsageError (LP880) for what is no schema of a data frame.

    >>> field = {"name": "id", "type": "long", "nullable": False, "metadata": {}}
    >>> observed_schema({"type": "struct", "fields": [field]})
    StructType(fields=(StructField(name='id', type=AtomicType(ddl='BIGINT'), required=True, comment=None),))
    """
    try:
        node = json.loads(schema_json) if isinstance(schema_json, str) else schema_json
    except ValueError as error:
        raise _no_schema(f"it is no JSON ({error})") from error
    if not isinstance(node, Mapping) or node.get("type") != "struct" or not isinstance(node.get("fields"), list):
        raise _no_schema("it has no `fields`")
    return read_spark_schema(node)


def schema_of(frame: HasSchema) -> StructType:
    """The schema of a data frame, of classic Spark or of Connect. No data is read."""
    return observed_schema(frame.schema.json())


def _no_schema(reason: str) -> UsageError:
    return UsageError(f"this is no schema of a data frame: {reason}", "LP880", "give what `df.schema.json()` writes")
