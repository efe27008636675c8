"""Dates, times and timestamps of a document as values that compare."""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction

from lakepact.contract.model import LogicalType, SchemaProperty
from lakepact.rules.literals import Inexpressible, as_moment, zone_of

__all__ = ["seconds_of"]

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.](\d{1,6})\d*)?)?(?:Z|[+-]\d\d:?\d\d)?")
_EPOCH = dt.datetime(1970, 1, 1)


def seconds_of(value: object, prop: SchemaProperty) -> Fraction:
    """`value` as seconds that compare with others of the same property: of the day for a time, else since 1970.

    A text without a zone is in `defaultTimezone`, else UTC. Raises Inexpressible for what is no date or time.
    """
    options = prop.options
    if prop.logical_type is LogicalType.TIME:
        return _time_of_day(str(value))
    found = as_moment(value, options.format if options else None)
    whole = found if isinstance(found, dt.datetime) else dt.datetime.combine(found, dt.time())
    offset = whole.utcoffset()
    if offset is None:
        zone = zone_of((options.default_timezone if options else None) or "UTC")
        offset = whole.replace(tzinfo=zone).utcoffset() or dt.timedelta()
    return Fraction((whole.replace(tzinfo=None) - _EPOCH - offset) // dt.timedelta(microseconds=1), 1_000_000)


def _time_of_day(text: str) -> Fraction:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise Inexpressible(f"{text!r} is not a time of day")
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    return hour * 3600 + minute * 60 + second + Fraction(int(match[4] or 0), 10 ** len(match[4] or ""))
