"""What the engines that evaluate lakepact's own rules tell beside their results: columns and counts of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lakepact.quality.engine import Data, EngineContext
from lakepact.quality.native import RowCounts
from lakepact.quality.schema import Alignment
from lakepact.results.model import RuleResult
from lakepact.rules.model import ObjectRules

__all__ = ["Evaluated", "TellsColumns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Results for rules, the columns of the data against those of the contract, and rows by what becomes of them."""

    results: tuple[RuleResult, ...]
    alignment: Alignment
    counts: RowCounts | None = None


@runtime_checkable
class TellsColumns(Protocol):
    """An engine that tells the columns and counts of data, in the same pass as its results."""

    def evaluate_data(self, data: Data, rules: ObjectRules, context: EngineContext) -> Evaluated:
        """Results as `evaluate` gives them, with what the pass told beside. Raises where the data cannot be read."""
        ...
