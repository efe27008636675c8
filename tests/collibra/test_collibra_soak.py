"""Random operations by two writers, a steward, a reporter and a poller, through random faults: both sides end equal.

LAKEPACT_SOAK=1000 makes it 1,000 operations at least, which takes some minutes.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from collibra_connections import gateway
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.feedback import Compliance, keep_feedback, push_feedback
from lakepact.collibra.retrying import RetryPolicy
from lakepact.collibra.statuses import StatusNames, wanted
from lakepact.collibra.store import CollibraContractStore
from lakepact.errors import LakepactError, RemoteUnavailable
from lakepact.rerun.collibra_watch import CollibraWatch, WatchState
from lakepact.rerun.inbox import Arrival
from lakepact.rerun.memory_inbox import MemoryInbox
from lakepact.results.model import Verdict
from lakepact.store.folding import fold
from lakepact.store.lifecycle import next_statuses
from lakepact.store.model import Event, EventKind, Status, StoredVersion
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract

_LONG = int(os.environ.get("LAKEPACT_SOAK", "0"))
_IDS = ("orders", "rides")
_VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "2.0.0")

# What the connection does during an operation: kinds of faults, each for requests of a method.
_METHODS = st.sampled_from(["", "GET", "POST", "PATCH", "PUT"])
_KINDS = st.sampled_from(["refused", "throttled", "lost", "cut", "half", "page", "revoked"])
_FAULTS = st.lists(st.tuples(_KINDS, _METHODS), max_size=3)
_CONTRACTS, _NUMBERS = st.sampled_from(_IDS), st.sampled_from(_VERSIONS)


class CollibraSoak(RuleBasedStateMachine):
    """What was answered has happened, once; what was refused has not; and Collibra shows what was decided."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="lakepact-soak-")
        self.server = CollibraServer()
        self.server.__enter__()
        self.server.add_attribute_type("Run id")
        self.server.add_attribute_type("Last validation")
        self.ports = {each: self.server.add_port(f"{each} port") for each in _IDS}
        self.stores = [self.opened(), self.opened()]
        self.reader = self.opened()
        self.inbox = MemoryInbox()
        self.acknowledged: list[tuple[str, EventKind, str, str, Status]] = []
        self.reported: dict[str, str] = {}
        self.runs = 0

    def teardown(self) -> None:
        try:
            self.server.faults.clear()
            self.compare()
        finally:
            self.server.__exit__(None, None, None)
            self.folder.cleanup()

    def opened(self) -> CollibraContractStore:
        options: dict[str, Any] = {"policy": RetryPolicy(retries=1, first=0.0), "breaker": CircuitBreaker(failures=999)}
        return CollibraContractStore(gateway(self.server, **options), port_of=self.ports.__getitem__)

    def answered(self, operation: Callable[[], object], faults: list[tuple[str, str]]) -> bool:
        """Whether it was done, or refused; it is tried until Collibra answers, the last time without faults."""
        self.plan(faults)
        for attempt in range(4):
            if attempt == 3:
                self.server.faults.clear()
            try:
                operation()
            except RemoteUnavailable:
                continue
            except LakepactError:
                done = False
            else:
                done = True
            self.server.faults.clear()
            return done
        raise AssertionError("no answer without faults")

    def plan(self, faults: list[tuple[str, str]]) -> None:
        planned = self.server.faults
        for kind, method in faults:
            if kind == "refused":
                planned.fail_next(1, 503, method=method)
            elif kind == "throttled":
                planned.fail_next(1, 429, method=method)
            elif kind == "lost":
                planned.break_next(1, done=True, method=method)
            elif kind == "cut":
                planned.break_next(1, method=method)
            elif kind == "half":
                planned.truncate_next(1, method=method if method in ("POST", "PATCH") else "POST")
            elif kind == "page":
                planned.html_next(1, 502, method=method)
            else:
                self.server.access.revoke_tokens()

    @rule(contract_id=_CONTRACTS, version=_NUMBERS, purpose=st.integers(0, 2), writer=st.integers(0, 1), faults=_FAULTS)
    def put(self, contract_id: str, version: str, purpose: int, writer: int, faults: list[tuple[str, str]]) -> None:
        given = contract(contract_id, version, purpose=str(purpose))
        known = fold(self.events(contract_id)).get(version)
        expected = known.sha256 if known is not None and known.sha256 != given.sha256 else None
        store = self.stores[writer]
        written: list[StoredVersion] = []

        def operation() -> None:
            written.append(store.put(given, actor="ada", expected=expected))

        # What a steward did already is no event of ours: of several changes of theirs Collibra tells the last.
        if self.answered(operation, faults) and written[-1].changed_by == "ada":
            self.acknowledged.append((contract_id, EventKind.PUT, version, given.sha256, Status.DRAFT))

    @rule(
        contract_id=_CONTRACTS, which=st.integers(0, 3), way=st.integers(0, 3), writer=st.integers(0, 1), faults=_FAULTS
    )
    def step(self, contract_id: str, which: int, way: int, writer: int, faults: list[tuple[str, str]]) -> None:
        """A step that the life of some version allows, or, now and then, one that it does not."""
        standing = fold(self.events(contract_id))
        if not standing:
            return
        version = sorted(standing)[which % len(standing)]
        ways = (*next_statuses(standing[version].status), Status.VALIDATED)
        store, status = self.stores[writer], ways[way % len(ways)]
        written: list[StoredVersion] = []

        def operation() -> None:
            written.append(store.set_status(contract_id, version, status, actor="bob", reason="so"))

        if self.answered(operation, faults) and written[-1].changed_by == "bob":
            self.acknowledged.append((contract_id, EventKind.STATUS, version, "", status))

    @rule(contract_id=_CONTRACTS, status=st.sampled_from(["Accepted", "Under Review", "Obsolete"]))
    def steward(self, contract_id: str, status: str) -> None:
        for asset in self.assets(contract_id):
            self.server.set_asset_status(asset, status)

    @rule(contract_id=_CONTRACTS, writer=st.integers(0, 1))
    def restart(self, contract_id: str, writer: int) -> None:
        self.stores[writer] = self.opened()

    @rule(contract_id=_CONTRACTS, faults=_FAULTS)
    def report(self, contract_id: str, faults: list[tuple[str, str]]) -> None:
        """A pipeline keeps what came of it; it arrives when Collibra takes it."""
        if not self.assets(contract_id):
            return
        self.runs += 1
        outcome = Compliance(
            contract_id=contract_id,
            version="1.0.0",
            run_id=f"run-{self.runs}",
            verdict=Verdict.PASS,
            at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.runs),
        )
        self.reported[contract_id] = outcome.run_id
        keep_feedback(Path(self.folder.name), [outcome])
        self.plan(faults)
        self.push_feedback()
        self.server.faults.clear()

    @rule(faults=_FAULTS)
    def watch(self, faults: list[tuple[str, str]]) -> None:
        self.answered(self.look, faults)

    @invariant()
    def no_entry_twice(self) -> None:
        texts = Counter(row["content"] for row in self.server.state.tables["comments"].values())
        assert not [text for text, count in texts.items() if count > 1]

    def compare(self) -> None:
        """Both sides are equal, and the log of requests has no write twice."""
        self.push_feedback()
        self.look()
        for contract_id in _IDS:
            events = self.events(contract_id)
            for _, kind, version, sha256, status in (each for each in self.acknowledged if each[0] == contract_id):
                assert any(_is(event, kind, version, sha256, status) for event in events)
            for asset in self.assets(contract_id):
                self.compare_shown(contract_id, asset, events)
        done = [each for each in self.server.requests if each.method == "POST" and 200 <= each.status < 300]
        once = [each for each in done if each.path.endswith(("/comments", "/dataContracts"))]
        assert max(Counter((each.path, each.digest) for each in once).values(), default=1) == 1
        delivered = [each.delivery_id for each in self.inbox.list()]
        assert len(delivered) == len(set(delivered))

    def compare_shown(self, contract_id: str, asset: str, events: tuple[Event, ...]) -> None:
        standing = fold(events)
        store = self.opened()
        row = self.server.state.tables["contracts"][asset]
        for version, stored in standing.items():
            assert store.get(contract_id, version).sha256 == stored.sha256 == row["versions"][version]["sha256"]
        after = wanted(standing, row["active"])
        shown = StatusNames().meaning(self.server.asset_status(asset))
        assert after.status is None or shown is after.status
        validated = [each.arrival for each in self.inbox.list() if each.arrival.contract_id == contract_id]
        if shown is Status.VALIDATED:
            assert (validated[-1].version, validated[-1].status) == (row["active"], "Accepted")
        if contract_id in self.reported:
            attributes = store.gateway.attributes(asset)
            assert attributes["Run id"] == (self.reported[contract_id],)

    def events(self, contract_id: str) -> tuple[Event, ...]:
        try:
            return self.reader.history(contract_id)
        except LakepactError:
            return ()

    def assets(self, contract_id: str) -> list[str]:
        rows = self.server.state.tables["contracts"].items()
        return [key for key, row in rows if row["manifestId"] == contract_id]

    def look(self) -> None:
        def tell(arrival: Arrival) -> bool:
            return bool(self.inbox.receive(arrival))

        state = WatchState(Path(self.folder.name) / "watch.json", address="soak")
        CollibraWatch(self.reader.gateway, state, tell).look()

    def push_feedback(self) -> None:
        names = {"run_id": "Run id", "at": "Last validation"}
        push_feedback(self.reader.gateway, Path(self.folder.name), attributes=names)


def _is(event: Event, kind: EventKind, version: str, sha256: str, status: Status) -> bool:
    """Whether an event is what was acknowledged; what a steward did before says the same with other words."""
    if event.version != version:
        return False
    return event.sha256 == sha256 if kind is EventKind.PUT else event.status is status


TestCollibraSoak = CollibraSoak.TestCase
TestCollibraSoak.settings = settings(
    # Runs end by chance before they have all their steps.
    max_examples=max(_LONG // 12, 5),
    stateful_step_count=25,
    deadline=None,
    derandomize=not _LONG,
    suppress_health_check=list(HealthCheck),
)
