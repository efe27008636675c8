"""What a Collibra of 500 contracts costs: requests, seconds with 20 ms a request, and CPU of the client."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import Line
from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.cache import ContractCache
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.gateway import CONTRACT_TYPE
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import Contract, load_contract
from lakepact.store import Status
from lakepact.testing.collibra_server import CollibraServer

__all__ = ["measure_collibra"]

_CONTRACTS, _VERSIONS, _LATENCY, _ASKED = 500, 5, 0.02, 300
_DOCUMENT = """apiVersion: v3.1.0
kind: DataContract
id: {id}
version: {version}
status: active
schema:
  - name: orders
    properties:
      - {{name: id, logicalType: integer, primaryKey: true}}
"""


def measure_collibra() -> Iterator[Line]:
    """The double runs in a process of its own, so that the CPU that is counted is that of the client alone."""
    with tempfile.TemporaryDirectory(prefix="lakepact-bench-") as name:
        folder = Path(name)
        _fill(folder / "tenant")
        with _serving(folder / "tenant", latency=0.0) as server:
            yield from _measured_overhead(server)
        with _serving(folder / "tenant", latency=_LATENCY) as server:
            yield from _measured_latest(server, folder)
            yield from _measured_sync(server, folder / "cache")


def _fill(folder: Path) -> None:
    """The tenant, written by the store itself, a day ago."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with CollibraServer(folder=folder, clock=lambda: yesterday.timestamp()) as server:
        ports = {f"c{number}": server.add_port(f"port {number}") for number in range(_CONTRACTS)}
        login = ClientCredentials(f"{server.url}/rest/oauth/v2/token", server.client_id, lambda: server.client_secret)
        gateway = HttpGateway(CollibraClient(server.url, login))
        store = CollibraContractStore(
            gateway, port_of=ports.__getitem__, review_required=False, clock=lambda: yesterday
        )
        for contract_id in ports:
            for version in range(_VERSIONS):
                # The last one is a draft that waits.
                status = Status.DRAFT if version == _VERSIONS - 1 else Status.VALIDATED
                store.put(_contract(contract_id, version), actor="bench", status=status)


def _contract(contract_id: str, version: int) -> Contract:
    return load_contract(_DOCUMENT.format(id=contract_id, version=f"1.{version}.0").encode())


class _Server:
    """The double, and how many requests it got."""

    def __init__(self, said: dict[str, Any], process: subprocess.Popen[str]) -> None:
        self.url = str(said["url"])
        self._said = said
        self._process = process

    def gateway(self) -> HttpGateway:
        """A connection of its own that has its token already."""
        login = ClientCredentials(
            f"{self.url}/rest/oauth/v2/token", self._said["client_id"], lambda: str(self._said["client_secret"])
        )
        gateway = HttpGateway(CollibraClient(self.url, login))
        gateway.check()
        return gateway

    def requests(self) -> int:
        """How many requests there were since the last time this was asked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def _serving(folder: Path, *, latency: float) -> Iterator[_Server]:
    command = [sys.executable, "-m", "benchmarks.collibra", str(folder), str(latency)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url, client_id, client_secret = process.stdout.readline().rstrip("\n").split("\t")
        yield _Server({"url": url, "client_id": client_id, "client_secret": client_secret}, process)
    finally:
        process.stdin.close()
        process.wait(60)


def _measured_overhead(server: _Server) -> Iterator[Line]:
    gateway = server.gateway()
    asset = gateway.contracts(manifest_id="c0")[0].id
    before, began = time.process_time(), time.perf_counter()
    for _ in range(_ASKED):
        gateway.asset(asset)
    cpu, spent = time.process_time() - before, time.perf_counter() - began
    detail = f"{spent / _ASKED * 1000:.1f} ms on the clock, load average {os.getloadavg()[0]:.1f}"
    yield Line("collibra, CPU of the client a request", cpu / _ASKED * 1000, 3.0, "ms", detail)


def _store(gateway: HttpGateway, cache: Path | None = None, **options: Any) -> CollibraContractStore:
    def port_of(contract_id: str) -> str:
        raise RuntimeError(f"'{contract_id}' is not there")

    return CollibraContractStore(gateway, port_of=port_of, cache=ContractCache(cache), **options)


def _measured_latest(server: _Server, folder: Path) -> Iterator[Line]:
    gateway = server.gateway()
    assets = {each.manifest_id: each.id for each in gateway.contracts()}
    server.requests()
    _store(gateway).latest("c1")
    yield Line("collibra, requests of `latest`, cold", server.requests(), 3, "requests")
    mapped = _store(gateway, fresh_for=30.0, asset_of=assets.__getitem__)
    mapped.get("c2", mapped.latest("c2").version)
    yield Line("collibra, with its document, cold, asset mapped", server.requests(), 3, "requests")
    _store(gateway, folder / "warm").latest("c3")
    server.requests()
    began = time.perf_counter()
    _store(gateway, folder / "warm", quiet_for=300.0).latest("c3")
    spent = time.perf_counter() - began
    detail = f"{spent * 1000:.0f} ms, {_LATENCY * 1000:.0f} of them the double's"
    yield Line("collibra, requests of `latest`, warm", server.requests(), 1, "requests", detail)


def _measured_sync(server: _Server, cache: Path) -> Iterator[Line]:
    what = f"collibra, {_CONTRACTS} contracts x {_VERSIONS} versions"
    began = time.perf_counter()
    found = _store(server.gateway(), cache).search()
    first, asked = time.perf_counter() - began, server.requests()
    if len(found) != _CONTRACTS * _VERSIONS:
        raise RuntimeError(f"the store lists {len(found)} versions")
    store = _store(server.gateway(), cache)
    server.requests()
    before, began = time.process_time(), time.perf_counter()
    versions = store.search()
    again = [each for each in {one.contract_id for one in versions} if store.interrupted(each)]
    spent, cpu, requests = time.perf_counter() - began, time.process_time() - before, server.requests()
    if again or len(versions) != len(found):
        raise RuntimeError("the second look is another than the first")
    detail = f"the first time {first:.1f} s and {asked / _CONTRACTS:.2f} requests each"
    yield Line(f"{what}, nothing changed", spent, 20.0, "s", detail)
    lists = 3  # Contracts, assets, and the id of their type, for all together.
    yield Line(f"{what}, each", (requests - lists) / _CONTRACTS, 2.0, "requests", f"{cpu:.1f} s of CPU")
    quiet = _store(server.gateway(), cache, quiet_for=300.0)
    server.requests()
    began = time.perf_counter()
    quiet.search()
    spent, requests = time.perf_counter() - began, server.requests()
    yield Line(f"{what}, minutes later", (requests - lists) / _CONTRACTS, 1.0, "requests", f"{spent:.1f} s")
    watched = server.gateway()
    server.requests()
    watched.contracts()
    watched.assets(CONTRACT_TYPE)
    yield Line(f"collibra, a look at {_CONTRACTS} contracts by the poller", server.requests(), 3, "requests")


def _serve(folder: Path, latency: float) -> None:
    """Answers; says on stdout how to log in, and for each line on stdin how many requests came since the last one."""
    with CollibraServer(folder=folder) as server:
        server.latency = latency
        print(server.url, server.client_id, server.client_secret, sep="\t", flush=True)
        for _ in sys.stdin:
            print(len([each for each in server.requests if not each.path.endswith("/token")]), flush=True)
            server.requests.clear()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), float(sys.argv[2]))
