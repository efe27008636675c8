"""Tables as DDL."""

from lakepact.targets.ddl.render import render, render_text
from lakepact.targets.ddl.types import Dialect, Entry, ExistingColumn, ExistingTable, Refusal, Statement

__all__ = [
    "Dialect",
    "Entry",
    "ExistingColumn",
    "ExistingTable",
    "Refusal",
    "Statement",
    "render",
    "render_text",
]
