"""A circuit breaker: after several failures in a row nobody asks for a while, then one request tries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """Lets requests pass until `failures` in a row failed; then none for `rest` seconds, and then one at a time.

    `clock` gives seconds that never go back. Safe for several threads.

    >>> breaker = CircuitBreaker(failures=1, rest=30.0, clock=lambda: 0.0)
    >>> breaker.failed()
    >>> breaker.waits()
    30.0
    """

    def __init__(self, *, failures: int = 5, rest: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._rest = rest
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def waits(self) -> float:
        """Seconds until a request may pass; 0.0 lets this one pass, and counts it as the one that tries."""
        with self._lock:
            if self._failures < self._limit:
                return 0.0
            now = self._clock()
            if now < self._closed_until:
                return self._closed_until - now
            self._closed_until = now + self._rest
            return 0.0

    def failed(self) -> None:
        """A request failed in a way that tells that the other side is away."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._closed_until = self._clock() + self._rest

    def succeeded(self) -> None:
        """The other side answered."""
        with self._lock:
            self._failures = 0
