"""Values of quarantined rows as JSON, the same from every engine, and the ids that follow from them.

type                    JSON
BOOLEAN, integers       as they are
FLOAT, DOUBLE           a number; "NaN", "Infinity" and "-Infinity" as text
DECIMAL                 text without needless zeros
DATE, TIMESTAMP_NTZ     ISO text
TIMESTAMP               ISO text in UTC that ends in Z
BINARY                  text in base64
ARRAY, STRUCT           a list, an object
MAP                     an object where its keys are text, else a list of pairs
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructField, StructType
from lakepact.errors import UsageError

__all__ = ["checked_values", "content_digest", "given_value", "plain", "python_value", "record_id"]

_INTEGERS: Final = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}
_TEXTS: Final = ("STRING", "VARCHAR", "CHAR")


def plain(value: Any, kind: SparkType) -> Any:
    """A value of that type, as Arrow gives it to Python, as JSON has it."""
    if value is None:
        return None
    match kind:
        case ArrayType(element=element):
            return [plain(each, element) for each in value]
        case MapType(key=key, value=inner):
            pairs = [(plain(name, key), plain(each, inner)) for name, each in _pairs(value)]
            if _is_text(key):
                return dict(sorted(pairs))
            return sorted(([name, each] for name, each in pairs), key=lambda pair: json.dumps(pair[0], sort_keys=True))
        case StructType(fields=fields):
            return {each.name: plain(value[each.name], each.type) for each in fields}
    return _plain_atom(value)


def _plain_atom(value: Any) -> Any:
    match value:
        case bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity"}.get(str(value), "-Infinity")
        case Decimal():
            return _decimal_text(value)
        case datetime():
            if value.tzinfo is None:
                return value.isoformat()
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case date():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode()
    return str(value)


def python_value(value: Any, kind: SparkType) -> Any:
    """The value that `plain` gave, as Spark takes it from Python. Raises ValueError for what is no value of the type.

    >>> python_value("1.50", AtomicType("DECIMAL(10,2)"))
    Decimal('1.50')
    """
    if value is None:
        return None
    match kind:
        case ArrayType(element=element):
            return [python_value(each, element) for each in _as(list, value)]
        case MapType(key=key, value=inner):
            pairs = value.items() if isinstance(value, Mapping) else _as(list, value)
            return {python_value(name, key): python_value(each, inner) for name, each in pairs}
        case StructType(fields=fields):
            given = _as(dict, value)
            if unknown := sorted(set(given) - {each.name for each in fields}):
                raise ValueError(f"it has no field {unknown[0]!r}")
            return tuple(python_value(given.get(each.name), each.type) for each in fields)
    return _python_atom(value, kind.ddl)


def _python_atom(value: Any, ddl: str) -> Any:
    name = ddl.partition("(")[0]
    if name in _TEXTS:
        return _as(str, value)
    if name in _INTEGERS:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{value!r} is no whole number")
        if not -(2 ** _INTEGERS[name]) <= value < 2 ** _INTEGERS[name]:
            raise ValueError(f"{value} is too large")
        return value
    match name:
        case "BOOLEAN":
            return _as(bool, value)
        case "FLOAT" | "DOUBLE":
            if isinstance(value, bool) or not (isinstance(value, int | float) or value in _NOT_FINITE):
                raise ValueError(f"{value!r} is no number")
            return float(value)
        case "DECIMAL":
            return _decimal(value, ddl)
        case "DATE":
            return date.fromisoformat(_as(str, value))
        case "TIMESTAMP":
            moment = datetime.fromisoformat(_as(str, value))
            if moment.tzinfo is None:
                raise ValueError(f"{value!r} has no time zone; write it as in 2024-01-31T10:00:00Z")
            return moment
        case "TIMESTAMP_NTZ":
            moment = datetime.fromisoformat(_as(str, value))
            if moment.tzinfo is not None:
                raise ValueError(f"{value!r} has a time zone, and the column has none")
            return moment
        case "BINARY":
            return base64.b64decode(_as(str, value), validate=True)
    raise ValueError(f"a value of type {ddl} cannot be given")


_TYPED_AS_TEXT: Final = (*_TEXTS, "DECIMAL", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ", "BINARY")
_NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")


def _decimal(value: Any, ddl: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"{value!r} is no decimal number; write it as text")
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no decimal number") from None
    precision, scale = (int(each) for each in ddl.partition("(")[2].rstrip(")").split(","))
    if not found.is_finite() or found != round(found, scale) or abs(found) >= Decimal(10) ** (precision - scale):
        raise ValueError(f"{value!r} does not fit {ddl}")
    return found


def checked_values(values: Mapping[str, Any], columns: Sequence[StructField]) -> dict[str, Any]:
    """Corrected values by the names of their columns, in their canonical form.

    Raises UsageError LP985 with everything that is wrong: a column that is not there, a value of another type.
    """
    known = {each.name.casefold(): each for each in columns}
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in values.items():
        column = known.get(name.casefold())
        if column is None:
            wrong.append(f"there is no column {name!r}")
            continue
        try:
            python_value(value, column.type)
        except (ValueError, TypeError, AttributeError) as error:
            wrong.append(f"column {column.name!r} is {column.type.ddl}: {error}")
        else:
            found[column.name] = value
    if wrong or not values:
        listed = ", ".join(each.name for each in columns)
        message = "; ".join(wrong) or "no corrected value is given"
        raise UsageError(f"the correction cannot be taken: {message}", "LP985", f"the columns are {listed}")
    return found


def given_value(text: str, kind: SparkType) -> Any:
    """What somebody typed for a column of that type: text where JSON has text for it, else JSON.

    >>> given_value("12", AtomicType("STRING")), given_value("12", AtomicType("BIGINT"))
    ('12', 12)
    """
    if isinstance(kind, AtomicType) and kind.ddl.partition("(")[0] in _TYPED_AS_TEXT:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def content_digest(row: Mapping[str, Any], raw_values: Mapping[str, str]) -> str:
    """The hash of a row's content. A column without a value does not count, so that a later column changes no id."""
    given = {name: value for name, value in row.items() if value is not None}
    return _sha256([given, dict(raw_values)])


def record_id(*, dataset: str, contract_id: str, run_id: str, content: str, occurrence: int = 1) -> str:
    """The id of a record: the same for the same content, the same run and the same number among equal rows."""
    return _sha256([dataset, contract_id, run_id, content, occurrence])


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _decimal_text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _pairs(value: Any) -> Sequence[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, Mapping) else list(value)


def _is_text(kind: SparkType) -> bool:
    return isinstance(kind, AtomicType) and kind.ddl.partition("(")[0] in _TEXTS


def _as(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{value!r} is no {_WORDS[kind]}")
    return value


_WORDS: Final[Mapping[type, str]] = {str: "text", bool: "truth value", list: "list", dict: "object"}
