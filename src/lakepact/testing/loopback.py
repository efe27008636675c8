"""The server that the doubles share: HTTP/1.1 at 127.0.0.1, a thread for each connection."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

__all__ = ["Exchange", "HttpDouble", "Loopback", "Reply", "json_reply"]

_PIECE: Final = 1 << 20
_MOST: Final = 1 << 30


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its body and the headers that say more."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer with a JSON body.

    >>> json_reply(200, {"a": None}).body
    b'{"a": null}'
    """
    body = json.dumps(value, ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json", **(headers or {})})


Exchange = Callable[[str, str, Mapping[str, str], bytes], tuple[Reply, bool, bool]]


class Loopback:
    """Takes requests at 127.0.0.1 and gives them to `exchange`: method, target, headers in lower case, body.

    The exchange says the reply, whether the connection breaks instead of it, and whether only its first half is sent.
    A body of more than `max_body` bytes is read, dropped and answered with `too_large`. The `Date` of an answer is by
    `clock`. The port is taken when it is first asked for.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        port: int = 0,
        max_body: int = _MOST,
        too_large: Reply | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = ("127.0.0.1", port)
        self._handler = _handler(self, exchange, max_body, too_large or Reply(413), clock)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @cached_property
    def _server(self) -> ThreadingHTTPServer:
        return _Server(self._address, self._handler)

    @cached_property
    def _thread(self) -> threading.Thread:
        return threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened at."""
        return int(self._server.server_port)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; connections that clients hold are closed."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> None:
        """Note a connection."""
        with self._lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._open.discard(connection)


class HttpDouble(ABC):
    """A double that answers at `url` while it is used as a context manager."""

    def __init__(self) -> None:
        self._loopback = Loopback(self._exchange)

    @property
    def url(self) -> str:
        """The host of the double."""
        return f"http://127.0.0.1:{self._loopback.port}"

    def part_of(self, host: HttpDouble) -> None:
        """Be a part of another double, whose address is this one's too, and which asks for answers."""
        self._loopback = host._loopback

    def __enter__(self) -> Self:
        self._loopback.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.stop()

    @abstractmethod
    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The answer to a request, its headers in lower case; None where the connection ends without one."""

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply, bool, bool]:
        reply = self.answer(method, target, headers, body)
        return (Reply(0), True, False) if reply is None else (reply, False, False)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the server; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(
    loopback: Loopback, exchange: Exchange, max_body: int, too_large: Reply, clock: Callable[[], float]
) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave in one packet, at once; otherwise each answer waits for a delayed acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def setup(self) -> None:
            loopback.opened(self.request)
            super().setup()

        def finish(self) -> None:
            loopback.closed(self.request)
            with contextlib.suppress(OSError):
                super().finish()

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > max_body:
                # Read all the same: a client that is still sending would see a broken connection, not the answer.
                for start in range(0, length, _PIECE):
                    self.rfile.read(min(_PIECE, length - start))
                self._send(too_large, cut=False)
                return
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
            body = self._chunks() if chunked else self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply, breaks, cut = exchange(self.command, self.path, headers, body)
            if breaks:
                self._break()
            else:
                self._send(reply, cut=cut)

        def _chunks(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _send(self, reply: Reply, *, cut: bool) -> None:
            content = reply.body[: len(reply.body) // 2] if cut else reply.body
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
            self.wfile.flush()

        def _break(self) -> None:
            # Without lingering the client sees a reset, not an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(clock() if timestamp is None else timestamp)

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are in the log of the double, not on stderr."""

    return Handler
