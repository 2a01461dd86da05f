"""The sums of an engine's programs: kept from start to start, and never those of another file."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.daemon import KEEP_SUMS, read_sums

HERE = LocalBox()


def sums(kept: Path, *programs: Path) -> dict[str, str]:
    script = f'kept=$1; shift\n{KEEP_SUMS}\ncat "$kept"'
    words = ["sh", "-c", script, "sh", str(kept), *map(str, programs)]
    return read_sums(HERE.check(words, doing="keep sums").text)


@pytest.fixture
def programs(tmp_path: Path) -> tuple[Path, Path]:
    found = tmp_path / "dockerd", tmp_path / "docker"
    for path in found:
        path.write_text(path.name)
    return found


def test_the_sums_are_the_programs_own(tmp_path: Path, programs: tuple[Path, Path]) -> None:
    expected = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in programs}
    assert sums(tmp_path / "kept", *programs) == expected


def test_programs_that_did_not_change_are_not_read_again(tmp_path: Path, programs: tuple[Path, Path]) -> None:
    kept = tmp_path / "kept"
    first = sums(kept, *programs)
    kept.write_text(kept.read_text().replace(first["docker"], "0" * 64))
    assert sums(kept, *programs)["docker"] == "0" * 64


def replaced(path: Path) -> None:
    """As a package manager does it: another file takes its place, with the time of its build."""
    other = path.with_name("other")
    other.write_text("DOCKER")
    os.utime(other, (0, 0))
    other.rename(path)


def overwritten(path: Path) -> None:
    """In place, with as many bytes and the old time."""
    before = path.stat()
    path.write_text("DOCKER")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def linked(path: Path) -> None:
    """A link that leads to another program now."""
    other = path.with_name("docker-29")
    other.write_text("DOCKER")
    path.unlink()
    path.symlink_to(other)


@pytest.mark.parametrize("change", [replaced, overwritten, linked])
def test_another_program_has_another_sum(
    tmp_path: Path, programs: tuple[Path, Path], change: Callable[[Path], None]
) -> None:
    kept = tmp_path / "kept"
    sums(kept, *programs)
    change(programs[1])
    assert sums(kept, *programs)["docker"] == hashlib.sha256(b"DOCKER").hexdigest()


def test_a_program_that_is_not_there_has_no_sum(tmp_path: Path, programs: tuple[Path, Path]) -> None:
    script = f'kept=$1; shift\n{KEEP_SUMS}\ntest ! -e "$kept"'
    words = ["sh", "-c", script, "sh", str(tmp_path / "kept"), str(programs[0]), str(tmp_path / "none")]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
