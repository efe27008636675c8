"""A small OpenTelemetry collector: a real HTTP server on loopback that decodes the metrics it is sent."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

__all__ = ["Collector"]

Points = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Collector:
    """Requests by path with their headers; `statuses` are the first answers, 0 to hang up, then all is taken.

    Of each request as many points as `rejected` says are refused. It is a context manager.
    """

    def __init__(self, *statuses: int, rejected: int = 0, reason: str = "") -> None:
        self.requests: list[tuple[str, dict[str, str], ExportMetricsServiceRequest]] = []
        self.tries = 0
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if self.headers.get("Content-Encoding") == "gzip":
                    content = gzip.decompress(content)
                collector.tries += 1
                status = statuses[collector.tries - 1] if collector.tries <= len(statuses) else 200
                if status == 0:
                    self.connection.close()
                    return
                answer = ExportMetricsServiceResponse()
                if status == 200:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    collector.requests.append((self.path, headers, ExportMetricsServiceRequest.FromString(content)))
                    answer.partial_success.rejected_data_points = rejected
                    answer.partial_success.error_message = reason
                self.send_response(status)
                body = answer.SerializeToString()
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def points(self) -> Points:
        """The points of the last request by name and attributes, each once."""
        found: Points = {}
        for metric in self.metrics():
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                key = (metric.name, frozenset((each.key, each.value.string_value) for each in point.attributes))
                assert key not in found
                found[key] = point.as_double
        return found

    def metrics(self) -> list[ExportMetricsServiceRequest]:
        """The metrics of the last request."""
        (resource,) = self.requests[-1][2].resource_metrics
        (scope,) = resource.scope_metrics
        return list(scope.metrics)

    def resource(self) -> dict[str, str]:
        """The attributes of the resource of the last request."""
        (found,) = self.requests[-1][2].resource_metrics
        return {each.key: each.value.string_value for each in found.resource.attributes}
