"""The `dp` / `dlt` module that pipeline sources see on this machine: Databricks' API, recording into `Definitions`.

Names, arguments and defaults are those of Databricks' documentation (`from pyspark import pipelines as dp`,
`import dlt`). An argument that only means something on Databricks is kept in `DatasetDefinition.ignored`; an argument
that nobody knows is an error, because a misspelt `table_properties` must not vanish.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Unpack

from lakepact.errors import ConfigurationError
from lakepact.local.definitions import (
    AutoCdcFlow,
    DatasetDefinition,
    Definitions,
    ExpectationAction,
    FlowDefinition,
    QueryFunction,
    SinkDefinition,
    SourcePlace,
)
from lakepact.local.dp_arguments import (
    AutoCdcOptions,
    Call,
    Mark,
    StreamingTableOptions,
    TableOptions,
    ViewOptions,
    wrong_call,
)
from lakepact.plan.model import DatasetKind

__all__ = ["PipelinesModule"]

_MARKS = "__lakepact_expectations__"
_VIEW = frozenset(ViewOptions.__annotations__)
_TABLE = frozenset(TableOptions.__annotations__)
_STREAMING_TABLE = frozenset(StreamingTableOptions.__annotations__)
_AUTO_CDC = frozenset(AutoCdcOptions.__annotations__)
_ACTIONS = {
    "expect_all": ExpectationAction.WARN,
    "expect_all_or_drop": ExpectationAction.DROP,
    "expect_all_or_fail": ExpectationAction.FAIL,
}
_PUBLIC = (
    "append_flow",
    "apply_changes",
    "apply_changes_from_snapshot",
    "create_auto_cdc_flow",
    "create_auto_cdc_from_snapshot_flow",
    "create_sink",
    "create_streaming_live_table",
    "create_streaming_table",
    "create_table",
    "expect",
    "expect_all",
    "expect_all_or_drop",
    "expect_all_or_fail",
    "expect_or_drop",
    "expect_or_fail",
    "foreach_batch_sink",
    "materialized_view",
    "on_event_hook",
    "read",
    "read_stream",
    "table",
    "temporary_view",
    "view",
)


class PipelinesModule(types.ModuleType):
    """A stand-in for `pyspark.pipelines` and `dlt` that records what a source defines.

    `definitions` receives everything in the order of definition. `spark` is needed by `read` and `read_stream` only.
    Calls that Databricks would refuse raise ConfigurationError with file and line: LP520 (wrong call), LP521 (not
    supported on this machine), LP522 (an expectation named twice on one dataset), LP523 (a name defined twice).

    >>> dp = PipelinesModule()
    >>> @dp.table(comment="clean orders")
    ... @dp.expect_or_drop("has id", "id IS NOT NULL")
    ... def orders():
    ...     return dp.read_stream("raw_orders")
    >>> dp.definitions.datasets[0].name, dp.definitions.datasets[0].expectations[0].action.value
    ('orders', 'drop')
    """

    def __init__(self, definitions: Definitions | None = None, *, spark: Any = None, name: str = "pyspark.pipelines"):
        """See the class."""
        super().__init__(name, type(self).__doc__)
        self.definitions = Definitions() if definitions is None else definitions
        self.spark = spark
        self.definitions.session = self.definitions.session or spark
        self.__all__ = list(_PUBLIC)

    # datasets -----------------------------------------------------------------------------------------------------

    def table(self, query_function: QueryFunction | None = None, **options: Unpack[TableOptions]) -> Any:
        """A streaming table (a decorator, with or without arguments)."""
        return self._dataset("table", DatasetKind.STREAMING_TABLE, query_function, options, _TABLE)

    create_table = table

    def materialized_view(self, query_function: QueryFunction | None = None, **options: Unpack[TableOptions]) -> Any:
        """A materialized view (a decorator, with or without arguments)."""
        return self._dataset("materialized_view", DatasetKind.MATERIALIZED_VIEW, query_function, options, _TABLE)

    def temporary_view(self, query_function: QueryFunction | None = None, **options: Unpack[ViewOptions]) -> Any:
        """A view that only this pipeline sees (a decorator, with or without arguments)."""
        return self._dataset("temporary_view", DatasetKind.TEMPORARY_VIEW, query_function, options, _VIEW)

    view = temporary_view

    def create_streaming_table(self, name: str, **options: Unpack[StreamingTableOptions]) -> None:
        """An empty streaming table, the target of append or AUTO CDC flows."""
        call = Call("create_streaming_table", _caller(), {**options, "name": name}, _STREAMING_TABLE | {"name"})
        marks = [
            call.mark(expectation, constraint, action)
            for argument, action in _ACTIONS.items()
            for expectation, constraint in call.mapping(argument, text=False).items()
        ]
        self.add_dataset(call.dataset(DatasetKind.STREAMING_TABLE, call.required_text("name"), None, marks))

    create_streaming_live_table = create_streaming_table

    def _dataset(
        self,
        method: str,
        kind: DatasetKind,
        function: QueryFunction | None,
        options: Mapping[str, Any],
        known: frozenset[str],
    ) -> Callable[[QueryFunction], None] | None:
        call = Call(method, _caller(), options, known)

        def record(query: QueryFunction) -> None:
            call.check_query(query)
            name = call.text("name") or call.function_name(query)
            self.add_dataset(call.dataset(kind, name, query, _marks(query)))

        if function is None:
            return record
        record(function)
        return None

    # expectations -------------------------------------------------------------------------------------------------

    def expect(self, name: str, inv: Any) -> Callable[[QueryFunction], QueryFunction]:
        """Rows that violate the constraint are counted and kept."""
        return _marking("expect", {name: inv}, ExpectationAction.WARN)

    def expect_or_drop(self, name: str, inv: Any) -> Callable[[QueryFunction], QueryFunction]:
        """Rows that violate the constraint are counted and dropped."""
        return _marking("expect_or_drop", {name: inv}, ExpectationAction.DROP)

    def expect_or_fail(self, name: str, inv: Any) -> Callable[[QueryFunction], QueryFunction]:
        """A row that violates the constraint stops the flow."""
        return _marking("expect_or_fail", {name: inv}, ExpectationAction.FAIL)

    def expect_all(self, expectations: Mapping[str, Any]) -> Callable[[QueryFunction], QueryFunction]:
        """`expect` for every `{name: constraint}`."""
        return _marking("expect_all", expectations, ExpectationAction.WARN)

    def expect_all_or_drop(self, expectations: Mapping[str, Any]) -> Callable[[QueryFunction], QueryFunction]:
        """`expect_or_drop` for every `{name: constraint}`."""
        return _marking("expect_all_or_drop", expectations, ExpectationAction.DROP)

    def expect_all_or_fail(self, expectations: Mapping[str, Any]) -> Callable[[QueryFunction], QueryFunction]:
        """`expect_or_fail` for every `{name: constraint}`."""
        return _marking("expect_all_or_fail", expectations, ExpectationAction.FAIL)

    # flows and sinks ----------------------------------------------------------------------------------------------

    def append_flow(
        self,
        *,
        target: str,
        name: str | None = None,
        once: bool = False,
        spark_conf: Mapping[str, str] | None = None,
        comment: str | None = None,
    ) -> Callable[[QueryFunction], None]:
        """A flow that appends to a streaming table or sink (a decorator); `once` runs it a single time, as a batch."""
        options = {"target": target, "name": name, "once": once, "spark_conf": spark_conf, "comment": comment}
        call = Call("append_flow", _caller(), options, frozenset(options))

        def record(query: QueryFunction) -> None:
            call.check_query(query)
            if _marks(query):
                call.fail("append_flow takes no expectations", "put them on create_streaming_table(expect_all=...)")
            flow = FlowDefinition(
                name=call.text("name") or call.function_name(query),
                target=call.required_text("target"),
                place=call.place,
                query=query,
                spark_conf=call.mapping("spark_conf"),
                once=call.flag("once"),
            )
            self.add_flow(flow)

        return record

    def create_auto_cdc_flow(
        self, target: str, source: str, keys: Sequence[Any], sequence_by: Any, **options: Unpack[AutoCdcOptions]
    ) -> None:
        """Applies a feed of changes to a streaming table, as SCD type 1 (the default) or 2."""
        given = {**options, "target": target, "source": source, "keys": keys, "sequence_by": sequence_by}
        call = Call("create_auto_cdc_flow", _caller(), given, _AUTO_CDC | {"target", "source", "keys", "sequence_by"})
        self.add_auto_cdc_flow(call.auto_cdc())

    apply_changes = create_auto_cdc_flow

    def create_sink(self, name: str, format: str, options: Mapping[str, str] | None = None) -> None:
        """A destination outside of the pipeline, fed by append flows."""
        given = {"name": name, "format": format, "options": options}
        call = Call("create_sink", _caller(), given, frozenset(given))
        sink = SinkDefinition(
            name=call.required_text("name"),
            format=call.required_text("format"),
            place=call.place,
            options=call.mapping("options"),
        )
        _check_free("sink", sink.name, sink.place, self._outputs())
        self.definitions.sinks.append(sink)

    def create_auto_cdc_from_snapshot_flow(self, *_: object, **__: object) -> NoReturn:
        """Raises LP521: this machine has no snapshots of a source over time."""
        _unsupported("create_auto_cdc_from_snapshot_flow", "feed the changes themselves with create_auto_cdc_flow")

    apply_changes_from_snapshot = create_auto_cdc_from_snapshot_flow

    def foreach_batch_sink(self, *_: object, **__: object) -> NoReturn:
        """Raises LP521: the open-source engine has no such sink."""
        _unsupported("foreach_batch_sink", "use create_sink with a format, or keep this source out of local runs")

    def on_event_hook(self, *_: object, **__: object) -> NoReturn:
        """Raises LP521: the open-source engine calls no hooks."""
        _unsupported("on_event_hook", "keep hooks in a source of their own that only Databricks runs")

    # reading ------------------------------------------------------------------------------------------------------

    def read(self, name: str) -> Any:
        """A dataset of the pipeline as a batch (`dlt.read`)."""
        return self._session("read").read.table(_without_live(name))

    def read_stream(self, name: str) -> Any:
        """A dataset of the pipeline as a stream (`dlt.read_stream`)."""
        return self._session("read_stream").readStream.table(_without_live(name))

    def _session(self, method: str) -> Any:
        if self.spark is None:
            raise wrong_call(
                _caller(), f"{method} needs a running session", "use spark.read.table in the query function"
            )
        return self.spark

    # for SQL sources ----------------------------------------------------------------------------------------------

    def add_dataset(self, dataset: DatasetDefinition) -> None:
        """Record a dataset; raises LP522 and LP523 for names given twice."""
        _check_free("dataset", dataset.name, dataset.place, self._outputs())
        _check_expectations(dataset)
        self.definitions.datasets.append(dataset)

    def add_flow(self, flow: FlowDefinition) -> None:
        """Record an append flow; raises LP523 where its name is taken."""
        _check_free("flow", flow.name, flow.place, self._flows())
        self.definitions.flows.append(flow)

    def add_auto_cdc_flow(self, flow: AutoCdcFlow) -> None:
        """Record an AUTO CDC flow; raises LP523 where its name is taken."""
        _check_free("flow", flow.name, flow.place, self._flows())
        self.definitions.auto_cdc_flows.append(flow)

    def _outputs(self) -> list[tuple[str, SourcePlace]]:
        recorded = self.definitions
        datasets = [(dataset.name, dataset.place) for dataset in recorded.datasets]
        return datasets + [(sink.name, sink.place) for sink in recorded.sinks]

    def _flows(self) -> list[tuple[str, SourcePlace]]:
        recorded = self.definitions
        flows = [(flow.name, flow.place) for flow in recorded.flows]
        return flows + [(flow.name, flow.place) for flow in recorded.auto_cdc_flows]


def _marking(
    method: str, expectations: Mapping[str, Any], action: ExpectationAction
) -> Callable[[QueryFunction], QueryFunction]:
    call = Call(method, _caller(), {"expectations": expectations}, frozenset({"expectations"}))
    pairs = call.mapping("expectations", text=False).items()
    marks = [call.mark(name, constraint, action) for name, constraint in pairs]

    def mark(query: QueryFunction) -> QueryFunction:
        if query is None:
            call.fail(f"{method} stands above the dataset decorator", "put expectations below @dp.table and its like")
        call.check_query(query)

        # A wrapper of its own, because one function may become several datasets with different expectations.
        @functools.wraps(query)
        def marked() -> Any:
            return query()

        setattr(marked, _MARKS, (*marks, *_marks(query)))
        return marked

    return mark


def _marks(query: QueryFunction) -> tuple[Mark, ...]:
    marks: tuple[Mark, ...] = getattr(query, _MARKS, ())
    return marks


def _without_live(name: str) -> str:
    return name[5:] if name[:5].lower() == "live." else name


def _caller() -> SourcePlace:
    """The place in the source that called into this module."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return SourcePlace(frame.f_code.co_filename, frame.f_lineno)


def _check_free(what: str, name: str, place: SourcePlace, taken: Iterable[tuple[str, SourcePlace]]) -> None:
    for other, first in taken:
        if other.lower() == name.lower():
            raise ConfigurationError(
                f"{place}: {what} {name!r} is defined a second time, first at {first}",
                "LP523",
                "give one of them another name",
                {"name": name, "file": place.file, "line": place.line},
            )


def _check_expectations(dataset: DatasetDefinition) -> None:
    seen: set[str] = set()
    for expectation in dataset.expectations:
        if expectation.name in seen:
            raise ConfigurationError(
                f"{dataset.place}: {dataset.name} has two expectations named {expectation.name!r}",
                "LP522",
                "the name of an expectation is unique in its dataset",
                {"name": expectation.name, "file": dataset.place.file, "line": dataset.place.line},
            )
        seen.add(expectation.name)


def _unsupported(method: str, hint: str) -> NoReturn:
    place = _caller()
    message = f"{place}: {method} is not supported on this machine"
    raise ConfigurationError(message, "LP521", hint, {"file": place.file, "line": place.line, "method": method})
