"""An inbox in a Delta table, read and written without Spark or Java by delta-rs.

A commit to the one table `contract_inbox` says at which version of the table it was decided; Delta gives each version
away once, so of all that decide at the same version one is committed, and the others decide anew with what it brought.
What many threads of a process want at the same time goes into one commit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from lakepact.errors import ExtraMissing, RemoteFailed, UsageError
from lakepact.rerun.group_commit import Waiting
from lakepact.rerun.inbox import Purged
from lakepact.rerun.inbox_table import APPEND_ONLY, CONTRACT_INBOX, check_layout, read_record, record_row
from lakepact.rerun.journaled import Clock, utc_now
from lakepact.rerun.optimistic import OptimisticInbox, Patience
from lakepact.rerun.records import Book, Record, purged_names
from lakepact.rerun.signatures import DELIVERY_ID
from lakepact.sql import string

try:
    import deltalake
    from deltalake.exceptions import CommitFailedError, DeltaError

    from lakepact.store.delta_rows import arrow_rows, create_table, delta_faults, python_rows
except ImportError as missing:
    raise ExtraMissing(
        "deltalake is not installed",
        "LP939",
        "pip install 'lakepact[delta]'",
        {"distribution": "deltalake", "extra": "delta"},
    ) from missing

__all__ = ["DeltaInbox", "open_delta"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = tuple(column.name for column in CONTRACT_INBOX.columns)
_TABLE: Final = CONTRACT_INBOX.name
# So many in vain are a crowd, or a table that is broken. Who comes alone does not wait for others; who comes in a crowd
# has an answer within `soon` where commits are as fast as they should be.
_PATIENCE: Final = Patience(attempts=200, pause=0.005, gathering=0.01, soon=0.03)
_COMPACTED: Final = 32 * 1024 * 1024
# Small, because it is done often: files of this size are not written again.
_JOINED: Final = 1024 * 1024
_SHORTEST: Final = timedelta(hours=1)
# A commit reads again what the log says since the checkpoint that its handle began with: 0.1 ms for each commit, and so
# does a checkpoint, which costs some 20 ms besides. Together that is least at about this number.
_CHECKPOINT_EVERY: Final = 20
# To join files is a commit of its own, and the one that it overtakes is made twice: it is done after so many seconds
# without one, or when so many times more files than are joined have come without a pause.
_CALM: Final = 1.0
_AT_THE_LATEST: Final = 20
# Without this, delta-rs sees that two appends do not touch each other and commits the second one after the first,
# although it was decided without knowledge of it.
_NEVER_AGAIN: Final = deltalake.CommitProperties(max_commit_retries=0)
# Somebody waits for the commit; what tidies up is done beside it.
_NOTHING_MORE: Final = deltalake.PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
_PLAIN: Final = deltalake.WriterProperties(compression="UNCOMPRESSED")


class DeltaInbox(OptimisticInbox):
    """An inbox in the Delta table `contract_inbox` under `location`: a folder, or an address of object storage.

    `storage_options` are those of delta-rs. The storage must refuse to overwrite an object that is there (local disks,
    Azure, Google Cloud, S3 with conditional writes). What was written outlives the process; that it outlives a power
    failure is up to the disk, for delta-rs does not ask it to flush.

    After `compact_every` commits of this object the small files that appends leave are joined when the next comes after
    a pause, in a thread of its own (0: never; then call `optimize`).
    """

    def __init__(
        self,
        location: str | Path,
        *,
        storage_options: Mapping[str, str] | None = None,
        compact_every: int = 50,
        clock: Clock = utc_now,
        max_attempts: int = 10,
    ) -> None:
        super().__init__(_PATIENCE, clock=clock, max_attempts=max_attempts)
        self._location = str(location)
        if "://" not in self._location and "%" in self._location:
            message = f"a Delta table cannot be in '{self._location}': delta-rs would decode the percent sign"
            raise UsageError(message, "LP937", "choose a folder without a percent sign in its path")
        self._options = dict(storage_options or {}) or None
        self._compact_every = compact_every
        self._table: deltalake.DeltaTable | None = None
        self._version = -1
        # Commits since files were joined, and since a checkpoint.
        self._commits = 0
        self._logged = 0
        self._committed_at = time.monotonic()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="lakepact-inbox")
        self._tidying: Future[None] | None = None

    @property
    def address(self) -> str:
        """The address that `open_inbox` opens this place by."""
        return f"delta:{self._location}"

    def optimize(self, *, keep: timedelta | None = timedelta(days=7)) -> None:
        """Join small files, write a checkpoint, and remove old logs and files that nobody has read for `keep`.

        With None no such file is removed. Others may go on meanwhile. Raises UsageError LP937 where `keep` is less than
        an hour.
        """
        if keep is not None and keep < _SHORTEST:
            message = f"files that are younger than {_SHORTEST} may be in use"
            raise UsageError(message, "LP937", "give a longer `keep`, or None to remove nothing")
        with _talking(self.address):
            table = self._opened()
            table.optimize.compact(target_size=_COMPACTED)
            table.create_checkpoint()
            table.cleanup_metadata()
            if keep is not None:
                hours = int(keep / timedelta(hours=1))
                table.vacuum(hours, dry_run=False, enforce_retention_duration=False)

    def purge(self, older_than: timedelta, *, dry_run: bool = False) -> Purged:
        """Remove events that are done or dead for longer, and the effects that go with them; then `optimize`."""
        removed = super().purge(older_than, dry_run=dry_run)
        if removed and not dry_run:
            self.optimize()
        return removed

    def _records_of(self, delivery_id: str) -> Sequence[Record]:
        if not DELIVERY_ID.fullmatch(delivery_id):
            return ()
        with self._lock, _talking(self.address):
            self._refresh()
            assert self._table is not None
            query = deltalake.QueryBuilder().register(_TABLE, self._table)
        with _talking(self.address):
            rows = python_rows(query.execute(f"SELECT * FROM {_TABLE} WHERE key = '{delivery_id}' ORDER BY sequence"))
        return tuple(read_record(row, where=self.address) for row in rows)

    def _commit(self, batch: list[Waiting[object]]) -> None:
        super()._commit(batch)
        self._tidy_when_due()

    def _is_lost(self) -> bool:
        # A commit that failed after it was made leaves a table that is ahead of the book.
        return self._table is None or self._table.version() != self._version

    def _proves(self, records: Sequence[Record]) -> bool:
        # Whatever it is: the commit is for one version of the table.
        return True

    def _committed(self, records: list[Record]) -> bool:
        """Whether the records became the very next version of the table; False where another writer has taken that."""

        def append(table: deltalake.DeltaTable) -> None:
            deltalake.write_deltalake(
                table,
                arrow_rows(CONTRACT_INBOX, [record_row(each) for each in records]),
                mode="append",
                commit_properties=_NEVER_AGAIN,
                post_commithook_properties=_NOTHING_MORE,
                writer_properties=_PLAIN,
            )

        if not self._was_next(append):
            return False
        self._book.add(records)
        self._commits += 1
        self._logged += 1
        return True

    def _deleted(self, purged: Purged) -> bool:
        names = purged_names(purged)

        def delete(table: deltalake.DeltaTable) -> None:
            table.delete(
                f"key IN ({', '.join(map(string, names))})",
                commit_properties=_NEVER_AGAIN,
                post_commithook_properties=_NOTHING_MORE,
                writer_properties=_PLAIN,
            )

        assert self._table is not None
        if self._table.metadata().configuration.get(APPEND_ONLY) == "true" and not self._was_next(_allow_removal):
            return False
        if not self._was_next(delete):
            return False
        self._book.forget(names)
        return True

    def _was_next(self, commit: Callable[[deltalake.DeltaTable], None]) -> bool:
        """Whether `commit` made the version after the one that the book is of."""
        assert self._table is not None
        with _talking(self.address):
            try:
                commit(self._table)
            except DeltaError as error:
                self._table.update_incremental()
                came = self._table.version() - self._version
                # Where what came since is no longer in the log, the refusal has another class.
                if came == 0 or (came == 1 and not isinstance(error, CommitFailedError)):
                    raise
                return False
        self._version += 1
        return True

    def _refresh(self) -> None:
        """Bring the book to the present version of the table."""
        with _talking(self.address):
            if self._table is None:
                self._table = self._opened()
            else:
                self._advance(self._table)
            if self._table.version() != self._version:
                self._read(self._table)

    def _advance(self, table: deltalake.DeltaTable) -> None:
        try:
            table.update_incremental()
        except DeltaError:
            # Somebody may have put another table in the place of this one; the next call then opens that.
            self._table, self._book, self._version = None, Book(), -1
            raise

    def _read(self, table: deltalake.DeltaTable) -> None:
        version = table.version()
        rows = _added(table, self._version, version) if self._version >= 0 else None
        book = self._book
        if rows is None:
            book = Book()
            query = deltalake.QueryBuilder().register(_TABLE, table)
            rows = python_rows(query.execute(f"SELECT {', '.join(_COLUMNS)} FROM {_TABLE}"))
        book.add([read_record(row, where=self.address) for row in rows])
        self._book, self._version = book, version

    def _opened(self) -> deltalake.DeltaTable:
        uri = self._uri()
        if not deltalake.DeltaTable.is_deltatable(uri, self._options):
            # Of several that create at once one succeeds, and all go on with what it made.
            with suppress(DeltaError):
                return create_table(uri, CONTRACT_INBOX, self._options)
        table = deltalake.DeltaTable(uri, storage_options=self._options)
        check_layout(table.metadata().configuration, where=self.address)
        return table

    def _uri(self) -> str:
        if "://" in self._location:
            return f"{self._location.rstrip('/')}/{_TABLE}"
        return str((Path(self._location) / _TABLE).absolute())

    def _tidy_when_due(self) -> None:
        with self._lock:
            now = time.monotonic()
            calm, self._committed_at = now - self._committed_at >= _CALM, now
            if self._tidying is not None and not self._tidying.done():
                return
            join = self._compact_every > 0 and self._commits >= self._compact_every * (1 if calm else _AT_THE_LATEST)
            if not join and self._logged < _CHECKPOINT_EVERY:
                return
            self._logged = 0
            if join:
                self._commits = 0
            # A process that ends does not take new work; then somebody else tidies up.
            with suppress(RuntimeError):
                self._tidying = self._background.submit(self._tidy, join=join)

    def _tidy(self, *, join: bool) -> None:
        """Join small files where that is asked for, write a checkpoint, and go on with a handle that begins there."""
        # The events are kept; that somebody else tidies up, or that this must wait, is no failure.
        with suppress(DeltaError, OSError):
            table = deltalake.DeltaTable(self._uri(), storage_options=self._options)
            if join:
                table.optimize.compact(target_size=_JOINED, max_concurrent_tasks=1)
                # At once, so that no more commits are made in vain.
                self._go_on_with(table)
                table = deltalake.DeltaTable(self._uri(), storage_options=self._options)
            table.create_checkpoint()
            self._go_on_with(deltalake.DeltaTable(self._uri(), storage_options=self._options))
            if join:
                table.cleanup_metadata()

    def _go_on_with(self, table: deltalake.DeltaTable) -> None:
        with self._lock:
            table.update_incremental()
            # A table that was put into the place of this one is found out by whoever looks next.
            same = self._table is not None and self._table.metadata().id == table.metadata().id
            if same and table.version() >= self._version:
                self._table = table


def _allow_removal(table: deltalake.DeltaTable) -> None:
    """Let rows be removed from a table that refuses it."""
    table.alter.set_table_properties({APPEND_ONLY: "false"}, commit_properties=_NEVER_AGAIN)


def open_delta(address: str) -> DeltaInbox:
    """The inbox at `delta:PATH`; delta-rs takes credentials of object storage from the environment."""
    return DeltaInbox(address.partition(":")[2])


def _added(table: deltalake.DeltaTable, since: int, until: int) -> Sequence[Mapping[str, Any]] | None:
    """The rows that came after version `since`; None where the log no longer says, or says something else."""
    try:
        found = python_rows(table.load_cdf(since + 1, until, columns=[*_COLUMNS, "_change_type"]))
    except (DeltaError, OSError, ValueError):
        return None
    return found if all(row["_change_type"] == "insert" for row in found) else None


def _talking(address: str) -> AbstractContextManager[None]:
    """Turn what delta-rs raises into an error that names the place."""
    hint = "check the path, permissions and the storage"
    return delta_faults(lambda reason: RemoteFailed(f"{address} cannot be used: {reason}", "LP935", hint))
