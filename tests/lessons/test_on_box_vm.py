"""A real engine of this machine behind a real sshd: a lesson on a box as a student has it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from lab.lessons.bench import open_bench
from lab.lessons.checking import Checked, Verdict, check
from lab.lessons.engines import BASE, Engines, empty
from lab.lessons.folder import StudentFolder
from lab.lessons.on_box import BoxEngine
from lab.lessons.states import make_state, renew
from lab.project import find
from tests.boxes.test_ssh import Sshd
from tests.lessons.stand_in import lesson

pytestmark = pytest.mark.vm


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoxEngine]:
    """The engine of a student's folder, which commands of a box behind ssh call."""
    student, there = (tmp_path_factory.mktemp(name) for name in ("student", "there"))
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    server.start()
    box = server.box()
    box.bring_up(lambda event: None)
    engines = Engines(student, find(), lambda event: None)
    try:
        own = engines.open(["26.1.5"], {})["26.1.5"]
        made = BoxEngine("26.1.5 on guest", own.engine, box, own.folder, PurePosixPath(there), student)
        Path(made.config).mkdir()
        Path(made.config, "cli-plugins").symlink_to(str(own.engine.plugins))
        yield made
    finally:
        engines.stop()
        box.close()
        server.stop()


@pytest.mark.parametrize("name", ["01-layer-key", "04-umask"])
def test_the_solution_passes_on_a_box_and_the_start_does_not(name: str, engine: BoxEngine) -> None:
    wanted = lesson(name)
    project, student = find(), StudentFolder(engine.student)

    def look() -> Checked:
        opened = {wanted.file.engine: engine}
        with open_bench(wanted, student, opened, project.boxes, project.state, lambda event: None) as bench:
            return check(wanted.file.exercise, bench)

    empty(engine)
    renew(wanted, student)
    assert look().verdict is Verdict.NOTHING
    make_state(wanted, wanted.file.exercise.solution, student, engine)
    assert look() == Checked(Verdict.PASSED)
    assert look() == Checked(Verdict.PASSED), "a second check sees what the first one left in the cache"


def test_the_students_program_builds_on_the_box(engine: BoxEngine) -> None:
    student = StudentFolder(engine.student)
    renew(lesson(), student)
    student.client.write_text(engine.client_text(), encoding="utf-8")
    student.client.chmod(0o755)
    program = str(student.client)
    words = [[program, "build", "--tag", "mine", "."], [program, "images", "-q", "mine"]]
    build, images = (subprocess.run(one, cwd=student.exercise, capture_output=True, check=True) for one in words)
    assert b"RUN echo tools" in build.stderr and images.stdout.strip()
    listed = subprocess.run([program, "images", "-q", BASE], capture_output=True, check=True)
    assert listed.stdout.strip()
