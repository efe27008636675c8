"""Contracts in Delta tables, read and written without Spark or Java by delta-rs.

An event is one commit to one table, `contract_events`, which says at which version of the table it was decided. Delta
gives each version number away once, so of all that decide at the same version one is committed, and the others decide
anew with what it brought (docs/decisions/0007).
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakepact.errors import ConfigurationError, ExtraMissing, Problem, RemoteFailed, Severity, UsageError
from lakepact.store.encoding import sha256_of
from lakepact.store.model import Event
from lakepact.store.tables import (
    CONTRACT_EVENTS,
    CONTRACTS,
    LAYOUT_PROPERTY,
    MIGRATIONS,
    Migration,
    Table,
    contracts_query,
    event_row,
    layout_of,
    migrations_from,
    row_event,
)

try:
    import deltalake
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    from lakepact.store.delta_rows import (
        create_table,
        delta_faults,
        delta_fields,
        one_row,
        python_rows,
        python_values,
        typed_rows,
    )
except ImportError as missing:
    raise ExtraMissing(
        "deltalake is not installed",
        "LP868",
        "pip install 'lakepact[delta]'",
        {"distribution": "deltalake", "extra": "delta"},
    ) from missing

if TYPE_CHECKING:
    from arro3.core import Table as ArrowTable
    from deltalake import DeltaTable

__all__ = ["DeltaJournal", "create_delta", "open_delta"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ENCODED: Final = re.compile("%[0-9A-Fa-f]{2}")
# Each attempt fails only because another writer succeeded, so this many is a crowd, or a table that is broken.
_ATTEMPTS: Final = 200
_PAUSE: Final = 0.005
_SHORTEST: Final = timedelta(hours=1)
_COMPACTED: Final = 32 * 1024 * 1024
# A handle that has written a checkpoint itself goes on with the one that it began with: each commit then goes through
# all that the log says since that, and costs more than the last.
_RENEWED_EVERY: Final = 100
_EVENT_COLUMNS: Final = tuple(column.name for column in CONTRACT_EVENTS.columns if column.name != "document")
_EVENTS: Final = CONTRACT_EVENTS.name


@dataclass(slots=True)
class _Known:
    """The events as of one version of the table, and what is wrong with the rows of some contracts."""

    version: int = -1
    events: dict[str, list[Event]] = field(default_factory=dict)
    damaged: dict[str, ConfigurationError] = field(default_factory=dict)

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Count in rows of the table."""
        touched: set[str] = set()
        for row in rows:
            contract_id = str(row["contract_id"])
            touched.add(contract_id)
            try:
                event = row_event(row, where=f"a row of {_named(contract_id)} in {CONTRACT_EVENTS.name}")
                self.events.setdefault(contract_id, []).append(event)
            except ConfigurationError as error:
                self.damaged[contract_id] = error
        for contract_id in touched & self.events.keys():
            self.events[contract_id].sort(key=lambda event: event.sequence)

    def last(self, contract_id: str) -> int:
        """The highest sequence number that the contract has. Raises where its rows are damaged."""
        if contract_id in self.damaged:
            raise self.damaged[contract_id]
        events = self.events.get(contract_id)
        return events[-1].sequence if events else 0


class DeltaJournal:
    """A journal in the Delta table `contract_events` under `location`: a folder, or an address of object storage.

    `storage_options` are those of delta-rs and reach every request. The store of the place must refuse to overwrite an
    object that is there (local disks, Azure, Google Cloud, S3 with conditional writes; others by a lock that
    `storage_options` names). Events that were read are remembered, so that a later read asks only for what came since.
    A journal may be used by several threads.

    Every `compact_every` commits the writer joins the small files that appends leave (0: never; then call `optimize`).
    """

    def __init__(
        self,
        location: str | Path,
        *,
        storage_options: Mapping[str, str] | None = None,
        compact_every: int = 100,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._location = str(location)
        if "://" not in self._location and _ENCODED.search(str(Path(self._location).absolute())):
            message = f"a Delta table cannot be in '{self._location}': delta-rs would decode the percent sign"
            raise UsageError(message, "LP869", "choose a folder without a percent sign in its path")
        self._options = dict(storage_options or {}) or None
        self._compact_every = compact_every
        self._pause = pause
        self._lock = threading.RLock()
        self._table: DeltaTable | None = None
        # The version with which that handle was opened.
        self._began = 0
        self._known = _Known()

    @property
    def address(self) -> str:
        """The address that `open_store` opens this place by."""
        return f"delta:{self._location}"

    def contract_ids(self) -> tuple[str, ...]:
        """The ids of all contracts that have an event, sorted."""
        with self._fresh() as known:
            return tuple(sorted({*known.events, *known.damaged}))

    def events(self, contract_id: str) -> tuple[Event, ...]:
        """The events of a contract, in sequence. Raises ConfigurationError LP854 where its rows are damaged."""
        with self._fresh() as known:
            if contract_id in known.damaged:
                raise known.damaged[contract_id]
            return tuple(known.events.get(contract_id, ()))

    def all_events(self) -> dict[str, tuple[Event, ...]]:
        """The events of all contracts that are not damaged, by id."""
        with self._fresh() as known:
            return {name: tuple(known.events[name]) for name in sorted(known.events) if name not in known.damaged}

    def document(self, contract_id: str, version: str, sha256: str) -> bytes:
        """The bytes that were put under that hash. Raises ConfigurationError LP854 where they are gone or damaged."""
        with self._fresh():
            query = self._query(_EVENTS, self._table) if self._table is not None else None
        if query is None or not _SHA256.fullmatch(sha256):
            raise _gone(contract_id, version)
        # The same hash means the same bytes, whichever contract they were put for.
        with _talking(self.address):
            found = query.execute(
                f"SELECT document FROM {_EVENTS} WHERE sha256 = '{sha256}' AND document IS NOT NULL LIMIT 1"
            ).read_all()
        for content in python_values(found, "document"):
            if isinstance(content, bytes) and sha256_of(content) == sha256:
                return content
        raise _gone(contract_id, version)

    def damaged(self) -> tuple[Problem, ...]:
        """A problem LP854 for each contract that has a row that is no event."""
        with self._fresh() as known:
            return tuple(
                Problem(code=error.code, severity=Severity.ERROR, message=error.message, file=self.address)
                for _, error in sorted(known.damaged.items())
            )

    def append(self, event: Event, document: bytes | None) -> bool:
        """Add `event` by one commit; False where its sequence number is taken.

        Raises UsageError LP869 for text that is not valid Unicode, which a table cannot hold.
        """
        batch = one_row(CONTRACT_EVENTS, event_row(event, document))
        with self._lock:
            for attempt in range(_ATTEMPTS):
                with self._fresh(create=True) as known:
                    if known.last(event.contract_id) >= event.sequence:
                        return False
                    if self._committed(batch):
                        break
                self._pause(random.uniform(0, _PAUSE * min(attempt + 1, 20)))
            else:
                raise RemoteFailed(f"{self.address} is changed by too many writers at once", "LP865", "try again later")
            self._tidy_when_due()
        return True

    def initialise(self, *, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        """Make both tables where they are absent, and bring older ones to the present layout; the rows stay."""
        with self._fresh(create=True), _talking(self.address):
            for table in (CONTRACT_EVENTS, CONTRACTS):
                opened = self._opened(table, create=True)
                if opened is not None:
                    _migrate(opened, table, migrations)

    def project(self) -> int:
        """Make the table `contracts` again from the events, in one commit; the number of its rows."""
        with self._fresh(create=True):
            query = self._query(_EVENTS, self._table)
        with _talking(self.address):
            rows = query.execute(contracts_query(_EVENTS)).read_all()
            contracts = self._opened(CONTRACTS, create=True)
            assert contracts is not None
            deltalake.write_deltalake(contracts, typed_rows(CONTRACTS, rows), mode="overwrite")
        return int(rows.num_rows)

    def optimize(self, *, keep: timedelta | None = timedelta(days=7)) -> None:
        """Join small files, write a checkpoint, and remove the files of both tables that nobody has read for `keep`.

        With None nothing is removed. Readers and writers may go on meanwhile, if nothing that they do takes longer than
        `keep`. Raises UsageError LP869 where that is less than an hour.
        """
        if keep is not None and keep < _SHORTEST:
            message = f"files that are younger than {_SHORTEST} may be in use"
            raise UsageError(message, "LP869", "give a longer `keep`, or None to remove nothing")
        with self._fresh(), _talking(self.address):
            for table in (self._table, self._opened(CONTRACTS)):
                if table is None:
                    continue
                table.optimize.compact(target_size=_COMPACTED)
                table.create_checkpoint()
                if keep is not None:
                    hours = int(keep / timedelta(hours=1))
                    table.vacuum(hours, dry_run=False, enforce_retention_duration=False)

    @contextmanager
    def _fresh(self, *, create: bool = False) -> Iterator[_Known]:
        """What the table holds now, while no other thread of this journal changes it."""
        with self._lock:
            with _talking(self.address):
                if self._table is None:
                    self._table = self._opened(CONTRACT_EVENTS, create=create)
                    self._began = self._table.version() if self._table is not None else 0
                else:
                    self._advance(self._table)
                if self._table is not None and self._table.version() != self._known.version:
                    self._read(self._table)
            yield self._known

    def _advance(self, table: DeltaTable) -> None:
        try:
            table.update_incremental()
        except DeltaError:
            # Somebody may have put another table in the place of this one; the next call then opens that.
            self._table, self._known = None, _Known()
            raise

    def _opened(self, table: Table, *, create: bool = False) -> DeltaTable | None:
        uri = self._uri(table)
        if not deltalake.DeltaTable.is_deltatable(uri, self._options):
            if not create:
                self._refuse_unknown(uri)
                return None
            # Of several that create at once one succeeds, and all go on with what it made.
            with suppress(DeltaError):
                return create_table(uri, table, self._options)
        opened = deltalake.DeltaTable(uri, storage_options=self._options)
        layout_of(opened.metadata().configuration, where=f"{self.address} ({table.name})")
        return opened

    def _refuse_unknown(self, uri: str) -> None:
        """Raise where there can never be a table: delta-rs says of such a place only that it has none."""
        try:
            deltalake.DeltaTable(uri, storage_options=self._options)
        except TableNotFoundError as error:
            if "Unknown scheme" in str(error):
                raise

    def _uri(self, table: Table) -> str:
        if "://" in self._location:
            return f"{self._location.rstrip('/')}/{table.name}"
        return str((Path(self._location) / table.name).absolute())

    def _query(self, name: str, table: DeltaTable | None) -> deltalake.QueryBuilder:
        assert table is not None
        return deltalake.QueryBuilder().register(name, table)

    def _read(self, table: DeltaTable) -> None:
        """Bring what is known to the version of `table`: by its change feed, or from the whole table."""
        version = table.version()
        if self._known.version >= 0 and (rows := _added(table, self._known.version, version)) is not None:
            self._known.add(rows)
        else:
            known = _Known()
            known.add(
                python_rows(self._query(_EVENTS, table).execute(f"SELECT {', '.join(_EVENT_COLUMNS)} FROM {_EVENTS}"))
            )
            self._known = known
        self._known.version = version

    def _committed(self, batch: ArrowTable) -> bool:
        """Whether the row became the very next version of the table; False where another writer has taken that."""
        assert self._table is not None
        decided = self._table.version()
        # Without this, delta-rs sees that two appends do not touch each other and commits the second one after the
        # first, although it was decided without knowledge of it.
        never_again = deltalake.CommitProperties(max_commit_retries=0)
        with _talking(self.address):
            try:
                deltalake.write_deltalake(self._table, batch, mode="append", commit_properties=never_again)
            except CommitFailedError:
                self._table.update_incremental()
                if self._table.version() == decided:
                    raise
                return False
        return True

    def _tidy_when_due(self) -> None:
        assert self._table is not None
        # The event is kept; that somebody else compacts, or that this must wait, is no failure of it.
        with suppress(DeltaError, OSError):
            if self._compact_every and self._table.version() % self._compact_every == 0:
                self._table.optimize.compact(target_size=_COMPACTED)
            if self._table.version() - self._began >= _RENEWED_EVERY:
                self._renew(self._table)

    def _renew(self, table: DeltaTable) -> None:
        """Go on with a handle that begins at the last checkpoint."""
        renewed = deltalake.DeltaTable(self._uri(CONTRACT_EVENTS), storage_options=self._options)
        # A table that was put into the place of this one is found out by whoever looks next.
        if renewed.metadata().id == table.metadata().id and renewed.version() >= table.version():
            self._table, self._began = renewed, renewed.version()


def open_delta(address: str) -> DeltaJournal:
    """The journal at `delta:PATH`; delta-rs takes credentials of object storage from the environment."""
    return DeltaJournal(address.partition(":")[2])


def create_delta(address: str) -> None:
    """Make the tables at `delta:PATH` where they are absent."""
    open_delta(address).initialise()


def _migrate(opened: DeltaTable, table: Table, migrations: Sequence[Migration]) -> None:
    layout = layout_of(opened.metadata().configuration, where=table.name)
    for step in migrations_from(layout, table.name, migrations=migrations):
        opened.alter.add_columns(delta_fields(step.added))
        opened.alter.set_table_properties({LAYOUT_PROPERTY: str(step.to)}, raise_if_not_exists=False)


def _added(table: DeltaTable, since: int, until: int) -> Sequence[Mapping[str, Any]] | None:
    """The rows that came after version `since`; None where the log no longer says, or says something else."""
    try:
        found = python_rows(table.load_cdf(since + 1, until, columns=[*_EVENT_COLUMNS, "_change_type"]))
    except (DeltaError, OSError, ValueError):
        return None
    return found if all(row["_change_type"] == "insert" for row in found) else None


def _talking(address: str) -> AbstractContextManager[None]:
    """Turn what delta-rs raises into an error that names the place."""
    hint = "check the path, permissions and the storage options"
    return delta_faults(lambda reason: RemoteFailed(f"{address} cannot be used: {reason}", "LP865", hint))


def _named(contract_id: str) -> str:
    return f"'{contract_id}'"


def _gone(contract_id: str, version: str) -> ConfigurationError:
    message = f"the document of {_named(contract_id)} {version} is not in {CONTRACT_EVENTS.name}, or is damaged"
    return ConfigurationError(message, "LP854", "put the table back from a backup, or to an earlier version")
