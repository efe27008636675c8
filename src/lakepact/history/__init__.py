"""Versions of contracts over time: references into Git, folder layouts, history, and the gate of a CI."""

from lakepact.history.documents import ContractFile, contract_files
from lakepact.history.gate import GateReport, Judged, Pair, Verdict, gate
from lakepact.history.history import Entry, history
from lakepact.history.layout import DEFAULT_LAYOUT, Layout, repeated_versions, versions_of
from lakepact.history.references import Reference, read_reference
from lakepact.history.revisions import Happening

__all__ = [
    "DEFAULT_LAYOUT",
    "ContractFile",
    "Entry",
    "GateReport",
    "Happening",
    "Judged",
    "Layout",
    "Pair",
    "Reference",
    "Verdict",
    "contract_files",
    "gate",
    "history",
    "read_reference",
    "repeated_versions",
    "versions_of",
]
