"""Reads what a user names as a document: a path, `git:REV:PATH`, or `store:ADDRESS#ID@VERSION`."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from lakepact.contract import Version
from lakepact.contract.content import ContentTooLarge, content_of
from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.errors import ConfigurationError, UsageError
from lakepact.history.git import Repository

__all__ = ["Reference", "read_reference", "split_revision", "store_reference"]

_STORE: Final = "LAKEPACT_STORE"
_STORE_FORM: Final = f"write store:ADDRESS#ID@VERSION, or store:#ID@VERSION with {_STORE} set"
_FORM: Final = "write git:REV:PATH, for example git:main:contracts/orders.odcs.yaml or git:HEAD~1:./orders.odcs.yaml"


@dataclass(frozen=True, slots=True)
class Reference:
    """A document that was named: `text` as the user wrote it, `file` its name for messages, and its bytes."""

    text: str
    file: str
    content: bytes


def read_reference(text: str, *, directory: Path | None = None) -> Reference:
    """The document that `text` names; paths start from `directory` (default: the working directory).

    - A path. A file whose name starts with `git:` is written `./git:…`.
    - `git:REV:PATH`: the file at a revision of the repository that `directory` is in. As in Git itself PATH starts at
      the root of the repository, with `./` or `../` at `directory`; an empty REV means the index (what is staged).

    - `store:ADDRESS#ID@VERSION`: a version in the contract store at ADDRESS (default: the environment variable
      LAKEPACT_STORE). A specifier such as `>=1,<2` in the place of VERSION means the latest validated version that
      fits; without `@VERSION` it is the latest validated one.

    Raises UsageError LP782 (no such revision) and LP783 (nothing there), ConfigurationError LP781 (no repository),
    LP784 (larger than a document may be) and LP785 (Git fails), EnvironmentLacking LP780 (no Git), and what opening and
    reading a store raises.
    """
    base = directory or Path()
    scheme, colon, rest = text.partition(":")
    read = _SCHEMES.get(scheme) if colon else None
    return read(text, rest, base) if read else _from_path(text, base)


def split_revision(text: str, separator: str) -> tuple[str, str] | None:
    """What is before and after the first `separator` outside of braces, as in `HEAD^{/fix: it}:a.yaml`; None without.

    >>> split_revision("main@{2024-01-31 10:00}:a.yaml", ":")
    ('main@{2024-01-31 10:00}', 'a.yaml')
    """
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth <= 0 and text.startswith(separator, index):
            return text[:index], text[index + len(separator) :]
    return None


def _from_path(text: str, directory: Path) -> Reference:
    path = directory / text
    try:
        content = content_of(path)
    except ContentTooLarge as error:
        raise _too_large(text, error.size) from None
    except IsADirectoryError:
        raise UsageError(f"'{text}' is a folder; a contract is a file", "LP783") from None
    except (FileNotFoundError, NotADirectoryError):
        hint = f"a revision is written git:{text}" if split_revision(text, ":") else ""
        raise UsageError(f"there is no file '{text}'", "LP783", hint) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"'{text}' cannot be read: {reason}", "LP783") from error
    return Reference(text, text, content)


def _from_git(text: str, rest: str, directory: Path) -> Reference:
    parts = split_revision(rest, ":")
    if parts is None or not parts[1]:
        raise UsageError(f"'{text}' names no file at a revision", "LP783", _FORM)
    revision, path = parts
    repository = Repository.open(directory)
    if path.startswith(("./", "../")):
        path = posixpath.normpath(repository.prefix + path)
    name = f"{revision}:{path}"
    found = repository.staged(path) if not revision else _committed(repository, revision, path)
    if found is None:
        raise _nothing_there(repository, revision, path)
    size = int(repository.ask("cat-file", "-s", found))
    if size > MAX_BYTES:
        raise _too_large(name, size)
    return Reference(text, name, repository.ask("cat-file", "blob", found))


def store_reference(address: str, contract_id: str, version: str | None) -> str:
    """The reference to a version in a store; without a version, to the latest validated one.

    >>> store_reference("file:contracts-store", "orders", "1.0.0")
    'store:file:contracts-store#orders@1.0.0'
    """
    # Without a version the @ stays, so that one in the id is not taken for it.
    return f"store:{address}#{contract_id}@{version or ''}"


def _from_store(text: str, rest: str, directory: Path) -> Reference:
    from lakepact.store import open_store

    address, mark, what = rest.partition("#")
    address = address or os.environ.get(_STORE, "")
    contract_id, _, version = what.rpartition("@") if "@" in what else (what, "", "")
    if not mark or not contract_id or not address:
        raise UsageError(f"'{text}' names no contract in a store", "LP783", _STORE_FORM)
    store = open_store(address, directory=directory)
    found = (
        store.version(contract_id, version) if _is_version(version) else store.latest(contract_id, specifier=version)
    )
    name = f"{store.address}#{contract_id}@{found.version}"
    return Reference(text, name, store.get(contract_id, found.version).source)


def _is_version(text: str) -> bool:
    try:
        Version.parse(text)
    except ConfigurationError:
        return False
    return True


def _committed(repository: Repository, revision: str, path: str) -> str | None:
    file = repository.file(repository.object_of(revision, "tree"), path)
    return file.object if file else None


def _nothing_there(repository: Repository, revision: str, path: str) -> UsageError:
    where = f"revision '{revision}'" if revision else "the index"
    beside = posixpath.normpath(repository.prefix + path)
    hint = "`git ls-tree -r --name-only REV` lists its files; links and submodules are not followed"
    if repository.prefix and revision and repository.file(repository.object_of(revision, "tree"), beside):
        hint = f"paths start at the root of the repository: write git:{revision}:{beside} or git:{revision}:./{path}"
    return UsageError(f"there is no file '{path}' in {where}", "LP783", hint)


def _too_large(name: str, size: int) -> ConfigurationError:
    shown = f"has {size:,} bytes" if size else "is larger than a document may be"
    return ConfigurationError(f"'{name}' {shown}; the limit is {MAX_BYTES:,}", "LP784", "split the contract")


_SCHEMES: Final[Mapping[str, Callable[[str, str, Path], Reference]]] = MappingProxyType(
    {"git": _from_git, "store": _from_store}
)
