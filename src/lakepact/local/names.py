"""Dataset names as sources write them: one to three parts, each plain or in backticks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakepact.errors import ConfigurationError
from lakepact.sql import qualified

__all__ = ["DatasetName", "Namespace"]

_PART = re.compile(r"`((?:[^`]|``)+)`|([^`.\s]+)")


@dataclass(frozen=True, slots=True)
class DatasetName:
    """A dataset's full name."""

    catalog: str
    schema: str
    table: str

    @property
    def parts(self) -> tuple[str, str, str]:
        """Catalog, schema and table."""
        return (self.catalog, self.schema, self.table)

    @property
    def sql(self) -> str:
        """Quoted, for SQL text."""
        return qualified(self.parts)

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where names of one part live: the pipeline's catalog and schema."""

    catalog: str
    schema: str

    def resolve(self, written: str) -> DatasetName:
        """The full name of a dataset.

        Raises ConfigurationError (LP530) for a name that is not one to three parts.

        >>> str(Namespace("spark_catalog", "sales").resolve("`order lines`"))
        'spark_catalog.sales.order lines'
        """
        parts = _split(written)
        if not 1 <= len(parts) <= 3:
            raise ConfigurationError(
                f"{written!r} is not the name of a dataset",
                code="LP530",
                hint="write table, schema.table or catalog.schema.table; put unusual names in backticks",
            )
        catalog, schema, table = (self.catalog, self.schema, "")[: 3 - len(parts)] + tuple(parts)
        return DatasetName(catalog, schema, table)


def _split(written: str) -> tuple[str, ...]:
    parts: list[str] = []
    at = 0
    while at < len(written):
        match = _PART.match(written, at)
        if match is None:
            return ()
        parts.append(match[1].replace("``", "`") if match[1] is not None else match[2])
        at = match.end()
        if at < len(written):
            if written[at] != "." or at + 1 == len(written):
                return ()
            at += 1
    return tuple(parts)
