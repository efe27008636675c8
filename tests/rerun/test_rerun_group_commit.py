"""Group commits: who shares one, what the others get when one fails, and that nobody is left waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lakepact.errors import RemoteFailed, UsageError
from lakepact.rerun.group_commit import GroupCommit, Waiting
from lakepact.rerun.records import Book, Draft


class Commits:
    """Commits that take a while, or fail."""

    def __init__(self, *, seconds: float = 0.05) -> None:
        self.sizes: list[int] = []
        self.failing: list[BaseException] = []
        self._seconds = seconds

    def __call__(self, batch: list[Waiting[Any]]) -> None:
        time.sleep(self._seconds)
        self.sizes.append(len(batch))
        if self.failing:
            raise self.failing.pop()
        draft = Book().draft()
        for waiting in batch:
            waiting.try_on(draft)


def at_once(group: GroupCommit, count: int) -> list[int | BaseException]:
    def work(number: int) -> int | BaseException:
        try:
            return group.run(lambda _draft: number)
        except (RemoteFailed, KeyboardInterrupt) as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_everybody_gets_an_answer_and_commits_are_shared() -> None:
    commits = Commits()
    assert at_once(GroupCommit(commits), 30) == list(range(30))
    assert sum(commits.sizes) == 30
    assert len(commits.sizes) < 10


def test_a_commit_that_fails_fails_for_all_of_it_and_nobody_else() -> None:
    commits = Commits()
    commits.failing = [RemoteFailed("away", "LP935")]
    group = GroupCommit(commits)
    found = at_once(group, 10)
    assert sum(isinstance(each, RemoteFailed) for each in found) == commits.sizes[0]
    assert sum(isinstance(each, int) for each in found) == sum(commits.sizes[1:])
    assert group.run(lambda _draft: "after") == "after"


def test_who_is_refused_is_alone() -> None:
    def refuse(_draft: Draft) -> None:
        raise UsageError("no", "LP940")

    group = GroupCommit(Commits(seconds=0))
    with pytest.raises(UsageError, match=r"^LP940: no$"):
        group.run(refuse)
    assert group.run(lambda _draft: 1) == 1


def test_an_interrupt_leaves_nobody_waiting() -> None:
    commits = Commits()
    commits.failing = [KeyboardInterrupt()]
    found = at_once(GroupCommit(commits), 10)
    assert all(isinstance(each, int | KeyboardInterrupt) for each in found)
    assert sum(isinstance(each, KeyboardInterrupt) for each in found) == commits.sizes[0]


def test_who_comes_alone_does_not_wait_and_a_crowd_gathers() -> None:
    commits = Commits(seconds=0)
    group = GroupCommit(commits, gathering=1.0)
    started = time.monotonic()
    group.run(lambda _draft: None)
    assert time.monotonic() - started < 0.9
    at_once(group, 12)
    assert time.monotonic() - started >= 1.0
    assert len(commits.sizes) <= 3


def test_a_crowd_gathers_for_as_long_as_its_answer_is_soon() -> None:
    commits = Commits(seconds=0)
    group = GroupCommit(commits, soon=1.0)
    group.run(lambda _draft: None)
    started = time.monotonic()
    at_once(group, 12)
    # What two commits, which are fast, leave of it.
    assert time.monotonic() - started >= 0.5
    assert sum(commits.sizes) == 13
    assert len(commits.sizes) <= 4


def test_one_leads_at_a_time() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def commit(batch: list[Waiting[Any]]) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.001)
        draft = Book().draft()
        for waiting in batch:
            waiting.try_on(draft)
        with lock:
            inside -= 1

    group = GroupCommit(commit)

    def work(number: int) -> list[int]:
        def answer(each: int) -> Callable[[Draft], int]:
            return lambda _draft: number * 100 + each

        return [group.run(answer(each)) for each in range(50)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [[n * 100 + each for each in range(50)] for n in range(8)]
    assert most == 1
