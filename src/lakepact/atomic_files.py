"""Files that appear whole or not at all: written beside their place first, then given their name."""

from __future__ import annotations

import errno
import os
import secrets
from itertools import takewhile
from pathlib import Path
from typing import Final

__all__ = ["NO_LINKS", "UNFINISHED", "make_folder", "replace_file", "sync_folder", "written_beside"]

NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EINVAL})
"""The numbers of errors by which `os.link` says that the file system has no hard links, or no more of them."""

UNFINISHED: Final = ".tmp"
"""The suffix of what a killed process may leave behind; such a name begins with a dot."""

# File systems that have no way to sync a folder answer so; what else comes is a disk that fails.
_NO_SYNC: Final = frozenset({errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})


def replace_file(file: Path, content: bytes, *, durable: bool = False, private: bool = False) -> None:
    """Have `content` in `file`, whose folder is there: a reader sees the old or the new content, never half of one.

    With `durable` it is on the disk when the call returns; `private` is for the eyes of its owner. Raises OSError; then
    nothing is left behind, and nothing has changed unless it was only the folder that could not be synced.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(Path(folder, "state.json"), b"{}")
    ...     os.listdir(folder)
    ['state.json']
    """
    temporary = written_beside(file, content, durable=durable, private=private)
    try:
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(file.parent)


def written_beside(file: Path, content: bytes, *, durable: bool = False, private: bool = False) -> Path:
    """A temporary file beside `file` with that content, which the caller gives its name or removes."""
    temporary = file.with_name(f".{os.getpid()}-{secrets.token_hex(8)}{UNFINISHED}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are absent, each durable as an entry of the one above."""
    missing = takewhile(lambda each: not each.exists(), (folder, *folder.parents))
    for each in reversed(list(missing)):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Have the entries of a folder on the disk, where the system has that. Raises OSError where the disk fails."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)
