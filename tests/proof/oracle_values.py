"""What a single value means to a contract: texts as typed values, and which demands a value breaks.

Written from the documents that describe the meaning (`docs/semantics.md`, the ODCS standard), not from the library.
Typed values are Python's: int, float, Decimal, str, bool, date, datetime (aware for TIMESTAMP), list, dict, None.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any
from zoneinfo import ZoneInfo

Value = Any
Declared = Mapping[str, Any]

_RANGES = {
    "i8": (-(2**7), 2**7 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "i32": (-(2**31), 2**31 - 1),
    "i64": (-(2**63), 2**63 - 1),
    "u8": (0, 2**8 - 1),
    "u16": (0, 2**16 - 1),
    "u32": (0, 2**32 - 1),
}
_JAVA_DATES = {"dd.MM.yyyy": "%d.%m.%Y", "yyyyMMdd": "%Y%m%d", "yyyy-MM-dd HH:mm": "%Y-%m-%d %H:%M"}
_ESCAPE_CLASS_OR_DOLLAR = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$")


class Misfit(Exception):
    """A text that is no value of the type."""


def options(declared: Declared) -> Declared:
    """`logicalTypeOptions`, empty where there are none."""
    found: Declared = declared.get("logicalTypeOptions") or {}
    return found


def zone_of(declared: Declared) -> dt.tzinfo:
    """The zone of texts and bounds that carry none."""
    return ZoneInfo(options(declared).get("defaultTimezone", "UTC"))


def from_text(text: str | None, declared: Declared) -> Value:
    """The typed value of a text of the source. Raises Misfit where there is none."""
    if text is None:
        return None
    kind = declared["logicalType"]
    if kind in ("string", "time"):
        return text
    return {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "date": _date,
        "timestamp": _timestamp,
    }[kind](text.strip(), declared)


def _integer(text: str, declared: Declared) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise Misfit(text)
    value = int(text)
    low, high = _RANGES[_integer_width(declared)]
    if not low <= value <= high:
        raise Misfit(text)
    return value


def _integer_width(declared: Declared) -> str:
    # Unsigned formats are stored in the next wider signed type; the smaller range is a rule, not the type.
    stored = {"u8": "i16", "u16": "i32", "u32": "i64"}
    wanted = options(declared).get("format", "i64")
    return stored.get(wanted, wanted)


def precision_of(declared: Declared) -> tuple[int, int] | None:
    """Digits and scale of a property whose physical type is a decimal."""
    found = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", declared.get("physicalType") or "")
    return (int(found[1]), int(found[2])) if found else None


def _number(text: str, declared: Declared) -> float | Decimal:
    if (digits := precision_of(declared)) is not None:
        return _decimal(text, *digits)
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?Infinity|NaN", text):
        raise Misfit(text)
    value = float(text)
    if math.isinf(value) and "Infinity" not in text:
        raise Misfit(text)
    return single(value) if options(declared).get("format") == "f32" else value


def _decimal(text: str, precision: int, scale: int) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise Misfit(text) from error
    with localcontext(prec=1000):
        if not value.is_finite() or abs(value) >= Decimal(10) ** (precision - scale) or value.scaleb(scale) % 1 != 0:
            raise Misfit(text)
    return value


def single(value: float) -> float:
    """The nearest number of 32 bits."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _boolean(text: str, declared: Declared) -> bool:
    if text.lower() not in ("true", "false"):
        raise Misfit(text)
    return text.lower() == "true"


def _date(text: str, declared: Declared) -> dt.date:
    try:
        if (form := options(declared).get("format")) is not None:
            return dt.datetime.strptime(text, _JAVA_DATES[form]).date()
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            raise Misfit(text)
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Misfit(text) from error


def _timestamp(text: str, declared: Declared) -> dt.datetime:
    try:
        if (form := options(declared).get("format")) is not None:
            value = dt.datetime.strptime(text, _JAVA_DATES[form])
        elif not re.match(r"\d{4}-\d\d-\d\d([T ]|$)", text):
            raise Misfit(text)
        else:
            value = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise Misfit(text) from error
    if options(declared).get("timezone") is False:
        return value.replace(tzinfo=None)
    return value if value.tzinfo else value.replace(tzinfo=zone_of(declared))


def bound(raw: object, declared: Declared) -> Value:
    """A bound of the contract as a value of the property's type."""
    match declared["logicalType"]:
        case "integer":
            return Decimal(str(raw))
        case "number" if precision_of(declared) is not None:
            return Decimal(str(raw))
        case "number":
            value = float(str(raw))
            return single(value) if options(declared).get("format") == "f32" else value
        case "date":
            return dt.date.fromisoformat(str(raw))
        case "timestamp":
            return _timestamp(str(raw), {**declared, "logicalTypeOptions": _without_format(declared)})
        case "time":
            return dt.time.fromisoformat(str(raw))
    raise AssertionError(f"no bounds for {declared['logicalType']}")


def _without_format(declared: Declared) -> Declared:
    return {name: value for name, value in options(declared).items() if name != "format"}


def _compared(value: Value, declared: Declared) -> Value:
    if declared["logicalType"] == "time":
        try:
            return dt.time.fromisoformat(value)
        except ValueError:
            return None
    return Decimal(value) if declared["logicalType"] == "integer" else value


def bounds_hold(value: Value, declared: Declared, option: str, limit: object) -> bool:
    """minimum, maximum and their exclusive forms (as bounds) for a value that is not NULL."""
    if isinstance(value, float) and math.isnan(value):
        return False
    found, edge = _compared(value, declared), bound(limit, declared)
    if found is None:
        return False
    return {
        "minimum": found >= edge,
        "maximum": found <= edge,
        "exclusiveMinimum": found > edge,
        "exclusiveMaximum": found < edge,
    }[option]


def is_multiple(value: Value, step: object) -> bool:
    """Whether `value`, as it is written in decimal, is a whole multiple of `step`."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    with localcontext(prec=1000):
        return Decimal(repr(value) if isinstance(value, float) else value) % Decimal(str(step)) == 0


def is_time(value: str) -> bool:
    """A time of the day, `HH:MM:SS` with an optional fraction."""
    return re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?", value) is not None


def pattern_found(pattern: str, text: str) -> bool:
    """An ECMAScript pattern searched for in `text`: `$` is the very end, classes are ASCII."""
    anchored = _ESCAPE_CLASS_OR_DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern)
    return re.search(anchored, text, re.ASCII) is not None


def _is_address(kind: Callable[[str], object], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _is_hostname(text: str) -> bool:
    label = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
    return 0 < len(text) <= 253 and all(label.match(part) for part in text.split("."))


_FORMATS: Mapping[str, Callable[[str], bool]] = {
    "email": lambda t: re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*", t) is not None,
    "uuid": lambda t: re.fullmatch(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", t) is not None,
    "uri": lambda t: re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+", t) is not None,
    "hostname": _is_hostname,
    "ipv4": lambda t: _is_address(ipaddress.IPv4Address, t),
    "ipv6": lambda t: "%" not in t and _is_address(ipaddress.IPv6Address, t),
    "byte": _is_base64,
}


def format_test(name: str) -> Callable[[str], bool] | None:
    """Whether a text has the format; None for formats that say nothing of the text (password)."""
    return _FORMATS.get(name)


def identity(value: Value) -> object:
    """Something hashable that is equal for values that keys and items hold to be equal: NaN is equal to itself."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, list):
        return tuple(identity(each) for each in value)
    if isinstance(value, dict):
        return tuple((name, identity(each)) for name, each in value.items())
    return value
