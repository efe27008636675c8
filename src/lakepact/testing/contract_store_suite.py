"""What every contract store must do, as a class of tests.

A test module subclasses `StoreSuite` and gives it the fixtures `store` and, where two objects can be on one place,
`reopen_store`.
"""

# ruff: noqa: D102 (what a test is about is said by its name)

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

import pytest

from lakepact.contract import to_official
from lakepact.diff import Waiver
from lakepact.errors import ContractMissing, LifecycleRefused, StoreConflict, UsageError, VersionRefused
from lakepact.store.model import EventKind, Status
from lakepact.store.protocol import ContractStore
from lakepact.testing.store_oracle import run_at_random
from lakepact.testing.store_samples import HOSTILE_TEXTS, contract

__all__ = ["StoreSuite", "at_once"]

_T = TypeVar("_T")


def at_once(work: Callable[[int], _T], writers: int) -> list[_T]:
    """The results of `work(0)` to `work(writers - 1)`, each in a thread of its own, all at the same time."""
    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(work, range(writers)))


class StoreSuite:
    """What every ContractStore must do. Needs the fixture `store`, a store that is empty and requires reviews."""

    writers: ClassVar[int] = 8
    random_runs: ClassVar[int] = 4
    random_steps: ClassVar[int] = 40
    hostile_texts: ClassVar[tuple[str, ...]] = HOSTILE_TEXTS

    @pytest.fixture
    def store(self) -> ContractStore:
        """The store under test."""
        raise NotImplementedError

    @pytest.fixture
    def reopen_store(self, store: ContractStore) -> Callable[[], ContractStore]:
        """Another object on the same place; the same object where that is all there is."""
        return lambda: store

    def _validated(self, store: ContractStore, *versions: str, **content: Any) -> None:
        for version in versions:
            store.put(contract("orders", version, **content), actor="ada")
            store.set_status("orders", version, Status.IN_REVIEW, actor="ada", reason="ready")
            store.set_status("orders", version, Status.VALIDATED, actor="bob", reason="good")

    def test_an_empty_store_has_nothing(self, store: ContractStore) -> None:
        assert store.list_contracts() == ()
        assert store.search() == ()
        with pytest.raises(ContractMissing, match=r"^LP850: there is no contract 'orders' in "):
            store.list_versions("orders")

    def test_bytes_come_back_equal(self, store: ContractStore, reopen_store: Callable[[], ContractStore]) -> None:
        texts = [
            "# ' '' \" \"\" ` and \\ \\\\ \\n \\' \\\"\n",
            "# ${table} $1 {0} %s :name ? ; --\n",
            "# caf\u00e9 \u5951\u7d04 \U0001f986\n",
            "# no end of line",
            "# both\r\n# ends\n",
            "# " + "\\\"'\U0001f986" * 150_000 + "\n",
        ]
        for number, extra in enumerate(texts):
            given = contract(f"c{number}", "1.0.0", extra=extra)
            stored = store.put(given, actor="ada")
            found = reopen_store().get(f"c{number}", "1.0.0")
            assert found.source == given.source, extra[:40]
            assert stored.sha256 == found.sha256 == given.sha256

    def test_hostile_ids_are_only_ids(self, store: ContractStore, reopen_store: Callable[[], ContractStore]) -> None:
        for number, text in enumerate(self.hostile_texts):
            store.put(contract(text, f"1.0.{number}"), actor="ada", reason=text)
        assert reopen_store().list_contracts() == tuple(sorted(self.hostile_texts))
        for number, text in enumerate(self.hostile_texts):
            assert [each.version for each in store.list_versions(text)] == [f"1.0.{number}"]
            assert store.get(text, f"1.0.{number}").id == text
            assert [event.reason for event in store.history(text)] == [text]

    def test_hostile_versions_are_only_versions(self, store: ContractStore) -> None:
        versions = ["1.0.0-a", "1.0.0-A", "1.0.0-a.b", "1.0.0-" + "x" * 200, "1.0.0-" + "x" * 199 + "y", "1.0.0"]
        for version in versions:
            store.put(contract("orders", version, purpose=version), actor="ada")
        assert {each.version for each in store.list_versions("orders")} == set(versions)
        for version in versions:
            assert store.get("orders", version).source == contract("orders", version, purpose=version).source

    def test_the_official_model_is_taken(self, store: ContractStore) -> None:
        store.put(to_official(contract("orders", "1.0.0", columns=("a", "b"))), actor="ada")
        found = store.get("orders", "1.0.0")
        assert [column.name for column in found.schema[0].properties] == ["a", "b"]

    def test_a_put_says_how_the_version_stands(self, store: ContractStore) -> None:
        stored = store.put(contract("orders", "1.0.0", purpose="Sales"), actor="ada", reason="first")
        assert store.version("orders", "1.0.0") == stored
        assert (stored.contract_id, stored.version, stored.status) == ("orders", "1.0.0", Status.DRAFT)
        assert (stored.created_by, stored.changed_by, stored.reason) == ("ada", "ada", "first")
        assert (stored.summary.purpose, stored.summary.objects) == ("Sales", ("orders",))
        assert stored.created_at.utcoffset() == timedelta(0)

    def test_the_same_bytes_again_change_nothing(self, store: ContractStore) -> None:
        first = store.put(contract(), actor="ada", reason="first")
        assert store.put(contract(), actor="bob", reason="again", status=Status.IN_REVIEW) == first
        assert len(store.history("orders")) == 1

    def test_other_bytes_need_the_hash_that_was_seen(self, store: ContractStore) -> None:
        first = store.put(contract(), actor="ada")
        other = contract(columns=("a",))
        with pytest.raises(StoreConflict, match=r"^LP851: 'orders' 1\.0\.0 is there with other bytes, of ada\n"):
            store.put(other, actor="bob")
        with pytest.raises(
            StoreConflict, match=f"^LP851: .* was changed by ada: its hash is {first.sha256}, not {'0' * 64}"
        ):
            store.put(other, actor="bob", expected="0" * 64)
        second = store.put(other, actor="bob", expected=first.sha256)
        assert (second.sha256, second.created_by, second.changed_by) == (other.sha256, "ada", "bob")
        assert store.get("orders", "1.0.0").source == other.source
        with pytest.raises(StoreConflict, match=f"its hash is {second.sha256}, not {first.sha256}"):
            store.put(contract(columns=("b",)), actor="cy", expected=first.sha256)

    def test_what_is_not_there_is_not_expected_to_be(self, store: ContractStore) -> None:
        with pytest.raises(StoreConflict, match=r"^LP851: 'orders' 1\.0\.0 is not there, and was expected"):
            store.put(contract(), actor="ada", expected="0" * 64)

    def test_new_bytes_of_a_version_in_review_are_a_draft(self, store: ContractStore) -> None:
        first = store.put(contract(), actor="ada", status=Status.IN_REVIEW)
        assert first.status is Status.IN_REVIEW
        assert store.put(contract(columns=("a",)), actor="ada", expected=first.sha256).status is Status.DRAFT

    def test_published_bytes_never_change(self, store: ContractStore) -> None:
        self._validated(store, "1.0.0")
        for status in (Status.VALIDATED, Status.DEPRECATED, Status.RETIRED):
            store.set_status("orders", "1.0.0", status, actor="ada", reason="on")
            with pytest.raises(VersionRefused, match=rf"^LP853: 'orders' 1\.0\.0 is {status}; its bytes never change"):
                store.put(contract(columns=("a",)), actor="eve", expected=contract().sha256)
        assert store.get("orders", "1.0.0").source == contract().source

    def test_a_whole_life(self, store: ContractStore, reopen_store: Callable[[], ContractStore]) -> None:
        store.put(contract(), actor="ada", reason="first")
        steps = [Status.IN_REVIEW, Status.REJECTED, Status.DRAFT, Status.IN_REVIEW, Status.DRAFT, Status.IN_REVIEW]
        steps += [Status.VALIDATED, Status.DEPRECATED, Status.RETIRED]
        for number, status in enumerate(steps):
            stored = store.set_status("orders", "1.0.0", status, actor=f"a{number}", reason=f"r{number}")
            assert (stored.status, stored.changed_by, stored.reason) == (status, f"a{number}", f"r{number}")
        trail = reopen_store().history("orders")
        assert [event.status for event in trail] == [Status.DRAFT, *steps]
        assert [event.sequence for event in trail] == list(range(1, 11))
        assert [event.kind for event in trail] == [EventKind.PUT] + [EventKind.STATUS] * 9
        assert [(event.actor, event.reason) for event in trail[1:]] == [(f"a{n}", f"r{n}") for n in range(9)]
        assert [event.at for event in trail] == sorted(event.at for event in trail)

    def test_steps_that_the_lifecycle_has_not(self, store: ContractStore) -> None:
        with pytest.raises(LifecycleRefused, match=r"^LP852: 'orders' 1\.0\.0 cannot begin as validated\n"):
            store.put(contract(), actor="ada", status=Status.VALIDATED)
        store.put(contract(), actor="ada")
        for status in (Status.VALIDATED, Status.REJECTED, Status.DEPRECATED, Status.RETIRED):
            with pytest.raises(
                LifecycleRefused, match=rf"^LP852: 'orders' 1\.0\.0 is draft and cannot become {status}\n"
            ):
                store.set_status("orders", "1.0.0", status, actor="ada", reason="on")
        assert len(store.history("orders")) == 1

    def test_a_status_that_is_there_already_changes_nothing(self, store: ContractStore) -> None:
        first = store.put(contract(), actor="ada")
        assert store.set_status("orders", "1.0.0", Status.DRAFT, actor="bob", reason="again") == first
        assert len(store.history("orders")) == 1

    def test_a_step_under_an_expectation(self, store: ContractStore) -> None:
        first = store.put(contract(), actor="ada")
        store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="ada", reason="x", expected=Status.DRAFT)
        with pytest.raises(StoreConflict, match="was made in review by ada, and was expected to be draft"):
            store.set_status("orders", "1.0.0", Status.DRAFT, actor="bob", reason="x", expected=Status.DRAFT)
        second = store.put(contract(columns=("a",)), actor="eve", status=Status.IN_REVIEW, expected=first.sha256)
        with pytest.raises(StoreConflict, match=f"changed by eve: its hash is {second.sha256}, not {first.sha256}"):
            store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="x", expected_sha256=first.sha256)
        store.set_status("orders", "1.0.0", Status.VALIDATED, actor="bob", reason="x", expected_sha256=second.sha256)

    def test_every_change_has_an_actor_and_a_step_has_a_reason(self, store: ContractStore) -> None:
        with pytest.raises(UsageError, match=r"^LP855: a change needs its actor\n"):
            store.put(contract(), actor=" ")
        store.put(contract(), actor="ada")
        with pytest.raises(UsageError, match=r"^LP855: a change needs its reason\n"):
            store.set_status("orders", "1.0.0", Status.IN_REVIEW, actor="ada", reason="")

    def test_versions_never_go_back(self, store: ContractStore) -> None:
        self._validated(store, "1.0.0", "1.2.0", "2.0.0")
        for lower in ("1.1.0", "1.2.0-rc.1"):
            with pytest.raises(
                VersionRefused, match=rf"^LP853: 'orders' {lower} would go back: 1\.2\.0 is published\n"
            ):
                store.put(contract("orders", lower), actor="ada")
        with pytest.raises(
            VersionRefused, match=r"^LP853: 'orders' 1\.2 is the same version as 1\.2\.0, which is there"
        ):
            store.put(contract("orders", "1.2"), actor="ada")
        with pytest.raises(VersionRefused, match=r"^LP853: 'orders': `latest` is not a semantic version\n"):
            store.put(contract("orders", "latest"), actor="ada")
        for higher in ("1.2.1", "1.3.0-rc.1", "2.0.1", "3.0.0"):
            store.put(contract("orders", higher), actor="ada")

    def test_a_draft_that_was_overtaken_is_not_validated(self, store: ContractStore) -> None:
        store.put(contract("orders", "1.0.1"), actor="ada", status=Status.IN_REVIEW)
        self._validated(store, "1.1.0")
        with pytest.raises(VersionRefused, match=r"'orders' 1\.0\.1 would go back: 1\.1\.0 is published"):
            store.set_status("orders", "1.0.1", Status.VALIDATED, actor="bob", reason="good")

    def test_the_version_must_cover_what_changed(self, store: ContractStore) -> None:
        self._validated(store, "1.0.0", columns=("a", "b"))
        store.put(contract("orders", "1.1.0", columns=("a",)), actor="ada", status=Status.IN_REVIEW)
        words = (
            "LP853: 'orders' 1.1.0 is too low for what changed since 1.0.0:\n"
            "  major: `orders.b` was removed.\n"
            "  hint: give it the version 2.0.0, or waive the changes"
        )
        with pytest.raises(VersionRefused, match=f"^{re.escape(words)}$"):
            store.set_status("orders", "1.1.0", Status.VALIDATED, actor="bob", reason="good")
        assert store.version("orders", "1.1.0").status is Status.IN_REVIEW
        self._validated(store, "2.0.0", columns=("a",))

    def test_a_waiver_lets_a_low_version_pass_and_is_written_down(self, store: ContractStore) -> None:
        self._validated(store, "1.0.0", columns=("a", "b"))
        store.put(contract("orders", "1.1.0", columns=("a",)), actor="ada", status=Status.IN_REVIEW)
        day = datetime.now(UTC).date() + timedelta(days=1)
        waiver = Waiver(contract="orders", path="schema.orders.*", reason="nobody reads b", author="cy", expires=day)
        stored = store.set_status("orders", "1.1.0", Status.VALIDATED, actor="bob", reason="good", waivers=[waiver])
        assert (stored.status, stored.reason) == (Status.VALIDATED, "good (waived: nobody reads b)")

    def test_an_older_major_goes_on(self, store: ContractStore) -> None:
        self._validated(store, "1.0.0", columns=("a", "b"))
        self._validated(store, "2.0.0", columns=("a",))
        self._validated(store, "1.0.1", columns=("a", "b"), purpose="said better")
        assert store.latest("orders").version == "2.0.0"
        assert store.latest("orders", specifier="~=1.0").version == "1.0.1"

    def test_latest(self, store: ContractStore) -> None:
        self._validated(store, "1.2.0", "1.9.0", "1.10.0", "1.11.0-rc.1")
        store.put(contract("orders", "2.0.0"), actor="ada")
        store.set_status("orders", "1.10.0", Status.DEPRECATED, actor="ada", reason="old")
        assert store.latest("orders").version == "1.9.0"
        assert store.latest("orders", status=Status.DEPRECATED).version == "1.10.0"
        assert store.latest("orders", status=None).version == "2.0.0"
        assert store.latest("orders", status=Status.DRAFT).version == "2.0.0"
        assert store.latest("orders", specifier="<1.9").version == "1.2.0"
        assert store.latest("orders", specifier="==1.11.0-rc.1").version == "1.11.0-rc.1"
        with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no validated version that fits '>=2'\n"):
            store.latest("orders", specifier=">=2")
        shown = [each.version for each in store.list_versions("orders")]
        assert shown == ["1.2.0", "1.9.0", "1.10.0", "1.11.0-rc.1", "2.0.0"]
        assert [each.version for each in store.list_versions("orders", status=Status.DRAFT)] == ["2.0.0"]

    def test_what_was_valid_then(self, store: ContractStore) -> None:
        self._validated(store, "1.0.0")
        time.sleep(0.01)
        before = store.history("orders")[-1].at
        self._validated(store, "1.1.0", columns=("a", "order_id"))
        store.set_status("orders", "1.0.0", Status.DEPRECATED, actor="ada", reason="old")
        assert store.latest("orders", on=before).version == "1.0.0"
        assert [each.status for each in store.list_versions("orders", on=before)] == [Status.VALIDATED]
        assert store.latest("orders").version == "1.1.0"
        first = store.history("orders")[0].at
        assert store.list_versions("orders", on=first - timedelta(microseconds=1)) == ()
        with pytest.raises(UsageError, match=r"^LP855: the moment 2024-01-31T00:00:00 has no time zone"):
            store.latest("orders", on=datetime(2024, 1, 31))

    def test_search(self, store: ContractStore) -> None:
        head = "domain: Sales\ntags: [gold, PII]\nname: Customer orders\n"
        store.put(contract("a", "1.0.0", purpose="One row an ORDER", extra=head), actor="ada")
        store.put(contract("a", "1.1.0", purpose="One row an ORDER"), actor="ada", status=Status.IN_REVIEW)
        store.put(contract("b", "1.0.0", purpose="\u00c4pfel"), actor="ada")

        def found(*words: str, **wanted: Any) -> list[str]:
            return [f"{each.contract_id} {each.version}" for each in store.search(*words, **wanted)]

        assert found() == ["a 1.0.0", "a 1.1.0", "b 1.0.0"]
        assert found("order ROW") == ["a 1.0.0", "a 1.1.0"]
        assert found("customer order") == ["a 1.0.0"]
        assert found("\u00e4PFEL") == ["b 1.0.0"]
        assert found("pii") == found(tag="pii") == found(domain="sales") == ["a 1.0.0"]
        assert found(status=Status.IN_REVIEW) == ["a 1.1.0"]
        assert found("nothing like it") == []

    def test_what_is_missing(self, store: ContractStore) -> None:
        store.put(contract(), actor="ada")
        asked: list[Callable[[], object]] = [
            lambda: store.get("orders", "1.0.1"),
            lambda: store.version("orders", "1.0.1"),
            lambda: store.history("orders", "1.0.1"),
            lambda: store.set_status("orders", "1.0.1", Status.DRAFT, actor="ada", reason="x"),
        ]
        for ask in asked:
            with pytest.raises(
                ContractMissing, match=r"^LP850: 'orders' has no version 1\.0\.1\n.*versions are 1\.0\.0"
            ):
                ask()
        nowhere: list[Callable[[], object]] = [
            lambda: store.get("other", "1.0.0"),
            lambda: store.latest("other"),
            lambda: store.history("other"),
            lambda: store.set_status("other", "1.0.0", Status.DRAFT, actor="ada", reason="x"),
        ]
        for ask in nowhere:
            with pytest.raises(ContractMissing, match=r"^LP850: there is no contract 'other' in "):
                ask()

    def test_writers_at_once_lose_nothing(
        self, store: ContractStore, reopen_store: Callable[[], ContractStore]
    ) -> None:
        def write(number: int) -> None:
            mine = reopen_store()
            for patch in range(3):
                mine.put(contract("orders", f"{number}.0.{patch}"), actor=f"w{number}")

        at_once(write, self.writers)
        trail = store.history("orders")
        assert [event.sequence for event in trail] == list(range(1, 3 * self.writers + 1))
        wanted = {(f"w{number}", f"{number}.0.{patch}") for number in range(self.writers) for patch in range(3)}
        assert {(event.actor, event.version) for event in trail} == wanted

    def test_of_writers_with_one_expectation_one_wins(
        self, store: ContractStore, reopen_store: Callable[[], ContractStore]
    ) -> None:
        first = store.put(contract(), actor="ada")

        def replaced(number: int) -> str | None:
            try:
                given = contract(columns=(f"c{number}",))
                return reopen_store().put(given, actor=f"w{number}", expected=first.sha256).sha256
            except StoreConflict:
                return None

        won = [sha256 for sha256 in at_once(replaced, self.writers) if sha256 is not None]
        assert won == [store.version("orders", "1.0.0").sha256]
        assert len(store.history("orders")) == 2

    def test_of_judges_with_one_expectation_one_wins(
        self, store: ContractStore, reopen_store: Callable[[], ContractStore]
    ) -> None:
        store.put(contract(), actor="ada", status=Status.IN_REVIEW)

        def judged(number: int) -> Status | None:
            status = Status.VALIDATED if number % 2 else Status.REJECTED
            try:
                return (
                    reopen_store()
                    .set_status("orders", "1.0.0", status, actor=f"w{number}", reason="x", expected=Status.IN_REVIEW)
                    .status
                )
            except StoreConflict:
                return None

        won = [status for status in at_once(judged, self.writers) if status is not None]
        assert won == [store.version("orders", "1.0.0").status]
        assert len(store.history("orders")) == 2

    def test_random_operations_do_what_a_simple_model_says(self, store: ContractStore) -> None:
        for seed in range(self.random_runs):
            run_at_random(store, seed=seed, steps=self.random_steps)
