"""Updates of pipelines in the workspace double: their states and their events, in the shape of the REST API."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lakepact.testing.workspace_http import invalid

__all__ = ["PipelineUpdate", "RunUpdate", "Script", "chosen_events"]

_ENDED: Final = ("COMPLETED", "FAILED", "CANCELED")
_CONDITION: Final = re.compile(r"\s*(\w+)\s*(=|<>|<=?|>=?|in)\s*(?:'([^']*)'|\(([^()]*)\))\s*", re.IGNORECASE)
_LISTED: Final = re.compile(r"'([^']*)'")

RunUpdate = Callable[[Callable[[Mapping[str, Any]], None], threading.Event], Mapping[str, Any]]
"""Runs an update: what it is told of its progress, and what asks it to stop; gives how it ended and its events."""


@dataclass(frozen=True, slots=True)
class Script:
    """What an update comes to that does not run: how it ends, after how many looks, with which events."""

    ends: str = "COMPLETED"
    looks: int = 1
    events: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True, kw_only=True)
class PipelineUpdate:
    """An update: `asked` is what was asked for, `origin` what all its events come from.

    One with a script is RUNNING until it was looked at as often as that says. One without is CREATED until `run`.
    """

    cause: str
    user: str
    clock: Callable[[], float]
    origin: Mapping[str, Any]
    asked: Mapping[str, Any] = field(default_factory=dict)
    script: Script | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "CREATED"
    events: list[Mapping[str, Any]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    created: int = field(init=False)
    _looks: int = 0
    _last: int = 0

    def __post_init__(self) -> None:
        self.created = int(self.clock() * 1000)
        if self.script is not None:
            self.state, self.events, self._looks = "RUNNING", list(self.script.events), self.script.looks

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state not in _ENDED

    @property
    def full_refresh(self) -> bool:
        """Whether all tables are filled anew."""
        return bool(self.asked.get("full_refresh"))

    @property
    def shown(self) -> dict[str, Any]:
        """What the API says of it."""
        return {
            **self.asked,
            "update_id": self.id,
            "state": self.state,
            "cause": self.cause,
            "creation_time": self.created,
            "full_refresh": self.full_refresh,
        }

    def looked_at(self) -> None:
        """Somebody asked how it stands."""
        if self.script is not None and self.active:
            self._looks -= 1
            if self._looks < 0:
                self.state = self.script.ends

    def stop(self) -> None:
        """Ask it to end."""
        self.stopped.set()
        if self.active:
            self.state = "CANCELED" if self.script is not None else "STOPPING"

    def run(self, work: RunUpdate) -> None:
        """Do the work, and tell of it in states and events."""
        message = f"User {self.user} started an update {self.id[:6]}."
        self._add("create_update", message, {"cause": self.cause, **self.asked})
        self._become("WAITING_FOR_RESOURCES")
        said: Mapping[str, Any] = {"ended": "FAILED", "error": "The engine ended.", "events": ()}
        try:
            said = work(self._heard, self.stopped)
        finally:
            for each in said["events"]:
                self._add_flow(each)
            self._become(said["ended"], said["error"])
            self.over.set()

    def _heard(self, said: Mapping[str, Any]) -> None:
        """How it goes on; what its flows came to is told at the end, with the counts."""
        if "state" in said:
            self._become(said["state"])
            return
        if self.state == "SETTING_UP_TABLES":
            self._become("RUNNING")
        name, status = said["dataset"], said["status"]
        if status in ("QUEUED", "PLANNING", "STARTING", "RUNNING"):
            message = f"Flow '{name}' is {status}."
            self._add("flow_progress", message, {"status": status}, dataset=name)

    def _become(self, state: str, error: str = "") -> None:
        if not self.stopped.is_set() or state in _ENDED:
            level = "ERROR" if state == "FAILED" else "INFO"
            # The event is there before the state: who sees the end finds all events.
            message = f"Update {self.id[:6]} is {state}."
            self._add("update_progress", message, {"state": state}, level=level, error=error)
            self.state = state

    def _add_flow(self, said: Mapping[str, Any]) -> None:
        level, error, dataset = (str(said[key]) for key in ("level", "error", "dataset"))
        details = json.loads(said["details"])
        self._add(str(said["event_type"]), str(said["message"]), details, level=level, error=error, dataset=dataset)

    def _add(
        self,
        kind: str,
        message: str,
        details: Mapping[str, Any],
        *,
        level: str = "INFO",
        error: str = "",
        dataset: str = "",
    ) -> None:
        # Clients ask for what is later than the last event that they know.
        self._last = max(int(self.clock() * 1000), self._last + 1)
        at = datetime.fromtimestamp(self._last / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        flow = {"dataset_name": dataset, "flow_name": dataset} if dataset else {}
        event: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "sequence": {"data_plane_id": {"instance": "execution", "seq_no": len(self.events)}},
            "origin": {**self.origin, "update_id": self.id, **flow},
            "timestamp": at,
            "message": message,
            "level": level,
            "maturity_level": "STABLE",
            "event_type": kind,
            "details": details if kind in details else {kind: dict(details)},
        }
        if error:
            event["error"] = {"fatal": level == "ERROR", "exceptions": [{"class_name": "", "message": error}]}
        self.events.append(event)


def chosen_events(updates: Iterable[PipelineUpdate], filter: str, order: str) -> list[Mapping[str, Any]]:
    """The events that a filter of the API keeps, the newest first unless `order` says otherwise.

    Raises Refused for a filter that is not conditions with AND on `update_id`, `level`, `event_type` or `timestamp`.
    """
    conditions = [_condition(each) for each in re.split(r"\s+AND\s+", filter, flags=re.IGNORECASE) if filter]
    found = [
        event
        for update in updates
        for event in list(update.events)
        if all(holds({**event, "update_id": update.id}) for holds in conditions)
    ]
    return found if order.strip().lower() in ("timestamp asc", "timestamp") else found[::-1]


def _condition(text: str) -> Callable[[Mapping[str, Any]], bool]:
    found = _CONDITION.fullmatch(text)
    if found is None or found[1] not in ("update_id", "level", "event_type", "timestamp"):
        raise invalid(f"Invalid filter: {text}")
    key, sign = found[1], found[2].lower()
    wanted = _LISTED.findall(found[4]) if found[3] is None else [found[3]]

    def holds(event: Mapping[str, Any]) -> bool:
        value = str(event.get(key, ""))
        if sign in ("=", "in"):
            return value in wanted
        if sign == "<>":
            return value not in wanted
        return (value > wanted[0] if sign[0] == ">" else value < wanted[0]) or (sign[-1] == "=" and value == wanted[0])

    return holds
