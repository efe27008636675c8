"""The real Databricks CLI deploys the bundle to the double of a workspace, and runs what it deployed there."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakepact.collibra.auth import ClientCredentials
from lakepact.collibra.client import CollibraClient
from lakepact.collibra.feedback import ATTRIBUTES
from lakepact.collibra.http_gateway import HttpGateway
from lakepact.collibra.store import CollibraContractStore
from lakepact.contract import load_contract
from lakepact.rerun import Arrival, InboxState, open_inbox
from lakepact.spark.session import LocalSession, open_local_session
from lakepact.store import Status, create_store
from lakepact.testing.collibra import CollibraServer
from lakepact.testing.workspace import Workspace

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = ("databricks.yml", "bundles", "pipelines", "notebooks", "src", "pyproject.toml", "README.md", "LICENSE")
VARIABLES = {
    "warehouse_id": "0123456789abcdef",
    "collibra_settings": "/Workspace/Shared/collibra.yml",
    "runner": "11111111-1111-1111-1111-111111111111",
    "caller": "22222222-2222-2222-2222-222222222222",
    "readers": "data-readers",
    "deployer": "ada@example.com",
}
RUNNER, CALLER = VARIABLES["runner"], VARIABLES["caller"]
HOME = "/Users/ada@example.com/.bundle"
WHEEL = "lakepact-0.1.0-py3-none-any.whl"
SMALL = f"""\
bundle: {{name: small}}
resources:
  schemas:
    data: {{catalog_name: main, name: sales}}
  volumes:
    landing:
      catalog_name: main
      schema_name: ${{resources.schemas.data.name}}
      name: landing
      volume_type: MANAGED
targets:
  prod: {{mode: production, default: true, workspace: {{root_path: /Workspace{HOME}/small}}}}
"""
# The objects that pipelines/flights.py names, with as few rules as show that they are asked.
FLIGHTS = b"""\
apiVersion: v3.1.0
kind: DataContract
id: nyc-flights
version: 1.0.0
status: active
schema:
  - name: flights
    properties:
      - {name: carrier, logicalType: string}
      - {name: dep_delay, logicalType: integer, logicalTypeOptions: {minimum: -60}}
  - {name: weather, properties: [{name: origin, logicalType: string}]}
  - {name: planes, properties: [{name: tailnum, logicalType: string}]}
  - {name: airports, properties: [{name: faa, logicalType: string}]}
  - {name: airlines, properties: [{name: carrier, logicalType: string}]}
"""
LOCK = {"ID": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "AcquisitionTime": "2026-11-21T10:00:00Z", "IsForced": False}


@dataclass(frozen=True)
class Said:
    """What the CLI said, and how it ended."""

    code: int
    out: str
    err: str

    def well(self) -> Said:
        """This, where it ended well."""
        assert self.code == 0, self.out + self.err
        return self


Databricks = Callable[..., Said]


@pytest.fixture(scope="module")
def cli() -> Path:
    """The CLI; tests that ask for it are skipped where there is none, or fail if LAKEPACT_REQUIRE_CLI is 1."""
    spec = importlib.util.spec_from_file_location("databricks_cli", ROOT / "tools" / "databricks_cli.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    found: Path | None = tool.find_cli(os.environ)
    if found is None and os.environ.get("LAKEPACT_REQUIRE_CLI") == "1":
        pytest.fail("there is no Databricks CLI")
    if found is None:
        pytest.skip("no Databricks CLI here: `make bundle-test` gets one")
    return found


@pytest.fixture
def workspace(request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """The double; tests that are marked so have one whose warehouse runs statements, on the tables of its pipelines."""
    given: dict[str, Any] = {}
    if request.node.get_closest_marker("spark") is not None:
        session: LocalSession = request.getfixturevalue("lake")
        given = {"spark": session.classic, "storage": session.warehouse.parent}
    with Workspace(**given) as found:
        yield found
        assert found.unknown == ()


@pytest.fixture
def lake(cli: Path, local_session: LocalSession, tmp_path: Path) -> Iterator[LocalSession]:
    """A lake with the schema of the store. The CLI is asked for first: without one no Java starts."""
    with open_local_session(
        warehouse=tmp_path / "lake" / "warehouse", app_name="lake", connect_functions=False
    ) as found:
        found.attach(["lakepact"])
        yield found


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the bundle of this repository, with what its wheel is built from."""
    ignored = shutil.ignore_patterns("__pycache__", "data", ".lakepact", "*.whl")
    for name in (*FILES, "examples/flights"):
        source, target = ROOT / name, tmp_path / "bundle" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return tmp_path / "bundle"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A bundle with a schema and a volume."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "databricks.yml").write_text(SMALL, encoding="utf-8")
    return tmp_path / "small"


@pytest.fixture
def databricks(cli: Path, workspace: Workspace, tmp_path: Path) -> Databricks:
    """Runs the CLI in a folder, on the double and on nothing else."""

    def run(folder: Path, *words: str, **variables: str) -> Said:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DATABRICKS_", "BUNDLE_"))}
        given = VARIABLES | {"inbox": f"delta:{tmp_path / 'inbox'}"}
        own = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "DATABRICKS_BUNDLE_ENGINE": "direct",
            "DATABRICKS_CLI_DISABLE_TELEMETRY": "1",
            **{f"BUNDLE_VAR_{name}": value for name, value in given.items()},
        }
        access: Mapping[str, str] = variables or workspace.environment
        done = subprocess.run(
            [str(cli), "bundle", *words],
            cwd=folder,
            env=inherited | own | access,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


def keep_the_wheel(bundle: Path) -> None:
    """Deploy the wheel that is there from now on: building it is what takes long."""
    text = (bundle / "databricks.yml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("    build: pip wheel ")]
    assert len(kept) == len(text.splitlines()) - 1
    (bundle / "databricks.yml").write_text("".join(kept), encoding="utf-8")


def changes(workspace: Workspace, since: int) -> list[str]:
    """The requests that changed something, other than files and who may see them, after so many requests."""
    own = ("/api/2.0/workspace/", "/api/2.0/workspace-files/", "/api/2.0/permissions/directories/")
    return [
        f"{each.method} {each.path}"
        for each in workspace.requests[since:]
        if each.method != "GET" and not each.path.startswith(own)
    ]


@pytest.mark.parametrize("target", ["dev", "staging", "prod"])
def test_every_target_is_valid(databricks: Databricks, bundle: Path, target: str) -> None:
    said = databricks(bundle, "validate", "--target", target, "--output", "json").well()
    found = json.loads(said.out)
    assert found["bundle"]["target"] == target
    kinds = {kind: len(each) for kind, each in found["resources"].items()}
    expected = {"apps": 1, "jobs": 5, "pipelines": 1, "schemas": 3, "secret_scopes": 1, "volumes": 2}
    assert kinds == expected
    assert "Error" not in said.err


def test_a_deployment_from_its_plan_to_its_end(databricks: Databricks, workspace: Workspace, bundle: Path) -> None:
    prod = ("--target", "prod")
    databricks(bundle, "deploy", *prod).well()
    keep_the_wheel(bundle)
    _check_what_is_there(workspace)
    _check_that_it_runs(lambda name: databricks(bundle, "run", *prod, name), workspace)
    assert _planned(databricks(bundle, "plan", *prod, "--output", "json").well()) == {}

    before = len(workspace.requests)
    databricks(bundle, "deploy", *prod).well()
    assert changes(workspace, before) == []

    jobs = bundle / "bundles" / "jobs.yml"
    text = jobs.read_text(encoding="utf-8")
    jobs.write_text(text.replace("timeout_seconds: 3600", "timeout_seconds: 1800"), encoding="utf-8")
    planned = _planned(databricks(bundle, "plan", *prod, "--output", "json").well())
    assert planned == {"resources.jobs.contract_sync": "update"}
    before = len(workspace.requests)
    databricks(bundle, "deploy", *prod).well()
    assert changes(workspace, before) == ["POST /api/2.2/jobs/reset"]
    (sync,) = [job for job in workspace.jobs.jobs.values() if job.name == "contract_sync"]
    assert sync.settings["timeout_seconds"] == 1800

    summary = databricks(bundle, "summary", *prod).well().out
    assert f"/jobs/{sync.id}" in summary

    databricks(bundle, "destroy", *prod, "--auto-approve").well()
    kept = (workspace.jobs.jobs, workspace.pipelines.specs, workspace.apps.apps, workspace.secrets.scopes)
    assert kept == ({}, {}, {}, {})
    assert (workspace.catalog.schemas, workspace.catalog.volumes, workspace.catalog.grants) == ({}, {}, {})
    assert workspace.files.paths("/Users") == ()


def _planned(said: Said) -> dict[str, str]:
    """What a plan would do to each resource that it would change."""
    plan: dict[str, Any] = json.loads(said.out)["plan"]
    return {name: each["action"] for name, each in plan.items() if each["action"] != "skip"}


def _check_what_is_there(workspace: Workspace) -> None:
    """The production target, as the page on deployment says it."""
    jobs = {job.name: job for job in workspace.jobs.jobs.values()}
    assert sorted(jobs) == ["contract_poll", "contract_rerun", "contract_sync", "quality_sla", "retention"]
    assert {job.run_as for job in jobs.values()} == {RUNNER}
    rights = workspace.permissions.of("jobs", str(jobs["contract_rerun"].id))
    assert rights[CALLER] == rights[RUNNER] == "CAN_MANAGE_RUN"
    assert rights["ada@example.com"] == "IS_OWNER"
    assert CALLER not in workspace.permissions.of("jobs", str(jobs["contract_sync"].id))
    (id,) = workspace.pipelines.specs
    assert workspace.permissions.of("pipelines", id)[RUNNER] == "CAN_RUN"
    assert workspace.permissions.of("apps", "lakepact-prod")[CALLER] == "CAN_USE"
    (pipeline,) = workspace.pipelines.specs.values()
    assert (pipeline["name"], pipeline["run_as"]) == ("flights", {"service_principal_name": RUNNER})
    grants = workspace.catalog.grants
    assert grants["schema", "main.lakepact"][RUNNER] == {"USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE"}
    assert grants["schema", "main.lakepact"]["data-readers"] == {"USE_SCHEMA", "SELECT"}
    assert grants["volume", "main.flights.landing"] == {RUNNER: {"READ_VOLUME"}}
    assert workspace.secrets.scopes["lakepact-prod"][RUNNER] == "READ"
    files = workspace.files.paths(f"{HOME}/flights/prod/files")
    names = {path.removeprefix(f"{HOME}/flights/prod/files/") for path in files}
    assert {"pipelines/flights.py", "notebooks/follow_rerun", "examples/flights/lakepact.yml"} <= names
    assert f"bundles/receiver/{WHEEL}" in names
    assert [name for name in names if name.startswith(("src/", "tests/"))] == []


def _check_that_it_runs(run: Callable[[str], Said], workspace: Workspace) -> None:
    """The tasks run the wheel that was uploaded; what fails there fails here."""
    failed = run("contract_sync")
    assert failed.code == 1
    assert "lakepact.cli.task.TaskFailed: lakepact collibra ended with exit code 2" in failed.err
    assert "/Workspace/Shared/collibra.yml'" in workspace.runs.printed("contract_sync")
    with CollibraServer() as collibra:
        # The task reads the secret from the workspace, as its principal.
        workspace.secrets.put("lakepact-prod", "collibra", collibra.client_secret)
        settings = f"url: {collibra.url}\nuser: {collibra.client_id}\nsecret: databricks:lakepact-prod/collibra\n"
        workspace.files.put(VARIABLES["collibra_settings"], settings.encode())
        run("contract_sync").well()
        assert "no event waits" in run("contract_rerun").well().out
        assert len(collibra.requests) > 0
    (pipeline,) = workspace.pipelines.specs
    workspace.pipelines.next_update(pipeline, ends="FAILED", looks=0)
    assert run("flights_pipeline").code == 1


@pytest.mark.spark
@pytest.mark.timeout(900)
def test_a_validation_runs_the_pipeline_that_was_deployed(
    databricks: Databricks,
    workspace: Workspace,
    lake: LocalSession,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = f"uc:main.lakepact_inbox?warehouse={workspace.warehouse}"
    prod = ("--target", "prod", "--var", f"inbox={place}")
    databricks(bundle, "deploy", *prod).well()
    for name, value in workspace.environment.items():
        monkeypatch.setenv(name, value)
    create_store(f"uc:main.lakepact?warehouse={workspace.warehouse}")
    put_landing(workspace.catalog.volume_folder("main.flights.landing"))
    # The double's warehouse knows the schemas of its session; the deployment made this one in the catalog.
    lake.classic.sql("CREATE SCHEMA lakepact_inbox")
    inbox = open_inbox(place)
    inbox.receive(Arrival(delivery_id="msg_1", type="x", contract_id="nyc-flights", version="1.0.0"))
    with CollibraServer() as collibra:
        stewards = validated(workspace, collibra)
        said = databricks(bundle, "run", *prod, "contract_rerun").well().out
        assert "nyc-flights 1.0.0" in said
        assert inbox.get("msg_1").state is InboxState.DONE
        asset = stewards.contracts(manifest_id="nyc-flights")[0].id
        assert stewards.attributes(asset)["Contract compliance"] == ("warn",)
    (pipeline,) = workspace.pipelines.specs
    assert workspace.pipelines.started(pipeline) == (False,)
    tables = lake.warehouse / "flights.db"
    assert rows(tables / "flights") == [{"carrier": "UA", "dep_delay": 2}, {"carrier": "AA", "dep_delay": -900}]
    delays = [{"carrier": "AA", "flights": 1, "mean_delay": -900.0}, {"carrier": "UA", "flights": 1, "mean_delay": 2.0}]
    assert sorted(rows(tables / "delays"), key=lambda row: str(row["carrier"])) == delays

    shown = databricks(bundle, "run", *prod, "flights_pipeline", "--refresh", "delays").well()
    events = [line.partition(" ")[2] for line in (shown.out + shown.err).splitlines() if "_progress" in line]
    assert "flow_progress   INFO \"Flow 'main.flights.delays' is RUNNING.\"" in events
    assert events[-1].endswith(' is COMPLETED."')
    assert workspace.pipelines.started(pipeline) == (False, False)


def validated(workspace: Workspace, collibra: CollibraServer) -> HttpGateway:
    """A steward has validated the contract; the jobs know how to reach Collibra. What Collibra answers there."""
    for attribute in ATTRIBUTES.values():
        collibra.add_attribute_type(attribute)
    port = collibra.add_port("flights-gold")
    token = ClientCredentials(f"{collibra.url}/rest/oauth/v2/token", collibra.client_id, lambda: collibra.client_secret)
    gateway = HttpGateway(CollibraClient(collibra.url, token))
    store = CollibraContractStore(gateway, port_of=lambda _: port)
    contract = load_contract(FLIGHTS)
    store.put(contract, actor="grace", reason="proposed")
    for status in (Status.IN_REVIEW, Status.VALIDATED):
        store.set_status(contract.id, contract.version, status, actor="grace", reason="looked at")
    workspace.secrets.put("lakepact-prod", "collibra", collibra.client_secret)
    settings = f"url: {collibra.url}\nuser: {collibra.client_id}\nsecret: databricks:lakepact-prod/collibra\n"
    workspace.files.put(VARIABLES["collibra_settings"], settings.encode())
    return gateway


def put_landing(landing: Path) -> None:
    """Files as they arrive, with one flight that breaks a rule."""
    import pyarrow as pa
    from pyarrow import parquet

    tables = {
        "flights": {"carrier": ["UA", "AA"], "dep_delay": [2, -900]},
        "planes": {"tailnum": ["N14228"]},
        "airports": {"faa": ["EWR"]},
    }
    for name, columns in tables.items():
        (landing / name).mkdir()
        parquet.write_table(pa.table(columns), landing / name / "a.parquet")
    for name, text in {"weather/a.csv": "origin\nEWR\n", "airlines/a.json": '{"carrier": "UA"}\n'}.items():
        (landing / name).parent.mkdir()
        (landing / name).write_text(text, encoding="utf-8")


def rows(table: Path) -> list[dict[str, Any]]:
    """The rows of a Delta table."""
    deltalake = pytest.importorskip("deltalake")
    found: list[dict[str, Any]] = deltalake.DeltaTable(str(table)).to_pyarrow_table().to_pylist()
    return found


def test_a_deployment_that_stops_half_way_says_so_and_goes_on(
    databricks: Databricks, workspace: Workspace, small: Path
) -> None:
    workspace.fail(500, message="The service is away.", method="POST", path="/volumes")
    failed = databricks(small, "deploy")
    assert failed.code == 1
    assert "Error: cannot create resources.volumes.landing: The service is away. (500 INTERNAL_ERROR)" in failed.err
    assert (list(workspace.catalog.schemas), list(workspace.catalog.volumes)) == (["main.sales"], [])

    before = len(workspace.requests)
    databricks(small, "deploy").well()
    assert changes(workspace, before) == ["POST /api/2.1/unity-catalog/volumes"]


def test_a_busy_workspace_is_asked_again(databricks: Databricks, workspace: Workspace, small: Path) -> None:
    workspace.fail(429, method="POST", path="/schemas", retry_after=1)
    databricks(small, "deploy").well()
    asked = [each.status for each in workspace.requests if each.method == "POST" and each.path.endswith("/schemas")]
    assert asked == [429, 200]


def test_a_deployment_waits_for_nobody(databricks: Databricks, workspace: Workspace, small: Path) -> None:
    lock = f"{HOME}/small/state/deploy.lock"
    workspace.files.put(lock, json.dumps(LOCK | {"User": "grace@example.com"}).encode())
    failed = databricks(small, "deploy")
    assert failed.code == 1
    assert "deploy lock acquired by grace@example.com at 2026-11-21 10:00:00 +0000 UTC" in failed.err
    assert workspace.catalog.schemas == {}
    databricks(small, "deploy", "--force-lock").well()
    assert lock not in workspace.files.paths()


def test_a_service_principal_deploys(databricks: Databricks, workspace: Workspace, small: Path) -> None:
    workspace.add_service_principal(RUNNER, "hush")
    access = {key: value for key, value in workspace.environment.items() if key != "DATABRICKS_TOKEN"}
    access |= {"DATABRICKS_CLIENT_ID": RUNNER, "DATABRICKS_CLIENT_SECRET": "hush"}
    databricks(small, "deploy", **access).well()
    assert list(workspace.catalog.volumes) == ["main.sales.landing"]

    refused = databricks(small, "deploy", **access | {"DATABRICKS_CLIENT_SECRET": "wrong"})
    assert refused.code == 1
    refused = databricks(small, "deploy", **workspace.environment | {"DATABRICKS_TOKEN": "wrong"})
    assert "Error: Invalid access token. (403 403)" in refused.err
