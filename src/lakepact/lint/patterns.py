"""Patterns that Java's engine reads otherwise than the standard, and patterns that demand nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakepact.contract.yaml_nodes import child_path
from lakepact.lint.catalogue import LintCode
from lakepact.lint.subject import Subject, option_path, quoted
from lakepact.rules.literals import Inexpressible
from lakepact.rules.patterns import java_pattern

__all__ = ["check_patterns", "patterns_of"]

_ANYTHING = re.compile(r"(?P<start>\^)?(?:\.\*\??|\(\.\*\??\))?(?P<end>\$)?")
_COUNT = re.compile(r"\{\d+(,\d*)?\}")
_ESCAPE = re.compile(r"\\(?:u\{[0-9A-Fa-f]+\}|[pP]\{[^}]*\}|.)", re.DOTALL)


def check_patterns(subject: Subject) -> None:
    """Every pattern of the contract that can be translated; the rules report the others."""
    for path, pattern in patterns_of(subject):
        anything = _ANYTHING.fullmatch(pattern)
        if anything and pattern != "^$":
            which = " without line breaks" if anything["start"] and anything["end"] else ""
            message = f"the pattern {quoted(pattern)} matches every text{which}"
            subject.report(LintCode.MATCHES_EVERYTHING, message, path)
            continue
        try:
            java_pattern(pattern)
        except Inexpressible:
            continue
        for construct, reading, better in dict.fromkeys(_differences(pattern)):
            message = f"in the pattern {quoted(pattern)} Java reads `{construct}` as {reading}"
            hint = f"lakepact translates it; for tools that do not, write {better}"
            subject.report(LintCode.OTHER_IN_JAVA, message, path, hint=hint)


def patterns_of(subject: Subject) -> Iterator[tuple[str, str]]:
    """The path and the text of each pattern: of options and of quality rules."""
    for _, prop in subject.properties:
        if prop.options is not None and prop.options.pattern is not None:
            yield option_path(prop.options, "pattern"), prop.options.pattern
    rules = [rule for each in subject.contract.schema for rule in each.quality]
    rules += [rule for _, prop in subject.properties for rule in prop.quality]
    for rule in rules:
        pattern = rule.arguments.get("pattern")
        if isinstance(pattern, str):
            inner = child_path(child_path(rule.place.path, "arguments"), "pattern")
            yield inner if subject.written(inner) else child_path(rule.place.path, "pattern"), pattern


def _differences(pattern: str) -> Iterator[tuple[str, str, str]]:
    """Constructs that mean nothing or something else in Java, with what Java makes of them and what both read alike."""
    at, inside = 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            match = _ESCAPE.match(pattern, at)
            escape = match[0] if match else char
            yield from _escape(escape)
            at += len(escape)
            continue
        if inside:
            if char == "[":
                yield "[", "the start of a set inside the set", "`\\[`"
            elif pattern.startswith("&&", at):
                yield "&&", "the intersection of two sets", "one `&`"
            inside = char != "]"
        elif char == "[":
            empty = next((text for text in ("[^]", "[]") if pattern.startswith(text, at)), None)
            if empty:
                yield empty, "a set that is not closed", "`[\\s\\S]`" if empty == "[^]" else "`(?!)`"
                at += len(empty)
                continue
            inside = True
            at += pattern.startswith("[^", at)
        elif char == "{" and not _COUNT.match(pattern, at):
            yield "{", "a count that is wrong", "`\\{`"
        at += 1


def _escape(escape: str) -> Iterator[tuple[str, str, str]]:
    if escape == "\\v":
        yield escape, "any vertical space", "`\\x0B`"
    elif escape.startswith("\\u{"):
        yield escape, "an escape that is not finished", "the character itself"
