"""Many predicates on one row as bits of a few numbers, so that each is evaluated once and counted for next to nothing.

A bit is set where its predicate is not TRUE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lakepact.sql import identifier

__all__ = ["MaskLevel", "Masks"]

# As many bits as fit an INT without its sign.
_BITS: Final = 31
# Text of the predicates that one query level computes: one Java method does, and Java refuses one of over 64 kB, which
# is about 16,000 characters of SQL; Spark then takes a way that is ten times slower.
_TEXT_A_LEVEL: Final = 9_600


@dataclass(frozen=True, slots=True)
class MaskLevel:
    """The mask columns that one query level computes, as SQL, and the positions of their predicates."""

    columns: tuple[str, ...]
    positions: range


@dataclass(frozen=True, slots=True)
class Masks:
    """Predicates by their position; the names of the mask columns start with `_lakepact_mask_`."""

    predicates: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The mask columns, quoted."""
        return tuple(_name(number) for number in range(-(-len(self.predicates) // _BITS)))

    def levels(self) -> Iterator[MaskLevel]:
        """All mask columns, in groups: each group is one level of a query."""
        group: list[str] = []
        first = length = 0
        for number, name in enumerate(self.names):
            chosen = self.predicates[number * _BITS : (number + 1) * _BITS]
            size = sum(len(predicate) for predicate in chosen)
            if group and length + size > _TEXT_A_LEVEL:
                yield MaskLevel(tuple(group), range(first, number * _BITS))
                group, first, length = [], number * _BITS, 0
            # The line breaks keep a comment at the end of a predicate from swallowing the bracket.
            bits = (f"if((\n{predicate}\n), 0, {1 << position})" for position, predicate in enumerate(chosen))
            group.append(f"{' | '.join(bits)} AS {name}")
            length += size
        if group:
            yield MaskLevel(tuple(group), range(first, len(self.predicates)))

    def broken(self, position: int) -> str:
        """SQL that is TRUE where the predicate at `position` is not."""
        return f"({_name(position // _BITS)} & {1 << position % _BITS}) <> 0"

    def any_broken(self, chosen: Callable[[int], bool]) -> str:
        """SQL that is TRUE where one of the chosen predicates is not; '' where none is chosen."""
        bits: dict[int, int] = {}
        for position in filter(chosen, range(len(self.predicates))):
            number = position // _BITS
            bits[number] = bits.get(number, 0) | 1 << position % _BITS
        return " OR ".join(f"({_name(number)} & {mask}) <> 0" for number, mask in bits.items())

    def broken_names(self, chosen: Sequence[tuple[int, str]]) -> str:
        """SQL for the array of the texts whose predicates are broken; texts are SQL literals."""
        marks = ",\n  ".join(f"IF({self.broken(position)}, {text}, NULL)" for position, text in chosen)
        return f"array_compact(array(\n  {marks}\n))" if chosen else "CAST(array() AS ARRAY<STRING>)"


def _name(number: int) -> str:
    return identifier(f"_lakepact_mask_{number}")
