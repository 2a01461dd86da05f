"""The data of an engine is saved, set back and made anew while its daemon is stopped; a failure starts it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.data_root import DataRoot
from lab.engines.engine import Engine
from lab.engines.home import Home
from lab.engines.host import RESTART
from lab.errors import CommandError

# The words of a restart with the script that lab uses; `kill` and `find` stand for those of a daemon that has ended.
STOPPED = f"kill() {{ :; }}\nfind() {{ :; }}\n{RESTART}"


def root(state: Path, starts: Path) -> DataRoot:
    """An engine whose data has one file, and whose every start is written down."""
    home = Home(state, "1.0")
    (home.folder / "data" / "1.0").mkdir(parents=True)
    (home.folder / "data" / "1.0" / "cache").write_text("first", encoding="utf-8")
    words = ("sh", "-c", STOPPED, "sh", "dockerd", "programs", "sh", "-c", f"echo start >> {starts}")
    return DataRoot(LocalBox(), Engine("1.0", ("true",), "1", "1", "c", restart=words), "1.0", state)


def test_data_that_was_saved_comes_back(tmp_path: Path) -> None:
    data = root(tmp_path, tmp_path / "starts")
    data.save("mine")
    (data.folder / "cache").write_text("second", encoding="utf-8")
    (data.folder / "more").touch()
    data.restore("mine")
    assert [path.name for path in data.folder.iterdir()] == ["cache"]
    assert (data.folder / "cache").read_text(encoding="utf-8") == "first"
    assert data.names() == ["mine"]
    data.remove("mine")
    assert data.names() == []
    assert (tmp_path / "starts").read_text(encoding="utf-8") == "start\n" * 2


def test_the_first_state_is_no_data_at_all(tmp_path: Path) -> None:
    data = root(tmp_path, tmp_path / "starts")
    data.restore(None)
    assert not data.folder.exists()  # the daemon makes it anew


def test_a_copy_that_fails_leaves_none_and_the_daemon_runs_again(tmp_path: Path) -> None:
    data = root(tmp_path, tmp_path / "starts")
    data.folder = tmp_path / "none"
    with pytest.raises(CommandError, match=r"cannot copy the data of Docker 1\.0 on this machine"):
        data.save("mine")
    assert data.names() == []
    assert (tmp_path / "starts").read_text(encoding="utf-8") == "start\n"
