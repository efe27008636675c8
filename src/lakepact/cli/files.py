"""Files that commands write: whole or not at all."""

from __future__ import annotations

from pathlib import Path

from lakepact.atomic_files import written_beside
from lakepact.errors import ConfigurationError

__all__ = ["write_atomically"]


def write_atomically(file: Path, text: str) -> None:
    """Write `text` as UTF-8 to `file`, making its folder where needed; readers see the old or the new content.

    Raises ConfigurationError LP422 where it cannot be written; then nothing has changed.
    """
    try:
        if file.exists() and not file.is_file():
            file.write_bytes(text.encode())  # a device or a named pipe, which must stay what it is
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file.resolve(), text.encode())
    except OSError as error:
        raise ConfigurationError(f"'{file}' cannot be written: {error.strerror or error}", "LP422") from error


def _replace(file: Path, content: bytes) -> None:
    temporary = written_beside(file, content)
    try:
        if file.exists():
            temporary.chmod(file.stat().st_mode)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
