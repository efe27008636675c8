"""Metrics by OTLP: what a real server decodes is what Prometheus would scrape, and refusals are told."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from collector import Collector
from lakepact import __version__
from lakepact.errors import LakepactError, RemoteFailed, RemoteUnavailable, UsageError
from lakepact.results import RuleStatus
from lakepact.results.exporting import registry_of
from lakepact.results.metrics import METRICS, Snapshot
from lakepact.results.otlp import export_otlp
from result_samples import result

SNAPSHOT = Snapshot(
    results=[
        result(status=RuleStatus.FAIL, violations=3, tested=10, dimension="validity", value="secret", message="secret"),
        result(rule_id="orders.id.required", tested=10, seconds=1.5, dataset='a "quoted"\nname'),
    ],
    quarantined={("sales.orders", "orders", "main.sales.orders"): 2},
)
CLOCK = "lakepact_last_read_timestamp_seconds"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "METRICS_ENDPOINT", "HEADERS", "COMPRESSION"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_names_labels_and_values_are_those_of_prometheus() -> None:
    with Collector() as collector:
        number = export_otlp(collector.address, lambda: SNAPSHOT)
        points = collector.points()
    scraped = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(generate_latest(registry_of(lambda: SNAPSHOT)).decode())
        for sample in family.samples
    }
    assert points.pop((CLOCK, frozenset())) == pytest.approx(scraped.pop((CLOCK, frozenset())), abs=600)
    assert points == scraped
    assert number == len(points) + 1
    assert points["lakepact_rule_violations", frozenset(
        {("contract", "sales.orders"), ("object", "orders"), ("dataset", "main.sales.orders"),
         ("rule", "orders.amount.minimum"), ("dimension", "validity")}
    )] == 3.0  # fmt: skip
    ((path, headers, request),) = collector.requests
    assert (path, headers["content-type"]) == ("/v1/metrics", "application/x-protobuf")
    assert b"secret" not in request.SerializeToString()
    assert collector.resource() == {"service.name": "lakepact", "service.version": __version__}
    kinds = {each.name: each.WhichOneof("data") for each in collector.metrics()}
    assert kinds == {
        each.name: "sum" if each.kind.value == "counter" else "gauge" for each in METRICS if each.name in kinds
    }
    (reads,) = (each.sum for each in collector.metrics() if each.name == "lakepact_reads_total")
    assert (reads.is_monotonic, reads.aggregation_temporality) == (True, 2)


def test_the_environment_of_opentelemetry_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{collector.address}/otlp")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=checks,deployment.environment=test")
        export_otlp(None, lambda: SNAPSHOT)
        path, headers, _ = collector.requests[0]
        assert (path, headers["authorization"], headers["content-encoding"]) == (
            "/otlp/v1/metrics",
            "Bearer abc",
            "gzip",
        )
        resource = collector.resource()
        assert (resource["service.name"], resource["deployment.environment"]) == ("checks", "test")
        export_otlp(f"{collector.address}/own/path", lambda: SNAPSHOT)
        assert collector.requests[1][0] == "/own/path"


def test_what_may_be_sent_again_is() -> None:
    with Collector(503) as collector:
        export_otlp(collector.address, lambda: SNAPSHOT)
        assert (collector.tries, len(collector.requests)) == (2, 1)


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (400, RemoteFailed, "LP998: the collector answers 400 Bad Request\n  hint: check the address and OTEL"),
        (401, RemoteFailed, "LP998: the collector answers 401 Unauthorized\n  hint: check the address and OTEL"),
        (429, RemoteUnavailable, "LP998: the collector answers 429 Too Many Requests\n  hint: try again later"),
        (503, RemoteUnavailable, "LP998: the collector answers 503 Service Unavailable\n  hint: try again later"),
        (0, RemoteUnavailable, "LP998: the collector does not answer\n  hint: check the address; try again later"),
    ],
)  # fmt: skip
def test_refusals_are_told_and_not_logged(
    status: int,
    error: type[LakepactError],
    message: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Collector(*[status] * 20) as collector, pytest.raises(error, match=f"^{re.escape(message)}"):
        export_otlp(collector.address, lambda: SNAPSHOT, seconds=0.5)
    assert [each.name for each in caplog.records if each.name.startswith("opentelemetry")] == []
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter").propagate


def test_a_part_that_is_refused_is_told() -> None:
    with (
        Collector(rejected=2, reason="too\nold") as collector,
        pytest.raises(RemoteFailed, match=r"LP998: the collector refuses 2 of \d+ points: too old\n  hint: look into"),
    ):
        export_otlp(collector.address, lambda: SNAPSHOT)


def test_wrong_addresses_are_told() -> None:
    with pytest.raises(UsageError, match="LP998: that is no address of a collector\n  hint: write http://HOST:4318"):
        export_otlp("localhost:4318", lambda: SNAPSHOT)
    with pytest.raises(UsageError, match="LP998: the address of a collector holds a secret\n  hint: give") as caught:
        export_otlp("http://me:abc@localhost:1", lambda: SNAPSHOT)
    assert "abc" not in str(caught.value)


@pytest.mark.process
def test_without_the_library(repository: Path) -> None:
    script = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("opentelemetry.exporter"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
from lakepact.errors import ExtraMissing
try:
    import lakepact.results.otlp
except ExtraMissing as error:
    print(error)
"""
    command = [sys.executable, "-c", script]
    environment = {"PYTHONPATH": str(repository / "src")}
    found = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    assert found.startswith("LP997: the exporter of OpenTelemetry is not installed: there is no module 'opentelemetry")
    assert found.endswith("pip install 'lakepact[otlp]'\n")
