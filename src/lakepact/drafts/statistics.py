"""What is known of the columns of files without reading all of them, and what it says of a contract."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from lakepact.contract.types import AtomicType, SparkType, StructType

__all__ = ["Candidate", "ColumnFacts", "FileFacts", "candidates", "shape_of"]

_MOST_VALUES: Final = 50
_ROWS_A_VALUE: Final = 5
_KEY_NAME: Final = re.compile(r"(?:^|_)(?:id|key|uuid|guid|code|number|no|nr)$|[a-z](?:Id|Key|Uuid)$", re.IGNORECASE)
_NUMBERS: Final = ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL")
_MOMENTS: Final = ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ")
_GUESS: Final = 0.5

_SHAPES: Final[Mapping[str, str]] = {
    "UUIDs": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
    "addresses of mail": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "dates": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "moments": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$",
}
_CLASSES: Final = ("[0-9]", "[A-Z]", "[a-z]", "[0-9A-Z]", "[0-9a-f]", "[0-9A-Za-z]")
_LONGEST_CODE: Final = 64


@dataclass(slots=True)
class ColumnFacts:
    """One column, or field of a struct: `path` are the names that lead to it.

    `present` counts values that are not NULL, and is None where that is not known. `at_lowest` and `at_highest` say how
    often the extremes were met, at least. `values` counts the values themselves, where they were read; None where they
    were not, or are too many.
    """

    path: tuple[str, ...]
    type: SparkType
    rows: int
    present: int | None
    lowest: Any = None
    highest: Any = None
    at_lowest: int = 0
    at_highest: int = 0
    distinct: int | None = None
    values: Counter[str] | None = None


@dataclass(slots=True)
class FileFacts:
    """What files hold: their schema, and facts on columns. `exact` types are declared, others are inferred from text.

    `whole` says that every row counts in the facts, and not a sample of them only.
    """

    schema: StructType
    rows: int
    columns: list[ColumnFacts]
    exact: bool
    whole: bool
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A clause that the facts suggest: an option, or a key of the property, with how sure it is and why."""

    path: tuple[str, ...]
    clause: str
    value: Any
    confidence: float
    evidence: str


def candidates(facts: FileFacts) -> Iterator[Candidate]:
    """Every clause that the facts suggest.

    How sure: `1 - 1 / (n + 2)` for what n of n values show and no other one could be told from (never NULL, a shape,
    not negative, a key); `1 - 2^-k` for an extreme that was met k times, since more data exceeds one that was met once
    as often as not; for a set of values, the share that Good and Turing give to those already seen. What only part of
    the data shows of keys, and the end of a range of time, is a guess: 0.5.
    """
    for column in facts.columns:
        if column.present is None:
            continue
        yield from _required(column)
        yield from _ranges(column)
        chosen = list(_enum(column))
        yield from chosen or _pattern(column)
        yield from _key(column, whole=facts.whole)


def shape_of(values: Sequence[str]) -> tuple[str, str] | None:
    """The pattern that all values have, and what they are; None where no known shape fits.

    >>> shape_of(["10115", "80331"])
    ('^[0-9]{5}$', 'codes of 5 characters')
    """
    for what, pattern in _SHAPES.items():
        if all(re.search(pattern, value) for value in values):
            return pattern, what
    lengths = {len(value) for value in values}
    if len(lengths) != 1 or not 0 < (length := lengths.pop()) <= _LONGEST_CODE:
        return None
    for each in _CLASSES:
        pattern = f"^{each}{{{length}}}$"
        if all(re.fullmatch(f"{each}{{{length}}}", value) for value in values):
            return pattern, f"codes of {length} characters"
    return None


def _succession(count: int) -> float:
    return 1 - 1 / (count + 2)


def _required(column: ColumnFacts) -> Iterator[Candidate]:
    if column.rows and column.present == column.rows:
        evidence = f"no NULL in {column.rows:,} rows"
        yield Candidate(
            path=column.path,
            clause="required",
            value=True,
            confidence=_succession(column.rows),
            evidence=evidence,
        )


def _ranges(column: ColumnFacts) -> Iterator[Candidate]:
    present = column.present or 0
    kind = column.type.ddl.partition("(")[0] if isinstance(column.type, AtomicType) else ""
    if column.lowest is None or column.highest is None or kind not in (*_NUMBERS, *_MOMENTS):
        return
    sure_low, sure_high = 1 - 0.5**column.at_lowest, 1 - 0.5**column.at_highest
    low = f"the lowest of {present:,} values is {column.lowest}, met {_times(column.at_lowest)}"
    high = f"the highest of {present:,} values is {column.highest}, met {_times(column.at_highest)}"
    lowest = column.lowest
    if kind in _NUMBERS and lowest >= 0 and _succession(present) > sure_low:
        lowest, sure_low, low = 0, _succession(present), f"none of {present:,} values is negative"
    if kind in _MOMENTS:
        sure_high = min(sure_high, _GUESS)  # time goes on
    yield _bound(column, "minimum", lowest, sure_low, low)
    yield _bound(column, "maximum", column.highest, sure_high, high)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _bound(column: ColumnFacts, option: str, value: Any, confidence: float, evidence: str) -> Candidate:
    written = value if isinstance(value, int | float | Decimal) else str(value)
    return Candidate(
        path=column.path,
        clause=f"logicalTypeOptions.{option}",
        value=written,
        confidence=confidence,
        evidence=evidence,
    )


def _is_text(column: ColumnFacts) -> bool:
    return column.type == AtomicType("STRING")


def _enum(column: ColumnFacts) -> Iterator[Candidate]:
    values, present = column.values, column.present or 0
    if not values or not _is_text(column) or len(values) > _MOST_VALUES or present < _ROWS_A_VALUE * len(values):
        return
    once = sum(count == 1 for count in values.values())
    evidence = f"{len(values)} values in {present:,} rows, {once} of them met once"
    yield Candidate(
        path=column.path,
        clause="enum",
        value=sorted(values),
        confidence=1 - (once + 1) / (present + 1),
        evidence=evidence,
    )


def _pattern(column: ColumnFacts) -> Iterator[Candidate]:
    present = column.present or 0
    if not column.values or not _is_text(column):
        return
    found = shape_of(list(column.values))
    if found is not None:
        pattern, what = found
        yield Candidate(
            path=column.path,
            clause="logicalTypeOptions.pattern",
            value=pattern,
            confidence=_succession(present),
            evidence=f"all of {present:,} values are {what}",
        )


def _key(column: ColumnFacts, *, whole: bool) -> Iterator[Candidate]:
    present = column.present or 0
    if column.distinct is None or present < 2 or column.distinct != present:
        return
    kind = column.type.ddl.partition("(")[0] if isinstance(column.type, AtomicType) else ""
    if kind in ("FLOAT", "DOUBLE", "BOOLEAN", *_MOMENTS) or present != column.rows:
        return
    named = _KEY_NAME.search(column.path[-1]) is not None
    part = "" if whole else " of the sample"
    yield Candidate(
        path=column.path,
        clause="unique",
        value=True,
        confidence=_succession(present) if named and whole else _GUESS,
        evidence=f"{present:,} rows{part}, as many values" + (", and the name of a key" if named else ""),
    )
