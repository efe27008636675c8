"""A plan as the SQL source of a Lakeflow pipeline."""

from __future__ import annotations

import lakepact
from lakepact.plan.model import (
    Dataset,
    DatasetKind,
    DatasetSource,
    Expectation,
    FileSource,
    Mode,
    Plan,
    Select,
    SqlQuery,
    SqlSource,
    TableSource,
)
from lakepact.plan.names import API_NAME
from lakepact.rules.model import Action
from lakepact.sql import identifier, qualified, string
from lakepact.targets.header import header_lines

__all__ = ["render"]

_VIOLATION = {Action.WARN: "", Action.DROP: " ON VIOLATION DROP ROW", Action.FAIL: " ON VIOLATION FAIL UPDATE"}
_AUTO_LOADER = "cloudFiles."


def render(plan: Plan) -> str:
    """The statements of all datasets of `plan`, the same text for the same plan."""
    header = "\n".join(f"-- {line}" for line in header_lines(plan, lakepact.__version__))
    return "\n\n".join([header, *(_statement(dataset) for dataset in plan.datasets)]) + "\n"


def _statement(dataset: Dataset) -> str:
    lines = [f"{_create(dataset)} {identifier(dataset.name)}{_constraints(dataset.expectations)}"]
    if dataset.partition_by:
        lines.append(f"PARTITIONED BY ({_names(dataset.partition_by)})")
    if dataset.cluster_by:
        lines.append(f"CLUSTER BY ({_names(dataset.cluster_by)})")
    if dataset.comment:
        lines.append(f"COMMENT {string(dataset.comment)}")
    if dataset.table_properties:
        pairs = ",\n".join(f"  {string(name)} = {string(value)}" for name, value in dataset.table_properties.items())
        lines.append(f"TBLPROPERTIES (\n{pairs}\n)")
    query = _query(dataset.query)
    # A comment at the end of somebody's query must not swallow the semicolon.
    end = "\n;" if "--" in query.rsplit("\n", 1)[-1] else ";"
    return "\n".join([*lines, "AS", query]) + end


def _create(dataset: Dataset) -> str:
    if dataset.kind is DatasetKind.TEMPORARY_VIEW:
        return "CREATE TEMPORARY VIEW"
    return f"CREATE OR REFRESH {'PRIVATE ' if dataset.private else ''}{dataset.kind.value.upper()}"


def _constraints(expectations: tuple[Expectation, ...]) -> str:
    if not expectations:
        return ""
    listed = ",\n".join(
        f"  CONSTRAINT {identifier(each.name)} EXPECT ({each.predicate}){_VIOLATION[each.action]}"
        for each in expectations
    )
    return f" (\n{listed}\n)"


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(identifier(column) for column in columns)


def _query(query: Select | SqlQuery) -> str:
    if isinstance(query, SqlQuery):
        return query.text
    columns = "\n" + ",\n".join(f"  {column}" for column in query.columns) if query.columns else " *"
    where = f"\nWHERE {query.where}" if query.where else ""
    return f"SELECT{columns}\nFROM {_from(query.source)}{where}"


def _from(source: FileSource | TableSource | SqlSource | DatasetSource) -> str:
    match source:
        case DatasetSource(name=name, stream=stream):
            return f"{_stream(stream)}{identifier(name)}"
        case TableSource(name=name, mode=mode):
            return f"{_stream(mode is Mode.STREAM)}{qualified(name)}"
        case SqlSource(text=text):
            return f"(\n{text.strip().rstrip(';').rstrip()}\n)"
        case FileSource():
            return _stream(source.mode is Mode.STREAM) + _read_files(source)


def _stream(stream: bool) -> str:
    return "STREAM " if stream else ""


def _read_files(source: FileSource) -> str:
    options = {"format": source.format} | {
        name.removeprefix(_AUTO_LOADER): value for name, value in source.options.items()
    }
    if source.read_schema:
        options["schema"] = source.read_schema
    arguments = [string(source.path), *(f"{_option(name)} => {string(value)}" for name, value in options.items())]
    return "read_files(\n" + ",\n".join(f"  {argument}" for argument in arguments) + "\n)"


def _option(name: str) -> str:
    return name if API_NAME.match(name) else identifier(name)
