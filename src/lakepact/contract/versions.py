"""Semantic versions of contracts, their order, and the specifiers that choose among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import total_ordering

from lakepact.contract.problems import Code
from lakepact.errors import ConfigurationError

__all__ = ["SpecifierSet", "Version", "latest", "parsed_version"]

_NUMBER = r"(?:0|[1-9][0-9]{0,17})"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9A-Za-z-]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"[vV]?(?P<major>{_NUMBER})(?:\.(?P<minor>{_NUMBER})(?:\.(?P<patch>{_NUMBER}))?"
    rf"(?:-(?P<pre>{_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?"
)
_SPECIFIER = re.compile(r"(?P<operator>===|==|!=|~=|>=|<=|>|<|)\s*(?P<version>[^\s<>=!~,]+)")
_WILDCARD = re.compile(rf"[vV]?{_NUMBER}(?:\.{_NUMBER})?\.\*")

_Key = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A semantic version; `text` is what was written, which neither order nor equality look at.

    A leading `v` and absent minor and patch numbers are accepted. Build metadata has no rank.

    >>> Version.parse("v1.2") == Version.parse("1.2.0+build.5")
    True
    >>> Version.parse("1.0.0-rc.2") < Version.parse("1.0.0-rc.10") < Version.parse("1.0.0")
    True
    """

    text: str
    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version that `text` spells; raises ConfigurationError (LP170)."""
        match = _VERSION.fullmatch(text)
        if match is None:
            hint = "write MAJOR.MINOR.PATCH, for example 1.4.0"
            raise ConfigurationError(message=f"`{text}` is not a semantic version", code=Code.WRONG_VERSION, hint=hint)
        major, minor, patch = (int(match[part] or 0) for part in ("major", "minor", "patch"))
        return cls(text, major, minor, patch, tuple(match["pre"].split(".")) if match["pre"] else ())

    @property
    def is_prerelease(self) -> bool:
        """Whether it comes before the release of the same number."""
        return bool(self.pre)

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key() if isinstance(other, Version) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> _Key:
        """Numbers, then the release above its pre-releases, which compare part by part: numbers below words."""
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return self.major, self.minor, self.patch, (parts if parts else ((2, 0, ""),))


@dataclass(frozen=True, slots=True)
class _Specifier:
    operator: str
    text: str
    holds: Callable[[Version], bool]
    names: Version | None = None


@dataclass(frozen=True, slots=True)
class SpecifierSet:
    """Conditions that all hold: `>=1.0,<2`, `~=1.2`, `==1.*`, `!=1.3.0`, `===1.0`; a bare version is `==`.

    `~=1.2` is `>=1.2,<2` and `~=1.2.3` is `>=1.2.3,<1.3`; `===` compares the text. A pre-release is accepted only where
    `==` or `===` names it. The empty text accepts every release.

    >>> "1.9.0" in SpecifierSet.parse(">=1.0,<2"), "2.0.0-rc.1" in SpecifierSet.parse(">=1.0")
    (True, False)
    """

    text: str
    _specifiers: tuple[_Specifier, ...]

    @classmethod
    def parse(cls, text: str) -> SpecifierSet:
        """The specifiers that `text` spells, joined by commas; raises ConfigurationError (LP171)."""
        parts = [part.strip() for part in text.split(",")] if text.strip() not in ("", "*") else []
        return cls(text, tuple(_specifier(part, text) for part in parts))

    def __contains__(self, version: Version | str) -> bool:
        candidate = version if isinstance(version, Version) else Version.parse(version)
        if candidate.is_prerelease and not any(specifier.names == candidate for specifier in self._specifiers):
            return False
        return all(specifier.holds(candidate) for specifier in self._specifiers)

    def __str__(self) -> str:
        return self.text


def latest(versions: Iterable[Version | str], specifier: SpecifierSet | str = "") -> Version | None:
    """The highest of `versions` that meets `specifier`; None where none does. Of equal ones the first is returned.

    >>> str(latest(["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"]))
    '1.10.0'
    """
    wanted = specifier if isinstance(specifier, SpecifierSet) else SpecifierSet.parse(specifier)
    parsed = (version if isinstance(version, Version) else Version.parse(version) for version in versions)
    return max((version for version in parsed if version in wanted), default=None)


def _specifier(part: str, whole: str) -> _Specifier:
    match = _SPECIFIER.fullmatch(part)
    if match is None:
        raise _wrong(whole, f"`{part}` is not understood" if part else "a part is empty")
    operator, text = match["operator"] or "==", match["version"]
    if text.endswith("*"):
        if operator not in ("==", "!=") or not _WILDCARD.fullmatch(text):
            raise _wrong(whole, f"`{part}` is not understood")
        return _Specifier(operator, text, _wildcard(text, negated=operator == "!="))
    bound = Version.parse(text)
    if operator == "~=":
        return _Specifier(operator, text, _compatible(bound, text, whole))
    return _Specifier(operator, text, _comparison(operator, bound), bound if operator in ("==", "===") else None)


def _wrong(whole: str, why: str) -> ConfigurationError:
    hint = "write for example >=1.0,<2 or ~=1.2 or ==1.*"
    return ConfigurationError(
        message=f"`{whole}` is not a version specifier: {why}", code=Code.WRONG_SPECIFIER, hint=hint
    )


def _comparison(operator: str, bound: Version) -> Callable[[Version], bool]:
    comparisons: dict[str, Callable[[Version], bool]] = {
        "===": lambda version: version.text == bound.text,
        "==": lambda version: version == bound,
        "!=": lambda version: version != bound,
        ">=": lambda version: version >= bound,
        "<=": lambda version: version <= bound,
        ">": lambda version: version > bound,
        "<": lambda version: version < bound,
    }
    return comparisons[operator]


def _wildcard(text: str, *, negated: bool) -> Callable[[Version], bool]:
    numbers = [int(part) for part in text.lstrip("vV").removesuffix(".*").split(".")]
    return lambda version: ([version.major, version.minor][: len(numbers)] == numbers) is not negated


def _compatible(bound: Version, text: str, whole: str) -> Callable[[Version], bool]:
    dots = re.split(r"[-+]", text, maxsplit=1)[0].count(".")
    if dots == 0:
        raise _wrong(whole, "`~=` needs at least MAJOR.MINOR")
    same_minor = dots == 2
    return lambda version: (
        version >= bound and version.major == bound.major and (version.minor == bound.minor or not same_minor)
    )


def parsed_version(text: str) -> Version | None:
    """The semantic version in `text`; None where it is none."""
    try:
        return Version.parse(text)
    except ConfigurationError:
        return None
