"""Which part of the Collibra double answers which method and path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lakepact.testing.collibra_contracts import DataContracts
from lakepact.testing.collibra_core import Core
from lakepact.testing.collibra_errors import ApiError, not_found
from lakepact.testing.collibra_http import Call, uuid_of
from lakepact.testing.collibra_jobs import Jobs
from lakepact.testing.loopback import Reply, json_reply

__all__ = ["DATA_CONTRACTS", "Route", "information", "routed", "routes"]

DATA_CONTRACTS = "/rest/dataProduct/v1/dataContracts"
_CORE = "/rest/2.0"


@dataclass(frozen=True)
class Route:
    """An endpoint: `methods`, the pattern of its path, and what answers it."""

    methods: tuple[str, ...]
    pattern: re.Pattern[str]
    answer: Callable[..., Reply]


def routed(found: Sequence[Route], call: Call) -> tuple[Route, dict[str, str]]:
    """The route for a call and the parts of its path; 404, 405, and 400 where an id is no UUID."""
    allowed: list[str] = []
    for route in found:
        matched = route.pattern.fullmatch(call.path)
        if matched is None:
            continue
        if call.method in route.methods:
            parts = {name: unquote(part) for name, part in matched.groupdict().items()}
            return route, {name: uuid_of(name, part) if name == "id" else part for name, part in parts.items()}
        allowed += route.methods
    if allowed:
        headers = {"Allow": ", ".join(dict.fromkeys(allowed))}
        raise ApiError(405, "methodNotAllowed", f"{call.method} is not supported.", headers=headers)
    raise not_found("endpointNotFound", f"There is no endpoint {call.path}")


def routes(contracts: DataContracts, core: Core, jobs: Jobs) -> list[Route]:
    """Every endpoint behind the login."""
    listed = [*_contract_routes(contracts), *_graph_routes(core), *_type_routes(core), *_job_routes(jobs)]
    return [Route(tuple(methods.split()), _pattern(path), answer) for methods, path, answer in listed]


def information(call: Call) -> Reply:
    """The version of the application, told to anybody."""
    return json_reply(200, {"version": {"fullVersion": "2026.09.0", "majorVersion": "2026"}, "baseUrl": ""})


_Listed = tuple[str, str, Callable[..., Reply]]


def _contract_routes(contracts: DataContracts) -> list[_Listed]:
    at = DATA_CONTRACTS
    return [
        ("GET", at, contracts.find),
        ("POST", at, contracts.create),
        ("POST", f"{at}/addFromManifest", contracts.push),
        ("GET", f"{at}/{{id}}", contracts.get),
        ("DELETE", f"{at}/{{id}}", contracts.delete),
        ("GET", f"{at}/{{id}}/versions", contracts.versions),
        ("POST", f"{at}/{{id}}/versions", contracts.add_version),
        ("DELETE", f"{at}/{{id}}/versions", contracts.delete_version),
        ("GET", f"{at}/{{id}}/versions/manifest", contracts.manifest),
        ("GET", f"{at}/{{id}}/activeVersion", contracts.active_version),
        ("PUT PATCH", f"{at}/{{id}}/activeVersion", contracts.set_active_version),
        ("GET", f"{at}/{{id}}/activeVersion/manifest", contracts.active_manifest),
        ("POST", f"{at}/{{id}}/draftVersion", contracts.draft_version),
        ("POST", f"{at}/{{id}}/apply", contracts.apply),
    ]


def _graph_routes(core: Core) -> list[_Listed]:
    return [
        ("GET", f"{_CORE}/assets", core.find_assets),
        ("POST", f"{_CORE}/assets", core.add_asset),
        ("GET", f"{_CORE}/assets/{{id}}", core.get_asset),
        ("PATCH", f"{_CORE}/assets/{{id}}", core.change_asset),
        ("DELETE", f"{_CORE}/assets/{{id}}", core.remove_asset),
        ("PUT", f"{_CORE}/assets/{{id}}/attributes", core.replace_attributes),
        ("GET PUT POST DELETE", f"{_CORE}/assets/{{id}}/tags", core.tags),
        ("GET", f"{_CORE}/attributes", core.find_attributes),
        ("POST", f"{_CORE}/attributes", core.add_attribute),
        ("POST PATCH DELETE", f"{_CORE}/attributes/bulk", core.attributes_in_bulk),
        ("GET", f"{_CORE}/attributes/{{id}}", core.get_attribute),
        ("PATCH", f"{_CORE}/attributes/{{id}}", core.change_attribute),
        ("DELETE", f"{_CORE}/attributes/{{id}}", core.remove_attribute),
        ("GET", f"{_CORE}/relations", core.find_relations),
        ("POST", f"{_CORE}/relations", core.add_relation),
        ("GET", f"{_CORE}/relations/{{id}}", core.get_relation),
        ("DELETE", f"{_CORE}/relations/{{id}}", core.remove_relation),
        ("GET", f"{_CORE}/comments", core.find_comments),
        ("POST", f"{_CORE}/comments", core.add_comment),
        ("POST", f"{_CORE}/mappings", core.add_mapping),
        ("GET", f"{_CORE}/mappings/externalSystem/{{system}}/externalEntity/{{entity}}", core.get_mapping),
    ]


def _type_routes(core: Core) -> list[_Listed]:
    tables = {"statuses": "statuses", "assetTypes": "asset_types", "attributeTypes": "attribute_types"}
    tables |= {"domains": "domains", "communities": "communities"}
    listed: list[_Listed] = []
    for path, table in tables.items():
        listed.append(("GET", f"{_CORE}/{path}", core.lookup(table)))
        listed.append(("GET", f"{_CORE}/{path}/{{id}}", core.one_by(table, "id")))
        if path in ("statuses", "attributeTypes"):
            listed.append(("GET", f"{_CORE}/{path}/name/{{name}}", core.one_by(table, "name")))
        if path in ("assetTypes", "attributeTypes"):
            listed.append(("GET", f"{_CORE}/{path}/publicId/{{publicId}}", core.one_by(table, "publicId")))
    kinds = f"{_CORE}/relationTypes"
    return [
        *listed,
        ("GET", kinds, core.find_relation_types),
        ("GET", f"{kinds}/{{id}}", core.one_by("relation_types", "id")),
        ("GET", f"{kinds}/publicId/{{publicId}}", core.one_by("relation_types", "publicId")),
    ]


def _job_routes(jobs: Jobs) -> list[_Listed]:
    return [
        ("GET", f"{_CORE}/activities", jobs.activities),
        ("POST", f"{_CORE}/search", jobs.search),
        ("GET", f"{_CORE}/workflowDefinitions", jobs.find_workflows),
        ("GET", f"{_CORE}/workflowDefinitions/startEvents", jobs.start_events),
        ("GET", f"{_CORE}/workflowInstances", jobs.find_instances),
        ("POST", f"{_CORE}/workflowInstances", jobs.start_workflow),
        ("POST", f"{_CORE}/workflowInstances/{{id}}/messageEvents/{{name}}", jobs.message),
        ("POST", f"{_CORE}/import/json-job", jobs.start_import),
        ("GET", f"{_CORE}/jobs/{{id}}", jobs.job),
        ("GET", f"{_CORE}/import/results/{{id}}/errors", jobs.import_errors),
    ]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))
