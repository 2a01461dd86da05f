"""How a private engine is restarted: its daemon ends first, then every program of its folder, then it starts again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.boxes.process import Child
from lab.engines.host import RESTART
from lab.workers import wait_for

HERE = LocalBox("this machine")
LINUX = pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="it reads /proc")


@LINUX
def test_it_starts_again_only_after_all_programs_of_its_folder_have_ended(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    daemon, other = programs / "dockerd", programs / "containerd"
    for program in (daemon, other):
        shutil.copy(shutil.which("sleep") or "sleep", program)
    child = Child([str(daemon), "600"], tmp_path / "log")
    helper = Child([str(other), "2"], tmp_path / "log2")  # it ends a while after the daemon
    try:
        wait_for(
            "the daemon to be that program",
            lambda: (_is(child, daemon) and _is(helper, other)) or "not yet",
            timeout=60,
            every=0.1,
        )
        begun = ["sh", "-c", 'test ! -e "/proc/$1/exe" && touch "$2"', "sh", str(helper.pid), str(tmp_path / "begun")]
        words = ["sh", "-c", RESTART, "sh", str(daemon), str(programs), *begun]
        assert HERE.run(words).ok
        assert not child.alive()
        assert not helper.alive()
        assert (tmp_path / "begun").exists()
    finally:
        child.stop()
        helper.stop()


@LINUX
def test_a_daemon_that_does_not_run_cannot_be_restarted(tmp_path: Path) -> None:
    words = ["sh", "-c", RESTART, "sh", str(tmp_path / "dockerd"), str(tmp_path), "touch", str(tmp_path / "begun")]
    assert not HERE.run(words).ok
    assert not (tmp_path / "begun").exists()


def _is(child: Child, program: Path) -> bool:
    """True once the process has become that program."""
    return Path(f"/proc/{child.pid}/exe").readlink() == program
