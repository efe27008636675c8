"""`lakepact doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakepact.cli.doctor import doctor_lines
from lakepact.cli.main import main
from lakepact.spark.doctor import Finding

FINDINGS = (
    Finding(what="Java", ok=True, detail="17"),
    Finding(what="pyspark", ok=False, detail="not installed", how="pip install 'lakepact[local]'"),
    Finding(what="soda", ok=False, detail="not installed", how="pip install soda", required=False),
)


def test_each_finding_is_a_line_with_what_to_do_under_it() -> None:
    lines = ["".join(span.text for span in line) for line in doctor_lines(FINDINGS)]
    assert lines == [
        "ok      Java     17",
        "missing pyspark  not installed",
        "                 pip install 'lakepact[local]'",
        "without soda     not installed",
        "                 pip install soda",
    ]


def test_the_json_holds_every_finding(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert all(set(one) == {"what", "ok", "required", "detail", "how"} for one in found)
    assert [one["what"] for one in found][:3] == ["Python", "Java", "pyspark"]
    assert code == (0 if all(one["ok"] for one in found if one["required"]) else 3)


def test_a_machine_without_java_exits_3_or_says_how_it_is_fetched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    code = main(["doctor"])
    printed = capsys.readouterr()
    java = next(line for line in printed.out.splitlines() if " Java " in line)
    if code == 3:
        assert java.startswith("missing ")
        assert printed.err.startswith("lacking: Java")
    else:
        assert java.startswith("ok ")
        assert "none yet" in java
