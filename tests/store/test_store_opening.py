"""Addresses: which module serves them, where paths start, and what is no address."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from lakepact.errors import UsageError
from lakepact.store import Status, create_store, open_store
from lakepact.store.opening import SCHEMES
from lakepact.testing.store_samples import contract


def test_a_path_is_a_folder_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    create_store("store")
    for address in ("store", "./store", "file:store", f"file:{tmp_path}/store", str(tmp_path / "store")):
        open_store(address).put(contract(), actor="ada")
    assert len(open_store("FILE:store").history("orders")) == 1
    assert open_store("store").address == "file:store"


def test_paths_start_from_the_folder(tmp_path: Path) -> None:
    create_store("file:store", directory=tmp_path)
    assert open_store("store", directory=tmp_path).address == f"file:{tmp_path}/store"
    assert open_store(f"file:{tmp_path}/store", directory=Path("/elsewhere")).address == f"file:{tmp_path}/store"


def test_memory_is_empty_each_time() -> None:
    create_store("memory:")
    store = open_store("memory:", review_required=False)
    assert store.put(contract(), actor="ada", status=Status.VALIDATED).status is Status.VALIDATED
    assert open_store("memory:").list_contracts() == ()
    assert store.address == "memory:"


@pytest.mark.parametrize("address", ["nope:x", "ab:c", "a.b+c-d:x"])
def test_a_scheme_that_nothing_serves(address: str) -> None:
    name = address.split(":")[0]
    words = re.escape(f"LP857: '{address}' is no address of a store: nothing serves '{name}:'\n")
    with pytest.raises(UsageError, match=f"^{words}"):
        open_store(address)


@pytest.mark.parametrize("address", ["", "file:"])
def test_an_address_without_a_path(address: str) -> None:
    with pytest.raises(UsageError, match=f"^LP857: '{address}' is no address of a store: it has no path\n"):
        open_store(address)


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_every_row_names_functions_that_are_there(name: str) -> None:
    scheme = SCHEMES[name]
    assert bool(scheme.journal) is not bool(scheme.store)
    for each in (scheme.journal, scheme.store, scheme.create):
        if each:
            module, function = each.split(":")
            assert callable(getattr(import_module(module), function))
