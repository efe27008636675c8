"""Runs the receiver on a port of this machine, and lets nobody hold its connections without sending."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

from lakepact.errors import EnvironmentLacking, ExtraMissing
from lakepact.rerun.inbox import Inbox
from lakepact.rerun.receiver import WEBHOOK_PATH, receiver
from lakepact.rerun.settings import ReceiverSettings

try:
    import h11
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ImportError as missing:
    raise ExtraMissing(
        f"{missing.name} is not installed",
        "LP939",
        "pip install 'lakepact[service]'",
        {"distribution": missing.name, "extra": "service"},
    ) from missing

__all__ = ["listening", "receiver_server", "serve_receiver"]

_HEADER_BYTES: Final = 16 * 1024
_HEADER_SECONDS: Final = 5.0
_CONNECTIONS: Final = 512
_IDLE_SECONDS: Final = 30
_STOP_SECONDS: Final = 15


class _ImpatientProtocol(H11Protocol):
    """HTTP for clients that send the head of a request within some seconds; others are cut off.

    The server itself waits without end for a head that comes byte by byte, and for a body that was refused.
    """

    header_seconds: float = _HEADER_SECONDS
    most_connections: int = _CONNECTIONS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # The system has only so many of them, and the server needs some for its files.
        if len(self.connections) > self.most_connections:
            transport.abort()
        else:
            self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        answered = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        if self.conn.their_state is not h11.IDLE and not answered:
            self._unwatch()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def serve_receiver(
    inbox: Inbox, settings: ReceiverSettings, *, host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Serve until the process is told to end; `ready` gets the address of the webhook once it can be used.

    The service speaks HTTP: where others than this machine reach it, put what ends TLS before it. What is said about
    deliveries goes to the logger `lakepact.webhook`. Raises EnvironmentLacking LP938 where the port cannot be had.
    """
    with listening(host, port) as bound:
        number = bound.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{number}{WEBHOOK_PATH}")
        receiver_server(inbox, settings).run(sockets=[bound])


def receiver_server(
    inbox: Inbox,
    settings: ReceiverSettings,
    *,
    header_seconds: float = _HEADER_SECONDS,
    most_connections: int = _CONNECTIONS,
) -> uvicorn.Server:
    """The server of the receiver, for a socket that listens already.

    A connection that has not sent the head of a request after `header_seconds` ends, as does one above
    `most_connections`.
    """
    limits = {"header_seconds": header_seconds, "most_connections": most_connections}
    protocol = type("_Protocol", (_ImpatientProtocol,), limits)
    # Complaints about requests that are no HTTP would fill the log at the will of those who send them.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Server(
        uvicorn.Config(
            receiver(inbox, settings),
            http=protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_STOP_SECONDS,
            h11_max_incomplete_event_size=_HEADER_BYTES,
        )
    )


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any that is free. Raises EnvironmentLacking LP938."""
    # With the protocol named, asyncio switches Nagle's algorithm off; otherwise every answer waits for 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(1024)
    except OSError as error:
        bound.close()
        message = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise EnvironmentLacking(message, "LP938", "choose another port") from error
    return bound
