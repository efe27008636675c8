"""Collects the changes of one comparison, each with its path by names and its places in both documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lakepact.contract.model import NOWHERE, Contract, Place
from lakepact.contract.yaml_nodes import child_path
from lakepact.diff.effects import Effect
from lakepact.diff.model import Change, ChangeKind

__all__ = ["Findings", "Side", "Spot"]


@dataclass(frozen=True, slots=True)
class Spot:
    """An element of one or both contracts.

    `path` is by names, `label` what sentences call it, `old` and `new` are its JSON paths (None: not there).
    """

    path: str = ""
    label: str = "the contract"
    old: str | None = ""
    new: str | None = ""

    def at(self, *keys: str, label: str | None = None, old: str | None = None, new: str | None = None) -> Spot:
        """An element inside of this one; `old` and `new` are its own JSON paths."""
        path = self.path
        for key in keys:
            path = child_path(path, key)
        return Spot(path, self.label if label is None else label, old, new)

    def inside(self, key: str) -> Spot:
        """The value under `key`, which both sides have under the same name."""
        old, new = (None if base is None else child_path(base, key) for base in (self.old, self.new))
        return Spot(child_path(self.path, key), self.label, old, new)


class Side:
    """One of the two contracts: its plain data by JSON path, and where everything stands."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._mappings = dict(_mappings(contract.document))

    def data(self, path: str | None) -> Mapping[str, object]:
        """The mapping at a JSON path; empty where there is none."""
        return {} if path is None else self._mappings.get(path, {})

    def place(self, path: str | None, keys: Sequence[str] = ()) -> Place:
        """Where the first of `keys` that is written stands, else the element itself; NOWHERE where it is not there."""
        if path is None:
            return NOWHERE
        places = self.contract.places
        inner = (places.get(f"{path}.{key}" if path and not key.startswith("[") else path + key) for key in keys)
        return next((place for place in inner if place is not None), places.get(path, NOWHERE))


def _mappings(document: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    waiting: list[tuple[str, object]] = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            yield path, value
            waiting += [
                (child_path(path, key), entry) for key, entry in value.items() if isinstance(entry, dict | list)
            ]
        elif isinstance(value, list):
            waiting += [(f"{path}[{index}]", entry) for index, entry in enumerate(value)]


class Findings:
    """The changes found so far."""

    def __init__(self, old: Contract, new: Contract) -> None:
        self.old = Side(old)
        self.new = Side(new)
        self.changes: list[Change] = []

    def add(
        self,
        spot: Spot,
        key: str,
        kind: ChangeKind,
        effect: Effect,
        sentence: str,
        *,
        old: object = None,
        new: object = None,
        at: Sequence[str] | None = None,
    ) -> None:
        """Note a change of `key` of the element ('' for the element itself); `at` are the keys that show its place."""
        ending = f": {effect.why}." if effect.why else "."
        keys = at if at is not None else (child_path("", key),) if key else ()
        change = Change(
            path=child_path(spot.path, key) if key else spot.path,
            kind=kind,
            level=effect.level,
            breaks=effect.breaks,
            sentence=sentence[:1].upper() + sentence[1:] + ending,
            old=old,
            new=new,
            old_place=self.old.place(spot.old, keys),
            new_place=self.new.place(spot.new, keys),
        )
        self.changes.append(change)

    def changed(
        self,
        spot: Spot,
        key: str,
        effect: Effect,
        sentence: str,
        *,
        old: object,
        new: object,
        at: Sequence[str] | None = None,
    ) -> None:
        """Note a change of a value: added where there was none, removed where there is none, else changed."""
        kind = ChangeKind.ADDED if old is None else ChangeKind.REMOVED if new is None else ChangeKind.CHANGED
        self.add(spot, key, kind, effect, sentence, old=old, new=new, at=at)

    def waive(self, reasons: Mapping[str, str]) -> None:
        """Note the reason of the waiver beside each change whose path has one."""
        self.changes = [replace(change, waived=reasons.get(change.path)) for change in self.changes]
