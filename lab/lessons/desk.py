"""One student at one lesson: start, predict, run, check, hint, solve and reset, with the state on disk."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lab import files
from lab.boxes.base import Tell
from lab.errors import UsageError, did_you_mean
from lab.lessons import progress as store
from lab.lessons.bench import open_bench
from lab.lessons.checking import Checked, Verdict, check
from lab.lessons.engines import Engines, LessonEngine, LessonEngines, held
from lab.lessons.folder import StudentFolder, copy_start, give_to_owner, is_unchanged, need_new
from lab.lessons.lesson_file import Choice
from lab.lessons.library import Lesson, word_for
from lab.lessons.progress import Progress
from lab.lessons.states import make_state, renew
from lab.project import Project

if TYPE_CHECKING:
    from lab.results.run import Run

LESSONS = "lessons"  # the folder of the students' folders, below the current one


@dataclass
class Desk:
    """The student's folder of a lesson, and what works on it."""

    lesson: Lesson
    home: Path
    project: Project
    tell: Tell
    student: StudentFolder = field(init=False)
    _engines: dict[str | None, LessonEngines] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = self.home.absolute()
        self.student = StudentFolder(self.home)

    @contextmanager
    def hold(self, verb: str) -> Iterator[None]:
        """Hold the folder: one lab process at a time works on it. BusyError if another one does.

        Connections to a box end with the context.
        """
        with held(self.home, self.project.state, verb):
            try:
                yield
            finally:
                for engines in self._engines.values():
                    engines.close()
                self._engines.clear()

    def engines(self, box: str | None) -> LessonEngines:
        """The engines of this folder: those of a box, or with None those of this machine."""
        if box not in self._engines:
            self._engines[box] = self._engines_on(box)
        return self._engines[box]

    def _engines_on(self, box: str | None) -> LessonEngines:
        if box is None:
            return Engines(self.home, self.project, self.tell)
        from lab.lessons.on_box import BoxEngines  # late: it needs the whole fleet

        return BoxEngines(self.home, self.project, self.tell, box)

    def command(self, verb: str) -> str:
        """The command that calls a verb for this lesson and this folder, quoted for a shell."""
        words = f"python -m lab lesson {verb} {word_for(self.lesson, self.project.lessons)}"
        if home_of(self.lesson, None).resolve() == self.home.resolve():
            return words
        return f"{words} --to {shlex.quote(str(self.home))}"

    def progress(self) -> Progress | None:
        """The student's progress; None if the lesson was not started here."""
        found = store.load(self.home, self.command("start"))
        if found and found.lesson != self.lesson.name:
            raise UsageError(f"cannot use {self.home}: it is the folder of the lesson {found.lesson}")
        return found

    def need(self) -> Progress:
        """The progress of a lesson that was started; UsageError if it was not."""
        found = self.progress()
        if found is None:
            raise UsageError(
                f"cannot find the lesson {self.lesson.name} in {self.home}: it is not started",
                hint=self.command("start"),
            )
        return found

    def start(self, box: str | None = None) -> Progress:
        """Copy the exercise and start the engines, on a box if one is named, else on this machine.

        A lesson that was started keeps its files, its progress and its box. Raises ConfigError for a lesson that is
        more than data, UsageError if something else is at the place, or if the lesson was started on another box.
        """
        from lab.lessons.limits import check_lesson  # late: the library of cases takes a quarter of a check

        check_lesson(self.lesson, self.project.scenarios)
        found = self.progress()
        if found and box not in (None, found.box):
            raise UsageError(
                f"cannot use {box} for this lesson: it was started on {found.box or 'this machine'}",
                hint="use another folder: --to DIR",
            )
        box = found.box if found else box
        self.engines(box).check(self.lesson.engines)
        if found is None:
            if not self.student.exercise.is_dir():
                need_new(self.home)
                copy_start(self.lesson.start, self.student.exercise)
            found = Progress(lesson=self.lesson.name, started=datetime.now(UTC), box=box)
            store.save(self.home, found)
        elif not self.student.exercise.exists():
            copy_start(self.lesson.start, self.student.exercise)
        self.open(found)
        give_to_owner(self.home)
        return self.need()

    def open(self, found: Progress) -> Mapping[str, LessonEngine]:
        """The engines of the lesson, started if they do not run; their names are kept, and the client's program."""
        opened = self.engines(found.box).open(self.lesson.engines, found.engines)
        homes = {name: item.home for name, item in opened.items()}
        client = opened[self.lesson.file.engine].client_text()
        if homes != found.engines or not self.student.client.exists():
            files.write(self.student.client, client)
            self.student.client.chmod(0o755)
            store.save(self.home, found.model_copy(update={"engines": homes}))
        return opened

    def predict(self, word: str) -> Choice:
        """Keep the student's prediction: a choice by its name or its number from 1. UsageError for any other word."""
        choices = self.lesson.file.prediction.choices
        by_word = {choice.name: choice for choice in choices}
        by_word |= {str(number): choice for number, choice in enumerate(choices, 1)}
        if word not in by_word:
            names = [choice.name for choice in choices]
            raise UsageError(
                f'cannot find the choice "{word}"{did_you_mean(word, names)}',
                hint=f"choices: {', '.join(names)}, or 1 to {len(names)}",
            )
        found = self.need()
        if found.run:
            raise UsageError(
                "cannot keep a prediction: the run of this lesson was shown already",
                hint=self.command("run"),
            )
        chosen = by_word[word]
        update = {"prediction": chosen.name, "predicted": datetime.now(UTC)}
        store.save(self.home, found.model_copy(update=update))
        return chosen

    def ran(self, run: Run, folder: Path) -> Choice:
        """Keep the run and the choice that it makes right; ReadError if that is not exactly one."""
        from lab.lessons.answer import right_choice

        right = right_choice(self.lesson.file.prediction, run)
        store.save(self.home, self.need().model_copy(update={"run": str(folder), "right": right.name}))
        return right

    def check(self) -> Checked:
        """Check the exercise on the real engines, and keep the result."""
        found = self.progress()
        if found is None or not self.student.exercise.is_dir():
            text = f"The lesson is not started in {self.home}: `{self.command('start')}`."
            return Checked(Verdict.NOTHING, hint=text)
        opened = self.open(found)
        with open_bench(
            self.lesson, self.student, opened, self.project.boxes, self.project.state, lambda event: None
        ) as bench:
            checked = check(self.lesson.file.exercise, bench)
        found = self.need()
        update: dict[str, object] = {"checks": found.checks + 1}
        if checked.passed:
            update |= {"passed": found.passed or datetime.now(UTC), "warning": checked.verdict is Verdict.WARNED}
        store.save(self.home, found.model_copy(update=update))
        return checked

    def hint(self) -> tuple[str, int]:
        """The next hint and its number from 1; after the last one, the last one again."""
        found, hints = self.need(), self.lesson.file.exercise.hints
        number = min(found.hints + 1, len(hints))
        store.save(self.home, found.model_copy(update={"hints": number}))
        return hints[number - 1], number

    def solve(self) -> Checked:
        """Write the solution into the exercise and check it. Changes of the student are kept in a folder beside it."""
        found = self.need()
        opened = self.open(found)
        self._keep_work()
        make_state(self.lesson, self.lesson.file.exercise.solution, self.student, opened[self.lesson.file.engine])
        store.save(self.home, self.need().model_copy(update={"solved": True}))
        return self.check()

    def reset(self) -> None:
        """Put the exercise and the engines back to the start; the prediction and its run stay."""
        found = self.need()
        self.engines(found.box).reset(self.lesson.engines)
        self._keep_work()
        renew(self.lesson, self.student)
        update = {"engines": {}, "hints": 0, "solved": False, "passed": None, "warning": False, "checks": 0}
        store.save(self.home, found.model_copy(update=update))
        give_to_owner(self.home)

    def stop(self) -> list[str]:
        """End the engines; the folder stays. Returns the names of the engines that ran."""
        return self.engines(self.need().box).stop()

    def _keep_work(self) -> None:
        """Move what the student has changed to exercise.1, exercise.2, ..: neither solve nor reset loses work."""
        exercise = self.student.exercise
        if not exercise.is_dir():
            return
        with open_start(self.lesson) as start:
            if is_unchanged(exercise, start):
                return
        number = 1
        while (target := exercise.with_name(f"{exercise.name}.{number}")).exists():
            number += 1
        exercise.rename(target)


@contextmanager
def open_start(lesson: Lesson) -> Iterator[Path]:
    """A fresh copy of the lesson's start folder for the time of the context."""
    with tempfile.TemporaryDirectory(prefix="lab-lesson-") as name:
        start = Path(name) / "start"
        copy_start(lesson.start, start)
        yield start


def home_of(lesson: Lesson, to: Path | None) -> Path:
    """The student's folder of a lesson: the one that is asked for, else ./lessons/NAME, or this folder if it is one."""
    if to is not None:
        return to
    here = Path.cwd()
    for folder in (here, here.parent):
        if (folder / store.NAME).is_file() and folder.name == lesson.name:
            return folder
    return Path(LESSONS) / lesson.name
