"""What docs/versions.md shows is so: its specifiers, its layout, its waiver, its workflow."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import yaml

from git_samples import contract
from lakepact.contract import SpecifierSet, load_contract
from lakepact.diff import load_waivers
from lakepact.history import DEFAULT_LAYOUT, Layout

SOME_VERSIONS = [
    f"{major}.{minor}.{patch}{pre}"
    for major in (1, 2)
    for minor in (1, 2, 3)
    for patch in (0, 3)
    for pre in ("", "-rc.1")
]


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs" / "versions.md").read_text(encoding="utf-8")


def test_a_specifier_and_what_it_means_choose_the_same(page: str) -> None:
    pairs = re.findall(r"^\| `(~=[^`]+)` \| `([^`]+)` \|$", page, re.MULTILINE)
    assert len(pairs) == 2
    for one, other in pairs:
        chosen = [version for version in SOME_VERSIONS if version in SpecifierSet.parse(one)]
        assert chosen == [version for version in SOME_VERSIONS if version in SpecifierSet.parse(other)] != []


def test_every_specifier_is_one(page: str) -> None:
    table = page.split("| specifier | means |")[1].split("\n\n")[0]
    found = re.findall(
        r"`([^`]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if line.count("|") > 2)
    )
    assert len(found) == 8
    assert all(SpecifierSet.parse(text) for text in found)


def test_the_files_stand_where_the_default_layout_wants_them(page: str) -> None:
    shown = re.findall(r"^    contracts/(\S+\.yaml)$", page, re.MULTILINE)
    assert f"`{DEFAULT_LAYOUT}`" in page
    layout = Layout.parse(DEFAULT_LAYOUT)
    assert shown == [
        layout.path_of(load_contract(contract(version).encode())) for version in ("1.3.0", "1.4.2", "2.0.0")
    ]


def test_every_placeholder_is_one(page: str) -> None:
    table = page.split("| placeholder | value |")[1].split("\n\n")[0]
    names = re.findall(r"\{\w+\}", "".join(line.split("|")[1] for line in table.splitlines() if line.count("|") > 2))
    assert len(names) == 11
    assert Layout.parse("-".join(names))


def test_the_waiver_is_one_and_the_workflow_is_yaml(page: str) -> None:
    waiver, workflow = re.findall(r"^```text\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (loaded,) = load_waivers(waiver.encode(), today=dt.date(2026, 1, 1))
    assert (loaded.contract, loaded.path) == ("orders", "schema.orders.properties.amount")
    steps = yaml.safe_load(workflow)["jobs"]["contracts"]["steps"]
    assert steps[0]["with"] == {"fetch-depth": 0}
    assert [step["run"].split()[1] for step in steps if "lakepact gate" in step.get("run", "")] == ["gate", "gate"]
