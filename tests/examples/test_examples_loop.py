"""The whole loop: validated in Collibra, told by webhook, run under the new version, told back."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from lakepact.rerun import InboxState

pytest.importorskip("databricks.sdk")


def _loop_module(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("loop_example", repository / "examples" / "loop" / "loop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.spark
@pytest.mark.timeout(900)
def test_a_validation_in_collibra_reruns_the_pipeline_under_the_new_version(
    repository: Path, local_session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _loop_module(repository, monkeypatch)
    said: list[str] = []
    loop = module.run_loop(tmp_path, said.append)
    assert loop.in_force == ["1.0.0", "1.1.0"]
    assert loop.draft.startswith("collibra:")
    assert loop.draft.rpartition("@")[2].startswith("1.1.0-draft.")
    assert {rerun.state for rerun in loop.reruns} == {InboxState.DONE}
    assert [rerun.ran for rerun in loop.reruns if rerun.ran] == [("orders",)] * len([r for r in loop.reruns if r.ran])
    assert {rerun.version for rerun in loop.reruns if rerun.ran} == {"1.0.0", "1.1.0"}
    assert "segment" in loop.columns
    assert loop.attributes["Validated version"] == "1.1.0"
    assert loop.attributes["Contract compliance"] == "quarantine"
    assert len(said) == 8
