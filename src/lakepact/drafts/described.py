"""What a schema of a registry describes: types, what they mean, and which values are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lakepact.contract.types import StructType
from lakepact.errors import ConfigurationError

__all__ = ["MOST_FIELDS", "Described", "unreadable"]

MOST_FIELDS: Final = 20_000
"""How many fields a schema may have where each use of a type counts; a short schema can describe more than fit."""


@dataclass(frozen=True, slots=True)
class Described:
    """A record: its name, its fields with descriptions, and the values of fields that are enumerations.

    The key of `enums` is the path of the field; elements of arrays are named `[]`, values of maps `{}`.
    """

    name: str
    schema: StructType
    enums: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)


def unreadable(what: str, file: str, place: str, reason: str) -> ConfigurationError:
    """The error for a schema that gives no draft: `place` is where in it the fault is."""
    where = f"{file}: " if file else ""
    hint = "give the schema as the registry has it, with the schemas that it refers to"
    facts = {"file": file, "place": place}
    return ConfigurationError(
        f"{where}this is no {what} that a draft can be made of: {place}: {reason}", "LP886", hint, facts
    )
