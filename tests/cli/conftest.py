"""What the tests of the command line share: the program in forked children, and folders to call it in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import program
from tests.cli.program import Place
from tests.conftest import ROOT


@pytest.fixture(scope="session")
def nursery() -> Iterator[subprocess.Popen[str]]:
    with program.nursery() as process:
        yield process


@pytest.fixture
def place(tmp_path: Path, nursery: subprocess.Popen[str]) -> Place:
    """A checkout of the test's own."""
    return program.checkout(tmp_path, nursery)


@pytest.fixture
def here(tmp_path: Path, nursery: subprocess.Popen[str]) -> Place:
    """An empty folder, and lab's own boxes and templates."""
    return Place(tmp_path, nursery, checkout=ROOT)
