"""The states of a student's folder that a lesson describes: its solution and its wrong states, really made."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lab import files
from lab.errors import ConfigError
from lab.files import disk_error
from lab.lessons.bench import apply_changes
from lab.lessons.client import run_client
from lab.lessons.engines import LessonEngine
from lab.lessons.folder import StudentFolder, copy_start, give_to_owner
from lab.lessons.lesson_file import State, StudentBuild
from lab.lessons.library import Lesson
from lab.run.changes.inside import is_inside


def make_state(lesson: Lesson, state: State, student: StudentFolder, engine: LessonEngine) -> None:
    """Make the state in the student's folder from a fresh start; what was in the exercise before is removed.

    Raises CommandError if a change cannot be made, and ConfigError if a link leads out of the folder. A build of the
    student may fail: that is a state too.
    """
    renew(lesson, student)
    if state.files:
        lay_over(lesson.folder / state.files, student.exercise)
    for path in state.remove:
        if not is_inside(student.exercise, path, follows=False):
            raise ConfigError(f"cannot remove {path}: it leads out of the folder through a link")
        remove(student.exercise / path)
    apply_changes(student.exercise, state.changes)
    for build in state.builds:
        apply_changes(student.exercise, build.changes)
        make_build(build, student, engine)
    give_to_owner(student.home)


def renew(lesson: Lesson, student: StudentFolder) -> None:
    """Put the exercise back to the start; logs beside it are removed, the state of the student stays."""
    remove(student.exercise)
    for path in student.home.glob("*.log"):
        remove(path)
    copy_start(lesson.start, student.exercise)


def lay_over(source: Path, target: Path) -> None:
    """Put the files of a folder over those of another, with the modes and the time of a new exercise.

    Nothing is written through a link of the other folder.
    """
    with tempfile.TemporaryDirectory(prefix="lab-lesson-") as name:
        made = Path(name) / "made"
        copy_start(source, made)
        try:
            for path in sorted(made.rglob("*")):  # a folder before what is in it
                there = target / path.relative_to(made)
                if path.is_symlink() or there.is_symlink() or (there.is_dir() != path.is_dir()):
                    remove(there)
            shutil.copytree(made, target, symlinks=True, dirs_exist_ok=True)
        except OSError as error:
            raise disk_error(target, error) from error


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there; HostError if the disk refuses."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(path, error) from error


def make_build(build: StudentBuild, student: StudentFolder, engine: LessonEngine) -> None:
    """Make a build as the student does, and write its output to the log."""
    words = ["build", "--progress=plain", "--tag", build.tag]
    words += [word for name, value in build.arguments.items() for word in ("--build-arg", f"{name}={value}")]
    words += ["--target", build.target] if build.target else []
    words += ["--no-cache"] if build.no_cache else []
    result = run_client(engine, [*words, str(engine.place(student.exercise))])
    if build.log:
        files.write(student.home / build.log, result.stdout + result.stderr)
