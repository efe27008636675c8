"""The core API of the Collibra double beside the graph: activities, search, workflows, imports and their jobs."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from lakepact.testing.collibra_errors import bad_request, not_found
from lakepact.testing.collibra_http import Call, Pages, no_content, required_fields, uuid_of
from lakepact.testing.collibra_imports import import_entries
from lakepact.testing.collibra_seed import START_EVENTS
from lakepact.testing.collibra_state import CollibraState, Row
from lakepact.testing.loopback import Reply, json_reply

__all__ = ["Jobs"]

_ACTIVITIES = 100
_SEARCH = 10
_FILTERS = ("resourceType", "assetType", "domain", "domainType", "community", "status", "tags")


class Jobs:
    """The endpoints for what happened, what is looked for, and what runs for a while."""

    def __init__(self, state: CollibraState, pages: Pages) -> None:
        self._state = state
        self._pages = pages
        self._files: dict[str, tuple[bytes, str]] = {}

    def activities(self, call: Call) -> Reply:
        """What happened, newest first; the `total` says nothing."""
        context, kind = call.one("contextId"), call.one("activityType")
        categories, kinds = call.many("categories"), call.many("resourceTypes")
        start, end = call.number("startDate", 0), call.number("endDate", 2**53)
        found = [
            {name: value for name, value in row.items() if name != "category"}
            for row in reversed(self._state.activities)
            if context in (None, "", row["context"]["id"])
            and kind in (None, "", row["activityType"])
            and (not categories or row["category"] in categories)
            and (not kinds or row["context"]["resourceType"] in kinds)
            and start <= row["timestamp"] <= end
        ]
        return json_reply(200, self._pages.results(call, found, default=_ACTIVITIES) | {"total": -1})

    def search(self, call: Call) -> Reply:
        """Assets whose name or display name has the keywords; `*` stands for any text."""
        given = call.json_object("keywords")
        pattern = f"*{str(given['keywords']).strip('*')}*".lower()
        filters = [required_fields(each, ("field",)) for each in given.get("filters") or ()]
        for each in filters:
            if each["field"] not in _FILTERS:
                raise bad_request("unknownFilter", f"The field '{each['field']}' cannot be searched by.")
        limit, offset = given.get("limit", _SEARCH), given.get("offset", 0)
        if not (isinstance(limit, int) and 0 <= limit <= 1000 and isinstance(offset, int) and offset >= 0):
            raise bad_request("limitOutOfRange", "'limit' must be between 0 and 1000, 'offset' not negative.")
        found = [
            row
            for row in self._state.tables["assets"].values()
            if any(fnmatch.fnmatchcase(row[name].lower(), pattern) for name in ("name", "displayName"))
            and all(self._passes(row, each["field"], each.get("values") or []) for each in filters)
        ]
        results = [{"resource": self._resource(row)} for row in found[offset : offset + limit]]
        return json_reply(200, {"total": len(found), "results": results})

    # --- workflows

    def find_workflows(self, call: Call) -> Reply:
        """The definitions of workflows, by name."""
        name = (call.one("name") or "").lower()
        rows = [_shown(row) for row in self._state.tables["workflows"].values() if name in row["name"].lower()]
        return json_reply(200, self._pages.results(call, rows))

    def start_events(self, call: Call) -> Reply:
        """The events that can start a workflow."""
        return json_reply(200, list(START_EVENTS))

    def find_instances(self, call: Call) -> Reply:
        """The workflows that were started, of a definition and on an item."""
        definition, item = call.one("workflowDefinitionId"), call.one("businessItemId")
        found = [
            self._instance(row)
            for row in self._state.tables["instances"].values()
            if definition in (None, "", row["workflow"]) and item in (None, "", row["item"])
        ]
        return json_reply(200, self._pages.results(call, found))

    def start_workflow(self, call: Call) -> Reply:
        """Start a workflow, once for each item."""
        given = call.json_object("workflowDefinitionId")
        definition = self._state.get("workflows", uuid_of("workflowDefinitionId", given["workflowDefinitionId"]))
        items = [uuid_of("businessItemIds", each) for each in given.get("businessItemIds") or ()]
        if items and given.get("businessItemType") != "ASSET":
            raise bad_request("unknownBusinessItem", "The 'businessItemType' must be ASSET.")
        form = given.get("formProperties") or {}
        if not isinstance(form, dict) or not all(isinstance(each, str) for each in form.values()):
            raise bad_request("malformedBody", "The field 'formProperties' must be an object of texts.")
        for item in items:
            self._state.get("assets", item)
        started = [self._start(definition, item, form, call.caller) for item in items or [""]]
        return json_reply(201, started)

    def message(self, call: Call, id: str, name: str) -> Reply:
        """Let a waiting workflow go on, with variables."""
        row = self._state.get("instances", id)
        variables = call.json_object().get("variables") if call.body else None
        row["messages"].append({"name": name, "variables": variables or {}})
        return no_content()

    # --- imports

    def start_import(self, call: Call) -> Reply:
        """Start the import of a file."""
        form = call.form()
        content = form.files.get("file")
        if content is None:
            raise bad_request("missingFile", "The part 'file' is required, with a file name.")
        now, switches = self._state.clock(), self._state.switches
        job = {"type": "IMPORT", "state": "WAITING", "result": "NOT_SET", "startDate": self._state.now(), "errors": []}
        job |= {"due": now + switches.import_seconds, "known": now + switches.job_unknown_seconds}
        row = self._state.put("jobs", job | {"goesOn": form.flag("continueOnError", default=False)})
        self._files[row["id"]] = (content, call.caller)
        return json_reply(200, _shown_job(row))

    def job(self, call: Call, id: str) -> Reply:
        """How a job stands."""
        row = self._state.get("jobs", id)
        if self._state.clock() < row.get("known", 0.0):
            raise not_found("jobNotFound", f"No job has the id {id}.")
        if row["state"] == "WAITING":
            row["state"] = "RUNNING"
        return json_reply(200, _shown_job(row))

    def import_errors(self, call: Call, id: str) -> Reply:
        """What an import could not do; 400 while it runs."""
        row = self._state.get("jobs", id)
        if row["state"] not in ("COMPLETED", "ERROR"):
            raise bad_request("jobNotFinished", f"The import {id} has not ended.")
        return json_reply(200, self._pages.results(call, row["errors"]))

    def run_due(self) -> None:
        """Carry out the imports whose time has come."""
        for key in [key for key in self._files if self._state.tables["jobs"][key]["due"] <= self._state.clock()]:
            content, user = self._files.pop(key)
            row = self._state.tables["jobs"][key]
            row["errors"] = import_entries(self._state, content, user=user, goes_on=row["goesOn"])
            of_file = any(not each["command"]["indices"] for each in row["errors"])
            failed = bool(row["errors"]) and (of_file or not row["goesOn"])
            row["state"], row["endDate"] = "ERROR" if failed else "COMPLETED", self._state.now()
            row["result"] = "FAILURE" if failed else "COMPLETED_WITH_ERROR" if row["errors"] else "SUCCESS"

    # --- inside

    def _passes(self, row: Row, field: str, values: list[Any]) -> bool:
        domain = self._state.tables["domains"][row["domainId"]]
        if field == "tags":
            return bool(set(values) & set(row["tags"]))
        if field == "assetType":
            return any(self._state.is_a(row["typeId"], value) for value in values)
        own = {"resourceType": "Asset", "domain": domain["id"], "domainType": domain["type"]}
        own |= {"community": domain["community"], "status": row["statusId"]}
        return own[field] in values

    def _resource(self, row: Row) -> dict[str, Any]:
        tables = self._state.tables
        shown = {"id": row["id"], "resourceType": "Asset", "name": row["name"], "displayName": row["displayName"]}
        links = {
            "type": ("asset_types", "typeId"),
            "status": ("statuses", "statusId"),
            "domain": ("domains", "domainId"),
        }
        return shown | {
            name: {"id": row[key], "name": tables[table][row[key]]["name"]} for name, (table, key) in links.items()
        }

    def _start(self, definition: Row, item: str, form: Mapping[str, str], user: str) -> dict[str, Any]:
        row = {"workflow": definition["id"], "item": item, "form": dict(form), "messages": [], "startedBy": user}
        stored = self._state.put("instances", row | {"startDate": self._state.now()})
        self._state.note(item, "WORKFLOW", "ADD", user, {"workflow": definition["name"]})
        return self._instance(stored)

    def _instance(self, row: Row) -> dict[str, Any]:
        definition = self._state.tables["workflows"][row["workflow"]]
        shown = {"id": row["id"], "workflowDefinition": _shown(definition), "startDate": row["startDate"]}
        return shown | ({"businessItem": {"id": row["item"], "resourceType": "Asset"}} if row["item"] else {})


def _shown(definition: Row) -> dict[str, Any]:
    return {"id": definition["id"], "resourceType": "WorkflowDefinition", "name": definition["name"]}


def _shown_job(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "type", "state", "result", "startDate", "endDate") if name in row}
