"""AUTO CDC on this machine: a materialized view over the whole feed of changes, equal to what Databricks keeps.

The open-source engine merges into targets that Delta does not offer, so the target is computed anew from all changes.
The feed must therefore be whole: a streaming view, whose rows are gone after an update, is staged in the hidden
streaming table `__lakepact_cdc_<target>`.

Changes count in the order of `sequence_by`, in whatever order they come; a NULL sequence is an error. SCD 1 keeps the
last state of a key; SCD 2 keeps a row for each state with `__START_AT` and `__END_AT`, and a change of columns that are
not tracked overwrites the state in place. A truncate removes what is not after it. Databricks asks for one change by
key and sequence; where there are several, a delete wins, else the row whose JSON text sorts last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from lakepact.errors import ConfigurationError
from lakepact.local.definitions import AutoCdcFlow, DatasetDefinition, Definitions, QueryFunction, ScdType
from lakepact.plan.model import DatasetKind
from lakepact.sql import identifier, qualified, string
from lakepact.sql_text import name_parts

__all__ = ["auto_cdc_sql", "expand_auto_cdc", "lower_auto_cdc"]

_SEQUENCE, _DELETE, _RANK = "__lakepact_sequence", "__lakepact_delete", "__lakepact_rank"
_STATE, _STARTS, _SINCE, _UNTIL, _LAST = (
    f"__lakepact_{name}" for name in ("state", "starts", "since", "until", "last")
)


def expand_auto_cdc(definitions: Definitions) -> Definitions:
    """`definitions` without AUTO CDC flows: their targets are materialized views, with staging tables where needed.

    Queries run in `definitions.session`. Raises ConfigurationError LP560 for a flow that cannot be: its target is not a
    streaming table of the pipeline, has other flows, or its clauses exclude each other; LP561 where the names of the
    columns are needed and not known.
    """
    datasets = list(definitions.datasets)
    for flow in definitions.auto_cdc_flows:
        target = next((dataset for dataset in datasets if _same(dataset.name, flow.target)), None)
        if target is None or target.kind is not DatasetKind.STREAMING_TABLE or target.query is not None:
            _fail(flow, f"{flow.target} must be a table of create_streaming_table, without other flows")
        if any(_same(other.target, flow.target) for other in definitions.flows):
            _fail(flow, f"{flow.target} has other flows beside AUTO CDC")
        source = next((dataset for dataset in datasets if _same(dataset.name, flow.source)), None)
        is_view = source is not None and source.kind is DatasetKind.TEMPORARY_VIEW
        lowered = lower_auto_cdc(flow, target, spark=definitions.session, source_is_streaming_view=is_view)
        at = datasets.index(target)
        datasets[at : at + 1] = lowered
    return replace(definitions, datasets=datasets, auto_cdc_flows=[])


def lower_auto_cdc(
    flow: AutoCdcFlow,
    target: DatasetDefinition,
    *,
    spark: Any,
    source_is_streaming_view: bool,
    columns: Sequence[str] = (),
) -> tuple[DatasetDefinition, ...]:
    """The target as a materialized view, after its staging table where the source is a streaming view.

    `columns` are the columns of the source where they are known. Raises as `expand_auto_cdc` does.
    """
    parts = name_parts(flow.source)
    staging: tuple[DatasetDefinition, ...] = ()
    if source_is_streaming_view:
        text = f"SELECT * FROM STREAM {qualified(parts)}"
        parts = (*name_parts(target.name)[:-1], f"__lakepact_cdc_{name_parts(target.name)[-1]}")
        staging = (
            DatasetDefinition(
                name=qualified(parts),
                kind=DatasetKind.STREAMING_TABLE,
                place=flow.place,
                query=_query(spark, text),
                private=True,
            ),
        )
    merged = _query(spark, auto_cdc_sql(flow, source=qualified(parts), columns=columns))
    return (*staging, replace(target, kind=DatasetKind.MATERIALIZED_VIEW, query=merged))


def auto_cdc_sql(flow: AutoCdcFlow, *, source: str, columns: Sequence[str] = ()) -> str:
    """The query over all changes in `source` (SQL text of a relation) that gives the rows of the target.

    Raises ConfigurationError LP560 and LP561 as `expand_auto_cdc` does.
    """
    _check(flow)
    return _Merge(flow, source, tuple(columns)).sql()


@dataclass(slots=True)
class _Merge:
    """The steps of one query, each a common table expression that reads the one before."""

    flow: AutoCdcFlow
    source: str
    columns: tuple[str, ...]
    steps: list[tuple[str, str]] = field(default_factory=list)

    def sql(self) -> str:
        self._step("changes", self._changes())
        self._step("ranked", self._ranked())
        if self._keeps_history:
            self._step("singled", f"SELECT * EXCEPT ({_RANK}) FROM ranked WHERE {_RANK} = 1")
        if self.flow.ignore_null_updates:
            for name, text in self._filled():
                self._step(name, text)
        final = self._scd_2() if self.flow.stored_as_scd_type is ScdType.SCD_2 else self._scd_1()
        steps = ",\n".join(f"{name} AS (\n  {text}\n)" for name, text in self.steps)
        return f"WITH {steps}\n{final}"

    @property
    def _keeps_history(self) -> bool:
        """Whether more than the last change of a key matters."""
        return self.flow.stored_as_scd_type is ScdType.SCD_2 or self.flow.ignore_null_updates

    @property
    def _keys(self) -> str:
        return ", ".join(identifier(key) for key in self.flow.keys)

    def _step(self, name: str, text: str) -> None:
        self.steps.append((name, text))

    @property
    def _before(self) -> str:
        return self.steps[-1][0]

    def _changes(self) -> str:
        """The changes that count, with their sequence and whether they delete."""
        flow = self.flow
        message = string(f"LP562: a change for {flow.target} has no sequence: sequence_by is NULL")
        filters = [f"({flow.where})"] if flow.where else []
        sequence = f"({flow.sequence_by})"
        checked = f"CASE WHEN {sequence} IS NULL THEN raise_error({message}) ELSE {sequence} END"
        if flow.apply_as_truncates:
            truncates = f"coalesce(({flow.apply_as_truncates}), FALSE)"
            latest = " AND ".join([*filters, truncates])
            filters += [
                f"NOT {truncates}",
                f"coalesce({sequence} > (SELECT max({sequence}) FROM {self.source} WHERE {latest}), TRUE)",
            ]
        deletes = f"coalesce(({flow.apply_as_deletes}), FALSE)" if flow.apply_as_deletes else "FALSE"
        where = f" WHERE {' AND '.join(filters)}" if filters else ""
        return f"SELECT *, {checked} AS {_SEQUENCE}, {deletes} AS {_DELETE} FROM {self.source}{where}"

    def _ranked(self) -> str:
        """Rank 1 is the change that wins: by key and sequence, or by key where only the last one matters."""
        partition = f"{self._keys}, {_SEQUENCE}" if self._keeps_history else self._keys
        order = f"{_SEQUENCE} DESC, {_DELETE} DESC, to_json(struct(*)) DESC"
        return f"SELECT *, row_number() OVER (PARTITION BY {partition} ORDER BY {order}) AS {_RANK} FROM changes"

    def _filled(self) -> Iterator[tuple[str, str]]:
        """NULLs replaced by the last value since the last delete."""
        names = self._value_columns()
        counted = f"sum(int({_DELETE})) OVER (PARTITION BY {self._keys} ORDER BY {_SEQUENCE}) AS {_STATE}"
        yield "lives", f"SELECT *, {counted} FROM singled"
        window = f"OVER (PARTITION BY {self._keys}, {_STATE} ORDER BY {_SEQUENCE} ROWS UNBOUNDED PRECEDING)"
        values = [f"last(if({_DELETE}, NULL, {name}), TRUE) {window} AS {name}" for name in map(identifier, names)]
        yield "filled", f"SELECT {', '.join([self._keys, *values, _SEQUENCE, _DELETE])} FROM lives"

    def _value_columns(self) -> list[str]:
        keys = {key.lower() for key in self.flow.keys}
        excluded = keys | {name.lower() for name in self.flow.except_column_list}
        names = self.flow.column_list or self.columns
        if not names:
            _fail(
                self.flow,
                "ignore_null_updates needs the names of the columns on this machine",
                "list them in column_list (COLUMNS in SQL)",
                code="LP561",
            )
        return [name for name in names if name.lower() not in excluded]

    def _scd_1(self) -> str:
        if self._keeps_history:
            rank = f"row_number() OVER (PARTITION BY {self._keys} ORDER BY {_SEQUENCE} DESC) AS {_RANK}"
            self._step("latest", f"SELECT *, {rank} FROM {self._before}")
        internal = (_SEQUENCE, _DELETE, _RANK)
        return f"SELECT {self._chosen(internal)} FROM {self._before} WHERE {_RANK} = 1 AND NOT {_DELETE}"

    def _scd_2(self) -> str:
        window = f"OVER (PARTITION BY {self._keys} ORDER BY {_SEQUENCE})"
        state = f"struct({self._tracked()})"
        self._step("states", f"SELECT *, {state} AS {_STATE} FROM {self._before}")
        # Columns of the change before: absent, a delete, or another state make this change a start.
        starts = (
            f"NOT {_DELETE} AND (coalesce(lag({_DELETE}) {window}, TRUE) OR NOT (lag({_STATE}) {window} <=> {_STATE}))"
        )
        self._step("starting", f"SELECT *, {starts} AS {_STARTS} FROM states")
        rows = f"{window[:-1]} ROWS UNBOUNDED PRECEDING)"
        spans = (
            f"last(if({_STARTS}, {_SEQUENCE}, NULL), TRUE) {rows} AS {_SINCE}, lead({_SEQUENCE}) {window} AS {_UNTIL}, "
            f"lead({_STARTS} OR {_DELETE}, 1, TRUE) {window} AS {_LAST}"
        )
        self._step("spans", f"SELECT *, {spans} FROM starting")
        internal = (_SEQUENCE, _DELETE, _STATE, _STARTS, _SINCE, _UNTIL, _LAST)
        chosen = f"{self._chosen(internal)}, {_SINCE} AS __START_AT, {_UNTIL} AS __END_AT"
        return f"SELECT {chosen} FROM spans WHERE {_LAST} AND NOT {_DELETE}"

    def _tracked(self) -> str:
        """The columns whose change starts a new state."""
        flow = self.flow
        if flow.track_history_column_list:
            return ", ".join(identifier(name) for name in flow.track_history_column_list)
        if flow.column_list:
            untracked = {name.lower() for name in flow.track_history_except_column_list}
            return ", ".join(identifier(name) for name in flow.column_list if name.lower() not in untracked)
        return _except([*self._excluded(), *flow.track_history_except_column_list, _SEQUENCE, _DELETE])

    def _chosen(self, internal: Sequence[str]) -> str:
        if self.flow.column_list:
            return ", ".join(identifier(name) for name in self.flow.column_list)
        return _except([*self._excluded(), *internal])

    def _excluded(self) -> list[str]:
        """The excluded columns that the step before still has: filling NULLs leaves only keys of them."""
        keys = {key.lower() for key in self.flow.keys}
        names = self.flow.except_column_list
        return [name for name in names if not self.flow.ignore_null_updates or name.lower() in keys]


def _except(names: Sequence[str]) -> str:
    return f"* EXCEPT ({', '.join(identifier(name) for name in dict.fromkeys(names))})"


def _query(spark: Any, text: str) -> QueryFunction:
    def query() -> Any:
        return spark.sql(text)

    return query


def _check(flow: AutoCdcFlow) -> None:
    if not flow.keys:
        _fail(flow, "AUTO CDC needs at least one key")
    for one, other in (
        ("column_list", "except_column_list"),
        ("track_history_column_list", "track_history_except_column_list"),
    ):
        if getattr(flow, one) and getattr(flow, other):
            _fail(flow, f"{one} and {other} exclude each other")
    tracks = flow.track_history_column_list or flow.track_history_except_column_list
    if flow.stored_as_scd_type is ScdType.SCD_1 and tracks:
        _fail(flow, "history is tracked by SCD type 2 only", "set stored_as_scd_type=2")
    if flow.stored_as_scd_type is ScdType.SCD_2 and flow.apply_as_truncates:
        _fail(flow, "apply_as_truncates is for SCD type 1 only", "leave it out, or set stored_as_scd_type=1")


def _same(one: str, other: str) -> bool:
    return [part.lower() for part in name_parts(one)] == [part.lower() for part in name_parts(other)]


def _fail(flow: AutoCdcFlow, message: str, hint: str = "", *, code: str = "LP560") -> NoReturn:
    facts = {"file": flow.place.file, "line": flow.place.line, "flow": flow.name}
    raise ConfigurationError(f"{flow.place}: {message}", code, hint, facts)
