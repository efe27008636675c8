"""Java's regular expressions as those of RE2, which DuckDB searches with; only what means the same in both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["NeedsSpark", "Re2", "Unresolved", "re2_of"]

_LINE_ENDS: Final = r"\n\r\x{85}\x{2028}\x{2029}"
_MOST_REPEATS: Final = 1000
_COUNT: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_CODE: Final = re.compile(r"x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_CONTROLS: Final = {"t": 9, "n": 10, "r": 13, "f": 12}
_CLASSES: Final = {
    "d": r"0-9",
    "w": r"0-9A-Z_a-z",
    "s": r"\x{9}-\x{D}\x{20}",
}
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LABELS: Final = rf"(?:[.]{_LABEL})"
_OPENINGS: Final = re.compile(r"\(\?(?::|<[A-Za-z][A-Za-z0-9]*>)|\((?!\?)")


class NeedsSpark(Exception):
    """What a rule asks has no meaning here that was shown to be the same as Spark's; the text says what that is."""


class Unresolved(Exception):
    """A rule that Spark would refuse too; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Re2:
    """Patterns that all have to be found (`wanted`) and that may not (`refused`) in a text.

    With `very_end` the answer holds for texts that do not end with a line break: Java's `$` also matches before it.
    """

    wanted: tuple[str, ...]
    refused: tuple[str, ...] = ()
    very_end: bool = False


def re2_of(pattern: str) -> Re2:
    r"""`pattern` of Java for RE2, searched for. Raises NeedsSpark with what RE2 has not, or reads otherwise.

    >>> re2_of("^[A-Z]{2}\\z").wanted
    ('\\A[\\x{41}-\\x{5A}]{2}\\z',)
    """
    parts: tuple[list[str], list[str]] = [], []
    rest = pattern
    end = False
    while found := _leading_lookahead(rest):
        inner, negative, rest = found
        translator = _Translator("^(?:" + inner + ")")
        parts[negative].append(translator.translate())
        end = end or translator.very_end
    rest, labels = _counted_apart(rest)
    translator = _Translator(rest)
    wanted = translator.translate()
    return Re2(wanted=(*parts[0], wanted, *labels), refused=tuple(parts[1]), very_end=end or translator.very_end)


def _counted_apart(pattern: str) -> tuple[str, tuple[str, ...]]:
    """A pattern of lakepact's formats of names in the internet, with the number of labels as a pattern of its own.

    RE2 refuses counts within counts of more than a thousand. Labels hold neither '.' nor '@'.
    """
    for count, endless, least in (("{1,126}", "+", 1), ("{0,126}", "*", 0)):
        head, tail = pattern[: -len(_LABELS + count + r"\z")], _LABELS + count + r"\z"
        if pattern.endswith(tail) and (head == "^" + _LABEL or (head.endswith("@" + _LABEL) and head.count("@") == 1)):
            start = "@" if "@" in head else r"\A"
            return head + _LABELS + endless + r"\z", (rf"{start}[^.@]*(?:[.][^.@]*){{{least},126}}\z",)
    return pattern, ()


def _leading_lookahead(pattern: str) -> tuple[str, bool, str] | None:
    """The text of a lookahead after `^`, whether it is negative, and the pattern without it."""
    found = re.match(r"\^\(\?([=!])", pattern)
    if not found:
        return None
    depth, at, in_class, alternatives = 1, found.end(), False, False
    end = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            at += 1 if pattern[at + 1 : at + 2] == "^" else 0
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            end = end or (at if depth == 0 else 0)
        elif char == "|" and depth == 0:
            alternatives = True
        at += 1
    if not end or alternatives:
        return None
    return pattern[found.end() : end], found[1] == "!", "^" + pattern[end + 1 :]


@dataclass(slots=True)
class _Translator:
    pattern: str
    very_end: bool = False
    _at: int = 0
    _out: list[str] = field(default_factory=list)
    _any_case: bool = False
    _dot_all: bool = False
    # The largest product of counts within counts, of each open group and of what was read last.
    _weights: list[int] = field(default_factory=lambda: [1])
    _last: int = 1

    def translate(self) -> str:
        if flags := re.match(r"\(\?([is]+)\)", self.pattern):
            self._any_case, self._dot_all = "i" in flags[1], "s" in flags[1]
            self._at = flags.end()
        while self._at < len(self.pattern):
            self._step()
        if len(self._weights) > 1:
            raise self._refuse("a group without end")
        return "".join(self._out)

    def _emit(self, text: str, length: int = 1, *, weight: int = 1) -> None:
        self._out.append(text)
        self._at += length
        self._last = weight
        self._weights[-1] = max(self._weights[-1], weight)

    def _refuse(self, what: str) -> NeedsSpark:
        return NeedsSpark(f"{what} in the pattern {self.pattern!r}")

    def _step(self) -> None:
        char = self.pattern[self._at]
        match char:
            case "\\":
                self._escape()
            case "[":
                self._class()
            case "(":
                self._group()
            case "*" | "+" | "?":
                self._quantifier(char)
            case "{":
                self._count()
            case "^":
                self._emit(r"\A")
            case "$":
                self.very_end = True
                self._emit(r"\z")
            case ".":
                self._emit(r"[\x{0}-\x{10FFFF}]" if self._dot_all else f"[^{_LINE_ENDS}]")
            case ")" if len(self._weights) > 1:
                self._emit(char, weight=self._weights.pop())
            case "|":
                self._emit(char)
            case ")":
                raise self._refuse("a ')' without '('")
            case _:
                self._emit(self._literal(ord(char)))

    def _literal(self, code: int) -> str:
        char = chr(code)
        if self._any_case and char.isascii() and char.isalpha():
            return f"[{char.lower()}{char.upper()}]"
        return char if char.isascii() and char.isalnum() else f"\\x{{{code:X}}}"

    def _quantifier(self, text: str, times: int = 1) -> None:
        following = self.pattern[self._at + len(text) : self._at + len(text) + 1]
        if following == "+":
            raise self._refuse("a possessive quantifier")
        lazy = "?" if following == "?" else ""
        if self._last * times > _MOST_REPEATS:
            raise self._refuse(f"counts of more than {_MOST_REPEATS}")
        self._emit(text + lazy, len(text) + len(lazy), weight=self._last * times)

    def _count(self) -> None:
        found = _COUNT.match(self.pattern, self._at)
        if not found:
            raise self._refuse("a brace that counts nothing")
        self._quantifier(found[0], max(int(found[1]), int(found[3] or 0)))

    def _group(self) -> None:
        if self.pattern.startswith("(?!)", self._at):
            self._emit(r"[^\x{0}-\x{10FFFF}]", 4)
            return
        found = _OPENINGS.match(self.pattern, self._at)
        if not found:
            raise self._refuse("a lookaround or a flag")
        self._emit("(?:", len(found[0]))
        self._weights.append(1)

    def _escape(self) -> None:
        following = self.pattern[self._at + 1 : self._at + 2]
        if following in ("z", "A"):
            self._emit("\\" + following, 2)
        elif following and following in "dws":
            self._emit(f"[{_CLASSES[following]}]", 2)
        elif following and following in "DWS":
            self._emit(f"[^{_CLASSES[following.lower()]}]", 2)
        else:
            code, length = self._escaped(self._at)
            self._emit(self._literal(code), length)

    def _escaped(self, at: int) -> tuple[int, int]:
        """The character that an escape stands for, and the length of the escape."""
        following = self.pattern[at + 1 : at + 2]
        if following in _CONTROLS:
            return _CONTROLS[following], 2
        if found := _CODE.match(self.pattern, at + 1):
            code = int(found[1] or found[2] or found[3], 16)
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise self._refuse("a code that is no character")
            return code, len(found[0]) + 1
        if not following or following.isalnum():
            raise self._refuse(f"'\\{following}'")
        return ord(following), 2

    def _class(self) -> None:
        negated = self.pattern.startswith("[^", self._at)
        at = self._at + (2 if negated else 1)
        start = at
        items: list[str] = []
        while self.pattern[at : at + 1] != "]" or at == start:
            text, at = self._class_item(at)
            items.append(text)
        self._emit(f"[{'^' if negated else ''}{''.join(items)}]", at + 1 - self._at)

    def _class_item(self, at: int) -> tuple[str, int]:
        escape = self.pattern[at : at + 2]
        if escape in (r"\d", r"\w", r"\s"):
            if self.pattern[at + 2 : at + 3] == "-":
                raise self._refuse("a range from a class")
            return _CLASSES[escape[1]], at + 2
        first, at = self._class_atom(at)
        if self.pattern[at : at + 1] != "-" or self.pattern[at + 1 : at + 2] == "]":
            return self._range(first, first), at
        last, at = self._class_atom(at + 1)
        if last < first:
            raise self._refuse("a range that runs backwards")
        return self._range(first, last), at

    def _class_atom(self, at: int) -> tuple[int, int]:
        char = self.pattern[at : at + 1]
        if char == "\\":
            code, length = self._escaped(at)
            return code, at + length
        # Java reads '[' and '&&' as set operations, and ']' at the start in its own way.
        if not char or char in "[]" or self.pattern.startswith("&&", at):
            raise self._refuse(f"{char or 'no end'!r} in a class of characters")
        return ord(char), at + 1

    def _range(self, first: int, last: int) -> str:
        ranges = [(first, last)]
        if self._any_case:
            for low, high, shift in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
                inner = max(first, low), min(last, high)
                if inner[0] <= inner[1]:
                    ranges.append((inner[0] + shift, inner[1] + shift))
        return "".join(f"\\x{{{a:X}}}" if a == b else f"\\x{{{a:X}}}-\\x{{{b:X}}}" for a, b in ranges)
