"""Results of a read, write or check, recorded in `rule_results`; what cannot be recorded never breaks a job."""

from __future__ import annotations

import logging
from typing import Any, Final

from lakepact.io.model import CheckResult
from lakepact.io.resolving import Surroundings
from lakepact.io.tables import Table
from lakepact.results.table import append_results
from lakepact.spark.quiet import failure_text, spark_failures
from lakepact.sql_text import name_parts

__all__ = ["record", "results_schema_parts"]

_LOG: Final = logging.getLogger(__name__)


def record(spark: Any, surroundings: Surroundings, table: Table | None, check: CheckResult, *, kind: str = "") -> bool:
    """Append the results of a check; whether they are recorded. A failure is a warning in the log.

    What one run finds out about one dataset is recorded once; `kind` tells apart what it does with the dataset.
    """
    schema = results_schema_parts(surroundings, table)
    if schema is None:
        return False
    key = f"{check.run_id}:{check.dataset}:{check.verdict}"
    try:
        append_results(spark, schema, check.results, key=f"{key}:{kind}" if kind else key)
    except spark_failures() as error:
        where, said = ".".join(schema), failure_text(error)
        _LOG.warning("the results of run %s are not recorded in %s: %s", check.run_id, where, said)
        return False
    return True


def results_schema_parts(surroundings: Surroundings, table: Table | None) -> tuple[str, ...] | None:
    """The schema of `rule_results`: in the catalog of `table`, unless its name says which; None for none."""
    if surroundings.results is None:
        return None
    parts = name_parts(surroundings.results)
    catalog = table.parts[:1] if table is not None and len(table.parts) == 3 and len(parts) == 1 else ()
    return (*catalog, *parts)
