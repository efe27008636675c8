"""The errors of the Collibra double: the envelope in which both REST APIs answer what they refuse.

An envelope has `statusCode` and `errorCode` always, messages for people sometimes. Only the codes of bad tokens are
known from the real thing; the others are the double's own, a client must not depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["ApiError", "bad_request", "duplicate", "forbidden", "not_found", "too_long"]


class ApiError(Exception):
    """A refused request: `status`, `code` and `message` of its envelope, `headers` to send along."""

    def __init__(
        self, status: int, code: str, message: str, *, title: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.title = title
        self.headers = dict(headers or {})

    def envelope(self) -> dict[str, Any]:
        """The JSON body.

        >>> ApiError(404, "assetNotFound", "No such asset.").envelope()
        {'statusCode': 404, 'errorCode': 'assetNotFound', 'userMessage': 'No such asset.'}
        """
        body: dict[str, Any] = {"statusCode": self.status, "errorCode": self.code}
        if self.title:
            body["titleMessage"] = self.title
        return body | {"userMessage": self.message}


def bad_request(code: str, message: str) -> ApiError:
    """A request that is wrong in itself: 400."""
    return ApiError(400, code, message, title="Bad request")


def not_found(code: str, message: str) -> ApiError:
    """Something that does not exist: 404."""
    return ApiError(404, code, message, title="Not found")


def forbidden(message: str) -> ApiError:
    """Something that the caller has no right to do: 403."""
    return ApiError(403, "forbidden", message, title="Forbidden")


def duplicate(status: int, code: str, message: str) -> ApiError:
    """Something that exists already; the APIs answer 400 or 409."""
    return ApiError(status, code, message, title="Already exists")


def too_long(name: str, most: int) -> ApiError:
    """A text field that holds more characters than it may: 400."""
    return bad_request("valueTooLong", f"'{name}' must not be longer than {most} characters.")
