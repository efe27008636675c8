"""Quality engines by their names; the library of each is imported when it is opened, and not before."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from lakepact.errors import UsageError
from lakepact.quality.engine import QualityEngine

__all__ = ["ENGINES", "open_engine"]

_CLASSES: Final = {
    "native": "lakepact.quality.native_engine:NativeEngine",
    "duckdb": "lakepact.quality.native_engine:FileEngine",
    "soda": "lakepact.quality.soda:SodaEngine",
    "gx": "lakepact.quality.gx:GxEngine",
    "custom": "lakepact.quality.custom:CustomEngine",
}
ENGINES: Final = tuple(_CLASSES)


def open_engine(name: str, settings: Mapping[str, Any] | None = None) -> QualityEngine:
    """The engine of that name, with `settings` as its arguments.

    Raises UsageError LP976 for an unknown name and LP977 for settings that the engine does not have, and ExtraMissing
    where the library of the engine is not installed.

    >>> open_engine("native").name
    'native'
    """
    if name not in _CLASSES:
        raise UsageError(f"there is no quality engine {name!r}", "LP976", f"one of {', '.join(ENGINES)}")
    module, _, made = _CLASSES[name].partition(":")
    engine = cast("Callable[..., QualityEngine]", getattr(importlib.import_module(module), made))
    try:
        return engine(**(settings or {}))
    except TypeError as error:
        given = ", ".join(settings or ())
        raise UsageError(f"the quality engine {name!r} cannot be opened with {given}: {error}", "LP977") from error
