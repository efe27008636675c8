"""New contracts, upgrades between versions of the standard, and version bumps."""

from __future__ import annotations

from lakepact.authoring.bump import Bumped, bump, bumped, released, required_version, with_version
from lakepact.authoring.upgrade import Upgraded, upgrade

__all__ = ["Bumped", "Upgraded", "bump", "bumped", "released", "required_version", "upgrade", "with_version"]
