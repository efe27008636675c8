"""Lines of CSV that Spark's reader and DuckDB's split in the same way, and those that they do not."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

__all__ = ["Dialect", "check_lines", "first_line", "is_empty"]

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How fields are told apart, by the names of Spark's options."""

    separator: str
    quote: str
    escape: str

    def strange_line(self) -> re.Pattern[bytes]:
        """What finds a line with quotes that the two read, or may read, in different ways."""
        separator, quote, escape = (re.escape(each.encode()) for each in (self.separator, self.quote, self.escape))
        inside = rb"(?:[^" + quote + escape + rb"\n]|" + quote + quote + rb")*"
        if self.escape != self.quote:
            inside = rb"[^" + quote + escape + rb"\n]*"
        bare = rb"[^" + quote + escape + separator + rb"\n]*"
        part = rb"(?:" + quote + inside + quote + rb"|" + bare + rb")"
        whole = part + rb"(?:" + separator + part + rb")*\r?$"
        return re.compile(rb"^(?=[^\n]*" + quote + rb")(?!" + whole + rb").*$", re.MULTILINE)


def is_empty(path: Path) -> bool:
    """Whether a file holds nothing."""
    with _opened(path) as file:
        return not file.read(1)


def first_line(path: Path) -> str:
    """The first line without its end and without a byte order mark."""
    with _opened(path) as file:
        return file.readline().decode("utf-8-sig").rstrip("\r\n")


def check_lines(path: Path, dialect: Dialect, *, columns: int) -> str:
    """What in the file is read in different ways, with its line; '' where nothing is."""
    if any(len(each) != 1 for each in (dialect.separator, dialect.quote, dialect.escape)):
        return "whose separator, quote or escape is not one character"
    strange, quote = dialect.strange_line(), dialect.quote.encode()
    blank = re.compile(rb"^[ \t\f\v]*\r?$" if columns == 1 else rb"^[ \t\f\v]+\r?$", re.MULTILINE)
    line = 1
    for block in _blocks(path):
        for pattern, what in (
            (strange if quote in block else None, "has quotes that Spark reads in its own way"),
            (blank, "is blank"),
            (re.compile(rb"\r(?!\n)") if b"\r" in block else None, "ends with a carriage return alone"),
        ):
            if pattern is not None and (found := pattern.search(block)) and found.start() < len(block):
                at = line + block.count(b"\n", 0, found.start())
                return f"whose line {at} {what}"
        line += block.count(b"\n")
    return ""


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in blocks of whole lines."""
    with _opened(path) as file:
        rest = b""
        while chunk := file.read(_CHUNK):
            whole, end, rest = (rest + chunk).rpartition(b"\n")
            yield whole + end
        if rest:
            yield rest


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
