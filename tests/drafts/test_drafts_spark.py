"""A draft from a real data frame."""

from __future__ import annotations

from typing import Any

from lakepact.drafts import Provenance, draft_from_dataframe

WHY = Provenance(cause="drift")


def test_a_data_frame_gives_its_exact_types(spark: Any) -> None:
    frame = spark.sql(
        "SELECT 1L AS id, CAST(1 AS DECIMAL(12,4)) AS price,"
        " array(named_struct('a', 1Y, 'b', DATE'2024-01-01')) AS lines, map('k', 1.5D) AS prices,"
        " TIMESTAMP_NTZ'2024-01-01 10:00:00' AS at, NULL AS nothing"
    )
    draft = draft_from_dataframe(frame, None, object_name="orders", provenance=WHY, contract_id="orders")
    assert draft is not None
    properties = draft.contract.document["schema"][0]["properties"]  # type: ignore[index]
    assert [(each["name"], each.get("physicalType")) for each in properties] == [
        ("id", "BIGINT"),
        ("price", "DECIMAL(12,4)"),
        ("lines", "ARRAY"),
        ("prices", "MAP<STRING, DOUBLE>"),
        ("at", "TIMESTAMP_NTZ"),
        ("nothing", None),
    ]
    assert [each["physicalType"] for each in properties[2]["items"]["properties"]] == ["TINYINT", "DATE"]
    assert draft_from_dataframe(frame, draft.contract, object_name="orders", provenance=WHY) is None
    wider = draft_from_dataframe(
        frame.selectExpr("*", "'x' AS note"), draft.contract, object_name="orders", provenance=WHY
    )
    assert wider is not None
    assert [change.text for change in wider.changes] == ["the column `note` is new: STRING"]
