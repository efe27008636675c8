"""A contract under lint: its typed fields, where everything stands, and what was found so far."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lakepact.contract.edit_model import Edit
from lakepact.contract.model import Contract, LogicalTypeOptions, Place, SchemaObject, SchemaProperty, SemanticType
from lakepact.contract.yaml_nodes import child_path
from lakepact.errors import Problem, Severity
from lakepact.lint.catalogue import CHECKS, LintCode
from lakepact.rules.drafting import ObjectScope
from lakepact.rules.fields import Field, walk

__all__ = ["Fix", "Subject", "lines_of", "option_path", "parents_of", "place_of", "quoted", "shown"]

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Fix:
    """A mend that is certain: the finding at `path` goes when all `edits` are made."""

    code: str
    path: str
    edits: tuple[Edit, ...]


@dataclass
class Subject:
    """One contract, and the problems and fixes that checks report of it.

    `known` are the paths of which the grammar or the rules have already said something.
    """

    contract: Contract
    known: Collection[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)

    @cached_property
    def objects(self) -> list[ObjectScope]:
        """The objects with their stored fields at any depth."""
        return [
            ObjectScope(each, tuple(found for found in walk(each, []) if isinstance(found, Field)))
            for each in self.contract.schema
        ]

    @cached_property
    def scopes(self) -> dict[str, ObjectScope]:
        """The objects by name."""
        return {scope.object.name: scope for scope in self.objects}

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Every stored field by the path of its property."""
        return {found.prop.place.path: found for scope in self.objects for found in scope.fields}

    @cached_property
    def properties(self) -> list[tuple[SchemaObject, SchemaProperty]]:
        """Every property at any depth with its object."""
        return list(self.contract.walk_properties())

    @cached_property
    def measures(self) -> dict[str, SchemaProperty]:
        """The measures among the top-level properties, by `object.property` in every way that names them."""
        return {
            f"{owner}.{name}": prop
            for each in self.contract.schema
            for prop in each.properties
            if prop.semantic_type is SemanticType.MEASURE
            for owner in (each.name, each.table, each.id)
            for name in (prop.name, prop.column)
        }

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the document, as readers of YAML break them."""
        return lines_of(self.contract.source)

    def written(self, path: str) -> bool:
        """Whether the document has something at the path."""
        return path in self.contract.places

    def report(
        self,
        code: LintCode,
        message: str,
        path: str,
        *,
        hint: str = "",
        severity: Severity | None = None,
        edits: tuple[Edit, ...] = (),
    ) -> None:
        """Note a finding at `path`, with the edits that mend it; hint and severity default to those of the code."""
        check = CHECKS[code]
        place = place_of(self.contract, path)
        self.problems.append(
            Problem(
                code=code,
                severity=severity or check.severity,
                message=message,
                file=self.contract.file,
                line=place.line,
                column=place.column,
                path=path,
                hint=hint or _as_hint(check.remedy),
            )
        )
        if edits:
            self.fixes.append(Fix(code, path, edits))


def lines_of(source: bytes) -> list[str]:
    """The lines of a document that is known to be UTF-8."""
    return _BREAK.split(source.decode("utf-8-sig"))


def place_of(contract: Contract, path: str) -> Place:
    """Where the element at `path` stands, else the nearest element around it that stands anywhere."""
    found = contract.places.get(path)
    if found is not None:
        return found
    return next((place for each in parents_of(path) if (place := contract.places.get(each))), Place(path))


def parents_of(path: str) -> Iterator[str]:
    """The paths of the elements around an element, from the inside out, the root ('') last.

    >>> list(parents_of('schema[0].properties[1].name'))
    ['schema[0].properties[1]', 'schema[0].properties', 'schema[0]', 'schema', '']
    """
    for index in range(len(path) - 1, 0, -1):
        if path[index] in ".[":
            yield path[:index]
    if path:
        yield ""


def option_path(options: LogicalTypeOptions, key: str) -> str:
    """The path of one of the options of a property."""
    return child_path(options.place.path, key)


def quoted(value: object) -> str:
    """A name or value as messages show it.

    >>> quoted("customer id"), quoted(True), quoted(None)
    ('`customer id`', '`true`', '`null`')
    """
    return f"`{shown(value)}`"


def shown(value: object) -> str:
    """A value of the document as YAML has it, on one line, shortened."""
    text = {True: "true", False: "false", None: "null"}[value] if isinstance(value, bool | None) else str(value)
    text = " ".join(text.split()) if text.strip() else text
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _as_hint(remedy: str) -> str:
    return remedy[0].lower() + remedy[1:].rstrip(".")
