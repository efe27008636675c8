"""Opens a place of results by its address: a path, or a schema of a catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lakepact.results.catalog import CatalogPlace
from lakepact.results.place import ResultsPlace
from lakepact.store.sql_statements import schema_of

__all__ = ["catalog_at", "open_results"]

_SPARK: Final = "spark:"
_WAREHOUSE: Final = "uc:"


def open_results(place: ResultsPlace | str | Path) -> ResultsPlace:
    """The results at a path or an address of delta-rs, or at what `catalog_at` takes; a place that is open is itself.

    Raises RemoteFailed LP992 where a path cannot be looked at, ExtraMissing LP991 without deltalake, and what
    `catalog_at` raises.
    """
    if not isinstance(place, str | Path):
        return place
    catalog = catalog_at(place) if isinstance(place, str) else None
    if catalog is not None:
        return catalog
    from lakepact.results.delta import DeltaPlace

    return DeltaPlace(place)


def catalog_at(place: str) -> CatalogPlace | None:
    """The results in a schema of a catalog; None where `place` is a path.

    `spark:[CATALOG.]SCHEMA` is one of the session that runs, `uc:CATALOG.SCHEMA?warehouse=ID` one behind a SQL
    warehouse. Nothing is asked yet. Raises what opening a session or a warehouse raises, UsageError LP877 for an
    address that names no schema.
    """
    if place.startswith(_SPARK):
        from lakepact.spark.connect import active_session
        from lakepact.store.spark_session import SparkStatements

        parts = schema_of(place.removeprefix(_SPARK), address=place, parts=(1, 2), example=f"{_SPARK}main.lakepact")
        return CatalogPlace(SparkStatements(active_session()), parts, location=place)
    if place.startswith(_WAREHOUSE):
        from lakepact.store.warehouse import statements_at

        return CatalogPlace(*statements_at(place), location=place)
    return None
