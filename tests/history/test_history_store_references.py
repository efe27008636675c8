"""`store:ADDRESS#ID@VERSION` names a document in a contract store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakepact.errors import ContractMissing, UsageError
from lakepact.history.references import read_reference, store_reference
from lakepact.store import Status, create_store, open_store
from lakepact.testing.store_samples import contract

MAIL = "me@home#1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store in it."""
    create_store("store", directory=tmp_path)
    store = open_store("store", directory=tmp_path, review_required=False)
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        store.put(contract("orders", version), actor="ada", status=Status.VALIDATED)
    store.put(contract("orders", "3.0.0"), actor="ada")
    store.put(contract(MAIL, "1.0.0"), actor="ada", status=Status.VALIDATED)
    return tmp_path


@pytest.mark.parametrize(
    ("what", "version"),
    [
        ("orders@1.0.0", "1.0.0"),
        ("orders@3.0.0", "3.0.0"),
        ("orders@<2", "1.1.0"),
        ("orders@~=1.0", "1.1.0"),
        ("orders", "2.0.0"),
        ("orders@", "2.0.0"),
    ],
)
@pytest.mark.parametrize("address", ["store", "file:store", ""])
def test_a_version_of_a_store(
    folder: Path, monkeypatch: pytest.MonkeyPatch, address: str, what: str, version: str
) -> None:
    monkeypatch.setenv("LAKEPACT_STORE", "file:store")
    found = read_reference(f"store:{address}#{what}", directory=folder)
    assert found.content == contract("orders", version).source
    assert found.file == f"file:{folder}/store#orders@{version}"
    assert found.text == f"store:{address}#{what}"


def test_an_id_with_marks_of_its_own(folder: Path) -> None:
    for version in ("1.0.0", None):
        text = store_reference("store", MAIL, version)
        assert read_reference(text, directory=folder).content == contract(MAIL, "1.0.0").source


@pytest.mark.parametrize("text", ["store:x", "store:", "store:#orders", "store:x#", "store:x#@1.0.0"])
def test_what_names_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.delenv("LAKEPACT_STORE", raising=False)
    words = (
        f"LP783: '{text}' names no contract in a store\n"
        "  hint: write store:ADDRESS#ID@VERSION, or store:#ID@VERSION with LAKEPACT_STORE set"
    )
    with pytest.raises(UsageError, match=f"^{re.escape(words)}$"):
        read_reference(text, directory=folder)


def test_a_version_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ContractMissing, match=r"^LP850: 'orders' has no version 9\.0\.0\n"):
        read_reference("store:store#orders@9.0.0", directory=folder)
