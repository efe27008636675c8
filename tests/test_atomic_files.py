"""Files that appear whole or not at all."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from lakepact.atomic_files import UNFINISHED, make_folder, replace_file, sync_folder, written_beside


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_whole(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "state.json"
    replace_file(target, b"old", durable=durable)
    replace_file(target, b"new", durable=durable)
    assert target.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_a_write_that_fails_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "taken"
    (target / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="taken"):
        replace_file(target, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
    with pytest.raises(TypeError, match="bytes-like"):
        replace_file(tmp_path / "state.json", "text")  # type: ignore[arg-type]
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_who_may_read(tmp_path: Path) -> None:
    replace_file(tmp_path / "own", b"", private=True)
    replace_file(tmp_path / "all", b"")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes["own"] == 0o600
    (tmp_path / "plain").touch()
    assert modes["all"] == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_what_is_not_finished_has_a_name_that_no_reader_takes(tmp_path: Path) -> None:
    left = written_beside(tmp_path / "state.json", b"half")
    assert left.parent == tmp_path
    assert left.name.startswith(".")
    assert left.suffix == UNFINISHED
    assert left.read_bytes() == b"half"


def test_a_folder_is_made_with_those_above_it_and_may_be_there(tmp_path: Path) -> None:
    folder = tmp_path / "contracts" / "orders" / "documents"
    make_folder(folder)
    make_folder(folder)
    assert folder.is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file"):
        make_folder(tmp_path / "file" / "inner")


@pytest.mark.skipif(sys.platform != "linux", reason="a file system whose folders cannot be synced is known of Linux")
def test_a_folder_that_cannot_be_synced_is_no_failure_and_one_that_is_absent_is(tmp_path: Path) -> None:
    sync_folder(Path("/proc/self"))
    with pytest.raises(FileNotFoundError, match="absent"):
        sync_folder(tmp_path / "absent")
