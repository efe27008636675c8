"""A parser of .proto files: messages and enums with where they stand; services, options and extensions are skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

__all__ = ["ProtoEnum", "ProtoFault", "ProtoField", "ProtoFile", "ProtoMessage", "parse_proto"]

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<name>\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
      | (?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|\.?[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?)\w*)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<mark>[{}\[\]()<>;,=:/+-])
    """,
    re.VERBOSE | re.DOTALL,
)
_LABELS: Final = ("optional", "required", "repeated")
_DEEPEST: Final = 60
_OPENING: Final = {"{": "}", "[": "]", "(": ")", "<": ">"}


class ProtoFault(Exception):
    """The text is no .proto file; `place` is line:column."""

    def __init__(self, place: str, reason: str) -> None:
        """What is wrong, and where."""
        super().__init__(reason)
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ProtoField:
    """A field: its type as written, for a map that of its values, with the type of the keys in `key`."""

    name: str
    type: str
    label: str
    place: str
    comment: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class ProtoEnum:
    """An enum: its full name and the names of its values."""

    name: str
    values: tuple[str, ...]


@dataclass(slots=True)
class ProtoMessage:
    """A message: its full name, its fields (those of oneofs among them), and its comment."""

    name: str
    place: str
    comment: str = ""
    fields: list[ProtoField] = field(default_factory=list)


@dataclass(slots=True)
class ProtoFile:
    """Everything in a file that data can be of, in the order of the file, and what it imports."""

    package: str = ""
    imports: list[str] = field(default_factory=list)
    messages: list[ProtoMessage] = field(default_factory=list)
    enums: list[ProtoEnum] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: str
    comment: str


def parse_proto(text: str) -> ProtoFile:
    """The messages and enums of a file. Raises ProtoFault.

    >>> found = parse_proto('syntax = "proto3"; message A { repeated string b = 1; }')
    >>> [(each.name, each.type, each.label) for each in found.messages[0].fields]
    [('b', 'string', 'repeated')]
    """
    return _Parser(list(_tokens(text))).file()


def _tokens(text: str) -> Iterator[_Token]:
    at, line, start, comment = 0, 1, 0, ""
    while at < len(text):
        match = _TOKEN.match(text, at)
        place = f"{line}:{at - start + 1}"
        if match is None:
            raise ProtoFault(place, f"{text[at]!r} is not understood")
        kind, found = match.lastgroup or "", match[0]
        if kind == "comment":
            comment = f"{comment} {_plain(found)}".strip()
        elif kind == "space":
            comment = "" if found.count("\n") > 1 else comment  # a comment apart is of nothing that follows
        else:
            yield _Token(kind, found, place, comment)
            comment = ""
        breaks = found.count("\n")
        if breaks:
            line += breaks
            start = at + found.rindex("\n") + 1
        at = match.end()
    yield _Token("end", "", f"{line}:{at - start + 1}", "")


def _plain(comment: str) -> str:
    """The words of a comment."""
    inner = comment[2:-2] if comment.startswith("/*") else comment[2:]
    return " ".join(line.strip().lstrip("*").strip() for line in inner.splitlines()).strip()


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._found = ProtoFile()

    def file(self) -> ProtoFile:
        while self._next.kind != "end":
            match self._next.text:
                case ";":
                    self._at += 1
                case "package":
                    self._at += 1
                    self._found.package = self._name()
                    self._take(";")
                case "import":
                    self._import()
                case "message":
                    self._message(self._found.package, 0)
                case "enum":
                    self._enum(self._found.package)
                case "syntax" | "edition" | "option":
                    self._skip_statement()
                case "service" | "extend":
                    self._skip_statement()
                case other:
                    raise ProtoFault(self._next.place, f"{other!r} is not expected here")
        return self._found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, text: str) -> _Token:
        token = self._next
        if token.text != text or token.kind == "text":
            raise ProtoFault(token.place, f"{text!r} is expected, not {token.text or 'the end'!r}")
        self._at += 1
        return token

    def _name(self) -> str:
        token = self._next
        if token.kind != "name":
            raise ProtoFault(token.place, f"a name is expected, not {token.text or 'the end'!r}")
        self._at += 1
        return token.text

    def _number(self) -> None:
        token = self._next
        if token.kind != "number":
            raise ProtoFault(token.place, f"a number is expected, not {token.text or 'the end'!r}")
        self._at += 1

    def _import(self) -> None:
        self._at += 1
        if self._next.text in ("public", "weak"):
            self._at += 1
        token = self._next
        if token.kind != "text":
            raise ProtoFault(token.place, "the name of a file is expected")
        self._found.imports.append(token.text[1:-1])
        self._at += 1
        self._take(";")

    def _skip_statement(self) -> None:
        """Go on behind the `;`, or the block, that ends what begins here."""
        while self._next.kind != "end":
            token = self._next
            if token.text in ("{", "[", "("):
                self._skip_block()
                if token.text == "{" and self._next.text != ";":
                    return
                continue
            self._at += 1
            if token.text == ";" and token.kind == "mark":
                return
        raise ProtoFault(self._next.place, "';' is expected, not 'the end'")

    def _skip_block(self) -> None:
        opened: list[str] = []
        while self._next.kind != "end":
            token = self._next
            self._at += 1
            if token.kind != "mark":
                continue
            if token.text in "{[(":
                opened.append(_OPENING[token.text])
            elif token.text in "}])":
                if opened.pop() != token.text:
                    raise ProtoFault(token.place, f"{token.text!r} closes nothing")
                if not opened:
                    return
        raise ProtoFault(self._next.place, "a block has no end")

    def _enum(self, scope: str) -> None:
        self._at += 1
        name = _joined(scope, self._name())
        self._take("{")
        values: list[str] = []
        while self._next.text != "}":
            if self._next.text == ";":
                self._at += 1
            elif self._next.text in ("option", "reserved"):
                self._skip_statement()
            else:
                values.append(self._name())
                self._take("=")
                self._number()
                self._options()
                self._take(";")
        self._take("}")
        self._found.enums.append(ProtoEnum(name, tuple(values)))

    def _message(self, scope: str, depth: int) -> None:
        comment, place = self._next.comment, self._next.place
        if depth > _DEEPEST:
            raise ProtoFault(place, "messages are nested too deep")
        self._at += 1
        message = ProtoMessage(_joined(scope, self._name()), place, comment)
        self._found.messages.append(message)
        self._take("{")
        while self._next.text != "}":
            self._element(message, depth)
        self._take("}")

    def _element(self, message: ProtoMessage, depth: int) -> None:
        after = self._tokens[self._at + 1].text if self._next.kind != "end" else ""
        match self._next.text:
            case ";":
                self._at += 1
            case "message" if self._opens(2):
                self._message(message.name, depth + 1)
            case "enum" if self._opens(2):
                self._enum(message.name)
            case "extend":
                self._skip_statement()
            case "option" | "reserved" | "extensions" if after != "=":
                self._skip_statement()
            case "oneof" if self._opens(2):
                self._oneof(message)
            case _:
                message.fields.append(self._field(()))

    def _opens(self, ahead: int) -> bool:
        """Whether a block begins that many tokens from here."""
        return self._at + ahead < len(self._tokens) and self._tokens[self._at + ahead].text == "{"

    def _oneof(self, message: ProtoMessage) -> None:
        self._at += 2
        self._take("{")
        while self._next.text != "}":
            if self._next.text == "option":
                self._skip_statement()
            elif self._next.text == ";":
                self._at += 1
            else:
                message.fields.append(self._field(("optional",)))
        self._take("}")

    def _field(self, label: tuple[str, ...]) -> ProtoField:
        comment, place = self._next.comment, self._next.place
        written = self._next.text if self._next.text in _LABELS else ""
        if written:
            if label:
                raise ProtoFault(place, f"{written!r} is not expected in a oneof")
            self._at += 1
        kind, key = self._name(), ""
        if kind == "group":
            raise ProtoFault(place, "groups are not read")
        if kind == "map" and self._next.text == "<":
            self._at += 1
            key = self._name()
            self._take(",")
            kind = self._name()
            self._take(">")
        name = self._name()
        self._take("=")
        self._number()
        self._options()
        self._take(";")
        return ProtoField(name, kind, written or "".join(label), place, comment, key)

    def _options(self) -> None:
        if self._next.text == "[":
            self._skip_block()


def _joined(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name
