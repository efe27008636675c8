"""The inbox in a Delta table: several objects and processes, group commits, compaction, what is no inbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import deltalake
import pytest
from deltalake.schema import PrimitiveType

from lakepact.errors import ConfigurationError, RemoteFailed, UsageError
from lakepact.rerun import Inbox, InboxState, open_inbox
from lakepact.rerun.delta_inbox import DeltaInbox
from lakepact.rerun.inbox import Purged
from lakepact.rerun.inbox_table import CONTRACT_INBOX
from lakepact.rerun.journaled import Clock, utc_now
from lakepact.testing.contract_store_suite import at_once
from lakepact.testing.inbox_suite import InboxSuite, MakeInbox, SetClock, arrival


class TestDeltaInbox(InboxSuite):
    writers = 6
    random_steps = 40

    @pytest.fixture
    def make_inbox(self, tmp_path: Path) -> MakeInbox:
        def make(*, clock: Clock = utc_now, max_attempts: int = 10) -> DeltaInbox:
            return DeltaInbox(tmp_path / "inbox", clock=clock, max_attempts=max_attempts)

        return make

    @pytest.fixture
    def reopen_inbox(self, tmp_path: Path, clock: SetClock) -> Callable[[], Inbox]:
        return lambda: DeltaInbox(tmp_path / "inbox", clock=clock, max_attempts=3, compact_every=3)


def table(folder: Path) -> deltalake.DeltaTable:
    return deltalake.DeltaTable(str(folder / CONTRACT_INBOX.name))


def test_the_address_opens_it_again(tmp_path: Path) -> None:
    inbox = open_inbox(f"delta:{tmp_path}/inbox")
    assert inbox.address == f"delta:{tmp_path}/inbox"
    inbox.receive(arrival())
    assert open_inbox(inbox.address).get("msg_1").state is InboxState.RECEIVED


def test_what_comes_at_the_same_time_is_one_commit(tmp_path: Path) -> None:
    class Slow(DeltaInbox):
        """Commits that take a while, so that others come meanwhile."""

        def _committed(self, records: list[object]) -> bool:  # type: ignore[override]
            time.sleep(0.3)
            return super()._committed(records)  # type: ignore[arg-type]

    inbox = Slow(tmp_path)
    inbox.list()
    found = at_once(lambda number: inbox.receive(arrival(f"msg_{number}")), 20)
    assert all(receipt.created for receipt in found)
    # Creation, the first that came, and all others.
    assert table(tmp_path).version() <= 3
    assert len(inbox.list()) == 20


def test_an_answer_means_that_it_is_kept(tmp_path: Path) -> None:
    inbox = DeltaInbox(tmp_path, compact_every=5)

    def receive(number: int) -> bool:
        inbox.receive(arrival(f"msg_{number}"))
        fresh = DeltaInbox(tmp_path)
        return fresh.get(f"msg_{number}").delivery_id == f"msg_{number}"

    assert all(at_once(receive, 12))


def test_one_that_is_refused_does_not_refuse_the_others(tmp_path: Path) -> None:
    inbox = DeltaInbox(tmp_path)

    def work(number: int) -> str:
        if number % 2:
            try:
                inbox.replay(f"none_{number}", reason="x")
            except UsageError as error:
                return error.message
        return inbox.receive(arrival(f"msg_{number}")).event.delivery_id

    expected = [f"there is no delivery 'none_{each}'" if each % 2 else f"msg_{each}" for each in range(12)]
    assert at_once(work, 12) == expected


def test_small_files_are_joined_while_others_write(tmp_path: Path) -> None:
    inbox, other = DeltaInbox(tmp_path, compact_every=10), DeltaInbox(tmp_path, compact_every=0)
    for number in range(40):
        (inbox if number % 4 else other).receive(arrival(f"msg_{number}"))
    inbox.optimize(keep=None)
    # One that is joined in the background at this moment may be left.
    assert len(table(tmp_path).file_uris()) < 5
    late = DeltaInbox(tmp_path)
    assert inbox.list() == other.list() == late.list()
    assert len(late.list()) == 40
    assert len(late.claim("ada", timedelta(hours=1), limit=99)) == 40


def comes_true(asked: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not asked() and time.monotonic() < deadline:
        time.sleep(0.02)
    return asked()


def joins(folder: Path) -> int:
    return sum(each["operation"] == "OPTIMIZE" for each in table(folder).history())


def test_small_files_are_joined_after_a_pause_or_at_the_latest(tmp_path: Path) -> None:
    calm, busy = DeltaInbox(tmp_path / "calm", compact_every=5), DeltaInbox(tmp_path / "busy", compact_every=2)
    for number in range(6):
        calm.receive(arrival(f"msg_{number}"))
    time.sleep(1.05)
    calm.receive(arrival("late"))
    assert comes_true(lambda: joins(tmp_path / "calm") > 0)
    for number in range(41):
        busy.receive(arrival(f"msg_{number}"))
    assert comes_true(lambda: joins(tmp_path / "busy") > 0)
    assert [len(each.list()) for each in (calm, busy)] == [7, 41]


def test_the_log_that_a_commit_reads_stays_short(tmp_path: Path) -> None:
    inbox = DeltaInbox(tmp_path, compact_every=0)
    for number in range(21):
        inbox.receive(arrival(f"msg_{number}"))
    last = tmp_path / CONTRACT_INBOX.name / "_delta_log" / "_last_checkpoint"
    assert comes_true(last.exists)
    assert json.loads(last.read_text(encoding="utf-8"))["version"] >= 20
    inbox.receive(arrival("late"))
    assert inbox.list() == DeltaInbox(tmp_path).list()


def test_files_that_may_be_in_use_are_kept(tmp_path: Path) -> None:
    inbox = DeltaInbox(tmp_path)
    inbox.receive(arrival())
    with pytest.raises(UsageError, match=r"^LP937: files that are younger than 1:00:00 may be in use\n"):
        inbox.optimize(keep=timedelta(minutes=59))
    inbox.optimize()
    assert inbox.get("msg_1").sequence == 1


def test_the_table_refuses_to_forget(tmp_path: Path) -> None:
    DeltaInbox(tmp_path).receive(arrival())
    with pytest.raises(deltalake.exceptions.DeltaError, match="append"):
        table(tmp_path).delete()


def ended(inbox: Inbox, *names: str) -> None:
    for name in names:
        inbox.receive(arrival(name))
    for event in inbox.claim("ada", timedelta(hours=1), limit=len(names)):
        inbox.complete(event)


def test_what_is_replayed_meanwhile_is_not_forgotten(tmp_path: Path) -> None:
    class Slow(DeltaInbox):
        """Somebody else is quicker than its removal."""

        others = 0

        def _deleted(self, purged: Purged) -> bool:
            if self.others:
                self.others -= 1
                other.replay("old", reason="once more")
            return super()._deleted(purged)

    clock = SetClock()
    inbox, other = Slow(tmp_path, clock=clock), DeltaInbox(tmp_path, clock=clock)
    ended(inbox, "oldest")
    clock.pass_by(timedelta(days=9))
    assert inbox.purge(timedelta(days=1)) == Purged(deliveries=("oldest",))
    ended(inbox, "old", "older")
    clock.pass_by(timedelta(days=9))
    inbox.others = 1
    assert inbox.purge(timedelta(days=1)) == Purged(deliveries=("older",))
    assert [each.what for each in inbox.history("old")] == ["received", "claimed", "completed", "replayed"]
    assert [each.delivery_id for each in DeltaInbox(tmp_path).list()] == ["old"]


def test_a_writer_that_slept_while_the_log_was_shortened(tmp_path: Path) -> None:
    sleeper, other = DeltaInbox(tmp_path), DeltaInbox(tmp_path)
    sleeper.receive(arrival("before"))
    for number in range(5):
        other.receive(arrival(f"msg_{number}"))
    other.optimize()
    log, long_ago = tmp_path / CONTRACT_INBOX.name / "_delta_log", time.time() - 8 * 24 * 3600
    for file in log.iterdir():
        os.utime(file, (long_ago, long_ago))
    other.receive(arrival("late"))
    other.optimize()
    assert not (log / f"{2:020}.json").exists()
    assert sleeper.receive(arrival("after")).created
    assert not sleeper.receive(arrival("msg_4")).created
    assert len(DeltaInbox(tmp_path).list()) == 8


def test_another_table_is_no_inbox(tmp_path: Path) -> None:
    schema = deltalake.Schema([deltalake.Field("key", PrimitiveType("string"))])
    uri = str(tmp_path / CONTRACT_INBOX.name)
    made = deltalake.DeltaTable.create(uri, schema)
    with pytest.raises(ConfigurationError, match=r"^LP936: delta:.* is no inbox: it has no property `lakepact.inbox`"):
        DeltaInbox(tmp_path).list()
    made.alter.set_table_properties({"lakepact.inbox": "2"}, raise_if_not_exists=False)
    with pytest.raises(ConfigurationError, match=r"^LP936: delta:.* has layout 2, this release of lakepact knows up"):
        DeltaInbox(tmp_path).list()


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RemoteFailed, match=r"^LP935: delta:.*/file cannot be used: "):
        DeltaInbox(tmp_path / "file").receive(arrival())
    with pytest.raises(UsageError, match=r"^LP937: a Delta table cannot be in '.*%20b': delta-rs would decode"):
        DeltaInbox(tmp_path / "a%20b")


WORKER = """
import sys, time
from datetime import timedelta
from lakepact.rerun import open_inbox
inbox = open_inbox(sys.argv[1])
(event,) = inbox.claim("killed", timedelta(seconds=float(sys.argv[2])))
print(event.delivery_id, flush=True)
time.sleep(60)
"""


@pytest.mark.process
def test_the_event_of_a_killed_worker_comes_back(tmp_path: Path) -> None:
    inbox = DeltaInbox(tmp_path)
    inbox.receive(arrival())
    command = [sys.executable, "-c", WORKER, inbox.address, "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "msg_1\n"
        process.send_signal(signal.SIGKILL)
    assert inbox.get("msg_1").worker == "killed"
    deadline = time.monotonic() + 20
    while not (claimed := inbox.claim("ada", timedelta(minutes=1))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (claimed[0].attempts, claimed[0].worker) == (2, "ada")


CLAIMERS = """
import sys
from datetime import timedelta
from lakepact.rerun import open_inbox
inbox = open_inbox(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while claimed := inbox.claim(sys.argv[2], timedelta(hours=1), limit=3):
    for event in claimed:
        inbox.complete(event)
        print(event.delivery_id, flush=True)
"""


@pytest.mark.process
def test_processes_share_without_doubles(tmp_path: Path) -> None:
    inbox = DeltaInbox(tmp_path)
    at_once(lambda number: inbox.receive(arrival(f"msg_{number}")), 24)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMERS, inbox.address, f"w{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outputs: list[str] = []
    threads = [
        threading.Thread(target=lambda each=process: outputs.append(each.communicate("go\n", timeout=100)[0]))
        for process in started
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [line for output in outputs for line in output.splitlines()]
    assert sorted(taken) == sorted(f"msg_{number}" for number in range(24))
    assert [process.returncode for process in started] == [0, 0]


def test_a_place_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    inbox = DeltaInbox(tmp_path)
    inbox.receive(arrival())
    log = tmp_path / CONTRACT_INBOX.name / "_delta_log"
    away = log.with_name("away")
    log.rename(away)
    log.write_text("", encoding="utf-8")
    with pytest.raises(RemoteFailed, match=r"^LP935: delta:.* cannot be used: "):
        inbox.receive(arrival("msg_2"))
    log.unlink()
    away.rename(log)
    assert inbox.receive(arrival("msg_2")).created
    assert [each.delivery_id for each in DeltaInbox(tmp_path).list()] == ["msg_1", "msg_2"]
