"""Data held against its contract without writing it: as a call, a decorator, and a context for tests."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lakepact.contract.model import Contract
from lakepact.errors import ContractViolated, Problem
from lakepact.io.judging import judge, references_of
from lakepact.io.model import CheckResult, OnViolation, problems_of
from lakepact.io.recording import record
from lakepact.io.resolving import (
    Governed,
    refuse_foreign,
    resolve,
    results_of_checks,
    surroundings_of,
    telling_nobody,
    with_whole_quarantine,
)
from lakepact.io.telling import tell
from lakepact.quality.schema import Alignment
from lakepact.results.model import Verdict
from lakepact.rules.policy import Policy
from lakepact.spark.frames import session_of
from lakepact.store.model import Status
from lakepact.store.protocol import ContractStore

__all__ = ["Checks", "check_governed", "check_with_contract", "expecting", "keeps_contract", "passes", "refuse"]

_VALIDATED = (Status.VALIDATED,)


def check_with_contract(
    df: Any,
    contract: Contract | str,
    *,
    object_name: str | None = None,
    version: str = "",
    on_violation: OnViolation | str = OnViolation.CONTRACT,
    policy: Policy | None = None,
    references: Mapping[str, Any] | None = None,
    dataset: str = "data frame",
    run_id: str | None = None,
    results: str | None = None,
    store: ContractStore | str | None = None,
    statuses: Collection[Status] = _VALIDATED,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> CheckResult:
    """The verdict on the rows of `df` and a result for every rule; no row is written and nothing raised for the data.

    `dataset` names the data in the results. results: the schema of the table `rule_results` in which they are recorded,
    else the one of the `using` around the call; without both nothing is recorded. What cannot be recorded is a
    warning in the log, and `recorded` of the result is False. Other arguments and errors are those of
    `write_with_contract`.

        from lakepact.io import check_with_contract

        for result in check_with_contract(df, "orders").violated:
            print(result.rule_id, result.message)
    """
    refuse_foreign(df)
    surroundings = surroundings_of(store)
    governed = resolve(
        contract,
        object_name=object_name,
        version=version,
        statuses=statuses,
        on_violation=OnViolation(on_violation),
        policy=policy,
        place=None,
        surroundings=surroundings,
    )
    governed = with_whole_quarantine(governed)
    check = check_governed(df, governed, references or {}, dataset, run_id or str(uuid.uuid4()), clock)
    asked = replace(surroundings, results=results or results_of_checks())
    recorded = record(session_of(df), asked, None, check, kind=f"check:{check.contract_id}:{check.object}")
    tell(session_of(df), surroundings, governed, check)
    return replace(check, recorded=recorded)


def check_governed(
    df: Any,
    governed: Governed,
    references: Mapping[str, Any],
    dataset: str,
    run_id: str,
    clock: Callable[[], datetime],
    *,
    alignment: Alignment | None = None,
) -> CheckResult:
    """The check, once the contract is known; `alignment` is that of `df`, where it is known too."""
    spark = session_of(df)
    with judge(
        spark,
        df,
        governed,
        run_id=run_id,
        dataset=dataset,
        clock=clock,
        alignment=alignment,
        references=references_of(spark, governed, references, beside=None),
    ) as judgement:
        return judgement.check


def keeps_contract(contract: Contract | str, **settings: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for functions that return a data frame: what they return keeps the contract, or the call raises.

    `settings` are those of `check_with_contract`. The data frame comes back as the function made it. Raises
    ContractViolated LP892 or LP893 with every violation where a rule is violated that does not only warn.

        from lakepact.io import keeps_contract

        @keeps_contract("orders", store="file:contracts-store")
        def orders(spark):
            return spark.table("raw.orders").where("amount > 0")
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def checked(*arguments: Any, **named: Any) -> Any:
            frame = function(*arguments, **named)
            refuse(check_with_contract(frame, contract, **({"dataset": function.__qualname__} | settings)))
            return frame

        return checked

    return decorate


@dataclass(slots=True)
class Checks:
    """The checks of one `expecting` block; call it with a data frame."""

    contract: Contract | str
    settings: Mapping[str, Any]
    results: list[CheckResult] = field(default_factory=list)

    def __call__(self, df: Any, **settings: Any) -> CheckResult:
        """Hold `df` against the contract, tell nobody and record nothing; `settings` override those of the block."""
        names = {"dataset": f"data frame {len(self.results) + 1}"}
        with telling_nobody():
            found: CheckResult = check_with_contract(df, self.contract, **(names | dict(self.settings) | settings))
        self.results.append(found)
        return found


@contextmanager
def expecting(contract: Contract | str, **settings: Any) -> Iterator[Checks]:
    """For tests: checks data frames in a `with` block and raises at its end for all that break the contract, together.

        from lakepact.io import expecting

        def test_orders(spark):
            with expecting("orders", store="file:contracts-store") as keeps:
                keeps(clean(spark.table("raw.orders")))

    `settings` are those of `check_with_contract`. Raises ContractViolated LP893 with the violations of all frames.
    """
    checks = Checks(contract, settings)
    yield checks
    bad = [each for each in checks.results if not passes(each)]
    if bad:
        problems = [problem for each in bad for problem in problems_of(each)]
        raise _violated(bad[0], problems, ", ".join(each.dataset for each in bad))


def passes(check: CheckResult) -> bool:
    """Whether nothing but warnings was found, and the columns fit, or the contract only warns of them."""
    fits = check.lenient or all(each.adapted for each in check.drift)
    return check.verdict in (Verdict.PASS, Verdict.WARN) and fits


def refuse(check: CheckResult) -> None:
    """Raise ContractViolated for a check that found more than warnings: LP892 for columns, LP893 for rules."""
    if not passes(check):
        raise _violated(check, problems_of(check), check.dataset)


def _violated(check: CheckResult, problems: Collection[Problem], what: str) -> ContractViolated:
    unfit = check.verdict in (Verdict.PASS, Verdict.WARN)
    how = "its columns do not fit" if unfit else "it breaks rules"
    return ContractViolated(
        f"{what} does not keep '{check.contract_id}' {check.contract_version}, object {check.object!r}: {how}",
        code="LP892" if unfit else "LP893",
        hint="each violation stands above",
        facts={"run_id": check.run_id, "rules": [each.rule_id for each in check.violated]},
        problems=tuple(problems),
    )
