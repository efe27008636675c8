"""`lakepact-task`: lakepact as a task of a Databricks job, where an exit code is not looked at."""

from __future__ import annotations

import sys

from lakepact.cli.main import main

__all__ = ["TaskFailed", "task"]


class TaskFailed(Exception):
    """The command ended with another exit code than 0; what it said is in the log of the task."""


def task() -> None:
    """Run the command line of the process. Raises TaskFailed where it does not end well.

    A wheel task fails by an exception alone: what an entry point returns is dropped, and SystemExit is an error even
    with code 0.
    """
    try:
        code = main(sys.argv[1:])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    if code:
        raise TaskFailed(f"lakepact {sys.argv[1] if sys.argv[1:] else ''} ended with exit code {int(code)}")
