"""What a lesson may hold: data only. No command of it runs on this machine, and no path of it leaves a folder."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from lab.errors import ConfigError, LabError, UsageError
from lab.lessons.conditions.kind import OTHERWISE
from lab.lessons.lesson_file import LessonFile, State, StudentBuild, Wrong
from lab.lessons.library import Lesson
from lab.lessons.links import leads_out
from lab.run.changes.inside import is_inside
from lab.run.changes.kind import Change
from lab.run.changes.link import Link
from lab.run.changes.table import NamedChange
from lab.run.scenario_file import Variation
from lab.run.scenarios import Scenario, load_scenario
from lab.run.steps.build import Build
from lab.run.steps.table import NamedStep

FILES = 300
FILE_BYTES = 1 << 20
ALL_BYTES = 8 << 20
FORBIDDEN_CHANGES = ("commands", "flag", "checkout")
# In a folder with such an entry, git takes what is there for its settings, and these name programs that it runs. A
# client of Docker calls git in the folder of a context; a check tells it not to.
OF_GIT = (".git", "head")
STEPS = ("build", "push", "pull", "prune", "tag", "change", "vary", "inspect")


def problems_of(lesson: Lesson, scenarios: Path) -> list[str]:
    """What a lesson must not have, each as a sentence; `scenarios` is the folder of the library of cases."""
    found = [*_of_files(lesson)]
    if found:
        return found  # what follows reads the files
    found += _of_parts(lesson)
    found += _of_hints(lesson.file)
    found += _of_changes(lesson.file)
    found += _of_run(lesson, scenarios)
    return list(dict.fromkeys(found))


def check_lesson(lesson: Lesson, scenarios: Path) -> None:
    """Raise ConfigError that lists what the lesson must not have."""
    if problems := problems_of(lesson, scenarios):
        raise ConfigError(
            f"cannot use the lesson {lesson.folder}: {'; '.join(problems)}",
            hint=f"python -m lab lesson lint {shlex.quote(str(lesson.folder))}",
        )


def _of_files(lesson: Lesson) -> Iterator[str]:
    """Every object is a folder, a plain file that is not too large, or a link that stays in its folder."""
    folder = lesson.folder
    copied = [PurePosixPath("start"), *(PurePosixPath(item.files) for item in _states(lesson.file) if item.files)]
    count = total = 0
    for top, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(top, name)
            shown = path.relative_to(folder)
            state = path.lstat()
            count, total = count + 1, total + (state.st_size if stat.S_ISREG(state.st_mode) else 0)
            if name.lower() in OF_GIT:
                yield f"{shown} has a name of git's own files"
            if stat.S_ISLNK(state.st_mode):
                yield from _of_link(folder, path, copied)
            elif not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
                yield f"{shown} is neither a file nor a folder"
            elif state.st_mode & (stat.S_ISUID | stat.S_ISGID):
                yield f"{shown} has the setuid or setgid bit"
            elif stat.S_ISREG(state.st_mode) and state.st_size > FILE_BYTES:
                yield f"{shown} is larger than {FILE_BYTES >> 20} MiB"
        if count > FILES:
            yield f"it has more than {FILES} files and folders"
            return
    if total > ALL_BYTES:
        yield f"its files have more than {ALL_BYTES >> 20} MiB"


def _of_link(folder: Path, path: Path, copied: Iterable[PurePosixPath]) -> Iterator[str]:
    """A link must lead into the part that is copied with it: start, solution, or one wrong state."""
    shown = PurePosixPath(path.relative_to(folder))
    part = max(
        (item for item in copied if shown.is_relative_to(item)), key=lambda item: len(item.parts), default=None
    ) or PurePosixPath(shown.parts[0])
    below = shown.relative_to(part)
    if shown.parts[0] == "scenario":
        yield f"{shown} is a link, and a scenario holds files only"
    elif shown == part or leads_out(below, str(path.readlink())) or not is_inside(folder / part, str(below)):
        yield f"the link {shown} leads out of its folder, or goes up again after it has gone down"


def _of_parts(lesson: Lesson) -> Iterator[str]:
    if not (lesson.start / "Dockerfile").is_file():
        yield "start/Dockerfile is missing"
    for state in _states(lesson.file):
        name = f"the wrong state {state.name}" if isinstance(state, Wrong) else "the solution"
        if not state.files:
            continue
        folder = lesson.folder / state.files
        if not folder.is_dir():
            yield f"{name} names the folder {state.files}, which is missing"
        elif folder.resolve() != lesson.folder.resolve() / state.files:
            yield f"{name} names the folder {state.files}, to which a link leads"


def _states(file: LessonFile) -> tuple[State, ...]:
    return (file.exercise.solution, *file.exercise.wrong)


def _of_hints(file: LessonFile) -> Iterator[str]:
    """Each hint that is for one word needs a wrong state, so that tests see it appear."""
    shown = {(wrong.fails, wrong.found) for wrong in file.exercise.wrong}
    for look in file.exercise.looks:
        for word in look.hints:
            if word != OTHERWISE and (look.name, word) not in shown:
                yield f"no wrong state shows the hint of {look.name} for {word}"


def _of_changes(model: BaseModel) -> Iterator[str]:
    """Changes and flags that would run a command on the host, or let a client read a file of it."""
    builds = model.exercise.builds if isinstance(model, LessonFile) else ()
    of_check = {id(item) for build in builds for item in build.changes}
    for part in _parts(model):
        if isinstance(part, NamedChange) and part.kind in FORBIDDEN_CHANGES:
            yield f"a change of the kind {part.kind} is not allowed in a lesson"
        elif isinstance(part, NamedChange):
            yield from _of_paths(part.change, git=id(part) in of_check)
        if isinstance(part, Variation) and part.commands is not None:
            yield f"the variation {part.name} has commands, which are not allowed in a lesson"
        if isinstance(part, NamedStep) and part.kind not in STEPS:
            yield f"a step of the kind {part.kind} is not allowed in a lesson; allowed are {', '.join(STEPS)}"
        if isinstance(part, Build) and part.flags:
            yield "flags of a build are not allowed in a lesson"
        if isinstance(part, StudentBuild) and part.log and not part.log.endswith(".log"):
            yield f"the log {part.log} must have a name that ends in .log"


def _of_paths(change: Change, *, git: bool = False) -> Iterator[str]:
    """A change makes no link that leads out and, without `git`, nothing that git takes for its settings."""
    for path, text in change.root.items() if isinstance(change, Link) else ():
        if leads_out(PurePosixPath(path), text):
            yield f"the change of {path} makes a link that leads out of the folder, or goes up after it has gone down"
    for path in (path for command in change.commands() for path in (*command.follows, *command.names)):
        if not git and set(path.lower().split("/")) & set(OF_GIT):
            yield f"the change of {path} makes a file with a name of git's own files"


def _parts(value: Any) -> Iterator[BaseModel]:
    """A model and every model in it."""
    if isinstance(value, BaseModel):
        yield value
        items: Iterable[Any] = (getattr(value, name) for name in type(value).model_fields)
    elif isinstance(value, dict):
        items = value.values()
    elif isinstance(value, (tuple, list)):
        items = value
    else:
        return
    for item in items:
        yield from _parts(item)


def _of_scenario(scenario: Scenario) -> Iterator[str]:
    """The changes as they are written, and as they are with the variables of the scenario filled in."""
    yield from _of_changes(scenario.file)
    for step in scenario.sequence:
        yield from _of_changes(step)
    try:
        varied = [change for item in scenario.file.variations for change in scenario.changes(item)]
    except LabError as error:
        yield f"its scenario cannot be used: {error.message}"
        return
    for change in (*scenario.prepare, *varied):
        yield from _of_paths(change)
    for path in scenario.context:
        if set(path.lower().split("/")) & set(OF_GIT):
            yield f"the file {path} of the context has a name of git's own files"


def _of_run(lesson: Lesson, scenarios: Path) -> Iterator[str]:
    """The scenario can be loaded, is data alone, and has the variations and steps that the lesson names."""
    run, folder = lesson.file.run, lesson.scenario(scenarios)
    if run.case is None and not folder.is_dir():
        yield "its run names no case, and it has no folder scenario/"
        return
    try:
        scenario = load_scenario(folder, "scratch")
        scenario.variations(run.variations)
    except UsageError as error:
        yield error.message
        return
    except LabError as error:
        yield f"its scenario cannot be used: {error.message}"
        return
    if run.case is None:
        yield from _of_scenario(scenario)
        if scenario.file.template:
            yield "its scenario names a template, which only the library has"
    facts = [fact for choice in lesson.file.prediction.choices for fact in choice.when]
    for fact in facts:
        if fact.variation not in run.variations and "all" not in run.variations:
            yield f"the prediction names the variation {fact.variation}, which its run does not make"
        if fact.step > len(scenario.instructions):
            yield f"the prediction names step {fact.step}, there are {len(scenario.instructions)} steps"
