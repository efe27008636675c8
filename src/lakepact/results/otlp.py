"""Metrics handed to an OpenTelemetry collector by OTLP: the samples of this moment, as Protobuf over HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from lakepact import __version__
from lakepact.errors import ExtraMissing, RemoteFailed, RemoteUnavailable, UsageError
from lakepact.results.metrics import METRICS, SERIES_LIMIT, MetricKind, Sample, Snapshot, samples_of

try:
    import requests  # type: ignore[import-untyped]
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
    from opentelemetry.sdk.metrics import export as points
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
except ImportError as missing:
    raise ExtraMissing(
        f"the exporter of OpenTelemetry is not installed: there is no module {missing.name!r}",
        "LP997",
        "pip install 'lakepact[otlp]'",
        {"distribution": "opentelemetry-exporter-otlp-proto-http", "extra": "otlp"},
    ) from missing

__all__ = ["export_otlp"]

_PATH: Final = "/v1/metrics"
_LOGGER: Final = "opentelemetry.exporter.otlp.proto.http.metric_exporter"
_UP, _READ_AT, _READS, _FAILURES = METRICS[-4:]


def export_otlp(
    url: str | None, read: Callable[[], Snapshot], *, seconds: float = 30.0, limit: int = SERIES_LIMIT
) -> int:
    """Send the metrics to a collector; how many data points it took. Names and labels are those of Prometheus.

    `url` without a path gets `/v1/metrics`; None leaves it to the environment, as the exporter reads it
    (`OTEL_EXPORTER_OTLP_ENDPOINT`, …). Headers, certificates, compression and attributes of the resource are those of
    the environment too. What may be sent again is, for `seconds`.

    Raises UsageError LP998 for what is no address, RemoteUnavailable LP998 where the collector does not answer now,
    RemoteFailed LP998 where it refuses all or some of the points, and what `read` raises.
    """
    address = None if url is None else _address(url)
    now = time.time_ns()
    sent = _document(list(_samples(read(), limit)), now)
    answers: list[requests.Response] = []
    with requests.Session() as session, _quiet():
        session.hooks["response"].append(lambda answer, *_, **__: answers.append(answer))
        exporter = OTLPMetricExporter(endpoint=address, timeout=seconds, session=session)
        result = exporter.export(sent)
        exporter.shutdown()
    if result is not points.MetricExportResult.SUCCESS:
        raise _refusal(answers[-1] if answers else None)
    number = sum(len(metric.data.data_points) for metric in sent.resource_metrics[0].scope_metrics[0].metrics)
    _check_whole(answers[-1], number)
    return number


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("that is no address of a collector", "LP998", "write http://HOST:4318")
    if parts.username or parts.password:
        hint = "give the header in OTEL_EXPORTER_OTLP_HEADERS"
        raise UsageError("the address of a collector holds a secret", "LP998", hint)
    return urlunsplit((parts.scheme, parts.netloc, parts.path if parts.path.strip("/") else _PATH, parts.query, ""))


def _samples(snapshot: Snapshot, limit: int) -> Iterator[Sample]:
    yield from samples_of(snapshot, limit=limit)
    yield Sample(_UP, (), 1.0)
    yield Sample(_READ_AT, (), time.time())
    yield Sample(_READS, (), 1.0)
    yield Sample(_FAILURES, (), 0.0)


def _document(samples: list[Sample], now: int) -> points.MetricsData:
    found = []
    for metric in METRICS:
        data = [
            points.NumberDataPoint(
                attributes=dict(zip(metric.labels, sample.labels, strict=True)),
                start_time_unix_nano=now,
                time_unix_nano=now,
                value=sample.value,
            )
            for sample in samples
            if sample.metric is metric
        ]
        if data:
            total = points.Sum(data, points.AggregationTemporality.CUMULATIVE, is_monotonic=True)
            kind = total if metric.kind is MetricKind.COUNTER else points.Gauge(data)
            found.append(points.Metric(name=metric.name, description=metric.help, unit="", data=kind))
    scope = points.ScopeMetrics(scope=InstrumentationScope("lakepact", __version__), metrics=found, schema_url="")
    # What the environment says of the resource stands in place of what is said here.
    about = Resource({"service.name": "lakepact", "service.version": __version__})
    resource = about.merge(OTELResourceDetector().detect())
    return points.MetricsData([points.ResourceMetrics(resource=resource, scope_metrics=[scope], schema_url="")])


def _refusal(answer: Any) -> RemoteFailed | RemoteUnavailable:
    """The error for the last answer, None for none. The text of an answer is Protobuf, and not shown."""
    if answer is None:
        return RemoteUnavailable("the collector does not answer", "LP998", "check the address; try again later")
    message = f"the collector answers {answer.status_code} {answer.reason or ''}".rstrip()
    if answer.status_code in (408, 429) or answer.status_code >= 500:
        return RemoteUnavailable(message, "LP998", "try again later")
    return RemoteFailed(message, "LP998", "check the address and OTEL_EXPORTER_OTLP_HEADERS")


def _check_whole(answer: Any, number: int) -> None:
    """Raises RemoteFailed where the collector took a part only. An answer that is none of OTLP says nothing."""
    try:
        rejected = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    except DecodeError:
        return
    if rejected.rejected_data_points:
        said = " ".join(rejected.error_message.split())[:200]
        message = f"the collector refuses {rejected.rejected_data_points} of {number} points"
        raise RemoteFailed(f"{message}: {said}" if said else message, "LP998", "look into the log of the collector")


@contextmanager
def _quiet() -> Iterator[None]:
    """While this is open, the exporter logs nothing: what it has to say is raised."""
    logger = logging.getLogger(_LOGGER)
    propagates, handler = logger.propagate, logging.NullHandler()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = propagates
        logger.removeHandler(handler)
