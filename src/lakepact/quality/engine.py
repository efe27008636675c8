"""What every quality engine does: rules are held against data, and each gives one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lakepact.quality.native import Run
from lakepact.quality.stopping import Stop
from lakepact.results.model import RuleResult
from lakepact.rules.model import ObjectRules

__all__ = ["Data", "EngineContext", "FileData", "FrameData", "QualityEngine", "TableData"]


@dataclass(frozen=True, slots=True)
class FrameData:
    """A Spark data frame, classic or of Spark Connect."""

    frame: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FileData:
    """Files of one format (`parquet`, `csv` or `json`) that DuckDB reads without Java; a path may be a pattern.

    `options` are those of Spark's reader of the format (`header`, `sep`, …).
    """

    paths: tuple[str, ...]
    format: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableData:
    """A table in memory: a pandas data frame, or what gives Arrow data (a PyArrow table, a Polars data frame).

    It is checked as the Parquet file that it would be. What `isna()` of pandas calls missing (None, NaN, NaT) is
    NULL; NaN of other tables stays NaN. The index of pandas is no column.
    """

    table: Any


Data = FrameData | FileData


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """What an evaluation has beside data and rules.

    `references` are the data of other objects of the contract, by name. `seconds` is the time an engine has; None for
    as long as it takes. `samples` is the number of violating values that a result may quote; values of columns whose
    classification is not public are never quoted. `stop` ends the evaluation from outside: an engine that opens a
    connection says there how its queries are ended. Those of the Spark session of the data are ended without a word.
    """

    run: Run
    references: Mapping[str, Data] = field(default_factory=dict)
    seconds: float | None = None
    samples: int = 0
    stop: Stop = field(default_factory=Stop, compare=False)


class QualityEngine(Protocol):
    """An engine. `name` is what results carry in `engine`: native, duckdb, soda, gx, custom."""

    @property
    def name(self) -> str:
        """The name of the engine."""
        ...

    def takes(self, data: Data) -> bool:
        """Whether the engine can read such data."""
        ...

    def evaluate(self, data: Data, rules: ObjectRules, context: EngineContext) -> tuple[RuleResult, ...]:
        """A result for each rule of the object that the engine is for, in the order of the rules.

        A rule that it cannot evaluate is ERROR, with the engine's reason, and never hides another; one that it has no
        way to express is SKIPPED with the reason. Counts mean what they mean natively: `violations` is the number of
        rows that break the rule. Raises ExtraMissing where the engine's library is not installed, and nothing else.
        """
        ...
