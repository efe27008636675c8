"""What is remembered from run to run comes back equal, or not at all: then every view is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lakepact.local.delta_log import TableState
from lakepact.local.refresh_memory import Made, load_memory, save_memory

STATE = TableState(version=3, digest="b1946ac9")
MADE = {
    "spark_catalog.shop.orders": Made(
        definition="d1",
        files={"/data/orders": "f1"},
        tables={"/lake/outside": STATE},
        left=TableState(version=1, digest="59ca0efa"),
        counts={"orders.1": {"input": 4, "failed": 1}},
    ),
    "spark_catalog.shop.`a b`": Made(definition="d2", files={}, tables={}, left=STATE),
}


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    path = tmp_path / "refresh" / "p.json"
    save_memory(path, MADE)
    return path


def test_what_is_saved_comes_back(memory: Path) -> None:
    assert load_memory(memory) == MADE
    save_memory(memory, {})
    assert load_memory(memory) == {}


def _without_a_field(text: str) -> str:
    document = json.loads(text)
    del document["sha256"]
    return json.dumps(document)


DAMAGES: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: "",
    "half of it": lambda text: text[: len(text) // 2],
    "without its end": lambda text: text.rstrip()[:-1],
    "another number": lambda text: text.replace('"version": 3', '"version": 4'),
    "another definition": lambda text: text.replace("d1", "d3"),
    "a dataset more": lambda text: text.replace("`a b`", "`a c`"),
    "another form": lambda text: text.replace('"format": 1', '"format": 2'),
    "no sum": _without_a_field,
    "a list": lambda text: "[]",
    "no object": lambda text: "null",
    "no JSON": lambda text: "{'format': 1}",
    "other bytes": lambda text: "\x00" * 700,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_memory_is_none(memory: Path, damage: str) -> None:
    text = memory.read_text()
    damaged = DAMAGES[damage](text)
    assert damaged != text
    memory.write_text(damaged)
    assert load_memory(memory) == {}


def test_where_there_is_none_or_it_is_no_text(memory: Path) -> None:
    memory.write_bytes(b"\xff\xfe" + memory.read_bytes())
    assert load_memory(memory) == {}
    memory.unlink()
    assert load_memory(memory) == {}
    memory.mkdir()
    assert load_memory(memory) == {}
