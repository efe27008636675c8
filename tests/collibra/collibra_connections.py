"""Connections of the tests to the double of Collibra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.retrying import RetryPolicy
from lakepact.testing.collibra_server import CollibraServer

QUICK = RetryPolicy(retries=4, first=0.001, longest=0.01)


def client(server: CollibraServer, **options: Any) -> CollibraClient:
    """A client with credentials of the server, that does not wait long."""
    credentials = options.pop("credentials", None) or ClientCredentials(
        f"{server.url}/rest/oauth/v2/token", server.client_id, lambda: server.client_secret
    )
    return CollibraClient(server.url, credentials, **{"policy": QUICK, "timeout": 5.0} | options)


def gateway(server: CollibraServer, **options: Any) -> HttpGateway:
    return HttpGateway(client(server, **options))


def ports_of(server: CollibraServer) -> Callable[[str], str]:
    """Gives every contract a port of its own, made when it is asked for."""
    ports: dict[str, str] = {}

    def port_of(contract_id: str) -> str:
        if contract_id not in ports:
            ports[contract_id] = server.add_port(f"port {len(ports)}")
        return ports[contract_id]

    return port_of


class Answering(httpx.BaseTransport):
    """A transport that answers every request with what `answer` makes of it."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self.answer(request)
