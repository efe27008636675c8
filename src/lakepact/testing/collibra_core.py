"""The core API of the Collibra double: assets, attributes, relations, types, statuses, tags, comments, mappings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lakepact.testing.collibra_errors import ApiError, bad_request, not_found
from lakepact.testing.collibra_http import Call, Pages, no_content, required_fields, uuid_of
from lakepact.testing.collibra_state import CollibraState, Row
from lakepact.testing.loopback import Reply, json_reply

__all__ = ["Core"]

_CHANGEABLE = ("name", "displayName", "typeId", "statusId", "domainId")
_IDS = ("typeId", "statusId", "domainId")
# The real thing refuses LAST_MODIFIED on assets: there is no way to ask for what changed since.
_ASSET_SORTS = {"NAME": "name", "DISPLAY_NAME": "displayName", "ID": "id"}
_ATTRIBUTE_SORTS = {"CREATED_BY": "createdBy", "CREATED_ON": "createdOn", "LAST_MODIFIED": "lastModifiedOn"}
_STAMPS = ("createdBy", "createdOn", "lastModifiedBy", "lastModifiedOn")
_DISCRIMINATORS = {"STRING": "StringAttribute", "NUMERIC": "NumericAttribute", "BOOLEAN": "BooleanAttribute"}
_DISCRIMINATORS |= {"DATE": "DateAttribute", "SINGLE_VALUE_LIST": "SingleValueListAttribute"}
_DISCRIMINATORS |= {"MULTI_VALUE_LIST": "MultiValueListAttribute"}


class Core:
    """The endpoints below `/rest/2.0` that are about the graph itself."""

    def __init__(self, state: CollibraState, pages: Pages) -> None:
        self._state = state
        self._pages = pages
        self.hidden: set[str] = set()

    # --- assets

    def find_assets(self, call: Call) -> Reply:
        """Assets by name, domain, community, types, statuses and tags."""
        named = _name_filter(call, ("name", "displayName"))
        types, statuses = call.many("typeIds", "typeId"), call.many("statusIds", "statusId")
        domain, community = call.one("domainId"), call.one("communityId")
        tags, inherited = set(call.many("tagNames")), call.flag("typeInheritance", default=True)
        domains = self._state.tables["domains"]
        sort = _sort(call, _ASSET_SORTS, "name")
        for key in (*types, *statuses, *filter(None, (domain, community))):
            uuid_of("id", key)
        found = [
            row
            for row in self._state.tables["assets"].values()
            if row["id"] not in self.hidden
            and named(row)
            and (not types or any(row["typeId"] == each or (inherited and self._is_a(row, each)) for each in types))
            and (not statuses or row["statusId"] in statuses)
            and domain in (None, "", row["domainId"])
            and community in (None, "", domains[row["domainId"]]["community"])
            and (not tags or tags & set(row["tags"]))
        ]
        found.sort(key=lambda row: (str(row[sort]).lower(), row["id"]), reverse=_descending(call))
        return self._page(call, found, self.asset)

    def get_asset(self, call: Call, id: str) -> Reply:
        """One asset; 401 where the caller may not see it, although the token is good."""
        row = self._state.get("assets", id)
        if id in self.hidden:
            raise ApiError(401, "viewPermissionMissing", "The asset may not be viewed.", title="Unauthorized")
        return json_reply(200, self.asset(row))

    def add_asset(self, call: Call) -> Reply:
        """A new asset."""
        given = call.json_object("name", "domainId", "typeId")
        for key in ("id", *_IDS):
            if key in given:
                given[key] = uuid_of(key, given[key])
        return json_reply(201, self.asset(self._state.add_asset(given, user=call.caller)))

    def change_asset(self, call: Call, id: str) -> Reply:
        """Change the name, type, status or domain of an asset; nulls change nothing."""
        given = call.json_object()
        changes = {name: given[name] for name in _CHANGEABLE if name in given}
        changes |= {name: uuid_of(name, changes[name]) for name in _IDS if name in changes}
        return json_reply(200, self.asset(self._state.change_asset(id, changes, user=call.caller)))

    def remove_asset(self, call: Call, id: str) -> Reply:
        """Remove an asset."""
        self._state.remove_asset(id, user=call.caller)
        return no_content()

    def tags(self, call: Call, id: str) -> Reply:
        """The tags of an asset: read, replace (PUT), add (POST), remove (DELETE)."""
        row = self._state.get("assets", id)
        if call.method == "GET":
            return json_reply(200, [{"name": name} for name in row["tags"]])
        given = _texts("tagNames", call.json_object("tagNames")["tagNames"])
        wanted = {
            "PUT": given,
            "POST": [*row["tags"], *given],
            "DELETE": [tag for tag in row["tags"] if tag not in given],
        }[call.method]
        self._state.change_asset(id, {"tags": list(dict.fromkeys(wanted))}, user=call.caller)
        return no_content() if call.method == "DELETE" else json_reply(200, [{"name": name} for name in row["tags"]])

    # --- attributes

    def find_attributes(self, call: Call) -> Reply:
        """The attributes of one asset, of some types."""
        asset, types = call.one("assetId"), call.many("typeIds", "typeId")
        if asset:
            self._state.get("assets", uuid_of("assetId", asset))
        sort = _sort(call, _ATTRIBUTE_SORTS, "lastModifiedOn")
        rows = self._state.tables["attributes"].values()
        found = [row for row in rows if asset in (None, "", row["assetId"]) and (not types or row["typeId"] in types)]
        found.sort(key=lambda row: (row[sort], row["id"]), reverse=_descending(call))
        return self._page(call, found, self.attribute)

    def get_attribute(self, call: Call, id: str) -> Reply:
        """One attribute."""
        return json_reply(200, self.attribute(self._state.get("attributes", id)))

    def add_attribute(self, call: Call) -> Reply:
        """A new attribute."""
        return json_reply(201, self.attribute(self._add_attribute(call.json_value(), call.caller)))

    def change_attribute(self, call: Call, id: str) -> Reply:
        """Another value."""
        value = call.json_object("value")["value"]
        return json_reply(200, self.attribute(self._state.change_attribute(id, value, user=call.caller)))

    def remove_attribute(self, call: Call, id: str) -> Reply:
        """Remove an attribute."""
        self._state.remove_attribute(id, user=call.caller)
        return no_content()

    def attributes_in_bulk(self, call: Call) -> Reply:
        """Several attributes at once: add (POST), change (PATCH), remove (DELETE); all of them or none."""
        entries = call.json_value()
        if not isinstance(entries, list) or not entries:
            raise bad_request("malformedBody", "The body must be a list that is not empty.")
        if call.method == "DELETE":
            keys = [uuid_of("id", entry) for entry in entries]
            for key in keys:
                self._state.get("attributes", key)
            for key in keys:
                self._state.remove_attribute(key, user=call.caller)
            return no_content()
        adds = call.method == "POST"
        given = [required_fields(each, ("assetId", "typeId", "value") if adds else ("id", "value")) for each in entries]
        for each in given:
            row = each if adds else self._state.get("attributes", uuid_of("id", each["id"]))
            self._state.get("assets", uuid_of("assetId", row["assetId"]))
            self._state.checked_value(uuid_of("typeId", row["typeId"]), each["value"])
        if adds:
            return json_reply(201, [self.attribute(self._add_attribute(each, call.caller)) for each in given])
        changed = [self._state.change_attribute(each["id"], each["value"], user=call.caller) for each in given]
        return json_reply(200, [self.attribute(row) for row in changed])

    def replace_attributes(self, call: Call, id: str) -> Reply:
        """Make some values the only attributes of a type."""
        given = call.json_object("typeId", "values")
        self._state.get("assets", id)
        if not isinstance(given["values"], list):
            raise bad_request("malformedBody", "The field 'values' must be a list.")
        kind = uuid_of("typeId", given["typeId"])
        rows = self._state.replace_attributes(id, kind, given["values"], user=call.caller)
        return json_reply(200, [self.attribute(row) for row in rows])

    # --- relations

    def find_relations(self, call: Call) -> Reply:
        """Relations by source, target and type; the wrong direction gives an empty list, not an error."""
        source, target, kind = (call.one(name) or "" for name in ("sourceId", "targetId", "relationTypeId"))
        for name, key in (("sourceId", source), ("targetId", target), ("relationTypeId", kind)):
            if key:
                uuid_of(name, key)
        return self._page(call, list(self._state.relations(kind, source=source, target=target)), self.relation)

    def get_relation(self, call: Call, id: str) -> Reply:
        """One relation."""
        return json_reply(200, self.relation(self._state.get("relations", id)))

    def add_relation(self, call: Call) -> Reply:
        """A new relation, from its source to its target."""
        given = call.json_object("sourceId", "targetId", "typeId")
        source, target, kind = (uuid_of(name, given[name]) for name in ("sourceId", "targetId", "typeId"))
        return json_reply(201, self.relation(self._state.add_relation(source, target, kind, user=call.caller)))

    def remove_relation(self, call: Call, id: str) -> Reply:
        """Remove a relation."""
        row = self._state.get("relations", id)
        del self._state.tables["relations"][id]
        self._state.note(row["sourceId"], "RELATION", "DELETE", call.caller, {"target": row["targetId"]})
        return no_content()

    # --- comments and mappings

    def find_comments(self, call: Call) -> Reply:
        """The comments on one asset."""
        asset = call.one("baseResourceId")
        rows = self._state.tables["comments"].values()
        return self._page(call, [row for row in rows if asset in (None, "", row["resourceId"])], self._comment)

    def add_comment(self, call: Call) -> Reply:
        """A comment on an asset."""
        given = call.json_object("content", "baseResource")
        asset = uuid_of("baseResource.id", required_fields(given["baseResource"], ("id",))["id"])
        self._state.get("assets", asset)
        row = {"resourceId": asset, "content": str(given["content"]), **self._stamps(call.caller)}
        self._state.note(asset, "COMMENT", "ADD", call.caller, {"content": row["content"]})
        return json_reply(201, self._comment(self._state.put("comments", row)))

    def add_mapping(self, call: Call) -> Reply:
        """Map an entity of another system, such as a table of Unity Catalog, to an asset."""
        given = call.json_object("externalSystemId", "externalEntityId", "mappedResourceId")
        asset = uuid_of("mappedResourceId", given["mappedResourceId"])
        self._state.get("assets", asset)
        names = {name: str(given[name]) for name in ("externalSystemId", "externalEntityId")}
        if self._mapping(*names.values()) is not None:
            raise bad_request("mappingExists", "The external entity is mapped already.")
        row = self._state.put("mappings", names | {"mappedResourceId": asset, **self._stamps(call.caller)})
        return json_reply(201, self._shown_mapping(row))

    def get_mapping(self, call: Call, system: str, entity: str) -> Reply:
        """The asset that an entity of another system is mapped to; 404 where it is not."""
        row = self._mapping(system, entity)
        if row is None:
            raise not_found("mappingNotFound", f"'{entity}' of '{system}' is not mapped.")
        return json_reply(200, self._shown_mapping(row))

    # --- statuses, types, domains

    def lookup(self, table: str) -> Callable[[Call], Reply]:
        """An endpoint that lists a table by name."""

        def find(call: Call) -> Reply:
            named = _name_filter(call, ("name",))
            rows = sorted(
                (row for row in self._state.tables[table].values() if named(row)), key=lambda r: str(r["name"])
            )
            return self._page(call, rows, lambda row: self.described(table, row))

        return find

    def one_by(self, table: str, field: str) -> Callable[..., Reply]:
        """An endpoint that gives the row of a table whose `field` is as the path says."""

        def get(call: Call, **named: str) -> Reply:
            value = next(iter(named.values()))
            for row in self._state.tables[table].values():
                if row.get(field) == value:
                    return json_reply(200, self.described(table, row))
            word = _word(table)
            raise not_found(f"{word[0].lower()}{word[1:]}NotFound", f"No {word} has the {field} '{value}'.")

        return get

    def find_relation_types(self, call: Call) -> Reply:
        """Relation types by their roles and the names of the types at both ends."""
        names = {"sourceTypeName": "sourceType", "targetTypeName": "targetType"}
        types = self._state.tables["asset_types"]
        found = [
            row
            for row in self._state.tables["relation_types"].values()
            if all((call.one(role) or "").lower() in row[role].lower() for role in ("role", "coRole"))
            and all((call.one(key) or "").lower() in types[row[end]]["name"].lower() for key, end in names.items())
        ]
        return self._page(call, found, lambda row: self.described("relation_types", row))

    # --- shapes

    def asset(self, row: Row) -> dict[str, Any]:
        """An asset as the API shows it."""
        return {
            "id": row["id"],
            "resourceType": "Asset",
            "name": row["name"],
            "displayName": row["displayName"],
            "domain": self._reference("domains", row["domainId"]),
            "type": self._reference("asset_types", row["typeId"]),
            "status": self._reference("statuses", row["statusId"]),
            **{name: row[name] for name in _STAMPS},
        }

    def attribute(self, row: Row) -> dict[str, Any]:
        """An attribute as the API shows it."""
        kind, value = self._state.tables["attribute_types"][row["typeId"]]["kind"], row["value"]
        if self._state.switches.values_as_text and not isinstance(value, list):
            value = str(value).lower() if isinstance(value, bool) else str(value)
        return {
            "id": row["id"],
            "resourceType": _DISCRIMINATORS[kind],
            "type": self._reference("attribute_types", row["typeId"]),
            "asset": self._reference("assets", row["assetId"]),
            "value": value,
            **{name: row[name] for name in _STAMPS},
        }

    def relation(self, row: Row) -> dict[str, Any]:
        """A relation as the API shows it."""
        return {
            "id": row["id"],
            "resourceType": "Relation",
            "source": self._reference("assets", row["sourceId"]),
            "target": self._reference("assets", row["targetId"]),
            "type": {"id": row["typeId"], "resourceType": "RelationType"},
            **{name: row[name] for name in _STAMPS},
        }

    def described(self, table: str, row: Row) -> dict[str, Any]:
        """A row of a table of types, statuses, domains or communities as the API shows it."""
        shown = {"id": row["id"], "resourceType": _word(table)} | {
            name: row[name] for name in ("name", "publicId", "role", "coRole") if name in row
        }
        if table == "relation_types":
            shown |= {end: self._reference("asset_types", row[end]) for end in ("sourceType", "targetType")}
        if table == "asset_types" and row["parent"]:
            shown["parent"] = self._reference("asset_types", row["parent"])
        if table == "attribute_types":
            shown |= {"kind": row["kind"]} | ({"allowedValues": row["allowedValues"]} if "allowedValues" in row else {})
        if table == "domains":
            shown |= {"type": {"name": row["type"]}, "community": self._reference("communities", row["community"])}
        return shown

    def _comment(self, row: Row) -> dict[str, Any]:
        base = self._reference("assets", row["resourceId"])
        return {"id": row["id"], "resourceType": "Comment", "content": row["content"], "baseResource": base} | {
            name: row[name] for name in _STAMPS
        }

    def _shown_mapping(self, row: Row) -> dict[str, Any]:
        names = {name: row[name] for name in ("id", "externalSystemId", "externalEntityId")}
        return names | {"mappedResource": self._reference("assets", row["mappedResourceId"])}

    def _reference(self, table: str, key: str) -> dict[str, Any]:
        row, word = self._state.tables[table][key], _word(table)
        return {"id": key, "resourceType": word, "resourceDiscriminator": word, "name": row["name"]}

    def _page(self, call: Call, rows: list[Row], shown: Callable[[Row], Mapping[str, Any]]) -> Reply:
        page = self._pages.results(call, rows)
        return json_reply(200, page | {"results": [shown(row) for row in page["results"]]})

    # --- inside

    def _add_attribute(self, value: Any, user: str) -> Row:
        given = required_fields(value, ("assetId", "typeId", "value"))
        asset, kind = (uuid_of(name, given[name]) for name in ("assetId", "typeId"))
        return self._state.add_attribute(asset, kind, given["value"], user=user)

    def _mapping(self, system: str, entity: str) -> Row | None:
        rows: Iterable[Row] = self._state.tables["mappings"].values()
        wanted = (system, entity)
        return next((row for row in rows if (row["externalSystemId"], row["externalEntityId"]) == wanted), None)

    def _stamps(self, user: str) -> dict[str, Any]:
        now = self._state.now()
        return {"createdBy": user, "createdOn": now, "lastModifiedBy": user, "lastModifiedOn": now}

    def _is_a(self, row: Row, type_id: str) -> bool:
        return self._state.is_a(row["typeId"], type_id)


def _word(table: str) -> str:
    singular = {"statuses": "Status", "communities": "Community"}.get(table)
    return singular or re.sub(r"(?:^|_)(\w)", lambda found: found[1].upper(), table.removesuffix("s"))


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise bad_request("malformedBody", f"The field '{name}' must be a list of texts.")
    return value


def _name_filter(call: Call, fields: tuple[str, ...]) -> Callable[[Row], bool]:
    """Whether a row has the asked name; only EXACT minds upper and lower case."""
    name, mode = call.one("name"), call.one("nameMatchMode") or "ANYWHERE"
    matches: dict[str, Callable[[str, str], bool]] = {
        "START": lambda text, part: text.lower().startswith(part.lower()),
        "END": lambda text, part: text.lower().endswith(part.lower()),
        "ANYWHERE": lambda text, part: part.lower() in text.lower(),
        "EXACT": lambda text, part: text == part,
    }
    if mode not in matches:
        raise bad_request("invalidMatchMode", f"'nameMatchMode' cannot be {mode}.")
    return lambda row: not name or any(matches[mode](str(row[field]), name) for field in fields)


def _sort(call: Call, known: Mapping[str, str], default: str) -> str:
    asked = call.one("sortField")
    if asked and asked not in known:
        raise bad_request("invalidSortField", f"'sortField' cannot be {asked}.")
    return known[asked] if asked else default


def _descending(call: Call) -> bool:
    order = call.one("sortOrder") or "ASC"
    if order not in ("ASC", "DESC"):
        raise bad_request("invalidSortOrder", f"'sortOrder' cannot be {order}.")
    return order == "DESC"
