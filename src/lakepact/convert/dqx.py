"""Checks of Databricks Labs DQX, from their YAML or JSON; DQX itself is not needed.

DQX lets NULL pass unless a check speaks of it. A check with the criticality `error` keeps a row out of the good ones,
which is the action `quarantine`; `warn` is `warn`. Checks on rows become clauses of ODCS where these say the same, else
predicates that lakepact runs; what only DQX knows is kept as a rule of the engine `dqx`.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from lakepact.convert.building import (
    Losses,
    add_custom,
    custom_rule,
    library_rule,
    new_document,
    predicate_rule,
    property_named,
    report_type,
)
from lakepact.convert.column_types import column_property, read_columns
from lakepact.convert.dqx_predicates import Untranslatable, has_bare_text, plain_column, predicate_of
from lakepact.convert.model import Converted
from lakepact.convert.reading import Node, not_readable, read_node
from lakepact.convert.row_demands import RowDemand, write_demands

__all__ = ["convert_dqx"]

_WHAT = "DQX checks"
_ROW_COUNTS = {
    "is_aggr_not_less_than": "mustBeGreaterOrEqualTo",
    "is_aggr_not_greater_than": "mustBeLessOrEqualTo",
    "is_aggr_equal": "mustBe",
    "is_aggr_not_equal": "mustNotBe",
}


def convert_dqx(source: bytes, *, file: str = "") -> Converted:
    """The checks as rules of one object named after the file, or of those that `user_metadata.schema` names.

    Columns get types where a check `has_valid_schema` says them. Raises ConfigurationError (LP820) for a source that is
    no list of checks.

    >>> checks = b"- criticality: error\\n  check: {function: is_not_null, arguments: {column: id}}\\n"
    >>> convert_dqx(checks, file="orders.yml").document["schema"][0]["properties"]
    [{'name': 'id', 'required': True}]
    """
    root = read_node(source, file=file, what=_WHAT)
    if root.is_mapping and isinstance(root.value.get("checks"), list):
        checks = root.entries("checks")
    elif isinstance(root.value, list):
        checks = root.items()
    else:
        raise not_readable("it is no list of checks", file=file, what=_WHAT, place=root.place)
    losses = Losses(file)
    stem = PurePath(file).stem or "checks"
    objects: dict[str, _Table] = {}
    for node in checks:
        name = node.get("user_metadata").text("schema") or stem
        objects.setdefault(name, _Table(name, losses)).read(node)
    document = new_document(stem)
    if objects:
        document["schema"] = [table.written() for table in objects.values()]
    for node in root.unread():
        losses.lost(f"`{node.path}` is not understood", node.place)
    return Converted(document=document, problems=losses.problems)


class _Check:
    """One check: `function` with its arguments for one column or list of columns."""

    def __init__(self, node: Node, function: str, arguments: dict[str, Any], target: Any) -> None:
        self.place = node.place
        self.function = function
        self.arguments = arguments | ({"columns" if isinstance(target, list) else "column": target} if target else {})
        self.criticality = node.text("criticality") or "error"
        self.filter = node.text("filter")
        metadata = node.get("user_metadata").whole() or {}
        custom = {"dqx.user_metadata": metadata, "dqx.message": node.text("message_expr")}
        self.custom = {key: value for key, value in custom.items() if value}
        self.given_name = node.text("name")

    @property
    def column(self) -> str:
        """The column as DQX writes it: a name or an expression."""
        found = self.arguments.get("column", "")
        if not found and isinstance(columns := self.arguments.get("columns"), list) and len(columns) == 1:
            found = columns[0]
        return str(found)

    @property
    def name(self) -> str:
        """The name that the rule gets."""
        return self.given_name or "_".join(filter(None, (plain_column(self.column) or "", self.function)))

    @property
    def action(self) -> str:
        """What happens to a row that fails."""
        return "warn" if self.criticality == "warn" else "quarantine"

    @property
    def severity(self) -> str:
        """The severity of a rule on the whole table."""
        return "warning" if self.criticality == "warn" else "error"

    @property
    def implementation(self) -> dict[str, Any]:
        """The check in DQX's own words."""
        check = {"function": self.function, "arguments": self.arguments}
        parts = {"name": self.given_name, "criticality": self.criticality, "filter": self.filter, "check": check}
        return {key: value for key, value in parts.items() if value}


class _Table:
    """The checks of one table."""

    def __init__(self, name: str, losses: Losses) -> None:
        self._element: dict[str, Any] = {"name": name}
        self._losses = losses
        self._demands: list[RowDemand] = []
        self._whole: list[_Check] = []
        self._others: list[_Check] = []

    def read(self, node: Node) -> None:
        """Sort a check by what can be made of it."""
        check = node.get("check")
        function = check.text("function")
        if not node.is_mapping or not function:
            self._losses.lost(f"`{node.path}` names no function", node.place)
            node.whole()
            return
        arguments = check.get("arguments").whole()
        arguments = dict(arguments) if isinstance(arguments, dict) else {}
        each = check.get("for_each_column").whole()
        for target in each if isinstance(each, list) and each else [None]:
            self._sort(_Check(node, function, arguments, target))

    def _sort(self, check: _Check) -> None:
        if check.function == "has_valid_schema" and isinstance(check.arguments.get("expected_schema"), str):
            self._declare(check)
        elif check.function == "is_unique" or check.function in _ROW_COUNTS:
            self._whole.append(check)
        else:
            try:
                predicate = predicate_of(check.function, check.arguments, check.filter)
            except Untranslatable as reason:
                self._others.append(check)
                why = f": {reason}" if str(reason) else ""
                message = f"{check.name}: {check.function} is kept for the engine dqx{why}"
                self._losses.kept(message, check.place, hint="lakepact does not run DQX")
                return
            self._demands.append(
                RowDemand(
                    name=check.name,
                    predicate=predicate,
                    action=check.action,
                    place=check.place,
                    named=bool(check.given_name),
                    custom=check.custom,
                )
            )
            if has_bare_text(check.arguments):
                message = f"{check.name}: text without quotes of its own is taken as a value, as before DQX 0.16"
                self._losses.kept(message, check.place, code="LP825", hint="in newer versions it names a column")

    def _declare(self, check: _Check) -> None:
        for column in read_columns(check.arguments["expected_schema"]):
            entry = column_property(column.name, column.type, required=column.required, comment=column.comment)
            self._element.setdefault("properties", []).append(entry)
            report_type(self._losses, self._element["name"], column.name, column.type, check.place)
        if not check.arguments.get("strict"):
            self._losses.kept(f"{check.name}: other columns than the expected ones were allowed", check.place)

    def written(self) -> dict[str, Any]:
        """The schema object."""
        declared = bool(self._element.get("properties"))
        write_demands(self._element, self._demands, self._verbatim)
        for check in self._whole:
            if not self._write_whole(check, create=not declared):
                self._others.append(check)
                message = f"{check.name}: {check.function} is kept for the engine dqx"
                self._losses.kept(message, check.place, hint="lakepact does not run DQX")
        for check in self._others:
            rule = custom_rule(
                "dqx", check.implementation, name=check.name, severity=check.severity, custom=check.custom
            )
            column = plain_column(check.column)
            entry = property_named(self._element, column) if column else None
            (entry if entry is not None else self._element).setdefault("quality", []).append(rule)
        if not declared:
            self._losses.lost(
                f"the checks do not say which columns {self._element['name']!r} has, nor their types",
                code="LP824",
                hint="import the table itself, and add these rules to it",
            )
        return self._element

    def _verbatim(self, demand: RowDemand) -> dict[str, Any]:
        return predicate_rule(demand.predicate, name=demand.name, action=demand.action, custom=demand.custom)

    def _write_whole(self, check: _Check, *, create: bool) -> bool:
        if check.filter:
            return False
        return self._unique(check, create=create) if check.function == "is_unique" else self._row_count(check)

    def _unique(self, check: _Check, *, create: bool) -> bool:
        given = check.arguments.get("columns") or [check.column]
        columns = [plain_column(str(name)) for name in given] if isinstance(given, list) else [None]
        known = {"column", "columns", "nulls_distinct"}
        nulls_collide = check.arguments.get("nulls_distinct", True) is not True
        if None in columns or nulls_collide or set(check.arguments) - known:
            return False
        names = [name for name in columns if name is not None]
        entries = [property_named(self._element, name, create=create) for name in names]
        if None in entries:
            return False
        entry = entries[0] if len(entries) == 1 else None
        if entry is not None and check.action == "quarantine" and not check.custom:
            entry["unique"] = True
            add_custom(entry, {"lakepact.unique": check.given_name})
            return True
        arguments = {} if entry is not None else {"properties": names}
        rule = library_rule(
            "duplicateValues",
            name=check.name,
            severity=check.severity,
            custom=check.custom,
            arguments=arguments,
        )
        (entry if entry is not None else self._element).setdefault("quality", []).append(rule)
        if check.action == "quarantine":
            self._losses.kept(f"{check.name}: DQX keeps the rows of repeated keys out, the rule fails", check.place)
        return True

    def _row_count(self, check: _Check) -> bool:
        arguments = check.arguments
        limit = arguments.get("limit")
        plain = set(arguments) <= {"column", "limit", "aggr_type"} and arguments.get("column") == "*"
        if not plain or arguments.get("aggr_type", "count") != "count" or type(limit) is not int:
            return False
        rule = library_rule(
            "rowCount",
            _ROW_COUNTS[check.function],
            limit,
            name=check.name,
            severity=check.severity,
            custom=check.custom,
        )
        self._element.setdefault("quality", []).append(rule)
        return True
