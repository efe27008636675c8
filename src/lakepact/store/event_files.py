"""What the stores that keep an event as a file or an object of its own have in common: names, the mark, and checks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from lakepact.errors import ConfigurationError, Problem, Severity
from lakepact.store.encoding import read_event, safe_name, sha256_of
from lakepact.store.folding import fold
from lakepact.store.model import Event, EventKind

__all__ = [
    "MARK",
    "MARK_BYTES",
    "Damaged",
    "checked",
    "damaged_documents",
    "document_name",
    "event_in",
    "event_name",
    "event_number",
    "refuse_other_mark",
    "trail",
]

MARK: Final = "lakepact-store.json"
"""The file that tells that a place is a store, and its layout."""

_LAYOUT: Final = 1
MARK_BYTES: Final = json.dumps({"layout": _LAYOUT}).encode() + b"\n"
"""What is in it."""

_EVENT: Final = re.compile(r"([0-9]{6,18})\.json")


class Damaged(ConfigurationError):
    """One file or object is not what was written (LP854)."""

    def __init__(self, place: str, why: str) -> None:
        hint = "put it back from a backup or an earlier version; other contracts are served"
        super().__init__(f"'{place}' is damaged: {why}", "LP854", hint, {"file": place})

    @property
    def problem(self) -> Problem:
        """The same as something that is reported while the rest is served."""
        place = str(self.facts["file"])
        return Problem(code=self.code, severity=Severity.ERROR, message=self.message, file=place, hint=self.hint)


def event_name(sequence: int) -> str:
    """The name of the file of an event.

    >>> event_name(12)
    '000012.json'
    """
    return f"{sequence:06d}.json"


def event_number(name: str) -> int | None:
    """The sequence number that a file of that name is about; None where it is no event.

    >>> event_number("000012.json"), event_number("README.md")
    (12, None)
    """
    found = _EVENT.fullmatch(name)
    return int(found[1]) if found and event_name(int(found[1])) == name else None


def document_name(version: str, sha256: str) -> str:
    """The name of the file of a document that is told from others of its version by its hash."""
    return f"{safe_name(version)}-{sha256}.yaml"


def checked(content: bytes, sha256: str, place: str) -> bytes:
    """The content, where it has that hash. Raises Damaged LP854."""
    if sha256_of(content) != sha256:
        raise Damaged(place, "its bytes are not those that were put")
    return content


def refuse_other_mark(content: bytes, place: str) -> None:
    """Raise ConfigurationError where the mark of a store is not that of the layout that this version reads."""
    try:
        mark = json.loads(content)
    except ValueError:
        raise Damaged(f"{place}/{MARK}", "it is no JSON") from None
    layout = mark.get("layout") if isinstance(mark, dict) else None
    if layout != _LAYOUT:
        message = f"'{place}' has the layout {layout!r}; this version of lakepact reads {_LAYOUT}"
        raise ConfigurationError(message, "LP856", "use the version of lakepact that made it, or a newer one")


def event_in(content: bytes | None, place: str) -> Event | Damaged:
    """The event that a file holds, or what is wrong with it; None stands for bytes that cannot be read."""
    if content is None:
        return Damaged(place, "it cannot be read")
    try:
        return read_event(content)
    except ConfigurationError as error:
        return Damaged(place, error.message.partition(" is damaged: ")[2] or error.message)


def trail(
    folder: str, found: Mapping[int, Event | Damaged], place: Callable[[int], str], contract_id: str | None = None
) -> tuple[Event, ...]:
    """The events of a contract from what its files hold, by number.

    `folder` is the safe name of the contract, `place` names the file of a number in messages. All events must be of one
    contract: of `contract_id`, or of one that has that safe name. Raises Damaged LP854.
    """
    events: list[Event] = []
    for number in range(1, max(found, default=0) + 1):
        event = found.get(number) or Damaged(place(number), "it is missing")
        if isinstance(event, Damaged):
            raise event
        expected = contract_id if contract_id is not None else events[0].contract_id if events else event.contract_id
        if event.sequence != number or event.contract_id != expected or safe_name(event.contract_id) != folder:
            raise Damaged(place(number), "it is another event")
        events.append(event)
    return tuple(events)


def damaged_documents(events: Iterable[Event], read: Callable[[str, str, str], bytes], place: str) -> list[Problem]:
    """What is wrong with the events of a contract taken together, or else with the documents that they are about."""
    known = tuple(events)
    try:
        fold(known)
    except ConfigurationError as error:
        return [Damaged(place, error.message).problem]
    problems: list[Problem] = []
    for event in known:
        if event.kind is EventKind.PUT:
            try:
                read(event.contract_id, event.version, event.sha256)
            except Damaged as error:
                problems.append(error.problem)
    return problems
