"""Doubles of `pyspark.pipelines` on Databricks and of a Spark session that record what a pipeline source does.

They show what reaches Databricks without a workspace: execute a source with both, then read `RecordingPipelines.calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RecordedCall", "RecordingPipelines", "RecordingSpark"]

_MARKS = "__recorded_expectations__"
_STORED = {
    "name": str,
    "comment": str,
    "spark_conf": dict,
    "table_properties": dict,
    "path": str,
    "partition_cols": list,
    "cluster_by": list,
    "cluster_by_auto": bool,
    "schema": object,
    "row_filter": str,
    "private": bool,
}
_ARGUMENTS: Mapping[str, Mapping[str, type]] = {
    "table": _STORED,
    "materialized_view": _STORED | {"refresh_policy": str},
    "temporary_view": {"name": str, "comment": str, "spark_conf": dict},
}
_READERS = {"read", "readStream"}
_METHODS = {
    *("table", "format", "option", "options", "schema", "load", "sql"),
    *("select", "selectExpr", "where", "join", "groupBy", "agg"),
}


@dataclass(frozen=True)
class RecordedCall:
    """One dataset as it was defined. `expectations` are (decorator, name, predicate) from top to bottom.

    `steps` are the calls on the recording session that its function made; None where it returned something else.
    """

    decorator: str
    name: str
    arguments: Mapping[str, object]
    expectations: tuple[tuple[str, str, str], ...]
    steps: tuple[tuple[Any, ...], ...] | None


class RecordingPipelines:
    """The decorators of Databricks' `pyspark.pipelines`, as strict as they are, recording `calls`.

    Refused with TypeError: unknown arguments, arguments of a wrong type, functions that cannot be called without
    arguments, an expectation above its dataset. Refused with ValueError: two datasets of one name, two expectations of
    one name on a dataset.

    >>> dp, spark = RecordingPipelines(), RecordingSpark()
    >>> @dp.materialized_view(comment="clean")
    ... @dp.expect_all_or_drop({"has id": "id IS NOT NULL"})
    ... def orders():
    ...     return spark.read.table("raw")
    >>> dp.calls[0].name, dp.calls[0].expectations, dp.calls[0].steps
    ('orders', (('expect_all_or_drop', 'has id', 'id IS NOT NULL'),), (('read',), ('table', 'raw')))
    """

    def __init__(self) -> None:
        """Nothing is recorded yet."""
        self.calls: list[RecordedCall] = []

    def table(self, query_function: Callable[[], Any] | None = None, **arguments: Any) -> Any:
        """A streaming table."""
        return self._dataset("table", query_function, arguments)

    def materialized_view(self, query_function: Callable[[], Any] | None = None, **arguments: Any) -> Any:
        """A materialized view."""
        return self._dataset("materialized_view", query_function, arguments)

    def temporary_view(self, query_function: Callable[[], Any] | None = None, **arguments: Any) -> Any:
        """A view that only the pipeline sees."""
        return self._dataset("temporary_view", query_function, arguments)

    def expect(self, name: str, inv: str) -> Any:
        """An expectation that counts."""
        return self._expectations("expect", {name: inv})

    def expect_or_drop(self, name: str, inv: str) -> Any:
        """An expectation that drops rows."""
        return self._expectations("expect_or_drop", {name: inv})

    def expect_or_fail(self, name: str, inv: str) -> Any:
        """An expectation that stops the update."""
        return self._expectations("expect_or_fail", {name: inv})

    def expect_all(self, expectations: Mapping[str, str]) -> Any:
        """Expectations that count."""
        return self._expectations("expect_all", expectations)

    def expect_all_or_drop(self, expectations: Mapping[str, str]) -> Any:
        """Expectations that drop rows."""
        return self._expectations("expect_all_or_drop", expectations)

    def expect_all_or_fail(self, expectations: Mapping[str, str]) -> Any:
        """Expectations that stop the update."""
        return self._expectations("expect_all_or_fail", expectations)

    def _expectations(self, decorator: str, expectations: Mapping[str, str]) -> Callable[[Any], Any]:
        if not isinstance(expectations, Mapping):
            raise TypeError(f"{decorator} takes a dictionary, not {type(expectations).__name__}")
        for part in (each for pair in expectations.items() for each in pair):
            if not isinstance(part, str) or not part:
                raise TypeError(f"{decorator}: names and predicates are text that is not empty, not {part!r}")

        def mark(function: Any) -> Any:
            if not callable(function):
                raise TypeError(f"{decorator} stands above a dataset's decorator; it belongs below it")
            below: Iterable[tuple[str, str, str]] = getattr(function, _MARKS, ())
            setattr(function, _MARKS, (*((decorator, *pair) for pair in expectations.items()), *below))
            return function

        return mark

    def _dataset(self, decorator: str, function: Callable[[], Any] | None, arguments: Mapping[str, Any]) -> Any:
        known = _ARGUMENTS[decorator]
        for name, value in arguments.items():
            if name not in known:
                raise TypeError(f"{decorator}() got an unexpected keyword argument {name!r}")
            if value is not None and not isinstance(value, known[name]):
                raise TypeError(f"{decorator}: {name} must be {known[name].__name__}, not {type(value).__name__}")

        def record(query: Callable[[], Any]) -> None:
            self._record(decorator, query, arguments)

        return record if function is None else record(function)

    def _record(self, decorator: str, query: Callable[[], Any], arguments: Mapping[str, Any]) -> None:
        if not callable(query):
            raise TypeError(f"{decorator} decorates a function, not {type(query).__name__}")
        name = arguments.get("name") or query.__name__
        if any(call.name.lower() == name.lower() for call in self.calls):
            raise ValueError(f"dataset {name!r} is defined twice")
        expectations: tuple[tuple[str, str, str], ...] = getattr(query, _MARKS, ())
        names = [expectation[1] for expectation in expectations]
        for repeated in {each for each in names if names.count(each) > 1}:
            raise ValueError(f"dataset {name!r} has two expectations named {repeated!r}")
        result = query()
        steps = result.steps if isinstance(result, RecordingSpark) else None
        self.calls.append(RecordedCall(decorator, name, dict(arguments), expectations, steps))


class RecordingSpark:
    """A session, reader and data frame in one that records the `steps` taken from the session.

    Only what keeps the dependencies of a flow on every engine is there; anything else is an AttributeError.

    >>> RecordingSpark().readStream.table("raw").where("id > 0").steps
    (('readStream',), ('table', 'raw'), ('where', 'id > 0'))
    """

    def __init__(self, steps: tuple[tuple[Any, ...], ...] = ()) -> None:
        """A session; with `steps`, what they lead to."""
        self.steps = steps

    def __getattr__(self, name: str) -> Any:
        if name in _READERS and not self.steps:
            return RecordingSpark(((name,),))
        if name not in _METHODS:
            raise AttributeError(f"a pipeline source must not use .{name}")
        return lambda *arguments, **named: RecordingSpark((*self.steps, (name, *arguments, *sorted(named.items()))))
