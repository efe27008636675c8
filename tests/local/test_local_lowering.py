"""Faults of a graph that are found before the engine sees it."""

from __future__ import annotations

import pytest

from lakepact.errors import ConfigurationError
from lakepact.local.dp import PipelinesModule
from lakepact.local.lowering import lower
from lakepact.local.names import Namespace

HERE = Namespace("spark_catalog", "shop")


def test_names_that_cannot_be_stored_are_refused_together() -> None:
    dp = PipelinesModule()
    for name in ("`order-lines`", "größe", "orders"):
        dp.materialized_view(name=name)(lambda: None)
    dp.temporary_view(name="`a view`")(lambda: None)
    with pytest.raises(ConfigurationError, match=r"^LP532: the pipeline cannot be run") as raised:
        lower(dp.definitions, namespace=HERE, prefix="")
    assert [problem.message for problem in raised.value.problems] == [
        "a table on this machine cannot have the name 'order-lines'",
        "a table on this machine cannot have the name 'größe'",
    ]
    assert raised.value.problems[0].hint == "use A-Z, a-z, 0-9 and _, for example as `physicalName`"


def test_each_flow_counts_under_a_name_of_its_own() -> None:
    dp = PipelinesModule()
    dp.create_streaming_table("orders")
    dp.append_flow(target="orders", name="eu")(lambda: None)
    dp.append_flow(target="shop.orders", name="us")(lambda: None)
    (dataset,) = lower(dp.definitions, namespace=HERE, prefix="u:").datasets
    assert [flow.name for flow in dataset.flows] == ["eu", "us"]
    assert dataset.observations == ("u:spark_catalog.shop.orders#0", "u:spark_catalog.shop.orders#1")
