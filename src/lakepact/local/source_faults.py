"""The faults of several sources or statements, reported together."""

from __future__ import annotations

from collections.abc import Sequence

from lakepact.errors import ConfigurationError, LakepactError, Problem, Severity

__all__ = ["together"]


def together(errors: Sequence[LakepactError], where: str) -> LakepactError:
    """The only error, or one (LP542) that holds all of them as problems, each with its place.

    >>> wrong = ConfigurationError("a.py:3: no", "LP520", facts={"file": "a.py", "line": 3})
    >>> print(together([wrong, wrong], "the sources"))
    LP542: 2 faults in the sources
    a.py:3:0: error LP520: no
    a.py:3:0: error LP520: no
    """
    if len(errors) == 1:
        return errors[0]
    problems = [problem for error in errors for problem in (error.problems or [_problem(error)])]
    return ConfigurationError(f"{len(problems)} faults in {where}", "LP542", problems=problems)


def _problem(error: LakepactError) -> Problem:
    file = str(error.facts.get("file", ""))
    line, column = (int(str(error.facts.get(key, 0))) for key in ("line", "column"))
    place = ":".join(str(part) for part in (file, line, column) if part)
    return Problem(
        code=error.code,
        severity=Severity.ERROR,
        message=error.message.removeprefix(f"{place}: "),
        file=file,
        line=line,
        column=column,
        hint=error.hint,
    )
