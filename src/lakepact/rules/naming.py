"""Ids of rules: stable, readable, and unique even where only the case of letters differs."""

from __future__ import annotations

__all__ = ["Names"]


class Names:
    """Hands out the ids of one object's rules; a label that was taken gets a number.

    >>> names = Names("orders")
    >>> names.take("id.required"), names.take("ID.required")
    (('orders.id.required', 'id.required'), ('orders.ID.required_2', 'ID.required_2'))
    """

    def __init__(self, object_name: str) -> None:
        self._object = object_name
        self._taken: set[str] = set()

    def take(self, label: str) -> tuple[str, str]:
        """The id (`orders.id.required`) and the name (`id.required`) of a rule with that label."""
        name, number = label, 1
        # Expectation and constraint names do not differ by case everywhere.
        while name.casefold() in self._taken:
            number += 1
            name = f"{label}_{number}"
        self._taken.add(name.casefold())
        return f"{self._object}.{name}", name
