"""Whom lakepact trusts at the other end of a connection: read once, as reading costs more than most requests."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

import httpx

__all__ = ["trusted"]


def trusted() -> ssl.SSLContext:
    """The context of all connections: the authorities of certifi, or of SSL_CERT_FILE and SSL_CERT_DIR.

    >>> trusted() is trusted()
    True
    """
    return _read(os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", ""))


@lru_cache(maxsize=4)
def _read(file: str, folder: str) -> ssl.SSLContext:
    # httpx reads the variables itself; they are arguments so that a change of them is seen.
    return httpx.create_ssl_context()
