"""A class in one table: each student's folder or archive is checked again; its row has no name but that of the place.

A folder and an archive are a stranger's data. What is checked is a copy of the parts that `hand_in` permits.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.boxes.base import Tell
from lab.errors import ConfigError, Interrupted, LabError, UsageError, reason
from lab.lessons import progress as store
from lab.lessons.bench import open_bench
from lab.lessons.checking import Checked, Verdict, check
from lab.lessons.engines import Engines, LessonEngine
from lab.lessons.folder import StudentFolder
from lab.lessons.hand_in import ENDINGS, parts_of, read_archive, unpack
from lab.lessons.library import NAME, find_lesson
from lab.lessons.limits import check_lesson
from lab.lessons.progress import Progress
from lab.project import Project
from lab.report.spreadsheet import safe_text

COLUMNS = (
    "folder", "lesson", "result", "condition", "found", "prediction", "right", "predicted_right", "checks", "hints",
    "solved", "passed",
)  # fmt: skip
DEEPEST = 4  # levels below the folder that is named
ENDING = "an archive of `python -m lab lesson hand-in` has the ending .tgz"


@dataclass(frozen=True, slots=True)
class Grade:
    """One student's folder or archive: what its lesson.json states, and what a new check finds.

    `problem` is the reason if there is no check.
    """

    folder: str
    progress: Progress | None = None
    checked: Checked | None = None
    problem: str = ""


@dataclass
class Grader:
    """Checks folders on engines of its own, which every folder of the class shares, one after another."""

    library: Path
    project: Project
    tell: Tell
    _opened: dict[str, LessonEngine] = field(default_factory=dict)

    def grade(self, place: Path, *, check_again: bool) -> Grade:
        """The grade of one folder or archive; any error of it is its problem. Raises Interrupted after Ctrl-C."""
        found = checked = None
        copied = ""
        try:
            parts = read_archive(place) if is_archive(place) else parts_of(place)
            with tempfile.TemporaryDirectory(prefix="lab-lesson-") as name:
                copied = str(Path(name) / "student")
                student = unpack(parts, Path(copied))
                found = store.load(student.home)
                if found is None:
                    raise ConfigError(f"cannot use {place}: it has no {store.NAME}")
                checked = self._check(student, found) if check_again else None
        except Interrupted:
            raise
        except LabError as error:
            problem = error.message
        except Exception as error:  # what lab does not foresee of one student must not end the grading of the others
            problem = f"cannot grade {place}: {type(error).__name__}: {reason(error)}"
        else:
            return Grade(str(place), found, checked)
        # the copy is gone when somebody reads this
        return Grade(str(place), found, problem=problem.replace(copied, str(place)) if copied else problem)

    def _check(self, student: StudentFolder, found: Progress) -> Checked:
        if not NAME.fullmatch(found.lesson):  # a path would name a lesson that the student wrote
            raise ConfigError(f"cannot check the exercise: {found.lesson!r} is not the name of a lesson")
        lesson = find_lesson(found.lesson, self.library)
        check_lesson(lesson, self.project.scenarios)
        if not student.exercise.is_dir():
            return Checked(Verdict.NOTHING, hint="the folder has no exercise")
        for name in lesson.engines:
            if name not in self._opened:
                self._opened |= self.engines.open([name], {})
        with open_bench(lesson, student, self._opened, self.project.boxes, self.project.state, self.tell) as bench:
            return check(lesson.file.exercise, bench)

    @property
    def engines(self) -> Engines:
        """The engines of the class."""
        return Engines(self.project.state / "grading", self.project, self.tell)

    def close(self) -> None:
        """End the engines."""
        self.engines.stop([item.home for item in self._opened.values()])


def is_archive(place: Path) -> bool:
    """True for a file that has the name of an archive of `hand-in`."""
    return place.name.endswith(ENDINGS) and place.is_file()


def places_in(places: Sequence[Path]) -> Iterator[Path]:
    """The students' folders and archives at or below these places; UsageError if no place has one.

    A place that has none beside others that have is somebody's as well: its row says that it has none.
    """
    found = [(place, sorted(_below(place, DEEPEST))) for place in places]
    if not any(inner for _, inner in found):
        raise UsageError(f"cannot grade {places[0]}: no {store.NAME} is in it or below it", hint=ENDING)
    for place, inner in found:
        yield from inner or [place]


def left_out(places: Sequence[Path]) -> Iterator[Path]:
    """What lies in a named folder of a class and has no row: no student's, or a link, which is not followed."""
    for place in places:
        with suppress(OSError):
            if place.is_dir() and place not in _below(place, 0):
                inner = sorted(path for path in place.iterdir() if not path.name.startswith("."))
                yield from (path for path in inner if path.is_symlink() or not any(_below(path, DEEPEST - 1)))


def _below(place: Path, levels: int) -> Iterator[Path]:
    try:
        if (place / store.NAME).is_file() or is_archive(place):
            yield place
            return
        inner = [path for path in place.iterdir() if not path.is_symlink()] if levels and place.is_dir() else []
    except OSError:  # a folder that may not be read: its row has the reason
        yield place
        return
    for path in inner if not place.is_symlink() else []:
        yield from _below(path, levels - 1)


def spreadsheet(grades: Iterable[Grade]) -> str:
    """The grades as CSV by RFC 4180, in which no text becomes a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(row(grade) for grade in grades)
    return out.getvalue()


def row(grade: Grade) -> list[str | int | None]:
    """The cells of one folder, in the order of COLUMNS."""
    found, checked = grade.progress, grade.checked
    result = checked.verdict.name.lower().replace("_", " ") if checked else grade.problem or None
    cells: list[str | int | None] = [safe_text(grade.folder), safe_text(found.lesson if found else None)]
    cells += [safe_text(result), safe_text(checked.condition if checked else None)]
    cells.append(safe_text(checked.found if checked else None))
    if found is None:
        return [*cells, *[None] * (len(COLUMNS) - len(cells))]
    right = None if not (found.prediction and found.right) else int(found.prediction == found.right)
    cells += [safe_text(found.prediction), safe_text(found.right), right, found.checks, found.hints, int(found.solved)]
    return [*cells, f"{found.passed:%Y-%m-%dT%H:%M:%SZ}" if found.passed else None]
