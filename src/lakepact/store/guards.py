"""What a version number must be: semantic, nobody else's, no step back, and high enough for what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lakepact.contract import Contract, Version
from lakepact.diff import Waiver, compare
from lakepact.errors import ConfigurationError, VersionRefused
from lakepact.store.model import Status, StoredVersion

__all__ = ["baseline", "refuse_downgrade", "refuse_low_version", "semantic"]


def semantic(contract_id: str, text: str) -> Version:
    """The version that `text` spells. Raises VersionRefused LP853."""
    try:
        return Version.parse(text)
    except ConfigurationError as error:
        raise VersionRefused(f"'{contract_id}': {error.message}", "LP853", error.hint) from None


def refuse_downgrade(contract_id: str, text: str, others: Iterable[StoredVersion]) -> None:
    """Raise VersionRefused LP853 where a version may not come beside the others.

    It must not be equal to another one (`1.0` and `1.0.0`), nor below the highest published one of its major number, so
    that what somebody relies on is never followed by less. Pre-releases hold back only pre-releases.
    """
    version = semantic(contract_id, text)
    rest = [(Version.parse(other.version), other) for other in others if other.version != text]
    twin = next((other for number, other in rest if number == version), None)
    if twin is not None:
        message = f"'{contract_id}' {text} is the same version as {twin.version}, which is there"
        raise VersionRefused(message, "LP853", "keep one way to write it", {"found": twin.version})
    published = [
        number
        for number, other in rest
        if other.status.published
        and number.major == version.major
        and (version.is_prerelease or not number.is_prerelease)
    ]
    highest = max(published, default=None)
    if highest is not None and version < highest:
        message = f"'{contract_id}' {text} would go back: {highest} is published"
        hint = f"give it a version above {highest}, or another major number"
        raise VersionRefused(message, "LP853", hint, {"published": highest.text})


def baseline(text: str, others: Iterable[StoredVersion]) -> StoredVersion | None:
    """The version whose readers a new one must not surprise: the highest release below it that is in use."""
    version = Version.parse(text)
    used = (other for other in others if other.status in (Status.VALIDATED, Status.DEPRECATED))
    below = [(number, other) for other in used if (number := Version.parse(other.version)) < version]
    releases = [pair for pair in below if not pair[0].is_prerelease]
    return max(releases, key=lambda pair: pair[0], default=(version, None))[1]


def refuse_low_version(
    contract: Contract,
    others: Iterable[StoredVersion],
    read: Callable[[StoredVersion], Contract],
    waivers: Sequence[Waiver],
) -> str | None:
    """Raise VersionRefused LP853, with the reasons, where the version is too low for what changed since its baseline.

    Returns the reasons of the waivers that it needs, None where it needs none. The `status` of the documents does not
    count: here the store says what is published.
    """
    before = baseline(contract.version, others)
    if before is None:
        return None
    found = compare(replace(read(before), status=None), replace(contract, status=None), waivers=waivers)
    if found.version_ok:
        return found.waived
    unwaived = sorted((change for change in found.changes if change.waived is None), key=lambda one: -one.level.rank)
    reasons = [f"{change.level}: {change.sentence}" for change in unwaived]
    listed = "".join(f"\n  {reason}" for reason in reasons)
    message = f"'{contract.id}' {contract.version} is too low for what changed since {before.version}:{listed}"
    hint = f"give it the version {found.required_version}, or waive the changes"
    facts = {"baseline": before.version, "required": found.required_version, "reasons": reasons}
    raise VersionRefused(message, "LP853", hint, facts)
