"""Governed writes honour what the contract says is done about violations, unless the caller says otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from io_samples import GOOD, NEGATIVE, amount, declared, listed, orders, rows

from lakepact.contract import Contract, load_contract
from lakepact.errors import ContractViolated
from lakepact.io import check_with_contract, write_with_contract
from lakepact.io.checking import passes
from lakepact.io.model import OnMismatch, OnViolation
from lakepact.io.resolving import current_surroundings, resolve, with_whole_quarantine
from lakepact.results import Verdict
from lakepact.rules import Response
from lakepact.store import Status

pytestmark = pytest.mark.spark

FEW = {"metric": "rowCount", "mustBeGreaterThan": 5, "name": "few"}


def said(*others: Any, quality: Any = (), **custom: Any) -> Contract:
    """The contract of orders, whose amounts say nothing for themselves, with these customProperties."""
    plain = {key: value for key, value in amount().items() if key != "customProperties"}
    described = orders(plain, *others, quality=quality)
    entries = [{"property": f"lakepact.{name}", "value": value} for name, value in custom.items()]
    return load_contract(json.dumps(dict(described.document) | {"customProperties": entries}).encode(), file="o.yaml")


def test_block_prevents_the_commit_and_quarantine_and_warn_do_not(spark: Any, schema: str) -> None:
    bad = rows(spark, *GOOD, NEGATIVE)
    table = f"{schema}.orders"
    with pytest.raises(ContractViolated, match="LP893"):
        write_with_contract(bad, said(onQualityViolation="block"), table=table)
    assert not spark.catalog.tableExists(table)
    aside = write_with_contract(bad, said(onQualityViolation="quarantine"), table=table)
    assert (aside.verdict, aside.written, aside.check.counts.quarantined) == (Verdict.QUARANTINE, 2, 1)
    warned = write_with_contract(
        bad, said(onQualityViolation="block", enforcement="warn"), table=table, mode="overwrite"
    )
    assert (warned.verdict, warned.written) == (Verdict.WARN, 3)
    # The caller goes before the contract.
    with pytest.raises(ContractViolated, match="LP893"):
        write_with_contract(bad, said(enforcement="warn"), table=table, on_violation="raise")


def test_a_rule_on_the_whole_sets_all_rows_aside_where_the_contract_says_so(spark: Any, schema: str) -> None:
    table = f"{schema}.orders"
    found = write_with_contract(rows(spark, *GOOD), said(quality=[FEW], onQualityViolation="quarantine"), table=table)
    assert (found.verdict, found.written, found.version, found.repeated) == (Verdict.QUARANTINE, 0, None, False)
    assert not spark.catalog.tableExists(table)
    held = spark.table(found.quarantine)
    assert [tuple(row) for row in held.select("order_id", "_lakepact_failed_rules").orderBy("order_id").collect()] == [
        (1, ["orders.quality.few"]),
        (2, ["orders.quality.few"]),
    ]
    kept = write_with_contract(rows(spark, *GOOD), said(quality=[FEW]), table=table)
    assert (kept.verdict, kept.written) == (Verdict.WARN, 2)


def test_columns_that_do_not_fit_go_where_the_contract_says(spark: Any, schema: str) -> None:
    table = f"{schema}.orders"
    more = rows(spark, *GOOD).selectExpr("*", "'x' AS note")
    with pytest.raises(ContractViolated, match="LP892"):
        write_with_contract(more, said(onSchemaViolation="block"), table=table)
    aside = write_with_contract(more, said(onSchemaViolation="quarantine"), table=table)
    assert (aside.verdict, aside.written) == (Verdict.QUARANTINE, 0)
    held = spark.table(aside.quarantine).select("order_id", "note", "_lakepact_failed_rules")
    assert listed(held) == [(1, "x", ["schema"]), (2, "x", ["schema"])]
    for contract in (said(onSchemaViolation="warn"), said(schemaContract={"strict_mode": False})):
        written = write_with_contract(more, contract, table=table, mode="overwrite")
        assert written.written == 2
        assert "note" not in spark.table(table).columns
        assert passes(check_with_contract(more, contract))


def test_a_change_of_type_may_be_forbidden(spark: Any, schema: str) -> None:
    others = ("order_id", "customer_id", "order_ts", "currency")
    texts = rows(spark, *GOOD).selectExpr(*others, "CAST(amount AS STRING) AS amount")
    table = f"{schema}.orders"
    with pytest.raises(ContractViolated, match="LP892"):
        write_with_contract(texts, said(schemaContract={"allow_type_changes": False}), table=table)
    assert write_with_contract(texts, said(), table=table).written == 2


def test_a_draft_that_the_caller_wants_goes_before_a_quarantine_of_columns(spark: Any, schema: str) -> None:
    governed = resolve(
        said(declared("note", "string"), onSchemaViolation="quarantine"),
        object_name=None,
        version="",
        statuses=(Status.VALIDATED,),
        on_violation=OnViolation.CONTRACT,
        policy=None,
        place=None,
        surroundings=current_surroundings(),
    )
    assert with_whole_quarantine(governed).on_schema is Response.QUARANTINE
    assert with_whole_quarantine(governed, OnMismatch.DRAFT).on_schema is Response.WARN
