"""The state of a Delta table, read from its log."""

from __future__ import annotations

import json
from pathlib import Path

from lakepact.local.delta_log import data_state, table_state


def commit(table: Path, version: int, operation: str, *actions: str) -> None:
    log = table / "_delta_log"
    log.mkdir(exist_ok=True)
    lines = [{"commitInfo": {"operation": operation}}, *({action: {}} for action in actions)]
    (log / f"{version:020d}.json").write_text("\n".join(map(json.dumps, lines)))


def test_properties_that_are_set_do_not_change_the_data(tmp_path: Path) -> None:
    commit(tmp_path, 0, "CREATE TABLE", "metaData", "protocol")
    commit(tmp_path, 1, "WRITE", "add")
    written = data_state(tmp_path)
    assert written == data_state(tmp_path, 1)
    assert written == table_state(tmp_path)

    commit(tmp_path, 2, "SET TBLPROPERTIES", "metaData")
    assert data_state(tmp_path) == written != table_state(tmp_path)
    commit(tmp_path, 3, "SET TBLPROPERTIES", "metaData", "protocol")
    assert data_state(tmp_path) == table_state(tmp_path)
    assert data_state(tmp_path, 2) == written


def test_the_same_version_of_another_table_is_another_state(tmp_path: Path) -> None:
    commit(tmp_path, 0, "WRITE", "add")
    before = data_state(tmp_path)
    commit(tmp_path, 0, "WRITE", "add", "remove")
    assert data_state(tmp_path) != before


def test_a_log_with_gaps_does_not_tell(tmp_path: Path) -> None:
    assert data_state(tmp_path) is None
    commit(tmp_path, 0, "WRITE", "add")
    commit(tmp_path, 2, "SET TBLPROPERTIES", "metaData")
    assert data_state(tmp_path) is None
    assert data_state(tmp_path, 1) is None
    assert data_state(tmp_path, 0) is not None
