"""A Collibra on loopback, as strict as the real one, for the tests of whatever talks to Collibra.

It answers the OAuth token endpoint, the Data Product API (data contracts) and the part of the core API that a data
contract needs. It has no GraphQL, as some tenants have none.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lakepact.testing import collibra_seed as seed
from lakepact.testing.collibra_auth import Access
from lakepact.testing.collibra_contracts import DataContracts
from lakepact.testing.collibra_core import Core
from lakepact.testing.collibra_errors import ApiError, forbidden
from lakepact.testing.collibra_faults import Faults
from lakepact.testing.collibra_http import Call, Pages
from lakepact.testing.collibra_jobs import Jobs
from lakepact.testing.collibra_paths import DATA_CONTRACTS, information, routed, routes
from lakepact.testing.collibra_state import CollibraState, Row
from lakepact.testing.collibra_switches import Switches
from lakepact.testing.loopback import Loopback, Reply, json_reply

__all__ = ["Asked", "CollibraServer"]

_TOKEN = "/rest/oauth/v2/token"
_SESSIONS = "/rest/2.0/auth/sessions"
_INFORMATION = "/rest/2.0/application/info"
_USER = "/rest/2.0/users/current"
_GATEWAY = b"<html><body><h1>404 Not Found</h1></body></html>"
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")
_STEWARD = seed.named("user", "steward")
_READING = ("GET", "HEAD")
# A search reads, whatever its method says.
_SEARCH = "/rest/2.0/search"


@dataclass
class Asked:
    """A request as it came: `path` without the prefix, `query` and `headers` with secrets masked.

    `digest` is the SHA-256 of the body, empty where that is a login; of a form it is that of the fields and files,
    so the same form has the same digest whatever its boundary. `status` is that of the answer, 0 while there is none;
    where the connection broke after the work was done, it is the status that the client did not get to see. Where an
    answer did not arrive whole, it is `lost`.
    """

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    status: int = 0
    lost: bool = False


class CollibraServer:
    """A Collibra tenant; use it as a context manager, `url` is the base address for the client.

    It starts with the statuses and types out of the box, one OAuth application (`client_id`, `client_secret`, both
    with characters that have to be encoded) and one user (`user`, `password`). What differs between tenants, or is
    not known of the real one, is in `switches` (see `Switches`). What goes wrong is asked of `faults` (see `Faults`):
    `fail_next`, `slow_next`, `break_next`, `html_next`, `truncate_next`. `access` knows tokens: `token_seconds`,
    `token_uses`, `revoke_tokens()`. Further:

    - `prefix` is a path that a gateway puts before everything, such as `/collibra`;
    - `required_header` is the name and the value of a header that the gateway demands;
    - `latency` are seconds that every answer takes; `down` closes every connection without an answer;
    - `pages.empty` puts an empty page between two pages;
    - `max_body` is the size above which a body is refused (413);
    - `folder` keeps the state: it is loaded from there, and saved when the server stops or `save()` is called;
    - `clock` gives the seconds since 1970 by which tokens expire, changes and answers are dated;
    - `requests` has what was asked, in order.

    >>> import httpx
    >>> with CollibraServer(switches=Switches(active_version_verb="PATCH")) as collibra:
    ...     port = collibra.add_port("orders-gold")
    ...     collibra.faults.fail_next(1, 429, retry_after=2, path="/dataContracts")
    ...     form = {"grant_type": "client_credentials", "client_id": collibra.client_id}
    ...     form["client_secret"] = collibra.client_secret
    ...     token = httpx.post(f"{collibra.url}/rest/oauth/v2/token", data=form).json()["access_token"]
    ...     client = httpx.Client(base_url=collibra.url, headers={"Authorization": f"Bearer {token}"})
    ...     refused = client.get("/rest/dataProduct/v1/dataContracts")
    ...     parts = {"governedAssetId": (None, port), "manifestId": (None, "sales.orders")}
    ...     made = client.post("/rest/dataProduct/v1/dataContracts", files=parts)
    ...     client.close()
    >>> refused.status_code, refused.headers["Retry-After"]
    (429, '2')
    >>> made.status_code, made.json()["manifestVersion"]["version"], made.json()["manifestVersion"]["active"]
    (201, '0.0.1', True)
    """

    def __init__(
        self,
        *,
        switches: Switches | None = None,
        prefix: str = "",
        required_header: tuple[str, str] | None = None,
        folder: Path | str | None = None,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        max_body: int = 64 * 1024 * 1024,
    ) -> None:
        """A tenant that is not answering yet; `port` 0 takes a free one."""
        self.client_id = "urn:sys:env:0190d1f3-4f5c-7000-8000-00000000c0de:i:lakepact"
        self.client_secret = "s3cret+/=%&: for tests"
        self.user, self.password = "lakepact", "pass:word for tests"
        self.switches = switches or Switches()
        self.prefix = prefix.rstrip("/")
        self.required_header = required_header
        self.latency = 0.0
        self.down = False
        self.requests: list[Asked] = []
        self.pages = Pages()
        self.access = Access(clock)
        self.faults = Faults(clock)
        self.state = CollibraState(clock, self.switches)
        self._folder = Path(folder) if folder is not None else None
        if self._folder is not None:
            self.state.load(self._folder)
        self._contracts = DataContracts(self.state, self.pages)
        self._core = Core(self.state, self.pages)
        self._jobs = Jobs(self.state, self.pages)
        self._routes = routes(self._contracts, self._core, self._jobs)
        self._lock = threading.RLock()
        error = ApiError(413, "payloadTooLarge", f"A body must not be larger than {max_body} bytes.")
        too_large = json_reply(413, error.envelope())
        self._loopback = Loopback(self._exchange, port=port, max_body=max_body, too_large=too_large, clock=clock)
        self.state.status_changed.append(lambda event: self._contracts.touched(event["assetId"]))
        self.access.register(self.client_id, self.client_secret)
        self.access.add_user(self.user, self.password)

    @property
    def url(self) -> str:
        """The base address, with the prefix."""
        return f"http://127.0.0.1:{self._loopback.port}{self.prefix}"

    def __enter__(self) -> CollibraServer:
        self._loopback.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loopback.stop()
        if self._folder is not None:
            self.save()

    def save(self, folder: Path | str | None = None) -> None:
        """Write the state to `folder`, else to the one the server was made with."""
        target = Path(folder) if folder is not None else self._folder
        if target is None:
            raise ValueError("the server has no folder to save to")
        with self._lock:
            self.state.save(target)

    # --- what an administrator or a steward does in the application

    def client(self, client_id: str, secret: str, *, data_contract: bool = True, edit: bool = True) -> None:
        """Register an OAuth application; without `data_contract` it may not write contracts, without `edit` nothing."""
        self.access.register(client_id, secret, data_contract=data_contract, edit=edit)

    def add_product(self, name: str, *, ports: Iterable[str] = ()) -> str:
        """Add a data product that exposes data as `ports` (ids); returns its id."""
        with self._lock:
            product = self._add("Data Product", name, "Data Products")
            for port in ports:
                self.state.add_relation(product, port, seed.OUTPUT_PORT, user=_STEWARD)
        return product

    def add_port(self, name: str, *, kind: str = "Data Product Port", tables: Iterable[str] = ()) -> str:
        """Add a port that is implemented as `tables` (ids); returns its id. `kind` may be an output or input port."""
        with self._lock:
            port = self._add(kind, name, "Data Products")
            for table in tables:
                self.state.add_relation(port, table, seed.IMPLEMENTED_AS, user=_STEWARD)
        return port

    def add_table(self, name: str, columns: Iterable[str] = (), *, domain: str = "Tables") -> str:
        """Add a table; catalogues name it by its path, such as `system>catalog>schema>table`. Returns its id."""
        with self._lock:
            table = self._add("Table", name, domain, shown=name.rsplit(">", 1)[-1])
            for column in columns:
                key = self._add("Column", f"{name}>{column}(column)", domain, shown=column)
                self.state.add_relation(key, table, seed.fixed("007042"), user=_STEWARD)
        return table

    def add_domain(self, name: str, kind: str = "Data Product Catalog") -> str:
        """Add a domain to the community; returns its id."""
        with self._lock:
            community = self.state.by_name("communities", "Lakehouse")["id"]
            return str(self.state.put("domains", {"name": name, "type": kind, "community": community})["id"])

    def add_contract_asset(self, name: str, port: str) -> str:
        """Add a contract asset that governs a port but has no manifest yet; returns its id."""
        with self._lock:
            contract = self._add("Data Contract", name, "Data Products")
            self.state.add_relation(contract, port, seed.GOVERNS, user=_STEWARD)
        return contract

    def add_contract(self, name: str, port: str, manifest: bytes) -> str:
        """Add a contract that governs a port, with its first version, which is active; returns its id."""
        with self._lock:
            return self._contracts.make_outside(self.add_contract_asset(name, port), manifest, user=_STEWARD)

    def add_status(self, name: str) -> str:
        """Add a status that only this tenant has, such as Draft or Validated; returns its id."""
        with self._lock:
            return str(self.state.put("statuses", {"name": name})["id"])

    def add_attribute_type(self, name: str, kind: str = "STRING", *, allowed: Iterable[str] = ()) -> str:
        """Add an attribute type; `kind` is STRING, NUMERIC, BOOLEAN, DATE (ms), SINGLE_ or MULTI_VALUE_LIST."""
        row: Row = {"name": name, "publicId": name.replace(" ", ""), "kind": kind}
        with self._lock:
            return str(
                self.state.put("attribute_types", row | ({"allowedValues": [*allowed]} if allowed else {}))["id"]
            )

    def add_workflow(self, name: str) -> str:
        """Add the definition of a workflow that can be started; returns its id."""
        with self._lock:
            return str(self.state.put("workflows", {"name": name})["id"])

    def set_asset_status(self, asset_id: str, status_name: str) -> None:
        """Give an asset another status, as a steward does; workflows that listen are started."""
        with self._lock:
            status = self.state.by_name("statuses", status_name)["id"]
            self.state.change_asset(asset_id, {"statusId": status}, user=_STEWARD)

    def asset_status(self, asset_id: str) -> str:
        """The name of the status of an asset."""
        with self._lock:
            return self.state.status_name(asset_id)

    def set_manifest(self, contract_id: str, version: str, content: bytes) -> None:
        """Store any text as a version, as a steward does who edits past every client; what is active stays so."""
        with self._lock:
            self._contracts.write_outside(contract_id, version, content, user=_STEWARD)

    def hide(self, asset_id: str) -> None:
        """Take the permission to view an asset from every caller: lists leave it out, a GET of it is a 401."""
        self._core.hidden.add(asset_id)

    def on_status_change(self, listener: Callable[[Row], None]) -> None:
        """Call `listener` after each change of a status, with what changed (see `CollibraWorkflow`)."""
        self.state.status_changed.append(listener)

    def _add(self, kind: str, name: str, domain: str, *, shown: str = "") -> str:
        given = {"name": name, "displayName": shown or name, "typeId": self.state.by_name("asset_types", kind)["id"]}
        given["domainId"] = self.state.by_name("domains", domain)["id"]
        return str(self.state.add_asset(given, user=_STEWARD)["id"])

    # --- requests

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply, bool, bool]:
        """The answer, whether the connection breaks instead, and whether the answer is cut in half."""
        parts = urlsplit(target)
        inside = parts.path.startswith(f"{self.prefix}/")
        query = {key: tuple(each) for key, each in parse_qs(parts.query, keep_blank_values=True).items()}
        call = Call(method, parts.path[len(self.prefix) :] if inside else parts.path, query, headers, body)
        asked = self._note(call)
        if self.down:
            asked.lost = True
            return Reply(0), True, False
        fault = self.faults.take(method, call.path)
        if self.latency + fault.seconds:
            time.sleep(self.latency + fault.seconds)
        reply = fault.answer or (self._answer(call) if inside else Reply(404, _GATEWAY, {"Content-Type": "text/html"}))
        asked.status, asked.lost = reply.status, fault.breaks or fault.truncates
        return reply, fault.breaks, fault.truncates

    def _answer(self, call: Call) -> Reply:
        with self._lock:
            try:
                self._jobs.run_due()
                return self._admitted(call)
            except ApiError as error:
                return json_reply(error.status, error.envelope(), error.headers)

    def _admitted(self, call: Call) -> Reply:
        if self.required_header is not None:
            name, value = self.required_header
            if call.headers.get(name.lower()) != value:
                return json_reply(403, {"message": "Forbidden"})
        open_paths = {("POST", _TOKEN): self.access.token, ("POST", _SESSIONS): self.access.login}
        open_paths[("GET", _INFORMATION)] = information
        open_paths[("GET", _USER)] = self.access.current_user
        open_paths[("GET", f"{_USER}/globalPermissions")] = self.access.global_permissions
        if (call.method, call.path) in open_paths:
            return open_paths[call.method, call.path](call)
        if call.path == _TOKEN:
            raise ApiError(405, "methodNotAllowed", f"{call.method} is not supported.", headers={"Allow": "POST"})
        principal = self.access.principal(call)
        if (call.method, call.path) == ("DELETE", f"{_SESSIONS}/current"):
            return self.access.logout(call)
        admitted = Call(call.method, call.path, call.query, call.headers, call.body, principal.id)
        route, named = routed(self._routes, admitted)
        if call.method not in _READING and call.path != _SEARCH:
            of_contracts = call.path.startswith(DATA_CONTRACTS)
            if not (principal.data_contract and principal.edit if of_contracts else principal.edit):
                raise forbidden("The permission " + ("Data Contract" if of_contracts else "Edit") + " is missing.")
        return route.answer(admitted, **named)

    def _note(self, call: Call) -> Asked:
        demanded = self.required_header[0].lower() if self.required_header else ""
        headers = {name: _masked(name, value, demanded) for name, value in call.headers.items()}
        digest = "" if call.path in (_TOKEN, _SESSIONS) else _digest(call)
        query: dict[str, Any] = dict(call.query)
        asked = Asked(call.method, call.path, query, headers, digest)
        with self._lock:
            self.requests.append(asked)
        return asked


def _digest(call: Call) -> str:
    content = call.body
    if call.content_type.get_content_type() == "multipart/form-data":
        try:
            form = call.form()
        except ApiError:
            pass
        else:
            files = {name: hashlib.sha256(file).hexdigest() for name, file in form.files.items()}
            content = json.dumps([form.fields, files], sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _masked(name: str, value: str, demanded: str) -> str:
    if name in _SECRET_HEADERS:
        scheme, space, _ = value.partition(" ")
        return f"{scheme} ***" if space and name != "cookie" else "***"
    return "***" if name == demanded else value
