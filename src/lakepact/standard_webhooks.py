"""Standard Webhooks (https://www.standardwebhooks.com), version `v1`: keys, and the signature of a message.

Signed are the id of the message, the time of sending and the raw bytes of the body, joined by dots, with HMAC-SHA256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

__all__ = ["ID_HEADER", "PREFIX", "SHORTEST_KEY", "SIGNATURE_HEADER", "TIMESTAMP_HEADER", "VERSION", "key_of", "mac"]

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

PREFIX: Final = "whsec_"
"""What a secret begins with, before the Base64 of its key."""

VERSION: Final = "v1,"
"""What a signature begins with, before its MAC."""

SHORTEST_KEY: Final = 24
"""How many bytes a key has at least."""


def key_of(secret: str, *, longest: int | None = None) -> bytes | None:
    """The key in a secret; None for what is no secret of this scheme, or has a key of another length.

    >>> len(key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") or b"")
    24
    >>> key_of("hunter2") is None
    True
    """
    if not secret.startswith(PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= SHORTEST_KEY and (longest is None or len(key) <= longest) else None


def mac(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature of a message, without VERSION before it.

    >>> key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") or b""
    >>> mac(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b".".join((message_id.encode("ascii"), timestamp.encode("ascii"), body))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")
