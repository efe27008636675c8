"""Values of documents: how sentences show them, and when two of them are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

__all__ = ["listed", "quoted", "same", "scalar_key", "shown"]

_LONGEST = 60
_MOST_LISTED = 8


def shown(value: object) -> str:
    """A value as sentences show it: texts in quotes, long ones clipped.

    >>> shown("a"), shown(None), shown(True), shown(Decimal("1.50"))
    ("'a'", 'nothing', 'true', '1.50')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{_clipped(value)}'"
        case Mapping():
            return _clipped("{" + ", ".join(f"{key}: {shown(entry)}" for key, entry in value.items()) + "}")
        case tuple() | list():
            return listed(value) or "nothing"
        case _:
            return _clipped(str(value))


def listed(values: Iterable[object]) -> str:
    """Several values, joined by commas; of many the first.

    >>> listed(["a", 1]), listed(range(10))
    ("'a', 1", '0, 1, 2, 3, 4, 5, 6, 7 and 2 more')
    """
    texts = [shown(value) for value in values]
    more = f" and {len(texts) - _MOST_LISTED} more" if len(texts) > _MOST_LISTED else ""
    return ", ".join(texts[:_MOST_LISTED]) + more


def quoted(name: str) -> str:
    """A name of the document between backticks.

    >>> quoted("orders.amount")
    '`orders.amount`'
    """
    return f"`{_clipped(name)}`"


def _clipped(text: str) -> str:
    flat = " ".join(text.split()) if any(char in text for char in "\r\n\t") else text
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def scalar_key(value: object) -> tuple[str, object]:
    """A key by which scalars are equal as JSON has it: 1 is 1.0 but neither `true` nor the text.

    >>> scalar_key(1) == scalar_key(Decimal("1.0")), scalar_key(1) == scalar_key(True)
    (True, False)
    """
    match value:
        case bool():
            return ("boolean", value)
        case int() | Decimal():
            return ("number", Fraction(value))
        case float():
            return ("number", Fraction(repr(value)))
        case _:
            return ("text" if isinstance(value, str) else "other", value if isinstance(value, str) else repr(value))


def same(old: object, new: object) -> bool:
    """Whether two values of documents are equal, at any depth; a key without a value counts as absent.

    >>> same({"a": [1.0], "b": None}, {"a": [1]}), same({"a": 1}, {"a": True})
    (True, False)
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return all(same(old.get(key), new.get(key)) for key in {**old, **new})
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(same(a, b) for a, b in zip(old, new, strict=True))
    if isinstance(old, Mapping | list | tuple) or isinstance(new, Mapping | list | tuple):
        return False
    return scalar_key(old) == scalar_key(new)
