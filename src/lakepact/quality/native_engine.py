"""The engines that evaluate lakepact's own rules: Spark on data frames, and DuckDB on files."""

from __future__ import annotations

from lakepact.quality.duckdb_engine import DuckDbEngine, evaluate_files
from lakepact.quality.engine import Data, EngineContext, FileData, FrameData
from lakepact.quality.evaluated import Evaluated
from lakepact.quality.native import NativeEvaluation
from lakepact.results.model import RuleResult
from lakepact.rules.model import ObjectRules
from lakepact.spark.frames import session_of

__all__ = ["FileEngine", "NativeEngine"]


class NativeEngine:
    """Evaluates rules on rows and datasets of a data frame by Spark SQL; rules of other engines are not its own."""

    @property
    def name(self) -> str:
        """`native`."""
        return "native"

    def takes(self, data: Data) -> bool:
        """Data frames only."""
        return isinstance(data, FrameData)

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """A result for each rule on rows or datasets, in the order of the rules."""
        return self.evaluate_data(data, rules, context).results

    def evaluate_data(self, data: Data, rules: ObjectRules, context: EngineContext) -> Evaluated:
        """The results with columns and counts. Raises what Spark raises where the data cannot be read."""
        assert isinstance(data, FrameData)
        references = {name: each.frame for name, each in context.references.items() if isinstance(each, FrameData)}
        with NativeEvaluation(session_of(data.frame), data.frame, rules=rules, run=context.run) as rows:
            rows.find_clashes()
            counts, results = rows.evaluate(references=references)
            return Evaluated(results=results, alignment=rows.alignment, counts=counts)


class FileEngine(DuckDbEngine):
    """DuckDB's engine, with the columns and counts of files."""

    def evaluate_data(self, data: Data, rules: ObjectRules, context: EngineContext) -> Evaluated:
        """The results with columns and counts. Raises as `evaluate_files`."""
        assert isinstance(data, FileData)
        found = evaluate_files(data, rules, run=context.run, references=context.references, seconds=context.seconds)
        return Evaluated(results=found.results, alignment=found.alignment, counts=found.counts)
