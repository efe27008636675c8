"""How SQL reaches a column or a field whose name may hold anything.

Spark replaces `${…}` in SQL text even inside backticks. A name that holds it is written as a string, where the dollar
has an escape.
"""

from __future__ import annotations

from lakepact.sql import identifier, string

__all__ = ["column_sql", "member_sql"]


def column_sql(name: str) -> str:
    r"""A column as an expression.

    >>> column_sql("unit price"), column_sql("${x}")
    ('`unit price`', "IDENTIFIER('`\\u0024{x}`')")
    """
    return f"IDENTIFIER({string(identifier(name))})" if "${" in name else identifier(name)


def member_sql(owner: str, name: str) -> str:
    r"""A field of a struct.

    >>> member_sql("`a`", "b"), member_sql("`a`", "${x}")
    ('`a`.`b`', "`a`['\\u0024{x}']")
    """
    return f"{owner}[{string(name)}]" if "${" in name else f"{owner}.{identifier(name)}"
