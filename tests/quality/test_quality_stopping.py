"""What is given up does not go on: queries of DuckDB and jobs of Spark end, whichever engine began them."""

from __future__ import annotations

import datetime as dt
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from foreign_engines import context_of, engine_rules, write_parquet
from planted import planted
from quality_samples import contract, engine_rule

from lakepact.quality.custom import CustomEngine
from lakepact.quality.delegated import Delegate, Finding
from lakepact.quality.engine import EngineContext, FileData, FrameData, QualityEngine
from lakepact.quality.native import Run
from lakepact.quality.opening import open_engine
from lakepact.quality.orchestration import check_quality
from lakepact.quality.running import Task, run_tasks
from lakepact.quality.stopping import GivenUp, Stop, stoppable_jobs
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules import compile_rules

MODULE = "lakepact_example_slow"
# Hours of work, of which nothing is kept.
ENDLESS = "SELECT a.range AS n FROM range(10000000000) a, range(10000000000) b WHERE a.range * b.range = -1"


def soon(happened: Callable[[], bool]) -> bool:
    """Whether it happens within a minute, which is short for what would take hours."""
    for _ in range(600):
        if happened():
            return True
        time.sleep(0.1)
    return False


def threads(name: str) -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == name]


@pytest.fixture(autouse=True)
def slow_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / f"{MODULE}.py").write_text(
        "def relation(data):\n"
        f"    return data.query('t', '{ENDLESS}').fetchall() == []\n"
        "def frame(data):\n"
        "    return data.sparkSession.range(0, 10**14, 1, 2).filter('id % 7 = 8').count() == 0\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop(MODULE, None)


def test_what_is_given_up_is_ended_again_and_again() -> None:
    stop, ended, tries = Stop(), threading.Event(), []

    def end() -> None:
        tries.append(stop.asked)
        if len(tries) == 3:
            ended.set()

    def evaluate() -> tuple[RuleResult, ...]:
        with stop.ending(end):
            ended.wait(60)
        return ()

    (outcome,) = run_tasks([Task("soda", evaluate, stop)], seconds=0.05, parallel=True)
    assert outcome.fault == "the engine soda gave no answer within 0.05 seconds"
    assert soon(lambda: not threads("lakepact-soda") and not threads("lakepact-stop"))
    assert tries == [True, True, True]


def test_what_answers_in_time_is_not_ended() -> None:
    stop = Stop()
    (outcome,) = run_tasks([Task("soda", lambda: (), stop)], seconds=60, parallel=True)
    assert (outcome.fault, stop.asked) == ("", False)


def test_what_cannot_be_ended_hides_nothing_else() -> None:
    stop, seen = Stop(), []

    def gone() -> None:
        seen.append("gone")
        raise ConnectionError("no session")

    with stop.ending(gone), stop.ending(lambda: seen.append("query")):
        stop.end_once()
        stop.end_once()
    stop.end_once()
    assert seen == ["gone", "query", "query"]


def test_what_is_computed_in_python_ends_where_it_asks() -> None:
    stop, said, late = Stop(), [], time.monotonic() + 120

    def evaluate() -> tuple[RuleResult, ...]:
        stop.check()
        try:
            while time.monotonic() < late:
                try:
                    stop.check()
                except Exception:  # as libraries do that go on after errors
                    said.append("goes on")
        except GivenUp:
            said.append("ends")
        return ()

    (outcome,) = run_tasks([Task("python", evaluate, stop)], seconds=0.05, parallel=True)
    assert outcome.fault == "the engine python gave no answer within 0.05 seconds"
    assert soon(lambda: not threads("lakepact-python"))
    assert said == ["ends"]


def test_great_expectations_on_files_end(tmp_path: Path) -> None:
    pytest.importorskip("great_expectations")
    data = write_parquet(tmp_path / "rows.parquet", "id BIGINT", [{"id": 1}])
    large = FileData(paths=(str(tmp_path / "large.parquet"),), format="parquet")
    duckdb.sql(f"COPY (SELECT range AS id FROM range(2000000)) TO '{large.paths[0]}'")
    sample = planted()
    few = engine_rules(sample, "gx", {"type": "expect_table_row_count_to_equal", "value": 1})
    # Some minutes of work.
    between = {"type": "expect_column_values_to_be_between", "column": "id"}
    many = engine_rules(sample, "gx", *(between | {"min_value": -number} for number in range(200)))
    engine, context = open_engine("gx"), context_of(sample)
    assert [each.status for each in engine.evaluate(data, few, context)] == [RuleStatus.PASS]
    task = Task("gx", lambda: engine.evaluate(large, many, context), context.stop)
    (outcome,) = run_tasks([task], seconds=2, parallel=True)
    assert outcome.fault == "the engine gx gave no answer within 2 seconds"
    assert soon(lambda: not threads("lakepact-gx"))
    (after,) = engine.evaluate(data, few, context_of(sample))
    assert after.status is RuleStatus.PASS


def test_a_session_without_tags_runs_as_it_would() -> None:
    class Session:
        sparkContext = None

        def addTag(self, tag: str) -> None:
            raise NotImplementedError

        removeTag = interruptTag = addTag

    stop = Stop()
    with stoppable_jobs(stop, Session()):
        stop.end_once()
    assert stop.asked


def test_what_was_given_up_while_it_waited_is_not_begun() -> None:
    sample = planted()
    context, rules = context_of(sample), engine_rules(sample, "soda", "row_count > 0").engine_rules
    begun: list[str] = []

    def evaluate() -> dict[str, Finding]:
        begun.append("begun")
        return {rule.id: Finding(status=RuleStatus.PASS) for rule in rules}

    delegate = Delegate("soda", "Soda")
    (found,) = delegate.results(rules, context, evaluate)
    assert (found.status, begun) == (RuleStatus.PASS, ["begun"])
    context.stop.end_once()
    (found,) = delegate.results(rules, context, evaluate)
    assert (found.status, found.message) == (RuleStatus.ERROR, "nobody waits for it any more")
    with delegate.lock:
        (found,) = delegate.results(rules, replace(context, seconds=0.01), evaluate)
    assert found.message == "another evaluation by Soda has not ended"
    assert begun == ["begun"]


@pytest.mark.parametrize(
    ("engine", "implementation"),
    [
        ("soda", {"failed rows": {"fail query": ENDLESS}}),
        ("custom", f"{MODULE}:relation"),
    ],
)
def test_queries_of_duckdb_end(tmp_path: Path, engine: str, implementation: Any) -> None:
    if engine == "soda":
        pytest.importorskip("soda_core")
    data = write_parquet(tmp_path / "rows.parquet", "id BIGINT", [{"id": 1}])
    document = contract({**engine_rule(engine, "slow"), "implementation": implementation}, own=False)
    settings = {"custom": {"allow": [f"{MODULE}.*"]}}
    # Once in good time, so that the library is imported before its time runs.
    check_quality(data, contract(engine_rule(engine, "x"), own=False), engines=[engine], settings=settings)
    report = check_quality(data, document, engines=[engine], settings=settings, seconds=1)
    (found,) = report.violations
    assert found.status is RuleStatus.ERROR
    assert re.search("no answer within 1 seconds|longer than 1 s; its queries are ended", found.message)
    assert soon(lambda: not threads(f"lakepact-{engine}") and not threads("lakepact-check"))


def test_a_check_that_is_not_begun_is_not_begun(tmp_path: Path) -> None:
    data = write_parquet(tmp_path / "rows.parquet", "id BIGINT", [{"id": 1}])
    sample = planted()
    context = context_of(sample)
    context.stop.end_once()
    (found,) = CustomEngine([f"{MODULE}.*"]).evaluate(
        data, engine_rules(sample, "custom", f"{MODULE}:relation"), context
    )
    assert (found.status, found.message) == (RuleStatus.ERROR, "nobody waits for it any more")


def active(spark: Any) -> set[int]:
    return set(spark.sparkContext.statusTracker().getActiveJobsIds())


def views(spark: Any) -> set[str]:
    """The temporary views of lakepact, of which a governed read that is filtered leaves one to its reader."""
    return {row.tableName for row in spark.sql("SHOW TABLES").collect() if row.tableName.startswith("_lakepact_")}


@pytest.fixture
def idle(spark: Any) -> Iterator[Any]:
    """The session, which is left without jobs."""
    yield spark
    if active(spark):
        spark.sparkContext.cancelAllJobs()


@pytest.mark.spark
def test_the_cluster_is_idle_after_the_limit(idle: Any) -> None:
    slow = idle.range(0, 10**14, 1, 2).selectExpr("CAST(id AS STRING) AS id")
    report = check_quality(FrameData(slow), contract(), seconds=1.5)
    assert report.results[1].message == "the engine native gave no answer within 1.5 seconds"
    assert soon(lambda: not threads("lakepact-native") and not active(idle))
    # Its tag went with it: who works in the session now is not ended.
    assert idle.range(3).count() == 3


SLOW_RULES: dict[str, Any] = {
    "soda": {"failed rows": {"fail condition": "id % 7 = 8"}},
    "gx": {"type": "expect_column_values_to_be_between", "column": "id", "min_value": 0},
    "custom": f"{MODULE}:frame",
}


@pytest.mark.spark
@pytest.mark.parametrize("engine", ["native", "connect", *SLOW_RULES])
def test_jobs_of_each_engine_end(idle: Any, local_session: Any, engine: str) -> None:
    if engine in ("soda", "gx"):
        pytest.importorskip({"soda": "soda_core", "gx": "great_expectations"}[engine])
    session = local_session.connect if engine == "connect" else idle
    frame = session.range(0, 10**14, 1, 2)
    name = "custom" if engine == "connect" else engine
    own = [{**engine_rule(name, "slow"), "implementation": SLOW_RULES[name]}] if name in SLOW_RULES else []
    evaluation = Evaluation(open_engine(name, {"allow": [f"{MODULE}.*"]} if name == "custom" else {}), frame, own)
    before, known = active(idle), views(idle)
    evaluation.start()
    assert soon(lambda: bool(active(idle) - before) or not evaluation.is_alive())
    evaluation.context.stop.end(evaluation)
    assert soon(lambda: not evaluation.is_alive() and not threads("lakepact-check") and not active(idle))
    assert evaluation.ended
    assert views(idle) <= known


class Evaluation(threading.Thread):
    """An evaluation of a slow frame as the orchestrator runs it; `ended` says that it did not come to its end."""

    def __init__(self, engine: QualityEngine, frame: Any, own: list[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        document = contract(*own, own=not own, kind="integer")
        run = Run(run_id="r", contract=document, dataset="d", clock=lambda: dt.datetime(2024, 5, 1, tzinfo=dt.UTC))
        self.context = EngineContext(run=run)
        self.ended = False
        self._engine, self._frame, self._rules = engine, frame, compile_rules(document).objects[0]

    def run(self) -> None:
        try:
            with stoppable_jobs(self.context.stop, self._frame.sparkSession):
                found = self._engine.evaluate(FrameData(self._frame), self._rules, self.context)
                self.ended = {each.status for each in found} == {RuleStatus.ERROR}
        except Exception:
            self.ended = True


def test_the_stack_of_java_is_not_told() -> None:
    def evaluate() -> tuple[RuleResult, ...]:
        raise RuntimeError("An error occurred while calling o1.load.\n: java.io.IOException: gone\n\tat A.b(A.java:1)")

    (outcome,) = run_tasks([Task("native", evaluate)], seconds=60, parallel=True)
    assert outcome.fault == "the engine native failed: RuntimeError: java.io.IOException: gone"
