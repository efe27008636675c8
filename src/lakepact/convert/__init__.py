"""Contracts from other formats, and from what teams already have."""

from __future__ import annotations

from lakepact.convert.detect import detect
from lakepact.convert.formats import FORMATS, LIVE_SOURCES, FileFormat, LiveSource, format_named, live_source
from lakepact.convert.model import Converted

__all__ = [
    "FORMATS",
    "LIVE_SOURCES",
    "Converted",
    "FileFormat",
    "LiveSource",
    "convert",
    "detect",
    "format_named",
    "live_source",
]


def convert(source: bytes, *, file: str = "", format_name: str | None = None) -> Converted:
    """The document in `source` as ODCS v3.1.0; its format is told by its content where `format_name` does not.

    Raises UsageError (LP810) for an unknown name, and ConfigurationError where the format is not recognised (LP811),
    the document is ODCS v3 already (LP812), or it cannot be converted.

    >>> convert(b"asset: {name: a, version: 1.0, status: active, schema: []}").document["version"]
    '1.0'
    """
    return format_named(format_name or detect(source, file=file)).convert(source, file=file)
