"""Reads a document of another format and keeps account of what was carried over: nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakepact.contract.model import Place
from lakepact.contract.yaml_nodes import MAX_BYTES, YamlDocument, child_path, clipped, read_yaml
from lakepact.errors import ConfigurationError, Problem, Severity

__all__ = ["Element", "Source", "open_source", "put", "says_something"]

UNUSABLE = "LP800"
NOT_CARRIED = "LP803"
WRONG_TYPE = "LP804"


@dataclass(slots=True)
class Source:
    """One document that is being converted: its data with places, what was carried of it, and what there is to say."""

    document: YamlDocument
    file: str = ""
    carried: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def root(self) -> Element:
        """The whole document."""
        return Element(self, "", self.document.data)

    def note(
        self, code: str, message: str, path: str, *, severity: Severity = Severity.WARNING, hint: str = ""
    ) -> None:
        """Adds a problem at `path`, or where the nearest element around it stands."""
        place = self._place(path)
        self.problems.append(
            Problem(
                code=code,
                severity=severity,
                message=message,
                file=self.file,
                line=place.line if place else 0,
                column=place.column if place else 0,
                path=path,
                hint=hint,
            )
        )

    def _place(self, path: str) -> Place | None:
        document = self.document
        while path and path not in document.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return document.key_places.get(path) or document.places.get(path)

    def told(self) -> set[str]:
        """The paths of what is told as not carried over."""
        return {problem.path for problem in self.problems if problem.code in (NOT_CARRIED, WRONG_TYPE)}

    def finish(self) -> tuple[Problem, ...]:
        """All problems in document order, with one for each value that was carried nowhere (LP803).

        Raises ConfigurationError (LP800) with all of them where one is an error.
        """
        self.root.tell_rest()
        self.problems.sort(key=lambda problem: (problem.line, problem.column))
        if any(problem.severity is Severity.ERROR for problem in self.problems):
            raise _unusable(self.file, self.problems)
        return tuple(self.problems)


@dataclass(frozen=True, slots=True)
class Element:
    """A mapping of the source. What is taken from it counts as carried; taking nothing twice matters not."""

    source: Source
    path: str
    data: Mapping[str, Any]

    def at(self, key: str | int) -> str:
        """The path of an entry."""
        return child_path(self.path, key)

    def has(self, key: str) -> bool:
        """Whether the key is there with a value that says something."""
        return says_something(self.data.get(key))

    def first(self, *keys: str) -> str:
        """The first of the keys that is there; the first one where none is."""
        return next((key for key in keys if self.has(key)), keys[0])

    def text(self, key: str) -> str | None:
        """A single value as text, as it is written (`1.0` stays `1.0`); None where there is none."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, Mapping | list):
            self._wrong(key, "text")
            return None
        self._carry(key)
        return value if isinstance(value, str) else self.source.document.texts.get(self.at(key), str(value))

    def scalar(self, key: str) -> Any:
        """A single value as it is; None where there is none."""
        value = self.data.get(key)
        if isinstance(value, Mapping | list):
            self._wrong(key, "a single value")
            return None
        return self.value(key)

    def number(self, key: str) -> int | float | None:
        """A number; None where there is none."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(key, "a number")
            return None
        self._carry(key)
        return value

    def flag(self, key: str) -> bool | None:
        """True or false; None where there is none."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, bool):
            self._wrong(key, "true or false")
            return None
        self._carry(key)
        return value

    def value(self, key: str) -> Any:
        """The value with all that is in it, as plain data; None where there is none."""
        if key in self.data:
            self._carry(key)
        return self.data.get(key)

    def texts(self, key: str) -> list[str]:
        """A list of single values as text; a single value is a list of one."""
        value = self.data.get(key)
        if value is None:
            return []
        if isinstance(value, Mapping) or (
            isinstance(value, list) and any(isinstance(v, Mapping | list) for v in value)
        ):
            self._wrong(key, "a list of texts")
            return []
        self._carry(key)
        entries = enumerate(value) if isinstance(value, list) else [(-1, value)]
        written = self.source.document.texts
        return [
            entry if isinstance(entry, str) else written.get(self._entry(key, index), str(entry))
            for index, entry in entries
            if entry is not None
        ]

    def element(self, key: str) -> Element | None:
        """The mapping under a key; None where there is none."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._wrong(key, "a mapping")
            return None
        return Element(self.source, self.at(key), value)

    def elements(self, key: str) -> list[Element]:
        """The mappings of a list; an entry that is none is told (LP804)."""
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(key, "a list")
            return []
        found = []
        for index, entry in enumerate(value):
            path = self._entry(key, index)
            if isinstance(entry, Mapping):
                found.append(Element(self.source, path, entry))
            elif entry is not None:
                self.source.note(WRONG_TYPE, f"`{path}` must be a mapping; it is not carried over", path)
        return found

    def rest(self) -> dict[str, Any]:
        """What has not been taken yet, by key, without what says nothing; it counts as carried from now on."""
        told = self.source.told()
        found = {}
        for key, value in self.data.items():
            pruned = self._pruned(value, self.at(key), told)
            if says_something(pruned):
                found[key] = pruned
                self._carry(key)
        return found

    def tell_rest(self) -> None:
        """Tells everything that has not been taken yet as not carried over (LP803)."""
        told = self.source.told()
        for path, value in _leaves(self.data, self.path):
            if path not in self.source.carried and says_something(value) and not _told(path, told):
                self.source.note(NOT_CARRIED, f"`{path}` has no place in ODCS and is not carried over", path)

    def everything(self) -> dict[str, Any]:
        """The whole mapping as plain data; it counts as carried."""
        for key in self.data:
            self._carry(key)
        return dict(self.data)

    def skip(self, *keys: str) -> None:
        """Counts the keys as carried: what they say is said otherwise."""
        for key in keys:
            if key in self.data:
                self._carry(key)

    def require(self, key: str, what: str) -> str:
        """The text under a key; where it is missing, an error (LP801) is told and '' is given."""
        text = self.text(key)
        if not text:
            self.source.note(
                "LP801",
                f"{what} needs `{key}`",
                self.at(key) if key in self.data else self.path,
                severity=Severity.ERROR,
            )
        return text or ""

    def _entry(self, key: str, index: int) -> str:
        return self.at(key) if index < 0 else child_path(self.at(key), index)

    def _carry(self, key: str) -> None:
        self.source.carried.update(path for path, _ in _leaves(self.data[key], self.at(key)))

    def _wrong(self, key: str, wanted: str) -> None:
        path = self.at(key)
        self.source.note(WRONG_TYPE, f"`{path}` must be {wanted}; it is not carried over", path)

    def _pruned(self, value: Any, path: str, told: set[str]) -> Any:
        if path in told:
            return None
        if isinstance(value, Mapping) and value:
            inner = {key: self._pruned(entry, child_path(path, key), told) for key, entry in value.items()}
            return {key: entry for key, entry in inner.items() if says_something(entry)}
        if isinstance(value, list) and value:
            entries = [self._pruned(entry, child_path(path, index), told) for index, entry in enumerate(value)]
            return [entry for entry in entries if says_something(entry)]
        return None if path in self.source.carried else value


def says_something(value: Any) -> bool:
    """Whether a value says anything: null, empty lists and empty mappings do not."""
    return value is not None and value not in ([], {}, "")


def put(target: dict[str, Any], key: str, value: Any) -> None:
    """Set the key, where the value says anything."""
    if says_something(value):
        target[key] = value


def open_source(source: bytes, *, file: str = "") -> Source:
    """The document in `source`, whose root is a mapping.

    Raises ConfigurationError (LP800) with every reason why it cannot be read.
    """
    problems: list[Problem] = []
    document = None
    try:
        text = source.decode("utf-8-sig") if len(source) <= MAX_BYTES else None
    except UnicodeDecodeError as error:
        problems = [_problem(f"not UTF-8: byte 0x{source[error.start]:02x} at offset {error.start}", file)]
    else:
        if text is None:
            problems = [_problem(f"the document has {len(source):,} bytes; the limit is {MAX_BYTES:,}", file)]
        else:
            document, found = read_yaml(text)
            problems = [_filed(problem, file) for problem in found]
    if document is not None and not problems and not isinstance(document.data, dict):
        problems = [_problem("the document is not a mapping of keys and values", file)]
    if document is None or problems:
        raise _unusable(file, problems)
    return Source(document, file)


def _filed(problem: Problem, file: str) -> Problem:
    return Problem(
        code=problem.code,
        severity=problem.severity,
        message=problem.message,
        file=file,
        line=problem.line,
        column=problem.column,
        path=problem.path,
        hint=problem.hint,
    )


def _problem(message: str, file: str) -> Problem:
    return Problem(code=UNUSABLE, severity=Severity.ERROR, message=message, file=file)


def _unusable(file: str, problems: list[Problem]) -> ConfigurationError:
    return ConfigurationError(
        f"{clipped(file) if file else 'the source'} cannot be converted", UNUSABLE, problems=problems
    )


def _told(path: str, told: set[str]) -> bool:
    return any(path == outer or path.startswith((f"{outer}.", f"{outer}[")) for outer in told)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The paths of all values that hold no others, empty mappings and lists included."""
    if isinstance(value, Mapping) and value:
        for key, entry in value.items():
            yield from _leaves(entry, child_path(path, key))
    elif isinstance(value, list) and value:
        for index, entry in enumerate(value):
            yield from _leaves(entry, child_path(path, index))
    else:
        yield path, value
