"""What a draft is: a contract that is proposed, every proposal in it with its evidence, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from lakepact.contract import Contract
from lakepact.diff import Level

__all__ = ["DRAFT_PROPERTY", "PROPOSALS_PROPERTY", "Draft", "Evidence", "Proposal", "ProposalKind", "Provenance"]

DRAFT_PROPERTY = "lakepact.draft"
"""The custom property of a document that says what it proposes and why."""

PROPOSALS_PROPERTY = "lakepact.proposals"
"""The custom property of an element that holds what is proposed for it and not done."""


class ProposalKind(StrEnum):
    """What is proposed.

    ADDED: something the contract does not have. RETYPED: another type. REMOVAL: to take something out, which is not
    done. RELAXED: a value may be absent. LOOSENED: a clause holds for more than before, or should, where no way to
    loosen it is safe. WIDENED: more values are allowed.
    """

    ADDED = "added"
    RETYPED = "retyped"
    REMOVAL = "removal"
    RELAXED = "relaxed"
    LOOSENED = "loosened"
    WIDENED = "widened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One proposal: `path` names the element as `lakepact diff` does, `text` and `evidence` are for people.

    `clause` is what of the element is meant (`required`, `logicalTypeOptions.maximum`), `target` what else tells two
    proposals apart: a type, never a measured value. `confidence` is between 0 and 1. `adopted`: the document has it as
    a clause; otherwise it is only listed.
    """

    kind: ProposalKind
    path: str
    text: str
    evidence: str = ""
    clause: str = ""
    target: str = ""
    confidence: float = 1.0
    adopted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a draft comes from: why it was made, from which data, in which run, and what was measured.

    `statistics` is plain data, such as a number of rows. Nothing of it is part of the key of a draft.
    """

    cause: str
    dataset: str = ""
    dataset_version: str = ""
    run: str = ""
    rules: Sequence[str] = ()
    statistics: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the data holds where a rule is violated.

    `lowest` and `highest` are values of the column, or for rules on lengths and numbers of items those numbers.
    `values` are values that the rule does not allow; there may be more of them.
    """

    lowest: int | float | Decimal | str | None = None
    highest: int | float | Decimal | str | None = None
    values: Sequence[str | int | float | bool | Decimal] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed version of a contract.

    `base` is the version that it changes, None for a contract that is new. `level` is that of all changes that the
    document makes. `key` is the same for the same proposals on the same base, whatever run they come from.
    """

    contract: Contract
    base: Contract | None
    level: Level
    changes: tuple[Proposal, ...]
    key: str
