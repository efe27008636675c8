"""Jobs and pipelines as Python: the same as the YAML, through a stand-in for the package that the source calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from bundle_samples import shop

from lakepact.bundle import bundle_files, check_bundle, file_text
from lakepact.bundle.python_resources import PYTHON_FILE
from lakepact.cli import main
from lakepact.project import Project

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass
class Resources:
    """What the package collects."""

    jobs: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Any] = field(default_factory=dict)

    def add_job(self, resource_name: str, job: Mapping[str, Any]) -> None:
        assert resource_name not in self.jobs
        self.jobs[resource_name] = job

    def add_pipeline(self, resource_name: str, pipeline: Mapping[str, Any]) -> None:
        assert resource_name not in self.pipelines
        self.pipelines[resource_name] = pipeline


@dataclass(frozen=True)
class Bundle:
    """What the package tells of the bundle."""

    target: str


Load = Callable[[Bundle], Resources]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Load]:
    """Gives the `load_resources` of a source."""
    core = ModuleType("databricks.bundles.core")
    vars(core).update(Bundle=Bundle, Resources=Resources)
    monkeypatch.setitem(sys.modules, "databricks.bundles", ModuleType("databricks.bundles"))
    monkeypatch.setitem(sys.modules, "databricks.bundles.core", core)

    def loaded(text: str) -> Load:
        names: dict[str, Any] = {}
        exec(compile(text, PYTHON_FILE, "exec", dont_inherit=True), names)
        found: Load = names["load_resources"]
        return found

    return loaded


def texts_of(project: Project, root: Path, *, python: bool) -> dict[str, str]:
    return {each.path: file_text(each) for each in bundle_files(project, root, python=python)}


def from_the_root(value: Any) -> Any:
    """The value with the paths of a file in `bundles/` as the folder above says them."""
    if isinstance(value, dict):
        return {key: from_the_root(each) for key, each in value.items()}
    if isinstance(value, list):
        return [from_the_root(each) for each in value]
    if isinstance(value, str) and value.startswith("../"):
        return f"./{value.removeprefix('../')}"
    return f"./bundles/{value.removeprefix('./')}" if isinstance(value, str) and value.startswith("./") else value


@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
@pytest.mark.parametrize("built", [False, True])
def test_each_target_has_the_same_resources(
    tmp_path: Path, load: Callable[[str], Load], target: str, built: bool
) -> None:
    project = shop(tmp_path)
    root = tmp_path if built else project.root
    if built:
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "lakepact"\n')
    plain = {path: yaml.safe_load(text) for path, text in texts_of(project, root, python=False).items()}
    more = plain["databricks.yml"]["targets"][target].get("resources", {})
    expected = {
        kind: {
            key: from_the_root(each) | more.get(kind, {}).get(key, {})
            for key, each in plain[f"bundles/{kind}.yml"]["resources"][kind].items()
        }
        for kind in ("jobs", "pipelines")
    }
    found = load(texts_of(project, root, python=True)[PYTHON_FILE])(Bundle(target))
    assert {"jobs": found.jobs, "pipelines": found.pipelines} == expected
    assert ("run_as" in found.jobs["contract_rerun"]) is (target != "dev")


def test_yaml_says_nothing_of_what_python_does(tmp_path: Path) -> None:
    project = shop(tmp_path)
    texts = texts_of(project, project.root, python=True)
    assert sorted(texts) == [
        "bundles/governance.yml",
        "bundles/receiver.yml",
        "bundles/receiver/requirements.txt",
        PYTHON_FILE,
        "databricks.yml",
    ]
    root = yaml.safe_load(texts["databricks.yml"])
    assert root["python"] == {"venv_path": ".venv", "resources": ["bundles.resources:load_resources"]}
    assert root["include"] == ["bundles/governance.yml", "bundles/receiver.yml"]
    kinds = {kind for name in ("staging", "prod") for kind in root["targets"][name]["resources"]}
    assert kinds == {"apps", "schemas", "secret_scopes", "volumes"}


def test_texts_are_what_they_were(tmp_path: Path, load: Callable[[str], Load]) -> None:
    project = shop(tmp_path)
    odd = 'a "b" \\ ${x} \u5951\u7d04 \U0001f986'
    with project.file.open("a", encoding="utf-8") as file:
        file.write(f"    configuration:\n      odd: '{odd}'\n".replace("${x}", "x"))
    assert main(["bundle", "generate", str(project.root), "--resources", "python"]) == 0
    text = (project.root / PYTHON_FILE).read_text(encoding="utf-8")
    configuration = load(text)(Bundle("dev")).pipelines["orders_pipeline"]["configuration"]
    assert configuration["odd"] == odd.replace("${x}", "x")


def test_what_is_generated_passes_the_check_and_replaces_the_yaml(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = shop(tmp_path)
    assert main(["bundle", "generate", str(project.root)]) == 0
    capsys.readouterr()
    assert main(["bundle", "generate", str(project.root), "--resources", "python"]) == 0
    said = capsys.readouterr().err
    for name in ("jobs.yml", "pipelines.yml"):
        assert f"not used, remove it: {project.root / 'bundles' / name}\n" in said
    assert check_bundle(project.root).problems == ()
    assert main(["bundle", "generate", str(project.root), "--resources", "python", "--check"]) == 0


def test_a_reference_to_what_python_cannot_define_is_still_checked(tmp_path: Path) -> None:
    project = shop(tmp_path)
    assert main(["bundle", "generate", str(project.root), "--resources", "python"]) == 0
    file = project.root / "bundles" / "receiver.yml"
    file.write_text(file.read_text().replace("secret_scopes.lakepact_secrets.name", "secret_scopes.other.name"))
    found = check_bundle(project.root).problems
    assert {each.message for each in found} == {
        "${resources.secret_scopes.other.name}: there is no resource 'other' under secret_scopes"
    }
