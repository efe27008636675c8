"""Results of a read, write or check, given to those who want to hear of them; the data's job never waits for that."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from lakepact.errors import LakepactError
from lakepact.io.model import CheckResult
from lakepact.io.resolving import Governed, Surroundings
from lakepact.io.samples import rows_by_rule
from lakepact.io.tables import Table
from lakepact.spark.quiet import failure_text, spark_failures

__all__ = ["tell"]

_LOG: Final = logging.getLogger(__name__)


def tell(
    spark: Any, surroundings: Surroundings, governed: Governed, check: CheckResult, *, aside: Table | None = None
) -> bool:
    """Write down for the notifier what a check found; whether that was done. A failure is a warning in the log.

    `aside` is the quarantine where rows of this run are: a few of them are shown, masked as the notifier says.
    """
    try:
        notifier = surroundings.notifier()
    except LakepactError as error:
        _LOG.warning("nobody is told of run %s: %s", check.run_id, error)
        return False
    if notifier is None:
        return False
    samples: Mapping[str, list[Mapping[str, object]]] = {}
    if aside is not None:
        broken = {each.rule_id for each in check.results if each.sample}
        try:
            samples = rows_by_rule(aside.read(spark), governed.rules.columns, broken, run_id=check.run_id)
        except spark_failures() as error:
            _LOG.warning("no rows of %s are shown to those who are told: %s", aside, failure_text(error))
    return notifier.notify(check.results, governed.contract, samples=samples)
