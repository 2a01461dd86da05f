"""Every lesson on real engines: its solution passes, its wrong states do not, and its run makes one choice right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.lessons.answer import right_choice
from lab.lessons.bench import open_bench
from lab.lessons.checking import Checked, Verdict, check, hint_of
from lab.lessons.conditions.kind import OTHERWISE, Finding
from lab.lessons.engines import Engines, LessonEngine, empty
from lab.lessons.folder import StudentFolder
from lab.lessons.lesson_file import State, Wrong
from lab.lessons.library import Lesson, lessons
from lab.lessons.progress import Progress as Student
from lab.lessons.progress import save
from lab.lessons.states import make_state, renew
from lab.model import Progress
from lab.project import Project
from lab.results import run as runs
from tests.conftest import HANGS, ROOT, Lab

pytestmark = pytest.mark.vm
LESSONS = lessons(ROOT / "templates" / "lessons")
WRONG = [(lesson, wrong) for lesson in LESSONS for wrong in lesson.file.exercise.wrong]


def quiet(event: Progress) -> None:
    pass


class Classroom:
    """One student's folder, and one instance of each engine for all lessons; every state begins with empty engines."""

    def __init__(self, home: Path, project: Project) -> None:
        self.project = project
        self.student = StudentFolder(home)
        self.engines = Engines(home, self.project, quiet)
        self.opened: dict[str, LessonEngine] = {}

    def check(self, lesson: Lesson, state: State | None) -> Checked:
        """Make the state, really, and check it."""
        for name in lesson.engines:
            if name not in self.opened:
                self.opened |= self.engines.open([name], {})
            else:
                empty(self.opened[name])
        if state is None:
            renew(lesson, self.student)
        else:
            make_state(lesson, state, self.student, self.opened[lesson.file.engine])
        return self.look(lesson)

    def look(self, lesson: Lesson) -> Checked:
        """Check the state that is there."""
        boxes, store = self.project.boxes, self.project.state
        with open_bench(lesson, self.student, self.opened, boxes, store, quiet) as bench:
            return check(lesson.file.exercise, bench)


@pytest.fixture(scope="module")
def classroom(workplace: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    made = Classroom(tmp_path_factory.mktemp("student"), workplace.project)
    yield made
    homes = [item.home for item in made.opened.values()]
    assert sorted(made.engines.stop()) == sorted(homes)


@pytest.fixture(scope="module")
def kept(workplace: Lab) -> Iterator[Lab]:
    """The engines of all lessons' runs, which stay: to start them again for each lesson is half of its time."""
    names = [name for lesson in LESSONS for name in (*lesson.file.run.engines, *lesson.file.run.producer_engines)]
    workplace.ok("up", "--lineup", "local", "--engine", ",".join(dict.fromkeys(names)))
    yield workplace
    workplace.ok("down", "--lineup", "local")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_an_exercise_as_it_was_copied_has_nothing_to_check(lesson: Lesson, classroom: Classroom) -> None:
    assert classroom.check(lesson, None).verdict is Verdict.NOTHING


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_solution_passes(lesson: Lesson, classroom: Classroom) -> None:
    assert classroom.check(lesson, lesson.file.exercise.solution) == Checked(Verdict.PASSED)
    assert classroom.look(lesson) == Checked(Verdict.PASSED), "a second check sees what the first one left in the cache"


@pytest.mark.parametrize(("lesson", "wrong"), WRONG, ids=[f"{lesson.name}-{wrong.name}" for lesson, wrong in WRONG])
def test_a_wrong_state_does_not_pass_and_gets_its_hint(lesson: Lesson, wrong: Wrong, classroom: Classroom) -> None:
    found = classroom.check(lesson, wrong)
    assert (found.condition, found.found) == (wrong.fails, wrong.found)
    exercise = lesson.file.exercise
    warning = wrong.fails in [look.name for look in exercise.warnings]
    assert found.verdict is Verdict.WARNED if warning else found.verdict in (Verdict.NOT_YET, Verdict.NOTHING)
    (look,) = (look for look in exercise.looks if look.name == wrong.fails)
    own = look.hints.get(wrong.found, look.hints.get(OTHERWISE, ""))
    assert found.hint == hint_of(look, Finding(False, wrong.found, "")) or "{detail}" in own


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
@pytest.mark.timeout(HANGS)
def test_the_run_makes_one_choice_right(lesson: Lesson, kept: Lab, tmp_path: Path) -> None:
    first = lesson.file.prediction.choices[0].name
    renew(lesson, StudentFolder(tmp_path))
    save(tmp_path, Student(lesson=lesson.name, started=datetime.now(UTC), prediction=first))
    found = kept.ok("lesson", "run", lesson.number, "--to", str(tmp_path), "--json").json
    assert found["prediction"] == first
    run = runs.load(Path(found["run"]))
    assert found["right"] == right_choice(lesson.file.prediction, run).name
    assert run.complete
