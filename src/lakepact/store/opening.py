"""Opens a store by its address: one table says which module serves which scheme."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lakepact.errors import UsageError
from lakepact.store.governance import Grant
from lakepact.store.journal_store import JournalStore
from lakepact.store.protocol import ContractStore

__all__ = ["SCHEMES", "Scheme", "create_store", "open_store"]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Who serves the addresses of a scheme; each is `module:function`, imported when an address asks for it.

    `journal` takes the address and returns a Journal, or `store` takes it and returns a ContractStore that decides
    elsewhere what is allowed. `create` takes the address and makes the place ready; empty where nothing is to be made.
    `govern` takes the address, grants and tags; empty where the place has none. `path` tells that a path follows the
    scheme, which may start from a folder.
    """

    journal: str = ""
    store: str = ""
    create: str = ""
    govern: str = ""
    path: bool = False


_OBJECTS: Final = Scheme(journal="lakepact.store.objects:open_objects", create="lakepact.store.objects:create_objects")

SCHEMES: Final[Mapping[str, Scheme]] = MappingProxyType(
    {
        "collibra": Scheme(store="lakepact.collibra.store:open_collibra"),
        "delta": Scheme(
            journal="lakepact.store.delta_rs:open_delta", create="lakepact.store.delta_rs:create_delta", path=True
        ),
        "file": Scheme(
            journal="lakepact.store.files:open_files", create="lakepact.store.files:create_files", path=True
        ),
        "git": Scheme(journal="lakepact.store.git:open_git", create="lakepact.store.git:create_git", path=True),
        "http": Scheme(store="lakepact.store.http_client:open_http"),
        "https": Scheme(store="lakepact.store.http_client:open_http"),
        "memory": Scheme(journal="lakepact.store.memory:open_memory"),
        "memory-fs": _OBJECTS,
        "spark": Scheme(
            journal="lakepact.store.spark_session:open_spark",
            create="lakepact.store.spark_session:create_spark",
            govern="lakepact.store.spark_session:govern_spark",
        ),
        "uc": Scheme(
            journal="lakepact.store.warehouse:open_warehouse",
            create="lakepact.store.warehouse:create_warehouse",
            govern="lakepact.store.warehouse:govern_warehouse",
        ),
        "s3": _OBJECTS,
        "gs": _OBJECTS,
        "az": _OBJECTS,
        "abfs": _OBJECTS,
        "abfss": _OBJECTS,
        "fsspec": _OBJECTS,
    }
)


def open_store(address: str, *, directory: Path | None = None, review_required: bool = True) -> ContractStore:
    """The store at `address`, such as `file:contracts-store`; a path without a scheme is a folder of files.

    Paths start from `directory` (default: the working directory). Without `review_required` a draft may be validated
    at once, unless the store is a service, which decides that itself. Raises UsageError LP857 where the address is
    none, ExtraMissing where a library is not installed, ConfigurationError or RemoteFailed where the place is no use.

    >>> open_store("memory:").list_contracts()
    ()
    """
    scheme, whole = _resolved(address, directory)
    if scheme.store:
        store: ContractStore = _function(scheme.store)(whole)
        return store
    return JournalStore(_function(scheme.journal)(whole), review_required=review_required)


def create_store(
    address: str,
    *,
    directory: Path | None = None,
    grants: Sequence[Grant] = (),
    tags: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Make the place of `address` ready to be a store; where it is one, nothing changes. Raises as `open_store`.

    `grants` say who else may use it, `tags` mark its tables, where the place is a schema of Unity Catalog. Raises
    UsageError LP877 for grants and tags where it is none.
    """
    scheme, whole = _resolved(address, directory)
    if (grants or tags) and not scheme.govern:
        able = " and ".join(f"{name}:" for name, each in SCHEMES.items() if each.govern)
        message = f"'{address}' has no grants and tags: only stores of {able} have"
        raise UsageError(message, "LP877", "give rights where the place itself has them, or leave out the options")
    if scheme.create:
        _function(scheme.create)(whole)
    if grants or tags:
        _function(scheme.govern)(whole, grants, tags)


def _resolved(address: str, directory: Path | None) -> tuple[Scheme, str]:
    """The row of the table, and the address with its scheme and a path that starts where it should."""
    found = _SCHEME.fullmatch(address)
    name, rest = (found[1].lower(), found[2]) if found else ("file", address)
    scheme = SCHEMES.get(name)
    if scheme is None:
        known = ", ".join(f"{each}:" for each in sorted(SCHEMES))
        hint = f"known are {known}; a path that has a colon starts with ./"
        raise UsageError(f"'{address}' is no address of a store: nothing serves '{name}:'", "LP857", hint)
    if scheme.path and not rest:
        raise UsageError(
            f"'{address}' is no address of a store: it has no path", "LP857", f"write for example {name}:store"
        )
    if scheme.path and directory is not None and "://" not in rest:
        rest = str(directory / rest)
    return scheme, f"{name}:{rest}"


def _function(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)
