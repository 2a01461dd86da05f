"""The way `rsync`, with the real program on this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.base import Result
from lab.boxes.local import LocalBox
from lab.buildkit.context import read_context
from lab.errors import BoxError, HostError
from lab.run.own_project.sending.rsync import Rsync

PROJECT = ("a", "d/b c", "d/ignored")


def project(folder: Path) -> Path:
    for name in PROJECT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / ".dockerignore").write_text("d/ignored\n")
    return folder


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_what_docker_would_send_arrives_with_its_times(tmp_path: Path) -> None:
    source, target = project(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    os.setxattr(source / "a", "user.x", b"1")
    os.utime(source / "a", (5, 5))
    (source / "a").chmod(0o604)
    Rsync().send(LocalBox(), source, read_context(source), PurePosixPath(target), print)
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert found == {".dockerignore", "a", "d/b c"}
    assert (target / "a").stat().st_mtime == 5 and (target / "a").stat().st_mode & 0o777 == 0o604
    assert os.listxattr(target / "a") == []


class Without(LocalBox):
    """A box to which rsync cannot copy."""

    def __init__(self, exit_status: int, stderr: bytes) -> None:
        super().__init__("b")
        self.answer = exit_status, stderr

    def copy_tree(self, source: Path, names: Path, target: PurePosixPath, timeout: float) -> Result:
        done = self.run(["true"])
        return Result(done.command, self.answer[0], b"", self.answer[1], done.started, done.seconds)


@pytest.mark.parametrize(
    ("box", "error"),
    [
        (Without(127, b"rsync: No such file or directory\n"), HostError),
        (Without(12, b"bash: line 1: rsync: command not found\nrsync error: unexplained\n"), BoxError),
    ],
)
def test_the_side_without_rsync_is_named(tmp_path: Path, box: Without, error: type[Exception]) -> None:
    with pytest.raises(error, match="rsync is not installed"):
        Rsync().send(box, project(tmp_path), read_context(tmp_path), PurePosixPath(tmp_path), print)
