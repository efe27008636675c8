"""Edits of a YAML document that leave every other byte, comments and layout included, as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Append", "Edit", "Insert", "Remove", "RenameKey", "SetValue", "edited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetValue:
    """Give the element at `path` another value; plain data, written in the style of its surroundings."""

    path: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameKey:
    """Write the last key of `path` as `key`; the value stays as it is written."""

    path: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Take out the key or the list entry at `path`, with the comments that belong to it."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """Give the mapping at `parent` a new key, after the key `after` (None: at the end)."""

    parent: str
    key: str
    value: object
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Give the list at `parent` a new last entry."""

    parent: str
    value: object


Edit = SetValue | RenameKey | Remove | Insert | Append


def edited(source: bytes, edits: Sequence[Edit]) -> bytes:
    """`source` with all `edits` made; paths are those of the unedited document."""
    raise NotImplementedError
