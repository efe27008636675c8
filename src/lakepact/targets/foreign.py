"""Rules of a contract that are written in the language of one engine: what is in them, and what is wrong with them."""

from __future__ import annotations

import yaml

from lakepact.contract.model import Contract
from lakepact.errors import Problem, Severity
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import EngineRule

__all__ = ["foreign_rule_problem", "parsed_implementation"]


def parsed_implementation(implementation: object) -> object:
    """What a text holds as YAML; a line such as `missing_count(id) = 0` is text there too. Else what is given.

    Raises Inexpressible for text that is no YAML.
    """
    if not isinstance(implementation, str):
        return implementation
    try:
        return yaml.safe_load(implementation)
    except yaml.YAMLError as error:
        raise Inexpressible(f"the implementation is no YAML: {getattr(error, 'problem', None) or error}") from error


def foreign_rule_problem(contract: Contract, rule: EngineRule, engine: str, reason: str) -> Problem:
    """What is wrong with a rule that is written for `engine`, and that this one does not know."""
    return Problem(
        code="LP314",
        severity=Severity.WARNING,
        message=f"rule {rule.id!r} is not one that {engine} can be given: {reason}",
        file=contract.file,
        line=rule.place.line,
        column=rule.place.column,
        path=rule.place.path,
    )
