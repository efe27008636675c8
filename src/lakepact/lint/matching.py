r"""Matches texts of a document against patterns of a document, in bounded time.

Lint runs on documents of strangers, and Python's engine tries every way to match: `(a+)+$` never ends on 30 letters.
So a pattern is read first, the number of ways is bounded from above, and what could take long is not tried at all. Only
constructs and characters are accepted that ECMA-262 and Python read alike.
"""

from __future__ import annotations

import re

__all__ = ["Matcher"]

_LONGEST = 80
_MOST_WAYS = 1_000_000
_BUDGET = 20_000_000

_COUNT = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}")
_SIMPLE_ESCAPE = frozenset("dDwWsSbB.-/\\+*?()[]{}|^$@_:,;#&%!~'\"=<> tnrf")
_SET = re.compile(r"\[\^?(?:\\[dDwWsS.\-/\\+*?()\[\]{}|^$_tnrf]|[^\\\[\]&~|-]|-(?!-))+\]")
_GROUP = re.compile(r"\((?:\?[:=!])?")


class _NotTried(Exception):
    """The pattern has something that is not read alike, or that may take too long."""


class Matcher:
    """Searches, as JSON Schema does, until its budget of ways is used up."""

    def __init__(self) -> None:
        self._left = _BUDGET
        self._compiled: dict[str, tuple[re.Pattern[str], int] | None] = {}

    def found(self, pattern: str, text: str) -> bool | None:
        r"""Whether the pattern is found in the text; None where it is not tried.

        >>> Matcher().found(r"^[A-Z]{2}\d+$", "AB12"), Matcher().found("^a$", "b"), Matcher().found("(a+)+$", "aaab")
        (True, False, None)
        """
        if len(text) > _LONGEST or not (text.isascii() and text.isprintable()):
            return None
        if pattern not in self._compiled:
            self._compiled[pattern] = _compiled(pattern)
        known = self._compiled[pattern]
        if known is None:
            return None
        test, ways = known
        self._left -= ways
        return None if self._left < 0 else test.search(text) is not None


def _compiled(pattern: str) -> tuple[re.Pattern[str], int] | None:
    if len(pattern) > 500:
        return None
    reader = _Reader(pattern)
    try:
        ways = reader.alternatives()
        if reader.at != len(pattern):
            return None
        ways *= 1 if pattern.startswith("^") and "|" not in pattern else _LONGEST
        if ways > _MOST_WAYS:
            return None
        return re.compile("".join(reader.out), re.ASCII), ways
    except (_NotTried, re.error):
        return None


class _Reader:
    """Reads a pattern once, from left to right; each method gives the number of ways to match what it has read."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []

    def _bounded(self, ways: int) -> int:
        if ways > _MOST_WAYS:
            raise _NotTried
        return ways

    def alternatives(self) -> int:
        ways = self._sequence()
        while self.pattern.startswith("|", self.at):
            self._emit("|")
            ways += self._sequence()
        return self._bounded(ways)

    def _sequence(self) -> int:
        ways = 1
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            one = self._atom()
            ways = self._bounded(ways * self._repeated(one))
        return ways

    def _emit(self, text: str, written: str | None = None) -> None:
        self.out.append(text if written is None else written)
        self.at += len(text)

    def _atom(self) -> int:
        char = self.pattern[self.at]
        if char == "(":
            return self._group()
        if char == "[":
            match = _SET.match(self.pattern, self.at)
            if match is None:
                raise _NotTried
            self._emit(match[0])
        elif char == "\\":
            if self.pattern[self.at + 1 : self.at + 2] not in _SIMPLE_ESCAPE or self.at + 1 == len(self.pattern):
                raise _NotTried
            self._emit(self.pattern[self.at : self.at + 2])
        elif char in "*+?{":
            raise _NotTried
        else:
            self._emit(char, r"\Z" if char == "$" else None)
        return 1

    def _group(self) -> int:
        match = _GROUP.match(self.pattern, self.at)
        assert match is not None
        if match[0] == "(" and self.pattern.startswith("(?", self.at):
            raise _NotTried
        self._emit(match[0])
        ways = self.alternatives()
        if not self.pattern.startswith(")", self.at):
            raise _NotTried
        self._emit(")")
        return ways

    def _repeated(self, ways: int) -> int:
        """The ways of an atom with the quantifier that follows it."""
        char = self.pattern[self.at : self.at + 1]
        if char == "?":
            self._emit("?")
            ways += 1
        elif char in ("*", "+"):
            if ways > 1:
                raise _NotTried
            self._emit(char)
            ways = _LONGEST
        elif match := _COUNT.match(self.pattern, self.at):
            low = int(match[1])
            high = low if not match[2] else int(match[3] or _LONGEST)
            if ways > 1 and high > 8:
                raise _NotTried
            self._emit(match[0])
            ways = ways ** min(high, _LONGEST) * (min(high, _LONGEST) - min(low, _LONGEST) + 1)
        else:
            return ways
        if self.pattern.startswith("?", self.at):
            self._emit("?")
        elif self.pattern[self.at : self.at + 1] in ("*", "+", "{"):
            raise _NotTried
        return self._bounded(max(ways, 1))
