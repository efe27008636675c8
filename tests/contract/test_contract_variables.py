"""Variables in the text of a contract."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakepact.contract import load_contract, resolve, unresolved_variables
from lakepact.contract.variables import Variable, variables_in
from lakepact.errors import ConfigurationError

CONTRACT = b"""\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
servers:
  - server: prod
    type: postgresql
    host: ${DB_HOST}
    port: ${DB_PORT:-5432}
    database: ${DB}-${DB_HOST}-${STAGE}
    schema: public
"""


@pytest.mark.parametrize(
    ("text", "values", "resolved"),
    [
        ("plain", {}, "plain"),
        ("${A}", {"A": "x"}, "x"),
        ("s3://${B}/${P:-in}/", {"B": "b"}, "s3://b/in/"),
        ("${A:-d}", {"A": "v"}, "v"),
        ("${A:-d}", {"A": ""}, "d"),
        ("${A:-a:-b}", {}, "a:-b"),
        ("$${A}", {"A": "x"}, "$x"),
        ("${A}", {"A": "${B}"}, "${B}"),
        ("$A ${} ${1A} ${A", {"A": "x"}, "$A ${} ${1A} ${A"),
    ],
)
def test_resolve(text: str, values: dict[str, str], resolved: str) -> None:
    assert resolve(text, values=values) == resolved


def test_names_to_keep_stay_as_they_are() -> None:
    assert resolve("SELECT ${property} FROM ${T:-t}", values={}, keep={"property"}) == "SELECT ${property} FROM t"


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("${A}", {}, "LP160: the variable `A` has no value"),
        ("${A}", {"A": ""}, "LP160: the variable `A` has no value"),
        ("${A:-}", {}, "LP160: the variable `A` has no value"),
        ("${A} ${B} ${A} ${C:-c}", {}, "LP160: the variables `A`, `B` have no value"),
    ],
)
def test_a_variable_never_becomes_the_empty_text(text: str, values: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        resolve(text, values=values)
    assert caught.value.hint == "give it a value, or write ${NAME:-default}"


def test_the_error_names_the_variables_for_machines() -> None:
    with pytest.raises(ConfigurationError, match="LP160") as caught:
        resolve("${A}${B:-x}${C}", values={})
    assert caught.value.facts == {"missing": ("A", "C")}


def test_the_model_keeps_what_was_written() -> None:
    contract = load_contract(CONTRACT)
    assert contract.servers[0].settings["port"] == "${DB_PORT:-5432}"
    assert variables_in("${DB_PORT:-5432}") == (Variable("DB_PORT", "5432"),)


def test_unresolved_variables_of_a_contract_have_places() -> None:
    problems = unresolved_variables(load_contract(CONTRACT, file="c.yaml"), values={"DB": "d"})
    assert [str(problem).splitlines()[0] for problem in problems] == [
        "c.yaml:8:11: error LP160: the variable `DB_HOST` has no value",
        "c.yaml:10:15: error LP160: the variables `DB_HOST`, `STAGE` have no value",
    ]
    assert unresolved_variables(load_contract(CONTRACT), values={"DB": "d", "DB_HOST": "h", "STAGE": "s"}) == ()


@pytest.mark.parametrize(("version", "missing"), [("v3.0.2", ["OTHER"]), ("v3.1.0", ["object", "property", "OTHER"])])
def test_placeholders_of_v3_0_queries_are_no_variables(version: str, missing: list[str]) -> None:
    document = f"""\
apiVersion: {version}
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: t
    quality:
      - type: sql
        query: SELECT count(*) FROM ${{object}} WHERE ${{property}} > ${{OTHER}}
        mustBe: 0
"""
    problems = unresolved_variables(load_contract(document.encode()), values={})
    assert [re.findall("`(.*?)`", problem.message) for problem in problems] == [missing]


@given(st.text(alphabet="${}AB:-x ", max_size=20), st.sampled_from(["", "v"]))
def test_resolving_leaves_no_resolvable_reference(text: str, value: str) -> None:
    try:
        resolved = resolve(text, values={"A": value, "B": value})
    except ConfigurationError:
        assert value == "" or any(v.name not in "AB" and not v.default for v in variables_in(text))
    else:
        assert resolved or not text
