"""The rerun job: from an event to a version in force and pipelines that ran, each once."""

from __future__ import annotations

from pathlib import Path

from rerun_samples import ORDERS, REPORT, World, contract_of

from lakepact.project import load_project
from lakepact.rerun import InboxState
from lakepact.rerun.adopting import StoreSource
from lakepact.rerun.bindings import bindings_of
from lakepact.rerun.job import poll
from lakepact.rerun.runner import RunState
from lakepact.store import Status, open_store

PROJECT = """\
version: 1
contracts: [orders.odcs.yaml]
environments:
  local: {catalog: spark_catalog, schema: shop, storage: .lakepact}
pipelines:
  orders:
    contract: orders
    configuration: {lakepact.rerun.refresh: "orders, total,orders,"}
    objects: {orders: {path: orders.csv, format: csv}}
  report:
    contract: orders
    objects: {orders: {path: orders.csv, format: csv}}
"""


def test_a_validated_version_comes_into_force_and_its_pipelines_run() -> None:
    world = World()
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    (done,) = world.job.work()
    assert (done.state, done.version, done.ran, done.reason) == (InboxState.DONE, "1.0.0", ("orders", "report"), "")
    assert world.in_force() == "1.0.0"
    assert world.store.get("orders", "1.0.0").source == contract_of("1.0.0").source
    assert [each.pipeline for each in world.runner.started] == ["orders", "report"]
    assert [(each.pipeline, each.outcome.state) for each in world.reports.seen] == [
        ("orders", RunState.COMPLETED),
        ("report", RunState.COMPLETED),
    ]
    assert world.inbox.get("d1").state is InboxState.DONE
    history = [(event.status, event.actor, event.reason) for event in world.store.history("orders")]
    assert history[-1] == (Status.VALIDATED, "lakepact rerun", "validated in memory: (d1)")


def test_many_events_have_one_effect() -> None:
    world = World()
    world.validate(contract_of("1.0.0"))
    for number in range(50):
        world.tell(f"d{number}")
    done = world.job.work()
    assert len(done) == 50
    assert len(world.runner.started) == 2
    world.tell("late")
    (late,) = world.job.work()
    assert (late.ran, late.already) == ((), ("orders", "report"))
    assert len(world.runner.started) == 2


def test_a_breaking_change_refreshes_fully_where_that_is_allowed() -> None:
    world = World()
    world.validate(contract_of("1.0.0", columns="id a"))
    world.tell("d1")
    world.job.work()
    world.validate(contract_of("2.0.0", columns="id"))
    world.tell("d2")
    (done,) = world.job.work()
    assert done.ran == ("orders",)
    assert [(each.pipeline, each.full_refresh) for each in world.runner.started] == [
        ("orders", False),
        ("report", False),
        ("orders", True),
    ]


def test_a_rerun_is_for_the_tables_that_a_project_names(tmp_path: Path) -> None:
    (tmp_path / "lakepact.yml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "orders.odcs.yaml").write_bytes(contract_of("1.0.0").source)
    bindings = bindings_of(load_project(tmp_path / "lakepact.yml"))
    assert [(each.pipeline, each.refresh) for each in bindings] == [("orders", ("orders", "total")), ("report", ())]
    world = World()
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    world.job_with(bindings=bindings).work()
    assert [(each.pipeline, each.refresh) for each in world.runner.started] == [
        ("orders", ("orders", "total")),
        ("report", ()),
    ]


def test_nothing_validated_and_nothing_newer_is_said() -> None:
    world = World()
    world.collibra.put(contract_of("1.0.0"), actor="ada")
    world.tell("d1")
    (done,) = world.job.work()
    assert (done.state, done.reason) == (InboxState.DONE, "memory: has no validated version of 'orders'")
    world.store.put(contract_of("1.5.0"), actor="ada", status=Status.IN_REVIEW)
    world.store.set_status("orders", "1.5.0", Status.VALIDATED, actor="ada", reason="by hand")
    world.validate(contract_of("1.1.0"))
    world.tell("d2")
    (older,) = world.job.work()
    assert older.reason == "1.1.0 is validated at memory:, 1.5.0 is in force already"
    assert world.runner.started == []


def test_a_version_that_is_too_low_for_its_change_is_a_dead_event_with_the_reason() -> None:
    world = World()
    world.validate(contract_of("1.0.0", columns="id a"))
    world.tell("d1")
    world.job.work()
    # Collibra itself does not compare versions.
    lax = open_store("memory:")
    lax.put(contract_of("1.0.1", columns="id"), actor="ada", status=Status.IN_REVIEW)
    lax.set_status("orders", "1.0.1", Status.VALIDATED, actor="ada", reason="agreed")
    world.job = world.job_with(source=StoreSource(lax))
    world.tell("d2")
    (done,) = world.job.work()
    assert done.state is InboxState.DEAD
    assert done.reason.startswith("LP853: ")
    assert world.in_force() == "1.0.0"


def test_a_failed_update_is_a_dead_event_and_runs_again_when_it_is_replayed() -> None:
    world = World(failing=frozenset({"report"}))
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    (done,) = world.job.work()
    assert (done.state, done.failed) == (InboxState.DEAD, ("report: a rule must hold",))
    assert world.inbox.get("d1").reason == "report: a rule must hold"
    assert [each.outcome.state for each in world.reports.seen] == [RunState.COMPLETED, RunState.FAILED]
    world.runner.failing = frozenset()
    world.clock.pause(60)
    world.inbox.replay("d1", reason="mended")
    (again,) = world.job.work()
    assert (again.state, again.ran, again.already) == (InboxState.DONE, ("report",), ("orders",))
    assert [each.pipeline for each in world.runner.started] == ["orders", "report", "report"]


def test_what_is_away_is_tried_again_later() -> None:
    world = World(away=1)
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    (first,) = world.job.work()
    assert (first.state, first.reason) == (InboxState.FAILED, "LP946: the workspace is away")
    assert world.job.work() == ()
    world.clock.pause(31)
    (second,) = world.job.work()
    assert second.state is InboxState.DONE
    assert len(world.runner.started) == 2


def test_polling_makes_good_what_no_webhook_told() -> None:
    world = World()
    world.validate(contract_of("1.0.0"))
    bindings = (ORDERS, REPORT)
    source = StoreSource(world.collibra)
    assert len(poll(world.inbox, source, world.store, bindings)) == 1
    assert poll(world.inbox, source, world.store, bindings) == ()
    assert [each.state for each in world.job.work()] == [InboxState.DONE]
    assert poll(world.inbox, source, world.store, bindings) == ()


def test_a_preview_changes_nothing() -> None:
    world = World()
    world.validate(contract_of("1.0.0"))
    world.tell("d1")
    (shown,) = world.job.preview()
    assert (shown.ran, shown.version) == (("orders", "report"), "1.0.0")
    assert world.inbox.get("d1").state is InboxState.RECEIVED
    assert world.store.list_contracts() == ()
    assert world.runner.started == []
