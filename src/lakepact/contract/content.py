"""Reads a file that somebody named, without waiting for anybody and without more memory than a document may need."""

from __future__ import annotations

import os
import stat

from lakepact.contract.yaml_nodes import MAX_BYTES

__all__ = ["ContentTooLarge", "content_of"]


class ContentTooLarge(Exception):
    """The file is larger than the limit; `size` is at least its bytes."""

    def __init__(self, size: int, limit: int) -> None:
        """`size` bytes are more than `limit`."""
        super().__init__(f"{size:,} bytes; the limit is {limit:,}")
        self.size = size


def content_of(path: str | os.PathLike[str], *, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file, or of a pipe that a shell opened (`<(command)`).

    Raises OSError where it cannot be read, also for devices and for named pipes, which may have nobody to write into
    them; ContentTooLarge above `limit` bytes, of which no more are read; ValueError for a path that no file can have.
    """
    with open(path, "rb", opener=_opened) as stream:
        status = os.fstat(stream.fileno())
        if stat.S_ISFIFO(status.st_mode) and not os.path.exists(os.path.realpath(path)):
            # The pipe of a process has no name: /dev/fd/63 leads to `pipe:[1234]`, which is not there.
            os.set_blocking(stream.fileno(), True)
        elif not stat.S_ISREG(status.st_mode):
            what = "a named pipe" if stat.S_ISFIFO(status.st_mode) else "a device"
            raise OSError(0, f"it is {what}, not a file", os.fspath(path))
        # What the size promises is not believed: a file may grow, and some say 0 and hold more.
        content = stream.read(limit + 1) if status.st_size <= limit else b""
    size = max(status.st_size, len(content))
    if size > limit:
        raise ContentTooLarge(size, limit)
    return content


def _opened(path: str, flags: int) -> int:
    # Opening a named pipe would wait for somebody who writes into it.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
