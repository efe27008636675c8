"""Results mean the same wherever they are: at a path, in a schema of the session, and behind a SQL warehouse."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakepact.cli import main
from lakepact.errors import ConfigurationError, LakepactError, RemoteFailed
from lakepact.results import RuleResult, RuleStatus
from lakepact.results.catalog import CatalogPlace
from lakepact.results.opening import open_results
from lakepact.results.reading import ResultFilter, read_last_results, read_recent_results, read_results
from lakepact.results.recording import record_results
from lakepact.results.retention import prune_results
from lakepact.results.rollups import daily_rollups, roll_up
from lakepact.results.table import ResultColumn
from lakepact.store.sql_statements import Parameter, StatementFailed, condition_of
from result_samples import NOON, result

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
_NUMBERS = itertools.count(1)
ODD = result(
    run_id="odd",
    contract_id="it's \\ ${x} `\U0001f600",
    at=NOON - 3 * DAY + dt.timedelta(microseconds=123456),
    violations=3,
    tested=10**12,
    value="12",
    threshold="mustBe 12",
    dimension="validity",
    severity="error",
    seconds=0.5,
    sample="t",
    message="3 rows",
)
DOCUMENT = """apiVersion: v3.1.0
kind: DataContract
id: sales.orders
version: 1.0.0
schema: [{name: orders}]
slaProperties: [{property: frequency, value: 1, unit: d}]
"""


def recorded() -> list[RuleResult]:
    """Ten days with a last one that stands out, moments around midnight, engines, versions and a silent dataset."""
    days = [
        result(
            run_id=f"r{ago}",
            at=NOON - ago * DAY,
            violations=50 if ago == 0 else ago % 2,
            tested=100,
            status=RuleStatus.FAIL if ago == 0 else RuleStatus.PASS,
            seconds=0.25,
            contract_version="1.0.0" if ago else "1.1.0",
        )
        for ago in range(10)
    ]
    late = dt.datetime(2024, 4, 30, 23, 59, 59, 999999, tzinfo=dt.UTC)
    return [
        *days,
        ODD,
        replace(days[0], engine="soda", rule_id="orders.age", value="NaN", violations=None, tested=None),
        result(run_id="late", rule_id="midnight", at=late, value="2.5"),
        result(run_id="early", rule_id="midnight", at=late + dt.timedelta(microseconds=1), value="7"),
        result(run_id="old", dataset="dev.orders", at=NOON - 100 * DAY),
        result(run_id="older", dataset="dev.orders", at=NOON - 101 * DAY),
        result(run_id="oldest", dataset="dev.orders", at=NOON - 150 * DAY),
    ]


@pytest.fixture
def schema(spark: Any, tmp_path: Path) -> Iterator[str]:
    """A schema of the session, whose time zone is far from UTC."""
    from lakepact.sql import identifier, string

    name = f"places_{next(_NUMBERS)}"
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.sql(f"CREATE SCHEMA {identifier(name)} LOCATION {string(str(tmp_path / name))}")
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        yield name
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone)
        spark.sql(f"DROP SCHEMA {identifier(name)} CASCADE")


@pytest.fixture(
    params=[
        "path",
        pytest.param("session", marks=pytest.mark.spark),
        pytest.param("warehouse", marks=pytest.mark.spark),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a place without results, of each kind."""
    if request.param == "path":
        yield str(tmp_path / "results")
        return
    name = request.getfixturevalue("schema")
    if request.param == "session":
        yield f"spark:{name}"
        return
    pytest.importorskip("databricks.sdk")
    from lakepact.testing.workspace_statements import WorkspaceStatements

    for variable in [variable for variable in os.environ if variable.startswith("DATABRICKS_")]:
        monkeypatch.delenv(variable)
    with WorkspaceStatements(request.getfixturevalue("spark")) as workspace:
        monkeypatch.setenv("DATABRICKS_HOST", workspace.url)
        monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token)
        monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
        yield f"uc:main.{name}?warehouse={workspace.warehouse}"


def test_a_place_answers_as_a_path_does(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP990: there is no table of results in '"):
        read_results(place)
    other, found = str(tmp_path / "other"), recorded()
    for where in (place, other):
        record_results(where, found, key="all")
    assert read_results(place) == tuple(sorted(found, key=lambda each: (each.at, each.run_id, each.rule_id)))
    for ask in _QUESTIONS:
        assert ask(place) == ask(other)
    assert _said(place, capsys) == _said(other, capsys)
    assert open_results(place).has_daily()
    # What is there already is replaced, and what was not computed again is left alone.
    more = [result(run_id="more", violations=1, tested=100), result(run_id="late", at=NOON - 100 * DAY)]
    record_results(place, more, key="more")
    record_results(other, more, key="more")
    assert roll_up(place) == roll_up(other) == tuple(dt.date(2024, 4, 29) + n * DAY for n in range(3))
    assert roll_up(place, since=dt.date(2024, 6, 1)) == ()
    kept = open_results(place).rows("SELECT `day`, `runs` FROM results", _DAYS, daily=True)
    assert (sum(each["runs"] for each in kept), max(each["day"] for each in kept)) == (18, dt.date(2024, 5, 1))
    done = prune_results(place, 5 * DAY, now=NOON)
    assert done == prune_results(other, 5 * DAY, now=NOON)
    assert (done.results, len(done.days), done.computed) == (8, 7, (dt.date(2024, 1, 22),))
    assert read_results(place) == read_results(other)
    assert daily_rollups(place) == daily_rollups(other)


@pytest.mark.parametrize("place", [pytest.param("warehouse", marks=pytest.mark.spark)], indirect=True)
def test_metrics_are_those_of_a_path(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("orders.odcs.yaml").write_text(DOCUMENT)
    now = dt.datetime.now(dt.UTC)
    found = [
        result(at=now - HOUR, status=RuleStatus.FAIL, violations=3, tested=10, seconds=0.5),
        result(at=now - HOUR, rule_id="b", engine="soda", dimension="validity", value="2", seconds=0.25),
        result(at=now - 31 * DAY, run_id="old", rule_id="old"),
    ]
    texts = []
    for where in (place, "other"):
        record_results(where, found, key="all")
        assert main(["metrics", "textfile", "a.prom", "--results", where, "--contract", "orders.odcs.yaml"]) == 0
        texts.append([line for line in Path("a.prom").read_text().splitlines() if "_read_timestamp_" not in line])
    assert texts[0] == texts[1]
    assert {_SECONDS.format("native", 0.5), _SECONDS.format("soda", 0.25), _MET} <= set(texts[0])


_SECONDS = (
    'lakepact_check_duration_seconds{{contract="sales.orders",dataset="main.sales.orders",engine="{}",'
    'object="orders"}} {}'
)
_MET = (
    'lakepact_sla_status{contract="sales.orders",dataset="main.sales.orders",level="frequency",object="orders",'
    'state="met"} 1.0'
)
_DAYS = [ResultColumn("day", "DATE", ""), ResultColumn("runs", "BIGINT", "")]
_QUESTIONS: list[Callable[[str], Any]] = [
    lambda place: read_results(place, ResultFilter(contract=ODD.contract_id, since=NOON - 4 * DAY, until=NOON)),
    lambda place: set(read_last_results(place, ResultFilter(until=NOON + HOUR))),
    lambda place: read_recent_results(place, ResultFilter(until=NOON - DAY, contract="sales.orders"), window=3 * DAY),
    daily_rollups,
]


def _said(place: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[int, str, str]]:
    """What the commands print."""
    said = []
    # What Spark's logger says of the table that was not there.
    capsys.readouterr()
    for words in (
        ["results", "trend", "--at", "2024-05-01T18:00:00Z", "--ascii"],
        ["results", "rollup", "--json"],
    ):
        code = main([*words, "--results", place])
        captured = capsys.readouterr()
        said.append((code, captured.out, captured.err))
    assert "hint: violation rate 0.5 on 2024-05-01" in said[0][1]
    assert [code for code, *_ in said] == [0, 0]
    return said


class Refusing:
    """A schema in which `what` of the statements that hold `part` are refused; others answer with `rows`."""

    def __init__(self, part: str, *refusals: str, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        self._part = part
        self._refusals = list(refusals)
        self._rows = rows
        self.texts: list[str] = []

    def run(self, text: str, parameters: Mapping[str, Parameter]) -> Sequence[Mapping[str, Any]]:
        self.texts.append(text)
        if self._part in text and self._refusals:
            words = self._refusals.pop(0)
            raise StatementFailed(condition_of(words), words)
        return self._rows


def refusing(part: str, *refusals: str, rows: Sequence[Mapping[str, Any]] = ()) -> tuple[CatalogPlace, Refusing]:
    statements = Refusing(part, *refusals, rows=rows)
    return CatalogPlace(statements, ("main", "lake"), location="uc:main.lake", pause=lambda _: None), statements


_BUSY = "[DELTA_CONCURRENT_APPEND.WITH_PARTITION_HINT] somebody else was first"
_DENIED = "[INSUFFICIENT_PERMISSIONS] User does not have SELECT on Table 'rule_results'."


def test_days_that_somebody_else_replaces_are_replaced_again() -> None:
    place, statements = refusing("REPLACE WHERE", _BUSY, _BUSY, rows=[{"day": "19844"}])
    assert roll_up(place, since=dt.date(2024, 5, 1)) == (dt.date(2024, 5, 1),)
    assert sum("REPLACE WHERE `day` IN (DATE'2024-05-01')" in each for each in statements.texts) == 3
    place, statements = refusing("REPLACE WHERE", *[_BUSY] * 50, rows=[{"day": 19844}])
    with pytest.raises(RemoteFailed, match=r"^LP992: the results in 'uc:main.lake' cannot be used: .*somebody else"):
        roll_up(place, since=dt.date(2024, 5, 1))
    assert sum("REPLACE WHERE" in each for each in statements.texts) == 20


def test_results_that_somebody_else_is_in_the_way_of_are_removed_again() -> None:
    refuses = "[DELTA_CANNOT_MODIFY_APPEND_ONLY] This table is configured to only allow appends."
    place, statements = refusing("DELETE", refuses, _BUSY)
    place.remove([dt.date(2024, 5, 1), dt.date(2024, 4, 29)])
    assert [each.split(" WHERE ")[0] for each in statements.texts] == [
        "DELETE FROM `main`.`lake`.`rule_results`",
        "ALTER TABLE `main`.`lake`.`rule_results` SET TBLPROPERTIES ('delta.appendOnly' = 'false')",
        *["DELETE FROM `main`.`lake`.`rule_results`"] * 2,
    ]
    assert statements.texts[-1].endswith("IN (DATE'2024-05-01', DATE'2024-04-29')")


def test_results_that_somebody_else_is_in_the_way_of_are_recorded_again() -> None:
    place, statements = refusing("MERGE", _BUSY)
    record_results(place, [result()], key="one")
    assert [each.split()[0] for each in statements.texts] == ["MERGE", "MERGE"]


def test_what_a_catalog_refuses_is_said() -> None:
    place, _ = refusing("SHOW TABLES", _DENIED)
    for ask in (read_results, daily_rollups):
        with pytest.raises(LakepactError, match=r"^LP992: the results in 'uc:main.lake' cannot be used: \[INSUFF"):
            ask(refusing("`rule_results`", _DENIED)[0])
    with pytest.raises(RemoteFailed, match=r"cannot be used: .*\n  hint: check that you may use the catalog"):
        place.has_daily()
    absent, _ = refusing("", "[SCHEMA_NOT_FOUND] The schema `main`.`lake` cannot be found.")
    with pytest.raises(
        ConfigurationError, match=r"^LP990: there is no table of results in 'uc:main.lake'\n  hint: name"
    ):
        roll_up(absent)


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("spark:main.lakepact.rule_results", 2, "error LP877: 'spark:main.lakepact.rule_results' names no schema"),
        ("uc:main.lakepact", 2, "error LP877: the address names no SQL warehouse"),
        ("uc:main.lakepact?warehouse=0123456789abcdef", 3, "error LP876: there is no login to a workspace"),
        ("unity:main.lakepact", 3, "error LP990: there is no table of results in 'unity:main.lakepact'"),
    ],
)
def test_a_place_that_is_none_is_said_before_anything_is_done(
    address: str,
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in [variable for variable in os.environ if variable.startswith("DATABRICKS_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    for words in (["results", "trend"], ["results", "rollup"], ["metrics", "textfile", "a.prom"]):
        assert main([*words, "--results", address]) == code, words
        assert capsys.readouterr().err.startswith(said)
    assert list(tmp_path.iterdir()) == []
