"""What tests of importers share: a converted document is loaded by the strict grammar."""

from __future__ import annotations

from typing import Any

from lakepact.contract import Contract, Mode, load_contract
from lakepact.contract.writing import write_document
from lakepact.convert.model import Converted
from lakepact.errors import Problem


def loaded(converted: Converted) -> Contract:
    """The contract that the document is, strictly read."""
    return load_contract(write_document(converted.document), file="converted.yaml", mode=Mode.STRICT)


def objects(converted: Converted) -> dict[str, dict[str, Any]]:
    """The schema objects by name, after the document was found strictly valid."""
    loaded(converted)
    return {entry["name"]: entry for entry in converted.document.get("schema", ())}


def properties(schema_object: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties by name."""
    return {entry["name"]: entry for entry in schema_object.get("properties", ())}


def custom(element: dict[str, Any]) -> dict[str, Any]:
    """The custom properties."""
    return {entry["property"]: entry["value"] for entry in element.get("customProperties", ())}


def told(problems: tuple[Problem, ...]) -> list[tuple[str, int, str]]:
    """Code, line and message of problems."""
    return [(problem.code, problem.line, problem.message) for problem in problems]
