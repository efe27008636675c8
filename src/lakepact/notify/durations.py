"""Times as people write them: durations such as `30m`, and moments such as `2024-01-31T10:00:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from lakepact.errors import UsageError

__all__ = ["DURATION", "duration_of", "moment_of"]

DURATION: Final = r"^[1-9][0-9]{0,5}(s|m|h|d)$"
"""The pattern of a duration."""

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration_of(text: str) -> timedelta:
    """The duration of a text such as `90s`, `30m`, `2h` or `1d`. Raises UsageError LP952.

    >>> duration_of("2h")
    datetime.timedelta(seconds=7200)
    """
    if not re.search(DURATION, text):
        raise UsageError(f"'{text}' is no duration", "LP952", "write a number with s, m, h or d, such as 30m")
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def moment_of(text: str) -> datetime:
    """The moment of a text in ISO 8601, in UTC where it names no zone. Raises UsageError LP952.

    >>> moment_of("2024-01-31T10:00").isoformat()
    '2024-01-31T10:00:00+00:00'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no time", "LP952", "write 2024-01-31T10:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
