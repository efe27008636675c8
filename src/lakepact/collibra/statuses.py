"""What the statuses of a tenant mean, and what a contract with several versions looks like in Collibra.

Collibra has one status a contract, that of its asset, and one active version. The status of the asset is that of the
active version; drafts that wait are inactive versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lakepact.contract import SpecifierSet, Version
from lakepact.errors import ConfigurationError
from lakepact.store.model import Status, StoredVersion

__all__ = ["StatusNames", "Wanted", "wanted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusNames:
    """The names that each status has on a tenant, the preferred one first; upper and lower case are the same.

    Collibra comes with none of the words draft, validated and deprecated, but tenants may have them: the defaults try
    them first, then what comes out of the box. Raises ConfigurationError LP910 for a name that means two statuses.

    >>> StatusNames().meaning("Accepted")
    <Status.VALIDATED: 'validated'>
    >>> StatusNames().meaning("Access Granted") is None
    True
    """

    draft: tuple[str, ...] = ("Draft", "Candidate")
    in_review: tuple[str, ...] = ("In Review", "Under Review")
    validated: tuple[str, ...] = ("Validated", "Accepted", "Approved")
    rejected: tuple[str, ...] = ("Rejected", "Invalid")
    deprecated: tuple[str, ...] = ("Deprecated", "Obsolete")
    retired: tuple[str, ...] = ("Retired", "Archived")

    def __post_init__(self) -> None:
        seen: dict[str, Status] = {}
        for status in Status:
            if not self.names(status):
                raise ConfigurationError(f"no status of Collibra means {status}", "LP910", "name one in the settings")
            for name in self.names(status):
                other = seen.setdefault(name.casefold(), status)
                if other is not status:
                    message = f"the status '{name}' of Collibra means both {other} and {status}"
                    raise ConfigurationError(message, "LP910", "name it once in the settings")

    def names(self, status: Status) -> tuple[str, ...]:
        """The names of a status, the preferred one first."""
        names: tuple[str, ...] = getattr(self, status.name.lower())
        return names

    def meaning(self, name: str) -> Status | None:
        """The status that a name of the tenant means; None for one that says nothing about contracts."""
        folded = name.casefold()
        return next((status for status in Status if folded in {each.casefold() for each in self.names(status)}), None)

    def name(self, status: Status, available: Iterable[str]) -> str:
        """The first name of a status that the tenant has. Raises ConfigurationError LP910 where it has none."""
        there = {each.casefold(): each for each in available}
        for each in self.names(status):
            if each.casefold() in there:
                return there[each.casefold()]
        message = f"Collibra has no status that means {status}: {', '.join(self.names(status))}"
        raise ConfigurationError(message, "LP910", f"name one of {', '.join(sorted(there.values()))} in the settings")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a contract should look in Collibra: its active version, and the status of its asset; None leaves it."""

    active: str | None
    status: Status | None


def wanted(versions: Mapping[str, StoredVersion], active: str | None) -> Wanted:
    """What Collibra should show for versions that stand so, when `active` is the active one.

    The latest validated version is the active one, else the latest that was. While none was ever validated the active
    version stays, because Collibra always has one, and the asset has its status.
    """
    for status in (Status.VALIDATED, Status.DEPRECATED, Status.RETIRED):
        found = [version for version, each in versions.items() if each.status is status]
        if found:
            return Wanted(_latest(found), status)
    standing = versions.get(active) if active is not None else None
    return Wanted(None, None if standing is None else standing.status)


def _latest(versions: list[str]) -> str:
    releases = SpecifierSet.parse("")
    return max([each for each in versions if each in releases] or versions, key=Version.parse)
