"""The documentation: what it shows runs, what it names exists, and the page of errors lists every code."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lakepact.cli import main
from lakepact.project import load_project
from lakepact.testing.recording_pipelines import RecordingPipelines, RecordingSpark

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = ROOT / "examples" / "flights"
GROUPS = {
    *("store", "draft", "collibra", "notify", "webhook", "bundle", "testing"),
    *("results", "sla", "metrics", "quarantine", "export"),
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def all_blocks(language: str) -> list[object]:
    return [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, language), 1)
    ]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each `lakepact ...` command in indented lines and between backticks."""
    text = prose(page)
    found = re.findall(r"^    (lakepact .*?)(?: {2,}#.*)?$", text, re.MULTILINE)
    found += re.findall(r"`(lakepact [^`]+)`", text)
    for line in found:
        for command in line.split(" && "):
            if command.startswith("lakepact "):
                yield command.split()[1:]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the paths of the documentation exist."""
    shutil.copytree(EXAMPLE / "contracts", tmp_path / "contracts")
    shutil.copytree(EXAMPLE / "contracts", tmp_path / "examples" / "flights" / "contracts")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class _Recorded(ast.NodeTransformer):
    """Gives `register` the doubles that a pipeline on Databricks would stand for."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        if isinstance(node.func, ast.Name) and node.func.id == "register":
            node.keywords += [
                ast.keyword(arg=name, value=ast.Name(id=name, ctx=ast.Load())) for name in ("dp", "spark")
            ]
        return node


@pytest.mark.parametrize("block", all_blocks("python"))
def test_python_runs(block: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dp = RecordingPipelines()
    tree = ast.fix_missing_locations(_Recorded().visit(ast.parse(block)))
    exec(compile(tree, "documentation", "exec"), {"dp": dp, "spark": RecordingSpark()})
    printed = capsys.readouterr().out
    assert dp.calls or printed, "the block shows nothing"
    if dp.calls:
        assert {"weather__input", "weather", "weather__quarantine"} <= {call.name for call in dp.calls}
    elif results := re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE):
        assert printed.splitlines() == results
    else:
        assert "\nwind_speed.maximum quarantine `wind_speed` IS NULL OR `wind_speed` <= 250.0D\n" in printed


@pytest.mark.parametrize("block", all_blocks("yaml"))
def test_yaml_is_a_project(block: str, checkout: Path) -> None:
    (checkout / "lakepact.yml").write_text(block, encoding="utf-8")
    project = load_project(checkout / "lakepact.yml")
    assert list(project.pipelines) == ["flights"]
    assert list(project.environments) == ["local", "prod"]


def test_there_are_blocks_to_run() -> None:
    assert (len(all_blocks("python")), len(all_blocks("yaml"))) == (7, 1)
    assert sum(1 for page in PAGES for _ in commands(page)) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, *words in commands(page):
        below = words[:1] if name in GROUPS else []
        below += words[1:2] if below == ["events"] else []
        assert main([name, *below, "--help"]) == 0, name
        known = capsys.readouterr().out
        for option in (word.split("=")[0] for word in words if word.startswith("-")):
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", known), f"lakepact {name} has no {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    targets = set(phony[1].split())
    assert {*re.findall(r"(?:^    |`)make ([a-z-]+)", prose(page), re.MULTILINE)} <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", prose(page)) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_is_an_orphan(page: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = page.relative_to(ROOT).as_posix()
    assert page.name == "README.md" or f"({shown})" in readme or f"({page.parent.relative_to(ROOT)}/)" in readme


@pytest.fixture(scope="module")
def error_pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("error_pages", ROOT / "tools" / "error_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_errors_lists_exactly_the_codes_of_the_source(error_pages: ModuleType) -> None:
    listed = re.findall(r"^\| (LP\d{3}) \|", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == sorted(error_pages.codes_in_source())


def test_the_page_of_errors_is_current(error_pages: ModuleType) -> None:
    hint = "`python tools/error_pages.py` writes it anew"
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == error_pages.page(), hint


def test_every_code_that_a_docstring_or_a_page_names_can_be_reported(error_pages: ModuleType) -> None:
    reported = error_pages.codes_in_source().keys()
    files = [*(ROOT / "src").rglob("*.py"), *PAGES]
    named = {code: file.name for file in files for code in re.findall(r"LP\d{3}\b", file.read_text(encoding="utf-8"))}
    assert {code: file for code, file in named.items() if code not in reported} == {}


def test_codes_are_found_in_constants_and_not_in_docstrings(error_pages: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""LP101"""\nx = f"{1} LP102"\ndef f():\n    """LP103"""\n    raise E("LP104")\n')
    assert error_pages.codes_in_source(tmp_path) == {"LP102": {"a.py"}, "LP104": {"a.py"}}


# The same fault, met in several rooms. Anything else needs a code of its own.
SAME_FAULT_IN_SEVERAL_ROOMS = {"LP100", "LP201", "LP203", "LP206", "LP301", "LP539", "LP602", "LP989"}


def test_a_code_has_one_meaning(error_pages: ModuleType) -> None:
    rooms = {code: {file.split("/")[0] for file in files} for code, files in error_pages.codes_in_source().items()}
    # The room `testing` has none of its own: its suites assert those of others.
    across = {code for code, found in rooms.items() if len(found - {"testing"}) > 1}
    assert across - SAME_FAULT_IN_SEVERAL_ROOMS == set()
