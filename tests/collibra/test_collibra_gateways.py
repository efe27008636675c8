"""Every gateway passes the same suite: HTTP against the double, and the stub in memory and in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from collibra_connections import Answering
from collibra_connections import gateway as http_gateway

from lakepact.collibra.auth import Bearer
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.gateway import CollibraGateway
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.stub_gateway import StubGateway
from lakepact.errors import RemoteFailed
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.collibra_suite import CollibraTenant, GatewaySuite
from lakepact.testing.collibra_switches import Switches


def test_a_filter_that_is_none_finds_no_other_contract() -> None:
    listed = [{"id": f"7f1c0e1a-0000-4000-8000-00000000000{n}", "manifestId": name} for n, name in enumerate("abc")]
    transport = Answering(lambda request: httpx.Response(200, json={"items": listed}))
    found = HttpGateway(CollibraClient("https://c.example", Bearer(lambda: "t"), transport=transport))
    assert [each.manifest_id for each in found.contracts(manifest_id="b")] == ["b"]
    assert len(found.contracts()) == 3


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"id": "x", "manifestId": "a"},
        {"id": None, "manifestId": "a"},
        {"id": "7f1c0e1a-0000-4000-8000-000000000001"},
    ],
)
def test_what_collibra_does_not_say(item: dict[str, str]) -> None:
    transport = Answering(lambda request: httpx.Response(200, json={"items": [item]}))
    found = HttpGateway(CollibraClient("https://c.example", Bearer(lambda: "t"), transport=transport))
    with pytest.raises(RemoteFailed, match=r"^LP907: Collibra answers with something that Collibra does not say"):
        found.contracts()


class ServedTenant:
    """The double of Collibra as the suite wants it."""

    def __init__(self, server: CollibraServer) -> None:
        self.server = server
        self.gateway: CollibraGateway = http_gateway(server)

    def reopen(self) -> CollibraGateway:
        return http_gateway(self.server)

    def add_port(self, name: str, *, tables: tuple[str, ...] = ()) -> str:
        return self.server.add_port(name, tables=tables)

    def add_product(self, name: str, *, ports: tuple[str, ...] = ()) -> str:
        return self.server.add_product(name, ports=ports)

    def add_table(self, name: str) -> str:
        return self.server.add_table(name)

    def add_domain(self, name: str) -> str:
        return self.server.add_domain(name, "Rulebook")

    def add_attribute_type(self, name: str) -> None:
        self.server.add_attribute_type(name)

    def add_mapping(self, system: str, entity: str, asset: str) -> None:
        row = {"externalSystemId": system, "externalEntityId": entity, "mappedResourceId": asset}
        self.server.state.put("mappings", row)


class StubTenant:
    """The stub as the suite wants it: what sets it up is what reads it."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.stub = StubGateway(folder)
        self.gateway: CollibraGateway = self.stub
        self.add_port = self.stub.add_port
        self.add_product = self.stub.add_product
        self.add_table = self.stub.add_table
        self.add_domain = self.stub.add_domain
        self.add_attribute_type = self.stub.add_attribute_type
        self.add_mapping = self.stub.add_mapping

    def reopen(self) -> CollibraGateway:
        return self.gateway if self.folder is None else StubGateway(self.folder)


class TestHttpGateway(GatewaySuite):
    @pytest.fixture(params=["PUT", "PATCH", "NONE", "lean"])
    def tenant(self, request: pytest.FixtureRequest) -> Iterator[CollibraTenant]:
        lean = request.param == "lean"
        switches = Switches(active_version_verb="BOTH" if lean else request.param, lean_list=lean)
        if lean:
            switches.duplicate_status = 400
        with CollibraServer(switches=switches, prefix="/collibra" if lean else "") as server:
            server.pages.empty = lean
            yield ServedTenant(server)


class TestStubInMemory(GatewaySuite):
    @pytest.fixture
    def tenant(self) -> CollibraTenant:
        return StubTenant()


class TestStubInAFolder(GatewaySuite):
    @pytest.fixture
    def tenant(self, tmp_path: Path) -> CollibraTenant:
        return StubTenant(tmp_path / "collibra")
