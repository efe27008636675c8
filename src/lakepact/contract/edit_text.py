"""New values as YAML text in the style of the document that they go into: indent, lists, quotes, line breaks."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from lakepact.contract.edit_model import TextOf
from lakepact.contract.edit_tree import Node, Tree
from lakepact.contract.writing import key_text, scalar_text
from lakepact.contract.yaml_nodes import plain_value

__all__ = ["PLAIN", "Style", "Text", "Writer", "scalar", "style_of"]

# What stands on the line of the key or the dash, and the lines below it with their indent.
Text = tuple[str, list[str]]

PLAIN = "plain"
"""As a quote: none, where the value can do without."""

# A version, say; other texts that begin with a digit are rarely meant to stand without quotes.
_NUMBERED = re.compile(r"[0-9][\w.+-]*", re.ASCII)
_RESOLVER: Any = yaml.resolver.Resolver()
_UNSAFE_IN_FLOW = re.compile(r"[,\[\]{}:?#]")
_CONTROL = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_NOT_LITERAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|^[ \t]+$", re.MULTILINE)
_NOT_SINGLE_QUOTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Style:
    """How far a mapping is indented below its key, a dash below its key, a text after its dash; and the line break."""

    step: int = 2
    dash: int = 2
    gap: int = 2
    newline: str = "\n"


def style_of(tree: Tree) -> Style:
    """The most common layout in a document; two columns and indented lists where it has none."""
    steps: Counter[int] = Counter()
    dashes: Counter[int] = Counter()
    gaps: Counter[int] = Counter()
    for node in tree.nodes.values():
        parent = node.parent
        if not node.block or parent is None or not parent.block:
            continue
        if parent.kind == "list":
            gaps[node.column - parent.column] += 1
        else:
            (steps if node.kind == "map" else dashes)[node.column - parent.column] += 1
    step = _most(steps, 2)
    newline = tree.text[slice(*tree.lines.breaks[0])] if tree.lines.breaks else "\n"
    return Style(step, _most(dashes, step), _most(gaps, 2), newline if newline in ("\n", "\r\n", "\r") else "\n")


def _most(counted: Counter[int], default: int) -> int:
    return counted.most_common(1)[0][0] if counted else default


class Writer:
    """Writes values at the columns that their place has; `data` is what `tree` holds.

    With `careful` every text is on one line and nothing is taken over as it is written, so that lines around it, such
    as comments that are indented deeply, cannot become a part of it.
    """

    def __init__(
        self,
        tree: Tree,
        data: Any,
        *,
        gone: Collection[str] = (),
        replaced: Collection[str] = (),
        careful: bool = False,
    ) -> None:
        """Takes the style from the document; `gone` and `replaced` are the paths that are removed or get new values."""
        self.tree = tree
        self.gone = gone
        self.replaced = replaced
        self.careful = careful
        self.data = data
        self.style = style_of(tree)

    def data_of(self, node: Node) -> Any:
        """What an element of the unedited document holds."""
        if node.parent is None or node.entry is None:
            return self.data
        outer = self.data_of(node.parent)
        return outer[int(node.entry.name)] if node.parent.kind == "list" else outer[node.entry.name]

    def under_key(self, value: object, column: int, *, quote: str = "") -> Text:
        """A value of a key that stands at `column`; a mapping and a list begin on the next line."""
        if isinstance(value, TextOf) and self.careful:
            value = self.data_of(self.tree.nodes[value.path])
        if isinstance(value, TextOf):
            return self._taken(self.tree.nodes[value.path], column)
        if isinstance(value, Mapping) and value:
            return "", self._mapping(value, column + self.style.step)
        if _is_list(value) and value:
            return "", self._list(value, column + self.style.dash)
        return self._leaf(value, column + self.style.step, quote)

    def after_dash(self, value: object, column: int, *, quote: str = "") -> Text:
        """A value that begins at `column`, after the dash of a list."""
        if isinstance(value, TextOf) and self.careful:
            value = self.data_of(self.tree.nodes[value.path])
        if isinstance(value, TextOf):
            node = self.tree.nodes[value.path]
            if not node.block:
                return self._inline(node, column)
            head, *lines = self._block(node, column, leading=False)
            return head.lstrip(" "), lines
        if isinstance(value, Mapping) and value:
            head, *lines = self._mapping(value, column)
            return head.lstrip(" "), lines
        if _is_list(value) and value:
            head, *lines = self._list(value, column)
            return head.lstrip(" "), lines
        return self._leaf(value, column, quote)

    def entry(self, key: str | None, value: object, column: int) -> Text:
        """An entry of a block collection at `column`: with a key for a mapping, without one for a list."""
        if key is None:
            head, lines = self.after_dash(value, column + self.style.gap)
            return "-" + " " * (self.style.gap - 1) + head, lines
        head, lines = self.under_key(value, column)
        written = key_text(key).replace("\n", self.style.newline + " " * column)
        return f"{written} {head}" if head else written, lines

    def flow(self, value: object, *, as_json: bool, quote: str = "", indent: int | None = None, step: int = 2) -> str:
        """A value between brackets; on several lines where `indent`, the column of its own line, is given."""
        if isinstance(value, TextOf):
            return self._flow_taken(self.tree.nodes[value.path], as_json=as_json)
        if isinstance(value, Mapping):
            return self._bracketed(
                "{}",
                [
                    f"{self.flow_key(key, as_json=as_json)}: "
                    + self.flow(entry, as_json=as_json, indent=None if indent is None else indent + step, step=step)
                    for key, entry in value.items()
                ],
                indent,
                step,
            )
        if isinstance(value, Sequence) and _is_list(value):
            inner = None if indent is None else indent + step
            return self._bracketed(
                "[]", [self.flow(entry, as_json=as_json, indent=inner, step=step) for entry in value], indent, step
            )
        return _flow_scalar(value, as_json=as_json, quote=quote)

    def flow_key(self, key: str, *, as_json: bool, quote: str = "") -> str:
        """A key between brackets, without its colon."""
        return _flow_scalar(key, as_json=as_json, quote=quote)

    def _bracketed(self, brackets: str, items: Iterable[str], indent: int | None, step: int) -> str:
        parts = list(items)
        if indent is None or not parts:
            return brackets[0] + ", ".join(parts) + brackets[1]
        newline = self.style.newline
        inner = newline + " " * (indent + step)
        return brackets[0] + inner + ("," + inner).join(parts) + newline + " " * indent + brackets[1]

    def _mapping(self, value: Mapping[Any, Any], column: int) -> list[str]:
        return [line for key, entry in value.items() for line in self._lines(str(key), entry, column)]

    def _list(self, value: Any, column: int) -> list[str]:
        return [line for entry in value for line in self._lines(None, entry, column)]

    def _lines(self, key: str | None, value: object, column: int) -> list[str]:
        head, lines = self.entry(key, value, column)
        return [" " * column + head, *lines]

    def _leaf(self, value: object, column: int, quote: str) -> Text:
        if isinstance(value, Mapping):
            return "{}", []
        if _is_list(value):
            return "[]", []
        block = isinstance(value, str) and quote not in ("'", '"') and not self.careful
        literal = _literal(str(value)) if block else None
        if literal is not None:
            return literal[0], [" " * column + line if line else "" for line in literal[1]]
        return scalar(value, quote=quote), []

    def _taken(self, node: Node, column: int) -> Text:
        """The text of an element, to stand under a key at `column`."""
        above, beside, below = self._comments(node)
        if not node.block:
            first, rest = self._inline(node, column)
            texts = [first, *rest]
            texts[-1] += beside
            # In a block scalar, what is not indented less than its lines would be one of them.
            inner = " " * (column + (1 if node.style in ("|", ">") else self.style.step))
            return texts[0], [*texts[1:], *(inner + line for line in (*above, *below))]
        indent = column + (self.style.step if node.kind == "map" else self.style.dash)
        inner = " " * indent
        return beside.strip(" "), [
            *(inner + line for line in above),
            *self._block(node, indent, leading=True),
            *(inner + line for line in below),
        ]

    def _comments(self, node: Node) -> tuple[list[str], str, list[str]]:
        """The comments above, beside and below the key of an element, where they would vanish with the key."""
        parent, entry = node.parent, node.entry
        if parent is None or entry is None or parent.kind != "map" or parent.flow or not self._vanishes(node):
            return [], "", []
        lines = self.tree.lines
        start, end = self.tree.lines_of(parent, parent.entries.index(entry))
        first, after = lines.start(entry.start), lines.next(node.end)
        above = [line.lstrip(" ") for line in self._split(start, first)] if start < first else []
        below = [line.lstrip(" ") for line in self._split(after, end)] if after < end else []
        at = entry.after if node.block and node.anchor is None and node.tag is None else node.end
        beside = self.tree.text[at : lines.end(at)].rstrip()
        return above, beside if beside.lstrip().startswith("#") else "", below

    def _vanishes(self, node: Node) -> bool:
        here: Node | None = node
        while here is not None:
            if here.path in self.gone or (here is not node and here.path in self.replaced):
                return True
            here = here.parent
        return False

    def _inline(self, node: Node, column: int) -> Text:
        head, *lines = self._split(node.start, node.end)
        parent = node.parent
        return head, _shifted(lines, column - (parent.column if parent is not None else 0))

    def _block(self, node: Node, column: int, *, leading: bool) -> list[str]:
        """The lines of a block collection at another column; with `leading` the comments above its first entry too."""
        lines = self.tree.lines
        start, first = node.first, lines.start(node.first)
        after = node.entry.after if node.entry is not None else 0
        if self.tree.text[first:start].strip(" "):  # behind a dash
            head, *rest = self._split(start, lines.end(node.end))
            return [" " * column + head, *_shifted(rest, column - node.column)]
        if leading and node.anchor is None and node.tag is None:
            first = min(first, lines.next(after))
        return _shifted(self._split(first, lines.end(node.end)), column - node.column)

    def _split(self, start: int, end: int) -> list[str]:
        """The lines between two offsets, without their breaks."""
        lines = self.tree.lines
        result = []
        while True:
            stop = min(lines.end(start), end)
            result.append(self.tree.text[start:stop])
            following = lines.next(start)
            if stop >= end or following >= end:
                return result
            start = following

    def _flow_taken(self, node: Node, *, as_json: bool) -> str:
        text = self.tree.text[node.start : node.end]
        value = self.data_of(node)
        taken = node.flow or node.style in ('"', "'") or (node.kind == "scalar" and not isinstance(value, str))
        if taken and text and (not as_json or not isinstance(value, str)):
            return text
        return self.flow(value, as_json=as_json)


def scalar(value: object, *, quote: str = "") -> str:
    """A single value on one line, outside of brackets; `quote` is the one that a text shall have, `PLAIN` for none."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str) and quote == "'" and not _NOT_SINGLE_QUOTED.search(value):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, str) and quote in ("'", '"'):
        return _double_quoted(value)
    if isinstance(value, str) and quote == PLAIN and _NUMBERED.fullmatch(value) and _is_text(value):
        return value
    if value is None or isinstance(value, str | int | float):
        return scalar_text(value)
    raise ValueError(f"a value of type {type(value).__name__} has no form in YAML")


def _is_text(value: str) -> bool:
    """Whether readers of YAML 1.1 and of 1.2 take it for text without quotes."""
    kind = _RESOLVER.resolve(yaml.ScalarNode, value, (True, False))
    return kind == "tag:yaml.org,2002:str" and isinstance(plain_value(value), str)


def _flow_scalar(value: object, *, as_json: bool, quote: str) -> str:
    if isinstance(value, str):
        if as_json:
            return _double_quoted(value)
        text = scalar(value, quote=quote)
        return _double_quoted(value) if text[:1] not in ("'", '"') and _UNSAFE_IN_FLOW.search(text) else text
    return scalar(value)


def _double_quoted(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def _literal(text: str) -> tuple[str, list[str]] | None:
    """A text of several lines below `|`; None where it would not be read back as it is."""
    content = text.strip("\n")
    if "\n" not in text or not content or text[0] in " \t\n" or _NOT_LITERAL.search(text):
        return None
    if not text.endswith("\n"):
        return "|-", text.split("\n")
    lines = text[:-1].split("\n")
    return ("|+" if lines[-1] == "" else "|"), lines


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _shifted(lines: Iterable[str], by: int) -> list[str]:
    """Lines with `by` more spaces before them, or so many less as they have."""
    if by >= 0:
        return [" " * by + line if line.strip() else line for line in lines]
    return [line[min(-by, len(line) - len(line.lstrip(" "))) :] for line in lines]
