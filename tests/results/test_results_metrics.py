"""Metrics from results: what each says, that labels stay bounded, and that Prometheus' own tool accepts them."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from lakepact.errors import ConfigurationError, RemoteFailed, RemoteUnavailable, UsageError
from lakepact.results import RuleResult, RuleStatus
from lakepact.results.exporting import ResultsCollector, push, registry_of, serve, write_textfile
from lakepact.results.levels import LevelResult, LevelSource, LevelState
from lakepact.results.metrics import METRICS, MetricKind, Snapshot, samples_of
from lakepact.rules.model import Action
from pushgateway import Pushgateway
from result_samples import NOON, result

HOUR = dt.timedelta(hours=1)
RULES = "lakepact.rules.yml"
TESTS = "lakepact.rules.test.yml"
ORDERS = {"contract": "sales.orders", "object": "orders", "dataset": "main.sales.orders"}
BROKEN = result(status=RuleStatus.FAIL, violations=3, tested=10, dimension="validity", value="secret", message="secret")


def level(state: LevelState, **changed: Any) -> LevelResult:
    said: dict[str, Any] = {
        "contract_id": "sales.orders",
        "contract_version": "1.0.0",
        "level": "latency",
        "property": "latency",
        "object": "orders",
        "element": "orders.ts",
        "dataset": "main.sales.orders",
        "state": state,
        "measured": "1 h",
        "limit": "4 h",
        "since": None,
        "source": LevelSource.DATA,
        "reason": "",
        "at": NOON,
    }
    return LevelResult(**(said | changed))


Exposed = dict[tuple[str, frozenset[tuple[str, str]]], float]


def exposed(text: str) -> Exposed:
    """Every sample by name and labels, as another program reads it."""
    found: Exposed = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def samples(results: Sequence[RuleResult] = (), **changed: Any) -> Exposed:
    snapshot = Snapshot(results=results, **changed)
    return exposed(generate_latest(registry_of(lambda: snapshot)).decode())


def value(found: Exposed, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_what_is_said_of_a_rule_and_its_run() -> None:
    found = samples([BROKEN, result(rule_id="b", seconds=0.5), result(rule_id="c", seconds=0.25, engine="soda")])
    rule = {**ORDERS, "rule": BROKEN.rule_id, "dimension": "validity"}
    assert value(found, "lakepact_rule_violations", **rule) == 3
    assert value(found, "lakepact_rule_tested", **rule) == 10
    states = {status: value(found, "lakepact_rule_status", **rule, status=status) for status in RuleStatus}
    assert states == {"pass": 0, "warn": 0, "fail": 1, "error": 0, "skipped": 0}
    assert value(found, "lakepact_rule_violations", **{**rule, "rule": "b", "dimension": ""}) is None
    assert value(found, "lakepact_run_verdict", **ORDERS, verdict="quarantine") == 1
    assert value(found, "lakepact_run_verdict", **ORDERS, verdict="fail") == 0
    assert value(found, "lakepact_run_rows", **ORDERS) == 10
    assert value(found, "lakepact_last_run_timestamp_seconds", **ORDERS) == NOON.timestamp()
    assert value(found, "lakepact_check_duration_seconds", **ORDERS, engine="native") == 0.5
    assert value(found, "lakepact_check_duration_seconds", **ORDERS, engine="soda") == 0.25
    assert value(found, "lakepact_contract_info", contract="sales.orders", version="1.0.0") == 1
    assert value(found, "lakepact_up") == 1
    assert value(found, "lakepact_series_left_out") == 0


def test_no_value_of_the_data_is_shown() -> None:
    snapshot = Snapshot(results=[replace(BROKEN, sample="secret", threshold="secret", severity="secret")])
    assert "secret" not in generate_latest(registry_of(lambda: snapshot)).decode()


def test_the_last_run_counts_and_of_its_engines_the_worst() -> None:
    later = replace(BROKEN, run_id="run-2", at=NOON + HOUR, status=RuleStatus.PASS, violations=0)
    found = samples([later, BROKEN, replace(later, engine="soda", status=RuleStatus.ERROR, violations=None)])
    rule = {**ORDERS, "rule": BROKEN.rule_id, "dimension": "validity"}
    assert value(found, "lakepact_rule_status", **rule, status="error") == 1
    assert value(found, "lakepact_rule_status", **rule, status="fail") == 0
    assert value(found, "lakepact_last_run_timestamp_seconds", **ORDERS) == (NOON + HOUR).timestamp()


def test_of_the_elements_of_a_service_level_the_worst_counts() -> None:
    levels = [level(LevelState.MET), level(LevelState.MISSED, element="orders.b"), level(LevelState.UNKNOWN)]
    found = samples(levels=levels, quarantined={("sales.orders", "orders", "main.sales.orders"): 7})
    states = {
        state: value(found, "lakepact_sla_status", **ORDERS, level="latency", state=state) for state in LevelState
    }
    assert states == {"met": 0, "missed": 1, "unknown": 0}
    assert value(found, "lakepact_quarantined_rows", **ORDERS) == 7
    one = samples(levels=levels[::2])
    assert value(one, "lakepact_sla_status", **ORDERS, level="latency", state="unknown") == 1


def test_series_are_bounded_and_the_newest_stay() -> None:
    many = [result(rule_id=f"r{n}", dataset=f"d{n % 50}", at=NOON + n * HOUR / 60) for n in range(200)]
    found = list(samples_of(Snapshot(results=many), limit=20))
    rules = {each.labels[3] for each in found if each.metric.name == "lakepact_rule_status"}
    assert rules == {f"r{n}" for n in range(180, 200)}
    [left] = [each.value for each in found if each.metric.name == "lakepact_series_left_out"]
    assert left == 180
    assert len({each.labels for each in found if each.metric.name == "lakepact_last_run_timestamp_seconds"}) == 20


def test_hostile_names_stay_one_label() -> None:
    name = 'a"} 1\nlakepact_up 0 # \\'
    found = samples([replace(BROKEN, contract_id=name)])
    assert value(found, "lakepact_rule_violations", **{**ORDERS, "contract": name}, rule=BROKEN.rule_id,
                 dimension="validity") == 3  # fmt: skip
    assert value(found, "lakepact_up") == 1


def test_names_follow_the_conventions() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"lakepact_[a-z_]+", metric.name)
        assert (metric.kind is MetricKind.COUNTER) == metric.name.endswith("_total")
        assert metric.help.endswith(".")
        assert set(metric.labels) <= {
            *("contract", "object", "dataset", "rule", "dimension", "status"),
            *("verdict", "engine", "level", "state", "version"),
        }


class Source:
    """Results that can be read, or not."""

    def __init__(self) -> None:
        self.results: list[RuleResult] = [BROKEN]
        self.fault: Exception | None = None
        self.reads = 0

    def __call__(self) -> Snapshot:
        self.reads += 1
        if self.fault is not None:
            raise self.fault
        return Snapshot(results=self.results)


def test_a_server_reads_again_and_says_where_it_cannot() -> None:
    source = Source()
    with serve(source, port=0, refresh=0) as address:
        first = exposed(httpx.get(address, trust_env=False).raise_for_status().text)
        source.fault = RemoteUnavailable("the storage is away", "LP992")
        second = exposed(httpx.get(address, trust_env=False).raise_for_status().text)
        source.fault = None
        source.results = []
        third = exposed(httpx.get(address, trust_env=False).raise_for_status().text)
    rule = {**ORDERS, "rule": BROKEN.rule_id, "dimension": "validity"}
    assert [value(each, "lakepact_rule_violations", **rule) for each in (first, second, third)] == [3, 3, None]
    assert [value(each, "lakepact_up") for each in (first, second, third)] == [1, 0, 1]
    assert [value(each, "lakepact_reads_total") for each in (first, second, third)] == [1, 2, 3]
    assert [value(each, "lakepact_read_failures_total") for each in (first, second, third)] == [0, 1, 1]
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


def test_results_are_read_no_more_often_than_said() -> None:
    source, now = Source(), [1000.0]
    collector = ResultsCollector(source, refresh=30, clock=lambda: now[0])
    for moment, reads in ((1000.0, 1), (1000.0, 1), (1029.0, 1), (1030.0, 2), (900.0, 3)):
        now[0] = moment
        list(collector.collect())
        assert source.reads == reads, moment
    source.fault = RemoteUnavailable("the storage is away", "LP992")
    now[0] = 2000.0
    assert _read_at(collector) == [900.0]
    assert collector.failure == "LP992: the storage is away"
    assert _read_at(ResultsCollector(source)) == []


def _read_at(collector: ResultsCollector) -> list[float]:
    families = {family.name: family for family in collector.collect()}
    return [sample.value for sample in families["lakepact_last_read_timestamp_seconds"].samples]


def test_a_fault_that_nobody_foresaw_is_no_old_news() -> None:
    source = Source()
    source.fault = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(ResultsCollector(source).collect())


def test_two_servers_cannot_have_one_port() -> None:
    with serve(Source(), port=0) as address:
        port = int(address.split(":")[2].split("/")[0])
        again = serve(Source(), port=port)
        with pytest.raises(ConfigurationError, match=f"LP996: cannot listen on 127.0.0.1:{port}: "), again:
            pass


def test_a_textfile_is_whole_or_as_it_was(tmp_path: Path) -> None:
    file, source = tmp_path / "lakepact.prom", Source()
    write_textfile(file, source)
    before = file.read_bytes()
    assert value(exposed(before.decode()), "lakepact_up") == 1
    source.fault = RemoteUnavailable("the storage is away", "LP992")
    with pytest.raises(RemoteUnavailable, match="LP992: the storage is away"):
        write_textfile(file, source)
    assert (file.read_bytes(), [each.name for each in tmp_path.iterdir()]) == (before, ["lakepact.prom"])
    with pytest.raises(UsageError, match=r"LP999: '.*metrics.txt' is no file of metrics\n  hint: node_exporter reads"):
        write_textfile(tmp_path / "metrics.txt", Source())
    with pytest.raises(ConfigurationError, match=r"LP999: '.*' cannot be written: No such file or directory"):
        write_textfile(tmp_path / "nowhere" / "a.prom", Source())


def test_a_push_replaces_its_group() -> None:
    source = Source()
    with Pushgateway() as gateway:
        push(f"{gateway.address}/", source, grouping={"instance": "a/b"})
        group = gateway.groups["/metrics/job/lakepact/instance@base64/YS9i"]
        assert (
            value(exposed(group), "lakepact_rule_violations", **ORDERS, rule=BROKEN.rule_id, dimension="validity") == 3
        )
        source.results = []
        push(gateway.address, source, grouping={"instance": "a/b"})
        push(gateway.address, Source(), job="other")
        assert sorted(gateway.groups) == ["/metrics/job/lakepact/instance@base64/YS9i", "/metrics/job/other"]
        assert "lakepact_rule_violations{" not in gateway.groups["/metrics/job/lakepact/instance@base64/YS9i"]


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (400, RemoteFailed, "LP998: the Pushgateway answers 400: no"),
        (401, RemoteFailed, "LP998: the Pushgateway answers 401: no\n  hint: check the address and the password"),
        (503, RemoteUnavailable, "LP998: the Pushgateway answers 503: no\n  hint: try again later"),
        (0, RemoteUnavailable, "LP998: the Pushgateway does not answer: "),
    ],
)
def test_a_gateway_that_refuses_or_hangs_up_is_said(status: int, error: type[Exception], message: str) -> None:
    with Pushgateway(status=status) as gateway, pytest.raises(error, match=f"^{re.escape(message)}"):
        push(gateway.address, Source(), seconds=5)
    with pytest.raises(RemoteUnavailable, match="LP998: the Pushgateway does not answer: "):
        push(gateway.address, Source(), seconds=5)


def test_a_password_goes_by_itself() -> None:
    with Pushgateway(login=("me", "secret")) as gateway:
        push(gateway.address, Source(), auth=("me", "secret"))
        assert len(gateway.groups) == 1
        with pytest.raises(RemoteFailed, match="LP998: the Pushgateway answers 401"):
            push(gateway.address, Source(), auth=("me", "wrong"))
    with pytest.raises(UsageError, match="LP998: the address of a Pushgateway holds a secret\n  hint: give") as caught:
        push("http://me:secret@localhost:1", Source())
    assert "secret@" not in str(caught.value)
    with pytest.raises(UsageError, match="LP998: that is no address of a Pushgateway\n  hint: write http://HOST:9091"):
        push("localhost:9091", Source())


@pytest.fixture(scope="module")
def rules_folder(repository: Path) -> Path:
    return repository / "docs" / "metrics"


def expressions(document: Any) -> list[str]:
    return [rule["expr"] for group in document["groups"] for rule in group["rules"]]


def test_rules_name_metrics_and_labels_that_exist(rules_folder: Path) -> None:
    document = yaml.safe_load((rules_folder / RULES).read_text(encoding="utf-8"))
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    known = {metric.name for metric in METRICS}
    named = {name for text in expressions(document) for name in re.findall(r"\blakepact[a-z_:]*", text)}
    assert named <= known | recorded
    assert {"lakepact_rule_status", "lakepact_sla_status", "lakepact_quarantined_rows", "lakepact_up"} <= named
    labels = {label for metric in METRICS for label in metric.labels}
    for rule in rules:
        texts = [rule["expr"], *rule.get("annotations", {}).values()]
        assert {name for text in texts for name in re.findall(r"\$labels\.(\w+)", text)} <= labels
        assert {name for name in re.findall(r"(\w+)=~?\"", rule["expr"])} <= labels
    states = {*RuleStatus, *LevelState}
    matched = {
        word for text in expressions(document) for words in re.findall(r'"([^"]+)"', text) for word in words.split("|")
    }
    assert matched <= {state.value for state in states}


def test_every_alert_and_recording_has_a_test(rules_folder: Path) -> None:
    document = yaml.safe_load((rules_folder / RULES).read_text(encoding="utf-8"))
    tests = (rules_folder / TESTS).read_text(encoding="utf-8")
    names = {rule.get("alert") or rule["record"] for group in document["groups"] for rule in group["rules"]}
    parsed = yaml.safe_load(tests)
    fired = {
        each["alertname"]
        for test in parsed["tests"]
        for each in test.get("alert_rule_test", ())
        if each.get("exp_alerts")
    }
    quiet = {
        each["alertname"] for test in parsed["tests"] for each in test["alert_rule_test"] if not each.get("exp_alerts")
    }
    computed = {each["expr"] for test in parsed["tests"] for each in test.get("promql_expr_test", ())}
    assert fired | computed == names
    assert fired == quiet
    series = {
        text.partition("{")[0] for test in parsed["tests"] for text in (e["series"] for e in test["input_series"])
    }
    assert series <= {metric.name for metric in METRICS}


@pytest.mark.process
def test_prometheus_runs_the_rules(rules_folder: Path) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool on PATH")
    for command in (["check", "rules", RULES], ["test", "rules", TESTS]):
        ran = subprocess.run([tool, *command], cwd=rules_folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "SUCCESS" in ran.stdout


@pytest.mark.process
def test_prometheus_accepts_the_metrics() -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool on PATH")
    snapshot = Snapshot(
        results=[BROKEN, result(rule_id="b", seconds=1.0)],
        levels=[level(LevelState.MET)],
        quarantined={("a", "b", "c"): 1},
    )
    text = generate_latest(registry_of(lambda: snapshot))
    ran = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert {metric.name for metric in METRICS} == set(re.findall(r"^# TYPE (\w+)", text.decode(), re.MULTILINE))


def test_a_warning_is_no_failure() -> None:
    found = samples([replace(BROKEN, action=Action.WARN, status=RuleStatus.WARN)])
    assert value(found, "lakepact_run_verdict", **ORDERS, verdict="warn") == 1


@pytest.mark.process
@pytest.mark.parametrize(
    ("library", "module", "message"),
    [
        ("prometheus_client", "exporting", "LP997: prometheus-client is not installed\n{} 'lakepact[metrics]'"),
        ("deltalake", "delta", "LP991: deltalake is not installed\n{} 'lakepact[delta]'"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_extra(library: str, module: str, message: str) -> None:
    code = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from lakepact.errors import ExtraMissing\n"
        f"try: import lakepact.results.{module}\n"
        "except ExtraMissing as error: print(error)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (ran.stdout, ran.stderr) == (message.format("  hint: pip install") + "\n", "")
