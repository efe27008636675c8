"""Rows that a message may show: a few, short, and without the values of columns that are not public."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from lakepact.contract.model import SchemaObject, SchemaProperty

__all__ = ["HIDDEN", "MAX_SAMPLES", "masked_samples", "shortened"]

HIDDEN: Final = "***"
"""What stands for a value that is not shown."""

MAX_SAMPLES: Final = 5
"""How many rows of one rule are kept at most."""

_MAX_COLUMNS: Final = 20
_MAX_VALUE: Final = 100
_PUBLIC: Final = "public"


def masked_samples(
    rows: Iterable[Mapping[str, object]],
    described: SchemaObject | None,
    mask: Sequence[str] | None = None,
) -> tuple[Mapping[str, str], ...]:
    """At most MAX_SAMPLES rows as short texts, with HIDDEN for what must not be shown.

    Hidden are the columns whose classification, or that of a field in them, is one of `mask` (None: any but `public`),
    in whatever case; and columns that the contract does not describe, because nobody knows what is in them.
    """
    masked = None if mask is None else frozenset(each.casefold() for each in mask)
    shown = {
        each.column.casefold()
        for each in (described.properties if described else ())
        if not any(_is_masked(part, masked) for part in _parts(each))
    }
    return tuple(
        {
            shortened(str(column), _MAX_VALUE): shortened(_text(value), _MAX_VALUE)
            if str(column).casefold() in shown
            else HIDDEN
            for column, value in islice(row.items(), _MAX_COLUMNS)
        }
        for row in islice(rows, MAX_SAMPLES)
    )


def shortened(text: str, longest: int) -> str:
    """The text, cut with an ellipsis where it is longer; half characters, which are no Unicode, as escapes.

    >>> shortened("abcdef", 4)
    'abc…'
    """
    cut = text if len(text) <= longest else f"{text[: max(0, longest - 1)]}…"
    return cut.encode("utf-8", "backslashreplace").decode()


def _is_masked(part: SchemaProperty, masked: frozenset[str] | None) -> bool:
    classification = (part.classification or "").strip().casefold()
    if masked is None:
        return classification not in ("", _PUBLIC)
    return classification in masked


def _parts(described: SchemaProperty) -> Iterator[SchemaProperty]:
    """The property and all that is in it."""
    yield described
    for part in (*described.properties, described.items, described.map_key, described.map_value):
        if part is not None:
            yield from _parts(part)


def _text(value: object) -> str:
    if value is None:
        return "NULL"
    # A value may be huge; only its beginning is looked at.
    text = value[: _MAX_VALUE + 1] if isinstance(value, str) else str(value)
    return text if text.isprintable() else repr(text)[1:-1]
