"""The doctor names what is there, what is missing, and how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakepact.spark.doctor import Finding, diagnose


def _finding(what: str, folder: Path | None = None) -> Finding:
    return next(finding for finding in diagnose(folder) if finding.what == what)


def test_what_this_suite_runs_on_lacks_nothing_required() -> None:
    assert [finding for finding in diagnose() if finding.required and not finding.ok] == []


def test_a_java_that_can_be_fetched_is_no_obstacle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    java = _finding("Java")
    assert (java.ok, java.detail) == (True, "none yet")
    assert java.how.startswith("none needed: the first run fetches one into your cache; or install it with ")


def test_databricks_connect_in_the_way_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    info = tmp_path / "databricks_connect-17.3.15.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: databricks-connect\nVersion: 17.3.15\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = _finding("pyspark")
    assert not found.ok
    assert "overwrite each other's files" in found.detail
    assert "pip uninstall" in found.how


def test_jars_that_are_yet_to_be_fetched_are_announced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path))
    monkeypatch.delenv("LAKEPACT_JARS", raising=False)
    found = _finding("Delta Lake jars")
    assert (found.ok, found.detail) == (True, "io.delta:delta-spark_4.2_2.13:4.4.0 not fetched yet")
    monkeypatch.setenv("LAKEPACT_JARS", str(tmp_path))
    assert not _finding("Delta Lake jars").ok


def test_the_disk_of_a_folder_that_is_yet_to_be_made_is_that_of_its_parent(tmp_path: Path) -> None:
    assert _finding("disk for tables", tmp_path / "not" / "yet").detail.endswith(f"free in {tmp_path}")


def test_an_optional_package_that_is_missing_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = _finding("databricks-sdk")
    assert not sdk.required
    assert sdk.ok or sdk.how == "pip install 'lakepact[databricks]'"
