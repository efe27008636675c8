"""A journal on a branch of a Git repository: every change is a commit, which people can review before it counts.

lakepact-store.json                          tells that the branch, or a folder of it, is a store, and its layout
contracts/<contract>/<version>.yaml          the document of a version as it is now
contracts/<contract>/events/000001.json      one file an event
contracts/<contract>/replaced/...            documents of drafts that others have taken the place of

To have changes reviewed, make a branch (`git branch proposal main`), let a store work on it (`?branch=proposal`), and
open a pull request. Two branches that change the same contract are in conflict when they are merged: both have an event
of that number. Changes to different contracts merge.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Final

from lakepact.errors import Problem, RemoteFailed
from lakepact.git_command import run_git
from lakepact.store.encoding import event_text, original_name, safe_name, sha256_of
from lakepact.store.event_files import (
    MARK,
    MARK_BYTES,
    Damaged,
    checked,
    damaged_documents,
    document_name,
    event_in,
    event_name,
    event_number,
    trail,
)
from lakepact.store.git_objects import GitObject, TreeChange, TreeEntry, entries_of
from lakepact.store.git_place import MAIN, GitPlace
from lakepact.store.model import Event, EventKind

__all__ = ["GitJournal", "create_git", "open_git"]

_EVENTS: Final = "events"
_REPLACED: Final = "replaced"
# Documents come back from a work tree with the ends of line that they had.
_ATTRIBUTES: Final = b"* -text\n"
_ATTEMPTS: Final = 200
_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.3


class GitJournal:
    """Events and documents on `branch` of the repository in `root`, in a folder of it, which `create_git` has made.

    A change becomes a commit whose author is the actor, and readers see whole commits only. Work trees and indexes are
    never touched; a branch that a work tree is on can be read and is refused for changes. With `remote` the branch is
    that of the remote: reads fetch what is new, and a change counts when the remote has taken it; else pushing is left
    to the user. A journal may be used by several threads.

    Raises ConfigurationError LP860 where there is no repository, branch or store, LP861 where git fails (RemoteFailed
    where a remote does), LP854 where the files of a contract are damaged, and EnvironmentLacking LP780 without `git`.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        *,
        branch: str = MAIN,
        folder: str = "",
        remote: str | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = GitPlace(Path(root), branch, folder, remote)
        self._objects, self._branch = self._place.opened()
        self._pause = pause
        # By folder: its id, which stands for all that is in it, and its events.
        self._known: dict[str, tuple[str, tuple[Event, ...]]] = {}
        self._place.refuse_no_store(self._objects, self._branch.tip())

    @property
    def address(self) -> str:
        """`git:`, the repository, and the branch."""
        return self._place.address

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that have an event, sorted; of a damaged one too, where its folder tells it."""
        folders = self._folders(self._tip())
        trees = self._event_trees(folders)
        there = {name: entry for name, entry in folders.items() if (tree := trees[name]) is None or _events_of(tree)}
        told = self._trails({name: entry for name, entry in there.items() if original_name(name) is None})
        return tuple(sorted(found for name in there if (found := _id_of(name, told)) is not None))

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence; empty where there is none."""
        name, commit = safe_name(contract_id), self._tip()
        folder = self._objects.read([f"{commit}:{self._place.contracts}/{name}"])[0]
        entry = TreeEntry("40000", folder.id) if folder is not None else self._folders(commit).get(name)
        if entry is None or (folder is not None and folder.kind != "tree"):
            return ()
        found = self._trails({name: entry}, contract_id).get(name, ())
        if isinstance(found, Damaged):
            raise found
        return found

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts by id, without those of damaged ones, which `damaged` tells."""
        trails = self._trails(self._folders(self._tip())).values()
        found = {events[0].contract_id: events for events in trails if not isinstance(events, Damaged) and events}
        return dict(sorted(found.items()))

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes that were put under that hash. Raises ConfigurationError LP854 where they are gone or others."""
        folder = f"{self._place.contracts}/{safe_name(contract_id)}"
        file = f"{folder}/{safe_name(version)}.yaml"
        commit = self._tip()
        replaced = f"{folder}/{_REPLACED}/{document_name(version, sha256)}"
        found = [each for each in self._objects.read([f"{commit}:{file}", f"{commit}:{replaced}"]) if each]
        if not found:
            raise Damaged(self._place.named(file), "it is missing")
        whole = next((each.content for each in found if sha256_of(each.content) == sha256), found[-1].content)
        return checked(whole, sha256, self._place.named(file))

    def append(self, event: Event, document: bytes | None) -> bool:
        """Add `event`, with the bytes of a put, as one commit; False where its number is taken."""
        text = event_text(event).encode()
        folder = f"{self._place.contracts}/{safe_name(event.contract_id)}"
        folders = (*self._place.parents(folder), folder, f"{folder}/{_REPLACED}", f"{folder}/{_EVENTS}")
        written: list[str] = []
        for attempt in range(_ATTEMPTS):
            tip = self._tip()
            self._branch.refuse_change()
            change = TreeChange(self._objects, tip, folders)
            taken = change.find(folders[-1], event_name(event.sequence))
            if taken is not None:
                # A push whose answer was lost may have been taken.
                return attempt > 0 and taken.object == written[0]
            written = written or [self._objects.write_blob(each) for each in (text, document) if each is not None]
            change.put(folders[-1], event_name(event.sequence), written[0])
            if document is not None:
                self._put(change, folder, event.version, written[1])
            commit = self._commit(change, tip, event)
            if self._branch.move(commit, tip):
                self._tidy(commit)
                return True
            self._pause(random.uniform(0, min(_LONGEST_PAUSE, _PAUSE * (attempt + 1))))
        raise RemoteFailed(f"{self.address} is changed by too many writers at once", "LP861", "try again later")

    def damaged(self) -> tuple[Problem, ...]:
        """Every contract whose events, and every document whose bytes, are not what was written."""
        problems: list[Problem] = []
        for name, events in self._trails(self._folders(self._tip())).items():
            if isinstance(events, Damaged):
                problems.append(events.problem)
            else:
                place = self._place.named(f"{self._place.contracts}/{name}")
                problems += damaged_documents(events, self.document, place)
        return tuple(dict.fromkeys(problems))

    def _put(self, change: TreeChange, folder: str, version: str, blob: str) -> None:
        """Have the document of a version be `blob`, and keep the one that was there under its hash."""
        name = f"{safe_name(version)}.yaml"
        before = change.find(folder, name)
        if before is not None and before.object != blob:
            old = self._objects.read([before.object])[0]
            if old is None:
                raise Damaged(self._place.named(f"{folder}/{name}"), "it cannot be read")
            change.put(f"{folder}/{_REPLACED}", document_name(version, sha256_of(old.content)), before.object)
        change.put(folder, name, blob)

    def _commit(self, change: TreeChange, parent: str, event: Event) -> str:
        done = f"put as {event.status}" if event.kind is EventKind.PUT else str(event.status)
        subject = f"{event.contract_id} {event.version}: {done}"
        return self._objects.write_commit(
            change.write(), parent, author=event.actor, at=event.at, subject=subject, body=event.reason
        )

    def _tip(self) -> str:
        tip = self._branch.tip()
        if tip is None:
            raise self._place.no_store()
        return tip

    def _tidy(self, commit: str) -> None:
        """Now and then, let git pack what has become many small files; it decides whether, and does it alone."""
        if commit.startswith("00"):
            run_git(self._objects.root, ("gc", "--auto", "--quiet"))

    def _folders(self, commit: str) -> dict[str, TreeEntry]:
        """The folders of contracts by name."""
        found = self._objects.read([f"{commit}:{self._place.contracts}"])[0]
        if found is None or found.kind != "tree":
            raise Damaged(self._place.named(self._place.contracts), "it cannot be read")
        return {name: entry for name, entry in sorted(entries_of(found).items()) if entry.is_folder}

    def _trails(
        self, folders: Mapping[str, TreeEntry], contract_id: str | None = None
    ) -> dict[str, tuple[Event, ...] | Damaged]:
        """The events of the contracts in these folders, or what is wrong with them; without those that have none."""
        known = {name: self._known.get(name, ("", ())) for name in folders}
        contents = self._contents({name: each for name, each in folders.items() if each.object != known[name][0]})
        found: dict[str, tuple[Event, ...] | Damaged] = {}
        for name, entry in folders.items():
            try:
                if name in contents:
                    known[name] = entry.object, self._trail(name, contents[name], contract_id)
                    self._known[name] = known[name]
                if events := known[name][1]:
                    found[name] = events
            except Damaged as error:
                found[name] = error
        return found

    def _trail(self, name: str, contents: dict[int, bytes | None] | None, contract_id: str | None) -> tuple[Event, ...]:
        folder = f"{self._place.contracts}/{name}/{_EVENTS}"
        if contents is None:
            raise Damaged(self._place.named(folder), "it cannot be read")

        def place(number: int) -> str:
            return self._place.named(f"{folder}/{event_name(number)}")

        found = {number: event_in(content, place(number)) for number, content in contents.items()}
        return trail(name, found, place, contract_id)

    def _contents(self, folders: Mapping[str, TreeEntry]) -> dict[str, dict[int, bytes | None] | None]:
        """The bytes of the events of these folders by number, in few requests; None for what cannot be read."""
        trees = self._event_trees(folders)
        events = {name: _events_of(tree) for name, tree in trees.items() if tree is not None}
        blobs = [entry.object for each in events.values() for entry in each.values()]
        read = iter(self._objects.read(blobs) if blobs else [])
        contents = {name: {number: _bytes(next(read)) for number in each} for name, each in events.items()}
        return {name: contents.get(name) for name in folders}

    def _event_trees(self, folders: Mapping[str, TreeEntry]) -> dict[str, dict[str, TreeEntry] | None]:
        """What the folders of events of these contracts have; None where that cannot be read."""
        found = self._objects.read([entry.object for entry in folders.values()]) if folders else []
        trees = {name: entries_of(each) for name, each in zip(folders, found, strict=True) if each is not None}
        inner = {name: entries[_EVENTS].object for name, entries in trees.items() if _EVENTS in entries}
        read = self._objects.read(list(inner.values())) if inner else []
        there = dict(zip(inner, read, strict=True))
        events: dict[str, dict[str, TreeEntry] | None] = {name: {} for name in trees}
        events |= {
            name: entries_of(each) if each is not None and each.kind == "tree" else None for name, each in there.items()
        }
        return {name: events.get(name) for name in folders}


def open_git(address: str) -> GitJournal:
    """The journal at `git:PATH?branch=NAME&folder=PATH&remote=NAME`; the branch is `main` where none is named.

    Raises UsageError LP857 for other options.
    """
    place = GitPlace.of_address(address)
    return GitJournal(place.root, branch=place.branch, folder=place.folder, remote=place.remote)


def create_git(address: str) -> None:
    """Make the branch of a `git:` address a store by a first commit; where it is one, nothing changes.

    A folder that is empty, or not there, becomes a bare repository.
    """
    place = GitPlace.of_address(address)
    place.make()
    objects, branch = place.opened()
    for _ in range(_ATTEMPTS):
        tip = branch.tip()
        if tip is not None and objects.read([f"{tip}:{place.mark}"])[0] is not None:
            break
        branch.refuse_change()
        change = TreeChange(objects, tip, (*place.parents(place.contracts), place.contracts))
        change.put(place.folder, MARK, objects.write_blob(MARK_BYTES))
        change.put(place.contracts, ".gitattributes", objects.write_blob(_ATTRIBUTES))
        commit = objects.write_commit(
            change.write(), tip, author="lakepact", at=datetime.now(UTC), subject="A contract store", body=""
        )
        if branch.move(commit, tip):
            break
    place.refuse_no_store(objects, branch.tip())


def _events_of(entries: Mapping[str, TreeEntry]) -> dict[int, TreeEntry]:
    """The files of events of a folder by number."""
    return {number: entry for name, entry in entries.items() if (number := event_number(name)) is not None}


def _bytes(found: GitObject | None) -> bytes | None:
    return found.content if found is not None and found.kind == "blob" else None


def _id_of(name: str, told: Mapping[str, tuple[Event, ...] | Damaged]) -> str | None:
    """The id that a folder is named after; its events tell it where the name was shortened."""
    found = original_name(name)
    if found is None and not isinstance(events := told.get(name, ()), Damaged) and events:
        found = events[0].contract_id
    return found
