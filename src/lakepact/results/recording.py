"""Recording results where they are asked for: in a table at a path, or in one of a catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lakepact.results.model import RuleResult
from lakepact.results.opening import open_results
from lakepact.results.place import ResultsPlace

__all__ = ["record_results"]


def record_results(place: ResultsPlace | str | Path, results: Sequence[RuleResult], *, key: str) -> None:
    """Add results to `rule_results` at `place`, which is what `open_results` takes; the table is made if absent.

    `key` names what the results are of, which is recorded once however often it is asked for. Raises RemoteFailed
    LP992 where they cannot be recorded, and what `open_results` raises.
    """
    if results:
        open_results(place).append([asdict(result) for result in results], key=key)
