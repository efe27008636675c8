"""Tables of Unity Catalog through the Databricks SDK: columns, keys, tags, masks, owner, layout and where they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from lakepact.convert.building import Losses, new_document
from lakepact.convert.catalog_table import (
    CatalogColumn,
    CatalogTable,
    ForeignKey,
    column_of_field,
    write_foreign_keys,
    write_table,
)
from lakepact.convert.column_types import read_type
from lakepact.convert.model import Converted
from lakepact.errors import EnvironmentLacking, ExtraMissing, RemoteFailed, UsageError
from lakepact.sql_text import name_parts

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.catalog import ColumnInfo, TableInfo

__all__ = ["convert_unity_catalog", "workspace_client"]

# Tags are one call a column: one after the other they would take most of the time.
_CALLS_AT_ONCE = 8


def convert_unity_catalog(client: WorkspaceClient, name: str | Sequence[str]) -> Converted:
    """One contract with the tables that `name` names: `catalog.schema.table`, `catalog.schema` for all, or several.

    Raises UsageError (LP826) for what is no such name, ExtraMissing (LP827) without the SDK, and RemoteFailed (LP828)
    where the workspace refuses or has no such table. Tags that may not be read are listed as lost.
    """
    names = [name] if isinstance(name, str) else list(name)
    losses = Losses(names[0] if len(names) == 1 else "")
    reader = _Workspace(client, losses)
    found = [table for each in names for table in reader.tables(each)]
    if not found:
        raise UsageError(f"{', '.join(names)}: there is no table", "LP826", "name a table, or a schema that has some")
    document = new_document("-".join(name_parts(names[0])) if len(names) == 1 else "tables")
    _servers(document, found, client.config.host or "")
    written = [(table, write_table(document, table, losses)) for table in map(reader.read, found)]
    write_foreign_keys(written, losses)
    _team(document, found)
    return Converted(document=document, problems=losses.problems)


def workspace_client() -> WorkspaceClient:
    """A client by the environment or the profile that is configured.

    Raises ExtraMissing (LP827) without the SDK, EnvironmentLacking (LP829) where no credentials are configured.
    """
    from lakepact.workspace_login import NoLogin
    from lakepact.workspace_login import workspace_client as opened

    try:
        return opened()
    except ImportError:
        raise _sdk_missing() from None
    except NoLogin as error:
        raise EnvironmentLacking(
            message=f"no workspace is configured: {error}",
            code="LP829",
            hint="set DATABRICKS_HOST and DATABRICKS_TOKEN, or DATABRICKS_CONFIG_PROFILE",
        ) from error


def _sdk_missing() -> ExtraMissing:
    return ExtraMissing(
        message="databricks-sdk is not installed",
        code="LP827",
        hint="pip install 'lakepact[databricks]'",
        facts={"distribution": "databricks-sdk", "extra": "databricks"},
    )


class _Workspace:
    """Asks one workspace."""

    def __init__(self, client: WorkspaceClient, losses: Losses) -> None:
        try:
            from databricks.sdk.errors.base import DatabricksError
        except ImportError:
            raise _sdk_missing() from None
        self._client = client
        self._losses = losses
        # What the workspace answers, and what happens on the way to it.
        self._errors: tuple[type[Exception], ...] = (DatabricksError, OSError)

    def tables(self, name: str) -> list[TableInfo]:
        """The tables that a name names, each as the workspace describes a single one."""
        parts = name_parts(name)
        if len(parts) == 3:
            return [self._asked(lambda: self._client.tables.get(".".join(parts)), name)]
        if len(parts) != 2:
            raise UsageError(f"{name!r} is no name in Unity Catalog", "LP826", "write catalog.schema.table")
        # A list of tables has no constraints; each table is asked for on its own.
        listed = self._asked(
            lambda: list(self._client.tables.list(*parts, omit_columns=True, omit_properties=True)), name
        )
        names = sorted(table.full_name for table in listed if not table.name.startswith("__"))
        with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
            return list(pool.map(lambda each: self._asked(lambda: self._client.tables.get(each), each), names))

    def _asked(self, ask: Callable[[], Any], name: str) -> Any:
        try:
            return ask()
        except self._errors as error:
            code = getattr(error, "error_code", None) or type(error).__name__
            raise RemoteFailed(
                message=f"the workspace does not give {name}: {_reason(error)}",
                code="LP828",
                hint="check the name, and that USE CATALOG, USE SCHEMA and SELECT or BROWSE are granted",
                facts={"name": name, "error_code": code},
            ) from error

    def read(self, info: TableInfo) -> CatalogTable:
        """The table with its tags."""
        name = _name(info)
        if info.browse_only:
            self._losses.lost(f"{info.name}: only part of its description may be seen")
        columns = sorted(info.columns or (), key=lambda column: column.position or 0)
        full = ".".join(name)
        entities = [("tables", full), *(("columns", f"{full}.{column.name}") for column in columns)]
        table_tags, *column_tags = self._tags(entities)
        properties = dict(info.properties or {})
        table = CatalogTable(
            name=name,
            kind="view" if "VIEW" in _value(info.table_type) else "table",
            columns=[_column(column, tags) for column, tags in zip(columns, column_tags, strict=True)],
            comment=info.comment,
            properties=properties,
            partitions=[
                column.name or ""
                for column in sorted(columns, key=lambda column: column.partition_index or 0)
                if column.partition_index is not None
            ],
            clusters=_clusters(properties),
            tags=table_tags,
            custom=_custom(info),
        )
        self._constraints(info, table)
        return table

    def _tags(self, entities: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
        """The tags of each entity; those that the workspace does not give are listed as lost."""
        with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
            answers = list(pool.map(self._tags_of, entities))
        refused = {
            answer: entity for answer, (_, entity) in zip(answers, entities, strict=True) if isinstance(answer, str)
        }
        for reason, entity in refused.items():
            self._losses.lost(f"the tags of {entity}: {reason}")
        return [{} if isinstance(answer, str) else answer for answer in answers]

    def _tags_of(self, entity: tuple[str, str]) -> dict[str, str] | str:
        """The tags, or why they are not given."""
        try:
            found = list(self._client.entity_tag_assignments.list(*entity))
        except self._errors as error:
            return _reason(error)
        return {tag.tag_key: tag.tag_value or "" for tag in found}

    def _constraints(self, info: TableInfo, table: CatalogTable) -> None:
        keys = []
        for constraint in info.table_constraints or ():
            primary, foreign = constraint.primary_key_constraint, constraint.foreign_key_constraint
            if primary is not None:
                table.primary_key = primary.child_columns
                details = {"name": primary.name, "rely": primary.rely, "timeseries": primary.timeseries_columns}
                said = {key: value for key, value in details.items() if value}
                table.custom = {**table.custom, "lakepact.primaryKey": said}
            elif foreign is not None:
                parent = name_parts(foreign.parent_table)
                keys.append(
                    ForeignKey(foreign.name, tuple(foreign.child_columns), parent, tuple(foreign.parent_columns))
                )
            elif constraint.named_table_constraint is not None:
                named = constraint.named_table_constraint.name
                if f"delta.constraints.{named.lower()}" not in {key.lower() for key in table.properties}:
                    self._losses.lost(f"{info.name}: the constraint {named}, of which the catalog says only the name")
        table.foreign_keys = keys


def _reason(error: Exception) -> str:
    """What the workspace said, without the configuration of the client that the SDK puts behind it."""
    return str(error).partition(". Config: ")[0]


def _name(info: TableInfo) -> tuple[str, str, str]:
    return info.catalog_name or "", info.schema_name or "", info.name or ""


def _column(info: ColumnInfo, tags: dict[str, str]) -> CatalogColumn:
    node = _json(info.type_json)
    if isinstance(node, dict) and "name" in node:
        column = column_of_field(node)
    else:
        column = CatalogColumn(name="", type=read_type(info.type_text or ""))
    column.name = info.name or ""
    column.required = info.nullable is False
    column.comment = info.comment or column.comment
    column.tags = tags
    if info.mask is not None and info.mask.function_name:
        mask = {"function": info.mask.function_name, "columns": list(info.mask.using_column_names or ())}
        arguments = [argument.as_dict() for argument in info.mask.using_arguments or ()]
        said = {key: value for key, value in (mask | {"arguments": arguments}).items() if value}
        column.custom = {**column.custom, "lakepact.mask": said}
    return column


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _value(member: Any) -> str:
    return str(getattr(member, "value", member) or "")


def _custom(info: TableInfo) -> dict[str, Any]:
    row_filter = None
    if info.row_filter is not None:
        row_filter = {
            "function": info.row_filter.function_name,
            "columns": list(info.row_filter.input_column_names or ()),
        }
    return {
        "lakepact.tableType": _value(info.table_type),
        "lakepact.format": _value(info.data_source_format),
        "lakepact.location": info.storage_location,
        "lakepact.rowFilter": row_filter,
        "lakepact.viewDefinition": info.view_definition,
        "lakepact.pipelineId": info.pipeline_id,
        "lakepact.owner": info.owner,
    }


def _clusters(properties: dict[str, str]) -> list[str]:
    """The clustering columns: a list of paths, as JSON in a property."""
    found = _json(properties.get("clusteringColumns"))
    return [".".join(map(str, path)) if isinstance(path, list) else str(path) for path in found or ()]


def _servers(document: dict[str, Any], found: Sequence[TableInfo], host: str) -> None:
    places = list(dict.fromkeys((info.catalog_name, info.schema_name) for info in found))
    for catalog, schema in places:
        name = "databricks" if len(places) == 1 else f"{catalog}.{schema}"
        server = {"server": name, "type": "databricks", "host": host, "catalog": catalog, "schema": schema}
        document.setdefault("servers", []).append({key: value for key, value in server.items() if value})


def _team(document: dict[str, Any], found: Sequence[TableInfo]) -> None:
    owners = list(_distinct(info.owner for info in found))
    if owners:
        document["team"] = {"members": [{"username": owner, "role": "owner"} for owner in owners]}


def _distinct(owners: Iterator[str | None]) -> Iterator[str]:
    yield from dict.fromkeys(owner for owner in owners if owner)
