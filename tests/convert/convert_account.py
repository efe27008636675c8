"""Proof that a conversion loses nothing: each value of a source is changed in turn, and the change must be seen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from lakepact.contract import Contract, Mode, load_contract
from lakepact.contract.writing import write_document
from lakepact.contract.yaml_nodes import child_path, read_yaml
from lakepact.convert.model import Converted
from lakepact.errors import ConfigurationError

__all__ = ["Converter", "data_of", "loaded", "said", "unseen_changes"]

Converter = Callable[..., Converted]


def loaded(converted: Converted) -> Contract:
    """The converted document, written and read back by the strict grammar of its version."""
    return load_contract(write_document(converted.document), mode=Mode.STRICT)


def said(converted: Converted) -> list[str]:
    """The problems as they are shown."""
    return [str(problem) for problem in converted.problems]


def data_of(source: bytes) -> Any:
    """The source as plain data."""
    document, problems = read_yaml(source.decode())
    assert document is not None
    assert problems == []
    return document.data


def unseen_changes(convert: Converter, data: Any) -> list[str]:
    """The paths of the values that can change without a trace in the contract or in the problems."""
    before = _outcome(convert, data)
    told = {problem[1] for problem in before[1] if problem[0] in ("LP803", "LP804")}
    return [
        path
        for keys, path in _leaves(data, (), "")
        if not any(path == other or path.startswith((f"{other}.", f"{other}[")) for other in told)
        and _outcome(convert, _changed(data, keys)) == before
    ]


def _outcome(convert: Converter, data: Any) -> tuple[object, tuple[tuple[str, str, str], ...]]:
    try:
        converted = convert(json.dumps(data).encode())
    except ConfigurationError as error:
        return "refused", tuple((problem.code, problem.path, problem.message) for problem in error.problems)
    problems = tuple((problem.code, problem.path, problem.message) for problem in converted.problems)
    return converted.document, problems


def _leaves(value: Any, keys: tuple[str | int, ...], path: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from _leaves(entry, (*keys, key), child_path(path, key))
    elif isinstance(value, list) and value:
        for index, entry in enumerate(value):
            yield from _leaves(entry, (*keys, index), child_path(path, index))
    elif value not in (None, "", [], {}):
        yield keys, path


def _changed(data: Any, keys: tuple[str | int, ...]) -> Any:
    changed = copy.deepcopy(data)
    holder = changed
    for key in keys[:-1]:
        holder = holder[key]
    value = holder[keys[-1]]
    holder[keys[-1]] = (
        not value if isinstance(value, bool) else value + 7 if not isinstance(value, str) else f"{value}9"
    )
    return changed
