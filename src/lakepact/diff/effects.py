"""What a difference costs: its level, whom it breaks and why; and how two sets of accepted values relate.

The one law of the room: what was promised to readers and is no longer so breaks consumers; what was accepted from
writers and may now be refused breaks producers; a change is major exactly where it breaks somebody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from lakepact.diff.model import Breaks, Level

__all__ = [
    "EVERYBODY",
    "MINOR",
    "PATCH",
    "READERS",
    "WRITERS",
    "Effect",
    "Relation",
    "between_sets",
    "effect_of",
    "major_for",
    "ordered",
]


@dataclass(frozen=True, slots=True)
class Effect:
    """Level and victims of a difference; `why` ends its sentence where the level is not plain."""

    level: Level
    breaks: Breaks = Breaks.NOBODY
    why: str = ""

    def because(self, why: str) -> Effect:
        """The same effect with its reason."""
        return replace(self, why=why)


PATCH = Effect(Level.PATCH)
MINOR = Effect(Level.MINOR)
READERS = Effect(Level.MAJOR, Breaks.CONSUMER)
WRITERS = Effect(Level.MAJOR, Breaks.PRODUCER)
EVERYBODY = Effect(Level.MAJOR, Breaks.BOTH)

_MAJOR = {(True, True): EVERYBODY, (True, False): READERS, (False, True): WRITERS, (False, False): MINOR}


class Relation(Enum):
    """How what the new contract accepts relates to what the old one accepted."""

    SAME = auto()
    TIGHTER = auto()
    LOOSER = auto()
    OTHER = auto()


def major_for(*, readers: bool, writers: bool) -> Effect:
    """Major for those who break; minor where nobody does."""
    return _MAJOR[readers, writers]


def effect_of(relation: Relation) -> Effect:
    """Looser breaks readers, tighter breaks writers, anything else but the same breaks both."""
    readers = relation in (Relation.LOOSER, Relation.OTHER)
    writers = relation in (Relation.TIGHTER, Relation.OTHER)
    return PATCH if relation is Relation.SAME else _MAJOR[readers, writers]


def between_sets(old: frozenset[object] | None, new: frozenset[object] | None) -> Relation:
    """How two sets of accepted values relate; None accepts everything.

    >>> between_sets(frozenset("ab"), frozenset("abc")).name, between_sets(None, frozenset()).name
    ('LOOSER', 'TIGHTER')
    """
    if old == new:
        return Relation.SAME
    if old is None or new is None:
        return Relation.TIGHTER if old is None else Relation.LOOSER
    return ordered(subset=new <= old, superset=new >= old)


def ordered(*, subset: bool, superset: bool) -> Relation:
    """The relation of a new set that is a subset or a superset of the old one, both or neither."""
    if subset and superset:
        return Relation.SAME
    return Relation.TIGHTER if subset else Relation.LOOSER if superset else Relation.OTHER
