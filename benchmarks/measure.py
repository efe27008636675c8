"""What a piece of work costs: CPU seconds of this process and of its Java process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Line", "cpu_seconds", "median_cpu"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report; `limit` is the target, `value` must not be above it."""

    name: str
    value: float
    limit: float
    unit: str
    detail: str = ""

    @property
    def held(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "held" if self.held else "MISSED"
        return f"{self.name:<52} {self.value:>7.2f} {self.unit:<9} limit {self.limit:<5g} {verdict:<7} {self.detail}"


def cpu_seconds(classic: Any) -> float:
    """CPU seconds so far of this process and of the Java process behind `classic`, all threads."""
    java = classic._jvm.java.lang.ProcessHandle.current().info().totalCpuDuration().get().toMillis()
    return float(java) / 1000 + time.process_time()


def median_cpu(classic: Any, work: Callable[[], object], *, rounds: int) -> float:
    """The median CPU seconds of `work` over `rounds`, after one round that warms up."""
    work()
    costs = []
    for _ in range(rounds):
        before = cpu_seconds(classic)
        work()
        costs.append(cpu_seconds(classic) - before)
    return statistics.median(costs)
