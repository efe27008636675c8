"""Printing: data goes to stdout, words go to stderr, colours only to a terminal that wants them.

rich is imported where something is drawn, so that `--version` and `--json` do without it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

from lakepact.toned_lines import Line, Span

__all__ = [
    "ReaderGone",
    "log_to_stderr",
    "printable",
    "say",
    "show_diff",
    "show_json",
    "show_lines",
    "wants_colour",
    "write",
]

_STYLES: Final = {"title": "bold", "good": "green", "bad": "red", "warn": "yellow", "dim": "dim", "": ""}

# What a document may hold and a terminal would act on: C0 and C1 controls, and the marks that reverse text.
_ACTING: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"} | {
    code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


class ReaderGone(Exception):
    """Whoever read our stdout has closed it (`lakepact explain … | head`)."""


def printable(text: str) -> str:
    r"""`text` with characters that would control a terminal written as escapes.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return text.translate(_ACTING)


def write(text: str) -> None:
    """Write data to stdout, as it is. Raises ReaderGone where nobody reads any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Said by an error of our own, because typer ends the process with exit code 1 for the system's.
        raise ReaderGone from None


def say(text: str) -> None:
    """Write words for people to stderr, ending the line."""
    print(printable(text), file=sys.stderr)


def log_to_stderr(*loggers: str) -> None:
    """Write to stderr what those loggers say from now on: for commands that serve until they are ended."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in loggers:
        logging.getLogger(name).addHandler(handler)


def show_json(value: Any) -> None:
    """Write a value to stdout as JSON for machines."""
    write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def show_lines(lines: Iterable[Line]) -> None:
    """Write lines to stdout, with colours where stdout is a terminal."""
    if not wants_colour(sys.stdout):
        write("".join(printable("".join(span.text for span in line)).rstrip() + "\n" for line in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((printable(span.text), _STYLES[span.tone]) for span in line)))


def show_diff(lines: Iterable[str]) -> None:
    """Write the lines of a unified diff to stdout."""
    tones = {"+": "good", "-": "bad", "@": "dim"}
    show_lines((Span(line, tones.get(line[:1], "")),) for line in lines)


def wants_colour(stream: TextIO) -> bool:
    """Whether the stream is a terminal and NO_COLOR is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
