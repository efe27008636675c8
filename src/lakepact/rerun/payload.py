"""What a notice may say: a small JSON object that names a contract. It is a reason to look again, never a fact.

    {"type": "collibra.data_contract.status_changed", "timestamp": "2024-01-31T10:00:00Z", "id": "msg_1",
     "data": {"contractAssetId": "0190…", "manifestId": "sales.orders", "version": "1.2.0", "status": "Accepted"}}

Whatever it claims is read again from the catalog before anything is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from lakepact.errors import UsageError
from lakepact.rerun.signatures import DELIVERY_ID

__all__ = ["EventType", "Notice", "read_notice"]


class EventType(StrEnum):
    """The types that concern contracts; a notice of any other type is of no interest."""

    STATUS_CHANGED = "collibra.data_contract.status_changed"
    """The status of a data contract changed."""
    VERSION_CHANGED = "collibra.data_contract.version_changed"
    """A data contract has another active version, or another document."""
    RERUN_REQUESTED = "lakepact.rerun_requested"
    """Somebody, or the poller, wants a contract to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notice says. `type` is any text that is one: `relevant` tells whether it concerns contracts.

    `contract_id` is the ODCS id (Collibra: manifest id), `asset_id` the UUID of the asset; a relevant notice has one of
    the two at least. Texts are empty where the notice does not say. `occurred_at` is in UTC.
    """

    type: str
    occurred_at: datetime
    delivery_id: str = ""
    contract_id: str = ""
    asset_id: str = ""
    version: str = ""
    status: str = ""
    previous_status: str = ""
    workflow_id: str = ""

    @property
    def relevant(self) -> bool:
        """Whether the notice concerns contracts."""
        return self.type in _RELEVANT


_RELEVANT: Final = frozenset(each.value for each in EventType)
_TYPE: Final = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_MOST_TYPE: Final = 128
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
# Controls, the marks that reverse text, and halves of characters.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_KEYS: Final = frozenset({"type", "timestamp", "data", "id"})
# The name of each key, the field that it fills, and how long its text may be.
_DATA: Final[Mapping[str, tuple[str, int]]] = {
    "contractAssetId": ("asset_id", 36),
    "manifestId": ("contract_id", 512),
    "version": ("version", 128),
    "status": ("status", 128),
    "previousStatus": ("previous_status", 128),
    "workflowInstanceId": ("workflow_id", 128),
}


def read_notice(body: bytes) -> Notice:
    """The notice in the body of a request.

    Raises UsageError LP930 for what is none: no JSON in UTF-8, a key that is unknown, missing or there twice, a value
    of another type, too long, or with characters that no name has. The message never repeats what was sent.

    >>> read_notice(b'{"type": "x.y", "timestamp": "2024-01-31T10:00:00Z", "data": {}}').relevant
    False
    """
    content = _object(_parsed(body), "the body")
    if unknown := content.keys() - _KEYS:
        raise _refused(f"the body has {_count(unknown)} that {_are(unknown)} not known")
    kind = _text(content, "type", _MOST_TYPE, needed=True)
    if not _TYPE.fullmatch(kind):
        raise _refused("`type` is not words with dots between")
    delivery_id = _text(content, "id", 128)
    if delivery_id and not DELIVERY_ID.fullmatch(delivery_id):
        raise _refused("`id` has other characters than A-Z a-z 0-9 _ -")
    moment = _moment(_text(content, "timestamp", 40, needed=True))
    if "data" not in content:
        raise _refused("`data` is missing")
    data = _object(content["data"], "`data`")
    if kind not in _RELEVANT:
        return Notice(type=kind, occurred_at=moment, delivery_id=delivery_id)
    return Notice(type=kind, occurred_at=moment, delivery_id=delivery_id, **_fields(data))


def _parsed(body: bytes) -> object:
    try:
        parsed: object = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise _refused("the body is not UTF-8") from None
    except (ValueError, RecursionError):
        raise _refused("the body is no JSON") from None
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _refused("the body has a key twice")
    return found


def _no_constant(_name: str) -> object:
    raise ValueError("JSON has no such number")


def _fields(data: Mapping[str, Any]) -> dict[str, str]:
    if unknown := data.keys() - _DATA.keys():
        raise _refused(f"`data` has {_count(unknown)} that {_are(unknown)} not known")
    found = {name: _text(data, key, longest) for key, (name, longest) in _DATA.items()}
    found["asset_id"] = found["asset_id"].lower()
    if found["asset_id"] and not _UUID.fullmatch(found["asset_id"]):
        raise _refused("`contractAssetId` is no UUID")
    if not found["asset_id"] and not found["contract_id"]:
        raise _refused("`data` has neither `contractAssetId` nor `manifestId`")
    return found


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refused(f"{what} is no object")
    return value


def _text(content: Mapping[str, Any], key: str, longest: int, *, needed: bool = False) -> str:
    if key not in content:
        if needed:
            raise _refused(f"`{key}` is missing")
        return ""
    value = content[key]
    if not isinstance(value, str):
        raise _refused(f"`{key}` is no text")
    if not value.strip():
        raise _refused(f"`{key}` is empty")
    if len(value) > longest:
        raise _refused(f"`{key}` is longer than {longest} characters")
    if _UNPRINTABLE.search(value):
        raise _refused(f"`{key}` has characters that cannot be printed")
    return value


def _moment(text: str) -> datetime:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused("`timestamp` is no time such as 2024-01-31T10:00:00Z") from None


def _count(keys: frozenset[str] | set[str]) -> str:
    return "a key" if len(keys) == 1 else f"{len(keys)} keys"


def _are(keys: frozenset[str] | set[str]) -> str:
    return "is" if len(keys) == 1 else "are"


def _refused(why: str) -> UsageError:
    return UsageError(why, "LP930", "send what docs/webhook.md shows")
