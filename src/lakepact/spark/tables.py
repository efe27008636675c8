"""The tables of a warehouse folder in the in-memory catalog: attached when a session opens, forgotten when it closes.

A schema is the folder `<warehouse>/<schema>.db`, a table a folder in it with a `_delta_log`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lakepact.errors import EnvironmentLacking, UsageError
from lakepact.sql import identifier, qualified, string

__all__ = ["attach_tables", "delta_tables_of", "detach_schemas", "schema_folder"]

_IDENTIFIER, _TABLE_TYPE, _STORAGE = range(3)  # of Spark's CatalogTable
_LOCAL_NAME = re.compile(r"[A-Za-z0-9_]+")  # what Spark's own catalog allows, quoted or not


def schema_folder(warehouse: Path, schema: str) -> Path:
    """The folder that holds the tables of a schema."""
    return warehouse / f"{schema.lower()}.db"


def delta_tables_of(folder: Path) -> tuple[str, ...]:
    """The names of the Delta tables in a schema's folder, sorted.

    A folder that was never committed to is none, nor is one with a name that Spark's catalog refuses.
    """
    if not folder.is_dir():
        return ()
    named = (entry for entry in folder.iterdir() if _LOCAL_NAME.fullmatch(entry.name))
    return tuple(sorted(entry.name for entry in named if any((entry / "_delta_log").glob("*.json"))))


def attach_tables(classic: Any, warehouse: Path, schemas: Sequence[str]) -> int:
    """Create the schemas at their folders, and make the Delta tables in them known; how many tables were attached.

    What the catalog knows already stays as it is. Files are only read. Raises UsageError (LP608) for a name that local
    Spark cannot use, EnvironmentLacking (LP606) when a schema of that name lies elsewhere and holds tables.
    """
    attached = 0
    catalog = classic._jsparkSession.sharedState().externalCatalog()
    for schema in schemas:
        folder = schema_folder(warehouse, schema)
        _create_schema(classic, catalog, schema, folder)
        known = set(_names(catalog.listTables(schema.lower())))
        unknown = [table for table in delta_tables_of(folder) if table.lower() not in known]
        _attach(classic, catalog, folder, schema, unknown)
        attached += len(unknown)
    return attached


def _create_schema(classic: Any, catalog: Any, schema: str, folder: Path) -> None:
    if not _LOCAL_NAME.fullmatch(schema):
        raise UsageError(
            message=f"the schema name {schema!r} cannot be used locally: Spark's catalog takes A-Z, a-z, 0-9, _ only",
            code="LP608",
            hint="give the environment `local` a schema with such a name",
        )
    name, place = identifier(schema), string(str(folder))
    if not catalog.databaseExists(schema.lower()):
        classic.sql(f"CREATE SCHEMA IF NOT EXISTS {name} LOCATION {place}")
        return
    there = Path(classic._jvm.java.nio.file.Path.of(catalog.getDatabase(schema.lower()).locationUri()).toString())
    if there == folder:
        return
    if catalog.listTables(schema.lower()).size():
        raise EnvironmentLacking(
            message=f"the schema {schema} is in use by another session of this process, below {there.parent}",
            code="LP606",
            hint="close that session first, or give the schema another name",
        )
    classic.sql(f"ALTER SCHEMA {name} SET LOCATION {place}")


def _attach(classic: Any, catalog: Any, folder: Path, schema: str, tables: Sequence[str]) -> None:
    """The first table by SQL, the others as copies of its catalog entry: 10 ms in place of 100 each.

    Spark stores nothing about a Delta table but its name and place: columns and properties are in the log.
    """
    for position, table in enumerate(tables):
        if position == 0:
            name = qualified([schema, table])
            classic.sql(f"CREATE TABLE IF NOT EXISTS {name} USING delta LOCATION {string(str(folder / table))}")
            first = catalog.getTable(schema.lower(), table.lower())
            continue
        place = classic._jvm.java.net.URI((folder / table).as_uri())
        entry = _copied(
            first,
            {
                _IDENTIFIER: _copied(first.identifier(), {0: table.lower()}),
                _STORAGE: _copied(first.storage(), {0: classic._jvm.scala.Option.apply(place)}),
            },
        )
        catalog.createTable(entry, True)


def detach_schemas(classic: Any, schemas: Sequence[str]) -> None:
    """Forget schemas with their tables and views, and leave every file in place."""
    shared = classic._jsparkSession.sharedState()
    known = shared.externalCatalog()
    # DROP TABLE deletes the files of a managed table, and DROP SCHEMA the folder; the in-memory catalog has no command
    # that only forgets. An external table keeps its files, and so does a folder that the schema no longer points to.
    with tempfile.TemporaryDirectory(prefix="lakepact-detached-") as elsewhere:
        for schema in (name.lower() for name in schemas):
            if not known.databaseExists(schema):
                continue
            for table in _names(known.listTables(schema)):
                _make_external(classic, known, schema, table)
                known.dropTable(schema, table, True, False)
            classic.sql(f"ALTER SCHEMA {identifier(schema)} SET LOCATION {string(elsewhere)}")
            if schema != "default":
                classic.sql(f"DROP SCHEMA {identifier(schema)}")
    classic._jsparkSession.sessionState().catalog().invalidateAllCachedTables()


def _make_external(classic: Any, known: Any, schema: str, table: str) -> None:
    definition = known.getTable(schema, table)
    kinds = classic._jvm.org.apache.spark.sql.catalyst.catalog.CatalogTableType
    if not definition.tableType().equals(kinds.MANAGED()):
        return
    known.alterTable(_copied(definition, {_TABLE_TYPE: kinds.EXTERNAL()}))


def _copied(record: Any, changes: Mapping[int, Any]) -> Any:
    """A Scala case class with some fields changed, by their position."""
    fields = [changes.get(index, record.productElement(index)) for index in range(record.productArity())]
    return record.copy(*fields)


def _names(names: Any) -> list[str]:
    return [str(names.apply(index)) for index in range(names.size())]
