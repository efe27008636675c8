"""Random operations on a store beside a model of it that is too simple to be wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from lakepact.errors import ContractMissing, LakepactError, LifecycleRefused, StoreConflict, VersionRefused
from lakepact.store.model import Status
from lakepact.store.protocol import ContractStore
from lakepact.testing.store_samples import contract

__all__ = ["Oracle", "run_at_random"]

_VERSIONS: Final = ("1.0.0", "1.0.1", "1.1.0", "1.1.0-rc.1", "2.0.0")
_NUMBERS: Final = {"1.0.0": 100, "1.0.1": 101, "1.1.0-rc.1": 109, "1.1.0": 110, "2.0.0": 200}
_PURPOSES: Final = ("one", "two", "three")
_STEPS: Final = {
    ("draft", "in review"),
    ("in review", "draft"),
    ("in review", "rejected"),
    ("in review", "validated"),
    ("rejected", "draft"),
    ("validated", "deprecated"),
    ("deprecated", "retired"),
}
_PUBLISHED: Final = ("validated", "deprecated", "retired")


@dataclass
class Oracle:
    """One contract as a mapping from version to status and purpose, and the trail of what happened to it.

    Its documents differ in their purpose alone, a change that every higher version covers.
    """

    there: dict[str, tuple[str, str]] = field(default_factory=dict)
    trail: list[tuple[str, str, str]] = field(default_factory=list)

    def put(self, version: str, purpose: str, expected: str | None) -> type[LakepactError] | None:
        """What a put as a draft raises; `expected` is the purpose that the writer has seen."""
        status, now = self.there.get(version, ("", None))
        if now == purpose:
            return None
        if status in _PUBLISHED:
            return VersionRefused
        if now != expected:
            return StoreConflict
        if self._goes_back(version):
            return VersionRefused
        self._set(version, "draft", purpose)
        return None

    def step(self, version: str, status: str, expected: str | None) -> type[LakepactError] | None:
        """What a step raises."""
        if version not in self.there:
            return ContractMissing
        now, purpose = self.there[version]
        if expected not in (None, now):
            return StoreConflict
        if now == status:
            return None
        if (now, status) not in _STEPS:
            return LifecycleRefused
        if status == "validated" and self._goes_back(version):
            return VersionRefused
        self._set(version, status, purpose)
        return None

    def latest(self) -> str | None:
        """The latest validated release."""
        found = [version for version, (status, _) in self.there.items() if status == "validated" and "-" not in version]
        return max(found, key=_NUMBERS.__getitem__, default=None)

    def _goes_back(self, version: str) -> bool:
        return any(
            status in _PUBLISHED
            and other[0] == version[0]
            and ("-" in version or "-" not in other)
            and _NUMBERS[other] > _NUMBERS[version]
            for other, (status, _) in self.there.items()
        )

    def _set(self, version: str, status: str, purpose: str) -> None:
        self.there[version] = (status, purpose)
        self.trail.append((version, status, purpose))


def run_at_random(store: ContractStore, *, seed: int, steps: int) -> None:
    """Do the same to the store and to the model; raise AssertionError where they differ, with the steps so far."""
    chance, oracle, done = random.Random(seed), Oracle(), list[str]()
    contract_id = f"random-{seed}"
    for _ in range(steps):
        version = chance.choice(_VERSIONS)
        expected: str | None
        if chance.random() < 0.4:
            purpose = chance.choice(_PURPOSES)
            seen = oracle.there.get(version, ("", None))[1]
            expected = seen if chance.random() < 0.7 else chance.choice((None, *_PURPOSES))
            done.append(f"put {version} {purpose} expected={expected}")
            wanted = oracle.put(version, purpose, expected)
            found = _put(store, contract_id, version, purpose, expected)
        else:
            status = chance.choice(list(Status))
            expected = chance.choice((None, None, "draft", "in review", oracle.there.get(version, ("draft",))[0]))
            done.append(f"step {version} {status} expected={expected}")
            wanted = oracle.step(version, status.value, expected)
            found = _step(store, contract_id, version, status, expected)
        assert found is wanted, f"{found} and not {wanted} after: {done}"
        _compare(store, contract_id, oracle, done)


def _put(
    store: ContractStore, contract_id: str, version: str, purpose: str, expected: str | None
) -> type[LakepactError] | None:
    sha256 = None if expected is None else contract(contract_id, version, purpose=expected).sha256
    try:
        store.put(contract(contract_id, version, purpose=purpose), actor="ada", expected=sha256)
    except LakepactError as error:
        return type(error)
    return None


def _step(
    store: ContractStore, contract_id: str, version: str, status: Status, expected: str | None
) -> type[LakepactError] | None:
    seen = None if expected is None else Status(expected)
    try:
        store.set_status(contract_id, version, status, actor="ada", reason="so", expected=seen)
    except LakepactError as error:
        return type(error)
    return None


def _compare(store: ContractStore, contract_id: str, oracle: Oracle, done: list[str]) -> None:
    if not oracle.there:
        return
    hashes = {
        (version, purpose): contract(contract_id, version, purpose=purpose).sha256
        for version, _, purpose in oracle.trail
    }
    trail = [(event.version, event.status.value, event.sha256) for event in store.history(contract_id)]
    wanted = [(version, status, hashes[version, purpose]) for version, status, purpose in oracle.trail]
    assert trail == wanted, f"another trail after: {done}"
    versions = {each.version: (each.status.value, each.sha256) for each in store.list_versions(contract_id)}
    there = {version: (status, hashes[version, purpose]) for version, (status, purpose) in oracle.there.items()}
    assert versions == there, f"other versions after: {done}"
    try:
        latest = store.latest(contract_id).version
    except ContractMissing:
        latest = None
    assert latest == oracle.latest(), f"another latest after: {done}"
