"""A YAML file that is read by a grammar: clean data, the place of everything, and all its problems in one pass.

The grammars are those of the rooms above (the project file, the settings of notifications); what they share is here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lakepact.contract.model import Place
from lakepact.contract.yaml_nodes import YamlDocument, child_path, read_yaml
from lakepact.errors import Problem, Severity

__all__ = ["MISSING", "CheckedDocument", "Path", "json_path", "kind_of", "nearest", "parsed", "subject_at", "within"]

Path = tuple[str | int, ...]
"""Where an element stands: the keys and positions that lead to it."""

MISSING: Final = object()
"""Stands for a value that does not fit and was reported."""

# These files are written by hand; anything larger is another kind of file.
_MOST_BYTES: Final = 1_000_000


@dataclass(slots=True)
class CheckedDocument:
    """What was read: `data` without its faulty parts, where everything stands, and the problems found so far."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    yaml: YamlDocument = field(default_factory=YamlDocument)
    problems: list[Problem] = field(default_factory=list)

    def report(self, code: str, message: str, at: Path, *, hint: str = "", key: bool = False) -> None:
        """Add an error about the element at the path `at`, or about its `key`."""
        place = self.place(at, key=key)
        self.problems.append(
            Problem(
                code=code,
                severity=Severity.ERROR,
                message=message,
                file=self.file,
                line=place.line or 1,
                column=place.column or 1,
                path=json_path(at),
                hint=hint,
            )
        )

    def holds(self, at: Path) -> bool:
        """Whether something is written at the path, faulty or not."""
        return json_path(at) in self.yaml.places

    def place(self, at: Path, *, key: bool = False) -> Place:
        """Where the element (or its key) at the path stands, else its nearest ancestor that stands anywhere."""
        if key and (found := self.yaml.key_places.get(json_path(at))):
            return found
        paths = (json_path(at[:length]) for length in range(len(at), -1, -1))
        return next((self.yaml.places[path] for path in paths if path in self.yaml.places), Place())


def parsed(source: bytes, file: str, *, code: str, most: str) -> tuple[CheckedDocument, bool]:
    """The document of some bytes, and whether they are YAML; without data, which a grammar must read.

    What is wrong is reported under `code`. `most` says what has at most so many bytes, such as "a project file has".
    """
    document = CheckedDocument(file=file)
    if len(source) > _MOST_BYTES:
        document.report(code, f"the file has {len(source):,} bytes; {most} at most {_MOST_BYTES:,}", ())
        return document, False
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        document.report(code, f"the file is not UTF-8: byte {error.start + 1} cannot be read", ())
        return document, False
    found, problems = read_yaml(text)
    document.problems.extend(replace(problem, code=code, file=file) for problem in problems)
    document.yaml = found or document.yaml
    return document, found is not None


def json_path(at: Path) -> str:
    """The path as text.

    >>> json_path(("routes", 0, "channels"))
    'routes[0].channels'
    """
    text = ""
    for part in at:
        text = child_path(text, part)
    return text


def kind_of(value: object) -> str:
    """The JSON type of a value; `integer` for whole numbers.

    >>> kind_of(True), kind_of(1), kind_of(1.5), kind_of(None)
    ('boolean', 'integer', 'number', 'null')
    """
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case list():
            return "array"
        case dict():
            return "object"
    return "number"


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word that is most like `word`, else all of them.

    >>> nearest("shema", ["schema", "catalog"])
    "did you mean 'schema'?"
    >>> nearest("x", ["b", "a"])
    'known: a, b'
    """
    names = sorted(known)
    found = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if found:
        return f"did you mean '{found[0]}'?"
    return f"known: {', '.join(names)}" if names else ""


def subject_at(at: Path) -> str:
    """What a sentence about the element at the path begins with.

    >>> subject_at(("routes",)), subject_at(())
    ("'routes'", 'the file')
    """
    return f"'{json_path(at)}'" if at else "the file"


def within(at: Path) -> str:
    """The end of a sentence about something in the element at the path; '' for the whole file."""
    return f" in '{json_path(at)}'" if at else ""
