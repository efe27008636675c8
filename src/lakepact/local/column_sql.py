"""SQL text of a Connect `Column`, so that `F.expr(...)`, `F.col(...) > 3` and SQL strings can be given alike.

Connect columns are trees of plain Python objects; they are told apart by the names of their classes, so that nothing of
pyspark is imported here.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from lakepact import sql

__all__ = ["NoSqlText", "column_name", "column_sql"]

_INFIX = {">", "<", ">=", "<=", "==", "<=>", "+", "-", "*", "/", "%", "&", "|", "^", "and", "or"}
_PART = re.compile(r"`((?:[^`]|``)*)`|([^.`]+)")
_EPOCH = dt.date(1970, 1, 1)


class NoSqlText(ValueError):
    """The column holds something that SQL text cannot say (a Python function, a column of another data frame)."""


def column_sql(column: Any) -> str:
    """The SQL expression that `column` stands for; a string is returned as it is.

    Raises NoSqlText where there is none.

    >>> column_sql("a > 1")
    'a > 1'
    """
    return column if isinstance(column, str) else _expression(_tree(column))


def column_name(column: Any) -> str:
    """The name that `column` refers to; a string is returned as it is.

    Raises NoSqlText for an expression.

    >>> column_name("order id")
    'order id'
    """
    if isinstance(column, str):
        return column
    node = _tree(column)
    parts = _parts(node._unparsed_identifier) if type(node).__name__ == "ColumnReference" else []
    if len(parts) != 1:
        raise NoSqlText(f"{node} is not the plain name of a column")
    return parts[0]


def _tree(column: Any) -> Any:
    tree = getattr(column, "_expr", None)
    if tree is None:
        raise NoSqlText(f"{type(column).__name__} is neither SQL text nor a column of this pipeline's session")
    return tree


def _expression(node: Any) -> str:
    match type(node).__name__:
        case "SQLExpression":
            return f"({node._expr})"
        case "ColumnReference" if node._plan_id is None:
            return sql.qualified(_parts(node._unparsed_identifier))
        case "LiteralExpression":
            return _literal(node)
        case "ColumnAlias":
            return _expression(node._child)
        case "CastExpression":
            return _cast(node)
        case "CaseWhen":
            return _case(node)
        case "UnresolvedExtractValue":
            return f"{_expression(node._child)}[{_expression(node._extraction)}]"
        case "UnresolvedFunction" if not node._is_distinct:
            return _function(node._name, [_expression(argument) for argument in node._args])
    raise NoSqlText(f"{node} has no SQL text")


def _parts(name: str) -> list[str]:
    return [quoted.replace("``", "`") if quoted else plain for quoted, plain in _PART.findall(name)]


def _function(name: str, arguments: list[str]) -> str:
    if name in _INFIX and len(arguments) == 2:
        return f"({arguments[0]} {name} {arguments[1]})"
    match name.lower(), arguments:
        case "not", [argument]:
            return f"(NOT {argument})"
        case "isnull", [argument]:
            return f"({argument} IS NULL)"
        case "isnotnull", [argument]:
            return f"({argument} IS NOT NULL)"
        case "in", [argument, *choices]:
            return f"({argument} IN ({', '.join(choices)}))" if choices else "FALSE"
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise NoSqlText(f"the function {name} has no SQL text")
    return f"{name}({', '.join(arguments)})"


def _cast(node: Any) -> str:
    kind = node._data_type if isinstance(node._data_type, str) else node._data_type.simpleString()
    keyword = "TRY_CAST" if "TRY" in str(node._eval_mode or "").upper() else "CAST"
    return f"{keyword}({_expression(node._expr)} AS {kind})"


def _case(node: Any) -> str:
    branches = " ".join(f"WHEN {_expression(test)} THEN {_expression(value)}" for test, value in node._branches)
    otherwise = "" if node._else_value is None else f" ELSE {_expression(node._else_value)}"
    return f"CASE {branches}{otherwise} END"


def _literal(node: Any) -> str:
    value = node._value
    if value is None:
        return "NULL"
    match type(node._dataType).__name__:
        case "DateType":
            return sql.literal(_EPOCH + dt.timedelta(days=value))
        case "TimestampType":
            return f"timestamp_micros({value})"
        case "TimestampNTZType":
            moment = dt.datetime.combine(_EPOCH, dt.time()) + dt.timedelta(microseconds=value)
            return f"TIMESTAMP_NTZ{sql.string(moment.isoformat(sep=' '))}"
    try:
        return sql.literal(value)
    except TypeError as error:
        raise NoSqlText(str(error)) from None
