"""The protocol of a way: every way of the table is one, and each sends the same bytes of a plain file."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.local import LocalBox
from lab.buildkit.context import read_context
from lab.run.own_project.sending.kind import Way
from lab.run.own_project.sending.table import WAYS
from tests.repositories import Repository


@pytest.mark.parametrize("name", WAYS)
def test_a_plain_file_arrives(tmp_path: Path, name: str) -> None:
    repository = Repository(tmp_path / "p")
    repository.write("d/a b", b"content\n")
    repository.commit()
    objects = [entry for entry in read_context(repository.folder) if not entry.path.startswith(".git")]
    (tmp_path / "run/context").mkdir(parents=True)
    way: Way = WAYS[name]
    way.send(LocalBox(), repository.folder, objects, PurePosixPath(tmp_path / "run/context"), print)
    assert (tmp_path / "run/context/d/a b").read_bytes() == b"content\n"
