"""A journal in a folder of files: readable, copyable, and whole after a process was killed at any point.

Below the folder are

    lakepact-store.json               tells that this is a store, and its layout
    contracts/<contract>/000001.json  one file an event
    contracts/<contract>/documents/   the documents, by version and hash
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from lakepact.atomic_files import NO_LINKS, make_folder, replace_file, sync_folder, written_beside
from lakepact.errors import ConfigurationError, Problem, Severity
from lakepact.store.encoding import event_text, original_name, read_event, safe_name, sha256_of
from lakepact.store.folding import fold
from lakepact.store.model import Event, EventKind

__all__ = ["FilesJournal", "create_files", "open_files"]

_LOG: Final = logging.getLogger(__name__)
_MARK: Final = "lakepact-store.json"
_LAYOUT: Final = 1
_CONTRACTS: Final = "contracts"
_DOCUMENTS: Final = "documents"
_EVENT: Final = re.compile(r"([0-9]{6,18})\.json")
_LOCK: Final = ".lock"


class FilesJournal:
    """Events and documents below the folder `root`, which `create_files` has made.

    A file appears whole under its name or not at all, and the first writer of a number keeps it, on every file system
    that has hard links or locks. What a killed process leaves behind is never read.

    Raises ConfigurationError LP856 where the folder is no store or cannot be read or written, LP854 where the files of
    a contract are damaged.
    """

    def __init__(self, root: str | os.PathLike[str], *, link: Callable[[Path, Path], None] = os.link) -> None:
        self._root = Path(root)
        self._link = link
        _refuse_other_layout(self._root)

    @property
    def address(self) -> str:
        """`file:` and the folder."""
        return f"file:{self._root}"

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that have an event, sorted; of a damaged one too, where its folder tells it."""
        return tuple(sorted(found for folder in self._folders() if (found := _id_of(folder)) is not None))

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence; empty where there is none."""
        return _events_in(self._folder(contract_id), contract_id)

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts by id, without those of damaged ones, of which a warning is logged."""
        found: dict[str, tuple[Event, ...]] = {}
        for folder in self._folders():
            try:
                events = _events_in(folder)
            except _Damaged as error:
                _LOG.warning("a contract is left out: %s", error.message)
            else:
                found[events[0].contract_id] = events
        return dict(sorted(found.items()))

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes that were put under that hash. Raises ConfigurationError LP854 where they are gone or others."""
        file = self._document(contract_id, version, sha256)
        content = _content(str(file))
        if sha256_of(content) != sha256:
            raise _Damaged(str(file), "its bytes are not those that were put")
        return content

    def append(self, event: Event, document: bytes | None) -> bool:
        """Add `event`, with the bytes of a put; False where its number is taken. Both are on the disk on return."""
        folder = self._folder(event.contract_id)
        try:
            if document is not None:
                file = self._document(event.contract_id, event.version, event.sha256)
                make_folder(file.parent)
                replace_file(file, document, durable=True)
            return self._add(folder / f"{event.sequence:06d}.json", event_text(event).encode())
        except OSError as error:
            raise _unusable(self._root, error, "written") from error

    def damaged(self) -> tuple[Problem, ...]:
        """Every contract whose events, and every document whose bytes, are not what was written."""
        problems: list[Problem] = []
        for folder in self._folders():
            try:
                events = _events_in(folder)
                fold(events)
            except ConfigurationError as error:
                problems.append(_problem(error, folder))
                continue
            for event in events:
                if event.kind is EventKind.PUT:
                    try:
                        self.document(event.contract_id, event.version, event.sha256)
                    except ConfigurationError as error:
                        problems.append(_problem(error, folder))
        return tuple(dict.fromkeys(problems))

    def _add(self, file: Path, content: bytes) -> bool:
        """Make the file with that content, which must not be there; False where it is."""
        if file.exists():
            return False
        temporary = written_beside(file, content, durable=True)
        try:
            self._link(temporary, file)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if not _renamed(temporary, file):
                return False
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(file.parent)
        return True

    def _folder(self, contract_id: str) -> Path:
        return self._root / _CONTRACTS / safe_name(contract_id)

    def _document(self, contract_id: str, version: str, sha256: str) -> Path:
        return self._folder(contract_id) / _DOCUMENTS / f"{safe_name(version)}-{sha256}.yaml"

    def _folders(self) -> Iterator[Path]:
        """The folders of contracts that have an event."""
        try:
            with os.scandir(self._root / _CONTRACTS) as entries:
                names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        except OSError as error:
            raise _unusable(self._root, error, "read") from error
        for name in names:
            folder = self._root / _CONTRACTS / name
            if _may_have_events(folder):
                yield folder


class _Damaged(ConfigurationError):
    """One file is not what was written."""

    def __init__(self, file: str, why: str) -> None:
        message = f"'{file}' is damaged: {why}"
        super().__init__(message, "LP854", "put it back from a backup; other contracts are served", {"file": file})


def _unreadable(file: str, error: OSError) -> _Damaged:
    return _Damaged(file, f"it cannot be read ({error.strerror or error})")


def create_files(address: str) -> None:
    """Make the folder of a `file:` address a store; where it is one, nothing changes."""
    root = _root_of(address)
    try:
        make_folder(root / _CONTRACTS)
        if not (root / _MARK).exists():
            mark = json.dumps({"layout": _LAYOUT}) + "\n"
            replace_file(root / _MARK, mark.encode(), durable=True)
    except OSError as error:
        raise _unusable(root, error, "written") from error
    _refuse_other_layout(root)


def open_files(address: str) -> FilesJournal:
    """The journal at a `file:` address. Raises ConfigurationError LP856 where there is none."""
    return FilesJournal(_root_of(address))


def _root_of(address: str) -> Path:
    return Path(address.removeprefix("file:"))


def _refuse_other_layout(root: Path) -> None:
    """Raise where the folder is no store, or one that this version cannot read."""
    try:
        mark = json.loads((root / _MARK).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        hint = f"`lakepact store init --store file:{root}` makes one"
        raise ConfigurationError(f"'{root}' is no contract store: it has no {_MARK}", "LP856", hint) from None
    except OSError as error:
        raise _unusable(root, error, "read") from error
    except ValueError as error:
        raise _Damaged(str(root / _MARK), "it is no JSON") from error
    layout = mark.get("layout") if isinstance(mark, dict) else None
    if layout != _LAYOUT:
        message = f"'{root}' has the layout {layout!r}; this version of lakepact reads {_LAYOUT}"
        raise ConfigurationError(message, "LP856", "use the version of lakepact that made it, or a newer one")


def _numbers(folder: Path) -> list[int]:
    """The numbers of the events of a folder, sorted; empty where it is no folder, or has none."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unreadable(str(folder), error) from error
    return sorted(int(found[1]) for name in names if (found := _EVENT.fullmatch(name)))


def _events_in(folder: Path, contract_id: str | None = None) -> tuple[Event, ...]:
    """The events of a folder, which must all be of one contract: that of the id, or the one that the folder names."""
    numbers = _numbers(folder)
    events: list[Event] = []
    # A listing may miss a file that is made meanwhile; what is there up to its last number, the names tell.
    for number in range(1, numbers[-1] + 1 if numbers else 1):
        file = os.path.join(folder, f"{number:06d}.json")
        event = _event(file)
        if contract_id is None and safe_name(event.contract_id) == folder.name:
            contract_id = event.contract_id
        if event.sequence != number or event.contract_id != contract_id:
            raise _Damaged(file, "it is another event")
        events.append(event)
    return tuple(events)


def _may_have_events(folder: Path) -> bool:
    """Whether it has; a folder that cannot be read had some."""
    try:
        return bool(_numbers(folder))
    except _Damaged:
        return True


def _event(file: str) -> Event:
    content = _content(file)
    try:
        return read_event(content)
    except ConfigurationError as error:
        raise _Damaged(file, error.message.removeprefix("an event is damaged: ")) from error


def _content(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise _Damaged(file, "it is missing") from None
    except OSError as error:
        raise _unreadable(file, error) from error


def _id_of(folder: Path) -> str | None:
    """The id that a folder is named after; the first event tells it where the name was shortened."""
    found = original_name(folder.name)
    if found is None:
        with contextlib.suppress(ConfigurationError):
            event = _event(os.path.join(folder, "000001.json"))
            found = event.contract_id if safe_name(event.contract_id) == folder.name else None
    return found


def _renamed(temporary: Path, file: Path) -> bool:
    """Give the file its name under a lock, where there are no hard links; False where the name is taken."""
    import fcntl

    with (file.parent / _LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists():
            return False
        temporary.rename(file)
        return True


def _problem(error: ConfigurationError, folder: Path) -> Problem:
    facts: dict[str, Any] = dict(error.facts)
    file = str(facts.get("file", folder))
    return Problem(code="LP854", severity=Severity.ERROR, message=error.message, file=file, hint=error.hint)


def _unusable(place: Path, error: OSError, what: str) -> ConfigurationError:
    where = error.filename or place
    message = f"'{where}' cannot be {what}: {error.strerror or error}"
    return ConfigurationError(message, "LP856", "check the path, its permissions and its space", {"file": str(where)})
