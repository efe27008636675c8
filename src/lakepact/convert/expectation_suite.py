"""Great Expectations suites, as files, into ODCS v3.1.0."""

from __future__ import annotations

from lakepact.convert.building import add_custom, new_document
from lakepact.convert.expectations import read_expectation
from lakepact.convert.finish import finished
from lakepact.convert.model import Converted
from lakepact.convert.source import open_source
from lakepact.convert.table import TableDraft

__all__ = ["convert_expectation_suite"]


def convert_expectation_suite(source: bytes, *, file: str = "") -> Converted:
    """The suite in `source`, JSON or YAML, as a draft with one object of the suite's name.

    Raises ConfigurationError (LP800) with every reason why it cannot be read.

    >>> three = b'{"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}}'
    >>> text = b'{"name": "orders", "expectations": [' + three + b"]}"
    >>> convert_expectation_suite(text).document["schema"][0]["quality"][0]["mustBe"]
    3
    """
    opened = open_source(source, file=file)
    suite = opened.root
    name = suite.require(suite.first("expectation_suite_name", "name", "data_asset_name"), "a suite")
    document = new_document(name, name=name)
    table = TableDraft(name)
    for element in suite.elements("expectations"):
        table.add(read_expectation(element.everything()))
    table.tell_untyped(opened, suite.at("expectations"))
    document["schema"] = [table.document()]
    add_custom(document, suite.rest())
    return finished(document, opened)
