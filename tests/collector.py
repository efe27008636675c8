"""A small OpenTelemetry collector: a real HTTP server on loopback that decodes the metrics it is sent."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from lakepact.testing.loopback import HttpDouble, Reply

__all__ = ["Collector"]

Points = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Collector(HttpDouble):
    """Requests by path with their headers; `statuses` are the first answers, 0 to hang up, then all is taken.

    Of each request as many points as `rejected` says are refused. It is a context manager.
    """

    def __init__(self, *statuses: int, rejected: int = 0, reason: str = "") -> None:
        super().__init__()
        self.requests: list[tuple[str, Mapping[str, str], ExportMetricsServiceRequest]] = []
        self.tries = 0
        self._statuses = statuses
        self._rejected = rejected
        self._reason = reason

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.url

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """What a collector says; it keeps what it takes."""
        if method != "POST":
            return Reply(405)
        self.tries += 1
        status = self._statuses[self.tries - 1] if self.tries <= len(self._statuses) else 200
        if status == 0:
            return None
        answer = ExportMetricsServiceResponse()
        if status == 200:
            content = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            self.requests.append((target, headers, ExportMetricsServiceRequest.FromString(content)))
            answer.partial_success.rejected_data_points = self._rejected
            answer.partial_success.error_message = self._reason
        return Reply(status, answer.SerializeToString(), {"Content-Type": "application/x-protobuf"})

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
