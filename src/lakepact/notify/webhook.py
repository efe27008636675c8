"""Any other service: JSON to its webhook, signed as Standard Webhooks (https://www.standardwebhooks.com) says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from lakepact.errors import ConfigurationError
from lakepact.notify.delivery import TIMEOUT, post
from lakepact.notify.model import Notification, Receipt, Traits
from lakepact.notify.secret_references import Secret
from lakepact.notify.templates import webhook_body
from lakepact.standard_webhooks import ID_HEADER, PREFIX, SIGNATURE_HEADER, TIMESTAMP_HEADER, VERSION, key_of, mac

__all__ = ["Webhook", "signature"]

_WHAT: Final = "the webhook"


class Webhook:
    """Posts to the address that `url` gives, signed with `secret`: `whsec_` and at least 24 bytes in Base64.

    The id of a message is the same whenever it is sent again: a receiver that keeps to Standard Webhooks takes it once.
    """

    def __init__(
        self,
        name: str,
        url: Secret,
        secret: Secret,
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._url = url
        self._secret = secret
        self._timeout = timeout
        self._clock = clock

    @property
    def traits(self) -> Traits:
        """Idempotent, by `webhook-id`."""
        return Traits(idempotent=True)

    def send(self, notification: Notification) -> Receipt:
        """Post the message, see `Channel.send`. The remote id is the `webhook-id`."""
        content = json.dumps(webhook_body(notification)).encode()
        message_id, timestamp = f"msg_{notification.id}", int(self._clock().timestamp())
        headers = {
            ID_HEADER: message_id,
            TIMESTAMP_HEADER: str(timestamp),
            SIGNATURE_HEADER: signature(self._secret(), message_id, timestamp, content),
        }
        post(self._url(), content, what=_WHAT, headers=headers, timeout=self._timeout)
        return Receipt(remote_id=message_id)


def signature(secret: str, message_id: str, timestamp: int, content: bytes) -> str:
    """The header `webhook-signature`. Raises ConfigurationError LP955 for what is no secret of that scheme.

    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = key_of(secret)
    if key is None:
        hint = f"make one with `openssl rand -base64 32`, and write {PREFIX} before it"
        raise ConfigurationError("the secret of a webhook is none of Standard Webhooks", "LP955", hint)
    return VERSION + mac(key, message_id, str(timestamp), content)
