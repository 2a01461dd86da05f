"""What the tests of the command line share: the program in forked children, and folders to call it in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.lessons.folder import copy_start
from lab.lessons.progress import Progress, save
from tests.cli import program
from tests.cli.program import Place, Run, call
from tests.conftest import ROOT

FIRST_LESSON = "01-layer-key"


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


@pytest.fixture
def lab(nursery: subprocess.Popen[str]) -> Run:
    """The program in a folder, which is its home too, without the variables of this test's own user."""

    def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "XDG_"))}
        return call(nursery, words, folder, {**env, "PYTHONPATH": str(ROOT), "HOME": str(folder)})

    return run


@pytest.fixture
def started(here: Place) -> Path:
    """The folder of the first lesson, as `start` leaves it, without an engine."""
    home = here.root / "lessons" / FIRST_LESSON
    copy_start(ROOT / "templates" / "lessons" / FIRST_LESSON / "start", home / "exercise")
    save(home, Progress(lesson=FIRST_LESSON, started=datetime.now(UTC)))
    return home
