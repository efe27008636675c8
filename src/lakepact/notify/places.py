"""Where notifications wait: small named files that appear whole or not at all, in a folder or in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

from lakepact.atomic_files import NO_LINKS, make_folder, replace_file, sync_folder, written_beside
from lakepact.errors import ConfigurationError

__all__ = ["FolderPlace", "MemoryPlace", "Place"]

_LOCK: Final = ".lock"


class Place(Protocol):
    """Keeps contents under names such as `outbox/1f2e.json`; all that is kept survives the process.

    An implementation that cannot be read or written raises ConfigurationError LP959.
    """

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of what is kept in a folder, sorted."""

    def read(self, name: str) -> bytes | None:
        """What is kept under the name, None where nothing is."""

    def create(self, name: str, content: bytes) -> bool:
        """Keep the content under a new name; False where the name is taken, and nothing changes."""

    def replace(self, name: str, content: bytes) -> None:
        """Keep the content under the name, whatever was there."""

    def remove(self, name: str) -> None:
        """Keep nothing under the name any more."""

    def exclusive(self) -> AbstractContextManager[bool]:
        """Holds the right to send while it is open; gives False where another process or thread has it."""


class FolderPlace:
    """Files in a folder, which is made when it is first written to.

    A file is on the disk when a call returns. What a killed process leaves behind is never read, and the right to send
    ends with the process that has it.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)
        self._local = threading.Lock()

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of what is kept in a folder, sorted."""
        try:
            found = os.listdir(self._root / folder)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unusable(error) from error
        return tuple(sorted(f"{folder}/{name}" for name in found if not name.startswith(".")))

    def read(self, name: str) -> bytes | None:
        """What is kept under the name, None where nothing is."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def create(self, name: str, content: bytes) -> bool:
        """Keep the content under a new name; False where the name is taken."""
        file = self._root / name
        try:
            make_folder(file.parent)
            temporary = written_beside(file, content, durable=True)
            try:
                return _linked(temporary, file)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def replace(self, name: str, content: bytes) -> None:
        """Keep the content under the name, whatever was there."""
        file = self._root / name
        try:
            make_folder(file.parent)
            replace_file(file, content, durable=True)
        except OSError as error:
            raise self._unusable(error) from error

    def remove(self, name: str) -> None:
        """Keep nothing under the name any more."""
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Holds the right to send; gives False where another process or thread has it."""
        import fcntl

        if not self._local.acquire(blocking=False):
            yield False
            return
        try:
            try:
                self._root.mkdir(parents=True, exist_ok=True)
                lock = (self._root / _LOCK).open("ab")
            except OSError as error:
                raise self._unusable(error) from error
            with lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield False
                    return
                except OSError as error:
                    raise self._unusable(error) from error
                yield True
        finally:
            self._local.release()

    def _unusable(self, error: OSError) -> ConfigurationError:
        where = error.filename or self._root
        message = f"'{where}', where notifications wait, cannot be used: {error.strerror or error}"
        return ConfigurationError(message, "LP959", "check the path, its permissions and its space")


class MemoryPlace:
    """Contents in this process, which are lost with it: for tests, and for jobs that send before they end."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._changes = threading.Lock()
        self._sending = threading.Lock()

    def names(self, folder: str) -> tuple[str, ...]:
        """The names of what is kept in a folder, sorted."""
        with self._changes:
            return tuple(sorted(name for name in self._contents if name.startswith(f"{folder}/")))

    def read(self, name: str) -> bytes | None:
        """What is kept under the name, None where nothing is."""
        return self._contents.get(name)

    def create(self, name: str, content: bytes) -> bool:
        """Keep the content under a new name; False where the name is taken."""
        with self._changes:
            if name in self._contents:
                return False
            self._contents[name] = content
            return True

    def replace(self, name: str, content: bytes) -> None:
        """Keep the content under the name, whatever was there."""
        with self._changes:
            self._contents[name] = content

    def remove(self, name: str) -> None:
        """Keep nothing under the name any more."""
        with self._changes:
            self._contents.pop(name, None)

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """Holds the right to send; gives False where another thread has it."""
        got = self._sending.acquire(blocking=False)
        try:
            yield got
        finally:
            if got:
                self._sending.release()


def _linked(temporary: Path, file: Path) -> bool:
    """Give the file its name, where that is free."""
    try:
        os.link(temporary, file)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        # Names are hashes of what is in the files: two writers of one name write the same.
        if file.exists():
            return False
        temporary.replace(file)
    sync_folder(file.parent)
    return True
