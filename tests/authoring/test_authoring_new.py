"""New contracts: what answers are accepted, what they become, and that it reads back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakepact.authoring.new import new_contract
from lakepact.authoring.questions import QUESTIONS, Answers, answered, slug
from lakepact.contract import ApiVersion, Mode, load_contract, read_contract
from lakepact.errors import UsageError
from lakepact.lint import lint

V3_1 = ApiVersion.V3_1_0
FULL: dict[str, Sequence[str]] = {
    "name": ["Orders & Lines"],
    "id": ["orders"],
    "version": ["1.0.0"],
    "status": ["active"],
    "domain": ["sales"],
    "owner": ["jane@example.com"],
    "purpose": ["Says: who bought what"],
    "object": ["order_lines"],
    "columns": ["order_id:integer:pk", "line:integer:pk", "sku:string:required:unique", "amount:number"],
    "servers": ["databricks:server=prod,catalog=main,schema=sales", "s3:location=s3://b/a,b/*.csv,format=csv"],
}
TEXT = """\
# A data contract. Its keys are those of the Open Data Contract Standard.
apiVersion: v3.1.0
kind: DataContract
id: orders
name: Orders & Lines
version: "1.0.0"
status: active
domain: sales

# What the data is for; `usage` and `limitations` may follow.
description:
  purpose: "Says: who bought what"

# What is delivered: one entry for each table.
# Bounds, patterns and lengths of a column go under `logicalTypeOptions`, other checks under `quality`.
schema:
  - name: order_lines
    physicalType: table
    properties:
      - name: order_id
        primaryKey: true
        primaryKeyPosition: 1
        logicalType: integer
        required: true
      - name: line
        primaryKey: true
        primaryKeyPosition: 2
        logicalType: integer
        required: true
      - name: sku
        logicalType: string
        required: true
        unique: true
      - name: amount
        logicalType: number

# Who answers for the data.
team:
  members:
    - username: jane@example.com
      role: owner

# Where the data is.
servers:
  - server: prod
    type: databricks
    catalog: main
    schema: sales
  - server: s3
    type: s3
    location: s3://b/a,b/*.csv
    format: csv
"""


def of(standard: ApiVersion = V3_1, /, **answers: str | Sequence[str]) -> Answers:
    given = {key: [value] if isinstance(value, str) else value for key, value in answers.items()}
    return answered(given, api_version=standard, ask=None, defaults=True, stem="orders")


def refusal(standard: ApiVersion = V3_1, /, **answers: str | Sequence[str]) -> str:
    with pytest.raises(UsageError, match="LP842") as caught:
        of(standard, **answers)
    return caught.value.message


def test_all_answers_become_this_contract() -> None:
    answers = answered(FULL, api_version=V3_1, ask=None, defaults=False)
    assert new_contract(answers).decode() == TEXT


def test_what_is_not_answered_is_not_written() -> None:
    contract = load_contract(new_contract(of()), mode=Mode.STRICT)
    assert list(contract.document) == ["apiVersion", "kind", "id", "name", "version", "status", "schema"]
    assert (contract.id, contract.name, contract.version, contract.status) == ("orders", "orders", "0.1.0", "draft")
    assert [found.name for table in contract.schema for found in table.properties] == ["id"]


@pytest.mark.parametrize("version", list(ApiVersion))
def test_every_version_is_written_and_lints_clean(version: ApiVersion) -> None:
    answers = answered(FULL, api_version=version, ask=None, defaults=False)
    linted = lint(new_contract(answers), strict=True)
    assert [str(problem) for problem in linted.problems] == []
    assert linted.contract is not None
    assert linted.contract.api_version is version
    assert linted.contract.team is not None
    assert [member.username for member in linted.contract.team.members] == ["jane@example.com"]


def test_the_defaults_lint_clean() -> None:
    assert lint(new_contract(of()), strict=True).problems == ()


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"name": ""}, "--name: a contract needs a name"),
        ({"name": "a\nb"}, "--name: it has the character U+000A, which does not belong into a line of text"),
        ({"purpose": "\udcff"}, "--purpose: it has the character U+DCFF, which does not belong into a line of text"),
        ({"id": "a b"}, "--id: `a b` is not an id; use letters, digits, `-`, `_`, `.` and `:`"),
        ({"id": ""}, "--id: an empty answer is not an id; use letters, digits, `-`, `_`, `.` and `:`"),
        ({"version": "1.0"}, "--contract-version: `1.0` is not a version; write major.minor.patch, such as 1.0.0"),
        (
            {"version": "v1.0.0"},
            "--contract-version: `v1.0.0` is not a version; write major.minor.patch, such as 1.0.0",
        ),
        ({"version": "one"}, "--contract-version: `one` is not a version; write major.minor.patch, such as 1.0.0"),
        (
            {"status": "live"},
            "--status: `live` is not a status; use one of proposed, draft, active, deprecated, retired",
        ),
        (
            {"object": "1st"},
            "--object: `1st` cannot be the name of a table; use letters, digits and `_`, with a letter or `_` first",
        ),
        ({"object": "_lakepact_x"}, "--object: `_lakepact_x` is reserved; let no name start with `_lakepact`"),
        ({"columns": ["a"]}, "--column: say the type of `a`, such as a:string"),
        (
            {"columns": [""]},
            "--column: an empty answer cannot be the name of a column; "
            "use letters, digits and `_`, with a letter or `_` first",
        ),
        (
            {"columns": ["a:text"]},
            "--column: `text` is not a type; use one of string, integer, number, boolean, date, timestamp, time",
        ),
        ({"columns": ["a:string:key"]}, "--column: `key` is not known after the type; use required, unique, pk"),
        ({"columns": ["a:string", "A:date"]}, "--column: there is a column `A` already"),
        ({"servers": ["foo"]}, "--server: `foo` is no type of server in v3.1.0"),
        (
            {"servers": ["databricks"]},
            "--server: a databricks server needs more, such as databricks:catalog=...,schema=...",
        ),
        (
            {"servers": ["databricks:catalog=a,schema=b,path=c"]},
            "--server: a databricks server has no key `path`; it has description, environment, host, catalog, schema",
        ),
        ({"servers": ["databricks:catalog"]}, "--server: `catalog` is not key=value"),
        (
            {"servers": ["local:path=a,format=b"] * 2},
            "--server: there is a server `local` already; give another name with server=...",
        ),
        (
            {"servers": ["mysql:host=a,database=b,port=x"]},
            "--server: `port` must be a whole number, not `x`",
        ),
        ({"servers": ["sftp:location=s3://b"]}, "--server: `location` must start with sftp://"),
    ],
)
def test_wrong_answers_are_refused_with_the_reason(answers: dict[str, Any], message: str) -> None:
    assert refusal(**answers) == message


def test_types_and_formats_follow_the_version() -> None:
    assert refusal(ApiVersion.V3_0_2, columns=["at:timestamp"]) == (
        "--column: `timestamp` is not a type; use one of string, integer, number, boolean, date"
    )
    assert refusal(ApiVersion.V3_0_2, servers=["s3:location=s3://b,format=xml"]) == (
        "--server: `format` cannot be `xml`; use one of parquet, delta, json, csv"
    )
    assert refusal(ApiVersion.V3_0_2, servers=["iceberg:catalog=a,catalogUrl=b"]) == (
        "--server: `iceberg` is no type of server in v3.0.2"
    )
    assert of(V3_1, servers=["mysql:host=a,database=b,port=3306"]).servers[0]["port"] == 3306
    assert of(ApiVersion.V3_2_0, servers=["mysql:host=a,database=b,port=${PORT}"]).servers[0]["port"] == "${PORT}"


def test_defaults_follow_the_answers_before_them() -> None:
    answers = of(name="Größe der Läden")
    assert (answers.id, answers.object) == ("grosse-der-laden", "grosse_der_laden")
    assert (of(name="2024").id, of(name="2024").object) == ("2024", "records")
    assert (of(name="数").id, of(name="_lakepact").object) == ("contract", "lakepact")


def test_missing_answers_are_named_by_their_flags() -> None:
    every = ", ".join(question.flag for question in QUESTIONS)
    with pytest.raises(UsageError, match="LP841") as caught:
        answered({}, api_version=V3_1, ask=None, defaults=False)
    assert caught.value.message == f"answers are missing, and there is no terminal to ask at: {every}"
    assert caught.value.hint == "give them, or --yes to take the defaults"
    with pytest.raises(UsageError, match=r"no terminal to ask at: --name\n  hint: give them$"):
        answered({}, api_version=V3_1, ask=None, defaults=True)


class Scripted:
    """Gives prepared answers, and as somebody at a terminal gives another one when it is refused."""

    def __init__(self, *answers: str) -> None:
        self.answers = iter(answers)
        self.heard: list[tuple[str, str | None]] = []
        self.reasons: list[str] = []

    def __call__(self, prompt: str, *, default: str | None, check: Callable[[str], object]) -> str:
        self.heard.append((prompt, default))
        while True:
            answer = next(self.answers)
            text = answer or default
            if text is None:
                continue
            try:
                check(text)
            except ValueError as error:
                self.reasons.append(str(error))
            else:
                return text


def test_only_what_is_not_given_is_asked() -> None:
    asker = Scripted("b:foo", "b:string", "c:date:pk", "", "")
    given = {key: value for key, value in FULL.items() if key not in ("columns", "servers")}
    answers = answered(given, api_version=V3_1, ask=asker, defaults=False)
    assert [column.name for column in answers.columns] == ["b", "c"]
    assert asker.reasons == ["`foo` is not a type; use one of string, integer, number, boolean, date, timestamp, time"]
    column, server = QUESTIONS[-2].prompt, QUESTIONS[-1].prompt
    assert asker.heard == [(column, "id:string:pk"), (column, ""), (column, ""), (server, "")]


def test_with_defaults_only_what_has_none_is_asked() -> None:
    asker = Scripted("", "Orders")
    answers = answered({}, api_version=V3_1, ask=asker, defaults=True)
    assert asker.heard == [("Name of the contract", None)]
    assert (answers.name, answers.id, answers.object) == ("Orders", "orders", "orders")


LINE = st.text(max_size=30)


@settings(max_examples=150)
@given(
    name=LINE,
    domain=LINE,
    owner=LINE,
    purpose=LINE,
    table=LINE,
    column=LINE,
    value=LINE,
    version=st.sampled_from(ApiVersion),
)
def test_any_answer_is_refused_or_becomes_what_it_says(
    name: str, domain: str, owner: str, purpose: str, table: str, column: str, value: str, version: ApiVersion
) -> None:
    texts = {"name": name, "domain": domain, "owner": owner, "purpose": purpose}
    given = {key: [text] for key, text in texts.items()}
    given |= {"object": [table], "columns": [f"{column}:string"], "servers": [f"pubsub:project={value}"]}
    for key in list(given):  # each answer alone decides whether it is taken
        try:
            of(version, **{key: given[key]})
        except UsageError:
            del given[key]
    contract, problems = read_contract(new_contract(of(version, **given)), mode=Mode.STRICT)
    assert problems == ()
    assert contract is not None
    assert contract.domain == (domain.strip() or None if "domain" in given else None)
    assert contract.name == (name.strip() if "name" in given else "orders")
    if "servers" in given:
        assert contract.servers[0].settings["project"] == value.strip()
    if "columns" in given:
        assert contract.schema[0].properties[0].name == column.strip()


def test_words_of_a_slug_are_joined() -> None:
    found = {slug(text, between=between) for text, between in itertools.product(("A b", "a--B", " a_b!"), "-")}
    assert found == {"a-b"}
