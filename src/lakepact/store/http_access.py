"""Who may use the store's service: bearer tokens, whose they are, and what they allow."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lakepact.errors import ConfigurationError

__all__ = ["TOKENS_VARIABLE", "Access", "Scope", "Tokens", "fixed_tokens", "read_tokens"]

TOKENS_VARIABLE: Final = "LAKEPACT_STORE_TOKENS"
"""The environment variable that holds the tokens of `serve`, see `read_tokens`."""


class Scope(StrEnum):
    """What a token allows; each allows what the one before it does."""

    READ = "read"
    WRITE = "write"
    DELEGATE = "delegate"
    """Writes in the name of the actor that the request gives; with `WRITE` the actor is always the token's own."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who a token belongs to, and what it allows."""

    actor: str
    scope: Scope = Scope.READ

    def allows(self, scope: Scope) -> bool:
        """Whether that is within what the token allows."""
        order = tuple(Scope)
        return order.index(self.scope) >= order.index(scope)


Tokens = Callable[[str], Access | None]
"""Says whose a token is; None for one that is not, or no longer, valid."""


def fixed_tokens(tokens: Mapping[str, Access]) -> Tokens:
    """Answers with the access of a token; how long that takes says nothing about any token.

    >>> known = fixed_tokens({"s3cret": Access("ada", Scope.WRITE)})
    >>> known("s3cret").actor, known("other")
    ('ada', None)
    """
    hashed = [(_digest(token), access) for token, access in tokens.items()]

    def access_of(token: str) -> Access | None:
        found, wanted = None, _digest(token)
        for digest, access in hashed:
            if hmac.compare_digest(digest, wanted):
                found = access
        return found

    return access_of


def read_tokens(text: str) -> dict[str, Access]:
    """The tokens that `text` lists, as `actor=scope:token` with white space between them.

    Raises ConfigurationError LP874; the message never holds a token.

    >>> read_tokens("ci=write:abc portal=read:def")["abc"]
    Access(actor='ci', scope=<Scope.WRITE: 'write'>)
    """
    found: dict[str, Access] = {}
    for number, entry in enumerate(text.split(), start=1):
        actor, _, rest = entry.partition("=")
        scope, _, token = rest.partition(":")
        if not actor or not token or scope not in {each.value for each in Scope} or token in found:
            message = f"entry {number} of {TOKENS_VARIABLE} is not actor=scope:token, or repeats a token"
            raise ConfigurationError(message, "LP874", f"the scope is {', '.join(Scope)}; write for example ci=write:…")
        found[token] = Access(actor, Scope(scope))
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
