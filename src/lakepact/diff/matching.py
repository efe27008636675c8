"""Finds which elements of two lists are the same one: by id, else by name, else by meaning."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

__all__ = ["Key", "numbered", "pairs"]

T = TypeVar("T")
Key = Callable[[T], Hashable | None]


def pairs(old: Sequence[T], new: Sequence[T], keys: Iterable[Key[T]]) -> list[tuple[T | None, T | None]]:
    """Elements with what they were, in the order of `new`; then those that are gone, in the order of `old`.

    The first key that both elements share pairs them; None is no key. Of several with one key the first is taken.

    >>> pairs(["a1", "b2"], ["b3", "c1"], [lambda text: text[0], lambda text: text[1]])
    [('b2', 'b3'), ('a1', 'c1')]
    """
    partner: dict[int, int] = {}
    left = dict.fromkeys(range(len(old)))
    open_new = dict.fromkeys(range(len(new)))
    for key in keys:
        if not left or not open_new:
            break
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for index in left:
            if (found := key(old[index])) is not None:
                waiting[found].append(index)
        for index in list(open_new):
            found = key(new[index])
            if found is not None and (queue := waiting.get(found)):
                partner[index] = queue.popleft()
                del left[partner[index]], open_new[index]
    matched = [(old[partner[i]] if i in partner else None, element) for i, element in enumerate(new)]
    return [*matched, *((old[index], None) for index in left)]


def numbered(names: Iterable[str]) -> list[str]:
    """The names, those that were there before with their number: no two are equal.

    >>> numbered(["a", "b", "a"])
    ['a', 'b', 'a[2]']
    """
    counts: dict[str, int] = defaultdict(int)
    found = []
    for name in names:
        counts[name] += 1
        found.append(name if counts[name] == 1 else f"{name}[{counts[name]}]")
    return found
