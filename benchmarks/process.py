"""What a command costs as a whole process: CPU seconds and the most memory it held."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Cost", "lakepact_cost", "process_cost"]


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, user and system, of one process; the most memory in MB; its exit code."""

    cpu: float
    megabytes: float
    exit_code: int


def process_cost(command: Sequence[str], *, rounds: int = 3) -> Cost:
    """The cheapest of some runs of `command`, whose output is thrown away."""
    return min((_once(command) for _ in range(rounds)), key=lambda cost: cost.cpu)


def lakepact_cost(*arguments: str, rounds: int = 3) -> Cost:
    """The cost of `lakepact` with these arguments."""
    return process_cost([sys.executable, "-m", "lakepact", *arguments], rounds=rounds)


def _once(command: Sequence[str]) -> Cost:
    # An installed package has its bytecode beside it, whatever the environment of the developer says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)
