"""The registry of codes."""

from __future__ import annotations

import re
from pathlib import Path

import lakepact.contract
from lakepact.contract import MEANINGS, Code

SOURCES = [
    path
    for path in Path(lakepact.contract.__file__).parent.glob("*.py")
    if path.name not in ("problems.py", "physical_types.py", "spark_types.py", "types.py")
]


def test_every_code_has_a_meaning_of_one_line() -> None:
    assert list(MEANINGS) == list(Code)
    for meaning in MEANINGS.values():
        assert re.fullmatch(r"[A-Z][^\n]*\.", meaning)


def test_codes_are_unique_and_of_this_room() -> None:
    assert len({code.value for code in Code}) == len(Code)
    assert all(re.fullmatch(r"LP1\d\d", code) for code in Code)


def test_every_code_is_emitted_and_no_other_is() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    assert set(re.findall(r"Code\.([A-Z0-9_]+)", text)) == {code.name for code in Code}
    assert not re.search(r"code=\"LP", text)
