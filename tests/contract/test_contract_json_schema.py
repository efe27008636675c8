"""The generated JSON Schema against the official ones and our grammar: same verdicts, hover texts, linear time."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakepact.contract import ApiVersion, Mode, read_contract
from lakepact.contract.grammar_shapes import Section, grammar_of
from lakepact.contract.json_schema import contract_json_schema
from lakepact.contract.json_schema_texts import _TEXTS, texts_of
from lakepact.contract.yaml_nodes import read_yaml
from lakepact.errors import Severity

VERSIONS = pytest.mark.parametrize("version", list(ApiVersion))
# What every editor knows: draft 7, and two words that do not judge.
KEYWORDS = {
    *("$schema", "$id", "$ref", "$defs", "title", "description", "examples", "deprecated", "type", "enum", "const"),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems", "uniqueItems"),
    *(
        "minimum",
        "exclusiveMinimum",
        "pattern",
        "maxProperties",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "if",
        "then",
        "else",
    ),
}


class Verdicts(NamedTuple):
    """Whether a document is accepted."""

    official: bool
    generated: bool
    grammar: bool


@cache
def official_schema(corpus: Path, version: ApiVersion) -> Any:
    text = (corpus / "schema" / f"odcs-json-schema-{version.value}.json").read_text(encoding="utf-8")
    return jsonschema.Draft201909Validator(json.loads(text))


@cache
def generated_schema(version: ApiVersion) -> Any:
    return jsonschema.Draft202012Validator(contract_json_schema(version))


@cache
def schema_as_draft_7(version: ApiVersion) -> Any:
    return jsonschema.Draft7Validator(contract_json_schema(version))


@cache
def documents(corpus: Path) -> tuple[tuple[str, ApiVersion, Any, bool], ...]:
    """Name, version whose schema judges it, data and verdict of each file that is not of version 2."""
    found = []
    for entry in json.loads((corpus / "manifest.json").read_text(encoding="utf-8")):
        if not entry["path"].startswith("v2.2.2/"):
            version = ApiVersion(Path(entry["schema"]).stem.removeprefix("odcs-json-schema-"))
            document, _ = read_yaml((corpus / entry["path"]).read_text(encoding="utf-8"))
            assert document is not None
            found.append((entry["path"], version, document.data, entry["valid"]))
    return tuple(found)


def verdicts(corpus: Path, version: ApiVersion, data: Any) -> Verdicts:
    contract, _ = read_contract(json.dumps(data).encode(), mode=Mode.STRICT)
    return Verdicts(
        official_schema(corpus, version).is_valid(data),
        generated_schema(version).is_valid(data),
        contract is not None,
    )


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Each schema in a schema; not the mappings from names to schemas."""
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key in ("properties", "$defs"):
                for entry in value.values():
                    yield from schemas_in(entry)
            elif key not in ("examples", "enum", "const", "required"):
                yield from schemas_in(value)
    elif isinstance(schema, list):
        for entry in schema:
            yield from schemas_in(entry)


@VERSIONS
def test_it_is_a_schema_without_an_address_to_fetch(version: ApiVersion) -> None:
    schema = contract_json_schema(version)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$id"] == f"urn:lakepact:odcs:{version.value}"
    references = {found["$ref"] for found in schemas_in(schema) if "$ref" in found}
    assert references == {f"#/$defs/{name}" for name in schema["$defs"]}
    assert {key for found in schemas_in(schema) for key in found} <= KEYWORDS
    assert contract_json_schema(version) == schema
    assert contract_json_schema(version) is not schema


@VERSIONS
def test_every_key_has_a_text_for_editors(version: ApiVersion) -> None:
    lacking = [
        (found.get("title"), key)
        for found in schemas_in(contract_json_schema(version))
        for key, entry in found.get("properties", {}).items()
        if isinstance(entry, dict) and found.get("type") == "object" and not entry.get("description")
    ]
    assert lacking == []


def test_no_text_is_for_a_key_that_no_version_has() -> None:
    known: dict[str, set[str]] = {"*": set(), "server.*": set()}
    for version in ApiVersion:
        grammar = grammar_of(version)
        for name, section in grammar.sections.items():
            known.setdefault(name, {"."}).update(section.rows)
            known["*"] |= set(section.rows)
        for section in grammar.servers.values():
            known["server.*"] |= set(section.rows)
    for line in _TEXTS.strip().splitlines():
        if line.startswith("["):
            section_name = line.strip("[]")
        elif line:
            key, _, sentence = line.partition(" ")
            assert key in known[section_name], line
            assert sentence[:1].isupper(), line
            assert sentence.partition(" | ")[0].endswith("."), line


def test_what_editors_show() -> None:
    schema = contract_json_schema(ApiVersion.V3_1_0)
    assert schema["properties"]["status"] == {
        "description": "Where in its life the contract is.",
        "type": "string",
        "examples": ["proposed", "draft", "active", "deprecated", "retired"],
    }
    assert schema["properties"]["dataProduct"]["deprecated"] is True
    assert "deprecated" not in contract_json_schema(ApiVersion.V3_0_2)["properties"]["dataProduct"]
    required = schema["$defs"]["item"]["properties"]["required"]
    assert required == {"description": "Whether every row has a value.", "type": "boolean"}
    assert schema["$defs"]["object"]["title"] == "Schema object"
    assert texts_of("server.s3")["location"].sentence == "Address of the data."


@VERSIONS
def test_only_documents_of_its_version_are_accepted(version: ApiVersion) -> None:
    for declared in (*ApiVersion, "v4.0.0"):
        data = {"apiVersion": declared, "kind": "DataContract", "id": "a", "version": "1", "status": "x"}
        assert generated_schema(version).is_valid(data) == (declared == version)


def test_all_three_agree_on_the_corpus_and_so_do_editors_of_draft_7(odcs_corpus: Path) -> None:
    wrong = {}
    for name, version, data, valid in documents(odcs_corpus):
        if "adventureworks" in name and version is not ApiVersion.V3_0_2:
            continue  # the same tables in each version, and the official schemas take seconds for them
        found = verdicts(odcs_corpus, version, data)
        if found != Verdicts(valid, valid, valid) or schema_as_draft_7(version).is_valid(data) != valid:
            wrong[name] = found
    assert wrong == {}


# Every way in which we differ from the official schema on purpose; docs/corpus.md lists the same ones.


class Deviation(NamedTuple):
    """The versions in which it occurs, a document that shows it, and the errors by which one is known."""

    title: str
    versions: tuple[ApiVersion, ...]
    shown_by: dict[str, Any]
    verdicts: Verdicts
    errors: re.Pattern[str]

    def explains(self, version: ApiVersion, found: Verdicts, data: Any) -> bool:
        _, problems = read_contract(json.dumps(data).encode(), mode=Mode.STRICT)
        errors = [f"{each.path} {each.message}" for each in problems if each.severity is Severity.ERROR]
        return (
            version in self.versions
            and found == self.verdicts
            and all(self.errors.fullmatch(error) for error in errors)
        )


DEVIATIONS = [
    Deviation(
        "lists of different length in `from` and `to`",
        (ApiVersion.V3_1_0, ApiVersion.V3_2_0),
        {"schema": [{"name": "t", "relationships": [{"from": ["t.a", "t.b"], "to": ["u.a"]}]}]},
        Verdicts(official=True, generated=True, grammar=False),
        re.compile(r".*relationships\[\d+\] `from` has \d+ addresses and `to` has \d+"),
    ),
    Deviation(
        "a `name` or `description` of a team member that is no text",
        (ApiVersion.V3_0_0, ApiVersion.V3_0_1),
        {"team": [{"name": ["a"]}]},
        Verdicts(official=True, generated=False, grammar=False),
        re.compile(r"team\[\d+\]\.(name|description) .*"),
    ),
]


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: deviation.title)
def test_deviations_are_real_and_documented(deviation: Deviation, odcs_corpus: Path, repository: Path) -> None:
    for version in deviation.versions:
        data = {"apiVersion": version.value, "kind": "DataContract", "id": "a", "version": "1", "status": "x"}
        found = verdicts(odcs_corpus, version, data | deviation.shown_by)
        assert found == deviation.verdicts
        assert deviation.explains(version, found, data | deviation.shown_by)
    page = (repository / "docs" / "corpus.md").read_text(encoding="utf-8")
    assert f"| {deviation.title} | {', '.join(deviation.versions)} |" in page


def test_every_documented_deviation_is_tested(repository: Path) -> None:
    page = (repository / "docs" / "corpus.md").read_text(encoding="utf-8")
    _, _, table = page.partition("## Where lakepact is stricter")
    titles = re.findall(r"^\| (.*?) \| v3", table, re.MULTILINE)
    assert titles == [deviation.title for deviation in DEVIATIONS]


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each container with each of its keys or indexes."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from spots(value[key])


@cache
def known_values(corpus: Path) -> dict[str, list[Any]]:
    """The values that each key has in the corpus."""
    found: dict[str, list[Any]] = {}
    for name, _, data, _ in documents(corpus):
        if "adventureworks" not in name:
            for container, key in spots(data):
                if isinstance(key, str):
                    found.setdefault(key, []).append(container[key])
    return found


def odd_values(version: ApiVersion) -> st.SearchStrategy[Any]:
    words = sorted({word for section in grammar_of(version).sections.values() for word in words_of(section)})
    return st.sampled_from(
        [
            *(
                None,
                True,
                False,
                0,
                1,
                -1,
                1.5,
                2.0,
                10**30,
                "",
                "a",
                "a.b",
                "x y",
                "a-b.c-d",
                "/schema/a/properties/b",
            ),
            *([], {}, ["a"], ["a.b"], ["a", "a"], [1, 2], [1, 1], [2.0, 2], [1, True], [None], {"a": 1}, [{}]),
            *({"name": "q"}, [{"name": "q"}], [{"value": 1}], [{"value": 1}, {"value": 1.0}], {"members": []}),
            *words,
        ]
    )


def words_of(section: Section) -> set[str]:
    return {word for row in section.rows.values() for word in row.shape.values}


def mutated(data: Any, version: ApiVersion, corpus: Path, draw: st.DataObject) -> Any:
    """A copy with one to three keys deleted, renamed, given another value, or put where they were not."""
    result = copy.deepcopy(data)
    pool = known_values(corpus)
    names = st.sampled_from(sorted(pool))
    for _ in range(draw.draw(st.integers(1, 3))):
        places = list(spots(result))
        if not places:
            break
        container, key = places[draw.draw(st.integers(0, len(places) - 1))]
        match draw.draw(st.sampled_from(["delete", "rename", "retype", "put", "put", "put"])):
            case "delete":
                del container[key]
            case "rename" if isinstance(container, dict):
                container[draw.draw(names)] = container.pop(key)
            case "put" if isinstance(container, dict):
                name = draw.draw(names)
                container[name] = copy.deepcopy(draw.draw(st.sampled_from(pool[name])))
            case _:
                container[key] = draw.draw(odd_values(version))
    if isinstance(result.get("apiVersion"), str):
        result["apiVersion"] = version.value
    return result


@settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_all_three_agree_on_mutated_documents(odcs_corpus: Path, draw: st.DataObject) -> None:
    small = [found for found in documents(odcs_corpus) if "adventureworks" not in found[0]]
    _, version, data, _ = small[draw.draw(st.integers(0, len(small) - 1))]
    document = mutated(data, version, odcs_corpus, draw)
    found = verdicts(odcs_corpus, version, document)
    assert len(set(found)) == 1 or any(deviation.explains(version, found, document) for deviation in DEVIATIONS), found


def nested(levels: int, width: int) -> dict[str, Any]:
    """A property with `width` properties on each of `levels` levels below it."""
    properties = [nested(levels - 1, width) for _ in range(width)] if levels else []
    return {"name": "p", "logicalType": "object", "description": "d", "required": True, "properties": properties}


def count(found: dict[str, Any]) -> int:
    return 1 + sum(map(count, found["properties"]))


def test_nested_properties_cost_no_more_than_flat_ones() -> None:
    deep = nested(6, 3)
    flat = [nested(0, 0) for _ in range(count(deep))]
    seconds = []
    for properties in ([deep], flat):
        data = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "a", "version": "1"}
        data |= {"schema": [{"name": "t", "properties": properties}]}
        runs = []
        for _ in range(3):
            start = time.process_time()
            assert generated_schema(ApiVersion.V3_2_0).is_valid(data)
            runs.append(time.process_time() - start)
        seconds.append(min(runs))
    assert seconds[0] < 2 * seconds[1]
