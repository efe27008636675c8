"""What the check of a bundle finds, with its place and its hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundle_samples import ROOT_YML, bundle_of

from lakepact.bundle import check_bundle
from lakepact.errors import ConfigurationError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(folder: Path, **files: str) -> list[str]:
    """The problems of a bundle with these files, on one line each."""
    problems = check_bundle(bundle_of(folder, **files)).problems
    return [str(each).replace("\n  hint: ", " | ") for each in problems]


def found_in_root(folder: Path, text: str) -> list[str]:
    bundle_of(folder)
    (folder / "databricks.yml").write_text(text)
    return [str(each).replace("\n  hint: ", " | ") for each in check_bundle(folder).problems]


def test_a_bundle_without_faults(folder: Path) -> None:
    checked = check_bundle(bundle_of(folder, two="resources: {schemas: {s: {catalog_name: c, name: s}}}\n"))
    assert (checked.problems, checked.resources, checked.targets) == ((), 1, ("dev", "prod"))
    assert checked.files == ("databricks.yml", "bundles/one.yml", "bundles/two.yml")


def test_no_bundle(folder: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"LP961: there is no databricks.yml in '.*'\n  hint: `lakepact bundle"
    ):
        check_bundle(folder)


def test_all_problems_of_all_files_come_together(folder: Path) -> None:
    said = found(folder, one="resources: {jobs: {a: {nam: x}}}\n", two="resources: {jobs: {b: {nam: x}}}\n")
    assert [line.split(":")[0] for line in said] == ["bundles/one.yml", "bundles/two.yml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("include: [", "bundles/one.yml:2:1: error LP961: not YAML: "),
        ("include:\ninclude:\n", "bundles/one.yml:2:1: error LP961: the key `include` is written twice; first at 1:1"),
        ("[]", "bundles/one.yml:1:1: error LP963: the file must be a mapping of keys to values"),
        ("resource: {}", "bundles/one.yml:1:1: error LP962: unknown key 'resource' | did you mean 'resources'?"),
        (
            "resources: {pipelins: {}}",
            "bundles/one.yml:1:13: error LP962: unknown key 'pipelins' in 'resources' | did you mean 'pipelines'?",
        ),
        (
            "resources: {jobs: {a: {max_concurrent_run: 1}}}",
            "bundles/one.yml:1:24: error LP962: unknown key 'max_concurrent_run' in 'resources.jobs.a'"
            " | did you mean 'max_concurrent_runs'?",
        ),
        (
            "resources: {jobs: {a: {max_concurrent_runs: many}}}",
            "bundles/one.yml:1:45: error LP963: 'resources.jobs.a.max_concurrent_runs' must be a whole number,"
            " not 'many'",
        ),
        (
            "resources: {jobs: {a: {max_concurrent_runs: true}}}",
            "bundles/one.yml:1:45: error LP963: 'resources.jobs.a.max_concurrent_runs' must be a whole number,"
            " not true",
        ),
        (
            "resources: {pipelines: {a: {serverless: please}}}",
            "bundles/one.yml:1:41: error LP963: 'resources.pipelines.a.serverless' must be true or false, not 'please'",
        ),
        (
            "resources: {pipelines: {a: {name: [x]}}}",
            "bundles/one.yml:1:35: error LP963: 'resources.pipelines.a.name' must be a text, not a list",
        ),
        (
            "resources: {pipelines: {a: {libraries: x}}}",
            "bundles/one.yml:1:40: error LP963: 'resources.pipelines.a.libraries' must be a list, not 'x'",
        ),
        (
            "resources: {pipelines: {a: {configuration: 3}}}",
            "bundles/one.yml:1:44: error LP963: 'resources.pipelines.a.configuration' must be a mapping, not 3",
        ),
        (
            "resources: {pipelines: {a: {channel: CURENT}}}",
            "bundles/one.yml:1:38: error LP963: 'resources.pipelines.a.channel' must be CURRENT or PREVIEW,"
            " not 'CURENT'"
            " | did you mean 'CURRENT'?",
        ),
        (
            "resources: {schemas: {a: {name: x}}}",
            "bundles/one.yml:1:23: error LP963: key 'catalog_name' is missing in 'resources.schemas.a'",
        ),
    ],
)
def test_keys_and_values(folder: Path, text: str, message: str) -> None:
    (said,) = found(folder, one=text)
    assert said.startswith(message)
    assert not message.endswith("?") or said == message


def test_a_reference_stands_for_any_value(folder: Path) -> None:
    text = (
        "resources: {jobs: {a: {timeout_seconds: '${var.catalog}', tags: '${bundle.name}', tasks: '${bundle.name}'}}}"
    )
    assert found(folder, one=text) == []


def test_a_key_without_a_value_is_not_there(folder: Path) -> None:
    assert found(folder, one="resources: {jobs: {a: {tasks: , queue: }}}") == []


def test_kinds_that_are_not_described_hold_anything(folder: Path) -> None:
    assert found(folder, one="resources: {models: {a: {whatever: [1]}}}") == []


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("${var.catalogue}", "there is no variable 'catalogue' | did you mean 'catalog'?"),
        ("x ${variables.x.value}", "there is no variable 'x' | known: catalog"),
        ("${resources.jobs.b.id}", "there is no resource 'b' under jobs | known: a"),
        ("${resources.job.a.id}", "'job' is no kind of resource | did you mean 'jobs'?"),
        ("${resources.jobs.a}", "this is a whole resource | say what of it, as in ${resources.jobs.a.id}"),
        ("${resources.jobs}", "there is no resource '' under jobs | known: a"),
        ("${bundle.tagret}", "bundle has no 'tagret' | did you mean 'target'?"),
        ("${workspace.file_paht}", "workspace has no 'file_paht' | did you mean 'file_path'?"),
        ("${env.HOME}", "'env' is nothing that can be referred to | known: "),
        ("${var}", "this is no reference | say which, as in ${var.name}"),
        ("${var.}", "this is no reference | write names with dots between them, such as ${var.catalog}"),
        ("${}", "this is no reference | write names with dots between them, such as ${var.catalog}"),
    ],
)
def test_references_that_lead_nowhere(folder: Path, reference: str, message: str) -> None:
    (said,) = found(folder, one=f"resources:\n  jobs:\n    a:\n      name: '{reference}'\n")
    assert said.startswith(f"bundles/one.yml:4:13: error LP964: {reference.removeprefix('x ')}: {message}")


def test_references_that_lead_somewhere(folder: Path) -> None:
    text = """\
resources:
  jobs:
    a: {name: "${var.catalog} ${bundle.target} ${workspace.current_user.userName} ${workspace.file_path}/x"}
    b: {name: "${resources.jobs.a.id} ${resources.jobs.a.tasks[0].task_key} {{job.id}} $x"}
"""
    assert found(folder, one=text) == []


def test_what_one_target_adds_is_there_only_for_it(folder: Path) -> None:
    more = '    resources: {jobs: {only: {name: "${resources.jobs.all.id}"}}}\n'
    (said,) = found_in_root(folder, ROOT_YML + more + 'resources: {jobs: {all: {name: "${resources.jobs.only.id}"}}}\n')
    assert "there is no resource 'only' under jobs" in said
    own = '    resources: {jobs: {only: {name: "${resources.jobs.other.id}"}, other: {}}}\n'
    assert found_in_root(folder, ROOT_YML + own) == []


def test_a_target_sets_only_variables_that_are_declared(folder: Path) -> None:
    (said,) = found_in_root(folder, ROOT_YML + "    variables: {catalgo: x}\n")
    assert said == ("databricks.yml:9:17: error LP964: there is no variable 'catalgo' | did you mean 'catalog'?")


def test_a_target_may_say_a_part_of_a_resource(folder: Path) -> None:
    text = (
        ROOT_YML
        + "    resources: {schemas: {s: {grants: []}}}\nresources: {schemas: {s: {catalog_name: c, name: s}}}\n"
    )
    assert found_in_root(folder, text) == []


def test_keys_of_resources_are_there_once(folder: Path) -> None:
    said = found(folder, one="resources: {jobs: {a: {}}}", two="resources: {pipelines: {a: {}}}")
    assert said == [
        "bundles/two.yml:1:25: error LP966: the resource key 'a' is used twice; first at bundles/one.yml:1:20"
        " | keys are unique across all kinds of resources"
    ]


def test_keys_that_tasks_name(folder: Path) -> None:
    text = """\
resources:
  jobs:
    a:
      environments: [{environment_key: one}]
      tasks:
        - {task_key: x, environment_key: on, depends_on: [{task_key: y}]}
        - {task_key: z, job_cluster_key: "${var.catalog}", depends_on: [{task_key: x}]}
"""
    assert found(folder, one=text) == [
        "bundles/one.yml:6:42: error LP964: the job has no environment_key 'on' | did you mean 'one'?",
        "bundles/one.yml:6:70: error LP964: the job has no task_key 'y' | known: x, z",
    ]


def test_entry_points_are_those_of_the_source(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "own"\n[project.scripts]\nrun-it = "own:run"\n')
    task = "{task_key: x, python_wheel_task: {package_name: %s, entry_point: %s}}"
    tasks = ", ".join(task % pair for pair in (("own", "run-it"), ("own", "runit"), ("other", "any")))
    (said,) = found(folder, one=f"resources: {{jobs: {{a: {{tasks: [{tasks}]}}}}}}")
    assert said.endswith("error LP964: the wheel 'own' has no entry point 'runit' | did you mean 'run-it'?")


def test_includes(folder: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "a.yml").write_text("resources: {}")
    said = found_in_root(folder, ROOT_YML.replace("bundles/*.yml", "none/*.yml, 'deep/**/*.yml', '**/er/*.yaml'"))
    assert said == [
        f"databricks.yml:2:11: error LP965: no file fits 'none/*.yml' | looked in {folder}",
        "databricks.yml:2:40: error LP965: no file fits '**/er/*.yaml' | `**` means one folder here, not several",
    ]


@pytest.mark.parametrize(
    ("library", "message"),
    [
        ("glob: {include: ../src/none.py}", "there is no file '../src/none.py' | paths start from the folder of the"),
        ("glob: {include: ../empty/**}", "no source fits '../empty/**' | paths start from the folder of the file"),
        ("glob: {include: ../src/*.py}", "a pipeline cannot take '../src/*.py' | name one file, or a folder with /**"),
        ("file: {path: ../src}", "there is no file '../src' | paths start from"),
        ("notebook: {path: ../src/none}", "there is no notebook '../src/none' | paths start from"),
        (
            "notebook: {path: ../src/plain}",
            "'../src/plain' is a file and no notebook | its first line is a comment: Data",
        ),
    ],
)
def test_sources_that_are_not_there(folder: Path, library: str, message: str) -> None:
    sources(folder)
    (said,) = found(folder, one=f"resources: {{pipelines: {{a: {{libraries: [{{{library}}}]}}}}}}")
    assert said.partition("error LP965: ")[2].startswith(message)


@pytest.mark.parametrize(
    "library",
    [
        "glob: {include: ../src/**}",
        "glob: {include: ../src/plain.py}",
        "notebook: {path: ../src/book}",
        "notebook: {path: ../src/book.py}",
        "notebook: {path: /Shared/book}",
        "file: {path: '${workspace.file_path}/x.py'}",
    ],
)
def test_sources_that_are_there_or_in_the_workspace(folder: Path, library: str) -> None:
    sources(folder)
    assert found(folder, one=f"resources: {{pipelines: {{a: {{libraries: [{{{library}}}]}}}}}}") == []


def sources(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "empty").mkdir()
    (folder / "empty" / "readme.md").write_text("")
    (folder / "src" / "plain.py").write_text("x = 1\n")
    (folder / "src" / "book.py").write_text("# Databricks notebook source\n")


def test_files_of_tasks_apps_and_dashboards(folder: Path) -> None:
    text = """\
resources:
  jobs:
    a:
      tasks:
        - {task_key: x, notebook_task: {notebook_path: ../book}}
        - {task_key: y, spark_python_task: {python_file: ../main.py}}
        - {task_key: z, libraries: [{whl: ../dist/x.whl}]}
        - {task_key: g, notebook_task: {notebook_path: book, source: GIT}}
        - {task_key: f, for_each_task: {inputs: "[]", task: {task_key: n, notebook_task: {notebook_path: ../inner}}}}
  apps: {app: {name: app, source_code_path: ../app}}
  dashboards: {board: {file_path: board.json}}
"""
    assert [line.partition("LP965: ")[2].partition(" |")[0] for line in found(folder, one=text)] == [
        "there is no notebook '../book'",
        "there is no file '../main.py'",
        "nothing fits '../dist/x.whl', and no artifact becomes it",
        "there is no notebook '../inner'",
        "there is no folder '../app'",
        "there is no file 'board.json'",
    ]


def test_a_wheel_that_an_artifact_becomes_need_not_be_there(folder: Path) -> None:
    wheel = "resources: {pipelines: {a: {environment: {dependencies: [../dist/x-1.whl, polars, '-e ../src']}}}}"
    (folder / "src").mkdir()
    assert [line.partition("LP965: ")[2][:28] for line in found(folder, one=wheel)] == ["nothing fits '../dist/x-1.wh"]
    made = ROOT_YML + "artifacts: {w: {type: whl, build: make, path: .}}\n"
    assert found_in_root_with(folder, made, wheel) == []
    elsewhere = ROOT_YML + "artifacts: {w: {type: whl, build: make, path: ., files: [{source: out/*.whl}]}}\n"
    assert len(found_in_root_with(folder, elsewhere, wheel)) == 1
    unbuilt = ROOT_YML + "artifacts: {w: {type: whl, path: .}}\nsync: {include: [dist/*.whl]}\n"
    assert len(found_in_root_with(folder, unbuilt, wheel)) == 2


def found_in_root_with(folder: Path, root: str, one: str) -> list[str]:
    bundle_of(folder, one=one)
    (folder / "databricks.yml").write_text(root)
    return [str(each) for each in check_bundle(folder).problems]


def test_targets(folder: Path) -> None:
    assert found_in_root(folder, "bundle: {name: x}\n") == [
        "databricks.yml:1:1: error LP967: the bundle has no target | write `targets:` with dev, staging and prod"
    ]
    text = "bundle: {name: x}\ntargets:\n  dev: {default: true, mode: development}\n  prod: {default: true}\n  test:\n"
    hint = "write `mode: development` for one person, `mode: production` for all"
    assert found_in_root(folder, text) == [
        f"databricks.yml:4:3: error LP967: target 'prod' has no mode | {hint}",
        "databricks.yml:4:19: error LP967: target 'prod' is a default, and so is 'dev'",
        f"databricks.yml:5:3: error LP967: target 'test' has no mode | {hint}",
    ]


def test_a_mode_that_is_none(folder: Path) -> None:
    (said,) = found_in_root(folder, ROOT_YML.replace("mode: production", "mode: prod"))
    assert said == (
        "databricks.yml:8:11: error LP963: 'targets.prod.mode' must be development or production, not 'prod'"
        " | known: development, production"
    )


def test_a_bundle_without_a_name(folder: Path) -> None:
    assert found_in_root(folder, ROOT_YML.replace("bundle: {name: shop}", "")) == [
        "databricks.yml:2:1: error LP963: the bundle has no name | write `bundle:` with `name:`"
    ]


def test_a_file_that_is_no_text(folder: Path) -> None:
    bundle_of(folder)
    (folder / "bundles" / "one.yml").write_bytes(b"a: \xff\n")
    (problem,) = check_bundle(folder).problems
    assert str(problem).startswith("bundles/one.yml:1:1: error LP961: the file cannot be read: ")
