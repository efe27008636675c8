"""Old results go, by whole days; what their days say stays."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import deltalake
import pytest

from lakepact.cli import main
from lakepact.errors import UsageError
from lakepact.results.reading import read_results
from lakepact.results.recording import record_results
from lakepact.results.retention import Pruned, prune_results
from lakepact.results.rollups import daily_rollups, roll_up
from result_samples import NOON, result

DAY = dt.timedelta(days=1)
LATER = NOON + dt.timedelta(minutes=1)


def test_results_go_by_whole_days_and_their_days_stay(tmp_path: Path) -> None:
    moments = [NOON, NOON - DAY, NOON - 2 * DAY, NOON.replace(hour=23, minute=59) - 3 * DAY, NOON - 30 * DAY]
    record_results(tmp_path, [result(run_id=f"r{number}", at=at) for number, at in enumerate(moments)], key="all")
    before = daily_rollups(tmp_path)
    planned = prune_results(tmp_path, 2 * DAY, now=LATER, dry_run=True)
    old = (dt.date(2024, 4, 1), dt.date(2024, 4, 28))
    assert planned == Pruned(before=dt.date(2024, 4, 29), results=2, days=old, computed=old, left=())
    assert [each.name for each in tmp_path.iterdir()] == ["rule_results"]
    assert len(read_results(tmp_path)) == 5
    # A table that refuses to forget is told to do so no longer, and only when something goes.
    assert _append_only(tmp_path) == "true"
    assert prune_results(tmp_path, 2 * DAY, now=LATER) == planned
    assert _append_only(tmp_path) == "false"
    assert [each.run_id for each in read_results(tmp_path)] == ["r2", "r1", "r0"]
    assert daily_rollups(tmp_path) == before
    assert prune_results(tmp_path, 2 * DAY, now=LATER) == replace(planned, results=0, days=(), computed=())
    # What comes then is recorded as ever, and a day that was computed is removed as it is.
    record_results(tmp_path, [result(run_id="more")], key="more")
    assert len(roll_up(tmp_path, since=dt.date(1970, 1, 1))) == 3
    done = prune_results(tmp_path, 2 * DAY, now=NOON + 3 * DAY)
    assert (done.results, len(done.days), done.computed) == (4, 3, ())
    assert [each.runs for each in daily_rollups(tmp_path)] == [1, 1, 1, 1, 2]


def test_results_that_come_after_their_day_has_gone_take_nothing_away(tmp_path: Path) -> None:
    record_results(tmp_path, [result(run_id=f"r{number}") for number in range(3)], key="all")
    prune_results(tmp_path, 2 * DAY, now=NOON + 9 * DAY)
    whole = daily_rollups(tmp_path)
    record_results(tmp_path, [result(run_id="late")], key="late")
    done = prune_results(tmp_path, 2 * DAY, now=NOON + 9 * DAY)
    assert (done.results, done.computed) == (1, ())
    assert daily_rollups(tmp_path) == whole
    # Nor are they lost where the row of their day lacks them: they stay, and other days go.
    late = [result(run_id="later"), result(run_id="later", rule_id="new"), result(run_id="next", at=NOON + DAY)]
    record_results(tmp_path, late, key="later")
    done = prune_results(tmp_path, 2 * DAY, now=NOON + 9 * DAY)
    assert (done.results, done.days, done.left) == (1, ((NOON + DAY).date(),), (NOON.date(),))
    assert len(read_results(tmp_path)) == 2
    found = [(each.rule_id, each.runs) for each in daily_rollups(tmp_path)]
    assert found == [("new", 1), ("orders.amount.minimum", 3), ("orders.amount.minimum", 1)]


def test_young_results_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^LP994: results cannot be removed .* that young\n  hint: give 2 days or more"
    ):
        prune_results(tmp_path, 2 * DAY - dt.timedelta(seconds=1))


def test_the_command_says_what_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = dt.datetime.now(dt.UTC)
    record_results(tmp_path, [result(run_id="new", at=now), result(at=now - 400 * DAY), result()], key="all")
    words = ["results", "prune", "--results", str(tmp_path)]
    assert main([*words, "--older-than", "999999d"]) == 0
    assert capsys.readouterr() == ("", "no results to remove from before 1970-01-01\n")
    assert main([*words, "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert planned.startswith("2 results of 2 days would be removed: before 20")
    assert planned.endswith(", 2 days computed first\n")
    assert main([*words, "--older-than", "90d", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    days = ["2024-05-01", (now - 400 * DAY).date().isoformat()]
    assert (said["results"], said["days"], said["computed"], said["left"]) == (2, days, days, [])
    assert [each.run_id for each in read_results(tmp_path)] == ["new"]
    assert main([*words, "--older-than", "3 months"]) == 2
    assert capsys.readouterr().err.startswith("error LP952: '3 months' is no duration")


def _append_only(place: Path) -> str | None:
    return deltalake.DeltaTable(place / "rule_results").metadata().configuration.get("delta.appendOnly")
