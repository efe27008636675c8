"""A small Pushgateway: a real HTTP server on loopback that keeps groups of metrics and refuses what is none."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from lakepact.testing.loopback import HttpDouble, Reply

__all__ = ["Pushgateway"]


class Pushgateway(HttpDouble):
    """Groups by path; `status` is what it answers instead of keeping them, 0 to hang up. It is a context manager."""

    def __init__(self, *, status: int | None = None, login: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.groups: dict[str, str] = {}
        self._status = status
        self._wanted = None if login is None else "Basic " + base64.b64encode(":".join(login).encode()).decode()

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.url

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """What a gateway says; it keeps what it takes."""
        if self._status == 0:
            return None
        code = self._status or (self._kept(target, headers, body.decode()) if method == "PUT" else 405)
        return Reply(code, b"" if code == 200 else b"no")

    def _kept(self, target: str, headers: Mapping[str, str], text: str) -> int:
        if self._wanted is not None and headers.get("authorization") != self._wanted:
            return 401
        try:
            families = list(text_string_to_metric_families(text))
        except ValueError:
            return 400
        if not target.startswith("/metrics/job/") or not families:
            return 400
        self.groups[target] = text
        return 200
