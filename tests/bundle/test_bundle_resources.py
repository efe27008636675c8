"""The bundle of a project: golden files, names, targets, and what cannot be one."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundle_samples import shop

from lakepact.bundle import BundleFile, bundle_files, check_bundle, file_text
from lakepact.bundle.wheel import LIBRARIES, wheel_of
from lakepact.errors import ConfigurationError, UsageError
from lakepact.project import Project, load_project

GOLDEN = Path(__file__).resolve().parent / "golden"
REPOSITORY = Path(__file__).resolve().parent.parent.parent


def data_of(project: Project, root: Path) -> dict[str, Any]:
    """The data of each YAML file, by its path, as others read its text."""
    files = bundle_files(project, root)
    return {each.path: yaml.safe_load(file_text(each)) for each in files if each.path.endswith(".yml")}


def golden_paths() -> list[str]:
    return [str(path.relative_to(GOLDEN)) for path in sorted(GOLDEN.rglob("*")) if path.is_file()]


def test_the_bundle_of_the_template_is_the_golden_one(tmp_path: Path) -> None:
    project = shop(tmp_path)
    texts = {each.path: file_text(each) for each in bundle_files(project, project.root)}
    if os.environ.get("LAKEPACT_UPDATE_GOLDEN") == "1":
        for path, text in texts.items():
            (GOLDEN / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / path).write_text(text, encoding="utf-8", newline="\n")
    before = {path: (GOLDEN / path).read_text(encoding="utf-8") for path in golden_paths()}
    assert sorted(before) == sorted(texts)
    differences = [
        "".join(difflib.unified_diff(before[path].splitlines(True), text.splitlines(True), f"golden/{path}", "now"))
        for path, text in texts.items()
    ]
    assert "".join(differences) == "", "LAKEPACT_UPDATE_GOLDEN=1 writes them anew"


def test_what_is_written_reads_back_as_what_was_meant(tmp_path: Path) -> None:
    project = shop(tmp_path)
    for file in bundle_files(project, project.root):
        if file.path.endswith(".yml"):
            assert yaml.safe_load(file_text(file)) == file.data


def test_every_comment_stands_above_an_element(tmp_path: Path) -> None:
    project = shop(tmp_path)
    texts = {each.path: (each, file_text(each)) for each in bundle_files(project, project.root)}
    missing = [text for file, written in texts.values() for text in file.comments.values() if text not in written]
    assert missing == [
        "lakepact.yml has no environment 'prod': schemas get this prefix.",
    ]


def test_scalars_that_yaml_would_read_otherwise_are_quoted() -> None:
    odd = {
        "a": "4",
        "b": "true",
        "c": "x: y",
        "d": "",
        "e": "- x",
        "f": "two\nlines",
        "g": "${var.x}",
        "h": [],
        "j": "2024-99-99",
        "k": "1e5",
        "i": {},
    }
    text = file_text(BundleFile(path="x.yml", data=odd))
    assert yaml.safe_load(text) == odd
    assert "g: ${var.x}\n" in text


def test_the_wheel_is_built_only_where_its_source_is(tmp_path: Path) -> None:
    project = shop(tmp_path)
    jobs = data_of(project, project.root)["bundles/jobs.yml"]["resources"]["jobs"]
    (environment,) = jobs["contract_rerun"]["environments"]
    (requirement,) = environment["spec"]["dependencies"]
    assert requirement.startswith("lakepact[databricks,delta]==")
    assert "artifacts" not in data_of(project, project.root)["databricks.yml"]

    (project.root / "pyproject.toml").write_text('[project]\nname = "lakepact"\n')
    jobs = data_of(project, project.root)["bundles/jobs.yml"]["resources"]["jobs"]
    wheel, *libraries = jobs["contract_rerun"]["environments"][0]["spec"]["dependencies"]
    assert wheel.startswith("./receiver/lakepact-")
    assert libraries == list(LIBRARIES.values())
    assert data_of(project, project.root)["databricks.yml"]["artifacts"]["lakepact"]["type"] == "whl"


def test_a_pyproject_that_is_none_builds_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert not wheel_of(tmp_path).built


def test_libraries_are_those_of_the_extras() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"]
    assert {name: extras[name] for name in LIBRARIES} == {name: [text] for name, text in LIBRARIES.items()}


def test_environments_become_targets(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with project.file.open("a") as file:
        file.write("")
    text = project.file.read_text().replace(
        "  prod:", "  dev: {catalog: play, schema: shop_dev, variables: {data: /tmp/x}}\n  prod:", 1
    )
    project.file.write_text(text)
    found = data_of(load_project(project.file), project.root)["databricks.yml"]
    # The first environment on Databricks is the default; the others are laid over it by the target of their name.
    assert found["variables"]["catalog"]["default"] == "play"
    assert "environment" not in found["targets"]["dev"]["variables"]
    assert found["targets"]["prod"]["variables"] == {"environment": "prod", "catalog": "main", "schema": "shop"}
    assert "presets" not in found["targets"]["prod"]
    assert found["targets"]["staging"]["presets"] == {"name_prefix": "[staging] "}


def test_no_target_but_dev_lets_somebody_run_as_themselves(tmp_path: Path) -> None:
    project = shop(tmp_path)
    targets = data_of(project, project.root)["databricks.yml"]["targets"]
    runner = {"service_principal_name": "${var.runner}"}
    for name in ("staging", "prod"):
        resources = targets[name]["resources"]
        each = [*resources["pipelines"].values(), *resources["jobs"].values()]
        assert [one["run_as"] for one in each] == [runner] * 6
        # Who starts updates is the rerun job; to run as somebody gives them no right to that.
        assert [one["permissions"] for one in resources["pipelines"].values()] == [[{"level": "CAN_RUN", **runner}]]
    assert "resources" not in targets["dev"]


def test_the_app_may_write_to_the_inbox_and_start_one_job(tmp_path: Path) -> None:
    project = shop(tmp_path)
    files = data_of(project, project.root)
    app = files["bundles/receiver.yml"]["resources"]["apps"]["receiver_app"]
    rerun = "${resources.jobs.contract_rerun.id}"
    assert {each["name"]: each["value"] for each in app["config"]["env"]}["LAKEPACT_WEBHOOK_JOB_ID"] == rerun
    assert [each.get("job") for each in app["resources"]][-1] == {"id": rerun, "permission": "CAN_MANAGE_RUN"}
    client_id = "${resources.apps.receiver_app.service_principal_client_id}"
    schemas = files["bundles/governance.yml"]["resources"]["schemas"]
    granted = {key: each["grants"] for key, each in schemas.items() if "grants" in each}
    assert granted == {"inbox_schema": [{"principal": client_id, "privileges": ["USE_SCHEMA", "SELECT", "MODIFY"]}]}
    for name in ("staging", "prod"):
        rights = files["databricks.yml"]["targets"][name]["resources"]
        assert {"level": "CAN_MANAGE_RUN", "service_principal_name": client_id} in rights["jobs"]["contract_rerun"][
            "permissions"
        ]
        assert client_id not in str(rights["schemas"])


def test_inbox_and_store_need_no_credentials_of_storage(tmp_path: Path) -> None:
    project = shop(tmp_path)
    files = data_of(project, project.root)
    variables = files["databricks.yml"]["variables"]
    address = "uc:${var.catalog}.${resources.schemas.inbox_schema.name}?warehouse=${var.warehouse_id}"
    assert variables["inbox"]["default"] == address
    env = files["bundles/receiver.yml"]["resources"]["apps"]["receiver_app"]["config"]["env"]
    assert {each["name"]: each["value"] for each in env}["LAKEPACT_WEBHOOK_INBOX"] == "${var.inbox}"


def test_people_are_told_of_service_levels_where_the_project_says_whom(tmp_path: Path) -> None:
    project = shop(tmp_path)

    def words() -> list[str]:
        found = load_project(project.file)
        jobs = data_of(found, project.root)["bundles/jobs.yml"]["resources"]["jobs"]
        parameters: list[str] = jobs["quality_sla"]["tasks"][0]["python_wheel_task"]["parameters"]
        return parameters

    store = "uc:${var.catalog}.${resources.schemas.store_schema.name}?warehouse=${var.warehouse_id}"
    expected = ["sla", "status", "${workspace.file_path}", "--results", store, "--fail-on", "never"]
    assert words() == expected
    with project.file.open("a") as file:
        file.write('notifications:\n  channels:\n    chat: {type: slack, webhook: "${secret:lakepact/slack}"}\n')
        file.write("  routes:\n    - channels: [chat]\n")
    assert words() == [*expected, "--notify"]


def test_retention_purges_each_table_that_is_named(tmp_path: Path) -> None:
    project = shop(tmp_path)
    files = data_of(project, project.root)
    task = files["bundles/jobs.yml"]["resources"]["jobs"]["retention"]["tasks"][0]
    assert task["for_each_task"]["inputs"] == "${var.quarantines}"
    words = task["for_each_task"]["task"]["python_wheel_task"]["parameters"]
    assert words[:3] == ["quarantine", "purge", "{{input}}"]
    assert files["databricks.yml"]["variables"]["quarantines"]["default"] == "[]"


def test_results_of_each_day_are_kept_by_the_clock(tmp_path: Path) -> None:
    project = shop(tmp_path)
    tasks = data_of(project, project.root)["bundles/jobs.yml"]["resources"]["jobs"]["retention"]["tasks"]
    (task,) = [each for each in tasks if each["task_key"] == "rollup"]
    store = "uc:${var.catalog}.${resources.schemas.store_schema.name}?warehouse=${var.warehouse_id}"
    assert task["python_wheel_task"]["parameters"] == ["results", "rollup", "--results", store]
    # A table that cannot be purged keeps nobody from the days.
    assert "depends_on" not in task


def test_old_results_are_removed_after_their_days_are_kept(tmp_path: Path) -> None:
    project = shop(tmp_path)
    files = data_of(project, project.root)
    (task,) = [
        each
        for each in files["bundles/jobs.yml"]["resources"]["jobs"]["retention"]["tasks"]
        if each["task_key"] == "prune"
    ]
    store = "uc:${var.catalog}.${resources.schemas.store_schema.name}?warehouse=${var.warehouse_id}"
    words = ["results", "prune", "--results", store, "--older-than", "${var.results_retention}"]
    assert task["python_wheel_task"]["parameters"] == words
    assert task["depends_on"] == [{"task_key": "rollup"}]
    assert files["databricks.yml"]["variables"]["results_retention"]["default"] == "90d"


def test_events_that_ended_are_removed_by_the_clock(tmp_path: Path) -> None:
    project = shop(tmp_path)
    tasks = data_of(project, project.root)["bundles/jobs.yml"]["resources"]["jobs"]["retention"]["tasks"]
    (task,) = [each for each in tasks if each["task_key"] == "events"]
    assert task["python_wheel_task"]["parameters"] == ["webhook", "events", "purge", "--inbox", "${var.inbox}"]
    assert "depends_on" not in task


def test_configuration_follows_the_target(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with project.file.open("a") as file:
        file.write('    configuration:\n      where: "${environment}.${catalog}.${schema}"\n')
        file.write('      data: "${data}"\n      lakepact.rerun.fullRefresh: "true"\n')
    pipelines = data_of(load_project(project.file), project.root)["bundles/pipelines.yml"]["resources"]["pipelines"]
    configuration = pipelines["orders_pipeline"]["configuration"]
    assert configuration["where"] == "${var.environment}.${var.catalog}.${resources.schemas.data_schema.name}"
    assert configuration["data"] == "/Volumes/main/shop/landing"
    assert configuration["lakepact.rerun.fullRefresh"] == "true"
    assert configuration["lakepact.contract"] == "orders"


def test_hand_written_sources_are_named_one_by_one(tmp_path: Path) -> None:
    project = shop(tmp_path)
    (project.root / "own").mkdir()
    for name in ("a.sql", "b.py"):
        (project.root / "own" / name).write_text("import lakepact\n")
    with project.file.open("a") as file:
        file.write("    sources: [own/*]\n  by.hand: {sources: [own/a.sql]}\n")
    pipelines = data_of(load_project(project.file), project.root)["bundles/pipelines.yml"]["resources"]["pipelines"]
    assert [each["glob"]["include"] for each in pipelines["orders_pipeline"]["libraries"]] == [
        "../pipelines/orders.py",
        "../own/a.sql",
        "../own/b.py",
    ]
    assert "environment" in pipelines["orders_pipeline"]
    assert "environment" not in pipelines["by_hand_pipeline"]
    assert "lakepact.contract" not in pipelines["by_hand_pipeline"]["configuration"]


def test_only_pipelines_with_a_contract_are_rerun(tmp_path: Path) -> None:
    project = shop(tmp_path)
    (project.root / "a.sql").write_text("")
    with project.file.open("a") as file:
        file.write("  by.hand: {sources: [a.sql]}\n")
    jobs = data_of(load_project(project.file), project.root)["bundles/jobs.yml"]["resources"]["jobs"]
    words = jobs["contract_rerun"]["tasks"][0]["python_wheel_task"]["parameters"]
    assert [word for word in words if word.endswith(".id}")] == ["orders=${resources.pipelines.orders_pipeline.id}"]
    assert words[1] == "${workspace.file_path}"


def test_a_project_below_the_bundle_is_found_in_the_workspace(tmp_path: Path) -> None:
    project = shop(tmp_path)
    jobs = data_of(project, tmp_path)["bundles/jobs.yml"]["resources"]["jobs"]
    words = jobs["contract_rerun"]["tasks"][0]["python_wheel_task"]["parameters"]
    assert words[1] == "${workspace.file_path}/shop"


def test_a_project_outside_of_the_bundle_is_refused(tmp_path: Path) -> None:
    project = shop(tmp_path)
    with pytest.raises(
        UsageError, match=r"LP960: the project in '.*/shop' is not below the bundle's folder '.*/other'"
    ):
        bundle_files(project, tmp_path / "other")


def test_a_project_without_an_environment_on_databricks_is_refused(tmp_path: Path) -> None:
    project = shop(tmp_path)
    local = {"local": project.environments["local"]}
    with pytest.raises(ConfigurationError, match=r"LP960: 'lakepact.yml' has no environment on Databricks"):
        bundle_files(replace(project, environments=local), project.root)


def test_names_that_become_one_key_are_refused(tmp_path: Path) -> None:
    project = shop(tmp_path)
    orders = project.pipelines["orders"]
    pipelines = {name: replace(orders, name=name) for name in ("a.b", "a_b")}
    message = r"LP960: pipelines 'a.b' and 'a_b' would both be the resource 'a_b_pipeline'"
    with pytest.raises(ConfigurationError, match=message):
        bundle_files(replace(project, pipelines=pipelines), project.root)


def test_what_is_generated_passes_the_check(tmp_path: Path) -> None:
    project = shop(tmp_path)
    for each in bundle_files(project, project.root):
        (project.root / each.path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / each.path).write_text(file_text(each))
    (problem,) = check_bundle(project.root).problems
    assert problem.message == "there is no file '../pipelines/orders.py'"
    assert problem.hint == "`lakepact generate` writes it"
