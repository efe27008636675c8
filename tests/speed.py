"""Limits of CPU time that mean the same on every machine, and on a machine that others use too."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What `_known_work` takes on the machine on which the limits of the tests were set.
_REFERENCE = 0.1
# Other work on the machine (its caches, its clock) makes CPU seconds longer from one moment to the next.
_MARGIN = 1.5


def cpu_limit(seconds: float) -> float:
    """The CPU seconds here and now that are `seconds` of the reference machine, and half as many more.

    A limit by a factor of two and more finds what it is for: a loop in a loop, an import of pyspark.
    """
    return seconds * _MARGIN * max(1.0, min(cpu_seconds(_known_work) for _ in range(2)) / _REFERENCE)


def best_cpu_seconds(work: Callable[[], object]) -> float:
    """What one call costs, the best of three: a test process that is an hour old now and then cleans up a lot."""
    return min(cpu_seconds(work) for _ in range(3))


def cpu_seconds(work: Callable[[], object]) -> float:
    """What one call costs."""
    started = time.process_time()
    work()
    return time.process_time() - started


@contextmanager
def children_within(seconds: float) -> Iterator[None]:
    """Fails when the processes that are started and waited for in here need more than `cpu_limit(seconds)`."""
    before = _of_children()
    yield
    taken, limit = _of_children() - before, cpu_limit(seconds)
    assert taken < limit, f"{taken:.2f} CPU seconds, the limit is {limit:.2f}"


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _known_work() -> int:
    return sum(len(str(number).split("7")) for number in range(840_000))
