"""The keys of ODCS v2.2.2 that say where the data lies, as one server of v3.1.0."""

from __future__ import annotations

import re
from typing import Any

from lakepact.contract.grammar_shapes import grammar_of
from lakepact.contract.model import ApiVersion
from lakepact.convert.building import add_custom
from lakepact.convert.source import Element, says_something

__all__ = ["read_servers"]

_PLACES = ("server", "database", "driver", "driverVersion", "sourceSystem", "sourcePlatform")
_LOGINS = ("username", "password", "project", "datasetProject", "schedulerAppName")
_COMMON = ("server", "type")
_HOST_AND_PORT = re.compile(r"(?P<host>[^\s:/]+):(?P<port>[0-9]{1,5})")
_DATABASE_AND_SCHEMA = re.compile(r"(?P<database>[^\s.]+)\.(?P<schema>[^\s.]+)")
_VARIABLE = re.compile(r"\$\{[^}]+\}")
# A word of `sourceSystem`, `driver` or `sourcePlatform`, and the type that it stands for.
_TYPES = {
    **{"bigquery": "bigquery", "databricks": "databricks", "snowflake": "snowflake", "redshift": "redshift"},
    **{"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "sqlserver": "sqlserver"},
    **{"oracle": "oracle", "db2": "db2", "trino": "trino", "presto": "presto", "vertica": "vertica"},
    **{"clickhouse": "clickhouse", "kafka": "kafka", "synapse": "synapse", "hive2": "hive", "hive": "hive"},
}


def read_servers(root: Element) -> list[dict[str, Any]]:
    """One server from the keys of the root, or none. Its type is `custom` where a better one would lack something.

    A password is carried only where it is a variable (`${...}`); else it is listed as not carried.
    """
    if not any(root.has(key) for key in (*_PLACES, *_LOGINS)):
        return []
    known = _settings(root)
    kind = _type(root, known)
    rows = grammar_of(ApiVersion.V3_1_0).servers[kind].rows
    server: dict[str, Any] = {"server": "source", "type": kind}
    server |= {key: value for key, value in known.items() if key in rows and (key != "dataset" or kind == "bigquery")}
    _skip_used(root, server)
    if root.has("password") and _VARIABLE.fullmatch(str(root.data["password"])) is None:
        root.source.note(
            "LP803", "`password` is not carried over", root.at("password"), hint="a contract is no place for secrets"
        )
    told = root.source.told()
    kept = [key for key in (*_PLACES, *_LOGINS) if not {root.at(key)} & (root.source.carried | told)]
    add_custom(server, {key: root.text(key) for key in kept})
    return [server]


def _type(root: Element, known: dict[str, Any]) -> str:
    """The first type that the words stand for and that lacks none of its keys."""
    sections = grammar_of(ApiVersion.V3_1_0).servers
    for key in ("sourceSystem", "driver", "sourcePlatform"):
        for word in re.split(r"[^a-z0-9]+", str(root.data.get(key) or "").casefold()):
            kind = _TYPES.get(word, "")
            needed = [name for name, row in sections[kind].rows.items() if row.required] if kind else []
            if kind and {*needed} - {*_COMMON} <= known.keys():
                return kind
    return "custom"


def _settings(root: Element) -> dict[str, Any]:
    """What is said of a server, by the keys of v3.1.0."""
    found: dict[str, Any] = {}
    server, database = (str(root.data.get(key) or "") for key in ("server", "database"))
    if match := _HOST_AND_PORT.fullmatch(server):
        found |= {"host": match["host"], "port": int(match["port"])}
    elif server:
        found["host"] = server
    if match := _DATABASE_AND_SCHEMA.fullmatch(database):
        found |= match.groupdict()
    elif database:
        found["database"] = database
    project = root.data.get(root.first("project", "datasetProject"))
    if says_something(project):
        found["project"] = str(project)
    if root.has("datasetName"):
        found["dataset"] = str(root.data["datasetName"])
    return found


def _skip_used(root: Element, server: dict[str, Any]) -> None:
    """Counts as carried what stands in the server's own keys."""
    if "host" in server:
        root.skip("server")
    if "database" in server:
        root.skip("database")
    if "project" in server:
        root.skip(root.first("project", "datasetProject"))
