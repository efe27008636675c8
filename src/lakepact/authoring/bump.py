"""The next version of a contract: what it is called, and where it is written."""

from __future__ import annotations

from dataclasses import dataclass

from lakepact.contract.edits import SetValue, edited
from lakepact.contract.loader import load_contract
from lakepact.contract.versions import Version
from lakepact.contract.yaml_nodes import read_yaml
from lakepact.diff.model import Level
from lakepact.errors import ConfigurationError

__all__ = ["Bumped", "bump", "bumped", "released", "required_version", "version_of", "with_version"]

_HINT_DOWN = "a version goes up only; name a higher one with --to"


@dataclass(frozen=True, slots=True)
class Bumped:
    """A document with another version; `old` and `new` as they are written. Equal where nothing was to do."""

    source: bytes
    old: str
    new: str


def bumped(version: Version, level: Level, *, pre: str = "") -> Version:
    """The next version of that level; with `pre` its pre-release of that name.

    A pre-release of the version that the level leads to becomes that version. `Level.NONE` with `pre` counts the
    pre-release up, and starts one of the next patch for a release. Build metadata is dropped, a leading `v` stays.
    Raises ConfigurationError (LP710) where the result would not be higher.

    >>> version = Version.parse("1.4.2")
    >>> [str(bumped(version, level)) for level in (Level.PATCH, Level.MINOR, Level.MAJOR)]
    ['1.4.3', '1.5.0', '2.0.0']
    >>> candidate = Version.parse("2.0.0-rc.1")
    >>> str(bumped(candidate, Level.MAJOR)), str(bumped(candidate, Level.NONE, pre="rc"))
    ('2.0.0', '2.0.0-rc.2')
    >>> str(bumped(version, Level.MINOR, pre="beta"))
    '1.5.0-beta.1'
    """
    if level is Level.NONE and not pre:
        return version
    numbers = _next_numbers(version, level if level is not Level.NONE else Level.PATCH, keep=bool(version.pre))
    parts = _next_pre(version, pre) if pre and numbers == _numbers(version) and version.pre else (pre, "1")
    text = ".".join(map(str, numbers)) + ("-" + ".".join(parts) if pre else "")
    return _higher(version, Version.parse(_prefix(version) + text))


def released(version: Version) -> Version:
    """The release that a pre-release leads to; raises ConfigurationError (LP710) for a release.

    >>> str(released(Version.parse("2.0.0-rc.4")))
    '2.0.0'
    """
    if not version.is_prerelease:
        hint = "bump it with --patch, --minor or --major"
        raise ConfigurationError(f"{version} is a release already", "LP710", hint)
    return Version.parse(_prefix(version) + ".".join(map(str, _numbers(version))))


def _numbers(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.patch


def _prefix(version: Version) -> str:
    return version.text[:1] if version.text[:1] in ("v", "V") else ""


def _next_numbers(version: Version, level: Level, *, keep: bool) -> tuple[int, int, int]:
    """The numbers of the next version; those of a pre-release stay where it is one of the version that is meant."""
    major, minor, patch = _numbers(version)
    if level is Level.MAJOR:
        return (major, 0, 0) if keep and not minor and not patch else (major + 1, 0, 0)
    if level is Level.MINOR:
        return (major, minor, 0) if keep and not patch else (major, minor + 1, 0)
    return (major, minor, patch) if keep else (major, minor, patch + 1)


def _next_pre(version: Version, name: str) -> tuple[str, ...]:
    """The parts of the pre-release after that of `version`, which has the same numbers."""
    *words, last = version.pre
    if ".".join(words) == name and last.isdigit():
        return name, str(int(last) + 1)
    return name, "1"


def _higher(version: Version, new: Version) -> Version:
    if new > version:
        return new
    raise ConfigurationError(f"{new} does not come after {version}", "LP710", _HINT_DOWN)


def with_version(source: bytes, new: Version, *, file: str = "") -> Bumped:
    """`source` with `new` as its version, in the quotes that it has; nothing else of it changes.

    Raises ConfigurationError: LP710 for a version below that of the document, LP711 for a document without one, LP170
    for one that is no semantic version, and EditRefused (LP190) where the text cannot be edited.

    >>> with_version(b"version: '1.0.0'  # first\\n", Version.parse("1.1.0")).source
    b"version: '1.1.0'  # first\\n"
    """
    old = version_of(source, file=file)
    if new == old and new.text == old.text:
        return Bumped(source, old.text, old.text)
    if new < old:
        message = f"{_named(file)}{new} does not come after {old}"
        raise ConfigurationError(message, "LP710", _HINT_DOWN)
    return Bumped(edited(source, [SetValue(path="version", value=new.text)], file=file), old.text, new.text)


def version_of(source: bytes, *, file: str = "") -> Version:
    """The version of a document, which need not be valid otherwise. Raises ConfigurationError (LP711, LP170)."""
    document, _ = read_yaml(source.decode("utf-8-sig", "replace"))
    data = document.data if document is not None else None
    value = data.get("version") if isinstance(data, dict) else None
    if document is None or value is None or isinstance(value, dict | list):
        hint = "a contract has a `version` at its root"
        raise ConfigurationError(f"{_named(file)}the document has no version", "LP711", hint)
    return Version.parse(value if isinstance(value, str) else document.texts.get("version", str(value)))


def _named(file: str) -> str:
    return f"{file}: " if file else ""


def bump(source: bytes, level: Level, *, pre: str = "", file: str = "") -> Bumped:
    """`source` with the next version of that level. Raises as `bumped` and `with_version` do."""
    return with_version(source, bumped(version_of(source, file=file), level, pre=pre), file=file)


def required_version(source: bytes, reference: bytes, *, file: str = "", reference_file: str = "") -> Version:
    """The lowest version that covers what changed since `reference`; the document's own where that is high enough.

    Raises ContractInvalid for a document that is not valid, ConfigurationError (LP170) where a version is not semantic.
    """
    from lakepact.diff import compare

    old, new = load_contract(reference, file=reference_file), load_contract(source, file=file)
    comparison = compare(old, new)
    own = Version.parse(new.version)
    required = comparison.required_version or Version.parse(old.version).text.lstrip("vV")
    return own if comparison.version_ok else Version.parse(_prefix(own) + required)
