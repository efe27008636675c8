"""Finds the contracts among the files of a folder, of a Git tree, or of a work tree, and reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakepact.contract import Contract, Version, read_contract
from lakepact.contract.content import ContentTooLarge, content_of
from lakepact.contract.versions import parsed_version
from lakepact.contract.yaml_nodes import MAX_BYTES
from lakepact.errors import Problem, Severity, UsageError

__all__ = [
    "SUFFIXES",
    "ContractFile",
    "bytes_of",
    "contract_files",
    "is_contract",
    "may_be_contract",
    "may_have_id",
    "read",
]

SUFFIXES: Final = (".yaml", ".yml", ".json")
_NAMED: Final = re.compile(r"\.odcs\.(ya?ml|json)$")
# The first keys of a contract; Kubernetes and others write `kind` and `apiVersion` too, with other values.
_KEYS: Final = (
    rb"(?:kind[\"']?[ \t]*:[ \t]*[\"']?DataContract\b|apiVersion[\"']?[ \t]*:[ \t]*[\"']?v[23]\.[0-9]+\.[0-9]+\b)"
)
_YAML: Final = re.compile(rb"^(?:\xef\xbb\xbf)?\{? ?[\"']?" + _KEYS, re.MULTILINE)
_JSON: Final = re.compile(rb"[\"']" + _KEYS)
_ESCAPED_ID: Final = re.compile(rb"\bid[\"']?\s*:[^\n]*\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFile:
    """A file that holds a contract, or should: `contract` is None where `problems` has errors.

    `path` starts at the folder that was searched (or the root of the repository) and has `/` between its parts.
    `content` is None where the file is larger than a document may be.
    """

    path: str
    content: bytes | None
    contract: Contract | None
    problems: tuple[Problem, ...] = ()

    @property
    def version(self) -> Version | None:
        """The contract's version; None where it is not a semantic one, or there is no contract."""
        return parsed_version(self.contract.version) if self.contract else None


def contract_files(folder: Path, *, contract_id: str | None = None) -> tuple[ContractFile, ...]:
    """Every contract below `folder`, or those that may have that id; sorted by path, with what is wrong with each.

    A file is taken for a contract when it ends in `.odcs.yaml`, `.odcs.yml` or `.odcs.json`, or when it is YAML or
    JSON and says `kind: DataContract` or an `apiVersion` of the standard. Folders and files whose names start with a
    dot, and links, are passed over. Raises UsageError LP783 where there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder '{folder}'", "LP783")
    found = []
    for path in sorted(_candidates(folder)):
        relative = path.relative_to(folder).as_posix()
        content = bytes_of(path)
        if content is not None and contract_id is not None and not may_have_id(content, contract_id):
            continue
        if is_contract(relative, content or b""):
            found.append(read(relative, content, name=str(path)))
    return tuple(found)


def may_be_contract(path: str) -> bool:
    """Whether a file of that name can hold a contract.

    >>> may_be_contract("contracts/orders.odcs.yaml"), may_be_contract(".github/workflows/ci.yaml")
    (True, False)
    """
    return path.endswith(SUFFIXES) and not any(part.startswith(".") for part in path.split("/"))


def is_contract(path: str, content: bytes) -> bool:
    """Whether a file is a contract or is meant to be one, by its name or its first keys.

    >>> is_contract("job.yaml", b"apiVersion: v1"), is_contract("a.yaml", b"apiVersion: v3.1.0")
    (False, True)
    """
    keys = _JSON if path.endswith(".json") else _YAML
    return path.endswith(SUFFIXES) and (_NAMED.search(path) is not None or keys.search(content) is not None)


def may_have_id(content: bytes, contract_id: str) -> bool:
    """Whether the document can have that id; False is certain. Spares the reading of documents that cannot."""
    return contract_id.encode("utf-8", "surrogatepass") in content or _ESCAPED_ID.search(content) is not None


def read(path: str, content: bytes | None, *, name: str) -> ContractFile:
    """The contract in `content`; `name` is the file that problems show."""
    if content is None:
        message = f"the document is larger than the limit of {MAX_BYTES:,} bytes"
        problem = Problem(code="LP784", severity=Severity.ERROR, message=message, file=name, hint="split the contract")
        return ContractFile(path=path, content=None, contract=None, problems=(problem,))
    contract, problems = read_contract(content, file=name)
    return ContractFile(path=path, content=content, contract=contract, problems=problems)


def _candidates(folder: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(directory, name)
            if may_be_contract(name) and path.is_file() and not path.is_symlink():
                yield path


def bytes_of(path: Path) -> bytes | None:
    """The bytes of a file; None above the limit. An unreadable file raises OSError with its name."""
    try:
        return content_of(path)
    except ContentTooLarge:
        return None
