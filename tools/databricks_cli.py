"""Prints the path of a Databricks CLI; builds one from its Go module into the user's cache where there is none.

The CLI is that of $DATABRICKS_CLI, else `databricks` on PATH in version 1.10 or later, else the one built here before.
Two builds at once are one: the second waits for the first, and takes what that built.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lakepact.spark.environment import cache_folder

VERSION = "1.10.0"
OLDEST = (1, 10)
_MODULE = "github.com/databricks/cli"
_GO = "1.26.0"
_SAID = re.compile(r"Databricks CLI v(\d+)\.(\d+)\.(\d+)")
_MISSING = f"""\
error: there is no Databricks CLI {OLDEST[0]}.{OLDEST[1]} or later, and no Go to build it with
  hint: install the CLI (https://docs.databricks.com/dev-tools/cli/install) or Go 1.21 or later (https://go.dev/dl) and
        put it on PATH, or name a CLI: DATABRICKS_CLI=/path/to/databricks make bundle-test"""


class CliMissing(Exception):
    """There is no CLI, and none can be had; the text says what to do."""


def built_cli() -> Path:
    """Where the CLI is that is built here."""
    return cache_folder() / "databricks-cli" / VERSION / ("databricks.exe" if os.name == "nt" else "databricks")


def version_of(cli: Path) -> tuple[int, int, int] | None:
    """The version that a CLI says it is; None where it is not a Databricks CLI, or one from before them."""
    try:
        done = subprocess.run([str(cli), "--version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _SAID.search(done.stdout)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def find_cli(environment: Mapping[str, str]) -> Path | None:
    """The CLI to use, None where there is none. Raises CliMissing where $DATABRICKS_CLI is not one.

    The version of the one that is named is not looked at: whoever names it means it.
    """
    if named := environment.get("DATABRICKS_CLI"):
        if version_of(Path(named)) is None:
            raise CliMissing(f"error: DATABRICKS_CLI={named} is not a Databricks CLI\n  hint: name its executable")
        return Path(named)
    on_path = shutil.which("databricks", path=environment.get("PATH", ""))
    if on_path is not None and (version_of(Path(on_path)) or (0, 0, 0))[:2] >= OLDEST:
        return Path(on_path)
    # A file that is no CLI, such as one for another kind of machine, is built anew.
    return built_cli() if version_of(built_cli()) is not None else None


def build_cli(environment: Mapping[str, str], target: Path) -> None:
    """Build the CLI with the Go on PATH. Raises CliMissing where there is no Go, or it cannot."""
    go = shutil.which("go", path=environment.get("PATH", ""))
    if go is None:
        raise CliMissing(_MISSING)
    try:
        with _only_build(target.parent), tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as folder:
            if version_of(target) is not None:
                return
            _build(go, environment, Path(folder) / target.name)
            # Whoever looks meanwhile finds the whole file or none.
            os.replace(Path(folder) / target.name, target)
    except OSError as error:
        hint = "free or unlock it, or name another: LAKEPACT_CACHE=/path make bundle-test"
        raise CliMissing(f"error: {target.parent} cannot be written: {error.strerror}\n  hint: {hint}") from None


@contextmanager
def _only_build(folder: Path) -> Iterator[None]:
    """Wait for another build into `folder`; the system gives the lock back however its process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "build.lock").open("w") as lock:
        if os.name != "nt":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("somebody else builds it: waiting", file=sys.stderr)
                fcntl.flock(lock, fcntl.LOCK_EX)
            # What a build that was killed has left behind.
            for each in folder.glob("build-*"):
                shutil.rmtree(each, ignore_errors=True)
        yield


def _build(go: str, environment: Mapping[str, str], target: Path) -> None:
    module = f"module databricks_cli\n\ngo {_GO}\n\nrequire {_MODULE} v{VERSION}\n"
    (target.parent / "go.mod").write_text(module, encoding="utf-8")
    stamp = f"-s -w -X {_MODULE}/internal/build.buildVersion={VERSION}"
    command = [go, "build", "-mod=mod", "-buildvcs=false", "-ldflags", stamp, "-o", target.name, _MODULE]
    # Neither a C compiler nor a workspace of Go around the cache has a part in it.
    own = {**environment, "CGO_ENABLED": "0", "GOWORK": "off"}
    done = subprocess.run(command, cwd=target.parent, env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise CliMissing(f"error: Go could not build the Databricks CLI {VERSION}:\n{said}\n  hint: install the CLI")
    if version_of(target) is None:
        raise CliMissing(f"error: what Go built is no Databricks CLI {VERSION}\n  hint: install the CLI")


def main() -> int:
    """Print the path of the CLI; 3 (environment) when there is none."""
    try:
        found = find_cli(os.environ)
        if found is None:
            print(f"no Databricks CLI here: building {VERSION} into your cache (some minutes)", file=sys.stderr)
            found = built_cli()
            build_cli(os.environ, found)
    except CliMissing as error:
        print(error, file=sys.stderr)
        return 3
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
