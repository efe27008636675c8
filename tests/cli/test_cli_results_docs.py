"""What docs/results.md shows is what the commands print."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lakepact.cli import main
from lakepact.results import RuleResult, RuleStatus
from lakepact.rules.model import Action
from result_samples import result, write_results

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: sales.orders
version: 1.0.0
schema:
- name: orders
  properties:
  - {name: ts, logicalType: timestamp}
slaProperties:
- {property: latency, value: 4, unit: h, element: orders.ts}
- {property: frequency, value: 1, unit: d, scheduler: cron, schedule: 0 1 * * *}
"""
RULE = "orders.amount.minimum"
LAST = dt.datetime(2024, 5, 1, 11, tzinfo=dt.UTC)


@pytest.fixture
def blocks(repository: Path) -> Sequence[str]:
    """What the page shows as printed, in order."""
    page = (repository / "docs" / "results.md").read_text(encoding="utf-8")
    return [each.rstrip("\n") for each in re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)]


def test_the_page_shows_what_is_printed(
    blocks: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("contracts").mkdir()
    Path("contracts/orders.odcs.yaml").write_text(CONTRACT)
    monkeypatch.setenv("LAKEPACT_RESULTS", str(write_results(tmp_path / "lake", _days(35, LAST))))
    at = ("--at", "2024-05-01T18:00Z")
    trend, rollup, prune, levels, metrics = blocks
    assert _printed(capsys, "results", "trend", "--contract", "sales.orders", *at, "--rule", RULE) == trend
    assert _printed(capsys, "results", "rollup") + "\n" + _printed(capsys, "results", "rollup") == rollup
    assert _printed(capsys, "sla", "status", "contracts/orders.odcs.yaml", *at, code=1) == levels
    # Metrics are of now: the same results, as if they had come in the last days.
    now = dt.datetime.now(dt.UTC)
    monkeypatch.setenv("LAKEPACT_RESULTS", str(write_results(tmp_path / "now", _days(35, now - dt.timedelta(hours=7)))))
    _printed(capsys, "metrics", "textfile", "lakepact.prom", "--contract", "contracts/orders.odcs.yaml")
    assert set(metrics.splitlines()) <= set(Path("lakepact.prom").read_text().splitlines())
    # So is what is pruned: all but the date is the same every day.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monkeypatch.setenv("LAKEPACT_RESULTS", str(write_results(tmp_path / "old", _days(95, midnight))))
    pruned = [_printed(capsys, "results", "prune", "--older-than", "90d", *words) for words in (["--dry-run"], [])]
    assert _dateless("\n".join(pruned)) == _dateless(prune)


def _dateless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d", "DATE", text)


def _days(count: int, last: dt.datetime) -> list[RuleResult]:
    found: list[RuleResult] = []
    for ago in range(count):
        broken = 1609 if not ago else 90 + 37 * ago % 41
        said: dict[str, Any] = {
            "run_id": f"run-{count - ago}",
            "at": last - dt.timedelta(days=ago),
            "action": Action.WARN,
        }
        found.append(
            result(
                **said, rule_id=RULE, violations=broken, tested=100_000, status=RuleStatus.WARN, dimension="validity"
            )
        )
        found.append(result(**said, rule_id="orders.ts.sla.latency", value="600"))
    return found


def _printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    return capsys.readouterr().out.rstrip("\n")
