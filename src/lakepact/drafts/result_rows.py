"""Results of rules and what was observed, as JSON: rows of `rule_results`, and evidence by rule."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from lakepact.drafts.model import Evidence
from lakepact.errors import ConfigurationError
from lakepact.results.model import RuleResult, RuleStatus
from lakepact.rules.model import Action

__all__ = ["evidence_from_json", "results_from_json"]

_KNOWN: Final = {field.name for field in fields(RuleResult)}
_NEEDED: Final = ("contract_id", "contract_version", "rule_id", "status")
_COUNTS: Final = ("violations", "tested")
_NO_TIME: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def results_from_json(text: str, *, file: str = "") -> tuple[RuleResult, ...]:
    """The results in a JSON list, or one a line, with the names of the columns of `rule_results`.

    Only `contract_id`, `contract_version`, `rule_id` and `status` are needed; other names are left out. Raises
    ConfigurationError (LP887) with the number of the row.

    >>> row = '{"contract_id": "a", "contract_version": "1.0.0", "rule_id": "t.x.required", "status": "fail"}'
    >>> results_from_json(row)[0].rule_id
    't.x.required'
    """
    return tuple(_result(row, number, file) for number, row in enumerate(_rows(text, file), 1))


def evidence_from_json(text: str, *, file: str = "") -> dict[str, Evidence]:
    """What was observed, by the id of the rule: `lowest`, `highest`, `values`, `text`.

    Raises ConfigurationError (LP887).

    >>> evidence_from_json('{"t.x.maximum": {"highest": 7}}')["t.x.maximum"].highest
    7
    """
    try:
        node = json.loads(text)
    except ValueError as error:
        raise _wrong(file, f"it is no JSON: {error}") from error
    if not isinstance(node, Mapping):
        raise _wrong(file, "it is no mapping of rules")
    return {str(rule): _evidence(each, str(rule), file) for rule, each in node.items()}


def _evidence(node: Any, rule: str, file: str) -> Evidence:
    known = ("lowest", "highest", "values", "text")
    if not isinstance(node, Mapping) or not set(node) <= set(known) or not isinstance(node.get("values", []), list):
        raise _wrong(file, f"what was observed for {rule!r} is no mapping of {', '.join(known)}")
    return Evidence(**node)


def _rows(text: str, file: str) -> list[Any]:
    try:
        if text.lstrip().startswith("["):
            rows = json.loads(text)
            assert isinstance(rows, list)
            return rows
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise _wrong(file, f"it is no JSON: {error}") from error


def _result(row: Any, number: int, file: str) -> RuleResult:
    if not isinstance(row, Mapping):
        raise _wrong(file, f"row {number} is no object")
    missing = [name for name in _NEEDED if not isinstance(row.get(name), str)]
    if missing:
        raise _wrong(file, f"row {number} has no {' and no '.join(missing)}")
    said = {name: value for name, value in row.items() if name in _KNOWN and value is not None}
    if any(name in said and type(said[name]) is not int for name in _COUNTS):
        raise _wrong(file, f"row {number} counts rows in something else than whole numbers")
    base: dict[str, Any] = dict.fromkeys(("run_id", "object", "dataset"), "") | {"rule_name": row["rule_id"]}
    try:
        said["status"] = RuleStatus(str(row["status"]).casefold())
        said["action"] = Action(str(row.get("action", Action.WARN)).casefold())
        said["at"] = dt.datetime.fromisoformat(str(row["at"])) if row.get("at") else _NO_TIME
    except ValueError as error:
        raise _wrong(file, f"row {number}: {error}") from error
    if "value" in said:
        said["value"] = str(said["value"])
    return RuleResult(**(base | said))


def _wrong(file: str, reason: str) -> ConfigurationError:
    where = f"'{file}': " if file else ""
    hint = "give rows of rule_results as JSON, for example what `to_json` of Spark writes"
    return ConfigurationError(f"{where}these are no results of rules: {reason}", "LP887", hint)
