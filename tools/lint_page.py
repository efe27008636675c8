"""Writes docs/lint.md: every code that `lakepact lint` reports, with a snippet that has the fault and one that has not.

    python tools/lint_page.py           # writes the page
    python tools/lint_page.py --check   # exit code 1 where the page is not up to date

The snippets are in tools/lint_snippets; meaning and remedy of the codes of other rooms in tools/error_pages.py.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SNIPPETS = ROOT / "tools" / "lint_snippets"
PAGE = ROOT / "docs" / "lint.md"
sys.path.insert(0, str(ROOT / "tools"))

from error_pages import CATALOGUE  # noqa: E402

from lakepact.errors import Severity  # noqa: E402
from lakepact.lint import lint  # noqa: E402
from lakepact.lint.catalogue import CHECKS, reportable_codes  # noqa: E402

_BLOCK = re.compile(r"^@@ (?P<code>LP\d{3}) (?P<kind>bad|good)(?: (?P<option>v\S+|whole))?\n", re.MULTILINE)
_HEADER = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "orders", "version": "1.0.0", "status": "active"}

CHAPTERS = {
    "LP10": ("Files and YAML", range(101, 120)),
    "LP12": ("Grammar of the standard", range(120, 170)),
    "LP20": ("What cannot be enforced", range(201, 220)),
    "LP72": ("Names, identity, text", range(720, 730)),
    "LP73": ("Limits, patterns, dates", range(730, 740)),
    "LP74": ("Keys, measures, service levels", range(740, 750)),
    "LP75": ("References and quality rules", range(750, 760)),
    "LP76": ("Thresholds and listed values", range(760, 770)),
}

WITHOUT_SNIPPET = {
    "LP101": "The file is missing, is no file, or may not be read.",
    "LP102": "The file has more than 10 MB.",
    "LP103": "The file is saved in another encoding, such as Latin-1 or UTF-16.",
    "LP109": "Elements stand in each other more than 100 levels deep.",
    "LP110": "Aliases of aliases make billions of elements out of few lines.",
    "LP769": "Seen where several files are linted at once.",
}

INTRODUCTION = """\
# Lint

<!-- Written by tools/lint_page.py. -->

    lakepact lint contracts
    lakepact lint --fix contracts/orders.odcs.yaml
    lakepact lint --format sarif contracts > lint.sarif

Each file is judged by the grammar of the ODCS version that it declares, then by its meaning, and all findings of all
files come in one run with code, severity, file:line:column, JSON path and a hint. Nothing is fetched from the network.

| option | effect |
|---|---|
| `--strict` | grammar of another ODCS version is an error, not a warning |
| `--fix` | mends what is certain and reports the rest; comments, layout and all other bytes stay |
| `--format` | `text`, `json`, `sarif` (2.1.0), `github` (annotations), `junit` |
| `--select`, `--ignore` | codes or beginnings of codes (`LP72`); of two that fit the longer one decides |
| `--fail-on` | the least bad finding that makes the exit code 1: `error` (default), `warning`, `info` |

The exit code is 0 when nothing was found at or above `--fail-on`, 1 when something was, 2 when the call is wrong, and 3
when there is nothing to lint or a file cannot be read. `-` reads stdin.

A file that is named is always linted. In a folder these are: `*.odcs.yaml`, `*.odcs.yml`, `*.odcs.json`, and each
`*.yaml`, `*.yml` and `*.json` whose root has `kind: DataContract` or an `apiVersion` of ODCS. Hidden files and folders
are left out.

A finding is an *error* where the document contradicts the standard or itself, or demands what no data can meet; a
*warning* where it is probably not what was meant or cannot be enforced; *info* where it is worth knowing.

## What `--fix` mends

| finding | mend |
|---|---|
| LP120, LP121, LP134, LP728 | upper and lower case, hyphens, a missing `v`: `String`, `data-contract`, `3.1.0` |
| LP134 | the short names of dimensions: `cp` for `completeness` |
| LP131 | a key with one slip of the keys (`requierd`), where no other key of the standard is as near |
| LP132 | `"yes"`, `"true"` and `"5"` where a boolean or a number must be |
| LP133, LP729, LP764 | quotes around a version, an id, a date, `no`, `01` |
| LP741 | positions in a key are counted from 1, where their order is clear |

A mend that does not remove its finding, or that the grammar refuses, is taken back. Mending again changes nothing.
"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """One block: `text` is what the page shows, `document` what is linted."""

    code: str
    good: bool
    text: str
    document: str


def snippets() -> Iterator[Snippet]:
    """Every block of every file, in order."""
    for file in sorted(SNIPPETS.glob("*.txt")):
        content = file.read_text(encoding="utf-8")
        starts = list(_BLOCK.finditer(content))
        ends = [match.start() for match in starts[1:]] + [len(content)]
        for match, end in zip(starts, ends, strict=True):
            text = content[match.end() : end]
            yield Snippet(match["code"], match["kind"] == "good", text, _document(text, match["option"]))


def _document(text: str, option: str | None) -> str:
    if option == "whole":
        return text
    keys = set(re.findall(r"^(\w+):", text, re.MULTILINE))
    if text.startswith("- "):
        indented = "".join(f"      {line}" for line in text.splitlines(keepends=True))
        text = f"schema:\n  - name: orders\n    properties:\n{indented}"
    header = _HEADER | ({"apiVersion": option} if option else {})
    return "".join(f"{key}: {value}\n" for key, value in header.items() if key not in keys) + text


def severity(code: str, bad: str | None) -> Severity:
    """The severity of a code: that of the catalogue, else of the snippet."""
    known = {check.value: about.severity for check, about in CHECKS.items()}
    if code in known:
        return known[code]
    if bad is None:
        return Severity.ERROR
    return next(problem.severity for problem in lint(bad.encode()).problems if problem.code == code)


def page() -> str:
    """The text of docs/lint.md."""
    shown: dict[tuple[str, bool], Snippet] = {(each.code, each.good): each for each in snippets()}
    parts = [INTRODUCTION]
    for title, numbers in CHAPTERS.values():
        parts.append(f"## {title}\n")
        for code in reportable_codes():
            if int(code[2:]) in numbers:
                parts.append(_entry(code, shown.get((code, False)), shown.get((code, True))))
    return "\n".join(parts)


def _entry(code: str, bad: Snippet | None, good: Snippet | None) -> str:
    meaning, remedy = CATALOGUE[code]
    lines = [f"### {code} ({severity(code, bad.document if bad else None)})", "", f"{meaning} {remedy}", ""]
    if bad is None or good is None:
        return "\n".join([*lines, WITHOUT_SNIPPET[code], ""])
    for title, snippet in (("Found", bad), ("Not found", good)):
        lines += [f"{title}:", "", "```yml", snippet.text.rstrip("\n"), "```", ""]
    return "\n".join(lines)


def main() -> int:
    """Write or check the page."""
    if "--check" in sys.argv[1:]:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
        if not current:
            print("docs/lint.md is not what this writes", file=sys.stderr)
        return 0 if current else 1
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
