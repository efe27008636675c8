"""Unity Catalog in the workspace double: catalogs, schemas, volumes with their files, and grants."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from lakepact.testing.loopback import Reply
from lakepact.testing.workspace_http import Refused, Request, Route, invalid, missing

__all__ = ["WorkspaceCatalog"]

_BASE: Final = "/api/2.1/unity-catalog"
_SCHEMA: Final = {"catalog_name", "name", "comment", "storage_root", "properties", "custom_max_retention_hours"}
_VOLUME: Final = {"catalog_name", "schema_name", "name", "comment", "volume_type", "storage_location"}
_CHANGES: Final = {"comment", "new_name", "owner", "properties", "enable_predictive_optimization"}
_OF_SCHEMA: Final = {
    *("ALL_PRIVILEGES", "APPLY_TAG", "CREATE_FUNCTION", "CREATE_MATERIALIZED_VIEW", "CREATE_MODEL", "CREATE_TABLE"),
    *("CREATE_VOLUME", "EXECUTE", "EXTERNAL_USE_SCHEMA", "MANAGE", "MODIFY", "READ_VOLUME", "REFRESH", "SELECT"),
    *("USE_SCHEMA", "WRITE_VOLUME"),
}
_PRIVILEGES: Final = {
    "catalog": _OF_SCHEMA | {"USE_CATALOG", "CREATE_SCHEMA", "BROWSE"},
    "schema": _OF_SCHEMA,
    "volume": {"ALL_PRIVILEGES", "APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"},
}


class WorkspaceCatalog:
    """Schemas and volumes below `catalogs`, and who may do what; files of volumes are below `folder`.

    `schemas`, `volumes` and `grants` are by full name; grants are sets of privileges by principal.
    """

    def __init__(
        self, *, catalogs: Sequence[str], folder: Callable[[], Path], owner: str, clock: Callable[[], float]
    ) -> None:
        self.catalogs = tuple(catalogs)
        self.schemas: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.grants: dict[tuple[str, str], dict[str, set[str]]] = {}
        self._folder = folder
        self._owner = owner
        self._clock = clock

    def routes(self) -> Iterator[Route]:
        """The APIs of Unity Catalog, and the files of volumes."""
        yield Route("GET", f"{_BASE}/current-metastore-assignment", lambda _: _ASSIGNMENT)
        yield Route("GET", f"{_BASE}/catalogs/{{name}}", self._catalog)
        for name, make in (("schemas", self._make_schema), ("volumes", self._make_volume)):
            yield Route("POST", f"{_BASE}/{name}", make)
            yield Route("GET", f"{_BASE}/{name}", self._list)
            yield Route("GET", f"{_BASE}/{name}/{{name}}", self._found)
            yield Route("PATCH", f"{_BASE}/{name}/{{name}}", self._change)
            yield Route("DELETE", f"{_BASE}/{name}/{{name}}", self._delete)
        yield Route("GET", f"{_BASE}/permissions/{{kind}}/{{name}}", self._granted)
        yield Route("PATCH", f"{_BASE}/permissions/{{kind}}/{{name}}", self._grant)
        yield Route("HEAD", "/api/2.0/fs/{kind}/{path...}", self._file_there)
        yield Route("GET", "/api/2.0/fs/{kind}/{path...}", self._file_read)
        yield Route("PUT", "/api/2.0/fs/{kind}/{path...}", self._file_write)
        yield Route("DELETE", "/api/2.0/fs/{kind}/{path...}", self._file_delete)

    def volume_folder(self, full_name: str) -> Path:
        """Where the files of a volume are on this machine; its path there is `/Volumes/CATALOG/SCHEMA/NAME`."""
        path = self._folder() / "Volumes" / Path(*full_name.split("."))
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _catalog(self, request: Request) -> dict[str, Any]:
        self._need_catalog(name := request.places["name"])
        return {"name": name, "owner": self._owner, "catalog_type": "MANAGED_CATALOG"}

    def _need_catalog(self, name: str) -> None:
        if name not in self.catalogs:
            raise missing(f"Catalog '{name}' does not exist.", "CATALOG_DOES_NOT_EXIST")

    def _kept(self, path: str) -> tuple[str, dict[str, dict[str, Any]]]:
        return ("Schema", self.schemas) if path.startswith(f"{_BASE}/schemas") else ("Volume", self.volumes)

    def _made(self, given: dict[str, Any], full_name: str) -> dict[str, Any]:
        now = int(self._clock() * 1000)
        by = {"owner": self._owner, "created_by": self._owner, "updated_by": self._owner}
        return given | by | {"full_name": full_name, "created_at": now, "updated_at": now}

    def _make_schema(self, request: Request) -> dict[str, Any]:
        given = request.fields(_SCHEMA, needed=["name", "catalog_name"])
        self._need_catalog(given["catalog_name"])
        full_name = f"{given['catalog_name']}.{given['name']}"
        if full_name in self.schemas:
            raise Refused(400, "SCHEMA_ALREADY_EXISTS", f"Schema '{full_name}' already exists")
        self.schemas[full_name] = self._made(given, full_name) | {"schema_id": str(uuid.uuid4())}
        return self.schemas[full_name]

    def _make_volume(self, request: Request) -> dict[str, Any]:
        given = request.fields(_VOLUME, needed=["name", "catalog_name", "schema_name", "volume_type"])
        schema = f"{given['catalog_name']}.{given['schema_name']}"
        if schema not in self.schemas:
            raise missing(f"Schema '{schema}' does not exist.", "SCHEMA_DOES_NOT_EXIST")
        if given["volume_type"] not in ("MANAGED", "EXTERNAL"):
            raise invalid(f"volume_type must be MANAGED or EXTERNAL, not {given['volume_type']}.")
        full_name = f"{schema}.{given['name']}"
        if full_name in self.volumes:
            raise Refused(400, "VOLUME_ALREADY_EXISTS", f"Volume '{full_name}' already exists")
        id = str(uuid.uuid4())
        given.setdefault("storage_location", f"s3://metastore/{id}")
        self.volumes[full_name] = self._made(given, full_name) | {"volume_id": id}
        self.volume_folder(full_name)
        return self.volumes[full_name]

    def _list(self, request: Request) -> dict[str, Any]:
        kind, kept = self._kept(request.path)
        above = request.needed("catalog_name")
        if kind == "Volume":
            above = f"{above}.{request.needed('schema_name')}"
        found = [each for name, each in sorted(kept.items()) if name.rpartition(".")[0] == above]
        return {f"{kind.lower()}s": found} if found else {}

    def _found(self, request: Request) -> dict[str, Any]:
        kind, kept = self._kept(request.path)
        if (found := kept.get(request.places["name"])) is None:
            raise missing(f"{kind} '{request.places['name']}' does not exist.", f"{kind.upper()}_DOES_NOT_EXIST")
        return found

    def _change(self, request: Request) -> dict[str, Any]:
        found, given = self._found(request), request.fields(_CHANGES)
        _, kept = self._kept(request.path)
        if name := given.pop("new_name", None):
            del kept[found["full_name"]]
            found["name"] = name
            found["full_name"] = f"{found['full_name'].rpartition('.')[0]}.{name}"
            kept[found["full_name"]] = found
        found.update(given, updated_at=int(self._clock() * 1000))
        return found

    def _delete(self, request: Request) -> dict[str, Any]:
        name = self._found(request)["full_name"]
        kind, kept = self._kept(request.path)
        inside = [each for each in self.volumes if kind == "Schema" and each.startswith(f"{name}.")]
        if inside and request.query.get("force") != "true":
            message = f"Cannot delete schema '{name}' as it is not empty."
            raise Refused(400, "INVALID_STATE", message)
        for each in inside:
            self._forget("volume", each)
            del self.volumes[each]
        self._forget(kind.lower(), name)
        del kept[name]
        return {}

    def _forget(self, kind: str, name: str) -> None:
        self.grants.pop((kind, name), None)
        if kind == "volume":
            shutil.rmtree(self.volume_folder(name))

    def _securable(self, request: Request) -> tuple[str, str]:
        kind, name = request.places["kind"].lower(), request.places["name"]
        known = {"catalog": self.catalogs, "schema": self.schemas, "volume": self.volumes}.get(kind)
        if known is None:
            raise invalid(f"Securable type '{kind}' is not known here.")
        if name not in known:
            raise missing(f"{kind.capitalize()} '{name}' does not exist.", f"{kind.upper()}_DOES_NOT_EXIST")
        return kind, name

    def _granted(self, request: Request) -> dict[str, Any]:
        held = self.grants.get(self._securable(request), {})
        shown = [{"principal": who, "privileges": sorted(what)} for who, what in sorted(held.items()) if what]
        return {"privilege_assignments": shown} if shown else {}

    def _grant(self, request: Request) -> dict[str, Any]:
        securable = self._securable(request)
        held = self.grants.setdefault(securable, {})
        for change in request.fields({"changes"}).get("changes", []):
            given, taken = set(change.get("add", [])), set(change.get("remove", []))
            if unknown := sorted((given | taken) - _PRIVILEGES[securable[0]]):
                words = f"Privilege {', '.join(unknown)} is not applicable to this entity [{'.'.join(securable)}]."
                raise invalid(words)
            own = held.setdefault(change["principal"], set())
            own -= _PRIVILEGES[securable[0]] if "ALL_PRIVILEGES" in taken else taken
            own |= given
            if not own:
                del held[change["principal"]]
        return self._granted(request)

    def _file(self, request: Request) -> Path:
        """Where a file or folder of a volume is; refused where the volume is not there."""
        parts = request.places["path"].strip("/").split("/")
        if request.places["kind"] not in ("files", "directories"):
            raise Refused(404, "ENDPOINT_NOT_FOUND", f"No API found for '{request.method} {request.path}'")
        if len(parts) < 4 or parts[0] != "Volumes" or ".." in parts:
            raise invalid(f"Invalid path: /{'/'.join(parts)}")
        name = ".".join(parts[1:4])
        if name not in self.volumes:
            raise missing(f"Volume '{name}' does not exist.", "NOT_FOUND")
        return self.volume_folder(name).joinpath(*parts[4:])

    def _there(self, request: Request) -> Path:
        path = self._file(request)
        if not (path.is_dir() if request.places["kind"] == "directories" else path.is_file()):
            raise missing(f"The file or folder '/{request.places['path'].lstrip('/')}' does not exist.", "NOT_FOUND")
        return path

    def _file_there(self, request: Request) -> Reply:
        path = self._there(request)
        return Reply(200, path.read_bytes() if path.is_file() else b"", {"Content-Type": "application/octet-stream"})

    def _file_read(self, request: Request) -> Any:
        path = self._there(request)
        if path.is_file():
            return Reply(200, path.read_bytes(), {"Content-Type": "application/octet-stream"})
        top = request.places["path"].strip("/")
        return {
            "contents": [
                {"path": f"/{top}/{each.name}", "name": each.name, "is_directory": each.is_dir()}
                for each in sorted(path.iterdir())
            ]
        }

    def _file_write(self, request: Request) -> Reply:
        path = self._file(request)
        if request.places["kind"] == "directories":
            path.mkdir(parents=True, exist_ok=True)
            return Reply(204)
        if path.exists() and request.query.get("overwrite") != "true":
            raise Refused(409, "ALREADY_EXISTS", "The file being created already exists.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(request.body)
        return Reply(204)

    def _file_delete(self, request: Request) -> Reply:
        path = self._there(request)
        if path.is_file():
            path.unlink()
        elif any(path.iterdir()):
            raise Refused(400, "DIRECTORY_NOT_EMPTY", "The folder is not empty.")
        else:
            path.rmdir()
        return Reply(204)


_ASSIGNMENT: Final = {"metastore_id": "00000000-0000-0000-0000-000000000001", "workspace_id": 1}
