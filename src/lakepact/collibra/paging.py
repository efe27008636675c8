"""Lists that come in pages: by cursor and by offset, in the two envelopes that Collibra has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol, Self

from lakepact.collibra.failures import not_understood

__all__ = ["ByCursor", "ByOffset", "Pages", "Params"]

Params = Mapping[str, str | int | bool | list[str]]
"""The query of a request; a list becomes a key that is repeated."""

_CONTRACTS: Final = "items"
_CORE: Final = "results"
_CONTRACTS_LIMIT: Final = 500
_CORE_LIMIT: Final = 1000
_MOST_PAGES: Final = 100_000


class Pages(Protocol):
    """A list on its way: ask for what is `asked`, and give it what came, until nothing is asked any more."""

    @property
    def asked(self) -> Params | None:
        """The query of the next page; None after the last one."""
        ...

    def take(self, page: Any) -> list[Mapping[str, Any]]:
        """The items of the page that was asked for. Raises RemoteFailed LP907 for what is no page."""
        ...


class ByCursor:
    """Asks with an empty cursor or none first, then with the one that the page before named.

    A list that names a cursor twice never ends: RemoteFailed LP907.
    """

    def __init__(self, params: Params | None, *, key: str, limit: int, first: Params) -> None:
        self._params: Params = {**(params or {}), "limit": limit}
        self._key = key
        self._seen: set[str] = set()
        self.asked: Params | None = {**self._params, **first}

    @classmethod
    def of_contracts(cls, params: Params | None) -> Self:
        """A list of the data product API, which takes no empty cursor for its first page as a rule."""
        return cls(params, key=_CONTRACTS, limit=_CONTRACTS_LIMIT, first={})

    @classmethod
    def of_core(cls, params: Params | None) -> Self:
        """A list of the core API, which needs an empty cursor: without it that one counts by offset."""
        return cls(params, key=_CORE, limit=_CORE_LIMIT, first={"cursor": ""})

    def take(self, page: Any) -> list[Mapping[str, Any]]:
        """The items of the page that was asked for."""
        items, following = _items(page, self._key), page.get("nextCursor")
        self.asked = None
        if following:
            if not isinstance(following, str) or following in self._seen:
                raise not_understood("a list that never ends")
            self._seen.add(following)
            self.asked = {**self._params, "cursor": following}
        return items


class ByOffset:
    """Asks for a number of items from 0 on, until a page is not full; of the core API."""

    def __init__(self, params: Params | None, *, limit: int = _CORE_LIMIT) -> None:
        self._params: Params = {**(params or {}), "limit": limit}
        self._limit = limit
        self._number = 0
        self.asked: Params | None = {**self._params, "offset": 0}

    def take(self, page: Any) -> list[Mapping[str, Any]]:
        """The items of the page that was asked for."""
        items = _items(page, _CORE)
        self._number += 1
        if self._number >= _MOST_PAGES:
            raise not_understood("a list that never ends")
        full = len(items) >= self._limit
        self.asked = {**self._params, "offset": self._number * self._limit} if full else None
        return items


def _items(page: Any, key: str) -> list[Mapping[str, Any]]:
    found = page.get(key) if isinstance(page, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise not_understood(f"a page without `{key}`")
    return found
