"""Documents for the tests of lint, and findings as one line each."""

from __future__ import annotations

import textwrap

from lakepact.lint import lint

HEADER = "apiVersion: {version}\nkind: DataContract\nid: orders\nversion: 1.0.0\nstatus: active\n"


def document(body: str, *, version: str = "v3.1.0") -> bytes:
    """A contract with `body` after the keys that every contract needs, which are lines 1 to 5."""
    return (HEADER.format(version=version) + textwrap.dedent(body).lstrip("\n")).encode()


def properties(body: str, *, version: str = "v3.1.0") -> bytes:
    """A contract with one object, whose properties begin at line 9, column 7."""
    listed = textwrap.indent(textwrap.dedent(body).lstrip("\n"), "      ")
    return document(f"schema:\n  - name: orders\n    properties:\n{listed}", version=version)


def found(source: bytes, *, strict: bool = False) -> list[str]:
    """`line:column severity code path: message (hint)` of each finding."""
    return [
        f"{p.line}:{p.column} {p.severity} {p.code} {p.path}: {p.message}{f' ({p.hint})' if p.hint else ''}"
        for p in lint(source, strict=strict).problems
    ]


def said(source: bytes, *, strict: bool = False) -> list[str]:
    """`code: message` of each finding."""
    return [f"{problem.code}: {problem.message}" for problem in lint(source, strict=strict).problems]
