"""Lists that come in pages: by cursor and by offset, in the two envelopes that Collibra has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from lakepact.collibra.failures import not_understood

__all__ = ["CONTRACT_ITEMS", "CORE_RESULTS", "Params", "by_cursor", "by_offset"]

Params = Mapping[str, str | int | bool | list[str]]
"""The query of a request; a list becomes a key that is repeated."""

CONTRACT_ITEMS: Final = "items"
"""Where the data product API keeps the items of a page."""

CORE_RESULTS: Final = "results"
"""Where the core API keeps them."""

_MOST_PAGES: Final = 100_000


def by_cursor(fetch: Callable[[Params], Any], params: Params, *, key: str, limit: int) -> Iterator[Mapping[str, Any]]:
    """All items: asks with an empty cursor first, then with the one that the page before named.

    The data product API takes no empty cursor for its first page as a rule, and the core API needs it: without it that
    one counts by offset. Raises RemoteFailed LP907 for a page that is none, and for a list that never ends.
    """
    cursor = "" if key == CORE_RESULTS else None
    seen: set[str] = set()
    while True:
        page = fetch({**params, "limit": limit} | ({} if cursor is None else {"cursor": cursor}))
        yield from _items(page, key)
        following = page.get("nextCursor")
        if not following:
            return
        if not isinstance(following, str) or following in seen:
            raise not_understood("a list that never ends")
        seen.add(following)
        cursor = following


def by_offset(fetch: Callable[[Params], Any], params: Params, *, key: str, limit: int) -> Iterator[Mapping[str, Any]]:
    """All items: asks for `limit` from 0 on, until a page is not full."""
    for number in range(_MOST_PAGES):
        items = _items(fetch({**params, "limit": limit, "offset": number * limit}), key)
        yield from items
        if len(items) < limit:
            return
    raise not_understood("a list that never ends")


def _items(page: Any, key: str) -> list[Mapping[str, Any]]:
    found = page.get(key) if isinstance(page, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise not_understood(f"a page without `{key}`")
    return found
