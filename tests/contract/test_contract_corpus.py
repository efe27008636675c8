"""The official documents: verdicts, bytes, interchange and speed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from lakepact.contract import Mode, load_contract, read_contract
from lakepact.contract.edits import edited
from lakepact.contract.interchange import from_official, official_losses, to_official
from lakepact.contract.yaml_nodes import read_yaml
from lakepact.errors import Severity
from speed import best_cpu_seconds, cpu_limit

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


def table(repository: Path, title: str) -> list[list[str]]:
    """The rows of the table below a title of docs/corpus.md, without its head."""
    page = (repository / "docs" / "corpus.md").read_text(encoding="utf-8")
    _, _, rest = page.partition(f"# {title}\n")
    lines = [line for line in rest.partition("\n#")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def accepts(corpus: Path, name: str, mode: Mode) -> bool:
    return read_contract(corpus / name, mode=mode)[0] is not None


def all_verdicts(corpus: Path) -> Iterator[tuple[dict[str, Any], tuple[bool, bool, bool]]]:
    """Each document with the verdicts of its schema, of strict and of compatible mode."""
    for entry in json.loads((corpus / "manifest.json").read_text(encoding="utf-8")):
        name = entry["path"]
        yield entry, (entry["valid"], accepts(corpus, name, Mode.STRICT), accepts(corpus, name, Mode.COMPATIBLE))


def test_the_page_says_how_many_documents_are_accepted(odcs_corpus: Path, repository: Path) -> None:
    found: dict[tuple[str, str], list[int]] = {}
    for entry, verdicts in all_verdicts(odcs_corpus):
        folder, _, rest = entry["path"].partition("/")
        group = f"{folder}/{rest.partition('/')[0]}" if folder == "examples" else folder
        counts = found.setdefault((group, entry["apiVersion"] or "none"), [0, 0, 0, 0])
        counts[:] = [count + more for count, more in zip(counts, (1, *verdicts), strict=True)]
    expected = [[*key, *map(str, counts)] for key, counts in found.items()]
    assert table(repository, "The official documents") == expected


def test_the_page_lists_every_exception_and_no_other(odcs_corpus: Path, repository: Path) -> None:
    words = {True: "accepts", False: "refuses"}
    exceptions = {
        entry["path"]: [words[verdict] for verdict in verdicts]
        for entry, verdicts in all_verdicts(odcs_corpus)
        if len(set(verdicts)) > 1
    }
    rows = {row[0]: row[1:4] for row in table(repository, "Exceptions")}
    listed = {pattern: [name for name in exceptions if fnmatch(name, pattern)] for pattern in rows}
    assert sorted(name for names in listed.values() for name in names) == sorted(exceptions)
    for pattern, names in listed.items():
        assert names, pattern
        assert [exceptions[name] for name in names] == [rows[pattern]] * len(names)


def test_each_negative_is_refused_for_the_right_reason_at_the_right_place(odcs_corpus: Path, repository: Path) -> None:
    found = []
    for entry in entries(odcs_corpus):
        name = entry["path"]
        if name.startswith("negative/"):
            for mode in Mode:
                _, problems = read_contract(odcs_corpus / name, mode=mode)
                errors = [problem for problem in problems if problem.severity is Severity.ERROR]
                rows = [
                    [Path(name).name, problem.code, f"`{problem.path}`", f"{problem.line}:{problem.column}"]
                    for problem in errors
                ]
                if mode is Mode.STRICT:
                    found += rows
                    assert all(leads_to(problem.path, entry["faultPath"]) for problem in errors), name
                else:
                    assert [row for row in rows if row in found], name
    assert found == table(repository, "Refused for the right reason")
    assert len({row[0] for row in found}) == 28


def leads_to(path: str, pointer: str) -> bool:
    """Whether a JSON path stands where the official fault does, or just below: at the key that lacks or is too many."""
    names = [name for name in re.split(r"[.\[\]]+", path) if name]
    official = [name for name in pointer.split("/") if name]
    return names[: len(official)] == official and len(names) <= len(official) + 1


def test_each_example_loads_in_compatible_mode(odcs_corpus: Path) -> None:
    for entry in entries(odcs_corpus):
        contract, problems = read_contract(odcs_corpus / entry["path"])
        assert (contract is not None) == entry["path"].startswith("examples/"), [str(problem) for problem in problems]


def test_nothing_changes_where_nothing_is_edited(odcs_corpus: Path) -> None:
    for entry in entries(odcs_corpus):
        content = (odcs_corpus / entry["path"]).read_bytes()
        assert edited(content, []) == content
        for line_end in (b"\r\n", b"\r"):
            other = b"\xef\xbb\xbf" + content.replace(b"\n", line_end)
            contract, _ = read_contract(other)
            assert contract is None or edited(contract.source, []) == contract.source == other


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
    assert best_cpu_seconds(lambda: load_contract(odcs_corpus / BIG)) < cpu_limit(0.35)
    assert len(load_contract(odcs_corpus / BIG).schema) == 68


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
    assert min(float(run[0]) for run in runs) < cpu_limit(0.1)
    assert runs[0][1] == "[]"
