"""Everything that becomes ODCS: its name on the command line, what it is, and for files the function."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from lakepact.contract.yaml_nodes import clipped
from lakepact.convert.model import Converted
from lakepact.errors import UsageError

__all__ = ["FORMATS", "LIVE_SOURCES", "FileFormat", "LiveSource", "format_named", "live_source"]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format of files. `function` is `module:name` of a `(source: bytes, *, file: str) -> Converted`."""

    name: str
    title: str
    function: str

    def convert(self, source: bytes, *, file: str = "") -> Converted:
        """The document in `source` as ODCS v3.1.0. Raises ConfigurationError with every reason why it is unusable."""
        return cast("Callable[..., Converted]", _loaded(self.function))(source, file=file)


@dataclass(frozen=True, slots=True)
class LiveSource:
    """A system that is asked, by a client or a session that the caller opens; `form` shows how one is named."""

    prefix: str
    form: str
    title: str


# Modules are loaded on use, so that a list of formats costs nothing.
FORMATS = (
    FileFormat("odcs-v2", "ODCS v2.2.2 (and the layouts of v2.0 and v2.1)", "lakepact.convert.v2:convert_v2"),
    FileFormat(
        "data-contract",
        "`data_contract:` files with Soda, Great Expectations and custom checks",
        "lakepact.convert.data_contract:convert_data_contract",
    ),
    FileFormat(
        "data-contract-job",
        "job configurations with their data contract and asset, checks kept for their engines",
        "lakepact.convert.quality_job:convert_quality_job",
    ),
    FileFormat("asset", "asset definitions, nested (`asset:`) or flat", "lakepact.convert.asset:convert_asset"),
    FileFormat(
        "great-expectations",
        "Great Expectations suites (JSON or YAML)",
        "lakepact.convert.expectation_suite:convert_expectation_suite",
    ),
    FileFormat("soda", "SodaCL check files (`checks for <table>:`)", "lakepact.convert.soda:convert_soda"),
    FileFormat("dbt", "dbt manifests and schema files", "lakepact.convert.dbt:convert_dbt"),
    FileFormat("json-schema", "JSON Schema", "lakepact.convert.json_schema:convert_json_schema"),
    FileFormat(
        "lakeflow",
        "Lakeflow / Delta Live Tables sources with expectations (.py, .sql)",
        "lakepact.convert.lakeflow:convert_lakeflow",
    ),
    FileFormat("dqx", "DQX checks (YAML or JSON)", "lakepact.convert.dqx:convert_dqx"),
)

LIVE_SOURCES = (
    LiveSource("uc", "uc:catalog.schema.table", "tables of Unity Catalog, or all of uc:catalog.schema"),
    LiveSource("delta", "delta:PATH", "a Delta table in a folder"),
)


def format_named(name: str) -> FileFormat:
    """The format of that name. Raises UsageError (LP810) where there is none."""
    found = next((entry for entry in FORMATS if entry.name == name), None)
    if found is None:
        known = ", ".join(entry.name for entry in FORMATS)
        raise UsageError(f"`{clipped(name)}` is no format that is converted", "LP810", f"one of {known}")
    return found


def live_source(text: str) -> tuple[LiveSource, str] | None:
    """The system that `text` names by its prefix, with the rest of the text; None for the path of a file.

    >>> live_source("uc:main.sales.orders")[1], live_source("orders.yaml")
    ('main.sales.orders', None)
    """
    prefix, colon, reference = text.partition(":")
    found = next((entry for entry in LIVE_SOURCES if colon and entry.prefix == prefix), None)
    return (found, reference) if found else None


def _loaded(function: str) -> Callable[..., object]:
    module, _, name = function.partition(":")
    return cast("Callable[..., object]", getattr(importlib.import_module(module), name))
