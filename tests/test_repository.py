"""The repository itself: what modules export, what importing them costs, what files must not say."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"

HEAVY = ("pyspark", "pandas", "pyarrow", "numpy", "delta", "py4j", "grpc", "databricks")
LIGHT_ROOMS = ("contract", "rules", "plan", "targets", "project", "pipeline", "spark", "local", "cli")
MAX_LINES = 600
MAX_FUNCTION_LINES = 80

# Addresses that point at where packages come from, and folders of somebody's machine: a checkout works anywhere.
FORBIDDEN = re.compile(
    r"pypi\.org/simple|files\.pythonhosted\.org|repo1?\.maven\.org|--(?:extra-)?index-url|--find-links"
    r"|artifactory|nexus\.[a-z]|(?<![\w.])/(?:home|root|Users)/[\w.-]+/",
)


def _module_files() -> list[Path]:
    return sorted(path for path in (SOURCE / "lakepact").rglob("*.py") if path.name != "__main__.py")


def _module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", _module_files(), ids=_module_name)
def test_every_module_says_what_it_is_for_and_what_it_exports(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{_module_name(path)} has no docstring"
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    assert spec is not None
    module = importlib.import_module(_module_name(path))
    exported = getattr(module, "__all__", None)
    assert exported is not None, f"{_module_name(path)} has no __all__"
    assert list(exported) == sorted(set(exported), key=_ruff_order), f"{_module_name(path)}.__all__ is not sorted"
    assert [name for name in exported if not hasattr(module, name)] == []


def _ruff_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: the order that ruff (RUF022) writes."""
    kind = 0 if name.isupper() else 1 if name.lstrip("_")[:1].isupper() else 2
    return kind, name


@pytest.mark.parametrize("path", _module_files(), ids=_module_name)
def test_public_names_of_a_module_are_exported(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = {
        node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"
    }
    module = importlib.import_module(_module_name(path))
    assert defined - set(module.__all__) == set()


@pytest.mark.parametrize("path", _module_files(), ids=_module_name)
def test_files_and_functions_fit_on_a_screen_or_a_few(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_LINES
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in _functions(ast.parse(text))}
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("module", ["lakepact", *(f"lakepact.{room}" for room in LIGHT_ROOMS), "lakepact.cli.main"])
def test_importing_loads_no_engine(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{name.split('.')[0] for name in sys.modules}} & set({HEAVY!r})))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=SOURCE, capture_output=True, text=True, check=False)
    assert (loaded.stdout, loaded.stderr) == ("[]\n", "")


def test_no_tracked_file_names_a_registry_or_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in _tracked()
        if path != Path(__file__).resolve() and path.suffix not in {".png", ".parquet", ".jar"}
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


def test_constraints_pin_every_direct_dependency_and_nothing_else_than_versions() -> None:
    lines = (ROOT / "requirements" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!]+", line)] == []
    pinned = {_normal(line.split("==")[0]) for line in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["local"], *extras["demo"], *extras["dev"], *extras["databricks"]]
    names = {_normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in wanted} - {"lakepact"}
    assert names - pinned == set()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets is not None
    assert re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE) == targets.group(1).split()
