"""`lakepact explain`: what a contract demands, clause by clause, and what is done about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakepact.cli.arguments import regular_file
from lakepact.cli.output import say, show_json, show_lines
from lakepact.errors import ContractInvalid, NotEnforceable, Problem, Severity, UsageError

if TYPE_CHECKING:
    from lakepact.contract.model import Contract
    from lakepact.rules.model import Clause, RuleSet

__all__ = ["explain"]

_Explained = tuple["Contract", "RuleSet", "tuple[Clause, ...]"]


def explain(
    files: Annotated[list[Path], typer.Argument(metavar="CONTRACT", help="ODCS documents.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where a clause cannot be enforced.")] = False,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Policy: which action a broken rule has.", show_default=False)
    ] = None,
    schema_object: Annotated[
        str | None, typer.Option("--object", metavar="NAME", help="Only this schema object.")
    ] = None,
) -> None:
    """Show what becomes of each clause of a contract.

    Its rules as SQL, the action when a row breaks one and where that comes from, or why nothing can check it.
    """
    from lakepact.cli.coverage import coverage_json, coverage_lines

    explained = _explained([regular_file(file, what="a contract") for file in files], policy, schema_object)
    if as_json:
        show_json([coverage_json(*one) for one in explained])
    else:
        for index, one in enumerate(explained):
            show_lines([() for _ in range(min(index, 1))])
            show_lines(coverage_lines(*one))
    if strict:
        _refuse_gaps(explained)


def _explained(files: list[Path], policy: Path | None, schema_object: str | None) -> list[_Explained]:
    from lakepact.cli.coverage import clauses_of
    from lakepact.rules import compile_rules, load_policy

    loaded = load_policy(regular_file(policy, what="a policy")) if policy else None
    contracts = [_chosen(contract, schema_object) for contract in _contracts(files)]
    if schema_object is not None and not any(name for _, name in contracts):
        raise _unknown_object([contract for contract, _ in contracts], schema_object)
    explained = []
    for contract, name in contracts:
        if schema_object is None or name:
            rules = compile_rules(contract, policy=loaded)
            for problem in rules.problems:
                say(str(problem))
            explained.append((contract, rules, clauses_of(contract, rules, name)))
    return explained


def _contracts(files: list[Path]) -> list[Contract]:
    """All contracts; the problems of all files come together, and warnings are said."""
    from lakepact.contract import read_contract

    contracts: list[Contract] = []
    problems: list[Problem] = []
    for file in files:
        contract, found = read_contract(file)
        problems += found
        if contract is not None:
            contracts.append(contract)
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if errors:
        what = f"'{files[0]}'" if len(files) == 1 else f"the {len(files)} files"
        raise ContractInvalid(f"{errors} error{'s' if errors > 1 else ''} in {what}", "LP100", problems=problems)
    for problem in problems:
        say(str(problem))
    return contracts


def _chosen(contract: Contract, schema_object: str | None) -> tuple[Contract, str | None]:
    found = contract.object(schema_object) if schema_object is not None else None
    return contract, found.name if found else None


def _unknown_object(contracts: list[Contract], name: str) -> UsageError:
    from lakepact.contract.checked_document import nearest

    known = [found.name for contract in contracts for found in contract.schema]
    return UsageError(f"no contract here has a schema object '{name}'", "LP426", nearest(name, known))


def _refuse_gaps(explained: list[_Explained]) -> None:
    """Raise NotEnforceable LP427 with every clause that nothing checks."""
    from lakepact.rules.model import Enforcement

    problems = [
        Problem(
            code="LP427",
            severity=Severity.ERROR,
            message=f"{clause.text}: {clause.reason}",
            file=contract.file,
            line=clause.place.line,
            column=clause.place.column,
            path=clause.path,
        )
        for contract, _, clauses in explained
        for clause in clauses
        if clause.enforcement is Enforcement.NOT_ENFORCEABLE
    ]
    if problems:
        number = "1 clause" if len(problems) == 1 else f"{len(problems)} clauses"
        raise NotEnforceable(f"{number} cannot be enforced", "LP427", problems=problems)
