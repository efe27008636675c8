"""What a comparison of two contracts gives: changes, each with its level and whom it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lakepact.contract.model import NOWHERE, Place

__all__ = ["Breaks", "Change", "ChangeKind", "Comparison", "Level"]


class Level(StrEnum):
    """The part of a semantic version that a change asks for, from least to most."""

    NONE = "none"
    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"

    @property
    def rank(self) -> int:
        """0 for none to 3 for major."""
        return list(Level).index(self)


class Breaks(StrEnum):
    """Whose work a change can break: those who read the data, those who write it."""

    NOBODY = "nobody"
    CONSUMER = "consumer"
    PRODUCER = "producer"
    BOTH = "both"


class ChangeKind(StrEnum):
    """What happened to an element."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference.

    `path` names elements by what they are, not by position: `schema.orders.properties.amount.required`. `old` and `new`
    are the resolved values (None: absent); the places are those of both documents. A change is major exactly where it
    breaks somebody. `waived` is the reason of the waiver that allows it.
    """

    path: str
    kind: ChangeKind
    level: Level
    breaks: Breaks
    sentence: str
    old: object = None
    new: object = None
    old_place: Place = NOWHERE
    new_place: Place = NOWHERE
    waived: str | None = None

    def level_for(self, side: Breaks) -> Level:
        """The level as the consumer or the producer alone sees it: what breaks only the other one is minor.

        >>> change = Change(path="a", kind=ChangeKind.CHANGED, level=Level.MAJOR, breaks=Breaks.PRODUCER, sentence="")
        >>> change.level_for(Breaks.CONSUMER).value, change.level_for(Breaks.PRODUCER).value
        ('minor', 'major')
        """
        return self.level if self.level is not Level.MAJOR or self.breaks in (side, Breaks.BOTH) else Level.MINOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All differences of two versions of a contract.

    `level` is the highest of all changes, `required_version` the lowest version that covers it ('' where the old
    version is not semantic), `version_ok` whether the new contract's version does, or waivers (`waived`: their reasons)
    say that it need not.
    """

    old_id: str
    new_id: str
    old_version: str
    new_version: str
    changes: tuple[Change, ...]
    level: Level
    required_version: str
    version_ok: bool
    waived: str | None = None
    old_file: str = ""
    new_file: str = ""
