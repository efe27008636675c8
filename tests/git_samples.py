"""Real Git repositories in temporary folders, with contracts in them, for the tests of several rooms."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["GitFolder", "contract"]

_IDENTITY = (
    *("-c", "user.name=Ada Lovelace"),
    *("-c", "user.email=ada@example.com"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "core.autocrlf=false"),
    *("-c", "protocol.file.allow=always"),
)


@dataclass
class GitFolder:
    """A Git repository on branch `main`, whose clock goes on by one hour a commit."""

    root: Path
    hours: int = field(default=0)

    @classmethod
    def create(cls, root: Path) -> GitFolder:
        root.mkdir(parents=True, exist_ok=True)
        made = cls(root)
        made.git("init", "-q", "-b", "main")
        return made

    def git(self, *words: str, given: bytes | None = None) -> str:
        """Run git in the repository and return what it prints."""
        time = f"2026-01-{1 + self.hours // 24:02d}T{self.hours % 24:02d}:00:00+01:00"
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        variables |= {"GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
        command = ["git", "-C", str(self.root), *_IDENTITY, *words]
        done = subprocess.run(command, env=variables, capture_output=True, check=False, input=given or b"")
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, path: str, content: bytes | str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def commit(self, subject: str = "change") -> str:
        """Commit everything that is in the work tree and return the id of the commit."""
        self.hours += 1
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def save(self, path: str, content: bytes | str, subject: str = "change") -> str:
        """Write one file and commit."""
        self.write(path, content)
        return self.commit(subject)


def contract(
    version: str = "1.0.0",
    *,
    id: str = "orders",
    status: str = "active",
    domain: str | None = "sales",
    properties: tuple[str, ...] = ("order_id",),
    required: tuple[str, ...] = (),
    comment: str = "",
) -> str:
    """A contract with one object `orders`, whose properties are strings, some of them required."""
    lines = [
        f"# {comment}" if comment else "",
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {id}",
        f"version: {version}",
        f"status: {status}",
        f"domain: {domain}" if domain else "",
        "schema:",
        "  - name: orders",
        "    properties:",
    ]
    for name in properties:
        lines += [f"      - name: {name}", "        logicalType: string"]
        lines += ["        required: true"] if name in required else []
    return "\n".join(line for line in lines if line) + "\n"
