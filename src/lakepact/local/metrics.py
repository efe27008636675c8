"""Counts of flows while they run, from Spark's own observations, streaming and batch alike.

A listener in this process's JVM receives them from every session, also from those that the pipeline engine clones for
its flows. Streaming queries report each micro-batch; their inner writes report the same rows once more and are passed
over, by asking only one of the two kinds for each dataset.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["Execution", "Observations", "observe"]


@dataclass(frozen=True, slots=True)
class Execution:
    """A query that ended: its analysed plan in Java, and all that it observed, by observation name."""

    plan: Any
    rows: Mapping[str, Mapping[str, int]]


class Observations:
    """What flows have observed, by observation name: rows of counts, in order of arrival."""

    def __init__(self) -> None:
        """Empty."""
        self._lock = threading.Lock()
        self._batch: dict[str, list[Mapping[str, int]]] = defaultdict(list)
        self._stream: dict[str, dict[str, list[Mapping[str, int]]]] = defaultdict(lambda: defaultdict(list))
        self._executions: dict[str, Execution] = {}

    def batch(self, name: str) -> Mapping[str, int] | None:
        """The counts of the last whole write under that name; None where nothing was written."""
        with self._lock:
            rows = self._batch.get(name)
            return rows[-1] if rows else None

    def stream(self, name: str) -> list[Mapping[str, int]]:
        """The counts of every micro-batch under that name, of one query where several have observed the same view."""
        with self._lock:
            queries = self._stream.get(name)
            return list(next(iter(queries.values()))) if queries else []

    def execution(self, name: str) -> Execution | None:
        """The last query that observed under that name; None where there was none."""
        with self._lock:
            return self._executions.get(name)

    def recall(self, name: str, counts: Mapping[str, int]) -> None:
        """Take counts of an earlier update for those of this one, where this one has none."""
        with self._lock:
            if name not in self._batch and name not in self._stream:
                self._batch[name].append(counts)

    def _add_batch(self, rows: Mapping[str, Mapping[str, int]], plan: Any) -> None:
        with self._lock:
            for name, counts in rows.items():
                self._batch[name].append(counts)
                self._executions[name] = Execution(plan, rows)

    def _add_stream(self, query: str, rows: Mapping[str, Mapping[str, int]]) -> None:
        with self._lock:
            for name, counts in rows.items():
                self._stream[name][query].append(counts)


@contextmanager
def observe(classic: Any, prefix: str) -> Iterator[Observations]:
    """Collect observations whose name starts with `prefix`; leaving the context waits for the last one."""
    from py4j.protocol import Py4JError
    from pyspark import java_gateway

    observations = Observations()
    context = classic.sparkContext
    start_callbacks: Callable[[Any], None] = java_gateway.ensure_callback_server_started
    start_callbacks(context._gateway)
    listener = _Listener(observations, prefix)
    scala_context = context._jsc.sc()
    scala_context.addSparkListener(listener)
    try:
        yield observations
    finally:
        # Without Java there is nothing to wait for, and what ended it is the error to tell.
        with suppress(Py4JError, ConnectionError):
            scala_context.listenerBus().waitUntilEmpty()
            scala_context.removeSparkListener(listener)
        # Java may know the listener under another proxy and keep it: then it must not ask about later queries.
        listener.close()


class _Listener:
    """A SparkListenerInterface; only `onOtherEvent` is of interest, the rest must be answered."""

    def __init__(self, observations: Observations, prefix: str) -> None:
        self._observations = observations
        self._prefix = prefix
        self._open = True

    def close(self) -> None:
        self._open = False

    def onOtherEvent(self, event: Any) -> None:
        from pyspark.errors import PySparkException

        if not self._open:
            return
        kind = event.getClass().getSimpleName()
        if kind == "SparkListenerSQLExecutionEnd":
            execution = event.qe()
            # A query that cannot be analysed ends too, and raises its error once more when it is asked.
            with suppress(PySparkException):
                if execution is not None:
                    rows = self._rows(_from_scala(execution.observedMetrics()))
                    self._observations._add_batch(rows, execution.analyzed() if rows else None)
        elif kind == "QueryProgressEvent":
            progress = event.progress()
            rows = self._rows(progress.observedMetrics())
            self._observations._add_stream(progress.id().toString(), rows)

    def _rows(self, metrics: Any) -> dict[str, dict[str, int]]:
        return {name: _counts(metrics[name]) for name in metrics if name.startswith(self._prefix)}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on"):
            return lambda *_: None
        raise AttributeError(name)

    class Java:
        implements = ("org.apache.spark.scheduler.SparkListenerInterface",)


def _from_scala(metrics: Any) -> dict[str, Any]:
    keys = metrics.keysIterator()
    rows = {}
    while keys.hasNext():
        key = keys.next()
        rows[key] = metrics.apply(key)
    return rows


def _counts(row: Any) -> dict[str, int]:
    names = row.schema().fieldNames()
    return {names[index]: row.getLong(index) for index in range(len(names))}
