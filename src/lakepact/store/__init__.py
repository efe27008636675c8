"""Every version of every contract, with its lifecycle and its audit trail, wherever a team keeps them."""

from lakepact.store.journal import Journal, ReportsDamage
from lakepact.store.journal_store import JournalStore
from lakepact.store.memory import MemoryJournal
from lakepact.store.model import Event, EventKind, Status, StoredVersion, Summary
from lakepact.store.opening import create_store, open_store
from lakepact.store.protocol import ContractStore

__all__ = [
    "ContractStore",
    "Event",
    "EventKind",
    "Journal",
    "JournalStore",
    "MemoryJournal",
    "ReportsDamage",
    "Status",
    "StoredVersion",
    "Summary",
    "create_store",
    "open_store",
]
