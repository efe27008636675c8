"""A small Pushgateway: a real HTTP server on loopback that keeps groups of metrics and refuses what is none."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Pushgateway"]


class Pushgateway:
    """Groups by path; `status` is what it answers instead of keeping them, 0 to hang up. It is a context manager."""

    def __init__(self, *, status: int | None = None, login: tuple[str, str] | None = None) -> None:
        self.groups: dict[str, str] = {}
        gateway = self
        wanted = None if login is None else "Basic " + base64.b64encode(":".join(login).encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                if status == 0:
                    self.connection.close()
                    return
                self._answer(status or self._kept(text))

            def _kept(self, text: str) -> int:
                if wanted is not None and self.headers.get("Authorization") != wanted:
                    return 401
                try:
                    families = list(text_string_to_metric_families(text))
                except ValueError:
                    return 400
                if not self.path.startswith("/metrics/job/") or not families:
                    return 400
                gateway.groups[self.path] = text
                return 200

            def _answer(self, code: int) -> None:
                content = b"" if code == 200 else b"no"
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Pushgateway:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
