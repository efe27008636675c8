"""Values of documents: how sentences show them, and when two of them are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction

__all__ = ["clipped", "exact", "listed", "quoted", "same", "scalar_key", "shown"]

_LONGEST = 60
_MOST_LISTED = 8
_MOST_ZEROS = 400


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
            return f"'{clipped(value)}'"
        case Mapping():
            return clipped("{" + ", ".join(f"{key}: {shown(entry)}" for key, entry in value.items()) + "}")
        case tuple() | list():
            return listed(value) or "nothing"
        case _:
            return clipped(str(value))


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
    return f"`{clipped(name)}`"


def clipped(text: str) -> str:
    """One line of `text`, cut where it is long."""
    flat = " ".join(text.split()) if any(char in text for char in "\r\n\t") else text
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def exact(value: object) -> Fraction | None:
    """A number, or a text that is one, as it is written (0.1 is a tenth); None for anything else.

    Also for a number with hundreds of zeros, which no column holds and whose fraction would fill the memory.

    >>> exact(0.1) == exact("1e-1"), exact("soon"), exact(True), exact("1e-999999999")
    (True, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    if isinstance(value, int):
        return Fraction(value)
    try:
        found = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    if not found.is_finite() or (found and abs(found.adjusted()) > _MOST_ZEROS):
        return None
    return Fraction(found) if found else Fraction(0)


def scalar_key(value: object) -> tuple[str, object]:
    """A key by which scalars are equal as JSON has it: 1 is 1.0 but neither `true` nor the text.

    >>> scalar_key(1) == scalar_key(Decimal("1.0")), scalar_key(1) == scalar_key(True)
    (True, False)
    """
    match value:
        case bool():
            return ("boolean", value)
        case str():
            return ("text", value)
        case int() | float() | Decimal():
            number = exact(value)
            return ("number", repr(value) if number is None else number)
        case _:
            return ("other", repr(value))


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
