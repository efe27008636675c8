"""What came of holding data against a contract by several engines: one result a rule, counts, and one verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lakepact.quality.native import RowCounts
from lakepact.quality.schema import ColumnDrift
from lakepact.results.model import RuleResult, RuleStatus, Verdict, verdict_of
from lakepact.rules.handling import EnforcementMode

__all__ = ["QualityReport"]

_ORDER = (RuleStatus.FAIL, RuleStatus.ERROR, RuleStatus.WARN)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The results of all engines, schema first, then in the order of rules and engines.

    `seconds` is the time of each engine by its name, `total_seconds` that of the whole check. `counts` are the rows,
    where an engine counts them. `mode` is the enforcement mode that held, None where nobody set one.
    """

    run_id: str
    contract_id: str
    contract_version: str
    object: str
    dataset: str
    results: tuple[RuleResult, ...]
    drift: tuple[ColumnDrift, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    total_seconds: float = 0.0
    counts: RowCounts | None = None
    mode: EnforcementMode | None = None

    @property
    def overall_result(self) -> Verdict:
        """pass, warn, quarantine or fail: the worst of the rules."""
        return verdict_of(self.results)

    @property
    def checks_executed(self) -> int:
        """Rules that were put to an engine: those that passed, failed, warned or could not be evaluated."""
        return len(self.results) - self.checks_skipped

    @property
    def checks_passed(self) -> int:
        """Rules that hold."""
        return self._number(RuleStatus.PASS)

    @property
    def checks_failed(self) -> int:
        """Rules that are violated and stop data or set it aside."""
        return self._number(RuleStatus.FAIL)

    @property
    def checks_warned(self) -> int:
        """Rules that are violated, which is only recorded."""
        return self._number(RuleStatus.WARN)

    @property
    def checks_errors(self) -> int:
        """Rules that could not be evaluated."""
        return self._number(RuleStatus.ERROR)

    @property
    def checks_skipped(self) -> int:
        """Rules that were not evaluated, with the reason in their message."""
        return self._number(RuleStatus.SKIPPED)

    @property
    def violations(self) -> tuple[RuleResult, ...]:
        """The rules that are violated or could not be evaluated, worst first."""
        return tuple(
            sorted((each for each in self.results if each.status in _ORDER), key=lambda each: _ORDER.index(each.status))
        )

    def summary(self) -> str:
        """One line for people.

        >>> QualityReport(
        ...     run_id="r", contract_id="c", contract_version="1", object="t", dataset="d", results=()
        ... ).summary()
        'pass: 0 checks executed, 0 passed, 0 failed, 0 warned, 0 errors, 0 skipped; 0.00 s'
        """
        engines = "".join(f", {name} {spent:.2f} s" for name, spent in self.seconds.items())
        return (
            f"{self.overall_result}: {self.checks_executed} checks executed, {self.checks_passed} passed, "
            f"{self.checks_failed} failed, {self.checks_warned} warned, {self.checks_errors} errors, "
            f"{self.checks_skipped} skipped; {self.total_seconds:.2f} s{engines}"
        )

    def counted(self) -> dict[str, Any]:
        """The verdict, counts and times by the names that they have in JSON."""
        return {
            "overall_result": self.overall_result.value,
            "enforcement": self.mode.value if self.mode is not None else None,
            "checks_executed": self.checks_executed,
            "checks_passed": self.checks_passed,
            "checks_failed": self.checks_failed,
            "checks_warned": self.checks_warned,
            "checks_errors": self.checks_errors,
            "checks_skipped": self.checks_skipped,
            "execution_time": self.total_seconds,
            "engine_seconds": dict(self.seconds),
        }

    def to_json(self) -> str:
        """All of it as JSON, for logs and other programs."""
        about = ("run_id", "contract_id", "contract_version", "object", "dataset")
        found: dict[str, Any] = {name: getattr(self, name) for name in about} | self.counted()
        found["drift"] = [asdict(each) for each in self.drift]
        found["violations"] = [each.rule_id for each in self.violations]
        found["results"] = [asdict(each) for each in self.results]
        return json.dumps(found, default=str, ensure_ascii=False)

    def _number(self, status: RuleStatus) -> int:
        return sum(1 for each in self.results if each.status is status)
