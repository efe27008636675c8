"""How lakepact itself reaches the workspace: as a wheel that the bundle builds, or from the index of packages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakepact import __version__

__all__ = ["LIBRARIES", "RECEIVER_FOLDER", "Wheel", "wheel_of"]

RECEIVER_FOLDER: Final = "bundles/receiver"
"""The source of the app. The wheel is built into it, because an app installs only what is in its own folder."""

LIBRARIES: Final[Mapping[str, str]] = {
    "databricks": "databricks-sdk>=0.120,<1",
    "delta": "deltalake>=1.2,<2",
}
"""What the extras of lakepact install, for places that cannot name an extra of a wheel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """Whether the bundle builds lakepact's wheel (`built`), and what its parts depend on then."""

    built: bool

    @property
    def file(self) -> str:
        """The name of the wheel."""
        return f"lakepact-{__version__}-py3-none-any.whl"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The dependencies of a pipeline that calls lakepact, seen from a file in `bundles/`."""
        return (f"./receiver/{self.file}",) if self.built else (f"lakepact=={__version__}",)

    @property
    def job_dependencies(self) -> tuple[str, ...]:
        """The dependencies of a task that works with contracts, seen from a file in `bundles/`."""
        if self.built:
            return (*self.dependencies, *LIBRARIES.values())
        return (f"lakepact[{','.join(LIBRARIES)}]=={__version__}",)

    @property
    def app_requirement(self) -> str:
        """The line of the app's requirements.txt."""
        extras = f"[{','.join((*LIBRARIES, 'service'))}]"
        return f"./{self.file}{extras}" if self.built else f"lakepact{extras}=={__version__}"

    @property
    def artifact(self) -> Mapping[str, Any]:
        """The artifact of the bundle."""
        return {
            "type": "whl",
            "path": ".",
            "build": f"pip wheel . --no-deps --wheel-dir {RECEIVER_FOLDER}",
            "files": [{"source": f"{RECEIVER_FOLDER}/{self.file}"}],
        }


def wheel_of(root: Path) -> Wheel:
    """How a bundle in `root` gets lakepact: from source where the source is there, else from the index."""
    try:
        settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (FileNotFoundError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return Wheel(built=False)
    return Wheel(built=settings.get("project", {}).get("name") == "lakepact")
