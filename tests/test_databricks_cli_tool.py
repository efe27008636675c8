"""The tool that finds or builds the Databricks CLI."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs of these tests are scripts of a shell")


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool, with an empty cache."""
    monkeypatch.setenv("LAKEPACT_CACHE", str(tmp_path / "cache"))
    spec = importlib.util.spec_from_file_location("databricks_cli_tool", ROOT / "tools" / "databricks_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(folder: Path, name: str, script: str) -> Path:
    """A program in `folder`."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Databricks CLI v1.10.0", True),
        ("Databricks CLI v1.22.1", True),
        ("Databricks CLI v2.0.0", True),
        ("Databricks CLI v1.9.4", False),
        ("Databricks CLI v0.299.0", False),
        ("Version 0.18.0", False),
    ],
)
def test_the_one_on_path_must_be_new_enough(tool: ModuleType, tmp_path: Path, said: str, found: bool) -> None:
    cli = program(tmp_path / "bin", "databricks", f"echo {said}")
    assert tool.find_cli({"PATH": str(tmp_path / "bin")}) == (cli if found else None)


def test_the_one_that_is_named_goes_first(tool: ModuleType, tmp_path: Path) -> None:
    program(tmp_path / "bin", "databricks", "echo Databricks CLI v1.10.0")
    named = program(tmp_path / "own", "mine", "echo Databricks CLI v0.0.0-dev")
    assert tool.find_cli({"PATH": str(tmp_path / "bin"), "DATABRICKS_CLI": str(named)}) == named


def test_one_that_is_named_and_is_none_is_said(tool: ModuleType, tmp_path: Path) -> None:
    other = program(tmp_path / "bin", "other", "echo hello")
    for named in (other, tmp_path / "nothing"):
        with pytest.raises(tool.CliMissing, match=f"error: DATABRICKS_CLI={named} is not a Databricks CLI"):
            tool.find_cli({"PATH": "", "DATABRICKS_CLI": str(named)})


def go_that_builds(folder: Path, seconds: float = 0) -> dict[str, str]:
    """Variables whose Go makes a program that says it is the CLI, and notes what it was given."""
    built = "#!/bin/sh\\necho Databricks CLI v1.10.0\\n"
    script = f"""
while [ "$1" != -o ]; do shift; done
sleep {seconds}
cat go.mod >>{folder / "built"}
echo "cgo $CGO_ENABLED" >>{folder / "built"}
printf '{built}' >"$2"
chmod +x "$2"
"""
    program(folder / "bin", "go", script)
    return {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def test_the_one_that_was_built_is_found(tool: ModuleType, tmp_path: Path) -> None:
    assert tool.find_cli({"PATH": ""}) is None
    tool.build_cli(go_that_builds(tmp_path), tool.built_cli())
    assert tool.find_cli({"PATH": ""}) == tool.built_cli()
    assert "require github.com/databricks/cli v1.10.0\ncgo 0\n" in (tmp_path / "built").read_text(encoding="utf-8")
    assert sorted(each.name for each in tool.built_cli().parent.iterdir()) == ["build.lock", "databricks"]


def test_what_was_left_in_the_cache_and_is_none_is_built_anew(tool: ModuleType, tmp_path: Path) -> None:
    tool.built_cli().parent.mkdir(parents=True)
    (tool.built_cli().parent / "build-killed").mkdir()
    tool.built_cli().write_bytes(b"\x7fELF")
    assert tool.find_cli({"PATH": ""}) is None
    tool.build_cli(go_that_builds(tmp_path), tool.built_cli())
    assert tool.find_cli({"PATH": ""}) == tool.built_cli()
    assert sorted(each.name for each in tool.built_cli().parent.iterdir()) == ["build.lock", "databricks"]


def test_two_builds_at_once_are_one(tool: ModuleType, tmp_path: Path) -> None:
    environment = go_that_builds(tmp_path, seconds=0.3)
    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(tool.build_cli, environment, tool.built_cli()) for _ in range(2)]:
            each.result()
    assert (tmp_path / "built").read_text(encoding="utf-8").count("require ") == 1


def test_a_cache_that_cannot_be_written_is_said(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    expected = rf"^error: {tool.built_cli().parent} cannot be written: Not a directory\n  hint: free or unlock it"
    with pytest.raises(tool.CliMissing, match=expected):
        tool.build_cli(go_that_builds(tmp_path), tool.built_cli())


def test_a_build_that_makes_something_else_is_said(tool: ModuleType, tmp_path: Path) -> None:
    program(tmp_path / "bin", "go", 'while [ "$1" != -o ]; do shift; done; : >"$2"')
    environment = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    with pytest.raises(tool.CliMissing, match=r"^error: what Go built is no Databricks CLI 1\.10\.0"):
        tool.build_cli(environment, tool.built_cli())
    assert not tool.built_cli().exists()


def test_a_build_that_fails_says_what_go_said(tool: ModuleType, tmp_path: Path) -> None:
    program(tmp_path / "bin", "go", "echo no such module >&2; exit 1")
    with pytest.raises(tool.CliMissing, match=re.escape("build the Databricks CLI 1.10.0:\nno such module")):
        tool.build_cli({"PATH": str(tmp_path / "bin")}, tool.built_cli())
    assert not tool.built_cli().exists()


def test_without_cli_and_go_it_says_what_to_install(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "LAKEPACT_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "tools" / "databricks_cli.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("error: ") == 1
    assert "hint: install the CLI" in done.stderr
    assert "or Go 1.21 or later" in done.stderr
