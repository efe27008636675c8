"""Lints many files one after the other, and what only shows when they are seen together."""

from __future__ import annotations

from dataclasses import dataclass

from lakepact.contract.model import Contract
from lakepact.errors import Problem
from lakepact.lint.catalogue import CHECKS, LintCode
from lakepact.lint.judge import Linted
from lakepact.lint.subject import place_of

__all__ = ["FileReport", "Versions"]


@dataclass(frozen=True, slots=True)
class FileReport:
    """What was found in one file, and how many findings were mended before."""

    file: str
    problems: tuple[Problem, ...]
    fixed: int = 0


class Versions:
    """Remembers which file holds which version of which contract, and nothing else of them."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], str] = {}

    def checked(self, linted: Linted, file: str) -> tuple[Problem, ...]:
        """The problems of a file, with one more where an earlier file holds the same version of the same contract."""
        contract = linted.contract
        if contract is None or not contract.id:
            return linted.problems
        before = self._files.setdefault((contract.id, contract.version), file)
        if before == file:
            return linted.problems
        return (*linted.problems, _twice(contract, before))


def _twice(contract: Contract, before: str) -> Problem:
    check = CHECKS[LintCode.SAME_VERSION_TWICE]
    place = place_of(contract, "version")
    return Problem(
        code=LintCode.SAME_VERSION_TWICE,
        severity=check.severity,
        message=f"version `{contract.version}` of the contract `{contract.id}` is also in {before}",
        file=contract.file,
        line=place.line,
        column=place.column,
        path="version",
        hint="change the version or the id of one of them",
    )
