"""What DuckDB measured as the results that every engine gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from lakepact.quality.native import Run
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action, DatasetRule, RowRule

__all__ = ["Results", "spark_text"]

_STATUS: Final = {
    Action.WARN: RuleStatus.WARN,
    Action.DROP: RuleStatus.FAIL,
    Action.QUARANTINE: RuleStatus.FAIL,
    Action.FAIL: RuleStatus.FAIL,
}


@dataclass(frozen=True, slots=True)
class Results:
    """Makes the results of one run."""

    run: Run

    def of_rows(self, rule: RowRule, violations: int, tested: int) -> RuleResult:
        """Of a rule on rows."""
        status = _STATUS[rule.action] if violations else RuleStatus.PASS
        message = f"{violations} of {tested} rows" if violations else ""
        return replace(self._of(rule, status, message), violations=violations, tested=tested)

    def of_whole(self, rule: DatasetRule, value: str | None, *, passed: bool) -> RuleResult:
        """Of a rule on the whole dataset, whose value is `value`."""
        message = "" if passed else f"{value if value is not None else 'no value'}, {rule.threshold}"
        return replace(self._of(rule, RuleStatus.PASS if passed else _STATUS[rule.action], message), value=value)

    def skipped(self, rule: RowRule | DatasetRule, reason: str) -> RuleResult:
        """Of a rule that only Spark evaluates."""
        return self._of(rule, RuleStatus.SKIPPED, f"needs Spark: {reason}")

    def absent(self, rule: DatasetRule, names: Sequence[str]) -> RuleResult:
        """Of a rule that reads objects whose data is not there."""
        reads = ", ".join(repr(name) for name in names)
        return self._of(rule, RuleStatus.SKIPPED, f"the rule reads {reads}, whose data is not at hand")

    def error(self, rule: RowRule | DatasetRule, reason: str) -> RuleResult:
        """Of a rule that cannot be evaluated."""
        return self._of(rule, RuleStatus.ERROR, reason)

    def _of(self, rule: RowRule | DatasetRule, status: RuleStatus, message: str) -> RuleResult:
        return RuleResult(
            run_id=self.run.run_id,
            contract_id=self.run.contract.id,
            contract_version=self.run.contract.version,
            object=rule.object,
            dataset=self.run.dataset,
            rule_id=rule.id,
            rule_name=rule.name,
            action=rule.action,
            status=status,
            at=self.run.clock(),
            engine="duckdb",
            threshold=rule.threshold if isinstance(rule, DatasetRule) else None,
            dimension=rule.dimension,
            severity=rule.severity,
            message=message,
        )


def spark_text(text: str | None, ddl: str) -> str | None:
    """A value of type `ddl`, in the text of DuckDB, in that of Spark.

    >>> spark_text("1e+300", "DOUBLE"), spark_text("0.5", "DOUBLE"), spark_text("5", "BIGINT")
    ('1.0E300', '0.5', '5')
    """
    if text is None or ddl not in ("FLOAT", "DOUBLE"):
        return text
    if text.lstrip("+-") in ("nan", "inf"):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, "NaN")
    number = Decimal(text)
    if number == 0 or Decimal("1e-3") <= abs(number) < Decimal("1e7"):
        plain = f"{number:f}"
        return plain if "." in plain else f"{plain}.0"
    sign, digits, _ = number.as_tuple()
    shown = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{number.adjusted()}"
