"""Results of rules, and the table that keeps them."""

from lakepact.results.model import RuleResult, RuleStatus, Verdict, verdict_of

__all__ = ["RuleResult", "RuleStatus", "Verdict", "verdict_of"]
