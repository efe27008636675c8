"""The official documents: verdicts, bytes, interchange and speed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from lakepact.contract import Mode, load_contract, read_contract
from lakepact.contract.interchange import from_official, official_losses, to_official
from lakepact.contract.yaml_nodes import read_yaml

BIG = "examples/v3.0.2/all/postgresql-adventureworks-contract.odcs.yaml"
OF_PLACE = {"place", "places", "source", "document", "file"}


def entries(corpus: Path) -> list[dict[str, Any]]:
    manifest: list[dict[str, Any]] = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    found = [entry for entry in manifest if not entry["path"].startswith("v2.2.2/")]
    assert len(found) > 100
    return found


def without_places(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: without_places(getattr(value, f.name)) for f in fields(value) if f.name not in OF_PLACE}
    return tuple(map(without_places, value)) if isinstance(value, tuple) else value


def test_strict_verdicts_are_those_of_the_schemas(odcs_corpus: Path) -> None:
    wrong = []
    for entry in entries(odcs_corpus):
        contract, problems = read_contract(odcs_corpus / entry["path"], mode=Mode.STRICT)
        if (contract is not None) != entry["valid"]:
            wrong.append((entry["path"], entry["valid"], [str(problem) for problem in problems]))
    assert wrong == []


def test_all_examples_load_in_compatible_mode_and_no_negative_does(odcs_corpus: Path) -> None:
    for entry in entries(odcs_corpus):
        contract, problems = read_contract(odcs_corpus / entry["path"])
        assert (contract is not None) == entry["path"].startswith("examples/"), [str(problem) for problem in problems]


def test_counts_of_the_model_are_those_of_the_manifest(odcs_corpus: Path) -> None:
    for entry in entries(odcs_corpus):
        if not entry["path"].startswith("examples/"):
            continue
        contract = load_contract(odcs_corpus / entry["path"])
        named = [found for _, found in contract.walk_properties() if found.name]
        rules = sum(len(table.quality) for table in contract.schema)
        rules += sum(len(found.quality) for _, found in contract.walk_properties())
        assert {
            "objects": len(contract.schema),
            "properties": len(named),
            "quality": rules,
            "slaProperties": len(contract.sla_properties),
            "servers": len(contract.servers),
        } == entry["counts"], entry["path"]


def test_bytes_and_places_of_every_example(odcs_corpus: Path) -> None:
    for entry in entries(odcs_corpus):
        if not entry["path"].startswith("examples/"):
            continue
        path = odcs_corpus / entry["path"]
        contract = load_contract(path)
        assert contract.source == path.read_bytes()
        lines = path.read_text(encoding="utf-8").splitlines()
        for _, found in contract.walk_properties():
            if found.name:
                place = contract.places[f"{found.place.path}.name"]
                assert lines[place.line - 1][place.column - 1 :].lstrip("'\"").startswith(found.name)


def test_both_parsers_read_the_same(odcs_corpus: Path) -> None:
    for entry in entries(odcs_corpus):
        if entry["path"] == BIG or "adventureworks" not in entry["path"]:
            text = (odcs_corpus / entry["path"]).read_text(encoding="utf-8")
            assert read_yaml(text) == read_yaml(text, pure=True)


def test_interchange_keeps_every_value_that_the_official_model_knows(odcs_corpus: Path) -> None:
    lost = set()
    for entry in entries(odcs_corpus):
        if not entry["path"].startswith("examples/") or ("adventureworks" in entry["path"] and entry["path"] != BIG):
            continue
        contract = load_contract(odcs_corpus / entry["path"])
        lost |= {problem.message for problem in official_losses(contract)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            back = from_official(to_official(contract))
        assert without_places(back) == without_places(contract), entry["path"]
    assert lost == {
        "the official model has no place for `team[2].comment`",
        "the official model has no place for `slaProperties[5].column`",
    }


def test_the_big_example_loads_in_a_third_of_a_second(odcs_corpus: Path) -> None:
    load_contract(odcs_corpus / BIG)
    start = time.process_time()
    contract = load_contract(odcs_corpus / BIG)
    assert time.process_time() - start < 0.35
    assert len(contract.schema) == 68


def test_the_import_is_light() -> None:
    code = (
        "import sys, time; start = time.process_time(); import lakepact.contract;"
        "print(time.process_time() - start);"
        "print([name for name in ('pydantic', 'pyspark', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
        for _ in range(3)
    ]
    assert min(float(run[0]) for run in runs) < 0.1
    assert runs[0][1] == "[]"
