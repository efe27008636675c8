"""Values of a file as those of the contract's types, as `rules.conversion` has it, in SQL of DuckDB.

The types of the file are known here, so that one branch is written where Spark has to ask. What Spark reads and this
does not is never guessed: `undecided` is TRUE for such values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lakepact.contract.types import ArrayType, AtomicType, SparkType, StructType
from lakepact.quality.duckdb_regex import NeedsSpark
from lakepact.quality.duckdb_text import duckdb_type, quoted, text_literal

__all__ = [
    "Converted",
    "convert",
    "date_of_text",
    "formatted_moment",
    "loose_moment",
    "moment_of_text",
    "number_of_text",
]

_BLANKS: Final = r"[\x{0}-\x{20}\x{7F}]*"
_INTEGER: Final = rf"\A{_BLANKS}([+-]?[0-9]+){_BLANKS}\z"
_NUMBER: Final = r"\A[\x{0}-\x{20}]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[\x{0}-\x{20}]*\z"
_NAMED: Final = r"\A[\x{0}-\x{20}]*([+-]?(?i:inf|infinity)|(?i:nan)|[+-]NaN)[\x{0}-\x{20}]*\z"
_HUGE: Final = r"\A[^1-9eE]*[1-9][^eE]*[eE][+]?[1-9][0-9]{2}"
_PLAIN_DECIMAL: Final = r"\A[\x{0}-\x{20}]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[\x{0}-\x{20}]*\z"
_SPACE: Final = r"[\x{9}-\x{D}\x{20}]"
_DATE: Final = r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
_ANY_DATE: Final = r"[+-]?[0-9]{4,7}-[0-9]{1,2}-[0-9]{1,2}"
_MIDNIGHT: Final = r"(?:[ T](?:0{1,2}:0{1,2}(?::0{1,2}(?:[.]0*)?)?)?)?"
_DAY: Final = rf"\A{_SPACE}*{_DATE}{_MIDNIGHT}{_SPACE}*\z"
_STRANGE_DAY: Final = rf"\A{_SPACE}*(?:[+-]|[0-9]{{5}})[0-9]*-[0-9]"
_TIME: Final = r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]{0,6})0*)?)?"
_OFFSET: Final = r"(Z|UTC|GMT|[+-](?:0?[0-9]|1[0-7])(?::[0-5][0-9])?|[+-]18(?::00)?)"
_LOCAL: Final = rf"\A{_SPACE}*{_DATE}(?:[ T]{_TIME})?{_SPACE}*\z"
_ZONED: Final = rf"\A{_SPACE}*{_DATE}[ T]{_TIME}{_SPACE}?{_OFFSET}{_SPACE}*\z"
# Everything that Spark tries to read as a moment with a zone, or of a far year.
_MAYBE_ZONED: Final = rf"\A{_SPACE}*{_ANY_DATE}[ T][0-9:.]+{_SPACE}?[A-Za-z+-]"
# A moment with everything that it may have, and the text of the first group of a pattern.
_WHOLE: Final = (
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?\z"
)
_FIRST: Final = r"\1"
_LONG_FRACTION: Final = r"([.][0-9]{6})[0-9]+"
_WORD: Final = rf"\A{_BLANKS}([A-Za-z01]+){_BLANKS}\z"
_LOOSE_DAY: Final = rf"\A{_BLANKS}([0-9]{{4}}(?:-[0-9]{{1,2}}(?:-[0-9]{{1,2}}(?:[ T].*)?)?)?){_BLANKS}\z"
_WIDTHS: Final = {"TINYINT": 2**7, "SMALLINT": 2**15, "INT": 2**31, "BIGINT": 2**63}
_FIELDS: Final = {
    "yyyy": "[0-9]{4}",
    "MM": "[0-9]{2}",
    "dd": "[0-9]{2}",
    "HH": "[0-9]{2}",
    "mm": "[0-9]{2}",
    "ss": "[0-9]{2}",
}
_UTC: Final = frozenset({"UTC", "Etc/UTC", "Z", "GMT"})
# The sizes of the hour that clocks have twice when summer ends.
_OVERLAPS: Final = ("2 hours", "1 hour", "30 minutes")


@dataclass(frozen=True, slots=True)
class Converted:
    """A value: `sql` is NULL where it does not fit, `undecided` TRUE where only Spark can tell, '' if that is nowhere.

    With `lossy` a value does not fit exactly where `sql` makes NULL of what is not; `fits` is SQL that is FALSE where
    something inside of a value does not fit, '' where that cannot be.
    """

    sql: str
    fits: str = ""
    undecided: str = ""
    lossy: bool = False

    def test(self, raw: str) -> str:
        """SQL that is FALSE where a value of `raw` does not fit; '' where all do."""
        return f"({raw} IS NULL OR {self.sql} IS NOT NULL)" if self.lossy else self.fits


def convert(raw: str, found: SparkType, wanted: SparkType, *, zone: str, pattern: str | None) -> Converted:
    """The SQL expression `raw` of type `found` as a value of type `wanted`.

    Raises NeedsSpark for types between which only Spark converts.
    """
    return _Conversion(zone, pattern).value(raw, found, wanted)


class _Conversion:
    def __init__(self, zone: str, pattern: str | None) -> None:
        self._zone = zone
        self._pattern = pattern
        self._variables = 0

    def value(self, raw: str, found: SparkType, wanted: SparkType) -> Converted:
        if found == wanted:
            return Converted(raw)
        match found, wanted:
            case AtomicType(), AtomicType():
                made = self._atomic(raw, found.ddl, wanted.ddl)
                return Converted(made.sql, undecided=made.undecided, lossy=wanted.ddl != "STRING")
            case ArrayType(element=element), ArrayType(element=other):
                return self._items(raw, element, other)
            case StructType(), StructType():
                return self._struct(raw, found, wanted)
        raise NeedsSpark(f"the conversion of {found.ddl} to {wanted.ddl}")

    def _items(self, raw: str, found: SparkType, wanted: SparkType) -> Converted:
        self._variables += 1
        item = f"_i{self._variables}"
        made = self.value(item, found, wanted)
        test = made.test(item)
        fits = f"({raw} IS NULL OR len(list_filter({raw}, lambda {item}: NOT {test})) = 0)" if test else ""
        doubt = f"len(list_filter({raw}, lambda {item}: {made.undecided})) > 0" if made.undecided else ""
        return Converted(f"list_transform({raw}, lambda {item}: {made.sql})", fits, doubt)

    def _struct(self, raw: str, found: StructType, wanted: StructType) -> Converted:
        there = {field.name.casefold(): field for field in found.fields}
        values, fits, doubts = [], [], []
        for field in wanted.fields:
            source = there.get(field.name.casefold())
            if source is None:
                raise NeedsSpark(f"a struct without the field {field.name!r}")
            part = f"struct_extract({raw}, {text_literal(source.name)})"
            made = self.value(part, source.type, field.type)
            values.append(f"{quoted(field.name)} := {made.sql}")
            fits += [test] if (test := made.test(part)) else []
            doubts += [made.undecided] if made.undecided else []
        sql = f"CASE WHEN {raw} IS NOT NULL THEN struct_pack({', '.join(values)}) END"
        return Converted(sql, " AND ".join(f"({each})" for each in fits), " OR ".join(f"({each})" for each in doubts))

    def _atomic(self, raw: str, found: str, wanted: str) -> Converted:
        if found == "VOID":
            return Converted(f"CAST(NULL AS {duckdb_type(AtomicType(wanted))})")
        text = found == "STRING" or found.startswith("VARCHAR")
        if wanted.startswith("VARCHAR") or wanted == "STRING":
            return Converted(_text(raw, found, wanted))
        if text:
            return self._of_text(raw, wanted)
        if self._pattern is not None:
            raise NeedsSpark(f"{found} in the format {self._pattern}")
        return Converted(_of_value(raw, found, wanted))

    def _of_text(self, raw: str, wanted: str) -> Converted:
        if wanted in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ"):
            if self._pattern is not None:
                return formatted_moment(raw, self._pattern, wanted, zone=self._zone)
            if wanted == "DATE":
                parts = [f"regexp_extract({raw}, {text_literal(_DAY)}, {number})" for number in (1, 2, 3)]
                sql = f"TRY_CAST({parts[0]} || '-' || {parts[1]} || '-' || {parts[2]} AS DATE)"
                return Converted(sql, undecided=f"regexp_matches({raw}, {text_literal(_STRANGE_DAY)})")
            return moment_of_text(raw, wanted, zone=self._zone)
        return number_of_text(raw, wanted)


def _text(raw: str, found: str, wanted: str) -> str:
    exact = found in ("STRING", "BOOLEAN", "DATE", *_WIDTHS) or found.startswith(("VARCHAR", "DECIMAL"))
    if not exact:
        raise NeedsSpark(f"the text of {found}")
    text = raw if found == "STRING" else f"CAST({raw} AS VARCHAR)"
    length = re.sub(r"[^0-9]", "", wanted)
    return f"CASE WHEN length({text}) <= {length} THEN {text} END" if length else text


def number_of_text(raw: str, wanted: str) -> Converted:
    """Text as a number or a boolean."""
    kind = duckdb_type(AtomicType(wanted))
    if wanted in _WIDTHS:
        return Converted(f"TRY_CAST(nullif(regexp_extract({raw}, {text_literal(_INTEGER)}, 1), '') AS {kind})")
    if wanted in ("FLOAT", "DOUBLE"):
        number = f"TRY_CAST(nullif(regexp_extract({raw}, {text_literal(_NUMBER)}, 1), '') AS {kind})"
        # A number that is too large becomes an infinity that nobody wrote.
        finite = f"CASE WHEN NOT isinf({number}) THEN {number} END"
        named = f"lower(regexp_extract({raw}, {text_literal(_NAMED)}, 1))"
        others = " ".join(
            f"WHEN {named} IN ({words}) THEN CAST('{value}' AS {kind})"
            for value, words in (
                ("inf", "'inf', '+inf', 'infinity', '+infinity'"),
                ("-inf", "'-inf', '-infinity'"),
                ("nan", "'nan', '+nan', '-nan'"),
            )
        )
        return Converted(f"CASE WHEN {named} = '' THEN {finite} {others} END")
    if wanted == "BOOLEAN":
        bare = f"lower(regexp_extract({raw}, {text_literal(_WORD)}, 1))"
        yes, no = "('t', 'true', 'y', 'yes', '1')", "('f', 'false', 'n', 'no', '0')"
        return Converted(f"CASE WHEN {bare} IN {yes} THEN TRUE WHEN {bare} IN {no} THEN FALSE END")
    if wanted.startswith("DECIMAL"):
        scale = int(re.findall(r"\d+", wanted)[1])
        plain = f"regexp_matches({raw}, {text_literal(_PLAIN_DECIMAL)})"
        beyond = text_literal(rf"[.][0-9]{{{scale}}}[0-9]*[1-9]")
        sql = f"CASE WHEN {plain} AND NOT regexp_matches({raw}, {beyond}) THEN TRY_CAST({raw} AS {wanted}) END"
        odd = f"regexp_matches({raw}, {text_literal(_NUMBER)}) AND NOT {plain}"
        # Nothing of fewer than fifty characters that is multiplied by so much is a decimal.
        huge = f"length({raw}) < 50 AND regexp_matches({raw}, {text_literal(_HUGE)})"
        return Converted(sql, undecided=f"({odd} AND NOT ({huge}))")
    raise NeedsSpark(f"text as {wanted}")


def date_of_text(raw: str) -> Converted:
    """Text as Spark's own cast to DATE reads it: also a year or a month, and with anything after a blank or a T."""
    bare = f"regexp_extract({raw}, {text_literal(_LOOSE_DAY)}, 1)"
    numbers = text_literal(r"\A([0-9]+)-?([0-9]*)-?([0-9]*)")
    parts = [f"nullif(regexp_extract({bare}, {numbers}, {n}), '')" for n in (1, 2, 3)]
    sql = f"TRY_CAST({parts[0]} || '-' || coalesce({parts[1]}, '1') || '-' || coalesce({parts[2]}, '1') AS DATE)"
    strange = rf"\A{_BLANKS}(?:[+-]|[0-9]{{5}})|[^\x{{20}}-\x{{7E}}]"
    return Converted(sql, undecided=f"regexp_matches({raw}, {text_literal(strange)})")


def moment_of_text(raw: str, wanted: str, *, zone: str) -> Converted:
    """Text in ISO 8601 as a timestamp: the whole date, minutes at least where there is a time, a zone or none."""
    local = _stamp(raw, _LOCAL)
    far = f"regexp_matches({raw}, {text_literal(_STRANGE_DAY)})"
    if wanted == "TIMESTAMP_NTZ":
        return Converted(local, undecided=far)
    zoned = f"regexp_matches({raw}, {text_literal(_ZONED)})"
    offset = f"regexp_extract({raw}, {text_literal(_ZONED)}, 8)"
    away = _offset_interval(offset)
    sql = f"CASE WHEN {zoned} THEN timezone('UTC', {_stamp(raw, _ZONED)} - {away}) ELSE {_in_zone(local, zone)} END"
    doubt = f"({far} OR (regexp_matches({raw}, {text_literal(_MAYBE_ZONED)}) AND NOT {zoned}))"
    return Converted(sql, undecided=doubt)


def loose_moment(raw: str, wanted: str) -> Converted:
    """Text as Spark's own cast to a timestamp reads it, decided where it is written out with seconds."""
    cut = f"regexp_replace({raw}, {text_literal(_LONG_FRACTION)}, {text_literal(_FIRST)})"
    made = moment_of_text(cut, wanted, zone="UTC")
    plain = f"regexp_matches({raw}, {text_literal(_WHOLE)})"
    unknown = f"({made.sql} IS NULL AND {raw} IS NOT NULL)"
    return Converted(made.sql, undecided=f"({made.undecided} OR {unknown}) AND NOT {plain}")


def _stamp(raw: str, pattern: str) -> str:
    """A timestamp without zone from the groups of `pattern`: year, month, day, hour, minute, second, fraction."""
    group = [f"regexp_extract({raw}, {text_literal(pattern)}, {number})" for number in range(1, 8)]
    clock = [f"coalesce(nullif({part}, ''), '0')" for part in group[3:6]]
    day = f"{group[0]} || '-' || {group[1]} || '-' || {group[2]}"
    # 24:00 is a time for DuckDB, and none for Spark; so is a second 60.
    sane = f"CAST({clock[0]} AS INTEGER) < 24 AND CAST({clock[1]} AS INTEGER) < 60 AND CAST({clock[2]} AS INTEGER) < 60"
    time = " || ':' || ".join(f"lpad({part}, 2, '0')" for part in clock)
    text = f"{day} || ' ' || {time} || '.' || rpad({group[6]}, 6, '0')"
    return f"CASE WHEN {sane} THEN TRY_CAST({text} AS TIMESTAMP) END"


def _offset_interval(offset: str) -> str:
    hours = f"CAST(coalesce(nullif(regexp_extract({offset}, '[+-]([0-9]+)', 1), ''), '0') AS INTEGER)"
    minutes = f"CAST(coalesce(nullif(regexp_extract({offset}, ':([0-9]+)', 1), ''), '0') AS INTEGER)"
    sign = f"CASE WHEN starts_with({offset}, '-') THEN -1 ELSE 1 END"
    return f"to_minutes({sign} * ({hours} * 60 + {minutes}))"


def _in_zone(local: str, zone: str) -> str:
    """The moment of a local time; of a time that clocks show twice, the first, as Java has it."""
    if zone in _UTC:
        return f"timezone('UTC', {local})"
    if not re.fullmatch(r"[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+)+", zone):
        raise NeedsSpark(f"the zone {zone!r}")
    name = text_literal(zone)
    last = f"timezone({name}, {local})"
    earlier = " ".join(
        f"WHEN timezone({name}, {last} - INTERVAL '{size}') = {local} THEN {last} - INTERVAL '{size}'"
        for size in _OVERLAPS
    )
    return f"CASE {earlier} ELSE {last} END"


def formatted_moment(raw: str, pattern: str, wanted: str, *, zone: str) -> Converted:
    """Text in a Java date pattern of numbers of fixed width, as a DATE or a timestamp.

    Raises NeedsSpark for another pattern.
    """
    expected, groups = _fixed_width(pattern)
    shown = text_literal(rf"\A{expected}\z")

    def part(name: str, without: str) -> str:
        return f"regexp_extract({raw}, {shown}, {groups[name]})" if name in groups else f"'{without}'"

    if not {"yyyy", "MM", "dd"} <= groups.keys():
        raise NeedsSpark(f"the date format {pattern}")
    day = f"{part('yyyy', '')} || '-' || {part('MM', '')} || '-' || {part('dd', '')}"
    clock = f"{part('HH', '00')} || ':' || {part('mm', '00')} || ':' || {part('ss', '00')}"
    sane = f"{part('HH', '00')} < '24' AND {part('ss', '00')} < '60' AND {part('yyyy', '')} > '0000'"
    local = (
        f"CASE WHEN regexp_matches({raw}, {shown}) AND {sane} THEN TRY_CAST({day} || ' ' || {clock} AS TIMESTAMP) END"
    )
    # A year of more digits has a sign in front of it.
    doubt = f"contains({raw}, '+')"
    if wanted == "DATE":
        return Converted(
            f"CASE WHEN date_trunc('day', {local}) = {local} THEN CAST({local} AS DATE) END", undecided=doubt
        )
    if wanted == "TIMESTAMP_NTZ":
        return Converted(local, undecided=doubt)
    return Converted(_in_zone(local, zone), undecided=doubt)


def _fixed_width(pattern: str) -> tuple[str, dict[str, int]]:
    """A pattern of RE2 for texts of the Java pattern, and which group is which field."""
    parts: list[str] = []
    groups: dict[str, int] = {}
    for found in re.finditer(r"'([^']+)'|([A-Za-z])\2*|.", pattern, re.DOTALL):
        run = found[0]
        if found[2]:
            if run not in _FIELDS or run in groups:
                raise NeedsSpark(f"the date format {pattern}")
            groups[run] = len(groups) + 1
            parts.append(f"({_FIELDS[run]})")
        elif run in "'[]{}#":
            raise NeedsSpark(f"the date format {pattern}")
        else:
            parts.append("".join(f"\\x{{{ord(char):X}}}" for char in found[1] or run))
    return "".join(parts), groups


def _of_value(raw: str, found: str, wanted: str) -> str:
    """A value that is no text."""
    kind = duckdb_type(AtomicType(wanted))
    whole = found in _WIDTHS
    if whole and (wanted in _WIDTHS or wanted.startswith("DECIMAL")):
        return f"TRY_CAST({raw} AS {kind})"
    if whole and wanted in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN CAST(CAST({raw} AS {kind}) AS HUGEINT) = {raw} THEN CAST({raw} AS {kind}) END"
    if whole and wanted == "BOOLEAN":
        return f"CASE {raw} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"
    if found in ("FLOAT", "DOUBLE") and wanted in _WIDTHS:
        limit = f"{_WIDTHS[wanted]}::DOUBLE"
        return (
            f"CASE WHEN {raw} = trunc({raw}) AND {raw} >= -{limit} AND {raw} < {limit} THEN CAST({raw} AS {kind}) END"
        )
    if (found, wanted) == ("FLOAT", "DOUBLE"):
        return f"CAST({raw} AS DOUBLE)"
    if (found, wanted) == ("DOUBLE", "FLOAT"):
        return f"TRY_CAST({raw} AS FLOAT)"
    if found.startswith("DECIMAL"):
        return _of_decimal(raw, found, wanted, kind)
    if found == "BOOLEAN" and (wanted in _WIDTHS or wanted in ("FLOAT", "DOUBLE")):
        return f"CAST({raw} AS {kind})"
    if found == "DATE" and wanted == "TIMESTAMP_NTZ":
        return f"CAST({raw} AS TIMESTAMP)"
    raise NeedsSpark(f"the conversion of {found} to {wanted}")


def _of_decimal(raw: str, found: str, wanted: str, kind: str) -> str:
    if wanted in _WIDTHS:
        whole = text_literal(r"\A-?[0-9]+([.]0*)?\z")
        return f"CASE WHEN regexp_matches(CAST({raw} AS VARCHAR), {whole}) THEN TRY_CAST({raw} AS {kind}) END"
    if wanted in ("FLOAT", "DOUBLE"):
        return f"CAST(CAST({raw} AS VARCHAR) AS {kind})"
    if wanted.startswith("DECIMAL"):
        scale = int(re.findall(r"\d+", wanted)[1])
        beyond = text_literal(rf"[.][0-9]{{{scale}}}[0-9]*[1-9]")
        return f"CASE WHEN NOT regexp_matches(CAST({raw} AS VARCHAR), {beyond}) THEN TRY_CAST({raw} AS {kind}) END"
    raise NeedsSpark(f"the conversion of {found} to {wanted}")
