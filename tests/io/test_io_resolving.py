"""Which contract, object and rules a read or write is under, without Spark."""

from __future__ import annotations

import logging
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from io_samples import amount, currency, file_store, fill, memory_store, orders

from lakepact.errors import ContractMissing, ContractViolated, UsageError
from lakepact.io import OnViolation, Surroundings, using
from lakepact.io.resolving import Governed, current_surroundings, resolve
from lakepact.io.tables import table_named
from lakepact.rules import load_policy
from lakepact.rules.model import Action
from lakepact.store import Status, create_store
from lakepact.store.protocol import ContractStore

CUSTOMERS = {"name": "customers", "physicalName": "crm", "properties": [{"name": "id", "logicalType": "integer"}]}


def resolved(contract: Any, store: ContractStore | str | None = None, **changed: Any) -> Governed:
    given: dict[str, Any] = {
        "object_name": None,
        "version": "",
        "statuses": (Status.VALIDATED,),
        "on_violation": OnViolation.CONTRACT,
        "policy": None,
        "place": None,
        "surroundings": replace(current_surroundings(), store=store),
    }
    return resolve(contract, **(given | changed))


def test_the_highest_validated_version_that_fits() -> None:
    store = memory_store(orders(version="1.0.0"), orders(version="1.1.0"))
    fill(store, orders(version="1.2.0"), status=Status.DRAFT)
    fill(store, orders(version="2.0.0"))
    assert resolved("test.orders", store).contract.version == "2.0.0"
    assert resolved("test.orders", store, version=">=1,<2").contract.version == "1.1.0"
    assert resolved("test.orders", store, version="==1.0.0").status is Status.VALIDATED
    with_drafts = resolved("test.orders", store, version="<2", statuses=(Status.VALIDATED, Status.DRAFT))
    assert (with_drafts.contract.version, with_drafts.status) == ("1.2.0", Status.DRAFT)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.DEPRECATED])
def test_statuses_that_nobody_asked_for_are_not_found(status: Status) -> None:
    store = memory_store(orders(), status=status)
    with pytest.raises(ContractMissing, match=r"^LP850: "):
        resolved("test.orders", store)
    assert resolved("test.orders", store, statuses=(status,)).status is status


def test_without_a_status_nothing_can_be_found() -> None:
    with pytest.raises(UsageError, match=r"^LP891: no status is allowed\n  hint: give `statuses` at least one"):
        resolved("test.orders", memory_store(orders()), statuses=())


@pytest.mark.parametrize("said", ["draft", "deprecated", "retired", "rejected", "in review", "proposed"])
def test_a_given_contract_has_the_status_of_its_document(said: str) -> None:
    shown = "draft" if said == "proposed" else said
    expected = (
        f"LP894: contract 'test.orders' 1.0.0 is {shown}\n  hint: allowed here is validated; allow more by `statuses`"
    )
    with pytest.raises(ContractViolated, match=f"^{re.escape(expected)}$"):
        resolved(orders(status=said))
    assert resolved(orders(status=said), statuses=(Status(shown),)).status is Status(shown)
    for usable in ("active", "validated", "Active"):
        assert resolved(orders(status=usable)).status is None


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"object_name": "customers"}, "customers"),
        ({"place": table_named("orders")}, "orders"),
        ({"place": table_named("crm")}, "customers"),
        ({"place": table_named("crm"), "object_name": "orders"}, "orders"),
    ],
)
def test_one_of_several_objects(settings: dict[str, Any], found: str) -> None:
    assert resolved(orders(objects=[CUSTOMERS]), **settings).rules.name == found


def test_no_object_is_meant() -> None:
    several = "LP890: contract 'test.orders' 1.0.0 has several schema objects\n"
    known = "  hint: give `object_name`; known are: 'orders', 'customers'"
    with pytest.raises(UsageError, match=f"^{re.escape(several + known)}$"):
        resolved(orders(objects=[CUSTOMERS]), place=table_named("elsewhere"))
    unknown = "LP890: contract 'test.orders' 1.0.0 has no schema object 'orderz'\n"
    with pytest.raises(UsageError, match=f"^{re.escape(unknown + known)}$"):
        resolved(orders(objects=[CUSTOMERS]), object_name="orderz")


def test_the_only_object_needs_no_name() -> None:
    assert resolved(orders(), place=table_named("elsewhere")).rules.name == "orders"


def test_actions_are_those_that_the_caller_wants() -> None:
    contract = orders(amount(action="drop"), currency(action="warn"))

    def actions(**settings: Any) -> tuple[Action, Action]:
        found = {rule.id: rule.action for rule in resolved(contract, **settings).rules.row_rules}
        return found["orders.amount.exclusiveMinimum"], found["orders.currency.enum"]

    assert actions() == (Action.DROP, Action.WARN)
    assert actions(on_violation=OnViolation.RAISE) == (Action.FAIL, Action.WARN)
    assert actions(on_violation=OnViolation.QUARANTINE) == (Action.QUARANTINE, Action.WARN)
    assert actions(on_violation=OnViolation.WARN) == (Action.WARN, Action.WARN)
    policy = load_policy(b'version: 1\nactions:\n  - {rule: "*.enum", action: fail}\n')
    assert actions(policy=policy) == (Action.DROP, Action.FAIL)


def test_rules_on_the_whole_keep_their_action_but_for_warn() -> None:
    contract = orders(quality=[{"metric": "rowCount", "mustBeGreaterThan": 0, "severity": "error"}])
    found = {each: resolved(contract, on_violation=each).rules.dataset_rules[0].action for each in OnViolation}
    assert found == {
        OnViolation.CONTRACT: Action.FAIL,
        OnViolation.RAISE: Action.FAIL,
        OnViolation.QUARANTINE: Action.FAIL,
        OnViolation.WARN: Action.WARN,
    }


def test_a_store_is_named_by_the_call_the_block_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        create_store(f"file:{tmp_path / name}")
        fill(file_store(f"file:{tmp_path / name}"), orders(version=f"{'12'['ab'.index(name)]}.0.0"))
    monkeypatch.setenv("LAKEPACT_STORE", f"file:{tmp_path / 'a'}")
    with using(cache=tmp_path / "cache"):
        assert resolved("test.orders").contract.version == "1.0.0"
        assert resolved("test.orders", f"file:{tmp_path / 'b'}").contract.version == "2.0.0"
    monkeypatch.delenv("LAKEPACT_STORE")
    expected = (
        "LP891: no contract store is named\n"
        "  hint: give `store`, open `lakepact.io.using(store=...)` around the call, or set LAKEPACT_STORE"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(expected)}$"):
        resolved("test.orders")


def test_using_ends_with_its_block() -> None:
    before = current_surroundings()
    with using(results="audit"), using(store="memory:", results=None):
        assert current_surroundings() == Surroundings(store="memory:", results=None)
    assert current_surroundings() is before


def test_a_store_that_went_away_is_helped_out_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = _Sometimes(memory_store(orders()))
    first = resolved("test.orders", store)
    store.away = True
    with caplog.at_level(logging.WARNING):
        again = resolved("test.orders", store)
    assert (first.seen, again.contract.source) == (None, first.contract.source)
    assert again.seen is not None
    assert re.fullmatch(
        r"the store memory: cannot be asked \(gone\): contract 'test\.orders' 1\.0\.0 is used as it was 0:00:0\d ago",
        caplog.messages[-1],
    )
    # What it never gave, it does not give now.
    with pytest.raises(OSError, match=r"^gone$"):
        resolved("test.orders", store, version=">1")
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(OSError, match=r"^gone$"):
        resolved("test.orders", store)


class _Sometimes:
    """A store that can be away."""

    def __init__(self, store: ContractStore) -> None:
        self._store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if self.away and name != "address":
            raise OSError("gone")
        return getattr(self._store, name)
