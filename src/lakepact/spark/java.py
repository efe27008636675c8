"""Java 17 or later: from JAVA_HOME, from PATH, or fetched into the user's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lakepact.errors import JavaMissing

__all__ = ["MINIMUM_JAVA", "Java", "ensure_java", "fetch_java", "find_java", "parse_java_version"]

MINIMUM_JAVA = 17
_FETCHED_JAVA = "17"
_VERSION = re.compile(r'version "(?:1\.)?(\d+)[^"]*"')
_PROBE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that was found: its home folder, its feature release (17, 21, ...), and where it came from."""

    home: Path
    version: int
    origin: str

    @property
    def executable(self) -> Path:
        """The `java` program of this home."""
        return _program(self.home)


def find_java() -> Java:
    """The Java to run Spark with: `JAVA_HOME` first, then `PATH`.

    Raises JavaMissing (LP601), naming what was looked at, when neither is Java 17 or later.
    """
    rejected: list[str] = []
    home = os.environ.get("JAVA_HOME")
    if home:
        version = _version_of(_program(Path(home)))
        if version >= MINIMUM_JAVA:
            return Java(home=Path(home), version=version, origin="JAVA_HOME")
        rejected.append(f"JAVA_HOME={home} {_describe(version)}")
    on_path = shutil.which("java")
    if on_path:
        version = _version_of(Path(on_path))
        if version >= MINIMUM_JAVA:
            return Java(home=_home_of(Path(on_path)), version=version, origin="PATH")
        rejected.append(f"{on_path} {_describe(version)}")
    raise _missing(rejected)


def fetch_java() -> Java:
    """Java 17 in the user's cache, downloaded on the first call by the library cjdk (part of the extra `local`).

    Raises JavaMissing (LP601) when cjdk is absent or cannot fetch it.
    """
    try:
        import cjdk
    except ImportError:
        raise _missing(["cjdk is not installed, so none could be fetched"]) from None
    try:
        home = Path(cjdk.java_home(vendor="temurin", version=_FETCHED_JAVA))
    # Its own error tree, and OSError, which the errors of its HTTP library are too.
    except (OSError, cjdk.CjdkError) as error:
        raise _missing([f"fetching Java {_FETCHED_JAVA} failed: {_first_line(error)}"]) from None
    version = _version_of(_program(home))
    if version < MINIMUM_JAVA:
        raise _missing([f"the fetched {home} {_describe(version)}"])
    return Java(home=home, version=version, origin="fetched by cjdk")


def ensure_java() -> Java:
    """`find_java()`, else `fetch_java()`. Raises JavaMissing (LP601) with one message that says what to install."""
    try:
        return find_java()
    except JavaMissing as not_found:
        try:
            return fetch_java()
        except JavaMissing as not_fetched:
            raise _missing([*_looked_at(not_found), *_looked_at(not_fetched)]) from None


def parse_java_version(text: str) -> int:
    """The feature release in the output of `java -version`; 0 when there is none.

    >>> parse_java_version('openjdk version "17.0.15" 2025-04-15')
    17
    >>> parse_java_version('java version "1.8.0_401"')
    8
    >>> parse_java_version('openjdk version "25" 2025-09-16')
    25
    >>> parse_java_version("no java here")
    0
    """
    found = _VERSION.search(text)
    return int(found.group(1)) if found else 0


def _version_of(program: Path) -> int:
    try:
        ended = subprocess.run(
            [str(program), "-version"],
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return parse_java_version(ended.stderr + ended.stdout) if ended.returncode == 0 else 0


def _program(home: Path) -> Path:
    return home / "bin" / ("java.exe" if sys.platform == "win32" else "java")


def _home_of(program: Path) -> Path:
    real = program.resolve()
    return real.parent.parent if real.parent.name == "bin" else program.parent.parent


def _describe(version: int) -> str:
    return f"is Java {version}" if version else "does not run"


def _looked_at(error: JavaMissing) -> list[str]:
    looked_at = error.facts.get("looked_at")
    return [str(entry) for entry in looked_at] if isinstance(looked_at, tuple) else []


def _missing(looked_at: list[str]) -> JavaMissing:
    found = "; ".join(looked_at) or "JAVA_HOME is not set and there is no java on PATH"
    return JavaMissing(
        message=f"Spark needs Java {MINIMUM_JAVA} or later, and there is none ({found})",
        code="LP601",
        hint=_how_to_install(),
        facts={"looked_at": tuple(looked_at)},
    )


def _how_to_install() -> str:
    if sys.platform == "darwin":
        command = "`brew install openjdk@17`"
    elif sys.platform == "win32":
        command = "`winget install EclipseAdoptium.Temurin.17.JDK`"
    else:
        command = "`apt install openjdk-17-jre-headless` or `dnf install java-17-openjdk-headless`"
    return f"install it with {command}, or set JAVA_HOME to an existing one"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
