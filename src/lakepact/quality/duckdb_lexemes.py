"""Texts and names of Spark SQL taken out before it is parsed: what they hold is read here, as Spark reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from lakepact.quality.duckdb_regex import NeedsSpark

__all__ = ["Lexemes"]

_QUOTED: Final = re.compile(
    r"(?P<raw>[rR](?='|\"))?(?:'(?P<single>(?:\\.|[^'\\])*)'|\"(?P<double>(?:\\.|[^\"\\])*)\")|`(?P<name>(?:``|[^`])*)`",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_SHORT: Final = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_NAME: Final = "_lakepact_name_"
_TEXT: Final = "_lakepact_text_"


@dataclass(slots=True)
class Lexemes:
    """The quoted texts and names of one piece of SQL, by number."""

    texts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def taken_out(self, sql: str) -> str:
        """`sql` with the number of each text and name in its place."""
        at = 0
        parts: list[str] = []
        for found in _QUOTED.finditer(sql):
            if found.start() == at and parts and sql[at - 1 : at] in "'\"":
                raise NeedsSpark("two texts beside each other")
            parts += [sql[at : found.start()], self._place(found)]
            at = found.end()
        return "".join([*parts, sql[at:]])

    def _place(self, found: re.Match[str]) -> str:
        if found["name"] is not None:
            self.names.append(found["name"].replace("``", "`"))
            return f"`{_NAME}{len(self.names) - 1}`"
        text = found["single"] if found["single"] is not None else found["double"]
        self.texts.append(text if found["raw"] else _ESCAPE.sub(_unescaped, text))
        return f"'{_TEXT}{len(self.texts) - 1}'"

    def name(self, written: str) -> str:
        """The name that the parser saw as `written`."""
        return self.names[int(written[len(_NAME) :])] if written.startswith(_NAME) else written

    def text(self, written: str) -> str:
        """The text that the parser saw as `written`."""
        # The parser makes texts of its own from numbers such as 1.5BD.
        return self.texts[int(written[len(_TEXT) :])] if written.startswith(_TEXT) else written


def _unescaped(found: re.Match[str]) -> str:
    if code := found[1] or found[2]:
        return chr(int(code, 16))
    if found[3]:
        return chr(int(found[3], 8))
    return _SHORT.get(found[4], found[4])
