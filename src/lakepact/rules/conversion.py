r"""How a source value becomes one of the contract's type, as SQL that never raises.

Nothing is known of the source's type when the SQL is written, so the SQL asks: `typeof(…)` is a constant once Spark has
analysed the query, the branches for other types vanish, and a column that has the right type already costs nothing.

A value that would be lost or changed becomes NULL, at any depth: text that is no number, a fraction for an integer,
overflow, digits beyond the scale, a time of day for a date. What is not a change: another width of the same number, a
decimal as the nearest double, a double as the nearest float, surrounding blanks. Blank text is no number and does not
fit (CSV readers give NULL for an empty cell before this is asked). Text for a date or timestamp must name the whole
date: Spark alone would read '2024' as 2024-01-01 and '10:30' as today. Timestamps without a zone are in the column's
zone. Numbers are not read as dates or timestamps. Fields of structs are taken by name.

A source whose type Spark refuses to cast at all (a DATE for a BIGINT, an atomic value for a struct, a missing field) is
an error of analysis: the schema does not fit, not a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from lakepact.contract.model import LogicalType
from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType, StructType, temporal_kind
from lakepact.rules.access import member_sql
from lakepact.rules.model import TypedColumn
from lakepact.sql import string

__all__ = ["always_fits", "converted", "fits"]

_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_UPPER = {"TINYINT": "128D", "SMALLINT": "32768D", "INT": "2147483648D", "BIGINT": "9223372036854775808D"}

_DATE = r"[+-]?[0-9]{4,7}-[0-9]{1,2}-[0-9]{1,2}"
_MINUTES = r"[0-9]{1,2}:[0-9]{1,2}"
_SECONDS = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}([.][0-9]{0,6}0*)?"
_ZONE = r"\s?[A-Za-z+-][A-Za-z0-9_/+:-]*"
_MIDNIGHT = r"0{1,2}:0{1,2}(:0{1,2}([.]0*)?)?"
_DATE_ONLY = rf"^\s*{_DATE}\s*\z"
_MIDNIGHT_ONLY = rf"^\s*{_DATE}([ T]({_MIDNIGHT})?)?\s*\z"
_LOCAL_MINUTES = rf"^\s*{_DATE}[ T]{_MINUTES}\s*\z"
_LOCAL_SECONDS = rf"^\s*{_DATE}[ T]{_SECONDS}\s*\z"
_ZONED_MINUTES = rf"^\s*{_DATE}[ T]{_MINUTES}{_ZONE}\s*\z"
_ZONED_SECONDS = rf"^\s*{_DATE}[ T]{_SECONDS}{_ZONE}\s*\z"
_LOCAL_TIMESTAMP = rf"^\s*{_DATE}([ T]{_MINUTES}(:[0-9]{{1,2}}([.][0-9]{{0,6}}0*)?)?)?\s*\z"


def converted(raw: str, column: TypedColumn) -> str:
    """SQL for the value of `raw` (a SQL expression of any type) in the column's type; NULL where it does not fit."""
    return _Conversion(column).value(raw, column.type)


def fits(raw: str, typed: str, column: TypedColumn) -> str:
    """SQL that is FALSE exactly if something in `raw` was lost on the way to `typed`, and TRUE otherwise.

    `typed` is the result of `converted(raw, column)`: the same expression, or a column that holds it.
    """
    if always_fits(column):
        return "TRUE"
    return _Conversion(column).fits(raw, typed, column.type)


def always_fits(column: TypedColumn) -> bool:
    """Whether every value fits: a STRING holds the text of anything."""
    return column.type == AtomicType("STRING")


class _Conversion:
    """The SQL of one column; holds the names of lambda variables, which must differ where they nest."""

    def __init__(self, column: TypedColumn) -> None:
        self._format = column.format
        self._zone = column.zone
        self._numbers: Iterator[int] = count(1)

    def value(self, raw: str, target: SparkType) -> str:
        match target:
            case StructType():
                return self._struct(raw, target)
            case ArrayType():
                item = self._variable()
                body = self.value(item, target.element)
                return raw if body == item else f"transform({raw}, {item} -> {body})"
            case MapType():
                return self._map(raw, target)
        return self._atomic(raw, target.ddl)

    def fits(self, raw: str, typed: str, target: SparkType) -> str:
        test = self._inner_fits(raw, typed, target)
        if test == "TRUE":
            return test
        same = f"typeof({raw}) = {string(_typeof(target))}"
        return f"({same} OR {raw} IS NULL OR ({test}))"

    def _inner_fits(self, raw: str, typed: str, target: SparkType) -> str:
        match target:
            case StructType():
                tests = [self._field_fits(raw, typed, f.name, f.type) for f in target.fields]
                return " AND ".join(test for test in tests if test != "TRUE") or "TRUE"
            case ArrayType():
                return self._each_fits(raw, target.element)
            case MapType():
                values = self._each_fits(f"map_values({raw})", target.value)
                if target.key == AtomicType("STRING"):
                    return values
                return f"{typed} IS NOT NULL" + ("" if values == "TRUE" else f" AND {values}")
        return "TRUE" if target.ddl == "STRING" else f"{typed} IS NOT NULL"

    def _field_fits(self, raw: str, typed: str, name: str, target: SparkType) -> str:
        return self.fits(member_sql(raw, name), member_sql(typed, name), target)

    def _each_fits(self, raw: str, target: SparkType) -> str:
        item = self._variable()
        test = self.fits(item, self.value(item, target), target)
        return "TRUE" if test == "TRUE" else f"forall({raw}, {item} -> {test})"

    def _variable(self) -> str:
        return f"_v{next(self._numbers)}"

    def _struct(self, raw: str, target: StructType) -> str:
        parts: list[str] = []
        for field in target.fields:
            parts.append(f"{string(field.name)}, {self.value(member_sql(raw, field.name), field.type)}")
        return f"CASE WHEN {raw} IS NOT NULL THEN named_struct({', '.join(parts)}) END"

    def _map(self, raw: str, target: MapType) -> str:
        key, item = self._variable(), self._variable()
        values = self.value(item, target.value)
        if target.key == AtomicType("STRING"):
            # CAST gives every key a text, and maps of JSON have text keys: two keys cannot become one.
            return f"transform_values({raw}, ({key}, {item}) -> {values})"
        keys = f"transform(map_keys({raw}), {key} -> {self.value(key, target.key)})"
        probe = self._variable()
        whole = f"forall({keys}, {probe} -> {probe} IS NOT NULL)"
        distinct = f"size(array_distinct({keys})) = size(map_keys({raw}))"
        built = f"map_from_arrays({keys}, transform(map_values({raw}), {item} -> {values}))"
        return f"CASE WHEN {whole} AND {distinct} THEN {built} END"

    def _atomic(self, raw: str, ddl: str) -> str:
        if ddl == "STRING":
            return f"CAST({raw} AS STRING)"
        if ddl.startswith("VARCHAR"):
            text = f"CAST({raw} AS STRING)"
            return f"CASE WHEN char_length({text}) <= {re.sub(r'[^0-9]', '', ddl)} THEN {text} END"
        if ddl in _UPPER:
            return _integer(raw, ddl)
        if ddl.startswith("DECIMAL"):
            return _decimal(raw, ddl)
        if ddl in ("FLOAT", "DOUBLE"):
            return _floating(raw, ddl)
        if ddl == "BOOLEAN":
            return _boolean(raw)
        if ddl == "VARIANT":
            text = f"try_parse_json(CAST({raw} AS STRING))"
            return f"CASE WHEN typeof({raw}) LIKE 'string%' THEN {text} ELSE CAST({raw} AS VARIANT) END"
        if ddl == "DATE":
            return self._date(raw)
        if ddl in ("TIMESTAMP", "TIMESTAMP_NTZ"):
            return self._timestamp(raw, ddl)
        return f"try_cast({raw} AS {ddl})"

    def _date(self, raw: str) -> str:
        text = f"CAST({raw} AS STRING)"
        # By way of text where a format is given: Spark refuses to cast the number 20240131 to a DATE in any branch.
        typed = f"try_cast({text} AS DATE)" if self._format is not None else f"try_cast({raw} AS DATE)"
        if self._format is not None:
            parsed = f"try_to_timestamp({text}, {string(self._format)})"
            from_text = f"CAST({parsed} AS DATE)"
            if temporal_kind(self._format) is not LogicalType.DATE:
                from_text = f"CASE WHEN date_trunc('DAY', {parsed}) = {parsed} THEN {from_text} END"
        else:
            from_text = f"CASE WHEN {text} RLIKE {string(_MIDNIGHT_ONLY)} THEN try_cast(substring_index(trim({text}), "
            from_text += "' ', 1) AS DATE) END"
        stamps = (
            f"WHEN typeof({raw}) LIKE 'timestamp%' THEN "
            f"CASE WHEN {text} RLIKE {string(_MIDNIGHT_ONLY)} THEN {typed} END"
        )
        return f"CASE WHEN typeof({raw}) = 'date' THEN {typed} {stamps} {self._text_only(raw, from_text)} END"

    def _timestamp(self, raw: str, ddl: str) -> str:
        text = f"CAST({raw} AS STRING)"
        typed = f"try_cast({raw} AS {ddl})"
        from_text = self._formatted_timestamp(text, ddl) if self._format is not None else self._iso(text, ddl)
        known = "('timestamp', 'timestamp_ntz', 'date')"
        return f"CASE WHEN typeof({raw}) IN {known} THEN {typed} {self._text_only(raw, from_text)} END"

    def _text_only(self, raw: str, from_text: str) -> str:
        # With a format, a number such as 20240131 is text in that format; without one a number is no date.
        if self._format is not None:
            return f"ELSE {from_text}"
        return f"WHEN typeof({raw}) LIKE 'string%' OR typeof({raw}) = 'variant' THEN {from_text}"

    def _formatted_timestamp(self, text: str, ddl: str) -> str:
        pattern = self._format or ""
        if ddl == "TIMESTAMP_NTZ":
            return f"CAST(try_to_timestamp({text}, {string(pattern)}) AS TIMESTAMP_NTZ)"
        if _has_zone(pattern):
            return f"try_to_timestamp({text}, {string(pattern)})"
        return f"try_to_timestamp(concat({text}, ' ', {string(self._zone)}), {string(pattern + ' VV')})"

    def _iso(self, text: str, ddl: str) -> str:
        if ddl == "TIMESTAMP_NTZ":
            return f"CASE WHEN {text} RLIKE {string(_LOCAL_TIMESTAMP)} THEN try_cast({text} AS TIMESTAMP_NTZ) END"
        zone = self._zone
        bare = f"trim({text})"
        # Spark wants seconds before a zone.
        padded = f"regexp_replace({text}, {string('(?<=[ T][0-9]{1,2}:[0-9]{1,2})(?=[^0-9:])')}, ':00')"
        cases = (
            (_LOCAL_SECONDS, f"concat({bare}, {string(' ' + zone)})"),
            (_ZONED_SECONDS, text),
            (_DATE_ONLY, f"concat({bare}, {string(' 00:00:00 ' + zone)})"),
            (_LOCAL_MINUTES, f"concat({bare}, {string(':00 ' + zone)})"),
            (_ZONED_MINUTES, padded),
        )
        return "CASE " + " ".join(_when_matches(text, *case) for case in cases) + " END"


def _when_matches(text: str, pattern: str, shown: str) -> str:
    return f"WHEN {text} RLIKE {string(pattern)} THEN try_cast({shown} AS TIMESTAMP)"


def _integer(raw: str, ddl: str) -> str:
    text = f"CAST({raw} AS STRING)"
    typed = f"try_cast({raw} AS {ddl})"
    double = f"try_cast({raw} AS DOUBLE)"
    exact = f"{double} < {_UPPER[ddl]} AND CAST({typed} AS DOUBLE) = {double}"
    kinds = ", ".join(string(name) for name in (*_INTEGERS, "boolean", "string"))
    return (
        f"CASE WHEN typeof({raw}) IN ({kinds}) THEN {typed} "
        f"WHEN typeof({raw}) IN ('double', 'float') THEN CASE WHEN {exact} THEN {typed} END "
        f"WHEN typeof({raw}) LIKE 'decimal%' THEN "
        f"CASE WHEN {text} RLIKE {string('^-?[0-9]+([.]0*)?$')} THEN {typed} END "
        f"ELSE try_cast({text} AS {ddl}) END"
    )


def _decimal(raw: str, ddl: str) -> str:
    precision, scale = (int(part) for part in re.findall(r"\d+", ddl))
    text = f"CAST({raw} AS STRING)"
    typed = f"try_cast({raw} AS {ddl})"
    wide = f"DECIMAL(38,{38 - precision + scale})"
    from_text = f"try_cast({text} AS {ddl})"
    beyond = string(rf"^\s*[+-]?[0-9]*[.][0-9]{{{scale}}}[0-9]*[1-9][0-9]*\s*$")
    kinds = ", ".join(string(name) for name in (*_INTEGERS, "boolean", ddl.lower()))
    return (
        f"CASE WHEN typeof({raw}) IN ({kinds}) THEN {typed} "
        f"WHEN typeof({raw}) = 'double' THEN "
        f"CASE WHEN CAST({typed} AS DOUBLE) = try_cast({raw} AS DOUBLE) THEN {typed} END "
        f"WHEN typeof({raw}) = 'float' THEN "
        f"CASE WHEN CAST({from_text} AS FLOAT) = try_cast({raw} AS FLOAT) THEN {from_text} END "
        f"WHEN NOT {text} RLIKE {beyond} AND try_cast({text} AS {wide}) = {from_text} THEN {from_text} END"
    )


def _floating(raw: str, ddl: str) -> str:
    text = f"CAST({raw} AS STRING)"
    typed = f"try_cast({raw} AS {ddl})"
    from_text = f"try_cast({text} AS {ddl})"
    # Java also reads '1d', '1f' and hexadecimal floats; a number too large becomes an infinity that nobody wrote.
    odd = string(r"[xX]|[0-9.][dDfF]\s*$")
    infinite = f"abs({from_text}) = CAST('Infinity' AS {ddl})"
    named = string(r"^\s*[+-]?[iI][nN][fF]")
    whole = f"try_cast({raw} AS DECIMAL(38,0))"
    return (
        f"CASE WHEN typeof({raw}) = {string(ddl.lower())} THEN {typed} "
        f"WHEN typeof({raw}) IN ('tinyint', 'smallint', 'int', 'bigint', 'boolean') THEN "
        f"CASE WHEN try_cast({typed} AS DECIMAL(38,0)) = {whole} THEN {typed} END "
        f"WHEN typeof({raw}) IN ('float', 'double') THEN CASE WHEN abs({typed}) <> CAST('Infinity' AS {ddl}) "
        f"OR isnan({typed}) OR abs(try_cast({raw} AS DOUBLE)) = CAST('Infinity' AS DOUBLE) THEN {typed} END "
        f"WHEN NOT {text} RLIKE {odd} AND (NOT {infinite} OR {text} RLIKE {named}) THEN {from_text} END"
    )


def _boolean(raw: str) -> str:
    typed = f"try_cast({raw} AS BOOLEAN)"
    text = f"CAST({raw} AS STRING)"
    whole = f"regexp_replace({text}, {string('[.]0+$')}, '')"
    return (
        f"CASE WHEN typeof({raw}) = 'boolean' THEN {typed} "
        f"WHEN typeof({raw}) LIKE 'string%' THEN try_cast({text} AS BOOLEAN) "
        f"ELSE try_cast({whole} AS BOOLEAN) END"
    )


def _has_zone(pattern: str) -> bool:
    return bool(set("".join(pattern.split("'")[::2])) & set("VzOXxZ"))


def _typeof(target: SparkType) -> str:
    """What `typeof` answers for a value that needs no conversion."""
    match target:
        case ArrayType():
            return f"array<{_typeof(target.element)}>"
        case MapType():
            return f"map<{_typeof(target.key)},{_typeof(target.value)}>"
        case StructType():
            return "struct<" + ",".join(f"{f.name}:{_typeof(f.type)}" for f in target.fields) + ">"
    # A VARCHAR column reads as string, which says nothing of the length: no shortcut.
    return target.ddl.lower()
