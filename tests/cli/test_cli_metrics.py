"""`lakepact metrics`: a real scrape of a real process, a file, and a push over HTTP."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from lakepact.cli import main
from lakepact.contract import load_contract
from lakepact.quarantine import open_quarantine
from lakepact.quarantine.batches import quarantine_batch
from lakepact.quarantine.model import FailedRule
from lakepact.results import RuleStatus
from lakepact.results.metrics import METRICS
from pushgateway import Pushgateway
from result_samples import result, write_results

DOCUMENT = """apiVersion: v3.1.0
kind: DataContract
id: sales.orders
version: 1.0.0
schema: [{name: orders}]
slaProperties: [{property: frequency, value: 1, unit: d}]
"""
VIOLATIONS = (
    'lakepact_rule_violations{contract="sales.orders",dataset="main.sales.orders",dimension="",object="orders",'
    'rule="orders.amount.minimum"} 3.0'
)
MET = (
    'lakepact_sla_status{contract="sales.orders",dataset="main.sales.orders",level="frequency",object="orders",'
    'state="met"} 1.0'
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    now = dt.datetime.now(dt.UTC)
    found = [
        result(at=now - dt.timedelta(hours=1), status=RuleStatus.FAIL, violations=3, tested=10),
        result(run_id="old", rule_id="old", at=now - dt.timedelta(days=31)),
    ]
    monkeypatch.setenv("LAKEPACT_RESULTS", str(write_results(tmp_path / "results", found)))
    monkeypatch.chdir(tmp_path)
    Path("orders.odcs.yaml").write_text(DOCUMENT)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main(["metrics", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_file_for_node_exporter(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "textfile", "a.prom", "--contract", "orders.odcs.yaml") == ("", "")
    lines = Path("a.prom").read_text().splitlines()
    assert {VIOLATIONS, MET} <= set(lines)
    assert not any('rule="old"' in line for line in lines)
    run(capsys, "textfile", "a.prom", "--days", "60")
    text = Path("a.prom").read_text()
    assert 'rule="old"' in text
    assert MET not in text
    run(capsys, "textfile", "a.prom", "--days", "60", "--max-rules", "1")
    assert "lakepact_series_left_out 1.0" in Path("a.prom").read_text().splitlines()


def test_a_push(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with Pushgateway(login=("me", "secret")) as gateway:
        monkeypatch.setenv("LAKEPACT_PUSH_PASSWORD", "secret")
        run(capsys, "push", gateway.address, "--job", "nightly", "--label", "site=north", "--user", "me")
        assert VIOLATIONS in gateway.groups["/metrics/job/nightly/site/north"].splitlines()
        assert run(capsys, "push", gateway.address, code=4)[1].startswith("error LP998: the Pushgateway answers 401")
        monkeypatch.delenv("LAKEPACT_PUSH_PASSWORD")
        assert run(capsys, "push", gateway.address, "--user", "me", code=2)[1] == (
            "error LP995: there is no password in LAKEPACT_PUSH_PASSWORD\n  hint: set it\n"
        )
    for label in ("site", "job=x", "a-b=c", "site="):
        assert f"LP995: '{label}' is no label" in run(capsys, "push", gateway.address, "--label", label, code=2)[1]


def test_an_export_to_a_collector(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from collector import Collector

    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with Collector(200, 200, 401) as collector:
        assert run(capsys, "otlp", collector.address, "--contract", "orders.odcs.yaml") == ("", "")
        names = {name for name, _ in collector.points()}
        assert {"lakepact_rule_violations", "lakepact_sla_status", "lakepact_up"} <= names
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        run(capsys, "otlp", "--days", "60")
        assert any(("rule", "old") in labels for _, labels in collector.points())
        assert run(capsys, "otlp", code=4)[1].startswith("error LP998: the collector answers 401 Unauthorized")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    assert run(capsys, "otlp", code=2)[1] == (
        "error LP995: no collector is named\n  hint: give its URL, or set OTEL_EXPORTER_OTLP_ENDPOINT\n"
    )


@pytest.mark.process
def test_a_process_that_serves_is_scraped_and_ends_when_told(place: Path) -> None:
    command = [sys.executable, "-m", "lakepact", "metrics", "serve", "--port", "0", "--refresh", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            address = process.stdout.readline().strip()
            first = httpx.get(address, trust_env=False).raise_for_status().text.splitlines()
            for file in (place / "results" / "rule_results").glob("*.parquet"):
                file.unlink()
            second = httpx.get(address, trust_env=False).raise_for_status().text.splitlines()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
        assert process.stderr.read() == "terminated\n"
    assert {VIOLATIONS, "lakepact_up 1.0"} <= set(first)
    assert {VIOLATIONS, "lakepact_up 0.0", "lakepact_read_failures_total 1.0"} <= set(second)


def test_quarantined_records_are_counted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = load_contract(DOCUMENT.encode())
    failed = [FailedRule(rule_id="orders.amount.minimum")]
    for number in range(3):
        Path(f"{number}.csv").write_text(f"amount\n-{number}\n")
        record = quarantine_batch(
            f"{number}.csv", contract, failed, dataset="main.sales.orders", object_name="orders", url="aside"
        )
    aside = open_quarantine("files:aside")
    aside.review([record.id], actor="ann")
    aside.reject([record.id], actor="ann", reason="test")
    run(capsys, "textfile", "a.prom", "--quarantine", "files:aside")
    lines = Path("a.prom").read_text().splitlines()
    assert [line for line in lines if line.startswith("lakepact_quarantined_rows{")] == [
        'lakepact_quarantined_rows{contract="sales.orders",dataset="main.sales.orders",object="orders"} 2.0'
    ]


def test_the_list_of_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "list")
    assert out.startswith("lakepact_contract_info{contract, version} (gauge)\n    1 for the version")
    assert "lakepact_reads_total (counter)\n" in out
    assert [each["name"] for each in json.loads(run(capsys, "list", "--json")[0])] == [each.name for each in METRICS]


def test_wrong_calls(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "LP995: no place" in run(capsys, "serve", "--results", "", code=2)[1]
    assert "LP999: 'a.txt' is no file of metrics" in run(capsys, "textfile", "a.txt", code=2)[1]
    assert "LP990: there is no table" in run(capsys, "textfile", "a.prom", "--results", "none", code=3)[1]
    assert not Path("a.prom").exists()
