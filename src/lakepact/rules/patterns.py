r"""Rewrites ECMA-262 patterns for Java's regex engine, which Spark uses, so that both read the same.

Java differs in silence: `$` also matches before a last line break, `[a[b]]` and `[a&&b]` are set operations, `\s` knows
only ASCII, `[^]` and `{` do not compile. What has the same meaning in both is kept as written, what differs is
rewritten, what cannot be is refused with the reason. Java-only constructs that ECMA-262 has no meaning for (`(?i)`,
`\A`, `\z`, possessive quantifiers) are refused too, except leading flags, which are kept and reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakepact.rules.literals import Inexpressible

__all__ = ["JavaPattern", "java_pattern"]

_SPACE = r"\t-\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}"
_ANY_BUT_LINE_END = r"[^\n\r\x{2028}\x{2029}]"
_LARGEST_COUNT = 65535
_GENERAL_CATEGORY = re.compile(r"(?:L[ultmo]?|LC|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfon]?)\Z")
_SCRIPT = re.compile(r"(?:Script|sc)=([A-Za-z_]+)\Z")
_COUNT = re.compile(r"\{(\d+)(,(\d*))?\}")
_FLAGS = re.compile(r"\(\?([ims]+)\)")
_GROUP = re.compile(r"\((\?(?::|=|!|<=|<!|<([A-Za-z][A-Za-z0-9]*)>))?")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")


@dataclass(frozen=True, slots=True)
class JavaPattern:
    """The pattern for Java, and what is worth knowing of the translation ('' if nothing)."""

    text: str
    note: str = ""


def java_pattern(pattern: str) -> JavaPattern:
    r"""`pattern` for `RLIKE`, which searches like JSON Schema does. Raises Inexpressible with the reason.

    >>> java_pattern("^[A-Z]{2}$").text
    '^[A-Z]{2}\\z'
    >>> java_pattern("[a[]").text
    '[a\\[]'
    """
    return _Translator(pattern).translate()


class _Translator:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._open: list[tuple[str, bool]] = []  # opening text, and whether it is a lookbehind
        self._groups = 0
        self._closed = 0
        self._names: set[str] = set()
        self._repeatable = False
        self._note = ""

    def translate(self) -> JavaPattern:
        if match := _FLAGS.match(self._pattern):
            self._note = f"{match[0]} is Java's, ECMA-262 has no such flag"
            self._emit(match[0], match.end(), repeatable=False)
        while self._at < len(self._pattern):
            self._step()
        if self._open:
            raise self._error("a group is not closed")
        return JavaPattern("".join(self._out), self._note)

    def _error(self, what: str) -> Inexpressible:
        return Inexpressible(f"pattern {self._pattern!r}: {what}")

    def _emit(self, text: str, length: int = 1, *, repeatable: bool = True) -> None:
        self._out.append(text)
        self._at += length
        self._repeatable = repeatable

    def _step(self) -> None:
        char = self._pattern[self._at]
        match char:
            case "\\":
                self._escape()
            case "[":
                self._class()
            case "(":
                self._group()
            case ")":
                self._close()
            case "*" | "+" | "?":
                self._quantifier(char)
            case "{":
                self._braces()
            case "^":
                self._emit("^", repeatable=False)
            case "$":
                self._emit(r"\z", repeatable=False)
            case "|":
                self._emit("|", repeatable=False)
            case ".":
                flags = self._pattern.partition(")")[0] if self._note else ""
                self._emit("." if "s" in flags else _ANY_BUT_LINE_END)
            case "]" | "}" | "&" | "#" | "~" | "-":
                self._emit("\\" + char)
            case _:
                self._emit(char)

    def _quantifier(self, text: str) -> None:
        if not self._repeatable:
            raise self._error(f"nothing to repeat before {text!r}")
        if any(behind for _, behind in self._open) and text != "?":
            raise self._error("a lookbehind without a fixed length does not compile in Java")
        following = self._pattern[self._at + len(text) : self._at + len(text) + 1]
        if following == "+":
            raise self._error("possessive quantifiers are Java's, ECMA-262 refuses them")
        lazy = "?" if following == "?" else ""
        self._emit(text + lazy, len(text) + len(lazy), repeatable=False)

    def _braces(self) -> None:
        match = _COUNT.match(self._pattern, self._at)
        if match is None:
            self._emit(r"\{")
            return
        low, high = int(match[1]), int(match[3]) if match[3] else None
        if max(low, high or 0) > _LARGEST_COUNT:
            raise self._error(f"the count {match[0]} is too large")
        if high is not None and high < low:
            raise self._error(f"the count {match[0]} runs backwards")
        if not self._repeatable:
            raise self._error(f"nothing to repeat before {match[0]!r}")
        if match[2] == "," and any(behind for _, behind in self._open):
            raise self._error("a lookbehind without a fixed length does not compile in Java")
        lazy = self._pattern[match.end() : match.end() + 1]
        if lazy == "+":
            raise self._error("possessive quantifiers are Java's, ECMA-262 refuses them")
        text = match[0] + ("?" if lazy == "?" else "")
        self._emit(text, len(text), repeatable=False)

    def _group(self) -> None:
        match = _GROUP.match(self._pattern, self._at)
        assert match is not None
        if match[1] is None and self._pattern.startswith("(?", self._at):
            raise self._error(f"{self._pattern[self._at : self._at + 4]!r} is no group of ECMA-262")
        if match[2]:
            if match[2] in self._names:
                raise self._error(f"two groups are called {match[2]!r}")
            self._names.add(match[2])
        if match[1] is None or match[2]:
            self._groups += 1
        self._open.append((match[0], match[0] in ("(?<=", "(?<!")))
        self._emit(match[0], len(match[0]), repeatable=False)

    def _close(self) -> None:
        if not self._open:
            raise self._error("a ')' without '('")
        opening, _ = self._open.pop()
        self._closed += opening == "(" or (opening[:3] == "(?<" and opening[3:4] not in ("=", "!"))
        self._emit(")", repeatable=opening not in ("(?<=", "(?<!"))

    def _escape(self) -> None:
        following = self._pattern[self._at + 1 : self._at + 2]
        if following in ("b", "B"):
            self._emit("\\" + following, 2, repeatable=False)
        elif following.isdigit() and following != "0":
            self._backreference()
        elif following == "k":
            match = re.compile(r"\\k<([A-Za-z][A-Za-z0-9]*)>").match(self._pattern, self._at)
            if match is None or match[1] not in self._names:
                raise self._error("a reference to a group that is not there")
            self._emit(match[0], len(match[0]))
        else:
            text, length, _ = self._escaped(self._at, in_class=False)
            self._emit(text, length)

    def _backreference(self) -> None:
        match = re.compile(r"\\(\d+)").match(self._pattern, self._at)
        assert match is not None
        if int(match[1]) > self._closed:
            raise self._error(f"{match[0]} refers to a group that is not closed before it")
        # A group that took no part matches nothing in ECMA-262 and fails in Java.
        self._note = self._note or f"{match[0]} fails in Java where its group took no part; ECMA-262 lets it match ''"
        self._emit(match[0], len(match[0]))

    def _escaped(self, at: int, *, in_class: bool) -> tuple[str, int, int | None]:
        """Java's text for the escape at `at`, its length in the pattern, and its code point if it is one character."""
        char = self._pattern[at + 1 : at + 2]
        if not char:
            raise self._error(r"a '\' at the end")
        if char in "dDwW":
            return "\\" + char, 2, None
        if char in "sS":
            negated = "^" if char == "S" else ""
            return (f"[{negated}{_SPACE}]" if not in_class or negated else _SPACE), 2, None
        if char in "tnrvf":
            code = {"t": 9, "n": 10, "r": 13, "v": 11, "f": 12}[char]
            return f"\\x{code:02X}", 2, code
        if char == "0" and not self._pattern[at + 2 : at + 3].isdigit():
            return r"\x00", 2, 0
        if char == "b" and in_class:
            return r"\x08", 2, 8
        if char == "c" and re.match("[A-Za-z]", self._pattern[at + 2 : at + 3]):
            code = ord(self._pattern[at + 2]) % 32
            return f"\\x{code:02X}", 3, code
        if match := _HEX.match(self._pattern, at + 1):
            return self._code_point(match)
        if char in "pP":
            return self._property(at)
        if char.isalnum():
            raise self._error(f"'\\{char}' has no meaning in ECMA-262")
        return "\\" + char, 2, ord(char)

    def _code_point(self, match: re.Match[str]) -> tuple[str, int, int | None]:
        code = int(match[1] or match[2] or match[3], 16)
        if code > 0x10FFFF:
            raise self._error(f"{match[0]!r} is no character")
        if 0xD800 <= code <= 0xDFFF:
            raise self._error("half of a surrogate pair; write the character itself")
        return f"\\x{{{code:X}}}", len(match[0]) + 1, code

    def _property(self, at: int) -> tuple[str, int, None]:
        match = re.compile(r"\\([pP])\{([^}]*)\}").match(self._pattern, at)
        if match is None:
            raise self._error(r"'\p' without a property in braces")
        if _GENERAL_CATEGORY.match(match[2]):
            return match[0], len(match[0]), None
        if script := _SCRIPT.match(match[2]):
            if script[1] not in _SCRIPTS:
                raise self._error(f"{match[2]!r} is not a script that is known here")
            return f"\\{match[1]}{{Is{script[1]}}}", len(match[0]), None
        raise self._error(f"Java does not know the property {match[2]!r}")

    def _class(self) -> None:
        negated = self._pattern.startswith("[^", self._at)
        at = self._at + (2 if negated else 1)
        items: list[str] = []
        while at < len(self._pattern) and self._pattern[at] != "]":
            text, length, code = self._class_atom(at)
            at += length
            is_range = self._pattern[at : at + 1] == "-" and self._pattern[at + 1 : at + 2] not in ("]", "")
            if not is_range:
                items.append(text)
                continue
            last, last_length, last_code = self._class_atom(at + 1)
            at += 1 + last_length
            if code is None or last_code is None:
                items += [text, r"\-", last]
            elif code > last_code:
                raise self._error(f"the range {text}-{last} runs backwards")
            else:
                items.append(f"{text}-{last}")
        if at >= len(self._pattern):
            raise self._error("a '[' is not closed")
        whole = f"[{'^' if negated else ''}{''.join(items)}]"
        if not items:
            whole = r"[\x{0}-\x{10FFFF}]" if negated else "(?!)"
        self._emit(whole, at + 1 - self._at)

    def _class_atom(self, at: int) -> tuple[str, int, int | None]:
        char = self._pattern[at]
        if char == "\\":
            return self._escaped(at, in_class=True)
        if char.isascii() and not char.isalnum() and char.isprintable() and char not in " _":
            return "\\" + char, 1, ord(char)
        return char, 1, ord(char)


_SCRIPTS = {
    *("Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Georgian", "Greek", "Gujarati", "Han", "Hangul"),
    *("Hebrew", "Hiragana", "Katakana", "Latin", "Tamil", "Telugu", "Thai", "Tibetan"),
}
