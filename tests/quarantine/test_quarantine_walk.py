"""The whole life of quarantined rows on real Delta tables, walked at random against a model of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from quarantine_samples import SetClock, set_aside

from lakepact.errors import LifecycleRefused, StoreConflict
from lakepact.quarantine import Act, Quarantine, Status, open_quarantine, purge
from lakepact.quarantine.lifecycle import OPEN, STEPS
from lakepact.quarantine.records import Draft

_DAYS = 30
_NUMBERS = st.integers(0, 30)
_DECISIONS = st.sampled_from([Act.REVIEW, Act.APPROVE, Act.REJECT, Act.CLAIM, Act.RELEASE, Act.RETURN, Act.REPLAY])


class Life(RuleBasedStateMachine):
    """`known` is what each record must be: status, decisions, whether a replay has claimed it, run, age and value."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="quarantine-walk-"))
        self.table = self.folder / "orders__quarantine"
        self.clock = SetClock()
        self.known: dict[str, dict[str, object]] = {}
        self.runs = 0

    def teardown(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder)

    @property
    def quarantine(self) -> Quarantine:
        """Opened anew every time: nothing is remembered."""
        return open_quarantine(str(self.table), clock=self.clock)

    @initialize()
    def begin(self) -> None:
        """There is a row, and one that it has twice."""
        self.arrive(2, 1)

    @rule(twins=st.integers(1, 2), others=st.integers(0, 1))
    def arrive(self, twins: int, others: int) -> None:
        """A run sets rows aside, some of them equal."""
        self.runs += 1
        rows = [(1, -1.0, "twin")] * twins + [(2, -float(number + 1), "other") for number in range(others)]
        set_aside(self.table, rows, run=f"run-{self.runs}", at=self.clock.now)
        found = {each.id: each for each in self.quarantine.records()}
        new = found.keys() - self.known.keys()
        assert len(new) == len(rows)
        for key in new:
            record = found[key]
            assert record.row is not None
            group = f"{record.header.run_id} {record.row['email']} {record.row['amount']}"
            self.known[key] = {
                "status": Status.QUARANTINED,
                "version": 0,
                "claimed": False,
                "group": group,
                "at": self.clock.now,
                "held": True,
                "corrected": {},
            }

    def chosen(self, number: int) -> str:
        """One of the records."""
        return sorted(self.known)[number % len(self.known)]

    def expired(self, key: str) -> bool:
        """Whether the model says that its time is over."""
        model = self.known[key]
        age = self.clock.now - model["at"]  # type: ignore[operator]
        return model["status"] in OPEN and age.days >= _DAYS

    def possible(self, key: str, act: Act) -> bool:
        """Whether the model lets the record take the step."""
        model = self.known[key]
        gone = self.expired(key) and act not in (Act.RELEASE, Act.RETURN, Act.REPLAY)
        ends = act in (Act.RELEASE, Act.REPLAY) or (act is Act.RETURN and model["claimed"])
        return model["status"] in STEPS[act] and not gone and model["claimed"] == ends

    def attempt(self, key: str, act: Act, work: Callable[[], object]) -> None:
        """The step is taken exactly where the model says that it can be."""
        if not self.possible(key, act):
            try:
                work()
            except LifecycleRefused:
                return
            raise AssertionError(f"{act} was possible for {self.known[key]}")
        work()
        model = self.known[key]
        model["status"] = STEPS[act][model["status"]]  # type: ignore[index]
        model["version"] = int(str(model["version"])) + 1
        model["claimed"] = act is Act.CLAIM

    @rule(number=_NUMBERS, act=_DECISIONS)
    def decide(self, number: int, act: Act) -> None:
        """Somebody decides, or a replay takes a step."""
        key = self.chosen(number)
        draft = Draft(record=self.quarantine.record(key), act=act, replay_run="r" if act is Act.CLAIM else "")
        self.attempt(key, act, lambda: self.quarantine.decide([draft], actor="ada", reason="walk"))

    @rule(number=_NUMBERS, amount=st.sampled_from([1.0, 2.5]))
    def correct(self, number: int, amount: float) -> None:
        """Somebody corrects a value."""
        key = self.chosen(number)
        before = self.known[key]["version"]
        values = {"amount": amount}
        self.attempt(key, Act.CORRECT, lambda: self.quarantine.correct(key, values, actor="ada", reason="walk"))
        if self.known[key]["version"] != before:
            self.known[key]["corrected"] = values

    @rule(number=_NUMBERS)
    def decide_on_what_was_seen_before(self, number: int) -> None:
        """A decision on an older version of a record is refused and changes nothing."""
        key = self.chosen(number)
        stale = int(str(self.known[key]["version"])) - 1
        try:
            self.quarantine.review([key], actor="bob", expected=stale)
        except StoreConflict:
            return
        raise AssertionError("a stale decision was taken")

    @rule(days=st.sampled_from([1, 16]))
    def wait(self, days: int) -> None:
        """Time passes."""
        self.clock.pass_by(days=days)

    @rule()
    def purge_what_is_over(self) -> None:
        """The timer comes."""
        over = {
            self.known[key]["group"]
            for key, model in self.known.items()
            if (self.clock.now - model["at"]).days >= _DAYS  # type: ignore[operator]
        }
        claimed = {model["group"] for model in self.known.values() if model["claimed"]}
        purge(self.quarantine, actor="timer", reason="retention")
        self.buried(over - claimed)

    @rule(number=_NUMBERS)
    @precondition(lambda self: len(self.known) > 1)
    def purge_one(self, number: int) -> None:
        """Somebody asks that a row be forgotten."""
        key = self.chosen(number)
        group = self.known[key]["group"]
        if any(model["claimed"] for model in self.known.values() if model["group"] == group):
            return
        purge(self.quarantine, (key,), actor="ada", reason="asked to")
        self.buried({group})

    def buried(self, groups: set[object]) -> None:
        """What the model makes of a purge."""
        for model in self.known.values():
            if model["group"] in groups and model["held"]:
                model |= {
                    "status": Status.PURGED,
                    "version": int(str(model["version"])) + 1,
                    "held": False,
                    "corrected": {},
                }

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        """Nothing is lost, nothing is there twice, and nobody's decision is forgotten."""
        if not self.known:
            return
        quarantine = self.quarantine
        found = {each.id: each for each in quarantine.records()}
        assert found.keys() == self.known.keys()
        for key, model in self.known.items():
            record = found[key]
            status = Status.EXPIRED if self.expired(key) else model["status"]
            assert (record.status, record.version, record.held) == (status, model["version"], model["held"])
            assert bool(record.replay_run) == model["claimed"]
            assert (record.row is None) == (not model["held"])
            assert record.corrected == model["corrected"]
        numbers: dict[str, list[int]] = {}
        for decision in quarantine.place.decisions():
            numbers.setdefault(decision.header.id, []).append(decision.sequence)
        assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
        stored = quarantine.place.stored()
        assert {each.header.id for each in stored} == {key for key, model in self.known.items() if model["held"]}


Life.TestCase.settings = settings(max_examples=10, stateful_step_count=12, suppress_health_check=list(HealthCheck))
TestLife = Life.TestCase
