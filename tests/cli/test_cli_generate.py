"""`lakepact generate`: files are written whole, only where they change, and never over somebody's work."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakepact.cli.main import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Path:
    """The project that `init` writes, as the current folder."""
    root = tmp_path / "shop"
    assert main(["init", str(root)]) == 0
    monkeypatch.chdir(root)
    capsys.readouterr()
    return root


def generated(root: Path) -> dict[str, str]:
    """The text of every generated file."""
    files = [*root.glob("pipelines/*"), *root.glob("ddl/*")]
    return {str(file.relative_to(root)): file.read_text() for file in sorted(files)}


def test_every_target_is_written_below_the_project(project: Path, capsys: Captured) -> None:
    (project / "data" / "orders" / "deep").mkdir()
    assert main(["generate", "data/orders/deep"]) == 0

    files = generated(project)
    assert list(files) == ["ddl/orders.sql", "pipelines/orders.py", "pipelines/orders.sql"]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line for line in printed.err.splitlines() if line.startswith("written")] == [
        f"written  {project}/pipelines/orders.py",
        f"written  {project}/pipelines/orders.sql",
        f"written  {project}/ddl/orders.sql",
    ]
    compile(files["pipelines/orders.py"], "orders.py", "exec")


def test_the_source_is_the_same_on_every_machine(project: Path) -> None:
    main(["generate"])
    assert [path for path, text in generated(project).items() if str(project) in text] == []


def test_the_environment_decides_the_paths(project: Path) -> None:
    main(["generate", "--env", "prod", "--target", "python"])
    assert "/Volumes/main/shop/landing/orders" in generated(project)["pipelines/orders.py"]


def test_a_derived_dataset_is_generated_too(project: Path) -> None:
    main(["generate"])
    files = generated(project)
    assert "GROUP BY c.country" in files["pipelines/orders.py"]
    assert "GROUP BY c.country" in files["pipelines/orders.sql"]


def test_a_file_that_is_current_is_not_touched(project: Path, capsys: Captured) -> None:
    main(["generate"])
    before = {path: (project / path).stat().st_mtime_ns for path in generated(project)}
    capsys.readouterr()

    assert main(["generate"]) == 0
    assert {path: (project / path).stat().st_mtime_ns for path in generated(project)} == before
    assert capsys.readouterr().err.count("unchanged") == 3


def test_out_and_target_choose_what_is_written_where(project: Path, tmp_path: Path) -> None:
    assert main(["generate", "--target", "sql", "--out", str(tmp_path / "new" / "out")]) == 0
    assert list(generated(tmp_path / "new" / "out")) == ["pipelines/orders.sql"]
    assert generated(project) == {}


def test_check_says_what_is_not_current_and_writes_nothing(project: Path, capsys: Captured) -> None:
    assert main(["generate", "--check"]) == 1
    assert generated(project) == {}

    main(["generate"])
    capsys.readouterr()
    assert main(["generate", "--check"]) == 0
    assert capsys.readouterr().err.endswith("3 files are current\n")

    source = project / "pipelines" / "orders.py"
    source.write_text(source.read_text() + "# mine\n")
    assert main(["generate", "--check"]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "-# mine"
    assert printed.out.startswith(f"--- {source}\n+++ {source} (generated)\n")
    assert printed.err.endswith("1 of 3 files are not current; `lakepact generate` writes them\n")
    assert source.read_text().endswith("# mine\n")


def test_a_file_of_somebody_else_is_not_written_over(project: Path, capsys: Captured) -> None:
    mine = project / "pipelines" / "orders.py"
    mine.parent.mkdir()
    mine.write_text("print('mine')\n")

    assert main(["generate"]) == 3
    assert capsys.readouterr().err.endswith(
        f"error LP425: lakepact did not write {mine}; nothing has been written\n"
        "  hint: move the file away, or use --force to write over it\n"
    )
    assert generated(project) == {"pipelines/orders.py": "print('mine')\n"}

    assert main(["generate", "--force"]) == 0
    assert "from pyspark import pipelines as dp" in mine.read_text()


def test_a_generated_file_keeps_the_permissions_that_it_has(project: Path) -> None:
    main(["generate"])
    source = project / "pipelines" / "orders.py"
    source.write_text(source.read_text() + "# mine\n")
    source.chmod(0o600)
    main(["generate"])
    assert source.stat().st_mode & 0o777 == 0o600
    assert not source.read_text().endswith("# mine\n")


def test_a_folder_that_cannot_be_written_is_said(project: Path, capsys: Captured) -> None:
    (project / "pipelines").write_text("a file")
    assert main(["generate", "--target", "python"]) == 3
    assert f"error LP422: '{project}/pipelines/orders.py' cannot be " in capsys.readouterr().err
    assert [path.name for path in project.iterdir() if path.name.startswith(".orders")] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "pord"], "error LP411: the project has no environment 'pord'\n  hint: did you mean 'prod'?\n"),
        (["--pipeline", "x"], "error LP411: the project has no pipeline 'x'\n  hint: known: orders\n"),
        (["--out", "README.md"], "error LP420: --out: 'README.md' is a file\n"),
    ],
)
def test_a_wrong_name_is_said(project: Path, capsys: Captured, arguments: list[str], message: str) -> None:
    assert main(["generate", *arguments]) == 2
    assert capsys.readouterr().err == message


def test_a_pipeline_of_hand_written_sources_has_nothing_to_generate(project: Path, capsys: Captured) -> None:
    (project / "own.sql").write_text("CREATE MATERIALIZED VIEW v AS SELECT 1")
    with (project / "lakepact.yml").open("a") as file:
        file.write("  own: {sources: [own.sql]}\n")
    assert main(["generate", "--pipeline", "own"]) == 0
    assert capsys.readouterr().err == "pipeline 'own' has only hand-written sources: nothing to generate\n"
