"""How events become text, and ids and versions become names of files and objects; and the ways back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from lakepact.errors import ConfigurationError
from lakepact.store.model import Event, EventKind, Status, StoredVersion, Summary

__all__ = [
    "MAX_NAME",
    "event_data",
    "event_of",
    "event_text",
    "original_name",
    "read_event",
    "read_time",
    "safe_name",
    "sha256_of",
    "summary_data",
    "time_text",
    "version_data",
]

MAX_NAME: Final = 120
"""The length of the longest name that `safe_name` gives, in characters, which are ASCII."""

_FORMAT: Final = 1
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-.")
_FIRST: Final = _PLAIN - frozenset(b"-.")
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
# Neither is what percent-encoding gives.
_EMPTY: Final = "%"
_SHORTENED: Final = "%-"
_KEPT: Final = MAX_NAME - len(_SHORTENED) - 64


def sha256_of(document: bytes) -> str:
    """The hash that names the bytes of a document, in lower case hexadecimal digits."""
    return hashlib.sha256(document).hexdigest()


def time_text(moment: datetime) -> str:
    """A moment in UTC to the microsecond; as text such times have the order of the moments.

    >>> time_text(datetime(2024, 1, 31, 10, 0, tzinfo=UTC))
    '2024-01-31T10:00:00.000000Z'
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_time(text: str) -> datetime:
    """The moment that `time_text` wrote. Raises ValueError for anything else."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"'{text}' is no time in UTC")
    return datetime.fromisoformat(text)


def event_text(event: Event) -> str:
    """An event as JSON, always the same for the same event, with a line for each field and an end of line."""
    text = json.dumps(event_data(event), ensure_ascii=False, indent=2)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def read_event(text: str | bytes, *, where: str = "") -> Event:
    """The event that `event_text` wrote; `where` names its place in messages. Raises ConfigurationError LP854."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, "it is no JSON") from error
    return event_of(data, where=where)


def event_data(event: Event) -> dict[str, Any]:
    """An event as values of JSON: what `event_text` writes, for those who put events into larger documents."""
    return {
        "format": _FORMAT,
        "contract_id": event.contract_id,
        "sequence": event.sequence,
        "kind": event.kind.value,
        "version": event.version,
        "sha256": event.sha256,
        "status": event.status.value,
        "actor": event.actor,
        "at": time_text(event.at),
        "reason": event.reason,
        "summary": summary_data(event.summary),
    }


def version_data(version: StoredVersion) -> dict[str, Any]:
    """How a version stands as values of JSON."""
    return {
        "contract_id": version.contract_id,
        "version": version.version,
        "status": version.status.value,
        "sha256": version.sha256,
        "created_by": version.created_by,
        "created_at": time_text(version.created_at),
        "changed_by": version.changed_by,
        "changed_at": time_text(version.changed_at),
        "reason": version.reason,
        "summary": summary_data(version.summary),
    }


def summary_data(summary: Summary) -> dict[str, Any]:
    """A summary as values of JSON."""
    return {
        "name": summary.name,
        "domain": summary.domain,
        "data_product": summary.data_product,
        "purpose": summary.purpose,
        "tags": list(summary.tags),
        "objects": list(summary.objects),
        "owners": list(summary.owners),
    }


def event_of(data: object, *, where: str = "") -> Event:
    """The event that `event_data` gave. Raises ConfigurationError LP854 for what is none."""
    if not isinstance(data, Mapping):
        raise _damaged(where, "it is no JSON object")
    if data.get("format") != _FORMAT:
        message = (
            f"{where or 'an event'} has the format {data.get('format')!r}; this version of lakepact reads {_FORMAT}"
        )
        raise ConfigurationError(message, "LP854", "use the version of lakepact that wrote it, or a newer one")
    try:
        return _event(data)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(where, f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)) from error


def _event(data: Mapping[str, Any]) -> Event:
    sha256 = _text(data, "sha256")
    if not _SHA256.fullmatch(sha256):
        raise ValueError("`sha256` is no hash")
    return Event(
        contract_id=_text(data, "contract_id"),
        sequence=_sequence(data["sequence"]),
        kind=EventKind(data["kind"]),
        version=_text(data, "version"),
        sha256=sha256,
        status=Status(data["status"]),
        actor=_text(data, "actor"),
        at=read_time(_text(data, "at")),
        reason=_text(data, "reason"),
        summary=_summary(data["summary"]),
    )


def _sequence(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("`sequence` is no number from 1")
    return value


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise TypeError(f"`{key}` is no text")
    return value


def _summary(data: object) -> Summary:
    if not isinstance(data, Mapping):
        raise TypeError("`summary` is no object")
    return Summary(
        name=_text_or_none(data, "name"),
        domain=_text_or_none(data, "domain"),
        data_product=_text_or_none(data, "data_product"),
        purpose=_text_or_none(data, "purpose"),
        tags=_texts(data, "tags"),
        objects=_texts(data, "objects"),
        owners=_texts(data, "owners"),
    )


def _text_or_none(data: Mapping[str, Any], key: str) -> str | None:
    return None if data[key] is None else _text(data, key)


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data[key]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"`{key}` is no list of texts")
    return tuple(value)


def _damaged(where: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{where or 'an event'} is damaged: {why}", "LP854", "put the place back from a backup")


def safe_name(text: str) -> str:
    """Any id or version as one name of a file, a folder or an object, that no other text has.

    Lower case letters, digits, `_`, `-` and single dots inside stay, everything else is percent-encoded, so that names
    differ where upper and lower case are the same, and none is hidden, a path, or a device. A name longer than
    `MAX_NAME` ends in the hash of the text.

    >>> safe_name("urn:dc:Orders"), safe_name("../x"), safe_name("1.0.0")
    ('urn%3adc%3a%4frders', '%2e%2e%2fx', '1.0.0')
    """
    encoded = text.encode("utf-8", "surrogatepass")
    if not encoded:
        return _EMPTY
    device = bool(_DEVICE.match(text))
    parts: list[str] = []
    for index, byte in enumerate(encoded):
        dotted = byte == ord(".") and (encoded[index - 1] == byte or index + 1 == len(encoded))
        plain = byte in _PLAIN and not dotted if index else byte in _FIRST and not device
        parts.append(chr(byte) if plain else f"%{byte:02x}")
    if sum(map(len, parts)) > MAX_NAME:
        return _head(parts) + _SHORTENED + sha256_of(encoded)
    return "".join(parts)


def _head(parts: list[str]) -> str:
    """As many whole parts as have room before the hash."""
    head = ""
    for part in parts:
        if len(head) + len(part) > _KEPT:
            break
        head += part
    return head


def original_name(name: str) -> str | None:
    """The text that `safe_name` gave that name; None for a shortened one, and for a name that it never gives.

    >>> original_name("urn%3adc%3a%4frders")
    'urn:dc:Orders'
    >>> original_name("Orders") is None
    True
    """
    if name == _EMPTY:
        return ""
    try:
        text = unquote_to_bytes(name).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return text if safe_name(text) == name else None
