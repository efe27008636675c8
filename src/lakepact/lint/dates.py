"""Date formats whose letters say something else than is meant, or do not fit the type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakepact.contract.model import ApiVersion, LogicalType, SchemaProperty
from lakepact.contract.types import temporal_kind
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, option_path, quoted
from lakepact.rules.formats import date_pattern
from lakepact.rules.literals import Inexpressible

__all__ = ["better_format", "check_dates"]

_TEMPORAL = (LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME)
_V3_0 = (ApiVersion.V3_0_0, ApiVersion.V3_0_1, ApiVersion.V3_0_2)
_QUOTED = re.compile(r"'[^']*'")
_STRFTIME = {
    **{"Y": "yyyy", "m": "MM", "d": "dd", "H": "HH", "M": "mm", "S": "ss", "f": "SSSSSS", "y": "yy", "I": "hh"},
    **{"p": "a", "z": "xx", "Z": "z", "j": "DDD", "b": "MMM", "B": "MMMM", "T": "HH:mm:ss", "F": "yyyy-MM-dd"},
    **{"a": "EEE", "A": "EEEE"},
}


def check_dates(subject: Subject) -> None:
    """The `format` of every date, timestamp and time that Spark accepts; the rules report the others."""
    v3_0 = subject.contract.api_version in _V3_0
    for _, prop in subject.properties:
        options = prop.options
        if options is None or options.format is None or prop.logical_type not in _TEMPORAL:
            continue
        try:
            letters = _QUOTED.sub("", date_pattern(options.format))
        except Inexpressible:
            continue
        path = option_path(options, "format")
        misread = list(_misread(letters))
        for message, hint in misread:
            subject.report(LintCode.MISREAD_LETTER, f"in {quoted(options.format)} {message}", path, hint=hint)
        if misread:
            continue  # what the parts are is not known before the letters are right
        for message, hint in _unlike(prop, options.format, letters, v3_0=v3_0):
            subject.report(LintCode.FORMAT_UNLIKE_TYPE, f"{quoted(options.format)} {message}", path, hint=hint)


def _misread(letters: str) -> Iterator[tuple[str, str]]:
    """What the letters mean that nobody writes on purpose."""
    present = set(letters)
    if "D" in present and present & set("ML"):
        yield "`D` is the day of the year", "write d for the day of the month"
    if "m" in present and "y" in present and not present & set("MLDQqHhKk"):
        yield "`m` is the minute", "write M for the month"
    if re.search(r"[HhKk]+[^A-Za-z]?M", letters):
        yield "`M` after the hour is the month", "write m for the minute"
    if present & set("hK") and "a" not in present:
        yield "`h` is the hour of half a day, and nothing says which half", "write H, or add a (AM or PM)"


def _unlike(prop: SchemaProperty, text: str, letters: str, *, v3_0: bool) -> Iterator[tuple[str, str]]:
    kind = temporal_kind(text)
    logical = prop.logical_type
    if logical is LogicalType.DATE and kind is not LogicalType.DATE and not v3_0:
        yield f"has a time of day, and the type is date: it is read as {kind.value}", f"use logicalType {kind.value}"
    elif logical is LogicalType.TIME and kind is not LogicalType.TIME:
        yield "has a date, and the type is time", f"use logicalType {kind.value}"
    elif logical is LogicalType.TIMESTAMP and kind is LogicalType.TIME:
        yield "has no date, and the type is timestamp", "use logicalType time"
    if prop.options is not None and prop.options.timezone is False and set(letters) & set("VzOXxZ"):
        yield "has a time zone, and `timezone` is false", "remove the zone from the format, or set timezone: true"


def better_format(text: str) -> str:
    """What is probably meant by a format that Spark refuses; '' where nobody can tell.

    >>> better_format("YYYY-MM-DDTHH:mm:ss.SSSZ"), better_format("%Y-%m-%d")
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 'yyyy-MM-dd')
    """
    if "%" in text:
        guess = re.sub(r"%(.)", lambda match: _STRFTIME.get(match[1], match[0]), text)
    else:
        parts = re.split(r"('[^']*')", text)
        guess = "".join(part if part.startswith("'") else _respelled(part) for part in parts)
    try:
        return date_pattern(guess) if guess != text else ""
    except Inexpressible:
        return ""


def _respelled(part: str) -> str:
    part = part.replace("Y", "y")
    if "D" in part and "M" in part:
        part = part.replace("D", "d")
    part = re.sub(r"(?<=[dMy])T(?=[Hh])", "'T'", part)
    # At the end of an ISO 8601 timestamp Z stands for an offset with a colon, or for the letter Z.
    return re.sub(r"(?<=[sS])Z\Z", "XXX", part)
