"""The checks of the benchmark on Soda and Great Expectations as one would run them without lakepact: prepared before.

What an adapter costs is its time against this: it makes the checks from the contract, shapes the data, and reads the
answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from lakepact.contract.model import Contract
from lakepact.quality.soda import _quiet
from lakepact.rules.literals import Inexpressible
from lakepact.rules.model import ObjectRules
from lakepact.sql import identifier
from lakepact.targets.demands import RowCount, demands_of
from lakepact.targets.gx.expectations import rows_expectation
from lakepact.targets.queries import Tables
from lakepact.targets.soda.checks import SodaCheck, soda_check
from lakepact.targets.soda.render import soda_document, soda_text

__all__ = ["bare_gx", "bare_soda"]

_VIEW = "bench_bare"


def bare_soda(spark: Any, frame: Any, contract: Contract, rules: ObjectRules) -> Callable[[], None]:
    """A scan by Soda of the frame's rows."""
    os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"
    import soda_core.contracts  # noqa: F401 (first, or its plugins find each other in a circle)
    from soda_core.common.logs import Logs
    from soda_core.common.yaml import ContractYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession
    from soda_sparkdf import SparkDataFrameDataSource

    frame.createOrReplaceTempView(_VIEW)
    checks = tuple(_soda_checks(contract, rules))
    text = soda_text(soda_document(f"lakepact/{_VIEW}", checks))

    def work() -> None:
        source = SparkDataFrameDataSource.from_existing_session(session=spark, name="lakepact")
        # Its own way of logging hears all that py4j says, and costs more than the adapter.
        with _quiet(Logs()) as logs:
            session = ContractVerificationSession.execute(
                contract_yaml_sources=[ContractYamlSource.from_str(text)], data_source_impls=[source], logs=logs
            )
        found = [each for result in session.contract_verification_results for each in result.check_results]
        if session.has_errors or len(found) != len(checks):
            raise RuntimeError(f"Soda: {session.get_errors_str()}")

    return work


def _soda_checks(contract: Contract, rules: ObjectRules) -> Iterator[SodaCheck]:
    view = identifier(_VIEW)
    tables = Tables(own=view, others={rules.name: view})
    described = contract.object(rules.name)
    assert described is not None
    for demand in demands_of(rules, described):
        yield soda_check(demand, tables, exact=True)


def bare_gx(spark: Any, frame: Any, contract: Contract, rules: ObjectRules) -> Callable[[], None]:
    """A validation by Great Expectations of the frame; what it has no kind for is a column of answers."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    library: Any = great_expectations
    described = contract.object(rules.name)
    assert described is not None
    answers: list[str] = []
    documents: list[dict[str, Any]] = []
    for demand in demands_of(rules, described):
        if isinstance(demand.what, RowCount):
            documents.append({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 0}})
            continue
        try:
            found = rows_expectation(demand.what, exact=True)
        except Inexpressible:
            continue
        if found is not None:
            documents.append({"type": found[0], "kwargs": dict(found[1])})
        elif demand.predicate:
            answers.append(f"({demand.predicate}) AS answer_{len(answers)}")
            kwargs = {"column": f"answer_{len(answers) - 1}", "value_set": [True]}
            documents.append({"type": "expect_column_values_to_be_in_set", "kwargs": kwargs})
    answered = frame.selectExpr("*", *answers)
    asked = {"result_format": "BASIC", "partial_unexpected_count": 0}

    def work() -> None:
        context = library.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        suite = context.suites.add(library.ExpectationSuite(name="bench", expectations=documents))
        source = context.data_sources.add_spark(name="bench", persist=False)
        batch = source.add_dataframe_asset(name="bench").add_batch_definition_whole_dataframe("bench")
        definition = library.ValidationDefinition(name="bench", data=batch, suite=suite)
        validated = context.validation_definitions.add(definition).run(
            batch_parameters={"dataframe": answered}, result_format=asked
        )
        if len(validated.results) != len(documents):
            raise RuntimeError("Great Expectations gave no result for an expectation")

    return work
