"""`data_contract:` files into ODCS v3.1.0: schema, checks of several engines, service levels, handling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lakepact.convert import checks
from lakepact.convert.building import add_custom, custom_rule
from lakepact.convert.checks import Check
from lakepact.convert.expectations import expectation_as_written, read_expectation
from lakepact.convert.fields import finish_field, read_field
from lakepact.convert.finish import finished
from lakepact.convert.handling import action_of
from lakepact.convert.model import Converted
from lakepact.convert.source import Element, Source, open_source
from lakepact.convert.table import ACTION, TableDraft
from lakepact.errors import Severity

__all__ = ["convert_data_contract", "data_contract_document"]

_SERVICE_LEVELS = {
    ("freshness", "max_age_hours"): ("freshness", "h"),
    ("completeness", "min_records_per_day"): ("completeness", "rows/d"),
    ("availability", "uptime_percentage"): ("availability", "percent"),
}
_SCHEMA_CONTRACT = ("strict_mode", "allow_nullable_expansion", "allow_type_changes")
_HANDLING = {
    "on_schema_violation": "lakepact.onSchemaViolation",
    "on_quality_violation": "lakepact.onQualityViolation",
    "on_sla_violation": "lakepact.onSlaViolation",
}


def convert_data_contract(source: bytes, *, file: str = "") -> Converted:
    """The contract of a `data_contract:` file as ODCS v3.1.0.

    Raises ConfigurationError (LP800) with every reason why it is none.

    >>> text = b"data_contract: {name: orders, version: '1.0', owner: me, sla: {freshness: {max_age_hours: 2}}}"
    >>> convert_data_contract(text).document["slaProperties"]
    [{'property': 'freshness', 'value': 2, 'unit': 'h'}]
    """
    opened = open_source(source, file=file)
    return finished(data_contract_document(opened), opened)


def data_contract_document(opened: Source, *, own_engines: bool = False) -> dict[str, Any]:
    """The contract of an opened `data_contract:` file, before it is held against the grammar.

    With `own_engines`, checks of Soda and Great Expectations stay with their engine also where a rule of the library
    is equal, and rules say no action of their own: what the contract says of all violations holds.
    """
    root = opened.root
    contract = root.element("data_contract") or Element(opened, "data_contract", {})
    name = contract.require("name", "a data contract")
    document: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "version": contract.require("version", "a data contract"),
        "status": _status(contract),
        "name": name,
    }
    _ownership(document, contract)
    table = TableDraft(name, {"physicalType": "table"})
    handling = contract.element("violation_handling")
    actions = [action_of(handling, key) for key in ("on_schema_violation", "on_quality_violation")]
    on_schema, on_quality = (None, None) if own_engines else actions
    _read_schema(document, table, contract, on_schema)
    _read_checks(table, contract, on_quality, own_engines=own_engines)
    levels = [*_service_levels(document, contract), *table.levels]
    document["schema"] = [table.document()]
    if levels:
        document["slaProperties"] = levels
    table.tell_untyped(opened, contract.at("quality_checks"))
    _read_handling(document, handling)
    add_custom(document, contract.rest())
    add_custom(document, root.rest())
    return document


def _status(contract: Element) -> str:
    status = contract.text("status")
    if status is None:
        message = "the data contract has no `status`; `active` is written, which is its default"
        contract.source.note("LP807", message, contract.path, severity=Severity.INFO)
    return status or "active"


def _ownership(document: dict[str, Any], contract: Element) -> None:
    owner = contract.text("owner")
    if owner:
        document["team"] = {"members": [{"username": owner, "role": "owner"}]}
    description = contract.text("description") if isinstance(contract.data.get("description"), str) else None
    if description:
        document["description"] = {"purpose": description}
    if tags := contract.texts("tags"):
        document["tags"] = tags
    if url := contract.text("documentation_url"):
        document["authoritativeDefinitions"] = [{"type": "documentation", "url": url}]
    for key, name in (("asset_ref", "lakepact.assetRef"), ("classification", "lakepact.classification")):
        add_custom(document, {name: contract.value(key)})


def _read_schema(document: dict[str, Any], table: TableDraft, contract: Element, action: str | None) -> None:
    for element in contract.elements("schema"):
        field = finish_field(read_field(element), element)
        table.properties.append(field)
        if action:
            add_custom(field, {ACTION: action})
    drift = contract.element("schema_contract")
    if drift is not None:
        flags = {key: drift.flag(key) for key in _SCHEMA_CONTRACT}
        add_custom(document, {"lakepact.schemaContract": {k: flag for k, flag in flags.items() if flag is not None}})
        add_custom(table.keys, drift.rest())


def _read_checks(table: TableDraft, contract: Element, action: str | None, *, own_engines: bool) -> None:
    for element in contract.elements("inline_checks"):
        for check in checks.read_check("inline", element.everything()):
            table.add(check, action)
    quality = contract.element("quality_checks")
    if quality is None:
        return
    for element, found in _engine_checks(quality, table, own=own_engines):
        if found.level and "severity" in found.rule:
            message = f"the severity `{found.rule['severity']}` of a service level has no place in ODCS"
            element.source.note("LP803", message, element.at("severity"))
        table.add(found, action)
    add_custom(table.keys, {f"lakepact.{key}": value for key, value in quality.rest().items()})
    if action in ("quarantine", "drop"):
        _tell_what_holds_no_rows_back(quality, table)


def _tell_what_holds_no_rows_back(quality: Element, table: TableDraft) -> None:
    rules = [rule for entry in table.properties for rule in entry.get("quality", ())] + table.quality
    whole = [str(rule.get("name", rule.get("metric"))) for rule in rules if not Check(rule=rule).per_row]
    if whole:
        quality.source.note(
            "LP808",
            f"a check of all rows together holds no rows back; with severity error it fails, else it warns: "
            f"{', '.join(dict.fromkeys(whole))}",
            quality.path,
            severity=Severity.INFO,
        )


def _engine_checks(quality: Element, table: TableDraft, *, own: bool) -> Iterator[tuple[Element, Check]]:
    soda = quality.element("soda")
    if soda is not None:
        add_custom(table.keys, {"lakepact.sodaEngine": soda.text("engine")})
        for element in soda.elements("checks"):
            data = element.everything()
            found = [checks.as_written("soda", data)] if own else checks.read_check("soda", data)
            yield from ((element, check) for check in found)
    suite = quality.element("great_expectations")
    if suite is not None:
        add_custom(table.keys, {"lakepact.expectationSuite": suite.text("expectation_suite")})
        for key in ("checks", "expectations"):
            for element in suite.elements(key):
                data = element.everything()
                yield element, expectation_as_written(data) if own else read_expectation(data)
    for element in quality.elements("inline"):
        yield from ((element, check) for check in checks.read_check("inline", element.everything()))
    for element in quality.elements("custom"):
        yield element, _custom_check(element.everything())


def _custom_check(data: dict[str, Any]) -> Check:
    """A check in Python: the name of its function is what runs it."""
    columns = checks.named_columns(data)
    own: dict[str, Any] = {key: data[key] for key in ("function", "arguments", "data") if key in data}
    said = own.keys() | checks.DESCRIPTIONS | ({"column"} if len(columns) == 1 else set())
    whole = not set(data) <= said or not isinstance(data.get("function"), str)
    written: dict[str, Any] | str = dict(data) if whole else own if len(own) > 1 else str(own["function"])
    rule = custom_rule("python", written)
    return checks.described(Check(rule=rule, columns=columns, on_column=len(columns) == 1), data)


def _service_levels(document: dict[str, Any], contract: Element) -> Iterator[dict[str, Any]]:
    sla = contract.element("sla")
    for group in sla.data if sla is not None else ():
        assert sla is not None
        inner = sla.element(group) if isinstance(sla.data[group], dict) else None
        for key in inner.data if inner is not None else ():
            assert inner is not None
            if isinstance(inner.data[key], dict | list):
                continue  # told as not carried, or kept with the rest
            name, unit = _SERVICE_LEVELS.get((group, key), (f"{group}.{key}", ""))
            yield {"property": name, "value": inner.scalar(key)} | ({"unit": unit} if unit else {})
        if inner is None and not isinstance(sla.data[group], list):
            yield {"property": group, "value": sla.scalar(group)}
    if contract.has("retention_days"):
        yield {"property": "retention", "value": contract.number("retention_days"), "unit": "d"}


def _read_handling(document: dict[str, Any], handling: Element | None) -> None:
    if handling is None:
        return
    for key, name in _HANDLING.items():
        add_custom(document, {name: handling.text(key)})
    for key in ("notification", "notifications", "quarantine"):
        add_custom(document, {f"lakepact.{key}": handling.value(key)})
    rest = handling.rest()
    add_custom(document, {"lakepact.violationHandling": rest})
