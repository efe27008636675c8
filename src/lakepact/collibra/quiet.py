"""Whether something happened to a contract since it was looked at, in one request in place of three."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lakepact.collibra.gateway import CollibraGateway
from lakepact.errors import RemoteFailed, RemoteUnavailable

__all__ = ["QuietTimes"]

_LOG: Final = logging.getLogger(__name__)
# Clocks of Collibra and of this machine may differ by so much, and a change may be told of so late.
_LOOKBACK: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Look:
    at: datetime
    known: frozenset[str]


class QuietTimes:
    """Asks the activities of an asset, and believes that nothing happened for `trusted_for` after each full look.

    That activities tell of everything is not certain, which is why the belief ends. Where a Collibra refuses to show
    them, it is not asked again. Safe for threads.
    """

    def __init__(self, gateway: CollibraGateway, trusted_for: timedelta) -> None:
        self._gateway = gateway
        self._trusted_for = trusted_for
        self._lock = threading.Lock()
        self._looks: dict[str, _Look] = {}
        self._latest: dict[str, frozenset[str]] = {}
        self._refused = False

    def looked(self, asset: str, at: datetime) -> None:
        """Note that a full look at an asset began then."""
        with self._lock:
            self._looks[asset] = _Look(at, self._latest.pop(asset, frozenset()))

    def is_quiet(self, asset: str, seen: datetime, now: datetime) -> bool:
        """Whether nothing happened since the last full look, which was the one at `seen` where none was noted here.

        Raises RemoteUnavailable LP902 where Collibra is away.
        """
        look = self._looks.get(asset) or _Look(seen, frozenset())
        if self._refused or not timedelta(0) <= now - look.at < self._trusted_for:
            return False
        try:
            found = self._gateway.activities(asset, look.at - _LOOKBACK)
        except RemoteUnavailable:
            raise
        except RemoteFailed as error:
            _LOG.info("the activities of Collibra are not asked for any more: %s", error.message)
            self._refused = True
            return False
        if found is None:
            return False
        if found <= look.known:
            return True
        with self._lock:
            # They were read before the look that follows now, which therefore sees what they tell of.
            self._latest[asset] = found
        return False
