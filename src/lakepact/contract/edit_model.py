"""The edits that can be made to the text of a document, and the error for those that cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lakepact.errors import ConfigurationError

__all__ = [
    "Append",
    "Edit",
    "EditRefused",
    "Insert",
    "Remove",
    "RenameKey",
    "Replace",
    "SetValue",
    "TextOf",
    "texts_taken",
]


class EditRefused(ConfigurationError):
    """An edit that is not possible with certainty; `problems` holds its place and the reason."""


@dataclass(frozen=True, slots=True)
class TextOf:
    """As a value of an edit: the element at `path` of the unedited document as it is written, comments included.

    Those of its key come along where the key itself is removed or replaced.
    """

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetValue:
    """Give the element at `path` another value; plain data, written in the style of its surroundings."""

    path: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Replace each `old` by `new` in the text at `path`, whose quotes, lines and folds stay as they are."""

    path: str
    old: str
    new: str


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
    """Give the mapping at `parent` a new key, after the key `after` or before the key `before`, else at the end."""

    parent: str
    key: str
    value: object
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Give the list at `parent` a new last entry, or one before the entry with the number `before`."""

    parent: str
    value: object
    before: int | None = None


Edit = SetValue | Replace | RenameKey | Remove | Insert | Append


def texts_taken(edit: Edit) -> Iterator[str]:
    """The paths of all elements whose text the value of an edit takes."""
    values = [edit.value] if isinstance(edit, SetValue | Insert | Append) else []
    while values:
        value = values.pop()
        if isinstance(value, TextOf):
            yield value.path
        elif isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list | tuple):
            values += value
