"""Loading a lakepact.yml: what it means, and every way in which it can be wrong."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from lakepact.errors import ConfigurationError, ProjectInvalid, UsageError
from lakepact.plan.model import Mode
from lakepact.project import (
    FileEntry,
    Project,
    SqlEntry,
    TableEntry,
    find_project,
    load_project,
    resolve_contract,
    resolve_pipeline,
    select_environment,
    select_pipelines,
)

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
version: {version}
status: {status}
schema:
  - name: flights
    physicalName: tbl_flights
    properties:
      - name: carrier
        physicalName: carrier_code
        logicalType: string
  - name: weather
    properties:
      - name: origin
        logicalType: string
"""

SAMPLE = """\
version: 1
contracts: [contracts/*.odcs.yaml]
environments:
  local: {catalog: spark_catalog, schema: flights, storage: .lakepact}
  prod: {catalog: main, schema: flights}
pipelines:
  flights:
    contract: nyc-flights
    version: ">=1.0,<2"
    objects:
      flights: {path: data/flights, format: parquet, mode: stream}
      weather: {path: data/weather.csv, format: csv, options: {header: "true"}, mode: batch}
      delays: {sql: "SELECT carrier, avg(dep_delay) AS mean_delay FROM flights GROUP BY carrier"}
"""


def contract_file(root: Path, *, name: str = "flights", version: str = "1.2.0", status: str = "active") -> None:
    """A contract `nyc-flights` with two schema objects."""
    folder = root / "contracts"
    folder.mkdir(exist_ok=True)
    text = CONTRACT.format(id="nyc-flights", version=version, status=status)
    (folder / f"{name}.odcs.yaml").write_text(text)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one contract; messages show paths relative to it."""
    monkeypatch.chdir(tmp_path)
    contract_file(tmp_path)
    return tmp_path


def loaded(root: Path, text: str) -> Project:
    """The project of that text."""
    (root / "lakepact.yml").write_text(textwrap.dedent(text))
    return load_project(root / "lakepact.yml")


def messages(root: Path, text: str) -> list[str]:
    """The problems of that text, as they are printed."""
    with pytest.raises(ProjectInvalid, match=r"^LP410: lakepact\.yml has \d+ problems?\n") as caught:
        loaded(root, text)
    return [str(problem) for problem in caught.value.problems]


def pipeline(body: str) -> str:
    """The sample's head with another pipeline; `body` is indented under its name."""
    head = SAMPLE.partition("  flights:\n")[0]
    return head + "  flights:\n" + textwrap.indent(textwrap.dedent(body), "    ")


def test_the_sample_of_the_documentation_loads_as_it_is(root: Path) -> None:
    project = loaded(root, SAMPLE)

    assert project.root == root
    assert list(project.environments) == ["local", "prod"]
    assert project.environments["local"].storage == ".lakepact"
    assert project.environments["prod"].storage is None
    flights = project.pipelines["flights"]
    assert (flights.contract, flights.version) == ("nyc-flights", ">=1.0,<2")
    entry = flights.objects["flights"]
    assert isinstance(entry, FileEntry)
    assert (entry.path, entry.format, entry.mode) == ("data/flights", "parquet", Mode.STREAM)
    assert (entry.place.line, entry.place.column) == (11, 7)
    weather = flights.objects["weather"]
    assert isinstance(weather, FileEntry)
    assert (weather.options, weather.mode) == ({"header": "true"}, Mode.BATCH)


def test_an_object_that_the_contract_lacks_is_derived(root: Path) -> None:
    project = loaded(root, SAMPLE)
    resolved = resolve_pipeline(project, project.pipelines["flights"], select_environment(project))

    assert list(resolved.objects) == ["flights", "weather"]
    assert resolved.derived == {"delays": "SELECT carrier, avg(dep_delay) AS mean_delay FROM flights GROUP BY carrier"}
    assert resolved.contract is not None
    assert resolved.contract.version == "1.2.0"


def test_objects_come_in_the_order_of_the_contract_and_by_its_names(root: Path) -> None:
    project = loaded(
        root,
        pipeline("""\
            contract: nyc-flights
            objects:
              weather: {table: raw.weather, mode: stream}
              tbl_flights: {sql: SELECT 1 AS carrier_code, rename: {carrier: c}}
            """),
    )
    resolved = resolve_pipeline(project, project.pipelines["flights"], select_environment(project, "prod"))

    assert list(resolved.objects) == ["flights", "weather"]
    assert isinstance(resolved.objects["flights"], SqlEntry)
    assert resolved.objects["flights"].rename == {"carrier": "c"}
    assert isinstance(resolved.objects["weather"], TableEntry)
    assert resolved.derived == {}


def test_variables_are_those_of_the_environment_else_of_the_project(root: Path) -> None:
    project = loaded(
        root,
        """\
        version: 1
        contracts: [contracts/*.odcs.yaml]
        variables: {year: 2013, user: ada}
        environments:
          local: {catalog: spark_catalog, schema: "${user}_flights", variables: {data: data}}
          prod: {catalog: main, schema: flights, variables: {data: /Volumes/raw, year: 2014}}
        pipelines:
          flights:
            contract: nyc-flights
            objects:
              flights: {path: "${data}/${year}/$${kept}", format: csv, options: {sep: "${environment}", header: true}}
              weather: {table: "${catalog}.${schema}.weather"}
            configuration: {retries: 3, year: "${year}"}
        """,
    )

    def entries(name: str) -> tuple[object, object, object]:
        resolved = resolve_pipeline(project, project.pipelines["flights"], select_environment(project, name))
        flights, weather = resolved.objects["flights"], resolved.objects["weather"]
        assert isinstance(flights, FileEntry)
        assert isinstance(weather, TableEntry)
        assert flights.options == {"sep": name, "header": "true"}
        return flights.path, weather.table, resolved.configuration

    assert entries("local") == (
        "data/2013/${kept}",
        "spark_catalog.ada_flights.weather",
        {"retries": "3", "year": "2013"},
    )
    assert entries("prod") == ("/Volumes/raw/2014/${kept}", "main.flights.weather", {"retries": "3", "year": "2014"})


def test_the_value_of_a_variable_is_not_resolved_again(root: Path) -> None:
    text = pipeline('{contract: nyc-flights, objects: {flights: {path: "${a}", format: csv}}}').replace(
        "environments:", "variables: {a: '${b}', b: x}\nenvironments:"
    )
    project = loaded(root, text)

    resolved = resolve_pipeline(project, project.pipelines["flights"], select_environment(project))
    entry = resolved.objects["flights"]
    assert isinstance(entry, FileEntry)
    assert entry.path == "${b}"


def test_a_version_without_quotes_is_read_as_it_is_written(root: Path) -> None:
    contract_file(root, name="old", version="1.10.0")
    project = loaded(root, pipeline("{contract: nyc-flights, version: 1.10, objects: {}}"))

    assert project.pipelines["flights"].version == "1.10"
    assert resolve_contract(project, project.pipelines["flights"]).version == "1.10.0"


def test_the_highest_release_is_chosen(root: Path) -> None:
    for version in ("1.9.0", "1.10.0", "2.0.0", "1.11.0-rc.1"):
        contract_file(root, name=version, version=version)
    contract_file(root, name="draft", version="1.12.0", status="draft")
    project = loaded(root, SAMPLE)

    assert resolve_contract(project, project.pipelines["flights"]).version == "1.10.0"


def test_without_a_version_the_highest_release_of_all_is_chosen(root: Path) -> None:
    contract_file(root, name="next", version="2.0.0")
    contract_file(root, name="draft", version="3.0.0", status="draft")
    project = loaded(root, pipeline("{contract: nyc-flights}"))

    assert resolve_contract(project, project.pipelines["flights"]).version == "2.0.0"


@pytest.mark.parametrize(("version", "status"), [("1.3.0", "draft"), ("1.3.0-rc.1", "active")])
def test_a_draft_or_pre_release_is_chosen_where_it_is_named(root: Path, version: str, status: str) -> None:
    contract_file(root, name="next", version=version, status=status)
    project = loaded(root, pipeline(f"{{contract: nyc-flights, version: '=={version}'}}"))

    assert resolve_contract(project, project.pipelines["flights"]).version == version


def test_a_pipeline_may_have_nothing_but_hand_written_sources(root: Path) -> None:
    (root / "etl").mkdir()
    for name in ("b.sql", "a.py", "notes.txt"):
        (root / "etl" / name).write_text("")
    project = loaded(root, pipeline("sources: [etl/*.py, etl/*.sql, etl/a.py]"))

    resolved = resolve_pipeline(project, project.pipelines["flights"], select_environment(project))
    assert resolved.contract is None
    assert [path.name for path in resolved.sources] == ["a.py", "b.sql"]


def test_all_problems_come_in_one_pass(root: Path) -> None:
    text = """\
        version: 2
        contracts: [contracts/*.odcs.yaml, missing/*.yaml]
        environments:
          local: {catalog: spark_catalog, shema: flights}
          prod: {catalog: main, schema: 7}
        pipelines:
          flights:
            contract: nyc-flihgts
            objects:
              flights: {path: data, format: csv, mode: streaming}
          weather:
            contract: nyc-flights
            version: ">=2"
            policy: policy.yml
            objects:
              wether: {path: data, format: csv}
              weather: {pth: data}
          third:
            contract: nyc-flights
            sources: [etl/*.py]
            objects:
              wether: {path: data, format: csv}
              flights: {path: "${dta}", format: csv, rename: {carier: c}}
              delays: {sql: SELECT 1, mode: stream}
              weather: [table]
        other: 1
        """
    assert messages(root, text) == [
        "lakepact.yml:1:10: error LP403: 'version' must be 1, not 2",
        f"lakepact.yml:2:36: error LP405: no file fits 'missing/*.yaml'\n  hint: looked in {root}",
        "lakepact.yml:4:3: error LP404: key 'schema' is missing in 'environments.local'",
        "lakepact.yml:4:35: error LP402: unknown key 'shema' in 'environments.local'\n  hint: did you mean 'schema'?",
        "lakepact.yml:5:33: error LP403: 'environments.prod.schema' must be a text, not '7'\n  hint: put it in quotes",
        "lakepact.yml:8:15: error LP406: no contract has the id 'nyc-flihgts'\n  hint: did you mean 'nyc-flights'?",
        "lakepact.yml:10:48: error LP403: 'pipelines.flights.objects.flights.mode' must be stream or batch, "
        "not 'streaming'\n  hint: did you mean 'stream'?",
        "lakepact.yml:13:14: error LP407: no version of contract 'nyc-flights' fits '>=2'\n  hint: there is 1.2.0",
        f"lakepact.yml:14:13: error LP405: there is no file 'policy.yml'\n  hint: looked in {root}",
        "lakepact.yml:17:7: error LP404: 'pipelines.weather.objects.weather' needs exactly one of path, table or sql\n"
        "  hint: 'pth' is unknown; did you mean 'path'?",
        f"lakepact.yml:20:15: error LP405: no file fits 'etl/*.py'\n  hint: looked in {root}",
        "lakepact.yml:22:7: error LP406: contract 'nyc-flights' 1.2.0 has no schema object 'wether'\n"
        "  hint: did you mean 'weather'?",
        "lakepact.yml:23:23: error LP409: variable 'dta' has no value in environment 'local', 'prod'\n"
        "  hint: known: catalog, environment, schema",
        "lakepact.yml:23:55: error LP406: schema object 'flights' has no property or column 'carier'\n"
        "  hint: did you mean 'carrier'?",
        "lakepact.yml:24:7: error LP403: 'delays' is not in the contract: such an object is a materialized view "
        "without mode and rename",
        "lakepact.yml:25:16: error LP403: 'pipelines.third.objects.weather' must be a mapping of keys to values, "
        "not a list",
        "lakepact.yml:26:1: error LP402: unknown key 'other'\n"
        "  hint: known: contracts, environments, notifications, pipelines, variables, version",
    ]


def test_the_problems_of_a_contract_come_with_those_of_the_project(root: Path) -> None:
    (root / "contracts" / "broken.odcs.yaml").write_text("apiVersion: v3.1.0\nkind: Nonsense\nid: x\nversion: 1.0.0\n")

    problems = messages(root, SAMPLE.replace("prod:", "prod: {}\n  test:"))
    assert problems[0] == "lakepact.yml:5:3: error LP404: key 'catalog' is missing in 'environments.prod'"
    assert problems[-1].startswith("contracts/broken.odcs.yaml:2:7: error LP")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "{contract: nyc-flights, version: newest}",
            "lakepact.yml:7:45: error LP407: `newest` is not a semantic version",
        ),
        ("{}", "lakepact.yml:7:3: error LP404: pipeline 'flights' needs a contract or sources"),
        (
            "{objects: {a: {path: x, format: csv}}}",
            "lakepact.yml:7:23: error LP404: object 'a' needs a contract: only an object with sql can do without",
        ),
        (
            "{contract: nyc-flights, objects: {flights: {table: a.b.c.d}}}",
            "lakepact.yml:7:63: error LP403: 'a.b.c.d' is not the name of a table: one to three names with dots",
        ),
        (
            "{contract: nyc-flights, objects: {flights: {table: a}, tbl_flights: {table: b}}}",
            "lakepact.yml:7:67: error LP408: object 'tbl_flights' is the schema object that 'flights' means as well",
        ),
        (
            "{contract: nyc-flights, objects: {flights: {table: a, rename: {carrier: a, carrier_code: b}}}}",
            "lakepact.yml:7:87: error LP408: 'carrier_code' is the column that 'carrier' means as well",
        ),
        (
            "{contract: nyc-flights, objects: {flights: {table: a, path: b}}}",
            "lakepact.yml:7:46: error LP404: 'pipelines.flights.objects.flights' needs exactly one of "
            "path, table or sql",
        ),
        ("{contract: ' '}", "lakepact.yml:7:23: error LP403: 'pipelines.flights.contract' must not be empty"),
        ("{contract: }", "lakepact.yml:7:23: error LP403: 'pipelines.flights.contract' must be a text, not nothing"),
    ],
)
def test_a_pipeline_that_cannot_be(root: Path, body: str, message: str) -> None:
    text = SAMPLE.partition("  flights:\n")[0] + f"  flights: {body}\n"
    found = messages(root, text)
    assert len(found) == 1, found
    assert found[0].startswith(message)


def test_one_contract_version_in_two_files_is_an_error(root: Path) -> None:
    contract_file(root, name="copy")
    assert messages(root, SAMPLE) == [
        "lakepact.yml:2:12: error LP408: contract 'nyc-flights' has version 1.2.0 twice: "
        "'contracts/copy.odcs.yaml' and 'contracts/flights.odcs.yaml'\n"
        "  hint: give one of them another version, or remove it"
    ]


def test_only_drafts_is_said_with_how_to_take_one(root: Path) -> None:
    contract_file(root, version="1.2.0", status="draft")
    assert messages(root, SAMPLE) == [
        "lakepact.yml:9:14: error LP407: no version of contract 'nyc-flights' fits '>=1.0,<2'\n"
        "  hint: there is 1.2.0 (draft); a draft or pre-release is taken only where `version` names it"
    ]


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "-x", "a b", "x" * 101])
def test_names_that_cannot_be_files_are_refused(root: Path, name: str) -> None:
    text = SAMPLE.replace("  flights:\n", f"  '{name}':\n")
    assert messages(root, text) == [
        f"lakepact.yml:7:3: error LP403: {name!r} is not a name in 'pipelines'\n"
        "  hint: letters, digits, '_', '-' and '.', at most 100, no '-' or '.' in front"
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"version: [1", r"lakepact.yml:2:1: error LP401: not YAML: "),
        (b"version: \xff", r"lakepact.yml:1:1: error LP401: the file is not UTF-8: byte 10 cannot be read"),
        (b"", r"lakepact.yml:1:1: error LP401: the document is empty"),
        (b"- 1\n", r"lakepact.yml:1:1: error LP403: the file must be a mapping of keys to values, not a list"),
        (b"#" * 1_000_001, "lakepact.yml:1:1: error LP401: the file has 1,000,001 bytes; a project file has at most"),
        (b"[" * 100_000, "lakepact.yml:1:"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nversion: 1\nversion: 2\n", "lakepact.yml:4:1: error LP401: the key `version`"),
        (b"version: &v [*v]\n", "lakepact.yml:1:14: error LP401: the alias `*v` "),
    ],
)
def test_bytes_that_are_no_project(root: Path, source: bytes, message: str) -> None:
    (root / "lakepact.yml").write_bytes(source)
    with pytest.raises(ProjectInvalid, match=re.escape(message)):
        load_project(root / "lakepact.yml")


def test_an_alias_bomb_ends_with_a_message(root: Path) -> None:
    lines = ["version: 1", "x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 10)]
    (root / "lakepact.yml").write_text("\n".join(lines))
    with pytest.raises(ProjectInvalid, match="more than 100,000 elements through aliases"):
        load_project(root / "lakepact.yml")


def test_a_project_is_found_from_below(root: Path) -> None:
    (root / "lakepact.yml").write_text(SAMPLE)
    (root / "data" / "deep").mkdir(parents=True)

    assert find_project(root / "data" / "deep") == root / "lakepact.yml"
    assert find_project(root / "lakepact.yml") == root / "lakepact.yml"


def test_no_project_and_no_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"LP400: there is no lakepact.yml in '{tmp_path}' or in a")):
        find_project(tmp_path)
    with pytest.raises(ConfigurationError, match=re.escape(f"LP400: there is no folder '{tmp_path / 'x'}'")):
        find_project(tmp_path / "x")


def test_a_project_file_that_is_a_folder_is_said(root: Path) -> None:
    (root / "lakepact.yml").mkdir()
    with pytest.raises(ConfigurationError, match=r"LP400: the project file 'lakepact\.yml' cannot be read: Is a direc"):
        load_project(root / "lakepact.yml")


def test_unknown_names_have_a_hint(root: Path) -> None:
    project = loaded(root, SAMPLE)
    with pytest.raises(UsageError, match=r"LP411: the project has no environment 'prd'\n  hint: did you mean 'prod'\?"):
        select_environment(project, "prd")
    with pytest.raises(UsageError, match=r"LP411: the project has no pipeline 'x'\n  hint: known: flights"):
        select_pipelines(project, ["x"])


def test_the_first_environment_is_the_default(root: Path) -> None:
    assert select_environment(loaded(root, SAMPLE)).name == "local"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/x.csv", "{root}/data/x.csv"),
        ("/data/x.csv", "/data/x.csv"),
        ("s3://bucket/x", "s3://bucket/x"),
        ("dbfs:/x", "dbfs:/x"),
    ],
)
def test_relative_paths_start_at_the_project(root: Path, path: str, expected: str) -> None:
    assert loaded(root, SAMPLE).absolute(path) == expected.format(root=root)
