from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.lessons.dockerfiles import instructions_of


def test_the_instructions_of_all_stages(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM a AS x\nRUN one\nFROM b\nCOPY --from=x /a /b\n", encoding="utf-8")
    assert instructions_of(path) == ["RUN one", "COPY --from=x /a /b"]


@pytest.mark.parametrize(
    ("content", "why"), [(b"\xff", "not UTF-8"), (b"# x\n" * (1 << 19), "larger than"), (None, "No such file")]
)
def test_what_cannot_be_read_has_a_reason(content: bytes | None, why: str, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    if content is not None:
        path.write_bytes(content)
    found = instructions_of(path)
    assert isinstance(found, str) and why in found


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo, Path.mkdir])
def test_what_is_no_plain_file_is_not_read(make: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    make(path)
    assert instructions_of(path) == ("Is a directory" if path.is_dir() else "it is not a plain file")


def test_line_ends_of_other_systems_are_read_as_line_feeds(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"FROM a\r\nRUN one\r\nRUN two\rRUN three\r\n")
    assert instructions_of(path) == ["RUN one", "RUN two", "RUN three"]
