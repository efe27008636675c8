"""JSON paths of a document: their parts, and the values at them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["ABSENT", "parent_of", "parts_of", "value_at"]

ABSENT: Final = object()

_PART = re.compile(r'\.?(?P<key>[\w$-]+)|\[(?P<index>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]')


def parts_of(path: str) -> Iterator[str | int]:
    """The keys and indexes of a path.

    >>> list(parts_of('schema[0].name')), list(parts_of('["a b"][1]'))
    (['schema', 0, 'name'], ['a b', 1])
    """
    for match in _PART.finditer(path):
        if match["index"]:
            yield int(match["index"])
        else:
            yield match["key"] or json.loads(match["quoted"])


def parent_of(path: str) -> str:
    """The path of the element around an element.

    >>> parent_of('schema[0].name'), parent_of('tags[1]'), parent_of('["a b"]')
    ('schema[0]', 'tags', '')
    """
    starts = [match.start() for match in _PART.finditer(path)]
    return path[: starts[-1]] if starts else ""


def value_at(data: object, path: str) -> Any:
    """What stands at the path; ABSENT where nothing does."""
    for part in parts_of(path):
        if isinstance(part, int):
            if not isinstance(data, list) or part >= len(data):
                return ABSENT
            data = data[part]
        else:
            if not isinstance(data, dict) or part not in data:
                return ABSENT
            data = data[part]
    return data
