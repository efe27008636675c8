"""What a new contract needs to know: each question with its flag, its default and what is wrong with an answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lakepact.contract.grammar_shapes import Grammar, Shape, grammar_of
from lakepact.contract.model import ApiVersion
from lakepact.contract.statuses import STATUSES
from lakepact.contract.versions import Version
from lakepact.errors import ConfigurationError, UsageError

__all__ = ["QUESTIONS", "Answers", "Asker", "Column", "Question", "answered", "slug"]

_TYPES = ("string", "integer", "number", "boolean", "date", "timestamp", "time")
_MARKS = ("required", "unique", "pk")
_RESERVED = "_lakepact"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
_NAME = re.compile(r"[^\W\d]\w*")
_SERVER = re.compile(r"(?P<type>\w+)(?::(?P<settings>.*))?", re.DOTALL)
_NOT_ASKED = ("id", "type", "roles", "customProperties")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the first object; `key` is its position in the primary key, 0 where it is not of it."""

    name: str
    logical_type: str
    required: bool = False
    unique: bool = False
    key: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All that a new contract says. An optional answer that was not given is empty."""

    api_version: ApiVersion
    name: str
    id: str
    version: str
    status: str
    domain: str
    owner: str
    purpose: str
    object: str
    columns: tuple[Column, ...]
    servers: tuple[Mapping[str, Any], ...]


class Asker(Protocol):
    """Asks somebody."""

    def __call__(self, prompt: str, *, default: str | None, check: Callable[[str], object]) -> str:
        """The answer to `prompt`, for which `check` raised no ValueError; its words are the reason to ask again.

        An empty answer stands for `default`; None means that there is none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. An answer is a text, or several where it is `repeated`.

    `default` gives what an empty answer means, from the answers so far; None where it must be answered. `check` gives
    the value of an answer or raises ValueError with what is wrong; it sees the values of the same question before it.
    """

    name: str
    flag: str
    prompt: str
    check: Callable[[str, ApiVersion, Sequence[Any]], Any]
    default: Callable[[Mapping[str, Any]], str | None]
    repeated: bool = False


def answered(
    given: Mapping[str, Sequence[str]], *, api_version: ApiVersion, ask: Asker | None, defaults: bool, stem: str = ""
) -> Answers:
    """The answers that were `given` (by the name of the question), and for the others defaults or what `ask` brings.

    Without `ask` every question must be given, or have a default where `defaults` are wanted. `stem` is a name to
    propose. Raises UsageError: LP842 for an answer that is given and wrong, LP841 where answers are missing.
    """
    found: dict[str, Any] = {"stem": stem}
    for question in QUESTIONS:
        if question.name in given:
            found[question.name] = _checked(question, given[question.name], api_version)
    _refuse_missing(found, ask=ask, defaults=defaults)
    for question in QUESTIONS:
        if question.name not in found:
            asked = None if defaults and question.default(found) is not None else ask
            found[question.name] = _found(question, found, api_version, asked)
    del found["stem"]
    return Answers(api_version=api_version, **found)


def slug(text: str, *, between: str = "-") -> str:
    """`text` as one word of a file name or an identifier.

    >>> slug("Orders & Lines"), slug("Orders & Lines", between="_")
    ('orders-lines', 'orders_lines')
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", between, plain).strip(between)


def _checked(question: Question, texts: Sequence[str], api_version: ApiVersion) -> Any:
    values: list[Any] = []
    for text in texts:
        try:
            value = question.check(text.strip(), api_version, values)
        except ValueError as error:
            raise UsageError(f"{question.flag}: {error}", "LP842") from error
        values += [value] if value or not question.repeated else []
    return tuple(values) if question.repeated else values[-1]


def _refuse_missing(found: Mapping[str, Any], *, ask: Asker | None, defaults: bool) -> None:
    if ask is not None:
        return
    missing = [
        question.flag
        for question in QUESTIONS
        if question.name not in found and not (defaults and question.default(found) is not None)
    ]
    if missing:
        hint = "give them" if defaults else "give them, or --yes to take the defaults"
        what = "answers are missing, and there is no terminal to ask at"
        raise UsageError(f"{what}: {', '.join(missing)}", "LP841", hint)


def _found(question: Question, found: Mapping[str, Any], api_version: ApiVersion, ask: Asker | None) -> Any:
    """What the asker brings, or the default."""
    default = question.default(found)
    if ask is None:
        return _checked(question, [default or ""], api_version)
    values: list[Any] = []
    while not values or question.repeated:

        def check(text: str) -> Any:
            return question.check(text.strip(), api_version, values)

        value = check(ask(question.prompt, default="" if values else default, check=check))
        if question.repeated and not value:
            break
        values.append(value)
    return tuple(values) if question.repeated else values[0]


def _line(text: str) -> str:
    """A text on one line."""
    wrong = next((char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")), None)
    if wrong is not None:
        raise ValueError(f"it has the character U+{ord(wrong):04X}, which does not belong into a line of text")
    return text


def _optional(text: str, _version: ApiVersion, _before: Sequence[Any]) -> str:
    return _line(text)


def _named(text: str, _version: ApiVersion, _before: Sequence[Any]) -> str:
    if not text:
        raise ValueError("a contract needs a name")
    return _line(text)


def _identified(text: str, _version: ApiVersion, _before: Sequence[Any]) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(f"{_quoted(text)} is not an id; use letters, digits, `-`, `_`, `.` and `:`")
    return text


def _versioned(text: str, _version: ApiVersion, _before: Sequence[Any]) -> str:
    try:
        version = Version.parse(text)
    except ConfigurationError:
        version = None
    if version is None or not text.startswith(f"{version.major}.{version.minor}.{version.patch}"):
        raise ValueError(f"{_quoted(text)} is not a version; write major.minor.patch, such as 1.0.0")
    return text


def _with_status(text: str, _version: ApiVersion, _before: Sequence[Any]) -> str:
    if text not in STATUSES:
        raise ValueError(f"{_quoted(text)} is not a status; use one of {', '.join(STATUSES)}")
    return text


def _object(text: str, _version: ApiVersion, _before: Sequence[Any]) -> str:
    return _identifier(text, "table")


def _column(text: str, version: ApiVersion, before: Sequence[Column]) -> Column | None:
    """The column that `name:type[:required][:unique][:pk]` spells; None for an empty answer after the first one."""
    if not text and before:
        return None
    name, *words = (part.strip() for part in text.split(":"))
    _identifier(name, "column")
    if name.casefold() in (column.name.casefold() for column in before):
        raise ValueError(f"there is a column {_quoted(name)} already")
    types = [kind for kind in _TYPES if kind in grammar_of(version).sections["item"].rows["logicalType"].shape.values]
    if not words:
        raise ValueError(f"say the type of {_quoted(name)}, such as {name}:string")
    if words[0] not in types:
        raise ValueError(f"{_quoted(words[0])} is not a type; use one of {', '.join(types)}")
    unknown = [word for word in words[1:] if word not in _MARKS]
    if unknown:
        raise ValueError(f"{_quoted(unknown[0])} is not known after the type; use {', '.join(_MARKS)}")
    key = 1 + sum(1 for column in before if column.key) if "pk" in words else 0
    required = bool(key) or "required" in words
    return Column(name=name, logical_type=words[0], required=required, unique="unique" in words, key=key)


def _server(text: str, version: ApiVersion, before: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The server that `type:key=value,key=value` spells; None for an empty answer."""
    if not text:
        return None
    match = _SERVER.fullmatch(_line(text))
    grammar = grammar_of(version)
    if match is None or match["type"] not in grammar.sections["server"].rows["type"].shape.values:
        raise ValueError(f"{_quoted(text.split(':')[0])} is no type of server in {version.value}")
    settings = dict(_settings(match["settings"] or ""))
    server = {"server": settings.pop("server", match["type"]), "type": match["type"]}
    if server["server"] in (other["server"] for other in before):
        raise ValueError(f"there is a server {_quoted(server['server'])} already; give another name with server=...")
    return server | _typed(settings, match["type"], grammar)


def _settings(text: str) -> list[tuple[str, str]]:
    """The keys and values; a comma that no key follows belongs to the value."""
    pairs = []
    for part in re.split(r",(?=\s*\w+=)", text) if text else ():
        key, equals, value = (word.strip() for word in part.partition("="))
        if not (key and equals and value):
            raise ValueError(f"{_quoted(part)} is not key=value")
        pairs.append((key, value))
    return pairs


def _typed(settings: Mapping[str, str], kind: str, grammar: Grammar) -> dict[str, Any]:
    section = grammar.servers[kind]
    rows = {key: row for key, row in section.rows.items() if key not in (*_NOT_ASKED, "server")}
    unknown = [key for key in settings if key not in rows]
    if unknown:
        raise ValueError(f"{section.title} has no key {_quoted(unknown[0])}; it has {', '.join(rows)}")
    missing = [key for key, row in rows.items() if row.required and key not in settings]
    if missing:
        example = ",".join(f"{key}=..." for key in missing)
        raise ValueError(f"{section.title} needs more, such as {kind}:{example}")
    return {key: _setting(key, settings[key], row.shape) for key, row in rows.items() if key in settings}


def _setting(key: str, text: str, shape: Shape) -> str | int:
    kinds = {shape.kind, *(option.kind for option in shape.options)}
    if "integer" in kinds and text.isascii() and text.isdigit():
        return int(text)
    if "integer" in kinds and "text" not in kinds:
        raise ValueError(f"`{key}` must be a whole number, not {_quoted(text)}")
    if "one_of" in kinds and text not in shape.values:
        raise ValueError(f"`{key}` cannot be {_quoted(text)}; use one of {', '.join(shape.values)}")
    if "url_sftp" in kinds and not text.startswith("sftp://"):
        raise ValueError(f"`{key}` must start with sftp://")
    return text


def _identifier(text: str, what: str) -> str:
    if not _NAME.fullmatch(text):
        reason = "use letters, digits and `_`, with a letter or `_` first"
        raise ValueError(f"{_quoted(text)} cannot be the name of a {what}; {reason}")
    if text.casefold().startswith(_RESERVED):
        raise ValueError(f"{_quoted(text)} is reserved; let no name start with `{_RESERVED}`")
    return text


def _quoted(text: str) -> str:
    return f"`{text}`" if text else "an empty answer"


QUESTIONS: tuple[Question, ...] = (
    Question(
        name="name",
        flag="--name",
        prompt="Name of the contract",
        check=_named,
        default=lambda found: found["stem"] or None,
    ),
    Question(
        name="id",
        flag="--id",
        prompt="Id, the same in all its versions",
        check=_identified,
        default=lambda found: slug(found.get("name") or found["stem"]) or "contract",
    ),
    Question(
        name="version",
        flag="--contract-version",
        prompt="Version of the contract",
        check=_versioned,
        default=lambda found: "0.1.0",
    ),
    Question(
        name="status",
        flag="--status",
        prompt=f"Status ({', '.join(STATUSES)})",
        check=_with_status,
        default=lambda found: "draft",
    ),
    Question(
        name="domain",
        flag="--domain",
        prompt="Business domain (may be empty)",
        check=_optional,
        default=lambda found: "",
    ),
    Question(
        name="owner",
        flag="--owner",
        prompt="User name or e-mail of the owner (may be empty)",
        check=_optional,
        default=lambda found: "",
    ),
    Question(
        name="purpose",
        flag="--purpose",
        prompt="What the data is for (may be empty)",
        check=_optional,
        default=lambda found: "",
    ),
    Question(
        name="object",
        flag="--object",
        prompt="Name of the table",
        check=_object,
        default=lambda found: _proposed_object(found.get("name") or found["stem"]),
    ),
    Question(
        name="columns",
        flag="--column",
        prompt="Column as name:type[:required][:unique][:pk] (empty: no more)",
        check=_column,
        default=lambda found: "id:string:pk",
        repeated=True,
    ),
    Question(
        name="servers",
        flag="--server",
        prompt="Server as type:key=value,key=value (empty: no more)",
        check=_server,
        default=lambda found: "",
        repeated=True,
    ),
)


def _proposed_object(name: str) -> str:
    word = slug(name, between="_")
    return word if _NAME.fullmatch(word) and not word.startswith(_RESERVED) else "records"
