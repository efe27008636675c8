"""What YAML 1.2 makes of a text without quotes."""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["plain_value"]

_MAX_DIGITS = 1000

_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def plain_value(text: str) -> Any:
    """What `text` without quotes is in YAML 1.2; NotImplemented for a number that JSON cannot hold.

    >>> plain_value("1.50"), plain_value("2020-01-31"), plain_value("yes"), plain_value("null")
    (1.5, '2020-01-31', 'yes', None)
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _INTEGER.match(text):
        if len(text) > _MAX_DIGITS:
            return NotImplemented
        return int(text, 0) if text[1:2] in ("o", "x") else int(text)
    if _FLOAT.match(text):
        number = float(text)
        return number if math.isfinite(number) else NotImplemented
    return NotImplemented if _NOT_FINITE.match(text) else text
