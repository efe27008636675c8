"""What a service level promises: spans of time that follow the calendar, shares, amounts, times of day and moments."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from lakepact.contract.durations import UNIT_SECONDS
from lakepact.contract.model import SlaProperty
from lakepact.rules.literals import Inexpressible, as_fraction, as_moment, zone_of

__all__ = [
    "Amount",
    "Span",
    "TimeOfDay",
    "amount_of",
    "kind_of",
    "moment_of_level",
    "period_before",
    "seconds_of",
    "share_of",
    "shown",
    "shown_seconds",
    "shown_share",
    "span_of",
    "time_of_day",
]

# The words and short names of the standard, in lower case, and what tools write for them.
_KINDS: Final = {
    "ly": "latency",
    "freshness": "latency",
    "fr": "latency",
    "re": "retention",
    "fy": "frequency",
    "av": "availability",
    "er": "errorrate",
    "th": "throughput",
    "volume": "throughput",
    "ga": "generalavailability",
    "es": "endofsupport",
    "el": "endoflife",
    "td": "timetodetect",
    "tn": "timetonotify",
    "tr": "timetorepair",
}
_WORDS: Final = {
    "minutely": "min",
    "hourly": "h",
    "daily": "d",
    "weekly": "w",
    "monthly": "mo",
    "yearly": "y",
    "annually": "y",
}
_PERCENT: Final = frozenset(("%", "percent", "percentage", "pct"))
_DAY: Final = UNIT_SECONDS["d"]
_WEEK: Final = UNIT_SECONDS["w"]
_MONTH: Final = UNIT_SECONDS["mo"]
_YEAR: Final = UNIT_SECONDS["y"]
_PER: Final = re.compile(r"(rows?|records?)\s*(?:/|per)\s*([a-z]+)")
_TIME: Final = re.compile(r"(\d{1,2}:\d\d(?::\d\d)?)\s*(Z|[+-]\d\d:?\d\d|[A-Za-z][\w+-]*(?:/[\w+-]+)*)?")
_LONGEST: Final = 36_525


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span of time as the calendar counts: so many months, or days, or seconds; the other two are 0.

    Days and months are those of a time zone, so that a day may have 23 or 25 hours and a month 28 to 31 days.
    """

    months: int = 0
    days: int = 0
    seconds: Fraction = Fraction(0)

    def after(self, moment: dt.datetime, zone: dt.tzinfo, *, times: int = 1) -> dt.datetime:
        """The moment that is so much later (`times` may be negative), in UTC; the 31st becomes the last of a month."""
        if self.seconds:
            return moment.astimezone(dt.UTC) + times * dt.timedelta(seconds=float(self.seconds))
        local = moment.astimezone(zone)
        if self.days:
            moved = local.replace(tzinfo=None) + times * dt.timedelta(days=self.days)
        else:
            number = local.year * 12 + local.month - 1 + times * self.months
            year, month = divmod(number, 12)
            last = calendar.monthrange(year, month + 1)[1]
            moved = local.replace(tzinfo=None, year=year, month=month + 1, day=min(local.day, last))
        return moved.replace(tzinfo=zone).astimezone(dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So many rows in each period of the calendar; `unit` is a key of `UNIT_SECONDS`."""

    rows: Fraction
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfDay:
    """A time of each day in its time zone. In the hour that a clock repeats it is the first; one that a clock skips is
    as much later as the clock goes forward.
    """

    time: dt.time
    zone: dt.tzinfo

    def on(self, day: dt.date) -> dt.datetime:
        """That time on that day, in UTC."""
        return dt.datetime.combine(day, self.time, self.zone).astimezone(dt.UTC)

    def midnight(self, day: dt.date) -> dt.datetime:
        """When that day begins in the time zone, in UTC."""
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)

    def last(self, now: dt.datetime) -> dt.date:
        """The day of the last such time that is over."""
        today = now.astimezone(self.zone).date()
        return today if self.on(today) <= now else today - dt.timedelta(days=1)


def kind_of(sla: SlaProperty) -> str:
    """What a service level is about, in one word for all that mean the same."""
    name = sla.property.strip().casefold()
    return _KINDS.get(name, name)


def shown(sla: SlaProperty) -> str:
    """Value and unit as the document writes them."""
    return " ".join(str(part) for part in (sla.value, sla.unit) if part is not None)


def _unit(sla: SlaProperty) -> str:
    unit = (sla.unit or "").strip().casefold()
    if unit == "m":
        raise Inexpressible("unit 'm' may be minutes or months; write 'min' or 'month'")
    if unit not in UNIT_SECONDS:
        raise Inexpressible(f"unit {sla.unit!r} is no unit of time" if unit else "it has no unit")
    return unit


def seconds_of(sla: SlaProperty) -> Fraction:
    """The value in seconds, months and years being those of the calendar on average, as the rules count them.

    Raises Inexpressible for what is no duration, as all functions of this module do.
    """
    return _positive(sla) * UNIT_SECONDS[_unit(sla)]


def span_of(sla: SlaProperty) -> Span:
    """The value as the calendar counts it: a number with its unit, or a word such as `daily`."""
    word = str(sla.value).strip().casefold()
    unit = _WORDS[word] if word in _WORDS else _unit(sla)
    number, seconds = (Fraction(1) if word in _WORDS else _positive(sla)), UNIT_SECONDS[unit]
    if number == 0:
        raise Inexpressible("it is 0, which nothing can keep")
    if number * seconds > _LONGEST * _DAY:
        raise Inexpressible(f"{sla.value} {sla.unit} is longer than the calendar")
    whole = int(number) if number.denominator == 1 else 0
    match seconds:
        case _ if not whole:
            return Span(seconds=number * seconds)
        case _ if seconds in (_DAY, _WEEK):
            return Span(days=whole * int(seconds / _DAY))
        case _ if seconds in (_MONTH, _YEAR):
            return Span(months=whole * (12 if seconds == _YEAR else 1))
    return Span(seconds=number * seconds)


def share_of(sla: SlaProperty, *, as_fraction_below_one: bool) -> Fraction:
    """The value as a share from 0 to 1: percent, or a fraction where the unit is absent and nobody means percent."""
    unit = (sla.unit or "").strip().casefold()
    text = str(sla.value).strip()
    number = as_fraction(text.rstrip("%").strip()) if text.endswith("%") else _positive(sla)
    if unit in _PERCENT or text.endswith("%") or (not unit and number > 1):
        share = number / 100
    elif unit:
        raise Inexpressible(f"unit {sla.unit!r} is no percent")
    elif as_fraction_below_one:
        share = number
    else:
        raise Inexpressible(f"{sla.value} without unit may be percent or a fraction; write unit: percent")
    if not 0 <= share <= 1:
        raise Inexpressible(f"{sla.value} is no share of 0 to 100 percent")
    return share


def amount_of(sla: SlaProperty) -> Amount:
    """The value as rows a period: unit `rows/d`, `records per hour`."""
    found = _PER.fullmatch((sla.unit or "").strip().casefold())
    if found is None or found[2] not in UNIT_SECONDS or found[2] == "ms":
        raise Inexpressible("its unit is no rows a period, such as rows/d")
    return Amount(rows=_positive(sla), unit=found[2])


def time_of_day(sla: SlaProperty, zone: dt.tzinfo) -> TimeOfDay:
    """The value as a time of each day: `09:00-08:00`, `09:00 Europe/Berlin`, or in `zone` where it names none."""
    found = _TIME.fullmatch(str(sla.value).strip())
    if found is None:
        raise Inexpressible(f"{sla.value!r} is no time of day such as 09:00-08:00")
    try:
        time = dt.time.fromisoformat(found[1].zfill(5) if len(found[1]) < 6 else found[1].zfill(8))
    except ValueError:
        raise Inexpressible(f"{found[1]} is no time of day") from None
    named = found[2]
    return TimeOfDay(time=time, zone=zone if named is None else zone_of(named))


def moment_of_level(sla: SlaProperty, zone: dt.tzinfo) -> dt.datetime:
    """The value as a moment, in UTC; a day begins in `zone`."""
    found = as_moment(sla.value)
    moment = found if isinstance(found, dt.datetime) else dt.datetime.combine(found, dt.time())
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(dt.UTC)
    except OverflowError as error:
        raise Inexpressible(f"{sla.value} is out of range") from error


def period_before(now: dt.datetime, unit: str, zone: dt.tzinfo) -> tuple[dt.datetime, dt.datetime]:
    """Begin and end, in UTC, of the last whole minute, hour, day, week (from Monday), month or year of the zone."""
    local, seconds = now.astimezone(zone), UNIT_SECONDS[unit]
    if seconds < _DAY:
        # By the offset: a local time that occurs twice would make two hours of one.
        length = int(seconds)
        shift = int((local.utcoffset() or dt.timedelta()).total_seconds())
        end = (int(now.timestamp()) + shift) // length * length - shift
        return dt.datetime.fromtimestamp(end - length, dt.UTC), dt.datetime.fromtimestamp(end, dt.UTC)
    today = local.date()
    if seconds == _DAY:
        first, before = today, today - dt.timedelta(days=1)
    elif seconds == _WEEK:
        first = today - dt.timedelta(days=today.weekday())
        before = first - dt.timedelta(days=7)
    elif seconds == _MONTH:
        first = today.replace(day=1)
        before = (first - dt.timedelta(days=1)).replace(day=1)
    else:
        first = today.replace(month=1, day=1)
        before = first.replace(year=first.year - 1)
    begin, end_at = (dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in (before, first))
    return begin, end_at


def _positive(sla: SlaProperty) -> Fraction:
    number = as_fraction(sla.value)
    if number < 0:
        raise Inexpressible(f"{sla.value} is below 0")
    return number


def shown_seconds(seconds: float) -> str:
    """A duration for people, in the two largest units.

    >>> shown_seconds(90), shown_seconds(97_200), shown_seconds(-30)
    ('1 min 30 s', '1 d 3 h', '-30 s')
    """
    left = abs(round(seconds))
    parts: list[str] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {name}")
    return ("-" if seconds < 0 and parts else "") + (" ".join(parts[:2]) or "0 s")


def shown_share(share: Fraction) -> str:
    """A share in percent, never rounded to 0 or 100 where it is not.

    >>> shown_share(Fraction(199_999, 200_000)), shown_share(Fraction(1))
    ('99.9995 %', '100 %')
    """
    for places in range(2, 8):
        text = f"{Decimal(share.numerator * 100) / Decimal(share.denominator):.{places}f}"
        if Fraction(text) not in (0, 100) or share in (0, 1):
            break
    return f"{text.rstrip('0').rstrip('.')} %"
