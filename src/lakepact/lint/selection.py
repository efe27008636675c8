"""Which findings are wanted, by code or by the beginning of codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakepact.errors import UsageError
from lakepact.lint.catalogue import LintCode, reportable_codes

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Beginnings of codes to select (none: all) and to ignore; the longer one decides, and of two equal ones ignore.

    >>> chosen = Selection.of(select=["LP73"], ignore=["LP731"])
    >>> [chosen.wants(code) for code in ("LP730", "LP731", "LP720")]
    [True, False, False]
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    @classmethod
    def of(cls, *, select: Iterable[str] = (), ignore: Iterable[str] = ()) -> Selection:
        """From texts that may each hold several codes with commas. Raises UsageError LP754 for one that is no code."""
        return cls(_codes(select, "--select"), _codes(ignore, "--ignore"))

    def wants(self, code: str) -> bool:
        """Whether findings with this code are wanted."""
        selected = 0 if not self.select else _longest(self.select, code)
        return selected is not None and selected >= (_longest(self.ignore, code) or 0) and code not in self.ignore


def _longest(prefixes: Sequence[str], code: str) -> int | None:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=None)


def _codes(texts: Iterable[str], option: str) -> tuple[str, ...]:
    wanted = [part.strip().upper() for text in texts for part in text.split(",") if part.strip()]
    known = list(reportable_codes())
    for prefix in wanted:
        if not any(code.startswith(prefix) for code in known):
            import difflib

            near = difflib.get_close_matches(prefix, known, n=1) if len(prefix) == len(known[0]) else []
            hint = f"did you mean {near[0]}?" if near else "docs/lint.md lists all codes"
            raise UsageError(f"{option}: lint has no code that begins with '{prefix}'", LintCode.UNKNOWN_CODE, hint)
    return tuple(dict.fromkeys(wanted))
