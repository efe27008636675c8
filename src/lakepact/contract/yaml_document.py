"""A YAML document as plain data, with the place of every element."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract.model import Place

__all__ = ["YamlDocument", "child_path", "clipped"]

_PLAIN_KEY = re.compile(r"[\w$-]+\Z")


@dataclass(slots=True)
class YamlDocument:
    """What one YAML text holds.

    `places` maps each JSON path to where its value starts, `key_places` to where its key starts (mapping entries only);
    `texts` holds what was written for every value that is not text. `as_text` are the paths of those that are meant as
    text and `absent` those of keys without a value (the grammar fills both in).
    """

    data: Any = None
    places: dict[str, Place] = field(default_factory=dict)
    key_places: dict[str, Place] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    as_text: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)


def child_path(path: str, key: str | int) -> str:
    """The JSON path of an entry of `path`.

    >>> child_path("schema[0]", "name"), child_path("schema", 0), child_path("", "a b")
    ('schema[0].name', 'schema[0]', '["a b"]')
    """
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN_KEY.match(key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"


def clipped(text: str) -> str:
    """`text` as messages show it: at most 40 characters.

    >>> clipped("a" * 50)
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…'
    """
    return text if len(text) <= 40 else text[:40] + "…"
