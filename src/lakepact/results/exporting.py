"""Metrics handed to Prometheus: a server to scrape, a file of node_exporter's textfile collector, a Pushgateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from lakepact.atomic_files import replace_file
from lakepact.errors import (
    ConfigurationError,
    ExtraMissing,
    LakepactError,
    RemoteFailed,
    RemoteUnavailable,
    UsageError,
)
from lakepact.results.metrics import METRICS, SERIES_LIMIT, Metric, MetricKind, Sample, Snapshot, samples_of

try:
    from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway, start_http_server
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as missing:
    raise ExtraMissing(
        "prometheus-client is not installed",
        "LP997",
        "pip install 'lakepact[metrics]'",
        {"distribution": "prometheus-client", "extra": "metrics"},
    ) from missing

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

__all__ = ["ResultsCollector", "push", "registry_of", "serve", "write_textfile"]

_UP, _READ_AT, _READS, _FAILURES = METRICS[-4:]
_FAULTS: Final = (LakepactError, OSError)


class ResultsCollector(Collector):
    """A collector for a registry of prometheus-client: the samples of what `read` gives.

    It is read at most once in `refresh` seconds, by one scrape at a time. Where it cannot be read (LakepactError,
    OSError) the samples of the last time stay, `lakepact_up` is 0 and `failure` says why. `limit` is that of
    `samples_of`.
    """

    def __init__(
        self,
        read: Callable[[], Snapshot],
        *,
        refresh: float = 0.0,
        limit: int = SERIES_LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._refresh = refresh
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._samples: tuple[Sample, ...] = ()
        self._tried: float | None = None
        self._read_at: float | None = None
        self._reads = self._failures = 0
        self.failure = ""

    def describe(self) -> list[Family]:
        """Nothing: to register a collector reads no results."""
        return []

    def collect(self) -> Iterator[Family]:
        """The families of this moment."""
        with self._lock:
            self._look()
            samples = [*self._samples, *self._own()]
        for metric in METRICS:
            family = _family(metric)
            for sample in samples:
                if sample.metric is metric:
                    family.add_metric(list(sample.labels), sample.value)
            yield family

    def _look(self) -> None:
        now = self._clock()
        # A clock that was set back must not stop the reading.
        if self._tried is not None and 0 <= now - self._tried < self._refresh:
            return
        self._tried = now
        self._reads += 1
        try:
            self._samples = tuple(samples_of(self._read(), limit=self._limit))
        except _FAULTS as error:
            self._failures += 1
            self.failure = str(error)
        else:
            self._read_at, self.failure = now, ""

    def _own(self) -> Iterator[Sample]:
        yield Sample(_UP, (), 0.0 if self.failure else 1.0)
        if self._read_at is not None:
            yield Sample(_READ_AT, (), self._read_at)
        yield Sample(_READS, (), float(self._reads))
        yield Sample(_FAILURES, (), float(self._failures))


def _family(metric: Metric) -> Any:
    if metric.kind is MetricKind.COUNTER:
        return CounterMetricFamily(metric.name, metric.help, labels=list(metric.labels))
    return GaugeMetricFamily(metric.name, metric.help, labels=list(metric.labels))


def registry_of(read: Callable[[], Snapshot], *, limit: int = SERIES_LIMIT) -> CollectorRegistry:
    """A registry of its own with the samples of what `read` gives now. Raises what `read` raises."""
    snapshot = read()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ResultsCollector(lambda: snapshot, limit=limit))
    return registry


@contextmanager
def serve(
    read: Callable[[], Snapshot],
    *,
    host: str = "127.0.0.1",
    port: int = 9469,
    refresh: float = 30.0,
    limit: int = SERIES_LIMIT,
) -> Iterator[str]:
    """Serve `/metrics` while this is open; the address, with the port that was free where `port` is 0.

    Raises ConfigurationError LP996 where nothing can listen there.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ResultsCollector(read, refresh=refresh, limit=limit))
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except (OSError, OverflowError) as error:
        hint = "choose another --port or --host"
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error}", "LP996", hint) from error
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_textfile(file: Path, read: Callable[[], Snapshot], *, limit: int = SERIES_LIMIT) -> None:
    """Write the samples to a file of node_exporter's textfile collector: a reader sees all of them or the old ones.

    Raises UsageError LP999 for a name that the collector does not read, ConfigurationError LP999 where the file cannot
    be written, and what `read` raises; then the old file stays.
    """
    if file.suffix != ".prom":
        hint = "node_exporter reads only files that end in .prom"
        raise UsageError(f"'{file}' is no file of metrics", "LP999", hint)
    content = generate_latest(registry_of(read, limit=limit))
    try:
        replace_file(file, content)
    except OSError as error:
        message = f"'{file}' cannot be written: {error.strerror or error}"
        raise ConfigurationError(message, "LP999", "check that its folder is there, and its permissions") from error


def push(
    url: str,
    read: Callable[[], Snapshot],
    *,
    job: str = "lakepact",
    grouping: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    seconds: float = 30.0,
    limit: int = SERIES_LIMIT,
) -> None:
    """Replace the metrics of a group (`job` and `grouping`) in the Pushgateway at `url`.

    Raises UsageError LP998 for what is no address, RemoteUnavailable LP998 where the gateway does not answer now,
    RemoteFailed LP998 where it refuses, and what `read` raises.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("that is no address of a Pushgateway", "LP998", "write http://HOST:9091")
    if parts.username or parts.password:
        hint = "give the name of the user by itself, and the password in LAKEPACT_PUSH_PASSWORD"
        raise UsageError("the address of a Pushgateway holds a secret", "LP998", hint)
    address = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))

    def handler(
        url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        return lambda: _sent(method, url, headers=headers, content=data, timeout=timeout, auth=auth)

    registry = registry_of(read, limit=limit)
    push_to_gateway(address, job, registry, dict(grouping or {}), timeout=seconds, handler=handler)


def _sent(method: str, url: str, **request: Any) -> None:
    try:
        answer = httpx.request(method, url, **request)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        message = f"the Pushgateway does not answer: {reason}"
        raise RemoteUnavailable(message, "LP998", "check the address; try again later") from error
    if answer.is_success:
        return
    said = " ".join(answer.text.split())[:200]
    message = f"the Pushgateway answers {answer.status_code}{f': {said}' if said else ''}"
    if answer.status_code in (408, 429) or answer.status_code >= 500:
        raise RemoteUnavailable(message, "LP998", "try again later")
    raise RemoteFailed(message, "LP998", "check the address and the password")
