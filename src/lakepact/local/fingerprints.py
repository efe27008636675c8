"""What a dataset is made from, as digests: the queries that define it, and the files that they read."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lakepact.sql_text import Token, TokenKind, significant, string_value, tokenize

__all__ = ["QueryFacts", "covering", "digest", "files_state", "local_path", "query_facts"]

_MAY_MOVE = re.compile(r"\$\{|identifier|now|today|tomorrow|yesterday|\b(?:date|time\w*)\b", re.IGNORECASE)
_DAYS = ("now", "today", "tomorrow", "yesterday")
_TYPES = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "TIMESTAMP_NTZ")
_SQL_TEXTS = {"spark.connect.SQL": "query", "spark.connect.Expression.ExpressionString": "expression"}
_GLOB = re.compile(r"[*?\[\]{}\\]")


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """What a query says of itself before it runs.

    `digest` is equal for equal queries, in whatever session they were built. `words` are all words of its names and
    texts, lowered: what it reads is among them. `paths` are the files it reads. `moving` is whether its text means
    another thing at another time, `known_sources` whether whatever else it reads is files.
    """

    digest: str
    words: frozenset[str]
    paths: tuple[str, ...]
    moving: bool
    known_sources: bool


def query_facts(relation: Any, *, prefix: str) -> QueryFacts | None:
    """The facts of an unresolved plan of Spark Connect; `prefix`, which changes with each run, does not count.

    None for a plan that is nested too deeply to look at.
    """
    walk = _Walk(prefix)
    try:
        walk.message(relation)
    except RecursionError:
        return None
    return QueryFacts(
        digest=walk.hash.hexdigest(),
        words=frozenset(word for text in walk.texts for word in re.findall(r"\w+", text.lower())),
        paths=tuple(dict.fromkeys(walk.paths)),
        moving=any(map(_is_moving, walk.sql)),
        known_sources=walk.known_sources,
    )


def digest(*parts: object) -> str:
    """A digest of values whose `repr` says everything: texts, numbers, and tuples of them.

    >>> digest("a", ("b",)) == digest("a", ("b",)), digest("a", "b") == digest("ab")
    (True, False)
    """
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class _Walk:
    """One pass over a protocol buffer message; each piece goes into the hash with its length."""

    def __init__(self, prefix: str) -> None:
        self.hash = hashlib.sha256()
        self.texts: list[str] = []
        self.sql: list[str] = []
        self.paths: list[str] = []
        self.known_sources = True
        self._prefix = prefix
        self._plans: dict[int, int] = {}

    def message(self, message: Any) -> None:
        self._note(message)
        fields = [field for field in message.ListFields() if not _is_origin(field[0])]
        self._put(f"{message.DESCRIPTOR.full_name}({len(fields)})")
        for field, value in fields:
            self._put(field.name)
            # Plans are numbered as the session counts them; here they get the order of their appearance.
            is_plan = field.name == "plan_id" and isinstance(value, int)
            self._value(self._plans.setdefault(value, len(self._plans)) if is_plan else value)

    def _note(self, message: Any) -> None:
        kind = message.DESCRIPTOR.full_name
        if kind in _SQL_TEXTS:
            self.sql.append(getattr(message, _SQL_TEXTS[kind]))
        elif kind == "spark.connect.Read.DataSource":
            options = {name.lower(): value for name, value in message.options.items()}
            self.paths += [*message.paths, *([options["path"]] if "path" in options else [])]
            self.known_sources &= bool(message.paths) or "path" in options

    def _value(self, value: Any) -> None:
        if hasattr(value, "ListFields"):
            self.message(value)
        elif isinstance(value, str):
            text = value.replace(self._prefix, "")
            self.texts.append(text)
            self._put(f"'{text}")
        elif isinstance(value, bytes | int | float):
            self._put(repr(value))
        elif hasattr(value, "items"):
            self._put(f"{{{len(value)}")
            for name in sorted(value):
                self._value(name)
                self._value(value[name])
        else:
            self._put(f"[{len(value)}")
            for each in value:
                self._value(each)

    def _put(self, text: str) -> None:
        data = text.encode(errors="surrogatepass")
        self.hash.update(len(data).to_bytes(8, "big") + data)


def _is_moving(text: str) -> bool:
    """Whether SQL text means something else another day, or with settings that are not looked at.

    `DATE 'today'` is a constant once it is parsed, so no plan tells of it.
    """
    if not _MAY_MOVE.search(text):
        return False
    tokens = significant(tokenize(text))
    pairs = pairwise(tokens)
    return (
        "${" in text
        or any(token.kind is TokenKind.UNTERMINATED for token in tokens)
        or any(_is_day(token) for token in tokens if token.kind is TokenKind.STRING)
        or any(_is_made_here(token, following) for token, following in pairs)
    )


def _is_day(token: Token) -> bool:
    return string_value([token]).strip().lower().startswith(_DAYS)


def _is_made_here(token: Token, following: Token) -> bool:
    """A name that is computed, and a literal of a day or time that is not written in digits."""
    if token.is_word("IDENTIFIER"):
        return following.text == "("
    is_literal = token.is_word(*_TYPES) and following.kind is TokenKind.STRING
    return is_literal and not re.match(r"\s*[-+]?\d", string_value([following]))


def _is_origin(field: Any) -> bool:
    """Where in a source a piece of the plan was written."""
    return field.message_type is not None and field.message_type.full_name == "spark.connect.Origin"


def local_path(written: str) -> str | None:
    """The folder or file on this machine that a path names, where it has wildcards the folder that holds all of it.

    None for another file system, and for a path that depends on where Java was started.

    >>> local_path("file:///data/2024-*/x.csv"), local_path("/data/a.csv"), local_path("s3://bucket/a")
    ('/data', '/data/a.csv', None)
    """
    path = re.sub(r"^file:(?://)?(?=/)", "", written)
    if not path.startswith("/") or path.startswith("//"):
        return None
    wildcard = _GLOB.search(path)
    return os.path.normpath(path[: wildcard.start()].rpartition("/")[0] or "/" if wildcard else path)


def covering(path: str, folders: Iterable[str]) -> str | None:
    """The one of `folders` that is `path` or holds it."""
    return next((each for each in folders if path == each or path.startswith(each.rstrip("/") + "/")), None)


def files_state(path: str) -> str | None:
    """A digest of all files at `path`, of their sizes, and of what the file system says about their changes.

    None where links to folders make it unclear what there is, or it cannot be read.
    """
    try:
        return digest(*sorted(_entries(path)))
    except (OSError, _LinkedFolder):
        return None


class _LinkedFolder(Exception):
    """A folder that lies elsewhere: its files could change without a trace here."""


def _entries(path: str) -> Iterator[tuple[str, ...]]:
    if not os.path.lexists(path):
        yield (path, "absent")
    elif not os.path.isdir(path):
        yield (path, *_stamp(os.stat(path)))
    else:
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)
            elif entry.is_symlink() and entry.is_dir():
                raise _LinkedFolder(entry.path)
            else:
                yield (entry.path, *_stamp(entry.stat()))


def _stamp(status: os.stat_result) -> Iterator[str]:
    # The time of the last change of the entry itself cannot be set back, as that of the content can.
    return map(str, (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
