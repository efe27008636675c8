"""Values of this room as JSON and back, for files that are read by people and by later versions."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

__all__ = ["decoded", "encoded"]

_Value = TypeVar("_Value")
_ADAPTERS: Final[dict[type[Any], TypeAdapter[Any]]] = {}


def encoded(value: object) -> bytes:
    """A dataclass of this room as JSON, always the same for the same value."""
    data = _adapter(type(value)).dump_python(value, mode="json")
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()


def decoded(kind: type[_Value], content: bytes) -> _Value:
    """The value that `encoded` wrote; keys that are not known are left out. Raises ValueError for anything else."""
    value: _Value = _adapter(kind).validate_python(json.loads(content))
    return value


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Made once a kind, because that takes longer than anything that is done with it."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
