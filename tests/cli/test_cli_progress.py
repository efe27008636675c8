"""Drawing: on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping

import pytest

from lakepact.cli.progress import run_progress
from lakepact.local.progress import Silent

pytestmark = pytest.mark.process

RUN = """
import time
from lakepact.cli.progress import run_progress
progress = run_progress()
progress.phase("flights: running \\x1b[31m")
progress.dataset("weather", "RUNNING", 0.5)
progress.dataset("weather", "COMPLETED", 1.25)
time.sleep(0.5)
progress.close()
print("data")
"""


def on_a_terminal(program: str, environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Stdout (a pipe) and stderr (a terminal) of a Python program."""
    terminal, side = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=side,
        stdin=side,
        env={**clean, "TERM": "xterm-256color", **(environment or {})},
        timeout=60,
        check=True,
    )
    os.close(side)
    words = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so at the end of what a terminal holds
            break
        if not part:
            break
        words += part
    os.close(terminal)
    return done.stdout.decode(), words.decode()


def test_a_run_is_drawn_on_the_terminal_and_leaves_stdout_alone() -> None:
    output, words = on_a_terminal(RUN)
    assert output == "data\n"
    assert "flights: running \\x1b[31m" in words
    assert "completed" in words
    assert "weather" in words
    assert "1.2 s" in words


def test_without_colours_the_states_are_plain() -> None:
    coloured = on_a_terminal(RUN)[1]
    plain = on_a_terminal(RUN, {"NO_COLOR": "1"})[1]
    assert "\x1b[32mcompleted" in coloured
    assert "\x1b[32m" not in plain


def test_a_pipe_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = run_progress()
    progress.phase("starting")
    progress.close()
    assert isinstance(progress, Silent)
    assert capsys.readouterr().err == ""


def test_data_is_coloured_on_a_terminal_unless_no_color_is_set() -> None:
    program = """
import os, sys
os.dup2(2, 1)
from lakepact.cli.output import show_lines
from lakepact.toned_lines import Span
show_lines([(Span("FAILED \\x1b[2J", "bad"), Span(" [bold]as is[/bold]"))])
"""
    coloured = on_a_terminal(program)[1]
    assert coloured == "\x1b[31mFAILED \\x1b[2J\x1b[0m [bold]as is[/bold]\r\n"
    assert on_a_terminal(program, {"NO_COLOR": "1"})[1] == "FAILED \\x1b[2J [bold]as is[/bold]\r\n"
