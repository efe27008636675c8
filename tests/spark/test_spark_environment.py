"""Environment variables come and go with what needs them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lakepact.spark.environment import ScopedEnvironment, cache_folder


def test_restore_puts_back_what_was_set_and_removes_what_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEPACT_T1", "before")
    monkeypatch.delenv("LAKEPACT_T2", raising=False)
    monkeypatch.setenv("LAKEPACT_T3", "hidden")
    scope = ScopedEnvironment()
    scope.set({"LAKEPACT_T1": "a", "LAKEPACT_T2": "b", "LAKEPACT_T3": None})
    assert (os.environ["LAKEPACT_T1"], os.environ["LAKEPACT_T2"]) == ("a", "b")
    assert "LAKEPACT_T3" not in os.environ
    scope.restore()
    assert (os.environ["LAKEPACT_T1"], os.environ["LAKEPACT_T3"]) == ("before", "hidden")
    assert "LAKEPACT_T2" not in os.environ


def test_setting_the_same_variable_twice_restores_the_first_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEPACT_T1", "before")
    scope = ScopedEnvironment()
    scope.set({"LAKEPACT_T1": "a"})
    scope.set({"LAKEPACT_T1": "b"})
    scope.restore()
    assert os.environ["LAKEPACT_T1"] == "before"


def test_what_somebody_else_changed_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEPACT_T1", "before")
    scope = ScopedEnvironment()
    scope.set({"LAKEPACT_T1": "ours"})
    monkeypatch.setenv("LAKEPACT_T1", "theirs")
    scope.restore()
    assert os.environ["LAKEPACT_T1"] == "theirs"


def test_a_watched_variable_goes_back_whoever_changed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEPACT_T1", "before")
    monkeypatch.delenv("LAKEPACT_T2", raising=False)
    scope = ScopedEnvironment()
    scope.watch(["LAKEPACT_T1", "LAKEPACT_T2"])
    os.environ.update({"LAKEPACT_T1": "theirs", "LAKEPACT_T2": "theirs"})
    scope.restore()
    assert os.environ["LAKEPACT_T1"] == "before"
    assert "LAKEPACT_T2" not in os.environ


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LAKEPACT_CACHE", raising=False)
    assert cache_folder() == tmp_path / "lakepact"
    monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
