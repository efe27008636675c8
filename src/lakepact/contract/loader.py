"""Reads an ODCS document: bytes to the typed model, with all problems of the document in one pass."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum

from lakepact.contract.build import build_contract
from lakepact.contract.content import ContentTooLarge, content_of
from lakepact.contract.grammar import judge
from lakepact.contract.model import ApiVersion, Contract
from lakepact.contract.problems import Code
from lakepact.contract.yaml_nodes import MAX_BYTES, YamlDocument, clipped, read_yaml
from lakepact.errors import ContractInvalid, Problem, Severity

__all__ = ["Mode", "load_contract", "read_contract"]

_VERSIONS = {version.value: version for version in ApiVersion}
_ACCEPTED = ", ".join(_VERSIONS)
_CONVERT = "lakepact convert writes it as version 3"
_KEYS_OF_VERSION_2 = {"uuid", "datasetName", "quantumName"}
_START = "a contract starts with `apiVersion`, `kind`, `id` and `version`"


class Mode(StrEnum):
    """How to take a document that uses the grammar of another version than it declares."""

    STRICT = "strict"
    COMPATIBLE = "compatible"


def load_contract(source: str | os.PathLike[str] | bytes, *, file: str = "", mode: Mode = Mode.COMPATIBLE) -> Contract:
    """The contract in `source`: a path, or the bytes of the document.

    `file` is the name that problems show; for a path it defaults to the path. Raises ContractInvalid with all
    errors and warnings of the document.

    >>> document = b"apiVersion: v3.2.0\\nkind: DataContract\\nid: orders\\nversion: 1.0.0\\n"
    >>> load_contract(document).version
    '1.0.0'
    """
    contract, problems = read_contract(source, file=file, mode=mode)
    if contract is None:
        raise _invalid(problems)
    return contract


def read_contract(
    source: str | os.PathLike[str] | bytes, *, file: str = "", mode: Mode = Mode.COMPATIBLE
) -> tuple[Contract | None, tuple[Problem, ...]]:
    """The contract in `source` with everything that was found in it, in document order.

    The contract is None when a problem is an error; warnings come with the contract. Raises nothing for a bad document.
    """
    name = file or ("" if isinstance(source, bytes) else str(source))
    content, problems = _content(source)
    contract = None
    if content is not None:
        contract, problems = _read(content, name, mode)
    return contract, tuple(replace(problem, file=name) for problem in problems)


def _read(content: bytes, file: str, mode: Mode) -> tuple[Contract | None, list[Problem]]:
    text, problems = _text(content)
    if text is None:
        return None, problems
    document, problems = read_yaml(text)
    if document is None:
        return None, problems
    version, found = _header(document)
    problems += found
    if version is not None:
        problems += judge(document, version, strict=mode is Mode.STRICT)
    problems.sort(key=lambda problem: (problem.line, problem.column))
    if version is None or any(problem.severity is Severity.ERROR for problem in problems):
        return None, problems
    return build_contract(document, api_version=version, source=content, file=file), problems


def _content(source: str | os.PathLike[str] | bytes) -> tuple[bytes | None, list[Problem]]:
    if isinstance(source, bytes):
        return (source, []) if len(source) <= MAX_BYTES else (None, [_too_large(len(source))])
    try:
        return content_of(source), []
    except ContentTooLarge as error:
        return None, [_too_large(error.size)]
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return None, [_problem(Code.UNREADABLE, f"cannot be read: {reason}", hint=_path_hint(source))]


def _path_hint(source: str | os.PathLike[str]) -> str:
    return "a text is taken as a path; pass a document as bytes" if "\n" in str(source) else ""


def _too_large(size: int) -> Problem:
    message = f"the document has {size:,} bytes; the limit is {MAX_BYTES:,}"
    return _problem(Code.TOO_LARGE, message, hint="split the contract")


def _text(content: bytes) -> tuple[str | None, list[Problem]]:
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        before = content[: error.start]
        start = before.rfind(b"\n") + 1
        column = len(before[start:].decode("utf-8", "replace")) + 1
        message = f"not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}"
        return None, [_problem(Code.NOT_UTF8, message, before.count(b"\n") + 1, column, hint="save the file as UTF-8")]


def _header(document: YamlDocument) -> tuple[ApiVersion | None, list[Problem]]:
    """The version whose grammar judges the document, and what is wrong with its first lines."""
    data = document.data
    if not isinstance(data, dict):
        what = "the document is empty" if data is None else "the document is not a mapping of keys and values"
        code = Code.EMPTY if data is None else Code.ROOT_NOT_MAPPING
        return None, [_problem(code, what, 1, 1, hint=_START)]
    problems = []
    written = _as_written(document, "apiVersion")
    if written is None and "dataset" in data and not _KEYS_OF_VERSION_2.isdisjoint(data):
        place = document.key_places["dataset"]
        message = "this is version 2 of the standard, which is converted but not read: it has `dataset`, no apiVersion"
        return None, [_problem(Code.LEGACY_API_VERSION, message, place.line, place.column, "dataset", _CONVERT)]
    version = _VERSIONS.get(written or "", ApiVersion.V3_2_0)
    if written is not None and written not in _VERSIONS:
        problems.append(_version_problem(document, written))
        if written.startswith("v2."):
            return None, problems
    kind = _as_written(document, "kind")
    if kind is not None and kind != "DataContract":
        message = f"`kind` is `{clipped(kind)}`, not `DataContract`"
        problems.append(_problem_at(document, "kind", Code.WRONG_KIND, message, "write kind: DataContract"))
    return version, problems


def _as_written(document: YamlDocument, key: str) -> str | None:
    """The scalar under a key of the root, as text; None where there is none."""
    value = document.data.get(key)
    return value if isinstance(value, str) else document.texts.get(key) if value is not None else None


def _version_problem(document: YamlDocument, written: str) -> Problem:
    if written.startswith("v2."):
        message = f"apiVersion {clipped(written)} is converted but not read"
        return _problem_at(document, "apiVersion", Code.LEGACY_API_VERSION, message, _CONVERT)
    message = f"unknown apiVersion `{clipped(written)}`"
    return _problem_at(document, "apiVersion", Code.UNKNOWN_API_VERSION, message, f"accepted: {_ACCEPTED}")


def _problem_at(document: YamlDocument, path: str, code: Code, message: str, hint: str) -> Problem:
    place = document.places[path]
    return _problem(code, message, place.line, place.column, path, hint)


def _problem(code: Code, message: str, line: int = 0, column: int = 0, path: str = "", hint: str = "") -> Problem:
    return Problem(code=code, severity=Severity.ERROR, message=message, line=line, column=column, path=path, hint=hint)


def _invalid(problems: tuple[Problem, ...]) -> ContractInvalid:
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    name = problems[0].file or "the contract"
    count = "1 error" if errors == 1 else f"{errors} errors"
    return ContractInvalid(
        message=f"{name} has {count}", code=Code.INVALID, facts={"file": problems[0].file}, problems=problems
    )
