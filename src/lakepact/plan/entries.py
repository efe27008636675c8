"""Sources as they are written in a lakepact.yml or in a call: plain dictionaries."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from lakepact.errors import UsageError
from lakepact.plan.model import FileSource, Mode, Source, SqlSource, TableSource
from lakepact.plan.sources import ObjectSource

__all__ = ["object_source"]

_KINDS = {"path": {"format", "options"}, "table": set[str](), "sql": set[str]()}
_EVERYWHERE = {"mode", "rename"}


def object_source(name: str, entry: Mapping[str, object]) -> ObjectSource:
    """The source of the schema object `name` from its entry: one of `path`, `table` and `sql`, with its settings.

    `rename` maps a property or column of the contract to its name in the source. Raises UsageError LP312 for an entry
    that cannot be read.

    >>> object_source("orders", {"table": "raw.orders", "mode": "stream"}).source
    TableSource(name=('raw', 'orders'), mode=<Mode.STREAM: 'stream'>)
    """
    kinds = [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        raise _wrong(name, f"needs exactly one of {', '.join(_KINDS)}")
    known = {kinds[0], *_KINDS[kinds[0]], *_EVERYWHERE}
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise _wrong(name, f"has no {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    return ObjectSource(source=_source(name, entry), rename=_texts(name, entry, "rename"))


def _source(name: str, entry: Mapping[str, object]) -> Source:
    mode = _mode(name, entry)
    if "table" in entry:
        return TableSource(name=tuple(_text(name, entry, "table").split(".")), mode=mode)
    if "sql" in entry:
        return SqlSource(text=_text(name, entry, "sql"), mode=mode)
    options = _texts(name, entry, "options")
    return FileSource(path=_text(name, entry, "path"), format=_text(name, entry, "format"), options=options, mode=mode)


def _mode(name: str, entry: Mapping[str, object]) -> Mode:
    try:
        return Mode(str(entry.get("mode", Mode.BATCH)))
    except ValueError:
        raise _wrong(name, f"mode is {entry['mode']!r}; it is stream or batch") from None


def _text(name: str, entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(name, f"{key} must be text that is not empty")
    return value


def _texts(name: str, entry: Mapping[str, object], key: str) -> dict[str, str]:
    value = entry.get(key, {})
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        raise _wrong(name, f"{key} must be a dictionary of texts")
    return {str(each): text for each, text in value.items()}


def _wrong(name: str, message: str) -> UsageError:
    return UsageError(f"source of {name!r}: {message}", "LP312", facts={"object": name})
