"""Exchange with the official pydantic model, package `open-data-contract-standard`; no field is lost in silence."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lakepact.contract.grammar import judge
from lakepact.contract.loader import Mode, load_contract
from lakepact.contract.model import Contract, Place
from lakepact.contract.problems import Code
from lakepact.contract.writing import write_document
from lakepact.contract.yaml_nodes import YamlDocument, child_path, read_yaml
from lakepact.errors import ContractInvalid, Problem, Severity

if TYPE_CHECKING:
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import BaseModel

__all__ = ["InterchangeWarning", "from_official", "official_losses", "to_official"]

_NULL_HAS_MEANING = frozenset({"value", "valueExt", "mustBe", "mustNotBe"})


class InterchangeWarning(UserWarning):
    """The official model has no place for a field of the contract."""


def to_official(contract: Contract) -> OpenDataContractStandard:
    """The contract as the official model, value for value.

    Issues an `InterchangeWarning` for each field that the model has no place for (`official_losses` lists them). Raises
    ContractInvalid (LP181) where the model refuses a value, or where the contract was not read from a document.
    """
    model, losses = _convert(contract)
    for loss in losses:
        warnings.warn(str(loss), InterchangeWarning, stacklevel=2)
    return model


def official_losses(contract: Contract) -> tuple[Problem, ...]:
    """The fields of the contract that the official model has no place for, each a warning (LP180) with its place.

    Raises ContractInvalid (LP181) like `to_official`.
    """
    return _convert(contract)[1]


def from_official(model: OpenDataContractStandard, *, file: str = "", mode: Mode = Mode.COMPATIBLE) -> Contract:
    """The contract that an official model holds; its `source` is the YAML that is written for it.

    Raises ContractInvalid with all errors of the document, or (LP182) with the values that have no form in YAML.
    """
    try:
        source = write_document(_plain(model))
    except ContractInvalid as error:
        error.problems = [replace(problem, file=file) for problem in error.problems]
        raise
    return load_contract(source, file=file, mode=mode)


def _convert(contract: Contract) -> tuple[OpenDataContractStandard, tuple[Problem, ...]]:
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    document = _document(contract)
    data = _meant(document, document.data, "")
    try:
        model = OpenDataContractStandard.model_validate(data)
    except ValidationError as error:
        problems = [
            _problem(
                Code.REFUSED_IN_INTERCHANGE, f"the official model refuses this: {fault['msg']}", contract.file, place
            )
            for fault in error.errors()
            for place in [_place(contract, fault["loc"])]
        ]
        raise _refused(contract.file, problems) from error
    kept = model.model_dump(by_alias=True, exclude_unset=True)
    losses = tuple(
        _problem(
            Code.LOST_IN_INTERCHANGE,
            f"the official model has no place for `{path}`",
            contract.file,
            contract.places.get(path, Place(path)),
            Severity.WARNING,
        )
        for path in _lost(data, kept, "")
    )
    return model, losses


def _document(contract: Contract) -> YamlDocument:
    """The document read anew: what was written without quotes is known only while reading."""
    document = read_yaml(contract.source.decode("utf-8-sig"))[0] if contract.source else None
    if document is None:
        message = "the contract was not read from a document"
        raise _refused(contract.file, [_problem(Code.REFUSED_IN_INTERCHANGE, message, contract.file)])
    judge(document, contract.api_version, strict=False)
    return document


def _meant(document: YamlDocument, value: Any, path: str) -> Any:
    """The data with unquoted text as text, and without keys that have no value."""
    if path in document.as_text:
        return document.texts[path]
    if isinstance(value, dict):
        return {
            key: _meant(document, entry, child_path(path, key))
            for key, entry in value.items()
            if child_path(path, key) not in document.absent
        }
    if isinstance(value, list):
        return [_meant(document, entry, f"{path}[{index}]") for index, entry in enumerate(value)]
    return value


def _lost(given: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(kept, Mapping):
        for key, value in given.items():
            inner = child_path(path, key)
            if key in kept:
                yield from _lost(value, kept[key], inner)
            else:
                yield inner
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, (value, other) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(value, other, f"{path}[{index}]")
    elif given != kept or isinstance(given, bool) is not isinstance(kept, bool):
        yield path


def _plain(value: Any) -> Any:
    """The model as plain data: what was set, by the names of the standard, null only where it means something."""
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    fields = getattr(type(value), "model_fields", None)
    if fields is None:
        return value
    model: BaseModel = value
    result = {}
    for name, field in fields.items():
        entry = getattr(model, name)
        if name in model.model_fields_set and (entry is not None or name in _NULL_HAS_MEANING):
            result[field.alias or name] = _plain(entry)
    return result


def _place(contract: Contract, location: tuple[int | str, ...]) -> Place:
    """Where pydantic's location stands; the names of union members that it puts in between are left out."""
    path = ""
    for part in location:
        inner = child_path(path, part)
        if inner in contract.places:
            path = inner
    return contract.places.get(path, Place(path))


def _problem(
    code: Code, message: str, file: str, place: Place | None = None, severity: Severity = Severity.ERROR
) -> Problem:
    place = place or Place()
    return Problem(
        code=code,
        severity=severity,
        message=message,
        file=file,
        line=place.line,
        column=place.column,
        path=place.path,
    )


def _refused(file: str, problems: list[Problem]) -> ContractInvalid:
    message = f"{file or 'the contract'} cannot be exchanged with the official model"
    return ContractInvalid(message=message, code=Code.REFUSED_IN_INTERCHANGE, problems=problems)
