"""The typed model of a document whose grammar has been judged."""

from __future__ import annotations

from lakepact.contract.build_parts import Element, authoritative_definitions, custom_properties
from lakepact.contract.build_schema import schema_object
from lakepact.contract.model import (
    ApiVersion,
    Contract,
    Description,
    Role,
    Server,
    SlaProperty,
    Team,
    TeamMember,
)
from lakepact.contract.yaml_nodes import YamlDocument

__all__ = ["build_contract"]

_COMMON_SERVER_KEYS = {"id", "server", "type", "description", "environment", "roles", "customProperties"}


def build_contract(document: YamlDocument, *, api_version: ApiVersion, source: bytes, file: str) -> Contract:
    """The contract that `document` holds; `document` has no error of grammar."""
    root = Element(document, "", document.data)
    return Contract(
        id=root.text("id") or "",
        version=root.text("version") or "",
        api_version=api_version,
        status=root.text("status"),
        name=root.text("name"),
        tenant=root.text("tenant"),
        domain=root.text("domain"),
        data_product=root.text("dataProduct"),
        description=_description(root.element("description")),
        tags=root.texts("tags"),
        schema=root.each("schema", schema_object),
        servers=root.each("servers", _server),
        sla_default_element=root.text("slaDefaultElement"),
        sla_properties=root.each("slaProperties", _sla_property),
        team=_team(root),
        roles=root.each("roles", _role),
        custom_properties=custom_properties(root),
        authoritative_definitions=authoritative_definitions(root),
        document=document.data,
        source=source,
        places=document.places,
        file=file,
    )


def _description(element: Element | None) -> Description | None:
    if element is None:
        return None
    return Description(
        place=element.place,
        purpose=element.text("purpose"),
        limitations=element.text("limitations"),
        usage=element.text("usage"),
    )


def _server(element: Element) -> Server:
    return Server(
        place=element.place,
        server=element.text("server") or "",
        type=element.text("type") or "",
        description=element.text("description"),
        environment=element.text("environment"),
        settings={key: element.meant(key) for key in element.data if key not in _COMMON_SERVER_KEYS},
        custom_properties=custom_properties(element),
        id=element.text("id"),
    )


def _sla_property(element: Element) -> SlaProperty:
    parts = (element.text("element") or "").split(",")
    return SlaProperty(
        place=element.place,
        property=element.text("property") or "",
        value=element.scalar("value"),
        value_ext=element.scalar("valueExt"),
        unit=element.text("unit"),
        elements=tuple(part.strip() for part in parts if part.strip()),
        driver=element.text("driver"),
        description=element.text("description"),
        scheduler=element.text("scheduler"),
        schedule=element.text("schedule"),
        id=element.text("id"),
    )


def _team(root: Element) -> Team | None:
    if isinstance(root.data.get("team"), list):
        return Team(place=root.place_of("team"), members=root.each("team", _team_member))
    element = root.element("team")
    if element is None:
        return None
    return Team(
        place=element.place,
        name=element.text("name"),
        description=element.text("description"),
        members=element.each("members", _team_member),
    )


def _team_member(element: Element) -> TeamMember:
    return TeamMember(
        place=element.place,
        username=element.text("username") or "",
        name=element.text("name"),
        role=element.text("role"),
        date_in=element.text("dateIn"),
        date_out=element.text("dateOut"),
        replaced_by_username=element.text("replacedByUsername"),
    )


def _role(element: Element) -> Role:
    return Role(
        place=element.place,
        role=element.text("role") or "",
        access=element.text("access"),
        description=element.text("description"),
        first_level_approvers=element.text("firstLevelApprovers"),
        second_level_approvers=element.text("secondLevelApprovers"),
    )
