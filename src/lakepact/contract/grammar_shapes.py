"""Turns the tables of the grammar into sections for one version of the standard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from lakepact.contract.grammar_servers import SERVER_TYPES, SERVERS
from lakepact.contract.grammar_tables import SECTIONS
from lakepact.contract.model import ApiVersion

__all__ = ["Grammar", "Row", "Section", "Shape", "grammar_of"]

_HEADER = re.compile(r"\[(?P<name>.+)\] (?P<title>.+); (?P<closed>open|closed)(?P<since>.*)")
# Both until v3.1.0 (False) and from v3.2.0 on, which took more characters in.
_STABLE_ID = {False: re.compile(r"[A-Za-z0-9_-]+"), True: re.compile(r"[^\s.#/\\@!%&^]+")}
_ADDRESSES = {
    False: (
        re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*"),
        re.compile(
            r"(?:(?:https?://)?[A-Za-z0-9._\-/]+\.yaml#)?/?[A-Za-z_][A-Za-z0-9_]*/[A-Za-z0-9_-]+"
            r"(?:/[A-Za-z_][A-Za-z0-9_]*/[A-Za-z0-9_-]+)*"
        ),
    ),
    True: (
        re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*(\.[A-Za-z_][A-Za-z0-9_\-]*)+"),
        re.compile(
            r"(?:(?:https?://)?[A-Za-z0-9._\-/]+\.ya?ml#)?/?[A-Za-z_][A-Za-z0-9_]*/[^\s.#/\\@!%&^]+"
            r"(?:/[A-Za-z_][A-Za-z0-9_]*/[^\s.#/\\@!%&^]+)*"
        ),
    ),
}
_V3_0 = (ApiVersion.V3_0_0, ApiVersion.V3_0_1, ApiVersion.V3_0_2)
_FILE_SERVERS = ("azure", "s3", "sftp")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value may be. `kind` names the check; `of` is the shape of list entries, `options` those of a union."""

    kind: str
    of: Shape | None = None
    options: tuple[Shape, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A key of a section."""

    shape: Shape
    required: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the standard; an unknown key is an error where it is closed."""

    title: str
    closed: bool
    rows: Mapping[str, Row]

    def extended(self, *others: Section, title: str = "") -> Section:
        """This section with the rows of the others."""
        rows = dict(self.rows)
        for other in others:
            rows |= other.rows
        return Section(title or self.title, self.closed, rows)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The sections of one version; `servers` holds one for each type, in whatever version that type came."""

    version: ApiVersion
    sections: Mapping[str, Section]
    servers: Mapping[str, Section]

    @property
    def one_operator(self) -> bool:
        """Whether a library or sql rule has exactly one operator."""
        return self.version not in _V3_0

    @property
    def judges_items(self) -> bool:
        """Whether `properties` of a nameless property go with its logical type, as those of a named one always do."""
        return self.version not in _V3_0

    @property
    def stable_id(self) -> re.Pattern[str]:
        """What a stable id is as a whole."""
        return _STABLE_ID[self.version is ApiVersion.V3_2_0]

    @property
    def addresses(self) -> tuple[re.Pattern[str], ...]:
        """The forms that the address of a property may have as a whole."""
        return _ADDRESSES[self.version is ApiVersion.V3_2_0]


@cache
def grammar_of(version: ApiVersion) -> Grammar:
    """The grammar of a version of the standard."""
    sections = {name: section for name, section in _sections(SECTIONS + SERVERS, _numbers(version.value[1:]))}
    return Grammar(version, sections, dict(_servers(sections)))


def _sections(tables: str, version: tuple[int, ...]) -> Iterator[tuple[str, Section]]:
    for block in re.split(r"\n(?=\[)", tables.strip()):
        header, *lines = block.splitlines()
        match = _HEADER.fullmatch(header)
        assert match, header
        since = match["since"].strip()
        closed = match["closed"] == "closed" and (not since or version >= _numbers(since))
        yield match["name"], Section(match["title"], closed, dict(_rows(lines, version)))


def _rows(lines: list[str], version: tuple[int, ...]) -> Iterator[tuple[str, Row]]:
    for line in filter(None, lines):
        key, *words = line.split()
        bounds = [word for word in words if word[0] in "+-"]
        if all(_holds(bound, version) for bound in bounds):
            shape = _shape(" ".join(word for word in words if word[0] not in "+-"))
            yield key.rstrip("!"), Row(shape, key.endswith("!"))


def _holds(bound: str, version: tuple[int, ...]) -> bool:
    limit = _numbers(bound[1:])
    return version >= limit if bound[0] == "+" else version < limit


def _numbers(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    return (*numbers, *[0] * (3 - len(numbers)))


@cache
def _shape(text: str) -> Shape:
    if " or " in text:
        return Shape("union", options=tuple(_shape(part) for part in text.split(" or ")))
    if text.endswith(("[]", "[+]")):
        inner, _, brackets = text.rpartition("[")
        return Shape("distinct" if brackets == "+]" else "list", of=_shape(inner))
    if text.startswith("in:"):
        return Shape("one_of", values=tuple(text[3:].split("|")))
    return Shape(text)


def _servers(sections: Mapping[str, Section]) -> Iterator[tuple[str, Section]]:
    common = sections["server"]
    for name, section in sections.items():
        if name.startswith("server.") and name != "server.keys":
            yield name.removeprefix("server."), common.extended(section, title=section.title)
    collected: dict[str, dict[str, Row]] = {}
    for line in SERVER_TYPES.strip().splitlines():
        names, _, keys = line.partition(":")
        for name in names.split():
            collected.setdefault(name, {}).update(_server_rows(name, keys.split(), sections["server.keys"].rows))
    for name, rows in collected.items():
        article = "an" if name[0] in "aeiou" else "a"
        title = f"{article} {name} server"
        yield name, common.extended(Section(title, common.closed, rows), title=title)


def _server_rows(name: str, keys: list[str], special: Mapping[str, Row]) -> Iterator[tuple[str, Row]]:
    for word in keys:
        key, required = word.rstrip("!"), word.endswith("!")
        if key in ("encoding", "stream") and key not in special:
            continue
        row = special.get(f"{key}.files" if name in _FILE_SERVERS else key)
        yield key, Row(row.shape if row else _shape("text"), required)
    if name == "sftp":
        yield "location", special["location.sftp"]
