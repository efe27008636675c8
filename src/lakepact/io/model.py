"""What a governed read or write is asked, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from lakepact.errors import Problem, Severity
from lakepact.quality.native import RowCounts
from lakepact.quality.schema import ColumnDrift
from lakepact.results.model import RuleResult, RuleStatus, Verdict

__all__ = [
    "CheckResult",
    "ChecksOn",
    "OnMismatch",
    "OnViolation",
    "WriteMode",
    "WriteResult",
    "drift_problems",
    "problems_of",
]


class WriteMode(StrEnum):
    """How rows come into the table. MERGE: by the primary key of the contract, or by `keys`."""

    APPEND = "append"
    OVERWRITE = "overwrite"
    MERGE = "merge"


class OnViolation(StrEnum):
    """What a violated rule does.

    CONTRACT: what its action in the contract says. RAISE: every rule stops the write, but for those that only warn.
    QUARANTINE: rows are set aside instead of stopping the write or being dropped; rules on the whole dataset keep
    their action. WARN: everything is written, and recorded.
    """

    CONTRACT = "contract"
    RAISE = "raise"
    QUARANTINE = "quarantine"
    WARN = "warn"


class OnMismatch(StrEnum):
    """What is done with data whose columns are not those of the contract.

    RAISE: nothing is written. DRAFT: a draft proposes the change to the steward, and what fits the contract is written.
    EVOLVE: columns that the contract does not have are written too, and a draft proposes them; else as RAISE.
    """

    RAISE = "raise"
    DRAFT = "draft"
    EVOLVE = "evolve"


class ChecksOn(StrEnum):
    """What rules on the whole dataset speak of: the table as the write leaves it, or only the rows of this write."""

    TABLE = "table"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What came of holding data against a contract.

    `lenient`: the contract lets columns that do not fit pass with a warning. `recorded`: the results are in
    `rule_results`.
    """

    run_id: str
    contract_id: str
    contract_version: str
    object: str
    dataset: str
    verdict: Verdict
    counts: RowCounts
    results: tuple[RuleResult, ...]
    drift: tuple[ColumnDrift, ...]
    lenient: bool = False
    recorded: bool = False

    @property
    def violated(self) -> tuple[RuleResult, ...]:
        """The rules that are violated or could not be evaluated, worst first."""
        bad = [each for each in self.results if each.status not in (RuleStatus.PASS, RuleStatus.SKIPPED)]
        order = (RuleStatus.FAIL, RuleStatus.ERROR, RuleStatus.WARN)
        return tuple(sorted(bad, key=lambda each: order.index(each.status)))


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What a write did.

    `table` is where the rows are, `quarantine` where those are that were set aside ('' where none was). `version` is
    the version of the Delta table that holds the rows; None where the same run had been written before (`repeated`).
    `recorded` says whether the results are in `rule_results`, `draft` where the draft of a mismatch went ('' for none).
    `contract_seen` is when the store was last asked for the contract, where it could not be asked now.
    """

    check: CheckResult
    table: str
    mode: WriteMode
    version: int | None
    written: int
    quarantine: str = ""
    repeated: bool = False
    recorded: bool = False
    draft: str = ""
    contract_seen: datetime | None = None

    @property
    def verdict(self) -> Verdict:
        """The verdict on the data."""
        return self.check.verdict

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.check.run_id

    def to_json(self) -> str:
        """All of it as JSON, for logs and other programs."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False)


def problems_of(check: CheckResult) -> tuple[Problem, ...]:
    """The violations as problems: what stops data is an error, the rest a warning."""
    rules = tuple(
        Problem(
            code="LP893",
            severity=Severity.WARNING if each.status is RuleStatus.WARN else Severity.ERROR,
            message=f"{each.rule_id}: {each.message}",
            file=check.dataset,
            path=each.rule_id,
        )
        for each in check.violated
        if each.rule_id != "schema"
    )
    return drift_problems(check.drift, check.dataset) + rules


def drift_problems(drift: Iterable[ColumnDrift], dataset: str) -> tuple[Problem, ...]:
    """The columns that differ as problems: what does not fit is an error, the rest a warning."""
    return tuple(
        Problem(
            code="LP892",
            severity=Severity.WARNING if each.adapted else Severity.ERROR,
            message=str(each),
            file=dataset,
            path=each.column,
        )
        for each in drift
    )
