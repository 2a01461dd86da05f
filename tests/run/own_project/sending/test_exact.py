"""The way `exact` on this machine: what the box has is what this machine has, to the last attribute."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.context import read_context
from lab.errors import CommandError, ContextError
from lab.run.own_project.sending.exact import Exact


def records(folder: Path) -> list[Entry]:
    return [replace(entry, disk_owner=None) for entry in read_context(folder)]


def made(folder: Path) -> Path:
    """A context of every kind of object that can be sent."""
    (folder / "d/empty").mkdir(parents=True)
    (folder / "d/a").write_bytes(b"abc" * 1000)
    (folder / "d/a").chmod(0o640)
    os.link(folder / "d/a", folder / "d/hard")
    (folder / "link").symlink_to("../../out")
    (folder / os.fsdecode(b"\xff name")).write_bytes(b"")
    os.mkfifo(folder / "pipe", 0o600)
    os.utime(folder / "d/a", ns=(5, 1_600_000_000_987_654_321))
    os.utime(folder / "link", ns=(5, 1_500_000_000_000_000_001), follow_symlinks=False)
    (folder / "d/empty").chmod(0o2775)
    os.utime(folder / "d/empty", ns=(5, 1_400_000_000_000_000_007))
    (folder / "d").chmod(0o555)
    return folder


def test_the_box_has_the_same_records(tmp_path: Path) -> None:
    source, target = made(tmp_path / "source"), tmp_path / "target"
    os.setxattr(source / "d/a", "user.x", b"\xff\0end")
    target.mkdir()
    said: list[str] = []
    Exact().send(LocalBox(), source, read_context(source), PurePosixPath(target), said.append)
    assert records(target) == records(source)
    assert (target / "d/a").read_bytes() == b"abc" * 1000 and (target / "d/a").samefile(target / "d/hard")
    assert said == ["send the context: 7 objects, 3.0 kB"]


def test_a_file_that_cannot_be_read_any_more_stops_the_sending(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "source/a").write_text("a")
    objects = read_context(tmp_path / "source")
    (tmp_path / "source/a").unlink()
    with pytest.raises(ContextError, match="cannot read a: No such file or directory"):
        Exact().send(LocalBox(), tmp_path / "source", objects, PurePosixPath(tmp_path / "target"), print)


def test_a_full_disk_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    shadow = tmp_path / "bin"
    shadow.mkdir()
    # tar(1) as it ends on a full disk, in a box whose PATH has it first
    (shadow / "tar").write_text(
        "#!/bin/sh\ncat >/dev/null\necho 'tar: a: Cannot write: No space left on device' >&2\nexit 2\n"
    )
    (shadow / "tar").chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{shadow}{os.pathsep}{before}"
    try:
        with pytest.raises(CommandError, match="cannot send the context on local: exit status 2") as caught:
            Exact().send(LocalBox(), tmp_path, read_context(tmp_path), PurePosixPath(shadow), print)
    finally:
        os.environ["PATH"] = before
    assert "No space left on device" in caught.value.output and "free space on that box" in str(caught.value.hint)
