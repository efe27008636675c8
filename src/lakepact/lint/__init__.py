"""Everything that is wrong with a contract or will surprise its users, in one pass."""

from lakepact.lint.catalogue import CHECKS, LintCode
from lakepact.lint.judge import Linted, lint
from lakepact.lint.subject import Fix

__all__ = ["CHECKS", "Fix", "LintCode", "Linted", "lint"]
