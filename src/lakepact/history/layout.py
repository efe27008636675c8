"""Layouts of contract folders: where the file of a contract belongs, and whether the files stand there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lakepact.contract import Contract, Version
from lakepact.contract.versions import parsed_version
from lakepact.errors import ConfigurationError, Problem, Severity, UsageError
from lakepact.history.documents import ContractFile

__all__ = ["DEFAULT_LAYOUT", "Layout", "repeated_versions", "versions_of"]

DEFAULT_LAYOUT: Final = "{domain}/v{major}.{minor}/{object}.yaml"

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_SOURCE_KEYS: Final = ("source", "sourceType", "source_type")


@dataclass(frozen=True, slots=True)
class Layout:
    """The path of a contract below its folder, with placeholders.

    `{domain}`, `{tenant}`, `{product}` (`dataProduct`), `{id}`, `{name}` and `{version}` are the contract's own;
    `{major}`, `{minor}` and `{patch}` the numbers of its version; `{source}` its custom property `source`
    (`sourceType`, `source_type`); `{object}` the name of its schema object or, where it has not exactly one, its name
    or its id.

    >>> Layout.parse("{domain}/v{major}.{minor}/{object}.yaml").pattern
    '{domain}/v{major}.{minor}/{object}.yaml'
    """

    pattern: str

    @classmethod
    def parse(cls, pattern: str) -> Layout:
        """The layout that `pattern` spells. Raises UsageError LP786."""
        unknown = [name for name in _PLACEHOLDER.findall(pattern) if name not in _VALUES]
        hint = "placeholders: " + ", ".join(f"{{{name}}}" for name in _VALUES)
        if unknown:
            raise UsageError(f"layout `{pattern}` has the unknown placeholder {{{unknown[0]}}}", "LP786", hint)
        literal = _PLACEHOLDER.sub("", pattern)
        if "{" in literal or "}" in literal:
            raise UsageError(f"layout `{pattern}` has a brace without its partner", "LP786", hint)
        parts = pattern.split("/")
        if "\\" in pattern or any(part in ("", ".", "..") for part in parts):
            raise UsageError(
                f"layout `{pattern}` is not a path below a folder", "LP786", f"write for example {DEFAULT_LAYOUT}"
            )
        return cls(pattern)

    def path_of(self, contract: Contract) -> str:
        """Where the contract belongs, from the folder on.

        Raises ConfigurationError LP787 where the contract lacks a value, or has one that is no name of a file.
        """
        return _PLACEHOLDER.sub(lambda match: _value(contract, match[1], self.pattern), self.pattern)

    def problems(self, files: Iterable[ContractFile]) -> tuple[Problem, ...]:
        """One problem (LP787) for each contract that does not stand where it belongs; unreadable ones have others."""
        found = []
        for file in files:
            if file.contract is None:
                continue
            try:
                belongs = self.path_of(file.contract)
            except ConfigurationError as error:
                found.append(_problem(file.contract, "", error.message, error.hint))
                continue
            if belongs != file.path:
                message = f"'{file.path}' is not where version {file.contract.version} of the contract belongs"
                hint = f"move it to '{belongs}', or correct what the layout {self.pattern} is made of"
                found.append(_problem(file.contract, "version", message, hint))
        return tuple(found)


def versions_of(files: Iterable[ContractFile], contract_id: str) -> tuple[ContractFile, ...]:
    """The versions of one contract among the files of a folder, lowest first; what has no semantic version is first."""
    versions = [file for file in files if file.contract is not None and file.contract.id == contract_id]
    return tuple(sorted(versions, key=lambda file: (file.version or _LOWEST, file.path)))


def repeated_versions(files: Iterable[ContractFile]) -> tuple[Problem, ...]:
    """One problem (LP787) for each file that holds a version of a contract that an earlier file holds too."""
    seen: dict[tuple[str, Version | str], ContractFile] = {}
    found = []
    for file in files:
        if file.contract is None:
            continue
        key = (file.contract.id, file.version or file.contract.version)
        first = seen.setdefault(key, file)
        if first is not file:
            message = f"version {file.contract.version} of contract '{file.contract.id}' is in '{first.path}' too"
            hint = "give one of them another version, or remove it"
            found.append(_problem(file.contract, "version", message, hint))
    return tuple(found)


_LOWEST: Final = Version("", -1, 0, 0)


def _object_name(contract: Contract) -> str | None:
    only = contract.schema[0].name if len(contract.schema) == 1 else None
    return only or contract.name or contract.id


def _source(contract: Contract) -> str | None:
    custom = {each.property: each.value for each in contract.custom_properties}
    return next((value for key in _SOURCE_KEYS if isinstance(value := custom.get(key), str)), None)


def _number(part: Callable[[Version], int]) -> Callable[[Contract], str | None]:
    def of(contract: Contract) -> str | None:
        version = parsed_version(contract.version)
        return str(part(version)) if version else None

    return of


_VALUES: Final[Mapping[str, Callable[[Contract], str | None]]] = MappingProxyType(
    {
        "domain": lambda contract: contract.domain,
        "source": _source,
        "tenant": lambda contract: contract.tenant,
        "product": lambda contract: contract.data_product,
        "id": lambda contract: contract.id,
        "name": lambda contract: contract.name,
        "object": _object_name,
        "version": lambda contract: contract.version,
        "major": _number(lambda version: version.major),
        "minor": _number(lambda version: version.minor),
        "patch": _number(lambda version: version.patch),
    }
)
_LACKING: Final = {
    "source": "add the custom property `source`",
    "product": "add `dataProduct`",
    **dict.fromkeys(("major", "minor", "patch"), "write a semantic version, for example 1.4.0"),
}


def _value(contract: Contract, placeholder: str, pattern: str) -> str:
    value = _VALUES[placeholder](contract)
    if not value:
        message = f"contract '{contract.id}' has no value for {{{placeholder}}} of the layout {pattern}"
        raise ConfigurationError(message, "LP787", _LACKING.get(placeholder, f"add `{placeholder}`"))
    if value.startswith(".") or any(character in "/\\" or not character.isprintable() for character in value):
        message = f"contract '{contract.id}' has `{value}` for {{{placeholder}}}, which is no name of a file"
        raise ConfigurationError(message, "LP787", "use letters, digits, `.`, `-` and `_`")
    return value


def _problem(contract: Contract, path: str, message: str, hint: str) -> Problem:
    place = contract.places.get(path)
    line, column = (place.line, place.column) if place else (1, 1)
    return Problem(
        code="LP787",
        severity=Severity.ERROR,
        message=message,
        file=contract.file,
        line=line,
        column=column,
        path=path,
        hint=hint,
    )
