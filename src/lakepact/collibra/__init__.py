"""Collibra, where stewards approve: client, gateways, store and feedback."""

from lakepact.collibra.async_client import AsyncCollibraClient
from lakepact.collibra.auth import Basic, Bearer, ClientCredentials, Session
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.discovery import discover, find_port
from lakepact.collibra.feedback import Compliance, compliance_of, keep_feedback, push_feedback
from lakepact.collibra.gateway import CollibraGateway
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.mapping import Mapped, Mapping, read_mapping
from lakepact.collibra.resolving import latest_validated
from lakepact.collibra.settings import CollibraSettings, read_settings
from lakepact.collibra.sink import CollibraSink
from lakepact.collibra.statuses import StatusNames
from lakepact.collibra.store import CollibraContractStore, collibra_store, open_collibra
from lakepact.collibra.stub_gateway import StubGateway

__all__ = [
    "AsyncCollibraClient",
    "Basic",
    "Bearer",
    "ClientCredentials",
    "CollibraClient",
    "CollibraContractStore",
    "CollibraGateway",
    "CollibraSettings",
    "CollibraSink",
    "Compliance",
    "HttpGateway",
    "Mapped",
    "Mapping",
    "Session",
    "StatusNames",
    "StubGateway",
    "collibra_store",
    "compliance_of",
    "discover",
    "find_port",
    "keep_feedback",
    "latest_validated",
    "open_collibra",
    "push_feedback",
    "read_mapping",
    "read_settings",
]
