"""A contract in another version of the standard, up or down, by edits that leave everything else as it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from lakepact.authoring import upgrade_quality, upgrade_steps
from lakepact.authoring.upgrade_carry import carry, restore, variables
from lakepact.authoring.upgrade_draft import Draft, Note, Proposal
from lakepact.contract.loader import Mode, load_contract, read_contract
from lakepact.contract.model import ApiVersion
from lakepact.errors import Problem, Severity

__all__ = ["Upgraded", "upgrade"]

_STEPS: tuple[Callable[[Draft], Iterable[Proposal]], ...] = (
    variables,
    upgrade_steps.header,
    upgrade_steps.team,
    restore,
    upgrade_steps.bounds,
    upgrade_steps.temporal_types,
    upgrade_steps.servers,
    upgrade_quality.placeholders,
    upgrade_quality.range_rules,
    upgrade_quality.library_rules,
    upgrade_quality.operators,
)
_MOST_PASSES = 20


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The document in the other version.

    `changes` says what is written in another way (LP701) or deprecated (LP704). `losses` says what is kept as a custom
    property or as mere text, because the version has no place for it (LP702), and what makes the document invalid
    there (LP703, an error). Their places are those of the document that was given.
    """

    source: bytes
    changes: tuple[Problem, ...] = ()
    losses: tuple[Problem, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the document is valid in its new version, read strictly."""
        return all(loss.severity is not Severity.ERROR for loss in self.losses)


def upgrade(source: bytes, *, to: ApiVersion, file: str = "") -> Upgraded:
    """`source` in the version `to`, above or below its own; comments, order and layout stay.

    A document that uses grammar of another version than it declares is mended on the way, also where `to` is the
    version that it declares. What a lower version has no place for moves to a custom property `lakepact.<key>`, from
    where the way up takes it back. Raises ContractInvalid for a document that is not valid in compatible mode.

    >>> document = b"apiVersion: v3.0.2\\nkind: DataContract\\nid: a\\nversion: 1.0.0\\nstatus: active\\n"
    >>> print(upgrade(document + b"team:\\n- username: b\\n", to=ApiVersion.V3_1_0).source.decode(), end="")
    apiVersion: v3.1.0
    kind: DataContract
    id: a
    version: 1.0.0
    status: active
    team:
      members:
      - username: b
    """
    contract = load_contract(source, file=file)
    if contract.api_version is to and not _errors(source, file):
        return Upgraded(source)
    draft = Draft(contract, to)
    for step in _STEPS:
        draft.apply(list(step(draft)))
    for number in count():
        if number == _MOST_PASSES or not draft.apply(carry(draft)):
            break
    for problem in _errors(draft.source, file):
        draft.note(Note("LP703", problem.path, f"not valid in {to.value}: {problem.message}", problem.hint))
    return Upgraded(draft.source, _in_order(draft.changes), _in_order(draft.losses))


def _errors(source: bytes, file: str) -> list[Problem]:
    _, problems = read_contract(source, file=file, mode=Mode.STRICT)
    return [problem for problem in problems if problem.severity is Severity.ERROR]


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    once = dict.fromkeys(problems)
    return tuple(sorted(once, key=lambda problem: (problem.line, problem.column, problem.code)))
