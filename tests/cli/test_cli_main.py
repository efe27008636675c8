"""The process: start-up, exit codes, what goes to stdout and what to stderr."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lakepact
from lakepact.cli.main import main
from speed import children_within

pytestmark = pytest.mark.process

HEAVY = ("pyspark", "pandas", "pyarrow", "delta", "yaml", "rich")


def lakepact_process(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """`lakepact` in a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "lakepact", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_version_is_printed_to_stdout() -> None:
    done = lakepact_process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"lakepact {lakepact.__version__}\n", "")


def test_the_version_costs_less_than_300_ms_of_cpu() -> None:
    with children_within(0.3):
        lakepact_process("--version")


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [(("--version",), (*HEAVY, "pydantic")), (("--help",), (*HEAVY, "pydantic")), (("run", "--help"), HEAVY)],
)
def test_start_up_imports_nothing_heavy(arguments: tuple[str, ...], heavy: tuple[str, ...]) -> None:
    program = (
        "import sys; from lakepact.cli.main import main; main(sys.argv[1:]); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == "[]\n"


def test_help_names_every_command() -> None:
    done = lakepact_process("--help")
    assert done.returncode == 0
    for command in ("init", "explain", "generate", "run", "doctor", "project-schema"):
        assert f"  {command} " in done.stdout


def test_no_command_is_a_wrong_call_that_gets_the_help() -> None:
    done = lakepact_process()
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("run", "--nope"), "No such option: --nope"),
        (("explain",), "Missing argument 'CONTRACT'"),
        (("generate", "--target", "cobol"), "'cobol' is not one of"),
    ],
)
def test_a_wrong_call_exits_2_and_says_so_on_stderr(arguments: tuple[str, ...], message: str) -> None:
    done = lakepact_process(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_is_one_message_without_a_trace(tmp_path: Path) -> None:
    done = lakepact_process("generate", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"error LP400: there is no lakepact.yml in '{tmp_path}' or in a folder above it\n"
        "  hint: `lakepact init DIR` writes a project to start from\n"
    )


def test_debug_shows_the_trace(tmp_path: Path) -> None:
    done = lakepact_process("generate", cwd=tmp_path, LAKEPACT_DEBUG="1")
    assert done.returncode == 3
    assert "Traceback (most recent call last)" in done.stderr


def test_a_closed_pipe_is_not_an_error_with_a_trace() -> None:
    command = f"{sys.executable} -m lakepact project-schema | true; exit ${{PIPESTATUS[0]}}"
    for _ in range(3):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        assert done.returncode in (0, 141)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("argument", ["--version", "project-schema"])
def test_a_full_disk_behind_stdout_is_one_message(argument: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lakepact", argument],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (3, "error LP428: the system says: No space left on device\n")


def test_ctrl_c_exits_130_with_one_message() -> None:
    """The process waits for a contract on a stdin that nobody writes to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lakepact", "lint", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    output, words = process.communicate(timeout=30)
    assert (process.returncode, output, words) == (130, b"", b"interrupted\n")


def test_an_ascii_terminal_gets_escapes_and_no_error(tmp_path: Path) -> None:
    done = lakepact_process("init", str(tmp_path / "größe"), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "gr\\xf6\\xdfe" in done.stderr


def test_control_characters_of_an_argument_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "/no\x1b[31mwhere"]) == 3
    assert capsys.readouterr().err == "error LP400: there is no folder '/no\\x1b[31mwhere'\n"


def test_the_schema_of_the_project_file_is_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project-schema"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["title"] == "lakepact project"
    assert printed.err == ""


class _Gone(Exception):
    """An error whose text is asked of what has ended, as those of Spark are."""

    def __str__(self) -> str:
        raise ConnectionRefusedError


class _Word(str):
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise _Gone


def test_an_error_without_words_is_told_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([_Word("check")]) == 3
    assert capsys.readouterr().err.startswith("error LP900: unexpected _Gone: no message\n")
