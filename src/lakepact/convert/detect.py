"""Tells the format of a file by what is in it; the name of the file only decides between Python and SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from lakepact.contract.yaml_nodes import read_yaml
from lakepact.errors import ConfigurationError

__all__ = ["detect"]

_PIPELINE_PYTHON = re.compile(
    rb"^\s*(import dlt\b|from dlt\b|from pyspark import pipelines\b|import pyspark\.pipelines\b|@(dlt|dp)\.)",
    re.MULTILINE,
)
_PIPELINE_SQL = re.compile(
    rb"\bCREATE\s+(OR\s+(REPLACE|REFRESH)\s+)?(PRIVATE\s+|TEMPORARY\s+)*(STREAMING\s+|LIVE\s+)*"
    rb"(TABLE|VIEW|MATERIALIZED\s+VIEW)\b",
    re.IGNORECASE,
)
_LARGE = 10 * 1024 * 1024


def detect(source: bytes, *, file: str = "") -> str:
    """The name of the format of `source`, one of `FORMATS`.

    Raises ConfigurationError: LP811 where it is none of them, LP812 where it is an ODCS v3 contract already.

    >>> detect(b"asset: {name: a}"), detect(b"import dlt"), detect(b'[{"check": {"function": "is_not_null"}}]')
    ('asset', 'lakeflow', 'dqx')
    """
    name = file or "the source"
    if file.endswith((".py", ".sql")) or _is_code(source):
        return "lakeflow"
    data = _data(source)
    if isinstance(data, list):
        if data and all(isinstance(entry, Mapping) and "check" in entry for entry in data):
            return "dqx"
    elif isinstance(data, Mapping):
        found = next((format_name for format_name, matches in _MARKS if matches(data)), None)
        if found:
            return found
        if data.get("kind") == "DataContract":
            raise ConfigurationError(
                f"{name} is an ODCS contract already", "LP812", "`lakepact upgrade` writes it in another version"
            )
    hint = "name it with --from; `lakepact convert --list-formats` shows all"
    raise ConfigurationError(f"the format of {name} is not recognised", "LP811", hint)


def _is_code(source: bytes) -> bool:
    return bool(_PIPELINE_PYTHON.search(source)) or bool(_PIPELINE_SQL.match(_after_comments(source)))


def _after_comments(source: bytes) -> bytes:
    return re.sub(rb"\A(\s+|--[^\n]*\n|/\*.*?\*/)*", b"", source, count=1, flags=re.DOTALL)


def _data(source: bytes) -> Any:
    text = source.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    document = read_yaml(text)[0] if len(text) <= _LARGE else None
    return document.data if document is not None else None


def _is_v2(data: Mapping[str, Any]) -> bool:
    label = str(data.get("apiVersion", data.get("standardVersion", data.get("templateVersion", ""))))
    return label.startswith(("v2.", "2.")) or bool(
        "dataset" in data and {"uuid", "datasetName", "quantumName"} & set(data)
    )


def _is_asset(data: Mapping[str, Any]) -> bool:
    if "asset" in data:
        return isinstance(data["asset"], Mapping)
    return isinstance(data.get("schema"), list) and bool({"source_type", "object"} & set(data))


def _is_data_contract(data: Mapping[str, Any]) -> bool:
    contract = data.get("data_contract")
    return isinstance(contract, Mapping) and bool({"name", "quality_checks", "sla"} & set(contract))


def _is_job(data: Mapping[str, Any]) -> bool:
    contract = data.get("data_contract")
    refers = isinstance(contract, Mapping) and "contract_path" in contract and "name" not in contract
    return refers and bool({"asset", "asset_path", "source_connector"} & set(data))


def _is_suite(data: Mapping[str, Any]) -> bool:
    return isinstance(data.get("expectations"), list)


def _is_soda(data: Mapping[str, Any]) -> bool:
    return any(key.startswith("checks for ") for key in data)


def _is_dbt(data: Mapping[str, Any]) -> bool:
    metadata = data.get("metadata")
    if isinstance(metadata, Mapping) and "dbt_schema_version" in metadata:
        return True
    return any(isinstance(data.get(key), list) for key in ("models", "sources", "seeds", "snapshots"))


def _is_json_schema(data: Mapping[str, Any]) -> bool:
    if "json-schema.org" in str(data.get("$schema", "")):
        return True
    return data.get("type") == "object" and isinstance(data.get("properties"), Mapping)


def _is_dqx(data: Mapping[str, Any]) -> bool:
    checks = data.get("checks")
    return isinstance(checks, list) and all(isinstance(entry, Mapping) and "check" in entry for entry in checks)


# The first that matches decides: an asset may hold a data contract, and a flat one calls itself ODCS.
_MARKS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    ("odcs-v2", _is_v2),
    ("asset", _is_asset),
    ("data-contract", _is_data_contract),
    ("data-contract-job", _is_job),
    ("great-expectations", _is_suite),
    ("soda", _is_soda),
    ("json-schema", _is_json_schema),
    ("dbt", _is_dbt),
    ("dqx", _is_dqx),
)
