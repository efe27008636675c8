"""The one module that touches the open-source pipeline engine's own classes.

They are not a public API, but the same in pyspark 4.2 and 4.3; a version outside of that range is refused. The engine
is asked for a graph, told its outputs and flows, and run; what it says comes back as sentences.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lakepact.errors import ConfigurationError, EnvironmentLacking, LakepactError
from lakepact.local.definitions import QueryFunction, SourcePlace
from lakepact.local.events import readable_error
from lakepact.local.names import Namespace
from lakepact.plan.model import DatasetKind

__all__ = ["Graph", "definition_context"]

_TESTED = ((4, 2), (4, 3))


class Graph:
    """A dataflow graph inside of a Spark Connect server."""

    def __init__(self, spark: Any, namespace: Namespace, configuration: Mapping[str, str]) -> None:
        """A new, empty graph. `configuration` holds Spark settings for all flows of the pipeline."""
        _require_tested_version()
        from pyspark.pipelines.spark_connect_graph_element_registry import SparkConnectGraphElementRegistry
        from pyspark.pipelines.spark_connect_pipeline import create_dataflow_graph

        self._spark = spark
        self.id: str = create_dataflow_graph(spark, namespace.catalog, namespace.schema, dict(configuration))
        self._registry = SparkConnectGraphElementRegistry(spark, self.id)

    def add_view(self, name: str, *, comment: str | None, place: SourcePlace) -> None:
        """A temporary view; its rows come from a flow of the same name."""
        from pyspark.pipelines.output import TemporaryView

        self._registry.register_output(TemporaryView(name=name, comment=comment, source_code_location=_location(place)))

    def add_table(
        self,
        name: str,
        kind: DatasetKind,
        *,
        comment: str | None,
        place: SourcePlace,
        table_properties: Mapping[str, str],
        partition_cols: Sequence[str],
    ) -> None:
        """A streaming table or materialized view in the session's default format."""
        from pyspark.pipelines.output import MaterializedView, StreamingTable

        table = StreamingTable if kind is DatasetKind.STREAMING_TABLE else MaterializedView
        self._registry.register_output(
            table(
                name=name,
                comment=comment,
                source_code_location=_location(place),
                table_properties=dict(table_properties),
                partition_cols=list(partition_cols) or None,
                cluster_by=None,
                schema=None,
                format=None,
            )
        )

    def add_sink(self, name: str, *, sink_format: str, options: Mapping[str, str], place: SourcePlace) -> None:
        """A sink outside of the catalog."""
        from pyspark.pipelines.output import Sink

        self._registry.register_output(
            Sink(
                name=name,
                comment=None,
                source_code_location=_location(place),
                format=sink_format,
                options=dict(options),
            )
        )

    def add_flow(
        self, name: str, target: str, query: QueryFunction, *, spark_conf: Mapping[str, str], place: SourcePlace
    ) -> Any:
        """A flow; `query` is called now, and its unresolved plan sent to the server and returned.

        Raises ConfigurationError (LP541) where the query itself raises.
        """
        from pyspark.pipelines.flow import Flow

        placed = _placed(query, name, place)
        frames: list[Any] = []

        def kept() -> Any:
            frames.append(placed())
            return frames[-1]

        with _mutations_blocked():
            self._registry.register_flow(
                Flow(
                    name=name,
                    target=target,
                    spark_conf=dict(spark_conf),
                    source_code_location=_location(place),
                    func=kept,
                )
            )
        return frames[-1]._plan.plan(self._spark.client)

    def run(
        self, *, storage: Path, refresh: Sequence[str], full_refresh: Sequence[str], full_refresh_all: bool, dry: bool
    ) -> Iterator[str]:
        """Run the graph; the engine's sentences in order.

        Raises pyspark's PySparkException after the last sentence where a flow, or the whole run, failed.
        """
        from pyspark.pipelines.spark_connect_pipeline import start_run

        results = start_run(
            self._spark,
            self.id,
            full_refresh=list(full_refresh),
            full_refresh_all=full_refresh_all,
            refresh=list(refresh),
            dry=dry,
            storage=storage.as_uri(),
        )
        for result in results:
            if "pipeline_event_result" in result:
                yield result["pipeline_event_result"].event.message


@contextmanager
def definition_context(spark: Any, graph_id: str) -> Iterator[None]:
    """While sources are executed: reads know their pipeline, and changing the session is refused."""
    from pyspark.pipelines.add_pipeline_analysis_context import add_pipeline_analysis_context

    with ExitStack() as stack:
        stack.enter_context(add_pipeline_analysis_context(spark=spark, dataflow_graph_id=graph_id, flow_name=None))
        stack.enter_context(_mutations_blocked())
        yield


@contextmanager
def _mutations_blocked() -> Iterator[None]:
    from pyspark.pipelines.block_session_mutations import block_session_mutations

    with block_session_mutations():
        yield


def _placed(query: QueryFunction, name: str, place: SourcePlace) -> QueryFunction:
    """`query`, with whatever it raises told as a fault of its source, at the line that raised."""

    def placed() -> Any:
        try:
            return query()
        except LakepactError:
            raise
        except Exception as error:  # a query may raise anything, and this is where it enters
            lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == place.file]
            line = (lines[-1] if lines else None) or place.line
            said = readable_error(str(error)).partition("\n")[0]
            told = f"{type(error).__name__}: {said}" if said else type(error).__name__
            raise ConfigurationError(
                f"{place.file}:{line}: the query of {name} raises {told}",
                code="LP541",
                facts={"file": place.file, "line": line},
            ) from error

    return placed


def _location(place: SourcePlace) -> Any:
    from pyspark.pipelines.source_code_location import SourceCodeLocation

    return SourceCodeLocation(filename=place.file, line_number=place.line)


def _require_tested_version() -> None:
    import pyspark

    version = tuple(int(part) for part in pyspark.__version__.split(".")[:2])
    if version not in _TESTED:
        raise EnvironmentLacking(
            f"pyspark {pyspark.__version__} is installed; pipelines run here on pyspark 4.2 and 4.3",
            code="LP610",
            hint="pip install 'lakepact[local]'",
        )
