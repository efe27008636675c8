"""A new contract as YAML, from the answers to a few questions, with comments that say what goes where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lakepact.authoring.questions import Answers, Column
from lakepact.contract.loader import Mode, load_contract
from lakepact.contract.model import ApiVersion
from lakepact.contract.writing import write_document

__all__ = ["new_contract"]

_TEAM_IS_A_LIST = (ApiVersion.V3_0_0, ApiVersion.V3_0_1, ApiVersion.V3_0_2)

_COMMENTS = {
    "apiVersion": "A data contract. Its keys are those of the Open Data Contract Standard.",
    "description": "What the data is for; `usage` and `limitations` may follow.",
    "schema": (
        "What is delivered: one entry for each table.\n"
        "Bounds, patterns and lengths of a column go under `logicalTypeOptions`, other checks under `quality`."
    ),
    "team": "Who answers for the data.",
    "servers": "Where the data is.",
}


def new_contract(answers: Answers) -> bytes:
    """The contract that the answers describe, ready to be written; it reads back without a problem.

    >>> from lakepact.authoring.questions import answered
    >>> given = {"name": ["Orders"], "column": ["id:string:pk"]}
    >>> answers = answered(given, api_version=ApiVersion.V3_1_0, ask=None, defaults=True)
    >>> new_contract(answers).decode().splitlines()[1:4]
    ['apiVersion: v3.1.0', 'kind: DataContract', 'id: orders']
    """
    content = "".join(_chunks(_document(answers))).encode()
    load_contract(content, mode=Mode.STRICT)
    return content


def _chunks(document: Mapping[str, Any]) -> Iterator[str]:
    for key, value in document.items():
        comment = _COMMENTS.get(key)
        if comment is not None:
            yield "" if key == "apiVersion" else "\n"
            yield "".join(f"# {line}\n" for line in comment.splitlines())
        yield write_document({key: value}).decode()


def _document(answers: Answers) -> dict[str, Any]:
    """The keys in the order in which they are written; what has no answer is left out."""
    table = {
        "name": answers.object,
        "physicalType": "table",
        "properties": [_property(column) for column in answers.columns],
    }
    document = {
        "apiVersion": answers.api_version.value,
        "kind": "DataContract",
        "id": answers.id,
        "name": answers.name,
        "version": answers.version,
        "status": answers.status,
        "domain": answers.domain,
        "description": {"purpose": answers.purpose} if answers.purpose else None,
        "schema": [table],
        "team": _team(answers),
        "servers": [dict(server) for server in answers.servers],
    }
    return {key: value for key, value in document.items() if value}


def _property(column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "logicalType": column.logical_type}
    if column.key:
        entry |= {"primaryKey": True, "primaryKeyPosition": column.key}
    if column.required:
        entry["required"] = True
    if column.unique:
        entry["unique"] = True
    return entry


def _team(answers: Answers) -> Any:
    if not answers.owner:
        return None
    members = [{"username": answers.owner, "role": "owner"}]
    return members if answers.api_version in _TEAM_IS_A_LIST else {"members": members}
