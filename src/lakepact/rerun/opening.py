"""Opens an inbox by its address, as `open_store` does for stores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

from lakepact.errors import UsageError
from lakepact.rerun.inbox import Inbox

__all__ = ["INBOX_SCHEMES", "open_inbox"]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)

INBOX_SCHEMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "delta": "lakepact.rerun.delta_inbox:open_delta",
        "memory": "lakepact.rerun.memory_inbox:open_memory",
        "uc": "lakepact.rerun.warehouse_inbox:open_warehouse_inbox",
    }
)
"""Who serves the addresses of a scheme, as `module:function`, imported when an address asks for it."""


def open_inbox(address: str) -> Inbox:
    """The inbox at `address`: `delta:PATH`, `uc:CATALOG.SCHEMA?warehouse=ID`, or `memory:`, gone with the process.

    Raises UsageError LP937 where the address is none, ExtraMissing LP939 where a library is not installed,
    ConfigurationError LP936 where there is no login to the workspace.

    >>> open_inbox("memory:").list()
    ()
    """
    found = _SCHEME.fullmatch(address)
    name, rest = (found[1].lower(), found[2]) if found else ("", "")
    if name not in INBOX_SCHEMES or (name == "delta" and not rest):
        known = " and ".join(f"{each}:" for each in INBOX_SCHEMES)
        raise UsageError(f"'{address}' is no address of an inbox", "LP937", f"known are {known}, such as delta:inbox")
    module, _, function = INBOX_SCHEMES[name].partition(":")
    inbox: Inbox = getattr(import_module(module), function)(f"{name}:{rest}")
    return inbox
