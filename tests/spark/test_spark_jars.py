"""The Delta jars are fetched once, kept whole, and found again without a network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from lakepact.errors import EnvironmentLacking
from lakepact.spark.jars import cached_delta_jars, delta_coordinates, delta_jars, keep_jars

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("LAKEPACT_JARS", raising=False)
    monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _resolved(folder: Path) -> list[Path]:
    folder.mkdir()
    jars = [folder / "io.delta_delta-spark_4.2_2.13-4.4.0.jar", folder / "io.delta_delta-storage-4.4.0.jar"]
    for jar in jars:
        jar.write_bytes(b"jar")
    return jars


def test_the_coordinates_are_those_of_delta_spark_itself() -> None:
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    builder = configure_spark_with_delta_pip(SparkSession.Builder())
    assert builder._options["spark.jars.packages"] == delta_coordinates()


def test_the_second_call_resolves_nothing(cache: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def resolve(coordinates: str) -> Sequence[Path]:
        asked.append(coordinates)
        return _resolved(tmp_path / "ivy")

    first = delta_jars(resolve)
    second = delta_jars(resolve)
    assert asked == [DELTA]
    assert first == second
    assert [jar.name for jar in first] == [jar.name for jar in sorted((tmp_path / "ivy").iterdir())]
    assert {jar.parent for jar in first} == {cache / "jars" / "io.delta_delta-spark_4.2_2.13_4.4.0"}


def test_jars_that_another_process_kept_meanwhile_are_used(cache: Path, tmp_path: Path) -> None:
    folder = cache / "jars" / "x"
    first = keep_jars(_resolved(tmp_path / "one"), folder, DELTA)
    assert keep_jars(_resolved(tmp_path / "two"), folder, DELTA) == first
    assert [entry.name for entry in folder.parent.iterdir()] == ["x"]


def test_a_copy_that_fails_leaves_nothing_half_kept(cache: Path, tmp_path: Path) -> None:
    jars = _resolved(tmp_path / "ivy")
    jars[1].unlink()
    with pytest.raises(EnvironmentLacking, match=f"^LP604: the Delta Lake jars {re.escape(DELTA)} cannot be fetched"):
        keep_jars(jars, cache / "jars" / "x", DELTA)
    assert list((cache / "jars").iterdir()) == []


def test_what_the_resolver_says_is_in_the_error(cache: Path) -> None:
    def resolve(coordinates: str) -> Sequence[Path]:
        raise EnvironmentLacking(
            message="no start", code="LP605", facts={"log": ("::", "unresolved dependency: io.delta: not found")}
        )

    with pytest.raises(EnvironmentLacking, match=r"\(unresolved dependency: io.delta: not found\)") as caught:
        delta_jars(resolve)
    assert caught.value.code == "LP604"
    assert caught.value.facts["coordinates"] == DELTA
    assert "LAKEPACT_JARS" in caught.value.hint


def test_a_folder_of_jars_can_be_given(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jars = _resolved(tmp_path / "given")
    monkeypatch.setenv("LAKEPACT_JARS", str(tmp_path / "given"))
    assert cached_delta_jars(DELTA) == tuple(jars)
    jars[0].unlink()
    with pytest.raises(EnvironmentLacking, match=r"given holds no delta-spark jar\)"):
        cached_delta_jars(DELTA)
