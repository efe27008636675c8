"""Mends a document where the mend is certain, and leaves every other byte as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakepact.contract.edits import EditRefused, edited
from lakepact.contract.problems import Code
from lakepact.errors import Severity
from lakepact.lint.judge import Linted, lint
from lakepact.lint.subject import Fix

__all__ = ["Mended", "mend"]

# A mend may show another fault behind it; more rounds than faults can hide behind each other are not needed.
_MOST_ROUNDS = 10
_GRAMMAR = frozenset(Code)


@dataclass(frozen=True, slots=True)
class Mended:
    """The document after its mends, what was mended, and what lint says of it now."""

    content: bytes
    fixes: tuple[Fix, ...]
    linted: Linted


def mend(
    content: bytes, *, file: str = "", strict: bool = False, wanted: Callable[[str], bool] = lambda _code: True
) -> Mended:
    """`content` with every fix made whose code is `wanted`; mending the result again changes nothing.

    A fix that does not remove its finding, or that breaks the grammar, is taken back.

    >>> mend(b"apiVersion: v3.2.0\\nkind: dataContract\\nid: a\\nversion: 1.0 # as of May\\n").content.decode()
    'apiVersion: v3.2.0\\nkind: DataContract\\nid: a\\nversion: "1.0" # as of May\\n'
    """
    linted = lint(content, file=file, strict=strict)
    made: list[Fix] = []
    refused: set[Fix] = set()
    for _ in range(_MOST_ROUNDS):
        candidates = _distinct([fix for fix in linted.fixes if wanted(fix.code) and fix not in refused])
        if not candidates:
            break
        content, linted, kept = _round(content, linted, candidates, file=file, strict=strict)
        made += kept
        refused.update(fix for fix in candidates if fix not in kept)
    return Mended(content, tuple(made), linted)


def _distinct(fixes: Sequence[Fix]) -> list[Fix]:
    """One fix for each element; another one for it has its turn in the next round."""
    taken: dict[str, Fix] = {}
    chosen: list[Fix] = []
    for fix in fixes:
        paths = [edit.path for edit in fix.edits if hasattr(edit, "path")]
        if not any(path in taken for path in paths):
            taken.update(dict.fromkeys(paths, fix))
            chosen.append(fix)
    return chosen


def _round(
    content: bytes, linted: Linted, fixes: list[Fix], *, file: str, strict: bool
) -> tuple[bytes, Linted, list[Fix]]:
    """All fixes at once; where that is not clean, each after the other, kept only if it is."""
    attempt = _attempt(content, linted, fixes, file=file, strict=strict)
    if attempt is not None:
        return *attempt, fixes
    kept: list[Fix] = []
    for fix in fixes:
        attempt = _attempt(content, linted, [fix], file=file, strict=strict)
        if attempt is not None:
            content, linted = attempt
            kept.append(fix)
    return content, linted, kept


def _attempt(
    content: bytes, before: Linted, fixes: Sequence[Fix], *, file: str, strict: bool
) -> tuple[bytes, Linted] | None:
    """The document with the fixes and what lint says of it; None where they are refused or do not help."""
    try:
        changed = edited(content, [edit for fix in fixes for edit in fix.edits])
    except EditRefused:
        return None
    after = lint(changed, file=file, strict=strict)
    left = {(problem.code, problem.path) for problem in after.problems}
    if any((fix.code, fix.path) in left for fix in fixes) or _grammar_errors(after) > _grammar_errors(before):
        return None
    return changed, after


def _grammar_errors(linted: Linted) -> int:
    codes = Counter(problem.code for problem in linted.problems if problem.severity is Severity.ERROR)
    return sum(number for code, number in codes.items() if code in _GRAMMAR)
