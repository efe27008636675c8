"""SodaCL check files (`checks for <table>:`) into ODCS v3.1.0."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lakepact.convert import checks
from lakepact.convert.building import add_custom, custom_rule, library_rule, new_document
from lakepact.convert.checks import Bounds, Check
from lakepact.convert.finish import finished
from lakepact.convert.model import Converted
from lakepact.convert.source import open_source
from lakepact.convert.table import TableDraft
from lakepact.errors import Severity

__all__ = ["convert_soda", "read_soda"]

_HEAD = "checks for "
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_CHECK = re.compile(
    rf"(?P<metric>[a-z_]+)(?:\((?P<columns>[^()]+)\))?\s*"
    rf"(?:(?P<operator><=|>=|<>|!=|=|<|>)\s*(?P<value>{_NUMBER})|between\s+(?P<low>{_NUMBER})\s+and\s+(?P<high>{_NUMBER}))"
    r"\s*(?P<unit>%|[hmd])?"
)
_OPERATORS = {
    "=": "mustBe",
    "!=": "mustNotBe",
    "<>": "mustNotBe",
    "<": "mustBeLessThan",
    "<=": "mustBeLessOrEqualTo",
    ">": "mustBeGreaterThan",
    ">=": "mustBeGreaterOrEqualTo",
}
_UNITS = {"h": "h", "d": "d", "m": "min"}


def convert_soda(source: bytes, *, file: str = "") -> Converted:
    """The checks in `source` as a draft with one object for each table that they name.

    Raises ConfigurationError (LP800) with every reason why it cannot be read.

    >>> convert_soda(b"checks for orders: ['missing_count(id) = 0']").document["schema"][0]["properties"]
    [{'name': 'id', 'quality': [{'type': 'library', 'metric': 'nullValues', 'mustBe': 0}]}]
    """
    opened = open_source(source, file=file)
    root = opened.root
    tables: dict[str, TableDraft] = {}
    for key in root.data:
        if key.startswith(_HEAD):
            name = key.removeprefix(_HEAD).strip()
            table = tables.setdefault(name, TableDraft(name, {"physicalType": "table"}))
            entries = root.value(key)
            for entry in entries if isinstance(entries, list) else [entries]:
                for check in read_soda(entry):
                    table.add(check)
            table.tell_untyped(opened, root.at(key))
    if not tables:
        opened.note("LP801", "SodaCL needs `checks for <table>:`", "", severity=Severity.ERROR)
    document = new_document(next(iter(tables), "checks"))
    document["schema"] = [table.document() for table in tables.values()]
    levels = [level for table in tables.values() for level in table.levels]
    if levels:
        document["slaProperties"] = levels
    add_custom(document, root.rest())
    return finished(document, opened)


def read_soda(entry: Any) -> list[Check]:
    """What one check of SodaCL became: a text, or a mapping of the text to what configures it.

    >>> read_soda({"invalid_count(sku) = 0": {"valid regex": "^S-"}})[0].rule["arguments"]
    {'pattern': '^S-'}
    """
    if isinstance(entry, Mapping) and len(entry) == 1:
        text, settings = next(iter(entry.items()))
    else:
        text, settings = entry, {}
    if settings is None:
        settings = {}
    found = None
    if isinstance(text, str) and isinstance(settings, Mapping):
        about = {key: settings[key] for key in ("name",) if key in settings}
        rest = {key: value for key, value in settings.items() if key not in about}
        match = _CHECK.fullmatch(text.strip())
        found = _equal(match, rest) if match else None
        if found is not None:
            return [checks.described(found, about)]
    return [_written(entry)] if entry not in (None, "", {}) else []


def _written(entry: Any) -> Check:
    text = entry if isinstance(entry, str) else next(iter(entry)) if isinstance(entry, Mapping) else str(entry)
    match = re.search(r"\(([^()]+)\)", text)
    columns = tuple(name.strip() for name in match[1].split(",")) if match else ()
    implementation = entry if isinstance(entry, str | Mapping) else {"check": entry}
    settings = entry.get(text) if isinstance(entry, Mapping) else None
    rule = custom_rule("soda", implementation)
    about = {"name": settings["name"]} if isinstance(settings, Mapping) and "name" in settings else {}
    return checks.described(Check(rule=rule, columns=columns, on_column=len(columns) == 1), about)


def _equal(match: re.Match[str], settings: Mapping[str, Any]) -> Check | None:
    columns = tuple(name.strip() for name in (match["columns"] or "").split(",") if name.strip())
    metric, unit = match["metric"], match["unit"]
    if metric == "freshness":
        return _freshness(match, columns) if not settings else None
    if unit in _UNITS or (unit == "%" and not metric.endswith("_percent")):
        return None
    threshold = _threshold(match)
    if metric == "row_count":
        return (
            Check(rule=library_rule("rowCount", *threshold), on_column=False) if not columns and not settings else None
        )
    if metric == "duplicate_count":
        # Soda 3 counts values, Soda 4 rows, ODCS rows: they agree only on none.
        return checks.no_duplicates(columns) if columns and not settings and threshold == ("mustBe", 0) else None
    if len(columns) != 1:
        return None
    share = {"unit": "percent"} if metric.endswith("_percent") else {}
    if metric in ("missing_count", "missing_percent"):
        return _missing(columns, threshold, settings, share)
    return _invalid(columns, threshold, settings, share) if metric in ("invalid_count", "invalid_percent") else None


def _threshold(match: re.Match[str]) -> tuple[str, Any]:
    if match["operator"]:
        return _OPERATORS[match["operator"]], _number(match["value"])
    low, high = _number(match["low"]), _number(match["high"])
    return ("mustBe", low) if low == high else ("mustBeBetween", [low, high])


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _freshness(match: re.Match[str], columns: tuple[str, ...]) -> Check | None:
    if match["operator"] not in ("<", "<=") or match["unit"] not in _UNITS or len(columns) != 1:
        return None
    level = {"property": "freshness", "value": _number(match["value"]), "unit": _UNITS[match["unit"]]}
    return Check(level=level, columns=columns)


def _missing(
    columns: tuple[str, ...], threshold: tuple[str, Any], settings: Mapping[str, Any], share: dict[str, str]
) -> Check | None:
    if not settings:
        return Check(rule=library_rule("nullValues", *threshold, **share), columns=columns)
    listed = settings.get("missing values")
    if set(settings) != {"missing values"} or not isinstance(listed, list):
        return None
    # In Soda, NULL is missing too.
    arguments = {"missingValues": [None, *(value for value in listed if value is not None)]}
    return Check(rule=library_rule("missingValues", *threshold, arguments=arguments, **share), columns=columns)


def _invalid(
    columns: tuple[str, ...], threshold: tuple[str, Any], settings: Mapping[str, Any], share: dict[str, str]
) -> Check | None:
    found = None
    if set(settings) == {"valid regex"}:
        found = checks.in_pattern(columns[0], settings["valid regex"])
    elif set(settings) == {"valid values"}:
        found = checks.in_values(columns[0], settings["valid values"])
    if found is not None:
        rule = library_rule("invalidValues", *threshold, arguments=found.rule["arguments"], **share)
        return Check(rule=rule, columns=columns)
    if threshold != ("mustBe", 0) or share or not settings:
        return None
    if set(settings) <= {"valid min", "valid max"}:
        return checks.bounded_values(columns[0], Bounds(settings.get("valid min"), settings.get("valid max")))
    if set(settings) <= {"valid min length", "valid max length"}:
        bounds = Bounds(settings.get("valid min length"), settings.get("valid max length"))
        return checks.bounded_lengths(columns[0], bounds)
    return None
