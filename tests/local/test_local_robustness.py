"""`lakepact run` on bad days: each ends with one message and its exit code, keeps the data, and the next run works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import deltalake
import pytest

from lakepact.cli.main import main
from lakepact.spark.session import LocalSession, open_local_session

pytestmark = pytest.mark.spark
Captured = pytest.CaptureFixture[str]

PROJECT = """
version: 1
environments:
  local: {{catalog: spark_catalog, schema: {schema}, storage: {storage}}}
pipelines:
  p:
    sources: [pipelines/*.py]
"""
SOURCE = """
from pyspark import pipelines as dp

@dp.materialized_view()
def a():
    return spark.range({rows})

@dp.materialized_view({arguments})
@dp.expect_or_fail("small", "id < {limit}")
def b():
    return spark.sql("SELECT {column} FROM a")
"""


def source(*, rows: str = "5", arguments: str = "", limit: int = 9, column: str = "id") -> str:
    return SOURCE.format(rows=rows, arguments=arguments, limit=limit, column=column)


def write_project(root: Path, schema: str, *, text: str = "", storage: str = ".lakepact") -> Path:
    (root / "pipelines").mkdir(parents=True)
    (root / "lakepact.yml").write_text(PROJECT.format(schema=schema, storage=storage))
    (root / "pipelines" / "p.py").write_text(text or source())
    return root


def operations(root: Path, schema: str, table: str) -> list[str]:
    """What was done to a table, oldest first."""
    log = root / ".lakepact" / "warehouse" / f"{schema}.db" / table / "_delta_log"
    commits = [file.read_text().splitlines() for file in sorted(log.glob("*.json"))]
    infos = [json.loads(line)["commitInfo"] for lines in commits for line in lines if "commitInfo" in line]
    return [info["operation"] for info in infos]


@pytest.fixture(scope="module")
def session(local_session: LocalSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSession]:
    """Keeps Java alive, so that each run of this module is short."""
    with open_local_session(warehouse=tmp_path_factory.mktemp("kept"), app_name="tests") as opened:
        yield opened


@pytest.fixture(scope="module")
def published(session: LocalSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose tables `a` and `b` hold five rows."""
    root = write_project(tmp_path_factory.mktemp("hand") / "project", "robust")
    assert main(["run", str(root)]) == 0
    return root


def rows_of(root: Path, schema: str = "robust") -> list[int]:
    tables = (root / ".lakepact" / "warehouse" / f"{schema}.db" / table for table in "ab")
    return [deltalake.DeltaTable(table).to_pyarrow_table().num_rows for table in tables]


PHASES = {
    "a source that cannot be parsed": ("def (", 3, "error LP540: {file}:1:5: invalid syntax\n"),
    "a source that raises": ("1 / 0", 3, "error LP541: {file}:1: ZeroDivisionError: division by zero\n"),
    "a query that raises": (
        source(rows="1 / 0"),
        3,
        "error LP541: {file}:6: the query of a raises ZeroDivisionError: division by zero\n",
    ),
    "a graph that does not resolve": (
        source(column="nope"),
        1,
        "error LP539: pipeline p failed\nerror LP539: dataset b: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column,",
    ),
    "a table that cannot be made": (
        source(arguments="partition_cols=['zz']"),
        1,
        "error LP539: pipeline p failed: [CANNOT_UPDATE_PARTITION_COLUMNS] Declared partitioning identity(zz)",
    ),
    "a row that a query cannot compute": (
        source(column="id, 1 DIV (id - 3) AS x"),
        1,
        "error LP539: pipeline p failed\nerror LP539: dataset b: [DIVIDE_BY_ZERO] Division by zero.",
    ),
    "a check that must hold": (
        source(limit=3),
        1,
        "error LP539: pipeline p failed\nerror LP539: dataset b: a row of spark_catalog.robust.b "
        'breaks "small", which must stop the update\n',
    ),
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_that_fails_in_any_phase_keeps_the_data(
    session: LocalSession, published: Path, capsys: Captured, phase: str
) -> None:
    text, code, message = PHASES[phase]
    file = published / "pipelines" / "p.py"
    file.write_text(text)
    report = published / "report.json"
    report.unlink(missing_ok=True)

    assert main(["run", str(published), "--json", str(report)]) == code

    err = capsys.readouterr().err
    assert err.startswith(message.replace("{file}", str(file)))
    assert "Traceback" not in err
    assert json.loads(report.read_text())["state"] == "FAILED"
    assert rows_of(published) == [5, 5]
    assert not (published / ".lakepact" / "journal" / "p.json").exists()


def test_the_run_after_failed_ones_completes(session: LocalSession, published: Path, capsys: Captured) -> None:
    (published / "pipelines" / "p.py").write_text(source(rows="7"))
    assert main(["run", str(published)]) == 0
    assert capsys.readouterr().err == ""
    assert rows_of(published) == [7, 7]
    (published / "pipelines" / "p.py").write_text(source())
    assert main(["run", str(published)]) == 0


def test_an_event_log_that_cannot_be_written_fails_the_run(
    session: LocalSession, tmp_path: Path, capsys: Captured
) -> None:
    root = write_project(tmp_path / "project", "robust_log")
    log = root / ".lakepact" / "warehouse" / "robust_log.db" / "event_log_p"
    session.classic.sql("SELECT 'x' AS other").write.format("delta").save(str(log))
    assert main(["run", str(root), "--json", str(root / "report.json")]) == 3
    assert capsys.readouterr().err.startswith(
        "error LP537: the tables are written, but not the event log spark_catalog.robust_log.event_log_p: "
        "[DELTA_METADATA_MISMATCH] A metadata mismatch was detected when writing to the Delta table.\n  hint: "
    )
    assert json.loads((root / "report.json").read_text())["state"] == "FAILED"
    assert rows_of(root, "robust_log") == [5, 5]


@pytest.fixture
def shop(session: LocalSession, tmp_path: Path, capsys: Captured) -> Path:
    """The project that `init` writes, in a schema of its own."""
    root = tmp_path / "shop"
    assert main(["init", str(root)]) == 0
    capsys.readouterr()
    return root


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


BAD_RULES = """    quality:
      - type: custom
        engine: lakeflow
        implementation: {expect: "amount > > 1"}
      - metric: rowCount"""


def test_sources_and_rules_that_do_not_fit_are_told_together(
    session: LocalSession, shop: Path, capsys: Captured
) -> None:
    change(shop / "data" / "orders" / "2024-01.csv", "customer_id,ordered_at", "customer,ordered")
    customers = shop / "data" / "customers_parquet"
    session.classic.sql("SELECT DATE'2024-01-01' AS customer_id, 'a' AS name, 1 AS Country").write.parquet(
        str(customers)
    )
    change(shop / "lakepact.yml", '"${data}/customers", format: json', '"${data}/customers_parquet", format: parquet')
    contract = shop / "contracts" / "orders.odcs.yaml"
    change(contract, "    quality:\n      - metric: rowCount", BAD_RULES)

    assert main(["run", str(shop), "--json", str(shop / "report.json")]) == 3

    err = capsys.readouterr().err
    assert "Traceback" not in err
    lines = [line.partition(": [")[0].replace(str(shop), "") for line in err.splitlines()]
    assert lines == [
        "error LP543: nothing was run: 4 faults",
        "/contracts/orders.odcs.yaml:16:9: error LP543: object customers: column customer_id cannot be made from the "
        "DATE of /data/customers_parquet (parquet)",
        "/lakepact.yml:12:7: error LP543: object customers: /data/customers_parquet (parquet) has no column email; "
        "it has customer_id, name, Country",
        "  hint: give the source's name of a column under `rename`, or correct the contract",
        "/lakepact.yml:13:7: error LP543: object orders: /data/orders (csv) has no columns customer_id, ordered_at; "
        "it has order_id, customer, ordered, status, amount, coupon",
        "  hint: give the source's name of a column under `rename`, or correct the contract",
        "/contracts/orders.odcs.yaml:74:9: error LP544: rule orders.quality.lakeflow is not SQL that Spark understands",
    ]
    assert "[PARSE_SYNTAX_ERROR] Syntax error at or near '>'." in err
    failed = json.loads((shop / "report.json").read_text())
    assert (failed["state"], failed["error"]["code"]) == ("FAILED", "LP543")
    assert not (shop / ".lakepact" / "warehouse" / "shop.db" / "orders").exists()


UNREADABLE_RULE = """    quality:
      - type: sql
        query: SELECT count(* FROM ${table}
        mustBe: 0
      - metric: rowCount"""


def test_what_is_not_checked_is_a_warning_on_stderr(shop: Path, capsys: Captured) -> None:
    change(shop / "lakepact.yml", '      customers: {path: "${data}/customers", format: json}\n', "")
    reference = "        relationships:\n          - to: customers.customer_id\n"
    contract = shop / "contracts" / "orders.odcs.yaml"
    change(contract, reference, "")
    change(contract, "    quality:\n      - metric: rowCount", UNREADABLE_RULE)
    text = (shop / "lakepact.yml").read_text()
    (shop / "lakepact.yml").write_text(text.partition("      revenue:")[0])
    assert main(["run", str(shop), "--dry-run"]) == 0
    assert capsys.readouterr().err == (
        f"{contract}:72:9: warning LP206: schema[1].quality[0]: the parentheses do not match\n"
        f"{contract}:12:5: warning LP308: schema object 'customers' has no source in this pipeline: "
        "none of its rules is checked\n  hint: name its files, table or query under `objects`\n"
    )


STORAGE = pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounts a small file system")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@STORAGE
def test_a_full_disk_in_a_write_keeps_the_data(
    session: LocalSession, tmp_path: Path, small_disk: Path, capsys: Captured
) -> None:
    root = write_project(tmp_path / "project", "robust_disk", storage=str(small_disk))
    assert main(["run", str(root)]) == 0
    capsys.readouterr()
    (root / "pipelines" / "p.py").write_text(
        source(column="a.id, sha2(CAST(x AS STRING), 512) AS s").replace("FROM a", "FROM a, range(200000) AS r(x)")
    )
    assert main(["run", str(root)]) in {1, 3}
    err = capsys.readouterr().err
    assert "No space left on device" in err
    assert "Traceback" not in err
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    (root / "pipelines" / "p.py").write_text(source())
    assert main(["run", str(root)]) == 0
    tables = (small_disk / "warehouse" / "robust_disk.db" / table for table in "ab")
    assert [deltalake.DeltaTable(table).to_pyarrow_table().num_rows for table in tables] == [5, 5]


@STORAGE
def test_a_read_only_storage_is_said_before_spark_starts(tmp_path: Path, small_disk: Path, capsys: Captured) -> None:
    root = write_project(tmp_path / "project", "robust_ro", storage=str(small_disk))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert main(["run", str(root)]) == 3
    assert capsys.readouterr().err == (
        f"error LP537: the storage '{small_disk}' cannot be written: Read-only file system\n"
        "  hint: free or unlock it, or give the environment another `storage` in lakepact.yml\n"
    )


HOSTILE = {
    "bad YAML": b"kind: [unclosed\n",
    "an alias bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(ord("b"), ord("j"))),
    "50 MB": b"# " + b"x" * 50_000_000,
    "a wrong kind": b"kind: Pod\napiVersion: v3.1.0\nid: orders\nversion: 1.0.0\nstatus: active\n",
    "an unknown version": b"kind: DataContract\napiVersion: v9.0.0\nid: orders\nversion: 1.0.0\nstatus: active\n",
    "no text": b"\xff\xfe\x00\x80",
}


@pytest.mark.parametrize("command", ["run", "generate"])
@pytest.mark.parametrize("contract", HOSTILE)
def test_a_hostile_contract_ends_before_spark_starts(
    tmp_path: Path, capsys: Captured, command: str, contract: str
) -> None:
    root = tmp_path / "shop"
    assert main(["init", str(root)]) == 0
    capsys.readouterr()
    (root / "contracts" / "orders.odcs.yaml").write_bytes(HOSTILE[contract])
    started = time.monotonic()
    assert main([command, str(root)]) == 3, contract
    printed = capsys.readouterr()
    assert printed.err.startswith("error LP")
    assert "orders.odcs.yaml" in printed.err
    assert "Traceback" not in printed.err
    assert time.monotonic() - started < 20
    assert not (root / ".lakepact").exists()


# What follows starts processes of its own.

SLOW = """
from pathlib import Path
from pyspark import pipelines as dp

WAIT = Path(__file__).parent.parent / "wait"

@dp.materialized_view()
def a():
    return spark.range(5)

@dp.materialized_view()
def b():
    pause = int(WAIT.read_text()) if WAIT.exists() else 0
    return spark.table("a").selectExpr("id", f"reflect('java.lang.Thread', 'sleep', {pause}L) AS slept")
"""
Process = subprocess.Popen[str]


def start(root: Path) -> Process:
    return subprocess.Popen(
        [sys.executable, "-m", "lakepact", "run", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def started_slow(root: Path) -> tuple[Process, int]:
    """A run that fills `b` for a minute and has emptied it, and its Java process."""
    (root / "wait").write_text("60000")
    emptied = operations(root, "robust_slow", "b").count("TRUNCATE")
    running = start(root)
    while operations(root, "robust_slow", "b").count("TRUNCATE") == emptied:
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    time.sleep(1)
    (root / "wait").unlink()
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    return running, int(children[0])


def wait_for_end(pid: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.1)


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@LINUX
@pytest.mark.process
@pytest.mark.timeout(1800)  # four Java processes, on a machine that may be busy
def test_a_run_that_is_ended_from_outside_keeps_the_data(
    session: LocalSession, tmp_path: Path, capsys: Captured
) -> None:
    root = write_project(tmp_path / "project", "robust_slow", text=SLOW)
    journal = root / ".lakepact" / "journal" / "p.json"
    assert main(["run", str(root)]) == 0
    assert capsys.readouterr().err == ""

    for number, to_group, code, words in (
        (signal.SIGINT, True, 130, "interrupted\n"),
        (signal.SIGTERM, False, 143, "terminated\n"),
    ):
        running, java = started_slow(root)
        (os.killpg if to_group else os.kill)(running.pid, number)
        out, err = running.communicate(timeout=300)
        assert (running.returncode, out, err) == (code, "", words)
        assert operations(root, "robust_slow", "b")[-1] == "RESTORE"
        assert not journal.exists()
        wait_for_end(java)

    running, java = started_slow(root)
    os.kill(java, signal.SIGKILL)
    out, err = running.communicate(timeout=300)
    assert (running.returncode, err) == (
        3,
        "error LP609: the Java process of Spark ended in the middle of the run\n"
        "  hint: it may have been killed for its memory; the next run puts back what this one had emptied\n",
    )
    assert journal.exists()

    running, java = started_slow(root)
    put_back = operations(root, "robust_slow", "b").count("RESTORE")
    threading.Timer(3, running.kill).start()
    # This run of the same pipeline waits for the one that is killed, and puts right what it leaves.
    assert main(["run", str(root)]) == 0
    assert running.wait(timeout=60) == -signal.SIGKILL
    running.communicate()
    wait_for_end(java)
    assert capsys.readouterr().err == ""
    done = operations(root, "robust_slow", "b")
    assert (done.count("RESTORE"), done[-1]) == (put_back + 1, "WRITE")
    assert not journal.exists()


@pytest.mark.process
@pytest.mark.timeout(900)
def test_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    chance = source(column="id, rand() AS r")  # is run each time, though nothing has changed
    one = write_project(tmp_path / "one", "robust_one", text=chance)
    other = write_project(tmp_path / "other", "robust_other", text=chance)
    runs = [start(one), start(one), start(other)]
    for run in runs:
        out, err = run.communicate(timeout=600)
        assert (run.returncode, err) == (0, ""), out
        assert "COMPLETED" in out
    assert operations(one, "robust_one", "b").count("WRITE") == 2
    assert operations(one, "robust_one", "a").count("WRITE") == 1
    assert operations(other, "robust_other", "b").count("WRITE") == 1


@pytest.mark.process
def test_without_java_the_message_says_what_to_install(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", "robust_java")
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "JAVA_HOME"}
    blocked = tmp_path / "cjdk.py"
    blocked.write_text("raise ImportError('not here')\n")
    environment |= {"PATH": str(empty), "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-m", "lakepact", "run", str(root)],
        capture_output=True, text=True, timeout=120, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.startswith("error LP601: Spark needs Java 17 or later, and there is none (")
    assert "\n  hint: install it with " in done.stderr
    assert done.stdout == ""
