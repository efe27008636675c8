"""Random operations by two writers, a steward, a reporter and a poller, through random faults: both sides end equal.

LAKEPACT_SOAK=1000 makes it 1,000 operations at least, LAKEPACT_SOAK_SEED says which; with `-s` it says what it did.
Time is that of the test: nothing waits.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from collibra_connections import gateway
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.breaker import CircuitBreaker
from lakepact.collibra.feedback import Compliance, keep_feedback, push_feedback
from lakepact.collibra.metrics import RuleCounts, read_metrics
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
from lakepact.testing.collibra_server import Asked, CollibraServer
from lakepact.testing.store_samples import contract

_Faults = list[tuple[str, tuple[str, str]]]
_LONG = int(os.environ.get("LAKEPACT_SOAK", "0"))
_SEED = int(os.environ.get("LAKEPACT_SOAK_SEED", "20261121"))
_STEPS = 60 if _LONG else 25
_IDS = ("orders", "rides")
_VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "2.0.0")

# What the connection does during an operation: kinds of faults, each for requests of a method to a path.
_REQUESTS = st.sampled_from(
    [
        ("", ""),
        ("GET", ""),
        ("PATCH", ""),
        ("PUT", ""),
        ("POST", "/token"),
        ("POST", "/comments"),
        ("POST", "/versions"),
        ("POST", "/dataContracts"),
        ("POST", "/json-job"),
    ]
)
_KINDS = st.sampled_from(["refused", "throttled", "lost", "cut", "half", "page", "revoked"])
_FAULTS = st.lists(st.tuples(_KINDS, _REQUESTS), max_size=3)
_CONTRACTS, _NUMBERS = st.sampled_from(_IDS), st.sampled_from(_VERSIONS)


class CollibraSoak(RuleBasedStateMachine):
    """What was answered has happened, once; what was refused has not; and Collibra shows what was decided."""

    tally: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="lakepact-soak-")
        self.seconds = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
        self.server = CollibraServer(clock=lambda: self.seconds)
        self.server.__enter__()
        self.server.add_attribute_type("Run id")
        self.server.add_attribute_type("Last validation")
        self.domain = self.server.add_domain("Metrics", "Rulebook")
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
            self.tally["requests"] += len(self.server.requests)
            self.tally["writes"] += sum(1 for each in self.server.requests if _is_write(each) and each.status < 300)
            self.tally["errors and lost answers"] += sum(
                1 for each in self.server.requests if each.lost or each.status not in range(200, 300)
            )
            self.tally["comparisons"] += 1

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    def opened(self) -> CollibraContractStore:
        credentials = ClientCredentials(
            f"{self.server.url}/rest/oauth/v2/token",
            self.server.client_id,
            lambda: self.server.client_secret,
            clock=lambda: self.seconds,
        )
        options: dict[str, Any] = {"policy": RetryPolicy(retries=1, first=0.0), "breaker": CircuitBreaker(failures=999)}
        options |= {"pause": self.pause, "clock": self.now, "credentials": credentials}
        connection = gateway(self.server, **options)
        return CollibraContractStore(connection, port_of=self.ports.__getitem__, clock=self.now, pause=self.pause)

    def now(self) -> datetime:
        # A clock that stands still would hide that the same step was taken before.
        self.seconds += 0.001
        return datetime.fromtimestamp(self.seconds, UTC)

    def began(self, operation: str) -> None:
        """Count an operation; hours pass between some, in which tokens expire."""
        self.tally["operations"] += 1
        self.tally[operation] += 1
        self.seconds += (5.0, 5.0, 5.0, 4000.0)[self.tally[operation] % 4]

    def answered(self, operation: Callable[[], object], faults: _Faults) -> bool:
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

    def plan(self, faults: _Faults) -> None:
        planned = self.server.faults
        for kind, (method, path) in faults:
            if kind == "refused":
                planned.fail_next(1, 503, method=method, path=path)
            elif kind == "throttled":
                planned.fail_next(1, 429, method=method, path=path)
            elif kind == "lost":
                planned.break_next(1, done=True, method=method, path=path)
            elif kind == "cut":
                planned.break_next(1, method=method, path=path)
            elif kind == "half":
                planned.truncate_next(1, method=method if method in ("POST", "PATCH") else "PATCH", path=path)
            elif kind == "page":
                planned.html_next(1, 502, method=method, path=path)
            else:
                self.server.access.revoke_tokens()

    @rule(contract_id=_CONTRACTS, version=_NUMBERS, purpose=st.integers(0, 2), writer=st.integers(0, 1), faults=_FAULTS)
    def put(self, contract_id: str, version: str, purpose: int, writer: int, faults: _Faults) -> None:
        self.began("puts")
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

    @initialize(version=_NUMBERS, faults=_FAULTS)
    def first(self, version: str, faults: _Faults) -> None:
        """One of the contracts is there from the beginning, so that there is something to decide."""
        self.put(_IDS[0], version, 0, 0, faults)

    @rule(
        contract_id=_CONTRACTS, which=st.integers(0, 3), way=st.integers(0, 3), writer=st.integers(0, 1), faults=_FAULTS
    )
    def step(self, contract_id: str, which: int, way: int, writer: int, faults: _Faults) -> None:
        """A step that the life of some version allows, or, now and then, one that it does not."""
        self.decide(contract_id, which, way, writer, faults)

    @rule(which=st.integers(0, 3), way=st.integers(0, 3), writer=st.integers(0, 1), faults=_FAULTS)
    def step_of_the_first(self, which: int, way: int, writer: int, faults: _Faults) -> None:
        """The same, of the contract that is there."""
        self.decide(_IDS[0], which, way, writer, faults)

    def decide(self, contract_id: str, which: int, way: int, writer: int, faults: _Faults) -> None:
        standing = fold(self.events(contract_id))
        if not standing:
            return
        self.began("steps")
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
            self.began("stewards")
            self.server.set_asset_status(asset, status)
            done = f"steward {self.tally['stewards']}"
            self.server.requests.append(Asked("PATCH", f"/rest/2.0/assets/{asset}", digest=done, status=200))

    @rule(writer=st.integers(0, 1))
    def restart(self, writer: int) -> None:
        self.began("restarts")
        self.stores[writer] = self.opened()

    @rule(contract_id=_CONTRACTS, faults=_FAULTS)
    def report(self, contract_id: str, faults: _Faults) -> None:
        """A pipeline keeps what came of it; it arrives when Collibra takes it."""
        if not self.assets(contract_id):
            return
        self.began("reports")
        self.runs += 1
        outcome = Compliance(
            contract_id=contract_id,
            version="1.0.0",
            run_id=f"run-{self.runs}",
            verdict=Verdict.PASS,
            at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.runs),
            rules=(RuleCounts(rule_id="r", name="r", dataset="orders", held=True, loaded=self.runs, failed=0),),
        )
        self.reported[contract_id] = outcome.run_id
        keep_feedback(Path(self.folder.name), [outcome])
        self.plan(faults)
        self.push_feedback()
        self.server.faults.clear()

    @rule(faults=_FAULTS)
    def watch(self, faults: _Faults) -> None:
        self.began("looks")
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
        assert [_what(each) for each in _repeated(self.server.requests)] == []
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
            metrics = read_metrics(store.gateway, contract_id, domain=self.domain)
            assert [f"run-{each.passed}" for each in metrics] == [self.reported[contract_id]]

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
        push_feedback(self.reader.gateway, Path(self.folder.name), attributes=names, metrics_domain=self.domain)


def _is(event: Event, kind: EventKind, version: str, sha256: str, status: Status) -> bool:
    """Whether an event is what was acknowledged; what a steward did before says the same with other words."""
    if event.version != version:
        return False
    return event.sha256 == sha256 if kind is EventKind.PUT else event.status is status


def _is_write(asked: Asked) -> bool:
    """What must not be done twice; an import may be, as it changes nothing then."""
    return asked.method not in ("GET", "HEAD") and not asked.path.endswith(("/oauth/v2/token", "/json-job"))


def _repeated(requests: Iterable[Asked]) -> list[Asked]:
    """The writes that were done, answered, and then done again, while nothing else was written to the same asset."""
    repeated: list[Asked] = []
    last: dict[str, Asked] = {}
    for asked in requests:
        if not _is_write(asked) or not 200 <= asked.status < 300:
            continue
        parts = asked.path.split("/")
        written = parts[5] if len(parts) > 5 and "dataContracts" in parts else parts[4] if len(parts) > 4 else ""
        before = last.get(written or asked.digest)
        same = before is not None and _what(before) == _what(asked)
        if same and before is not None and not before.lost:
            repeated.append(asked)
        last[written or asked.digest] = asked
    return repeated


def _what(asked: Asked) -> tuple[object, ...]:
    return asked.method, asked.path, dict(asked.query), asked.digest


def test_after_random_operations_and_faults_both_sides_are_equal_and_nothing_was_written_twice() -> None:
    tally: Counter[str] = Counter()
    machine = type("CollibraSoak", (CollibraSoak,), {"tally": tally})
    chosen = settings(
        max_examples=max(_LONG // 40, 5),
        stateful_step_count=_STEPS,
        database=None,
        # What a soak finds is worth a look as it is: it is not run a thousand times more to make it short.
        phases=[Phase.generate] if _LONG else list(Phase),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(_SEED)(machine), settings=chosen)
    print(f"seed {_SEED}: " + ", ".join(f"{count} {what}" for what, count in sorted(tally.items())))
    assert tally["operations"] >= _LONG
