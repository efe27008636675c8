"""`${name}` in the texts of a project file: found, and replaced by the values of one environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["resolved", "variable_names"]

# `$${` stands for a literal `${`.
_REFERENCE = re.compile(r"\$(?P<escape>\$)?\{(?P<name>[^{}]*)\}")


def variable_names(text: str) -> tuple[str, ...]:
    """The variables that `text` refers to, in order, each once.

    >>> variable_names("${root}/flights/${year}/$${kept}")
    ('root', 'year')
    """
    found = (match["name"].strip() for match in _REFERENCE.finditer(text) if not match["escape"])
    return tuple(dict.fromkeys(found))


def resolved(text: str, values: Mapping[str, str]) -> str:
    """`text` with each variable replaced; values are taken as they are, never resolved again.

    Raises KeyError for a variable without a value: the loader has reported it before.

    >>> resolved("${root}/flights", {"root": "/Volumes/main/raw"})
    '/Volumes/main/raw/flights'
    >>> resolved("$${year}", {})
    '${year}'
    """

    def replace(match: re.Match[str]) -> str:
        return match[0][1:] if match["escape"] else values[match["name"].strip()]

    return _REFERENCE.sub(replace, text)
