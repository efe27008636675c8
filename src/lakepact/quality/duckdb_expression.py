"""Expressions of Spark SQL in SQL of DuckDB, by types: what is not on the list of what was shown equal is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lakepact.contract.types import AtomicType, SparkType, StructType
from lakepact.errors import ExtraMissing
from lakepact.quality.duckdb_functions import FUNCTIONS
from lakepact.quality.duckdb_lexemes import Lexemes
from lakepact.quality.duckdb_numbers import (
    INTEGERS,
    arithmetic_type,
    common_number,
    is_number,
    number_literal,
    widened,
)
from lakepact.quality.duckdb_regex import NeedsSpark, Re2, Unresolved, re2_of
from lakepact.quality.duckdb_text import Value, duckdb_type, is_text, text_literal

__all__ = ["Sql", "Translator", "parsed"]

_BOOLEAN: Final = AtomicType("BOOLEAN")
_STRING: Final = AtomicType("STRING")
_VOID: Final = AtomicType("VOID")
_COMPARISONS: Final = {"EQ": "=", "NEQ": "<>", "GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}
_ARITHMETIC: Final = {"Add": "+", "Sub": "-", "Mul": "*"}
# What a part of a tree may have; everything else changes its meaning in a way that nobody looked at.
_PARTS: Final = frozenset({"this", "expression", "expressions", "negate"})
_OWN_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "Between": frozenset({"low", "high"}),
    "Case": frozenset({"ifs", "default"}),
    "Cast": frozenset({"to", "safe"}),
    "Column": frozenset({"table", "db", "catalog"}),
    "Concat": frozenset({"safe"}),
    "Count": frozenset({"big_int"}),
    "DPipe": frozenset({"safe"}),
    "Div": frozenset({"safe"}),
    "Greatest": frozenset({"ignore_nulls"}),
    "Identifier": frozenset({"quoted"}),
    "If": frozenset({"true", "false"}),
    "Least": frozenset({"ignore_nulls"}),
    "Literal": frozenset({"is_string"}),
    "RegexpReplace": frozenset({"replacement"}),
    "Substring": frozenset({"start", "length"}),
    "TryCast": frozenset({"to", "safe"}),
}
_LINE_END: Final = text_literal(r"[\n\r\x{85}\x{2028}\x{2029}]\z")


@dataclass(frozen=True, slots=True)
class Sql:
    """A translated expression. `undecided` is TRUE for rows on which only Spark can tell; '' where there are none."""

    value: Value
    undecided: str


def parsed(text: str) -> tuple[Any, Lexemes]:
    """The tree of an expression or a query of Spark. Raises NeedsSpark for text that the parser does not read."""
    try:
        from sqlglot import errors, parse_one
    except ImportError:
        raise ExtraMissing("sqlglot is not installed", "LP972", "pip install 'lakepact[duckdb]'") from None
    lexemes = Lexemes()
    try:
        return parse_one(lexemes.taken_out(text), dialect="spark"), lexemes
    except errors.SqlglotError as error:
        raise Unresolved(f"the rule is no SQL: {str(error).splitlines()[0]}") from None


@dataclass(slots=True)
class Translator:
    """Translates expressions over `columns` (by name without case).

    Columns of `unavailable` cannot be read, for the reason. With `aggregates`, functions over rows are understood;
    they take the rows where the SQL `kept` is TRUE, and only columns of `grouped` stand outside of them. `alias` is a
    name of the rows that may stand before a column.
    """

    columns: Mapping[str, Value]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    aggregates: bool = False
    kept: str = ""
    alias: str = ""
    grouped: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    _lexemes: Lexemes = field(default_factory=Lexemes)
    _locals: dict[str, Value] = field(default_factory=dict)
    _doubts: list[str] = field(default_factory=list)
    _inside_aggregate: bool = False

    def expression(self, text: str) -> Sql:
        """The translation of one expression.

        Raises NeedsSpark for what is not known to mean the same, Unresolved for what Spark refuses too.
        """
        tree, self._lexemes = parsed(text)
        return self.tree(tree, self._lexemes)

    def tree(self, tree: Any, lexemes: Lexemes) -> Sql:
        """The translation of a tree that `parsed` gave."""
        self._lexemes, self._doubts = lexemes, []
        value = self.value(tree)
        return Sql(value, " OR ".join(f"({each})" for each in self._doubts))

    def value(self, node: Any) -> Value:
        """The translation of a node."""
        kind = type(node).__name__
        for name, given in node.args.items():
            if given and name not in _PARTS and name not in _OWN_PARTS.get(kind, ()):
                raise NeedsSpark(f"{_shown(node, kind)} with {name}")
        if node.args.get("negate"):
            value = self._value(kind, node)
            return Value(f"(NOT {value.sql})", _BOOLEAN)
        return self._value(kind, node)

    def _value(self, kind: str, node: Any) -> Value:
        if kind in _COMPARISONS:
            return self._compared(_COMPARISONS[kind], self.value(node.this), self.value(node.expression))
        if kind in _ARITHMETIC:
            return self._arithmetic(_ARITHMETIC[kind], self.value(node.this), self.value(node.expression))
        own: Mapping[str, Callable[[Any], Value]] = {
            "Paren": lambda n: self._bracketed(self.value(n.this)),
            "And": lambda n: self._joined(n, "AND"),
            "Or": lambda n: self._joined(n, "OR"),
            "Not": lambda n: Value(f"(NOT {self.boolean(n.this)})", _BOOLEAN),
            "Is": self._is,
            "In": self._in,
            "Between": self._between,
            "NullSafeEQ": self._null_safe,
            "Column": self._column,
            "Dot": self._dot,
            "Bracket": self._bracket,
            "Identifier": lambda n: self._path([n]),
            "Literal": self._literal,
            "Boolean": lambda n: Value("TRUE" if n.this else "FALSE", _BOOLEAN),
            "Null": lambda n: Value("NULL", _VOID),
            "Neg": self._negative,
            "Case": self._case,
            "If": self._if,
            "RegexpLike": self._regexp,
            "Like": self._like,
        }
        if kind in own:
            return own[kind](node)
        name = node.this.casefold() if kind == "Anonymous" else kind
        if name not in FUNCTIONS:
            raise NeedsSpark(_shown(node, name))
        return FUNCTIONS[name](self, node)

    def boolean(self, node: Any) -> str:
        """The SQL of a node that is TRUE, FALSE or NULL."""
        value = self.value(node)
        if value.type == _VOID:
            return "CAST(NULL AS BOOLEAN)"
        if value.type != _BOOLEAN:
            raise NeedsSpark(f"{value.ddl} as a condition")
        return value.sql

    def text_of(self, node: Any) -> str:
        """The text of a literal."""
        value = self.value(node)
        if not isinstance(value.known, str):
            raise NeedsSpark("a text that is computed")
        return value.known

    def doubt(self, sql: str) -> None:
        """Only Spark can tell of rows where `sql` is TRUE."""
        if self._locals:
            raise NeedsSpark("a text inside of an array that may have to be read in another way")
        if self.aggregates and not self._inside_aggregate:
            raise NeedsSpark("a text that may have to be read in another way, among aggregates")
        self._doubts.append(sql)

    def aggregate(self, sql: str) -> str:
        """The SQL of a function over the kept rows."""
        if not self.aggregates or self._locals or self._inside_aggregate:
            raise Unresolved("the rule speaks of one row, and holds a function over many")
        return f"{sql} FILTER (WHERE {self.kept})" if self.kept else sql

    def argument(self, node: Any) -> Value:
        """The translation of what a function over rows is given."""
        if self._inside_aggregate:
            raise Unresolved("a function over rows inside of another")
        self._inside_aggregate = True
        try:
            return self.value(node)
        finally:
            self._inside_aggregate = False

    def with_local(self, name: str, value: Value, body: Any) -> Value:
        """The translation of the body of a lambda whose variable is `name`."""
        before = dict(self._locals)
        self._locals[name.casefold()] = value
        try:
            return self.value(body)
        finally:
            self._locals = before

    def variable(self) -> str:
        """A new name for the variable of a lambda."""
        return f"_l{len(self._locals) + 1}"

    def name_in(self, lexemes: Lexemes, node: Any) -> str:
        """The name that an identifier of the tree of `lexemes` stands for."""
        self._lexemes = lexemes
        return self.name(node)

    def name(self, node: Any) -> str:
        """The name that an identifier stands for."""
        return self._lexemes.name(node.this)

    def _bracketed(self, value: Value) -> Value:
        return Value(f"({value.sql})", value.type, value.known)

    def _joined(self, node: Any, word: str) -> Value:
        left = self.boolean(node.this)
        before = len(self._doubts)
        right = self.boolean(node.expression)
        # Of rows that the left side has decided already, the right side says nothing.
        decided = "FALSE" if word == "AND" else "TRUE"
        self._doubts[before:] = [f"({left}) IS NOT {decided} AND ({each})" for each in self._doubts[before:]]
        return Value(f"({left} {word} {right})", _BOOLEAN)

    def _is(self, node: Any) -> Value:
        asked = type(node.expression).__name__
        if asked == "Null":
            return Value(f"({self.value(node.this).sql} IS NULL)", _BOOLEAN)
        if asked == "Boolean":
            word = "TRUE" if node.expression.this else "FALSE"
            return Value(f"({self.boolean(node.this)} IS {word})", _BOOLEAN)
        raise NeedsSpark(_shown(node, "IS"))

    def _compared(self, operator: str, left: Value, right: Value) -> Value:
        one, other = self.alike(left, right)
        return Value(f"({one.sql} {operator} {other.sql})", _BOOLEAN)

    def _null_safe(self, node: Any) -> Value:
        one, other = self.alike(self.value(node.this), self.value(node.expression))
        return Value(f"({one.sql} IS NOT DISTINCT FROM {other.sql})", _BOOLEAN)

    def alike(self, left: Value, right: Value) -> tuple[Value, Value]:
        """Both as one type in which they compare as they do in Spark."""
        if _VOID in (left.type, right.type):
            wanted = right.type if left.type == _VOID else left.type
            return self._typed(left, wanted), self._typed(right, wanted)
        if is_number(left.ddl) and is_number(right.ddl):
            wanted = AtomicType(
                common_number(left.ddl, right.ddl, known=left.known is not None or right.known is not None)
            )
            return widened(left, wanted), widened(right, wanted)
        if left.type == right.type and isinstance(left.type, AtomicType) and left.ddl not in ("BINARY", "VARIANT"):
            return left, right
        if is_text(left) and is_text(right):
            return left, right
        if isinstance(right.known, str):
            return left, self._moment(right.known, left.ddl)
        if isinstance(left.known, str):
            return self._moment(left.known, right.ddl), right
        raise NeedsSpark(f"a comparison of {left.ddl} with {right.ddl}")

    def _typed(self, value: Value, wanted: SparkType) -> Value:
        if value.type != _VOID:
            return value
        return Value("NULL" if wanted == _VOID else f"CAST(NULL AS {_type(wanted)})", wanted)

    def _moment(self, text: str, ddl: str) -> Value:
        """A text as Spark casts it to be compared with a date or timestamp."""
        day = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
        time = r"([ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?)?"
        if ddl == "DATE" and re.fullmatch(day, text):
            return Value(f"DATE {text_literal(text)}", AtomicType(ddl))
        if ddl in ("TIMESTAMP", "TIMESTAMP_NTZ") and re.fullmatch(day + time, text):
            return self.moment_literal(text, ddl)
        raise NeedsSpark(f"a text compared with {ddl}")

    def moment_literal(self, text: str, ddl: str) -> Value:
        """A date or timestamp that is written out."""
        if ddl == "DATE" and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return Value(f"DATE {text_literal(text)}", AtomicType(ddl))
        found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]([0-9:.]+))?(Z|[+-][0-9]{2}:[0-9]{2})?", text)
        if not found or ddl not in ("TIMESTAMP", "TIMESTAMP_NTZ") or (found[3] and ddl == "TIMESTAMP_NTZ"):
            raise NeedsSpark(f"the literal {text!r} of {ddl}")
        stamp = f"{found[1]} {found[2] or '00:00:00'}"
        # Spark's session is in UTC where lakepact opens it.
        zone = {"Z": "+00:00"}.get(found[3] or "Z", found[3]) if ddl == "TIMESTAMP" else ""
        kind = "TIMESTAMPTZ" if zone else "TIMESTAMP"
        return Value(f"{kind} {text_literal(stamp + (zone or ''))}", AtomicType(ddl))

    def _arithmetic(self, operator: str, left: Value, right: Value) -> Value:
        if not (is_number(left.ddl) and is_number(right.ddl)):
            raise NeedsSpark(f"{left.ddl} {operator} {right.ddl}")
        inner, result = arithmetic_type(operator, left.ddl, right.ddl)
        sides = [widened(each, AtomicType(wanted)).sql for each, wanted in zip((left, right), inner, strict=True)]
        sql = f"({sides[0]} {operator} {sides[1]})"
        if result in INTEGERS and (self._inside_aggregate or not self.aggregates):
            # Spark fails where the result is too large; DuckDB may not, because it turns comparisons round.
            wide = f"CAST({sides[0]} AS HUGEINT) {operator} CAST({sides[1]} AS HUGEINT)"
            sql = f"TRY_CAST({wide} AS {_type(AtomicType(result))})"
            if left.known is None or right.known is None:
                self.doubt(f"{wide} IS NOT NULL AND {sql} IS NULL")
        return Value(sql if not result.startswith("DECIMAL") else f"CAST({sql} AS {result})", AtomicType(result))

    def _in(self, node: Any) -> Value:
        if node.args.get("query") or not node.expressions:
            raise NeedsSpark("IN with a query")
        tested = self.value(node.this)
        pairs = [self.alike(tested, self.value(each)) for each in node.expressions]
        by_type: dict[str, list[Value]] = {}
        for one, other in pairs:
            by_type.setdefault(one.sql, []).append(other)
        tests = [f"{sql} IN ({', '.join(each.sql for each in others)})" for sql, others in by_type.items()]
        return Value("(" + " OR ".join(tests) + ")", _BOOLEAN)

    def _between(self, node: Any) -> Value:
        value = self.value(node.this)
        low = self._compared(">=", value, self.value(node.args["low"]))
        high = self._compared("<=", value, self.value(node.args["high"]))
        return Value(f"({low.sql} AND {high.sql})", _BOOLEAN)

    def _column(self, node: Any) -> Value:
        parts = [node.args.get(part) for part in ("catalog", "db", "table", "this")]
        return self._path([part for part in parts if part is not None])

    def _path(self, parts: Sequence[Any]) -> Value:
        if type(parts[0]).__name__ != "Identifier":
            raise NeedsSpark("a star")
        first = self.name(parts[0])
        if len(parts) > 1 and self.alias and first.casefold() == self.alias.casefold():
            # Spark takes the name of the rows before a column of that name.
            parts = parts[1:]
            first = self.name(parts[0])
        value = self._locals.get(first.casefold()) or self.column(first)
        for part in parts[1:]:
            value = self.member(value, self.name(part))
        return value

    def column(self, name: str) -> Value:
        """A column of the rows."""
        found = name.casefold()
        if found in self.unavailable:
            raise NeedsSpark(self.unavailable[found])
        if found not in self.columns:
            raise Unresolved(f"the rule names {name!r}, which is no column of the object")
        if self.aggregates and not self._inside_aggregate and found not in self.grouped:
            raise Unresolved(f"the rule names {name!r} outside of a function over rows")
        self.used.add(found)
        return self.columns[found]

    def member(self, owner: Value, name: str) -> Value:
        """A field of a struct."""
        if not isinstance(owner.type, StructType):
            raise Unresolved(f"{owner.ddl} has no field {name!r}")
        found = [each for each in owner.type.fields if each.name.casefold() == name.casefold()]
        if len(found) != 1:
            raise Unresolved(f"{owner.ddl} has not one field {name!r}")
        return Value(f"struct_extract({owner.sql}, {text_literal(found[0].name)})", found[0].type)

    def _dot(self, node: Any) -> Value:
        return self.member(self.value(node.this), self.name(node.expression))

    def _bracket(self, node: Any) -> Value:
        owner = self.value(node.this)
        if len(node.expressions) != 1 or not isinstance(owner.type, StructType):
            raise NeedsSpark("an item by its position or key")
        return self.member(owner, self.text_of(node.expressions[0]))

    def _literal(self, node: Any) -> Value:
        if node.is_string:
            text = self._lexemes.text(node.this)
            return Value(text_literal(text), _STRING, text)
        return number_literal(node.this)

    def _negative(self, node: Any) -> Value:
        value = self.value(node.this)
        if not is_number(value.ddl):
            raise NeedsSpark(f"- {value.ddl}")
        known = -value.known if isinstance(value.known, int) else None
        return Value(f"(- {value.sql})", value.type, known)

    def _case(self, node: Any) -> Value:
        if node.this is not None:
            raise NeedsSpark("CASE with an operand")
        branches = [(self.boolean(each.this), self.value(each.args["true"])) for each in node.args["ifs"]]
        default = node.args.get("default")
        return self._chosen(branches, self.value(default) if default is not None else Value("NULL", _VOID))

    def _if(self, node: Any) -> Value:
        other = node.args.get("false")
        branches = [(self.boolean(node.this), self.value(node.args["true"]))]
        return self._chosen(branches, self.value(other) if other is not None else Value("NULL", _VOID))

    def _chosen(self, branches: Sequence[tuple[str, Value]], default: Value) -> Value:
        values = self.same([value for _, value in branches] + [default])
        whens = " ".join(f"WHEN {test} THEN {value.sql}" for (test, _), value in zip(branches, values, strict=False))
        return Value(f"CASE {whens} ELSE {values[-1].sql} END", values[-1].type)

    def same(self, values: Sequence[Value]) -> list[Value]:
        """All as one type; Spark gives NULL the type of the others."""
        wanted: SparkType = next((each.type for each in values if each.type != _VOID), _VOID)
        for value in values:
            if value.type in (wanted, _VOID):
                continue
            if not (is_number(value.ddl) and is_number(wanted.ddl)):
                raise NeedsSpark(f"one of {wanted.ddl} and {value.ddl}")
            wanted = AtomicType(common_number(wanted.ddl, value.ddl, known=False))
        if wanted == _VOID:
            raise NeedsSpark("nothing but NULL")
        return [self._typed(v, wanted) if v.type in (_VOID, wanted) else _as_number(v, wanted) for v in values]

    def _regexp(self, node: Any) -> Value:
        if node.args.get("flag") is not None:
            raise NeedsSpark("a pattern with flags")
        text = self.value(node.this)
        if not is_text(text):
            raise NeedsSpark(f"a pattern searched for in {text.ddl}")
        return self.search(text, re2_of(self.text_of(node.expression)))

    def search(self, text: Value, pattern: Re2) -> Value:
        """Whether the patterns are found."""
        if pattern.very_end:
            self.doubt(f"regexp_matches({text.sql}, {_LINE_END})")
        found = [f"regexp_matches({text.sql}, {text_literal(each)})" for each in pattern.wanted]
        found += [f"NOT regexp_matches({text.sql}, {text_literal(each)})" for each in pattern.refused]
        return Value("(" + " AND ".join(found) + ")", _BOOLEAN)

    def _like(self, node: Any) -> Value:
        text = self.value(node.this)
        if not is_text(text) or type(node.parent).__name__ == "Escape":
            raise NeedsSpark("LIKE of this kind")
        parts = []
        for found in re.finditer(r"\\(.?)|%|_|.", self.text_of(node.expression), re.DOTALL):
            if found[0] in ("%", "_"):
                parts.append(r"[\x{0}-\x{10FFFF}]" + ("*" if found[0] == "%" else ""))
            elif found[0].startswith("\\") and found[1] not in ("%", "_", "\\"):
                raise NeedsSpark("an escape in LIKE")
            else:
                parts.append(f"\\x{{{ord(found[0][-1]):X}}}")
        return self.search(text, Re2(wanted=(r"\A" + "".join(parts) + r"\z",)))


def _as_number(value: Value, wanted: SparkType) -> Value:
    assert isinstance(wanted, AtomicType)
    return widened(value, wanted)


def _type(found: SparkType) -> str:
    try:
        return duckdb_type(found)
    except KeyError:
        raise NeedsSpark(f"the type {found.ddl}") from None


def _shown(node: Any, name: str) -> str:
    known = {"Subquery": "a query in a query", "Window": "a window", "Interval": "an interval", "Div": "a division"}
    return known.get(name, f"{name.upper() if name.islower() else re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name).upper()}")
