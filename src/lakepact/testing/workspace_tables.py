"""A workspace on loopback that answers what the Databricks SDK asks about tables and tags of Unity Catalog.

The paths, the shapes of answers and errors, the pages and the need for a token are those of the REST API. What a list
of tables leaves out (constraints) is left out; an unknown path is an error as there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lakepact.testing.loopback import HttpDouble, Reply, json_reply

__all__ = ["WorkspaceTables"]

_TABLES = "/api/2.1/unity-catalog/tables"
_TAGS = "/api/2.1/unity-catalog/entity-tag-assignments/"
# Which workspace answers is told to anybody.
_METADATA = "/.well-known/databricks-config"
_ACCOUNT = "00000000-0000-0000-0000-000000000000"
_NOT_LISTED = ("table_constraints", "view_dependencies", "row_filter")
_ENTITY_TYPES = ("catalogs", "schemas", "tables", "columns", "volumes")


class WorkspaceTables(HttpDouble):
    """A workspace with tables and tags; use it as a context manager, `url` and `token` are for the client.

    `page` is how many entries a page holds; between two pages stands an empty one, as the API allows. `requests` are
    the paths that were asked for, in order.

    >>> with WorkspaceTables() as workspace:
    ...     workspace.add_table("main.sales.orders", columns=[{"name": "id", "type_text": "bigint", "position": 0}])
    ...     workspace.add_tag("tables", "main.sales.orders", "team", "sales")
    ...     workspace.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(self, *, token: str = "dapi-for-tests", page: int = 2) -> None:
        """A workspace without tables, that is not answering yet."""
        super().__init__()
        self.token = token
        self.requests: list[str] = []
        self._page = page
        self._tables: dict[str, dict[str, Any]] = {}
        self._tags: dict[tuple[str, str], dict[str, str]] = {}
        self._refused: dict[str, tuple[int, str, str]] = {}
        self._lock = threading.Lock()

    def add_table(self, full_name: str, **described: Any) -> None:
        """Add a table; `described` are fields of the API's TableInfo, such as `columns` and `table_constraints`."""
        catalog, schema, name = full_name.split(".")
        fields = {"table_type": "MANAGED", "data_source_format": "DELTA", "columns": [], "properties": {}}
        names = {"name": name, "catalog_name": catalog, "schema_name": schema, "full_name": full_name}
        self._tables[full_name] = names | fields | described

    def add_tag(self, entity_type: str, entity_name: str, key: str, value: str = "") -> None:
        """Tag a table (`tables`) or a column (`columns`, catalog.schema.table.column)."""
        self._tags.setdefault((entity_type, entity_name), {})[key] = value

    def refuse(self, prefix: str, *, status: int = 403, code: str = "PERMISSION_DENIED", message: str = "") -> None:
        """Refuse every request whose path starts with `prefix`."""
        self._refused[prefix] = (status, code, message or f"User does not have permission for {prefix}.")

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a request; only a GET finds anything."""
        return json_reply(*self._answered(method, target, headers))

    def _answered(self, method: str, target: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(target)
        path = unquote(parts.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        with self._lock:
            self.requests.append(path)
        if path == _METADATA:
            return 200, {"oidc_endpoint": f"{self.url}/oidc", "account_id": _ACCOUNT, "workspace_id": "1"}
        refused = self._unauthorized(headers.get("authorization", "")) or next(
            (refusal for prefix, refusal in self._refused.items() if path.startswith(prefix)), None
        )
        if refused is not None:
            return _error(*refused)
        if method != "GET":
            return _error(404, "ENDPOINT_NOT_FOUND", f"No API found for '{method} {path.removeprefix('/api')}'")
        if path == _TABLES:
            return self._list(query)
        if path.startswith(f"{_TABLES}/"):
            return self._get(path.removeprefix(f"{_TABLES}/"))
        if path.startswith(_TAGS) and path.endswith("/tags"):
            return self._list_tags(path.removeprefix(_TAGS).removesuffix("/tags"), query)
        return _error(404, "ENDPOINT_NOT_FOUND", f"No API found for 'GET {path.removeprefix('/api')}'")

    def _unauthorized(self, given: str) -> tuple[int, str, str] | None:
        if not given:
            message = "Credential was not sent or was of an unsupported type for this API."
            return 401, "401", message
        return None if given == f"Bearer {self.token}" else (403, "403", "Invalid access token.")

    def _get(self, full_name: str) -> tuple[int, dict[str, Any]]:
        found = self._tables.get(full_name)
        if found is not None:
            return 200, found
        return _error(404, "TABLE_DOES_NOT_EXIST", f"Table '{full_name}' does not exist.")

    def _list(self, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        missing = next((key for key in ("catalog_name", "schema_name") if not query.get(key)), None)
        if missing:
            return _error(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {missing}")
        place = f"{query['catalog_name']}.{query['schema_name']}"
        found = [table for name, table in sorted(self._tables.items()) if name.startswith(f"{place}.")]
        if not found:
            return _error(404, "SCHEMA_DOES_NOT_EXIST", f"Schema '{place}' does not exist.")
        omitted = set(_NOT_LISTED)
        omitted |= {key for key in ("columns", "properties") if query.get(f"omit_{key}") == "true"}
        tables = [{key: value for key, value in table.items() if key not in omitted} for table in found]
        return self._paged("tables", tables, query)

    def _list_tags(self, entity: str, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        kind, _, name = entity.partition("/")
        if kind not in _ENTITY_TYPES:
            return _error(400, "INVALID_PARAMETER_VALUE", f"Invalid entity type: {kind}")
        if not self._exists(kind, name):
            return _error(404, "RESOURCE_DOES_NOT_EXIST", f"{kind} '{name}' does not exist.")
        tags = [
            {"entity_type": kind, "entity_name": name, "tag_key": key} | ({"tag_value": value} if value else {})
            for key, value in self._tags.get((kind, name), {}).items()
        ]
        return self._paged("tag_assignments", tags, query)

    def _exists(self, kind: str, name: str) -> bool:
        if kind != "columns":
            return kind != "tables" or name in self._tables
        table = next((each for each in self._tables if name.startswith(f"{each}.")), None)
        columns = self._tables[table]["columns"] if table else ()
        return any(f"{table}.{column['name']}" == name for column in columns)

    def _paged(self, key: str, entries: list[Any], query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        token = query.get("page_token", "0")
        number = int(token) if token.isdigit() else -1
        start = number // 2 * self._page
        if number < 0 or start > len(entries):
            return _error(400, "INVALID_PARAMETER_VALUE", f"Invalid page token: {token}")
        if number % 2:
            # An empty page with a token after it: the client has to go on.
            return 200, {"next_page_token": str(number + 1)}
        page = entries[start : start + self._page]
        body: dict[str, Any] = {key: page} if page else {}
        if start + self._page < len(entries):
            body["next_page_token"] = str(number + 1)
        return 200, body


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, Any]]:
    info = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": "0", "serving_data": ""}
    return status, {"error_code": code, "message": message, "details": [info]}
