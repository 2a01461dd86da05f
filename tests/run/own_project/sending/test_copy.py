"""The way `copy`: modes by the umask, new times, no attributes."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from lab.boxes.local import LocalBox
from lab.buildkit.context import read_context
from lab.run.own_project.sending.copy import Copy


def test_it_is_what_cp_makes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "a").write_text("a")
    (source / "a").chmod(0o777)
    (source / "link").symlink_to("a")
    os.link(source / "a", source / "hard")
    os.setxattr(source / "a", "user.x", b"1")
    os.utime(source / "a", (5, 5))
    before = os.umask(0o027)
    try:
        Copy().send(LocalBox(), source, read_context(source), PurePosixPath(target), print)
    finally:
        os.umask(before)
    assert (target / "a").stat().st_mode & 0o7777 == 0o750
    assert (target / "a").stat().st_mtime > 1000 and os.listxattr(target / "a") == []
    assert (target / "link").readlink() == Path("a") and not (target / "a").samefile(target / "hard")
    assert (target / "hard").read_text() == "a"
