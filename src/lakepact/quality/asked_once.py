"""An engine whose answer is kept, for those who first want to know whether it can do what others would do besides."""

from __future__ import annotations

from time import monotonic

from lakepact.quality.engine import Data, EngineContext
from lakepact.quality.evaluated import Evaluated
from lakepact.quality.native_engine import FileEngine
from lakepact.results.model import RuleResult
from lakepact.rules.model import ObjectRules

__all__ = ["AskedOnce"]


class AskedOnce:
    """DuckDB on the files of one object, which are read the first time only. `seconds` is what that took.

    What it raised is raised again.
    """

    def __init__(self) -> None:
        self._engine = FileEngine()
        self._answer: Evaluated | Exception | None = None
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """`duckdb`."""
        return self._engine.name

    def takes(self, data: Data) -> bool:
        """What DuckDB takes."""
        return self._engine.takes(data)

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """The results of the first time."""
        return self.evaluate_data(data, rules, context).results

    def evaluate_data(self, data: Data, rules: ObjectRules, context: EngineContext) -> Evaluated:
        """The results, columns and counts of the first time."""
        if self._answer is None:
            began = monotonic()
            try:
                self._answer = self._engine.evaluate_data(data, rules, context)
            except Exception as error:  # whatever it raises: it would again
                self._answer = error
            self.seconds = monotonic() - began
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer
