"""A comparison for people and machines: text, Markdown for a pull request, and JSON."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from lakepact.contract.model import NOWHERE, Place
from lakepact.diff.model import Change, Comparison, Level

__all__ = ["comparison_json", "markdown", "summary", "text_lines"]

_OBJECT = re.compile(r'schema(?:\.([\w$-]+)|\["((?:[^"\\]|\\.)*)"\])')
_REST = "contract"
# What Markdown or a forge would act on. Entities keep a table's cells apart and mention nobody.
_ACTING = str.maketrans({char: f"&#{ord(char)};" for char in "\\`*_[]#@|~$"})


def text_lines(comparison: Comparison) -> Iterator[str]:
    """The report line by line: what is asked for, then the changes by object, the most severe first."""
    yield _title(comparison)
    yield summary(comparison)
    if comparison.waived is not None:
        yield f"waived: {_one_line(comparison.waived)}"
    for name, changes in _groups(comparison.changes):
        yield ""
        yield _one_line(name)
        for change in changes:
            place = _where(comparison, change)
            waived = f" (waived: {_one_line(change.waived)})" if change.waived is not None else ""
            shown = f"{place}  " if place else ""
            yield f"  {change.level.value:<5}  {change.breaks.value:<8}  {shown}{change.sentence}{waived}"


def summary(comparison: Comparison) -> str:
    """One line: the level, the version that it asks for, and whether the new version covers it."""
    level, asked = comparison.level, comparison.required_version
    if level is Level.NONE:
        covered = "nothing changed" if comparison.version_ok else _lower(comparison)
        return f"{level.value}: {covered}"
    if not asked:
        return f"{level.value}: {comparison.old_version} is not a semantic version, so that none can be asked for"
    said = f"{level.value}: asks for {asked}"
    if not comparison.version_ok:
        return f"{said}, which {comparison.new_version} does not cover"
    if comparison.waived is not None:
        return f"{said}, which is waived"
    return f"{said}, which {comparison.new_version} covers"


def _lower(comparison: Comparison) -> str:
    return f"nothing changed, but {comparison.new_version} is lower than {comparison.old_version}"


def _title(comparison: Comparison) -> str:
    same = comparison.old_id == comparison.new_id
    ids = comparison.new_id if same else f"{comparison.old_id} -> {comparison.new_id}"
    return _one_line(f"{ids} {comparison.old_version} -> {comparison.new_version}")


def _groups(changes: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    """The changes by schema object, those of the rest under `contract`; the worst group and the worst change first."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(_object_of(change.path), []).append(change)
    groups = [(name, sorted(group, key=_severity)) for name, group in found.items()]
    return sorted(groups, key=lambda group: _severity(group[1][0]))


def _severity(change: Change) -> int:
    return -change.level.rank


def _object_of(path: str) -> str:
    match = _OBJECT.match(path)
    if match is None:
        return _REST
    return match[1] if match[1] is not None else str(json.loads(f'"{match[2]}"'))


def _where(comparison: Comparison, change: Change) -> str:
    """file:line in the new document; in the old one for what is only there."""
    for place, file in ((change.new_place, comparison.new_file), (change.old_place, comparison.old_file)):
        if place.line:
            return f"{file}:{place.line}" if file else f"line {place.line}"
    return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def markdown(comparison: Comparison) -> str:
    """The report for a pull request: a headline, a table of what asks for a version, patches folded away."""
    lines = [f"### {_cell(_title(comparison))}", "", f"**{_cell(summary(comparison))}**"]
    if comparison.waived is not None:
        lines += ["", f"Waived: {_cell(comparison.waived)}"]
    ordered = [change for _, group in _groups(comparison.changes) for change in group]
    large = sorted((change for change in ordered if change.level is not Level.PATCH), key=_severity)
    small = [change for change in ordered if change.level is Level.PATCH]
    if large:
        lines += ["", *_table(comparison, large)]
    if small:
        count = "1 patch change" if len(small) == 1 else f"{len(small)} patch changes"
        lines += ["", f"<details><summary>{count}</summary>", "", *_table(comparison, small), "", "</details>"]
    return "\n".join(lines) + "\n"


def _table(comparison: Comparison, changes: Iterable[Change]) -> Iterator[str]:
    yield "| level | breaks | change | where |"
    yield "|---|---|---|---|"
    for change in changes:
        waived = f" Waived: {_cell(change.waived)}" if change.waived is not None else ""
        what = _cell(change.sentence) + waived
        yield f"| {change.level.value} | {change.breaks.value} | {what} | {_cell(_where(comparison, change))} |"


def _cell(text: str) -> str:
    """A text that stays one cell and is shown as it is; names between backticks are set as code."""
    parts = _one_line(text).split("`")
    escaped = [html.escape(part, quote=False).translate(_ACTING) for part in parts]
    if len(parts) % 2 == 0:
        return "&#96;".join(escaped)
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(escaped))


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data that JSON can hold."""
    return {
        "old_id": comparison.old_id,
        "new_id": comparison.new_id,
        "old_version": comparison.old_version,
        "new_version": comparison.new_version,
        "level": comparison.level.value,
        "required_version": comparison.required_version,
        "version_ok": comparison.version_ok,
        "waived": comparison.waived,
        "changes": [_change_json(comparison, change) for change in comparison.changes],
    }


def _change_json(comparison: Comparison, change: Change) -> dict[str, Any]:
    return {
        "path": change.path,
        "kind": change.kind.value,
        "level": change.level.value,
        "breaks": change.breaks.value,
        "sentence": change.sentence,
        "old": _plain(change.old),
        "new": _plain(change.new),
        "old_place": _place_json(change.old_place, comparison.old_file),
        "new_place": _place_json(change.new_place, comparison.new_file),
        "waived": change.waived,
    }


def _place_json(place: Place, file: str) -> dict[str, Any] | None:
    if place == NOWHERE:
        return None
    return {"file": file, "line": place.line, "column": place.column, "path": place.path}


def _plain(value: object) -> object:
    """The value in types of JSON; a decimal that no double is equal to becomes text."""
    match value:
        case Decimal():
            number: int | float = int(value) if value == value.to_integral_value() else float(value)
            return number if Decimal(repr(number)) == value else str(value)
        case Mapping():
            return {str(key): _plain(entry) for key, entry in value.items()}
        case tuple() | list():
            return [_plain(entry) for entry in value]
        case _:
            return value
