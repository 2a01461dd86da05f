"""Temporary folders are for their user alone; the code makes each by a function that sees to it."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path

import pytest

from lab import files
from lab.boxes.beside import beside
from lab.errors import HostError
from tests.conftest import ROOT

CODE = list((ROOT / "lab").rglob("*.py"))
# A fixed name in a folder that everybody may write to; `mktemp -d` and Python's tempfile choose a new one.
FIXED = re.compile(r"[\"'(= ]/(?:var/)?tmp/")
KNOWN = {"registry/inside.py"}  # `mkdir` without -p, which fails where anybody has made the folder before


def test_no_file_has_a_fixed_name_in_a_folder_of_everybody() -> None:
    found = {
        path.relative_to(ROOT / "lab").as_posix() for path in CODE if FIXED.search(path.read_text(encoding="utf-8"))
    }
    assert found == KNOWN


def test_the_folders_of_python_and_of_programs_beside_lab_are_private(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    with beside(tmp_path, "registry") as place:
        assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_a_private_folder_takes_the_rights_of_others(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir(mode=0o755)
    for folder in (old, tmp_path / "a" / "new"):
        files.private_folder(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="cannot write"):
        files.private_folder(tmp_path / "file" / "below")


def test_a_secret_file_is_never_readable_by_others(tmp_path: Path) -> None:
    files.write(tmp_path / "secret", "x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    files.write(tmp_path / "usual", "x")
    assert stat.S_IMODE((tmp_path / "usual").stat().st_mode) & 0o600 == 0o600


def test_a_file_is_not_written_through_what_another_user_has_put_in_its_folder(tmp_path: Path) -> None:
    private, target = tmp_path / "private", tmp_path / "report.md"
    private.write_text("mine")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.symlink_to(private)
    files.write(target, "text", mode=0o600)
    assert (private.read_text(), target.read_text()) == ("mine", "text")
    part.touch(mode=0o666)
    part.chmod(0o666)
    files.write(target, "more", mode=0o600)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
