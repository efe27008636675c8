"""Which version number a change asks for, by Semantic Versioning."""

from __future__ import annotations

from lakepact.contract.versions import Version, parsed_version
from lakepact.diff.model import Level

__all__ = ["covers", "required_version"]

_Numbers = tuple[int, int, int]


def required_version(old: str, level: Level) -> str:
    """The lowest release that covers a change of `level` after `old`; '' where `old` is no semantic version.

    Before 1.0.0 the minor number stands for major, and the patch number for the rest. After a pre-release its own
    release is enough where its number was raised far enough.

    >>> required_version("1.4.2", Level.MINOR), required_version("0.3.1", Level.MAJOR)
    ('1.5.0', '0.4.0')
    >>> required_version("2.0.0-rc.1", Level.MAJOR), required_version("2.0.1-rc.1", Level.MINOR)
    ('2.0.0', '2.1.0')
    """
    version = parsed_version(old)
    if version is None:
        return ""
    if level is Level.NONE:
        return old
    return ".".join(str(number) for number in _required(version, level))


def covers(old: str, new: str, level: Level) -> bool:
    """Whether the version `new` after `old` covers a change of `level`; a pre-release of what is required does.

    Without a change the version may stay. Versions that are not semantic cover nothing but no change.

    >>> covers("1.4.2", "2.0.0-rc.1", Level.MAJOR), covers("1.4.2", "1.5.0", Level.MAJOR)
    (True, False)
    """
    before, after = parsed_version(old), parsed_version(new)
    if before is None or after is None:
        return level is Level.NONE
    if level is Level.NONE:
        return after >= before
    return after > before and (after.major, after.minor, after.patch) >= _required(before, level)


def _required(version: Version, level: Level) -> _Numbers:
    steps: dict[Level, _Numbers] = {
        Level.MAJOR: (version.major + 1, 0, 0),
        Level.MINOR: (version.major, version.minor + 1, 0),
        Level.PATCH: (version.major, version.minor, version.patch + 1),
    }
    rank = level
    if version.major == 0:
        rank = Level.MINOR if level is Level.MAJOR else Level.PATCH
    if version.is_prerelease and _is_raised(version, rank):
        return (version.major, version.minor, version.patch)
    return steps[rank]


def _is_raised(version: Version, level: Level) -> bool:
    """Whether the release of a pre-release is itself a step of that level or a larger one."""
    if level is Level.PATCH:
        return True
    return version.patch == 0 and (level is Level.MINOR or version.minor == 0)
