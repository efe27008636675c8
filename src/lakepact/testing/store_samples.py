"""Contracts, ids and documents that a store must keep as they are, however hostile."""

from __future__ import annotations

import json
from typing import Final

from lakepact.contract import Contract, load_contract

__all__ = ["HOSTILE_BYTES", "HOSTILE_SQL_TEXTS", "HOSTILE_TEXTS", "contract", "document"]

HOSTILE_TEXTS: Final = (
    "orders",
    "Orders",
    "ORDERS",
    "../../escape",
    "..",
    ".",
    "/etc/passwd",
    "C:\\Windows\\system32",
    "a/b",
    "a%2fb",
    "a%2Fb",
    "%",
    "con",
    "nul.txt",
    ".git",
    "-rf",
    "~root",
    "$(reboot)",
    "`reboot`",
    "'; DROP TABLE contracts; --",
    'a"b',
    "a\\b",
    "a\nb",
    "a\tb",
    " a ",
    "a*b?c[d]",
    "a:b|c<d>e",
    "a#b@c",
    "a&b=c;d+e",
    "urn:dc:sales:orders",
    "caf\u00e9",
    "cafe\u0301",
    "\u5951\u7d04",
    "\U0001f986",
    "\u202eevil",
    "x" * 300,
    "x" * 299 + "y",
    "\u00e9" * 300,
)
"""Ids that a place could take for paths, options, patterns, statements, or for each other."""

HOSTILE_SQL_TEXTS: Final = (
    "orders",
    "Orders",
    "$(reboot) ${x}",
    "'; DROP TABLE contracts; --",
    'a"b`c\\d:e?',
    "a\nb\tc",
    "cafe\u0301",
    "caf\u00e9",
    "\U0001f986",
    "x" * 300,
)
"""The same for places where each write takes a second: what statements, JSON and comparisons of text could change."""

HOSTILE_BYTES: Final = (
    b"",
    b"\x00",
    b"plain\n",
    b"no end of line",
    b"\r\n both \r and \n ends \r\n",
    b"quotes ' '' \" \"\" ` ``` and backslashes \\ \\\\ \\n \\' \\\"\n",
    b"${table} $1 {0} %s %(a)s :name ? ; --\n",
    "caf\u00e9 \u5951\u7d04 \U0001f986 \u2028 \u202e\n".encode(),
    b"\xef\xbb\xbfwith a byte order mark\n",
    b"\xff\xfe\xfa not UTF-8\n",
    bytes(range(256)) * 4096,
)
"""Documents as bytes; the last one has 1 MB. They must come back equal."""


def document(
    contract_id: str,
    version: str,
    *,
    columns: tuple[str, ...] = ("order_id",),
    purpose: str = "",
    extra: str = "",
) -> bytes:
    """An ODCS document of one object `orders` with columns of whole numbers; `extra` is added as it is."""
    properties = ", ".join(f"{{name: {column}, logicalType: integer}}" for column in columns)
    lines = [
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {json.dumps(contract_id)}",
        f"version: {json.dumps(version)}",
        "status: active",
        f"description: {{purpose: {json.dumps(purpose)}}}",
        f"schema: [{{name: orders, properties: [{properties}]}}]",
    ]
    return ("\n".join(lines) + "\n" + extra).encode()


def contract(
    contract_id: str = "orders",
    version: str = "1.0.0",
    *,
    columns: tuple[str, ...] = ("order_id",),
    purpose: str = "",
    extra: str = "",
) -> Contract:
    """The same as a contract.

    >>> contract("orders", "1.2.0", columns=("a", "b")).version
    '1.2.0'
    """
    return load_contract(document(contract_id, version, columns=columns, purpose=purpose, extra=extra))
