"""Who may use the tables of a store, and how the catalog marks them: grants and tags of Unity Catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lakepact.errors import UsageError
from lakepact.sql import identifier, qualified, string
from lakepact.store.tables import TABLES

__all__ = ["Access", "Grant", "governing_statements", "grant_of", "tags_of"]


class Access(StrEnum):
    """What somebody may do with a store."""

    READ = "read"
    WRITE = "write"

    @property
    def privileges(self) -> str:
        """The privileges on both tables: a writer reads what its write is decided on."""
        return "SELECT" if self is Access.READ else "SELECT, MODIFY"


@dataclass(frozen=True, slots=True)
class Grant:
    """A user, group or service principal of the workspace, and what it may do."""

    principal: str
    access: Access


def grant_of(text: str) -> Grant:
    """The grant that is written as `PRINCIPAL=read` or `PRINCIPAL=write`. Raises UsageError LP877.

    >>> grant_of("data-stewards=read")
    Grant(principal='data-stewards', access=<Access.READ: 'read'>)
    """
    principal, _, access = text.rpartition("=")
    if not principal.strip() or access not in list(Access):
        hint = f"write PRINCIPAL={' or PRINCIPAL='.join(Access)}, such as data-stewards=read"
        raise UsageError(f"'{text}' is no grant", "LP877", hint)
    return Grant(principal.strip(), Access(access))


def tags_of(texts: Iterable[str]) -> dict[str, str]:
    """The tags that are written as `KEY=VALUE` or `KEY`. Raises UsageError LP877.

    >>> tags_of(["team=data", "certified"])
    {'team': 'data', 'certified': ''}
    """
    tags: dict[str, str] = {}
    for text in texts:
        key, _, value = text.partition("=")
        if not key.strip() or tags.get(key.strip(), value) != value:
            why = "has another value already" if key.strip() else "is no tag"
            raise UsageError(f"'{text}' {why}", "LP877", "write KEY=VALUE, each key once")
        tags[key.strip()] = value
    return tags


def governing_statements(schema: Sequence[str], grants: Iterable[Grant], tags: Mapping[str, str]) -> Iterator[str]:
    """The statements that grant and tag; done again they change nothing. Nothing that was granted before is revoked.

    >>> for text in governing_statements(("main", "lp"), [Grant("ci", Access.READ)], {}): print(text)
    GRANT USE SCHEMA ON SCHEMA `main`.`lp` TO `ci`
    GRANT SELECT ON TABLE `main`.`lp`.`contract_events` TO `ci`
    GRANT SELECT ON TABLE `main`.`lp`.`contracts` TO `ci`
    """
    tables = [qualified([*schema, table.name]) for table in TABLES]
    for grant in grants:
        principal = identifier(grant.principal)
        yield f"GRANT USE SCHEMA ON SCHEMA {qualified(schema)} TO {principal}"
        for table in tables:
            yield f"GRANT {grant.access.privileges} ON TABLE {table} TO {principal}"
    if tags:
        assigned = ", ".join(f"{string(key)} = {string(value)}" for key, value in tags.items())
        for table in tables:
            yield f"ALTER TABLE {table} SET TAGS ({assigned})"
