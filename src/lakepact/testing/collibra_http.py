"""Requests and answers of the Collibra double: queries, JSON bodies, multipart forms, both kinds of pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any

from lakepact.testing.collibra_errors import ApiError, bad_request, too_long
from lakepact.testing.loopback import Reply

__all__ = [
    "Call",
    "Form",
    "Pages",
    "is_uuid",
    "no_content",
    "required_fields",
    "text_reply",
    "uuid_of",
]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BOOLEANS = {"true": True, "false": False}
_DATA_CONTRACT_LIMIT = (100, 500)
_CORE_LIMIT = (1000, 1000)


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID as the APIs write them."""
    return _UUID.fullmatch(text) is not None


def uuid_of(name: str, text: object) -> str:
    """`text` in lower case; 400 where it is no UUID."""
    if not isinstance(text, str) or not is_uuid(text):
        raise bad_request("malformedUuid", f"'{name}' is not a UUID: {text}")
    return text.lower()


@dataclass(frozen=True)
class Form:
    """A multipart form: text `fields`, and the bytes of `files` by the name of their part."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]

    def text(self, name: str, *, most: int = 1000) -> str | None:
        """The field, None where it was not sent or is empty; 400 above `most` characters."""
        value = self.fields.get(name)
        if value is not None and len(value) > most:
            raise too_long(name, most)
        return value or None

    def flag(self, name: str, *, default: bool) -> bool:
        """The field as a boolean; only the texts `true` and `false` are known."""
        return _flag(name, self.fields.get(name), default)


@dataclass(frozen=True)
class Call:
    """One request, its path without the prefix of the server; `caller` is the id of the user behind it."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    caller: str = ""

    def one(self, name: str) -> str | None:
        """The parameter of the query, the last where it is repeated."""
        values = self.query.get(name)
        return values[-1] if values else None

    def many(self, *names: str) -> list[str]:
        """Every value of a repeated parameter, under each of its names."""
        return [value for name in names for value in self.query.get(name, ()) if value]

    def needed(self, name: str) -> str:
        """The parameter of the query; 400 without it."""
        value = self.one(name)
        if not value:
            raise bad_request("missingParameter", f"The query parameter '{name}' is required.")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The parameter of the query as a boolean."""
        return _flag(name, self.one(name), default)

    def number(self, name: str, default: int) -> int:
        """The parameter of the query as an integer."""
        text = self.one(name)
        if text is None:
            return default
        if not re.fullmatch(r"-?[0-9]{1,15}", text):
            raise bad_request("malformedNumber", f"'{name}' is not a number: {text}")
        return int(text)

    @cached_property
    def content_type(self) -> Message:
        """The Content-Type header, parsed."""
        header = Message()
        header["Content-Type"] = self.headers.get("content-type") or "application/octet-stream"
        return header

    def json_value(self) -> Any:
        """The JSON body; 415 for another media type, 400 where it is no JSON."""
        if self.content_type.get_content_type() != "application/json":
            raise ApiError(415, "unsupportedMediaType", "The body must be application/json.")
        try:
            return json.loads(self.body)
        except ValueError:
            raise bad_request("malformedBody", "The body is not JSON.") from None

    def json_object(self, *required: str) -> dict[str, Any]:
        """The JSON body, an object that has the `required` fields; fields that are null are left out."""
        return required_fields(self.json_value(), required)

    def form(self) -> Form:
        """The multipart form of the body; 415 for another media type."""
        if self.content_type.get_content_type() != "multipart/form-data":
            raise ApiError(415, "unsupportedMediaType", "The body must be multipart/form-data.")
        boundary = self.content_type.get_param("boundary")
        if not isinstance(boundary, str) or not boundary:
            raise bad_request("malformedForm", "The Content-Type names no boundary.")
        return _form(self.body, boundary.encode("latin-1", "replace"))


def required_fields(value: Any, required: Sequence[str]) -> dict[str, Any]:
    """`value` as an object without its nulls; 400 where one of `required` is missing."""
    if not isinstance(value, dict):
        raise bad_request("malformedBody", "The body must be an object.")
    given = {key: each for key, each in value.items() if each is not None}
    for name in required:
        if given.get(name) in ("", None):
            raise bad_request("missingField", f"The field '{name}' is required.")
    return given


def text_reply(content: bytes, content_type: str) -> Reply:
    """A file as it was stored, byte by byte."""
    return Reply(200, content, {"Content-Type": content_type})


def no_content() -> Reply:
    """An answer without a body."""
    return Reply(204)


@dataclass
class Pages:
    """Cuts lists into pages; `empty` puts an empty page, that has a successor, between two pages."""

    empty: bool = False

    def items(self, call: Call, entries: Sequence[Any]) -> dict[str, Any]:
        """A page of the Data Product API: `items`, `limit`, with `nextCursor` while there are more."""
        limit = _limit(call, *_DATA_CONTRACT_LIMIT)
        cut, following = self._cut(call, entries, call.one("cursor") or "", limit)
        page: dict[str, Any] = {"items": cut, "limit": limit}
        if following:
            page["nextCursor"] = following
        if call.flag("includeTotal"):
            page["total"] = len(entries)
        return page

    def results(self, call: Call, entries: Sequence[Any], *, default: int = _CORE_LIMIT[0]) -> dict[str, Any]:
        """A page of the core API: `results`; by `cursor` (empty for the first page) or by `offset`, never both."""
        limit = _limit(call, default, _CORE_LIMIT[1], zero=_CORE_LIMIT[1])
        cursor = call.one("cursor")
        if cursor is None:
            start = call.number("offset", 0)
            if start < 0:
                raise bad_request("malformedNumber", f"'offset' must not be negative: {start}")
            count = call.number("countLimit", -1)
            total = {-1: len(entries), 0: -1}.get(count, min(len(entries), count))
            return {"total": total, "offset": start, "limit": limit, "results": entries[start : start + limit]}
        if call.one("offset") is not None:
            raise bad_request("cursorAndOffset", "'cursor' and 'offset' cannot be used together.")
        cut, following = self._cut(call, entries, cursor, limit)
        page = {"total": -1, "offset": -1, "limit": limit, "results": cut}
        return page | {"nextCursor": following} if following else page

    def _cut(self, call: Call, entries: Sequence[Any], cursor: str, limit: int) -> tuple[Sequence[Any], str]:
        start, gap = _position(call, cursor)
        if gap:
            return [], _cursor(call, start, gap=False)
        end = start + limit
        return entries[start:end], _cursor(call, end, gap=self.empty) if end < len(entries) else ""


def _limit(call: Call, default: int, most: int, *, zero: int | None = None) -> int:
    limit = call.number("limit", default)
    if limit == 0 and zero is not None:
        return zero
    if not 1 <= limit <= most:
        raise bad_request("limitOutOfRange", f"'limit' must be between {int(zero is None)} and {most}: {limit}")
    return limit


def _cursor(call: Call, start: int, *, gap: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([_asked(call), start, gap]).encode()).decode().rstrip("=")


def _position(call: Call, cursor: str) -> tuple[int, bool]:
    if not cursor:
        return 0, False
    try:
        asked, start, gap = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        asked, start, gap = "", 0, False
    if asked != _asked(call):
        raise bad_request("invalidCursor", "The cursor is not one that was given for this list.")
    return int(start), bool(gap)


def _asked(call: Call) -> str:
    """What a cursor belongs to: the list and its filters."""
    filters = sorted((key, list(each)) for key, each in call.query.items() if key not in {"cursor", "includeTotal"})
    return hashlib.sha256(json.dumps([call.path, filters]).encode()).hexdigest()[:12]


def _flag(name: str, text: str | None, default: bool) -> bool:
    if text is None or text == "":
        return default
    if text not in _BOOLEANS:
        raise bad_request("malformedBoolean", f"'{name}' must be true or false: {text}")
    return _BOOLEANS[text]


def _form(body: bytes, boundary: bytes) -> Form:
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        raise bad_request("malformedForm", "The multipart body does not end with its boundary.")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for section in sections[1:-1]:
        name, filename, content = _part(section)
        if name in fields or name in files:
            raise bad_request("repeatedPart", f"The part '{name}' was sent twice.")
        # A part is a file because it carries a file name; without one it is a text field.
        if filename is None:
            fields[name] = content.decode("utf-8", "replace")
        else:
            files[name] = content
    return Form(fields, files)


def _part(section: bytes) -> tuple[str, str | None, bytes]:
    head, separator, content = section.partition(b"\r\n\r\n")
    described = Message()
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.decode("utf-8", "replace").partition(":")
        described[key.strip()] = value.strip()
    name = described.get_param("name", header="content-disposition")
    if not separator or not isinstance(name, str):
        raise bad_request("malformedForm", "A part of the multipart body has no name.")
    filename = described.get_param("filename", header="content-disposition")
    return name, None if filename is None else str(filename), content
