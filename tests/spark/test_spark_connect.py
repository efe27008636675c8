"""pyspark and databricks-connect exclude each other, and that is said before anything is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakepact.errors import EnvironmentLacking
from lakepact.spark.connect import active_session, require_local_pyspark, spark_distributions


def _install(site: Path, name: str, version: str) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_pyspark_alone_is_fine() -> None:
    require_local_pyspark()
    assert spark_distributions() == ("pyspark 4.2.0",)


def test_databricks_connect_beside_pyspark_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _install(tmp_path, "databricks-connect", "17.3.15")
    monkeypatch.syspath_prepend(str(tmp_path))
    expected = (
        r"^LP603: databricks-connect and pyspark overwrite each other's files "
        r"\(installed: databricks-connect 17\.3\.15, pyspark 4\.2\.0\)\n"
        r"  hint: use one environment for lakepact\[local\]"
    )
    with pytest.raises(EnvironmentLacking, match=expected):
        require_local_pyspark()


@pytest.mark.spark
def test_the_active_session_is_taken_first(spark: object) -> None:
    assert active_session() is not None
