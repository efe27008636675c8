"""Functions of Spark SQL that DuckDB computes to the same result, each with the types for which that was shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from lakepact.contract.types import ArrayType, AtomicType, MapType, SparkType
from lakepact.quality.duckdb_conversion import date_of_text, formatted_moment, loose_moment, number_of_text
from lakepact.quality.duckdb_numbers import arithmetic_type, common_number, floating_literal, is_number, widened
from lakepact.quality.duckdb_regex import NeedsSpark, re2_of
from lakepact.quality.duckdb_text import Value, duckdb_type, is_text, text_literal

if TYPE_CHECKING:
    from lakepact.quality.duckdb_expression import Translator

__all__ = ["FUNCTIONS"]

_BOOLEAN: Final = AtomicType("BOOLEAN")
_STRING: Final = AtomicType("STRING")
_INT: Final = AtomicType("INT")
_BIGINT: Final = AtomicType("BIGINT")
_DOUBLE: Final = AtomicType("DOUBLE")
_INTEGERS: Final = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_NAMES: Final = {"TEXT": "STRING", "VARCHAR": "STRING", "TIMESTAMPTZ": "TIMESTAMP", "TIMESTAMPNTZ": "TIMESTAMP_NTZ"}
_BEYOND_ASCII: Final = text_literal(r"[^\x{0}-\x{7F}]")
_LINE_ENDS: Final = text_literal(r"[\n\r\x{85}\x{2028}\x{2029}]")


def _isnan(t: Translator, node: Any) -> Value:
    value = t.value(node.this)
    if value.ddl not in ("FLOAT", "DOUBLE"):
        raise NeedsSpark(f"isnan of {value.ddl}")
    return Value(f"coalesce(isnan({value.sql}), FALSE)", _BOOLEAN)


def _type_of(node: Any) -> AtomicType:
    name = node.this.name
    digits = [each.this.this for each in node.expressions]
    if name == "DECIMAL":
        return AtomicType(f"DECIMAL({','.join(digits)})" if len(digits) == 2 else "DECIMAL(10,0)")
    found = AtomicType(_NAMES.get(name, name))
    try:
        duckdb_type(found)
    except KeyError:
        raise NeedsSpark(f"a cast to {name}") from None
    if digits or node.args.get("nested"):
        raise NeedsSpark(f"a cast to {name}")
    return found


def _cast(t: Translator, node: Any) -> Value:
    wanted = _type_of(node.args["to"])
    inner = node.this
    if type(inner).__name__ == "Literal" and not node.args.get("safe"):
        written = t.value(inner).known if inner.is_string else inner.this
        return _literal(t, str(written), wanted, text=inner.is_string)
    value = t.value(inner)
    if value.type == wanted or (is_text(value) and wanted == _STRING):
        return value
    if value.ddl == "VOID":
        return Value(f"CAST(NULL AS {duckdb_type(wanted)})", wanted)
    if is_text(value):
        if not node.args.get("safe"):
            raise NeedsSpark(f"a cast of text to {wanted.ddl}, which may fail")
        return _cast_text(t, value, wanted)
    return _cast_value(value, wanted, may_fail=not node.args.get("safe"))


def _literal(t: Translator, written: str, wanted: AtomicType, *, text: bool) -> Value:
    if wanted.ddl in ("FLOAT", "DOUBLE"):
        return floating_literal(written, wanted.ddl)
    if wanted.ddl in ("DATE", "TIMESTAMP", "TIMESTAMP_NTZ") and text:
        return t.moment_literal(written, wanted.ddl)
    if wanted.ddl in _INTEGERS and written.isdigit():
        return Value(f"CAST({written} AS {duckdb_type(wanted)})", wanted, int(written))
    if wanted.ddl.startswith("DECIMAL") and written.replace(".", "", 1).isdigit():
        return Value(f"CAST('{written}' AS {wanted.ddl})", wanted)
    if wanted == _STRING and text:
        return Value(text_literal(written), _STRING, written)
    raise NeedsSpark(f"the literal {written!r} as {wanted.ddl}")


def _cast_text(t: Translator, value: Value, wanted: AtomicType) -> Value:
    if wanted.ddl == "DATE":
        made = date_of_text(value.sql)
    elif wanted.ddl in ("TIMESTAMP", "TIMESTAMP_NTZ"):
        made = loose_moment(value.sql, wanted.ddl)
    elif wanted.ddl.startswith("DECIMAL"):
        raise NeedsSpark(f"text as {wanted.ddl}, rounded")
    else:
        made = number_of_text(value.sql, wanted.ddl)
    if made.undecided:
        t.doubt(made.undecided)
    return Value(made.sql, wanted)


def _cast_value(value: Value, wanted: AtomicType, *, may_fail: bool) -> Value:
    sql, found, kind = value.sql, value.ddl, duckdb_type(wanted)
    whole = found in _INTEGERS
    if whole and wanted.ddl in _INTEGERS:
        if may_fail and _INTEGERS.index(found) > _INTEGERS.index(wanted.ddl):
            raise NeedsSpark(f"a cast of {found} to {wanted.ddl}, which may fail")
        return Value(f"TRY_CAST({sql} AS {kind})", wanted, value.known)
    if (whole or found in ("BOOLEAN", "FLOAT")) and wanted == _DOUBLE:
        return Value(f"CAST({sql} AS DOUBLE)", wanted)
    if found.startswith("DECIMAL") and wanted == _DOUBLE and common_number(found, "DOUBLE", known=False):
        return Value(f"CAST({sql} AS DOUBLE)", wanted)
    if found == "BOOLEAN" and wanted.ddl in _INTEGERS:
        return Value(f"CAST({sql} AS {kind})", wanted)
    if whole and wanted == _BOOLEAN:
        return Value(f"({sql} <> 0)", wanted)
    if wanted == _STRING and (whole or found in ("BOOLEAN", "DATE") or found.startswith("DECIMAL")):
        return Value(f"CAST({sql} AS VARCHAR)", wanted)
    return _cast_moment(sql, found, wanted)


def _cast_moment(sql: str, found: str, wanted: AtomicType) -> Value:
    # By Spark's session zone, which is UTC where lakepact opens the session.
    match found, wanted.ddl:
        case "DATE", "TIMESTAMP_NTZ":
            return Value(f"CAST({sql} AS TIMESTAMP)", wanted)
        case "DATE", "TIMESTAMP":
            return Value(f"timezone('UTC', CAST({sql} AS TIMESTAMP))", wanted)
        case "TIMESTAMP_NTZ", "TIMESTAMP":
            return Value(f"timezone('UTC', {sql})", wanted)
        case "TIMESTAMP", "DATE":
            return Value(f"CAST(timezone('UTC', {sql}) AS DATE)", wanted)
        case "TIMESTAMP_NTZ", "DATE":
            return Value(f"CAST({sql} AS DATE)", wanted)
    raise NeedsSpark(f"a cast of {found} to {wanted.ddl}")


def _coalesce(t: Translator, node: Any) -> Value:
    values = t.same([t.value(each) for each in (node.this, *node.expressions)])
    return Value(f"coalesce({', '.join(each.sql for each in values)})", values[0].type)


def _nullif(t: Translator, node: Any) -> Value:
    value = t.value(node.this)
    one, other = t.alike(value, t.value(node.expression))
    return Value(f"CASE WHEN {one.sql} = {other.sql} THEN NULL ELSE {value.sql} END", value.type)


def _extreme(name: str) -> Callable[[Translator, Any], Value]:
    def made(t: Translator, node: Any) -> Value:
        values = t.same([t.value(each) for each in (node.this, *node.expressions)])
        if not isinstance(values[0].type, AtomicType):
            raise NeedsSpark(f"{name} of {values[0].ddl}")
        return Value(f"{name}({', '.join(each.sql for each in values)})", values[0].type)

    return made


def _abs(t: Translator, node: Any) -> Value:
    value = t.value(node.this)
    if not is_number(value.ddl):
        raise NeedsSpark(f"abs of {value.ddl}")
    return Value(f"abs({value.sql})", value.type)


def _rint(t: Translator, node: Any) -> Value:
    value = t.value(node.this if type(node).__name__ != "Anonymous" else node.expressions[0])
    if value.ddl not in ("FLOAT", "DOUBLE"):
        raise NeedsSpark(f"rint of {value.ddl}")
    return Value(f"round_even(CAST({value.sql} AS DOUBLE), 0)", _DOUBLE)


def _divided(t: Translator, node: Any) -> Value:
    left, right = t.value(node.this), t.value(node.expression)
    if not _never_zero(node.expression, right):
        raise NeedsSpark("a division by what may be zero")
    if any(each.ddl.startswith("DECIMAL") for each in (left, right)) and "DOUBLE" not in (left.ddl, right.ddl):
        raise NeedsSpark(f"{left.ddl} / {right.ddl}")
    if not (is_number(left.ddl) and is_number(right.ddl)):
        raise NeedsSpark(f"{left.ddl} / {right.ddl}")
    for each in (left, right):
        common_number(each.ddl, "DOUBLE", known=False)
    return Value(f"({widened(left, _DOUBLE).sql} / {widened(right, _DOUBLE).sql})", _DOUBLE)


def _never_zero(node: Any, value: Value) -> bool:
    while type(node).__name__ == "Paren":
        node = node.this
    kind = type(node).__name__
    if kind == "Nullif":
        zero = node.expression
        return bool(type(zero).__name__ == "Literal" and float(zero.this) == 0 and not zero.is_string)
    if kind == "TryCast" and type(node.this).__name__ == "Literal" and not node.args.get("safe"):
        node = node.this
    elif kind != "Literal":
        return False
    try:
        return float(node.this) != 0
    except ValueError:
        return False


def _remainder(t: Translator, node: Any) -> Value:
    left, right = t.value(node.this), t.value(node.expression)
    if not _never_zero(node.expression, right) or not (is_number(left.ddl) and is_number(right.ddl)):
        raise NeedsSpark("a remainder of what may be zero")
    common = AtomicType(common_number(left.ddl, right.ddl, known=True))
    if common.ddl == "FLOAT":
        raise NeedsSpark("a remainder of FLOAT")
    return Value(f"({widened(left, common).sql} % {widened(right, common).sql})", common)


def _length(t: Translator, node: Any) -> Value:
    value = t.value(node.this)
    if not is_text(value):
        raise NeedsSpark(f"the length of {value.ddl}")
    return Value(f"CAST(length({value.sql}) AS INTEGER)", _INT)


def _size(t: Translator, node: Any) -> Value:
    value = t.value(node.this)
    if isinstance(value.type, MapType):
        return Value(f"CAST(cardinality({value.sql}) AS INTEGER)", _INT)
    if not isinstance(value.type, ArrayType):
        raise NeedsSpark(f"the size of {value.ddl}")
    return Value(f"CAST(len({value.sql}) AS INTEGER)", _INT)


def _distinct(t: Translator, node: Any) -> Value:
    value = t.value(node.this)
    if not isinstance(value.type, ArrayType) or not isinstance(value.type.element, AtomicType):
        raise NeedsSpark(f"array_distinct of {value.ddl}")
    name = t.variable()
    nulls = f"list_filter({value.sql}, lambda {name}: {name} IS NULL)"
    return Value(f"(list_distinct({value.sql}) || {nulls}[1:1])", value.type)


def _every(t: Translator, node: Any) -> Value:
    owner, made = t.value(node.expressions[0]), node.expressions[1]
    name, test = _lambda(t, owner, made)
    wrong = f"len(list_filter({owner.sql}, lambda {name}: NOT {test})) > 0"
    unknown = f"len(list_filter({owner.sql}, lambda {name}: {test} IS NULL)) > 0"
    return Value(
        f"CASE WHEN {wrong} THEN FALSE WHEN {unknown} OR {owner.sql} IS NULL THEN NULL ELSE TRUE END", _BOOLEAN
    )


def _some(t: Translator, node: Any) -> Value:
    owner = t.value(node.this)
    if type(node.expression).__name__ != "Lambda":
        raise NeedsSpark("EXISTS with a query")
    name, test = _lambda(t, owner, node.expression)
    found = f"len(list_filter({owner.sql}, lambda {name}: {test})) > 0"
    unknown = f"len(list_filter({owner.sql}, lambda {name}: {test} IS NULL)) > 0"
    return Value(
        f"CASE WHEN {found} THEN TRUE WHEN {unknown} OR {owner.sql} IS NULL THEN NULL ELSE FALSE END", _BOOLEAN
    )


def _lambda(t: Translator, owner: Value, node: Any) -> tuple[str, str]:
    if type(node).__name__ != "Lambda" or len(node.expressions) != 1 or not isinstance(owner.type, ArrayType):
        raise NeedsSpark(f"a function on the items of {owner.ddl}")
    variable = t.variable()
    value = t.with_local(t.name(node.expressions[0]), Value(variable, owner.type.element), node.this)
    if value.type != _BOOLEAN:
        raise NeedsSpark(f"{value.ddl} as a condition")
    return variable, value.sql


def _entries(part: str) -> Callable[[Translator, Any], Value]:
    def made(t: Translator, node: Any) -> Value:
        value = t.value(node.expressions[0] if type(node).__name__ == "Anonymous" else node.this)
        if not isinstance(value.type, MapType):
            raise NeedsSpark(f"map_{part}s of {value.ddl}")
        element: SparkType = value.type.key if part == "key" else value.type.value
        return Value(f"map_{part}s({value.sql})", ArrayType(element))

    return made


def _contains_key(t: Translator, node: Any) -> Value:
    if type(node.this).__name__ != "MapKeys":
        raise NeedsSpark("array_contains, where items may be NULL")
    keys = t.value(node.this)
    assert isinstance(keys.type, ArrayType)
    wanted = t.value(node.expression)
    if wanted.type != keys.type.element or wanted.known is None:
        raise NeedsSpark(f"array_contains of {wanted.ddl}")
    return Value(f"list_contains({keys.sql}, {wanted.sql})", _BOOLEAN)


def _changed_case(name: str) -> Callable[[Translator, Any], Value]:
    def made(t: Translator, node: Any) -> Value:
        value = _text(t, node.this, name)
        t.doubt(f"regexp_matches({value.sql}, {_BEYOND_ASCII})")
        return Value(f"{name}({value.sql})", _STRING)

    return made


def _text(t: Translator, node: Any, name: str) -> Value:
    value = t.value(node)
    if not is_text(value):
        raise NeedsSpark(f"{name} of {value.ddl}")
    return value


def _trim(t: Translator, node: Any) -> Value:
    if node.args.get("expression") is not None or node.args.get("position"):
        raise NeedsSpark("TRIM of this kind")
    return Value(f"trim({_text(t, node.this, 'trim').sql}, ' ')", _STRING)


def _concatenated(t: Translator, node: Any) -> Value:
    parts = node.expressions if type(node).__name__ == "Concat" else (node.this, node.expression)
    return Value("(" + " || ".join(_text(t, each, "concat").sql for each in parts) + ")", _STRING)


def _substring(t: Translator, node: Any) -> Value:
    value = _text(t, node.this, "substring")
    start = t.value(node.args["start"])
    length = t.value(node.args["length"]) if node.args.get("length") is not None else None
    if not isinstance(start.known, int) or start.known < 1:
        raise NeedsSpark("substring from a place that is computed")
    if length is None:
        return Value(f"substring({value.sql}, {start.known})", _STRING)
    if not isinstance(length.known, int) or length.known < 0:
        raise NeedsSpark("substring of a length that is computed")
    return Value(f"substring({value.sql}, {start.known}, {length.known})", _STRING)


def _affix(name: str) -> Callable[[Translator, Any], Value]:
    def made(t: Translator, node: Any) -> Value:
        given = (node.this, node.expression) if type(node).__name__ != "Anonymous" else node.expressions
        text, wanted = (_text(t, each, name) for each in given)
        return Value(f"{name}({text.sql}, {wanted.sql})", _BOOLEAN)

    return made


def _removed(t: Translator, node: Any) -> Value:
    value = _text(t, node.this, "regexp_replace")
    if t.text_of(node.args["replacement"]) or node.args.get("position") is not None:
        raise NeedsSpark("regexp_replace with a text")
    pattern = re2_of(t.text_of(node.expression))
    if len(pattern.wanted) != 1 or pattern.refused:
        raise NeedsSpark("regexp_replace with a lookahead")
    if pattern.very_end:
        t.doubt(f"regexp_matches({value.sql}, {_LINE_ENDS})")
    return Value(f"regexp_replace({value.sql}, {text_literal(pattern.wanted[0])}, '', 'g')", _STRING)


def _moment(t: Translator, node: Any) -> Value:
    given = node.expressions if type(node).__name__ == "Anonymous" else (node.this, node.args.get("format"))
    if len(given) != 2 or given[1] is None:
        raise NeedsSpark("try_to_timestamp without a format")
    value = _text(t, given[0], "try_to_timestamp")
    made = formatted_moment(value.sql, t.text_of(given[1]), "TIMESTAMP", zone="UTC")
    if made.undecided:
        t.doubt(made.undecided)
    return Value(made.sql, AtomicType("TIMESTAMP"))


def _date_part(name: str) -> Callable[[Translator, Any], Value]:
    def made(t: Translator, node: Any) -> Value:
        inner = node.this.this if type(node.this).__name__ == "TsOrDsToDate" else node.this
        value = t.value(inner)
        if value.ddl != "DATE":
            raise NeedsSpark(f"the {name} of {value.ddl}")
        return Value(f"CAST({name}({value.sql}) AS INTEGER)", _INT)

    return made


def _unix_seconds(t: Translator, node: Any) -> Value:
    value = t.value(node.this)
    if value.ddl != "TIMESTAMP":
        raise NeedsSpark(f"unix_seconds of {value.ddl}")
    return Value(f"(epoch_us(date_trunc('second', {value.sql})) // 1000000)", _BIGINT)


def _identifier(t: Translator, node: Any) -> Value:
    name = t.text_of(node.expressions[0])
    if not (name.startswith("`") and name.endswith("`") and name[1:-1].replace("``", "").count("`") == 0):
        raise NeedsSpark("IDENTIFIER of more than one name")
    return t.column(name[1:-1].replace("``", "`"))


def _count(t: Translator, node: Any) -> Value:
    counted = node.this
    if node.expressions:
        raise NeedsSpark("count of several columns")
    if type(counted).__name__ in ("Star", "Literal"):
        return Value(t.aggregate("count(*)"), _BIGINT)
    distinct = type(counted).__name__ == "Distinct"
    if distinct and len(counted.expressions) != 1:
        raise NeedsSpark("count of several columns")
    value = t.argument(counted.expressions[0] if distinct else counted)
    if distinct and not isinstance(value.type, AtomicType):
        raise NeedsSpark(f"distinct values of {value.ddl}")
    return Value(t.aggregate(f"count({'DISTINCT ' if distinct else ''}{value.sql})"), _BIGINT)


def _count_if(t: Translator, node: Any) -> Value:
    value = t.argument(node.this)
    if value.type != _BOOLEAN:
        raise NeedsSpark(f"{value.ddl} as a condition")
    # DuckDB's own count_if gives NULL where there are no rows.
    return Value(t.aggregate(f"count(CASE WHEN {value.sql} THEN 1 END)"), _BIGINT)


def _sum(t: Translator, node: Any) -> Value:
    value = t.argument(node.this)
    if value.ddl in _INTEGERS:
        return Value(f"CAST({t.aggregate(f'sum({value.sql})')} AS BIGINT)", _BIGINT)
    if value.ddl in ("FLOAT", "DOUBLE"):
        return Value(t.aggregate(f"sum(CAST({value.sql} AS DOUBLE))"), _DOUBLE)
    if value.ddl.startswith("DECIMAL"):
        (side, _), _ = arithmetic_type("+", value.ddl, value.ddl)
        precision, scale = (int(each) for each in side[8:-1].split(","))
        kind = f"DECIMAL({min(38, precision + 9)},{scale})"
        return Value(f"CAST({t.aggregate(f'sum({value.sql})')} AS {kind})", AtomicType(kind))
    raise NeedsSpark(f"the sum of {value.ddl}")


def _average(t: Translator, node: Any) -> Value:
    value = t.argument(node.this)
    if value.ddl not in (*_INTEGERS, "FLOAT", "DOUBLE"):
        raise NeedsSpark(f"the average of {value.ddl}")
    return Value(t.aggregate(f"avg(CAST({value.sql} AS DOUBLE))"), _DOUBLE)


def _edge(name: str) -> Callable[[Translator, Any], Value]:
    def made(t: Translator, node: Any) -> Value:
        value = t.argument(node.this)
        if node.expressions or not isinstance(value.type, AtomicType) or value.ddl == "VOID":
            raise NeedsSpark(f"{name} of {value.ddl}")
        return Value(t.aggregate(f"{name}({value.sql})"), value.type)

    return made


# By the class of sqlglot's tree, or by the name in small letters of a function that it does not know.
FUNCTIONS: Final[Mapping[str, Callable[[Translator, Any], Value]]] = {
    "IsNan": _isnan,
    "TryCast": _cast,
    "Cast": _cast,
    "Coalesce": _coalesce,
    "Nullif": _nullif,
    "Greatest": _extreme("greatest"),
    "Least": _extreme("least"),
    "Abs": _abs,
    "rint": _rint,
    "Rint": _rint,
    "Div": _divided,
    "Mod": _remainder,
    "Length": _length,
    "ArraySize": _size,
    "ArrayDistinct": _distinct,
    "forall": _every,
    "Exists": _some,
    "MapKeys": _entries("key"),
    "MapValues": _entries("value"),
    "map_values": _entries("value"),
    "ArrayContains": _contains_key,
    "Upper": _changed_case("upper"),
    "Lower": _changed_case("lower"),
    "Trim": _trim,
    "Concat": _concatenated,
    "DPipe": _concatenated,
    "Substring": _substring,
    "StartsWith": _affix("starts_with"),
    "EndsWith": _affix("ends_with"),
    "Contains": _affix("contains"),
    "RegexpReplace": _removed,
    "try_to_timestamp": _moment,
    "Year": _date_part("year"),
    "Month": _date_part("month"),
    "Day": _date_part("day"),
    "UnixSeconds": _unix_seconds,
    "CurrentTimestamp": lambda t, n: Value("now()", AtomicType("TIMESTAMP")),
    "CurrentDate": lambda t, n: Value("CAST(timezone('UTC', now()) AS DATE)", AtomicType("DATE")),
    "identifier": _identifier,
    "Count": _count,
    "CountIf": _count_if,
    "Sum": _sum,
    "Avg": _average,
    "Min": _edge("min"),
    "Max": _edge("max"),
}
