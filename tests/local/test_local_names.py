"""Names of datasets as sources write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakepact.errors import ConfigurationError
from lakepact.local.names import DatasetName, Namespace
from lakepact.sql import qualified

HERE = Namespace("spark_catalog", "sales")


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("orders", "spark_catalog.sales.orders"),
        ("raw.orders", "spark_catalog.raw.orders"),
        ("main.raw.orders", "main.raw.orders"),
        ("`order lines`", "spark_catalog.sales.order lines"),
        ("raw.`a``b.c`", "spark_catalog.raw.a`b.c"),
    ],
)
def test_one_to_three_parts_are_resolved(written: str, full: str) -> None:
    assert str(HERE.resolve(written)) == full


@pytest.mark.parametrize("written", ["", "a.b.c.d", "a.", ".a", "a b", "`a", "a..b", "`a`b"])
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP530: .* is not the name of a dataset"):
        HERE.resolve(written)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_what_is_quoted_is_read_back(parts: list[str]) -> None:
    resolved = HERE.resolve(qualified(parts))
    assert resolved.parts[3 - len(parts) :] == tuple(parts)
    assert HERE.resolve(resolved.sql) == resolved
    assert isinstance(resolved, DatasetName)
