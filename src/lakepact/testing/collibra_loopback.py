"""The sockets of the Collibra double: HTTP/1.1 on loopback, a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lakepact.testing.collibra_errors import ApiError
from lakepact.testing.collibra_http import Reply, json_reply

__all__ = ["Exchange", "Loopback"]

_PIECE = 1 << 20

Exchange = Callable[[str, str, Mapping[str, str], bytes], tuple[Reply, bool, bool]]


class Loopback:
    """Takes requests at 127.0.0.1 and gives them to `exchange`: method, target, headers in lower case, body.

    The exchange says the reply, whether the connection breaks instead of it, and whether only its first half is sent.
    The `Date` of an answer is by `clock`.
    """

    def __init__(self, exchange: Exchange, *, port: int = 0, max_body: int, clock: Callable[[], float]) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self, exchange, max_body, clock))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

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


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the server; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(
    loopback: Loopback, exchange: Exchange, max_body: int, clock: Callable[[], float]
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
                error = ApiError(413, "payloadTooLarge", f"A body must not be larger than {max_body} bytes.")
                self._send(json_reply(413, error.envelope()), cut=False)
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
