"""Wheel tasks of the workspace double: the entry point of the wheel that was uploaded, in a process of its own."""

from __future__ import annotations

import importlib.metadata
import io
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakepact.testing.workspace_files import WorkspaceFiles
from lakepact.testing.workspace_http import Refused

__all__ = ["Outcome", "WheelTask", "on_this_machine", "run_wheel_task", "unpack", "wheels_of"]

# A wheel task fails by an exception; SystemExit is one there, even with code 0.
_BOOTSTRAP: Final = """\
import sys
from importlib.metadata import distribution
package, name, *parameters = sys.argv[1:]
sys.argv = [name, *parameters]
found = [each for each in distribution(package).entry_points if each.name == name]
if not found:
    raise ImportError(f"The wheel of '{package}' has no entry point '{name}'.")
try:
    found[0].load()()
except SystemExit as ended:
    raise RuntimeError(f"SystemExit: {ended.code}") from None
"""
_LOCAL: Final = re.compile(r"(?:\bdbfs:|(?<![\w.]))/(Workspace|Volumes)/")
_REQUIREMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TRACE: Final = "Traceback (most recent call last):"
_STEP: Final = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended: the result state of the API, what it printed, and its error with the trace."""

    result: str
    logs: str = ""
    error: str = ""
    trace: str = ""
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelTask:
    """A wheel task that starts.

    `work` is its `python_wheel_task`, `dependencies` what its environment asks for: wheels of the workspace are put
    before this Python's packages, other requirements must be among those. `folder` is empty and its own; there is
    the workspace as it is now. Paths that start with `/Workspace/` or `/Volumes/` become those of this machine.
    """

    work: Mapping[str, Any]
    dependencies: Sequence[str]
    files: WorkspaceFiles
    folder: Path
    volumes: Path
    environment: Mapping[str, str]

    def argument(self, text: str) -> str:
        """A parameter with the paths of this machine."""
        return on_this_machine(text, workspace=self.folder / "Workspace", volumes=self.volumes)


def on_this_machine(text: str, *, workspace: Path, volumes: Path) -> str:
    """A text with its paths below `/Workspace/` and `/Volumes/` as they are on this machine.

    >>> on_this_machine("json:dbfs:/Volumes/main/a", workspace=Path("/w"), volumes=Path("/v"))
    'json:/v/main/a'
    """
    places = {"Workspace": workspace, "Volumes": volumes}
    return _LOCAL.sub(lambda found: f"{places[found[1]]}/", text)


def wheels_of(dependencies: Sequence[str], *, files: WorkspaceFiles, volumes: Path) -> dict[str, bytes]:
    """The wheels among `dependencies`, by their names without the ending.

    Raises Refused for a wheel that is not there, and for a requirement that this Python does not have.
    """
    found = {}
    for each in dependencies:
        if not each.endswith(".whl"):
            _check_requirement(each)
        elif each.startswith("/Volumes/"):
            place = Path(on_this_machine(each, workspace=volumes, volumes=volumes))
            if not place.is_file():
                raise Refused(404, "NOT_FOUND", f"{each} does not exist.")
            found[place.stem] = place.read_bytes()
        else:
            found[Path(each).stem] = files.read(each)
    return found


def unpack(wheels: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    """Unpack wheels, each into a folder of its own below `folder`, which are given."""
    for name, content in wheels.items():
        with zipfile.ZipFile(io.BytesIO(content)) as wheel:
            wheel.extractall(folder / name)
    return tuple(folder / name for name in wheels)


def run_wheel_task(
    task: WheelTask, *, parameters: Sequence[str] | None, stopped: threading.Event, seconds: float
) -> Outcome:
    """Do the work; ends early when `stopped` is set (CANCELED) or after so many seconds (TIMEDOUT; 0 is no limit)."""
    try:
        found = wheels_of(task.dependencies, files=task.files, volumes=task.volumes)
    except Refused as refused:
        return Outcome("FAILED", error=f"Library installation failed: {refused}", internal=True)
    given = task.work.get("parameters", []) if parameters is None else parameters
    named = [f"--{key}={value}" for key, value in task.work.get("named_parameters", {}).items()]
    words = [task.argument(str(each)) for each in (*given, *named)]
    paths = os.pathsep.join(map(str, unpack(found, task.folder / "wheels")))
    command = [sys.executable, "-c", _BOOTSTRAP, task.work["package_name"], task.work["entry_point"], *words]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DATABRICKS_", "LAKEPACT_"))}
    process = subprocess.Popen(
        command,
        cwd=task.folder,
        env=inherited | {"PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"} | dict(task.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    logs, early = _followed(process, stopped, time.monotonic() + seconds if seconds else None)
    if early:
        return Outcome(early, logs=logs, error="Run timed out" if early == "TIMEDOUT" else "Run cancelled by user")
    return Outcome("SUCCESS", logs=logs) if process.returncode == 0 else _failed(logs)


def _check_requirement(requirement: str) -> None:
    name = _REQUIREMENT.match(requirement)
    try:
        importlib.metadata.version(name[0] if name else requirement)
    except importlib.metadata.PackageNotFoundError:
        raise Refused(404, "NOT_FOUND", f"No matching distribution found for {requirement}") from None


def _followed(process: subprocess.Popen[bytes], stopped: threading.Event, until: float | None) -> tuple[str, str]:
    """What a process printed, and the result state where it was ended early."""
    early = ""
    while True:
        try:
            printed, _ = process.communicate(timeout=_STEP)
            return printed.decode(errors="replace"), early
        except subprocess.TimeoutExpired:
            if not early and stopped.is_set():
                early = "CANCELED"
            elif not early and until is not None and time.monotonic() > until:
                early = "TIMEDOUT"
            if early:
                process.kill()


def _failed(logs: str) -> Outcome:
    at = logs.rfind(_TRACE)
    lines = [line for line in logs.splitlines() if line.strip()]
    error = lines[-1] if lines else "The process ended without a word."
    return Outcome("FAILED", logs=logs, error=error.strip(), trace=logs[at:] if at >= 0 else "")
