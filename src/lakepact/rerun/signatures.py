"""Signatures of Standard Webhooks: who sent a request, and that nothing in it was changed on the way.

How a message is signed, and what a secret is, says `lakepact.standard_webhooks`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lakepact.errors import ConfigurationError, LakepactError
from lakepact.standard_webhooks import (
    ID_HEADER,
    PREFIX,
    SHORTEST_KEY,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    VERSION,
    key_of,
    mac,
)

__all__ = [
    "DELIVERY_ID",
    "ID_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "TOLERANCE",
    "NotAuthentic",
    "SigningSecret",
    "read_secrets",
    "sign",
    "verify",
]

TOLERANCE: Final = timedelta(minutes=5)
"""How far the time of sending may be from now, in both directions."""

DELIVERY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What an id of a delivery is made of. It has no dot: dots divide the signed text."""

_TIMESTAMP: Final = re.compile(r"[0-9]{1,11}")
_LONGEST_KEY: Final = 64
_ACTIVE: Final = 2
_MOST_SIGNATURES: Final = 16


class NotAuthentic(LakepactError):
    """Nothing proves that a request comes from who may send it; the message is for the log, not for the sender."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """The key of a sender; it is never shown."""

    key: bytes = field(repr=False)


def read_secrets(text: str) -> tuple[SigningSecret, ...]:
    """One secret, or two while they are changed: each `whsec_` and base64 of 24 to 64 bytes, with white space between.

    Raises ConfigurationError LP931 for anything else; the message never holds a part of a secret.

    >>> len(read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    1
    """
    words = text.split()
    if not 1 <= len(words) <= _ACTIVE:
        message = f"there are {len(words)} signing secrets, not one or two"
        raise ConfigurationError(message, "LP931", "give the new secret and, for a while, the old one")
    return tuple(_secret(word, number) for number, word in enumerate(words, start=1))


def _secret(word: str, number: int) -> SigningSecret:
    key = key_of(word, longest=_LONGEST_KEY)
    if key is None:
        message = f"signing secret {number} is not `{PREFIX}` and base64 of {SHORTEST_KEY} to {_LONGEST_KEY} bytes"
        raise ConfigurationError(message, "LP931", "`lakepact webhook secret` makes one")
    return SigningSecret(key)


def sign(secret: SigningSecret, delivery_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` for that body; several, with a space between, are one value too.

    >>> (secret,) = read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    return VERSION + mac(secret.key, delivery_id, str(timestamp), body)


def verify(
    secrets: Sequence[SigningSecret],
    *,
    delivery_id: str,
    timestamp: str,
    signature: str,
    body: bytes,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Do nothing where one of the signatures was made of this request with one of the secrets, not too long ago.

    Takes the values of the headers as they came. Raises NotAuthentic LP932 for everything else.
    """
    if not DELIVERY_ID.fullmatch(delivery_id):
        raise NotAuthentic("the delivery has no id, or one with other characters than A-Z a-z 0-9 _ -", "LP932")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise NotAuthentic("the time of sending is missing, or not in whole seconds", "LP932")
    if abs(int(timestamp) - now.timestamp()) > tolerance.total_seconds():
        raise NotAuthentic("the time of sending is too far from now", "LP932")
    given = signature.split(" ")
    if len(given) > _MOST_SIGNATURES:
        raise NotAuthentic("there are too many signatures", "LP932")
    made = [mac(secret.key, delivery_id, timestamp, body).encode("ascii") for secret in secrets]
    # Compared as text: other base64 may stand for the same bytes. All are compared, so that time says nothing.
    matches = [
        hmac.compare_digest(own, each.removeprefix(VERSION).encode("utf-8", "surrogatepass"))
        for each in given
        if each.startswith(VERSION)
        for own in made
    ]
    if not any(matches):
        raise NotAuthentic("no signature belongs to this request and an active secret", "LP932")
