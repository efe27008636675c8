"""Values of the document as SQL literals of a column's type, and bounds made exact for it."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal, localcontext
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lakepact.sql import literal, string

__all__ = [
    "INTEGER_RANGES",
    "Inexpressible",
    "as_fraction",
    "as_moment",
    "decimal_parts",
    "number_test",
    "typed_literal",
    "zone_of",
]

INTEGER_RANGES = {
    "TINYINT": (-(2**7), 2**7 - 1),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INT": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
}
_LARGEST_FLOAT = 3.4028234663852886e38
_STRPTIME = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%f",
    "SSSSSS": "%f",
    "XXX": "%z",
    "X": "%z",
    "Z": "%z",
    "xxx": "%z",
}


class Inexpressible(Exception):
    """A clause that cannot become SQL; the text says why. Caught where rules are drafted, never shown as an error."""


def decimal_parts(ddl: str) -> tuple[int, int]:
    """Precision and scale of `DECIMAL(p,s)`."""
    precision, scale = re.findall(r"\d+", ddl)
    return int(precision), int(scale)


# No type of Spark holds a number as long or as short; exact fractions of longer ones take seconds each.
_MAX_EXPONENT = 1_000


def as_fraction(value: object) -> Fraction:
    """A number of the document, exactly as written (0.1 is one tenth)."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise Inexpressible(f"{value!r} is not a number")
    if isinstance(value, Decimal) and abs(value.adjusted()) > _MAX_EXPONENT:
        raise Inexpressible(f"{value} has more than {_MAX_EXPONENT} digits")
    try:
        return Fraction(repr(value) if isinstance(value, float) else value)
    except (ValueError, OverflowError) as error:
        raise Inexpressible(f"{value!r} is not a number") from error


def number_test(expression: str, ddl: str, value: object, *, lower: bool, inclusive: bool) -> str:
    """`expression` (not NULL) against a bound, exact for its type; NaN fails. A constant where no value can differ."""
    bound = as_fraction(value)
    if ddl in ("FLOAT", "DOUBLE"):
        operator = (">" if lower else "<") + ("=" if inclusive else "")
        test = f"{expression} {operator} {_floating_literal(bound, ddl)}"
        return f"{test} AND NOT isnan({expression})" if lower else test
    scale = 0 if ddl in INTEGER_RANGES else decimal_parts(ddl)[1]
    units = bound * 10**scale
    whole = math.ceil(units) if lower else math.floor(units)
    if not inclusive and whole == units:
        whole += 1 if lower else -1
    low, high = _unit_range(ddl)
    if (whole > high) if lower else (whole < low):
        return "FALSE"
    if (whole <= low) if lower else (whole >= high):
        return "TRUE"
    shown = str(whole) if scale == 0 and ddl in INTEGER_RANGES else f"{_shifted(whole, scale)}BD"
    if ddl == "BIGINT" and not -(2**31) <= whole < 2**31:
        shown += "L"
    return f"{expression} {'>=' if lower else '<='} {shown}"


def _unit_range(ddl: str) -> tuple[int, int]:
    if ddl in INTEGER_RANGES:
        return INTEGER_RANGES[ddl]
    precision, _ = decimal_parts(ddl)
    return -(10**precision) + 1, 10**precision - 1


def _shifted(units: int, scale: int) -> str:
    with localcontext() as context:
        context.prec = 80
        return f"{Decimal(units).scaleb(-scale):f}"


def _floating_literal(bound: Fraction, ddl: str) -> str:
    try:
        value = float(bound)
    except OverflowError:
        value = math.inf if bound > 0 else -math.inf
    if ddl == "FLOAT" and abs(value) <= _LARGEST_FLOAT:
        return f"{value!r}F"
    return literal(value)


def typed_literal(value: object, ddl: str, *, zone: str = "UTC") -> str:
    """A value of the document as a literal that compares exactly with a column of type `ddl`.

    Raises Inexpressible where no value of that type equals it.
    """
    if ddl == "STRING" or ddl.startswith("VARCHAR"):
        return string(_text(value))
    if ddl == "BOOLEAN":
        if not isinstance(value, bool):
            raise Inexpressible(f"{value!r} is not a boolean")
        return literal(value)
    if ddl in INTEGER_RANGES or ddl.startswith("DECIMAL"):
        return _exact_literal(value, ddl)
    if ddl in ("FLOAT", "DOUBLE"):
        return _floating_literal(as_fraction(value), ddl)
    if ddl in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ"):
        return _moment_literal(as_moment(value), ddl, zone)
    raise Inexpressible(f"there are no literals of type {ddl}")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | Decimal | dt.date):
        return str(value)
    raise Inexpressible(f"{value!r} is not text")


def _exact_literal(value: object, ddl: str) -> str:
    scale = 0 if ddl in INTEGER_RANGES else decimal_parts(ddl)[1]
    units = as_fraction(value) * 10**scale
    low, high = _unit_range(ddl)
    if units.denominator != 1 or not low <= units <= high:
        raise Inexpressible(f"{value!r} is no value of {ddl}")
    if ddl not in INTEGER_RANGES:
        return f"{_shifted(int(units), scale)}BD"
    # -2^63 has no literal: the parser reads the digits before the sign.
    return "(-9223372036854775807L - 1L)" if units == -(2**63) else literal(int(units))


def _moment_literal(moment: dt.date, ddl: str, zone: str) -> str:
    if ddl == "DATE":
        if isinstance(moment, dt.datetime):
            if moment.time() != dt.time():
                raise Inexpressible(f"{moment.isoformat()} is not a date")
            moment = moment.date()
        return f"DATE'{moment.isoformat()}'"
    stamp = moment if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())
    if ddl == "TIMESTAMP_NTZ":
        return f"TIMESTAMP_NTZ'{stamp.replace(tzinfo=None).isoformat(sep=' ')}'"
    aware = stamp if stamp.tzinfo else stamp.replace(tzinfo=zone_of(zone))
    try:
        utc = aware.astimezone(dt.UTC)
    except OverflowError as error:
        raise Inexpressible(f"{stamp.isoformat()} is out of range") from error
    return f"TIMESTAMP'{utc.replace(tzinfo=None).isoformat(sep=' ')}Z'"


def zone_of(name: str) -> dt.tzinfo:
    """The time zone of that name; Inexpressible for an unknown one."""
    if name in ("UTC", "Etc/UTC", "Z", "GMT"):
        return dt.UTC
    if match := re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", name):
        sign = -1 if match[1] == "-" else 1
        return dt.timezone(sign * dt.timedelta(hours=int(match[2]) % 24, minutes=int(match[3] or 0)))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Inexpressible(f"{name!r} is not a known time zone") from error


def as_moment(value: object, pattern: str | None = None) -> dt.date:
    """A date or timestamp of the document: ISO 8601, else as the Java date `pattern` says."""
    if isinstance(value, dt.date):
        return value
    text = str(value).strip()
    for read in (dt.date.fromisoformat, dt.datetime.fromisoformat):
        if re.match(r"\d{4}-\d\d-\d\d", text):
            try:
                return read(text)
            except ValueError:
                continue
    if pattern is not None and (directive := _strptime(pattern)) is not None:
        try:
            return dt.datetime.strptime(text, directive)
        except ValueError:
            pass
    raise Inexpressible(f"{text!r} is not a date or timestamp in ISO 8601")


def _strptime(pattern: str) -> str | None:
    parts: list[str] = []
    for match in re.finditer(r"'([^']*)'|(([A-Za-z])\3*)|(.)", pattern, re.DOTALL):
        quoted, run, _, other = match.groups()
        if run:
            if run not in _STRPTIME:
                return None
            parts.append(_STRPTIME[run])
        else:
            parts.append((quoted if quoted is not None else other).replace("%", "%%"))
    return "".join(parts)
