"""The JSON Schema of lakepact.yml, and the project that `init` writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lakepact.errors import UsageError
from lakepact.project import load_project, project_schema, resolve_pipeline, select_environment
from lakepact.project.scaffold import project_name, template_files

ROOT = Path(__file__).resolve().parents[2]


def test_the_schema_in_the_docs_is_the_current_one() -> None:
    """`lakepact project-schema > docs/lakepact.schema.json` refreshes it."""
    assert json.loads((ROOT / "docs" / "lakepact.schema.json").read_text()) == project_schema()


def test_every_key_of_the_schema_is_described() -> None:
    schema = project_schema()
    closed = [schema, schema["$defs"]["environment"], schema["$defs"]["pipeline"], *schema["$defs"]["object"]["oneOf"]]
    undescribed = [key for one in closed for key, value in one["properties"].items() if not value.get("description")]
    assert undescribed == []


def test_a_caller_cannot_change_the_schema_of_another() -> None:
    project_schema()["properties"].clear()
    assert "version" in project_schema()["properties"]


def test_the_template_is_a_project_that_loads(tmp_path: Path) -> None:
    for path, text in template_files("my-shop").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    project = load_project(tmp_path / "lakepact.yml")

    assert (tmp_path / ".gitignore").read_text().startswith("# The local lake")
    resolved = resolve_pipeline(project, project.pipelines["orders"], select_environment(project, "prod"))
    assert resolved.environment.schema == "my_shop"
    assert list(resolved.objects) == ["customers", "orders"]
    assert list(resolved.derived) == ["revenue"]


def test_the_template_has_no_mark_left() -> None:
    assert [path for path, text in template_files("shop").items() if re.search(r"%[A-Z]+%", text)] == []


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "a\nb"])
def test_a_name_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"LP423: {name!r} cannot be the name of a project")):
        template_files(name)


@pytest.mark.parametrize(("name", "schema"), [("2013", "_2013"), ("My.Shop-1", "my_shop_1")])
def test_a_name_becomes_a_schema_that_needs_no_quotes(name: str, schema: str) -> None:
    assert f"schema: {schema}," in template_files(name)["lakepact.yml"]


@pytest.mark.parametrize("folder", ["shop", "My shop", "größe", "日本", ".hidden", "x" * 300, "-"])
def test_every_folder_gives_a_name(folder: str) -> None:
    assert template_files(project_name(folder))
