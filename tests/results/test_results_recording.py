"""Recording results at a path and in a catalog: what was recorded is read, and once."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import pytest

from lakepact.errors import RemoteFailed
from lakepact.results import RuleStatus
from lakepact.results.reading import read_results
from lakepact.results.recording import record_results
from lakepact.results.table import append_results
from result_samples import NOON, result

FULL = result(
    run_id="r2",
    contract_id="it's \\ ${x} `\U0001f600",
    at=NOON + dt.timedelta(microseconds=123456),
    status=RuleStatus.FAIL,
    violations=3,
    tested=10**12,
    value="12",
    threshold="mustBe 12",
    message="3 'rows'",
)


def test_a_path_gets_every_result_once(tmp_path: Path) -> None:
    place = str(tmp_path)
    record_results(place, [], key="nothing")
    assert not list(tmp_path.iterdir())
    for key, rows in (("one", [result()]), ("two", [FULL]), ("one", [result()])):
        record_results(place, rows, key=key)
    assert read_results(place) == (result(), FULL)


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RemoteFailed, match=r"^LP992: the results in '.+/file/lake' cannot be used: "):
        record_results(f"{tmp_path}/file/lake", [result()], key="one")


@pytest.mark.spark
def test_a_schema_of_the_session_gets_every_result_once(spark: Any) -> None:
    schema = f"recorded_{uuid.uuid4().hex[:8]}"
    place = f"spark:{schema}"
    with pytest.raises(
        RemoteFailed, match=rf"^LP992: the results of 'one' cannot be recorded in '{place}': .*SCHEMA_NOT_"
    ):
        record_results(place, [result()], key="one")
    spark.sql(f"CREATE SCHEMA {schema}")
    try:
        append_results(spark, [schema], [result(run_id="r0")], key="there")
        for key, rows in (("one", [result(run_id="r1")]), ("two", [FULL]), ("two", [FULL])):
            record_results(place, rows, key=key)
        assert read_results(place) == (result(run_id="r0"), result(run_id="r1"), FULL)
    finally:
        spark.sql(f"DROP SCHEMA {schema} CASCADE")
