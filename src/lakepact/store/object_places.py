"""Object storage as fsspec serves it, with what a store needs of it: objects that the first writer of a name keeps."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from lakepact.atomic_files import replace_file, sync_folder, written_beside
from lakepact.errors import ConfigurationError, ExtraMissing, RemoteFailed, UsageError

__all__ = ["Create", "ObjectPlace"]

Create = Callable[[Any, str, bytes], None]
"""Makes an object of a file system; raises FileExistsError where there is one, at whichever moment it came."""

# Their `pipe_file(mode="create")` has the server decide: If-None-Match on S3 and Azure, ifGenerationMatch on Google.
_CONDITIONAL: Final = frozenset({"s3fs", "gcsfs", "adlfs"})
_READERS: Final = 16
_STAMPS: Final = (
    "ETag",
    "etag",
    "generation",
    "md5Hash",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK})
# What libraries raise that is no OSError; only one that was imported can have raised.
_FAILURES: Final = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("gcsfs.retry", "HttpError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("azure.core.exceptions", "AzureError"),
    ("requests.exceptions", "RequestException"),
)
# All file systems in memory share one, whichever object asks.
_MEMORY: Final = threading.Lock()


class ObjectPlace:
    """The objects below a URL that fsspec knows; names are relative to it and separated by slashes.

    `create` makes an object exclusively; without it, that is known of local disks, memory, S3, Google Cloud and Azure.
    Raises RemoteFailed LP864 where the storage fails, ConfigurationError LP863 where it cannot create exclusively,
    ExtraMissing LP862 without the library that serves it, UsageError LP857 where nothing does.
    """

    def __init__(self, url: str, *, options: Mapping[str, Any] | None = None, create: Create | None = None) -> None:
        self.address = _without_secrets(url)
        self._fs, root = _opened(url, dict(options or {}), self.address)
        self._root = root.rstrip("/")
        self._create = create or _create_of(self._fs)

    @property
    def is_local(self) -> bool:
        """Whether it is a disk of this machine, where folders can be empty."""
        return bool(getattr(self._fs, "local_file", False))

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """The bytes of objects; None for what is not there."""
        with self._talking():
            if len(names) < 2:
                return [self._content(name) for name in names]
            with ThreadPoolExecutor(min(_READERS, len(names))) as pool:
                return list(pool.map(self._content, names))

    def create(self, name: str, content: bytes) -> bool:
        """Make an object, durably; False where there is one of that name with other content."""
        create = self._create
        if create is None:
            raise self._not_exclusive()
        try:
            create(self._fs, self._path(name), content)
        except _failures() as error:
            if isinstance(error, OSError) and error.errno in _NO_LINKS and self.is_local:
                raise self._not_exclusive() from error
            # A request that was sent again after its answer was lost is refused because of itself.
            there = self.read([name])[0]
            if there is None:
                raise self._failed(error) from error
            return there == content
        return True

    def refuse_overwriting(self, name: str, content: bytes) -> None:
        """Raise ConfigurationError LP863 where making an object that is there, with that content, succeeds."""
        if self._create is None:
            raise self._not_exclusive()
        with suppress(*_failures()):
            self._create(self._fs, self._path(name), content)
            raise self._not_exclusive()

    def replace(self, name: str, content: bytes) -> None:
        """Have an object of that name with that content, whatever was there."""
        with self._talking():
            if self.is_local:
                file = Path(self._path(name))
                file.parent.mkdir(parents=True, exist_ok=True)
                replace_file(file, content, durable=True)
            else:
                self._fs.pipe_file(self._path(name), content)

    def folders(self, name: str) -> list[str]:
        """What is right below a folder, sorted."""
        with self._talking():
            self._fs.invalidate_cache()
            try:
                paths = self._fs.ls(self._path(name), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted({path.rstrip("/").rpartition("/")[2] for path in paths})

    def stamps(self, name: str) -> dict[str, str]:
        """The objects below a folder, each with a text that is another one when the object is another one."""
        with self._talking():
            self._fs.invalidate_cache()
            found = self._fs.find(self._path(name), detail=True)
        start = len(self._root) + 1
        return {path[start:]: _stamp(info) for path, info in sorted(found.items())}

    def _content(self, name: str) -> bytes | None:
        try:
            content: bytes = self._fs.cat_file(self._path(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return content

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _not_exclusive(self) -> ConfigurationError:
        message = f"{self.address} cannot make an object only where there is none: one writer would overwrite another"
        hint = "use S3, Google Cloud Storage, Azure or a disk with links, or a store of another kind"
        return ConfigurationError(message, "LP863", hint)

    def _failed(self, error: BaseException) -> RemoteFailed:
        lines = str(error).strip().splitlines()
        why = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        hint = "check the address, the credentials, what they may do, and the network"
        return RemoteFailed(f"{self.address} cannot be used: {why}", "LP864", hint)

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except _failures() as error:
            raise self._failed(error) from error


def _opened(url: str, options: dict[str, Any], address: str) -> tuple[Any, str]:
    """The file system and the path in it."""
    try:
        url_to_fs = import_module("fsspec.core").url_to_fs
    except ImportError as error:
        facts = {"distribution": "fsspec", "extra": "objects"}
        raise ExtraMissing("fsspec is not installed", "LP862", "pip install 'lakepact[objects]'", facts) from error
    try:
        fs, path = url_to_fs(url, **options)
    except ImportError as error:
        raise ExtraMissing(f"nothing here serves {address}: {error}", "LP862", "install what it names") from error
    except ValueError as error:
        hint = "write a URL that fsspec knows, for example s3://bucket/contracts"
        raise UsageError(f"'{address}' is no address of object storage: {error}", "LP857", hint) from error
    except _failures() as error:
        hint = "check the address, the credentials and the network"
        raise RemoteFailed(f"{address} cannot be used: {error}", "LP864", hint) from error
    return fs, path


def _create_of(fs: Any) -> Create | None:
    """How this file system makes an object exclusively; None where that is not known of it."""
    modules = {kind.__module__.partition(".")[0] for kind in type(fs).__mro__}
    if modules & _CONDITIONAL:
        return _create_by_condition
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
    if "memory" in protocols:
        return _create_in_memory
    return _create_by_link if "local" in protocols else None


def _create_by_condition(fs: Any, path: str, content: bytes) -> None:
    fs.pipe_file(path, content, mode="create")


def _create_in_memory(fs: Any, path: str, content: bytes) -> None:
    with _MEMORY:
        if fs.exists(path):
            raise FileExistsError(path)
        fs.pipe_file(path, content)


def _create_by_link(_fs: Any, path: str, content: bytes) -> None:
    """A file that is written elsewhere first, so that it appears whole."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = written_beside(file, content, durable=True)
    try:
        os.link(temporary, file)
    finally:
        temporary.unlink()
    sync_folder(file.parent)


def _stamp(info: Mapping[str, Any]) -> str:
    known = next((f"{key} {info[key]}" for key in _STAMPS if info.get(key)), "")
    return f"{info.get('size')} {known}"


def _failures() -> tuple[type[BaseException], ...]:
    """What libraries of object storage raise where it fails."""
    found = [getattr(sys.modules.get(module), name, None) for module, name in _FAILURES]
    return (OSError, *(kind for kind in found if isinstance(kind, type)))


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl() if "@" in url else url
