"""What lesson.yaml may state: the run, the prediction, the exercise, its check, and the states that test it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lab.lessons.conditions.kind import OTHERWISE
from lab.lessons.conditions.table import NamedCondition
from lab.model import CONTROL, Outcome
from lab.run.changes.kind import InContext
from lab.run.changes.table import NamedChange
from lab.run.words import BuilderName, Word
from lab.yamlfile import Strict

Track = Literal["first-hour", "detective", "fleet"]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Number = Annotated[int, Field(ge=1, le=200)]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._/-]{0,99}(:[A-Za-z0-9._-]{1,50})?$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Arguments = dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str]
EngineName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,99}(\+[a-z]{1,20})?$")
]  # with an image store, too
ENGINE = "26.1.5"


class LessonRun(Strict):
    """The run of the lesson: a case of the library (`case`), or the lesson's own folder scenario/ if none is named.

    `variations`, `engines`, `producer_engines`, `builders` and `caches` are those of `lab repro`.
    """

    case: Word | None = None
    variations: Annotated[tuple[Word, ...], Field(min_length=1)]
    engines: Annotated[tuple[EngineName, ...], Field(min_length=1)] = (ENGINE,)
    producer_engines: tuple[EngineName, ...] = ()
    builders: tuple[BuilderName, ...] = ()
    caches: tuple[Word, ...] = ()


class Fact(Strict):
    """One fact that a run may show: in the trial of this variation, the step of this number has this outcome.

    Steps count from 1 after FROM. `engine` and `producer_engine` narrow the trials where the run has several engines;
    every trial that is left must show the outcome. An engine's name in a run states its builder and its cache, as in
    26.1.5+classic. `round` is a build before the judged one, the first being 1.
    """

    variation: Word = CONTROL
    engine: str | None = None
    producer_engine: str | None = None
    step: Number
    outcome: Outcome
    round: Number | None = None


class Choice(Strict):
    """One answer to the question. It is right if the run shows all facts of `when`; no file states the right one."""

    name: Word
    text: Text
    when: Annotated[tuple[Fact, ...], Field(min_length=1)]


class Prediction(Strict):
    """The question that a student answers before the run, and its choices, of which a run makes exactly one right."""

    question: Text
    choices: Annotated[tuple[Choice, ...], Field(min_length=2, max_length=8)]


class CheckBuild(Strict):
    """One build that the check makes of a copy of the student's folder.

    `of: start` builds the start folder of the lesson instead. `changes` are made in the copy; they are those of
    scenarios, without `commands`, `flag` and `checkout`. `where: second` builds on the second engine, which is emptied
    first.
    `cache` writes a cache for other builds, `cache_from` reads the caches of the builds before this one, in this order.
    Caches in a registry need an engine with containerd's store, such as 26.1.5+containerd.
    """

    name: Word
    of: Literal["folder", "start"] = "folder"
    where: Literal["engine", "second"] = "engine"
    changes: tuple[NamedChange, ...] = ()
    arguments: Arguments = Field(default_factory=dict)
    target: Word | None = None
    file: InContext | None = None
    builder: Literal["buildkit", "classic"] = "buildkit"
    cache: Literal["inline", "registry-min", "registry-max"] | None = None
    cache_from: tuple[Word, ...] = ()


class StudentBuild(Strict):
    """One build that the student makes, as `./docker build --tag TAG exercise`; `log` is the file of its output.

    `changes` are made in the student's folder before the build, and stay.
    """

    tag: Tag = "exercise"
    arguments: Arguments = Field(default_factory=dict)
    target: Word | None = None
    log: FileName | None = None
    no_cache: bool = False
    changes: tuple[NamedChange, ...] = ()


class Look(Strict):
    """One line of the check: a condition, and a hint for each word that it can find where it is not met.

    The key `otherwise` is the hint for every other word. `{found}` and `{detail}` stand for what was found.
    """

    name: Word
    look: NamedCondition
    hints: Annotated[dict[str, Text], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> Look:
        known = (*self.look.condition.findings, OTHERWISE)
        for word in self.hints:
            if word not in known:
                raise ValueError(f"{self.look.kind} finds no {word}; it finds {', '.join(known)}")
        return self

    def hint(self, found: str) -> str:
        """The hint for what was found."""
        return self.hints.get(found) or self.hints.get(OTHERWISE) or f"The condition {self.name} found: {found}."


class State(Strict):
    """A state of the student's folder, made from the start: files of a folder are laid over it, objects are removed,
    changes are made, and the student's builds are made.
    """

    files: InContext | None = None
    remove: tuple[InContext, ...] = ()
    changes: tuple[NamedChange, ...] = ()
    builds: tuple[StudentBuild, ...] = ()

    @model_validator(mode="after")
    def _some(self) -> State:
        if not (self.files or self.remove or self.changes or self.builds):
            raise ValueError("it changes nothing: it needs files, remove, changes or builds")
        return self


class Wrong(State):
    """A state that must not pass: the condition `fails` is the first that is not met, and it finds the word `found`."""

    name: Word
    fails: Word
    found: str


class Exercise(Strict):
    """The exercise. `check` lists the conditions in order: the first that is not met gives the hint.

    `warnings` are conditions of a solution that passes and could be better. `hints` are what `lab lesson hint` prints
    one after another, each more concrete than the one before.
    """

    builds: Annotated[tuple[CheckBuild, ...], Field(max_length=8)] = ()
    check: Annotated[tuple[Look, ...], Field(min_length=1, max_length=20)]
    warnings: Annotated[tuple[Look, ...], Field(max_length=10)] = ()
    hints: Annotated[tuple[Text, ...], Field(min_length=1, max_length=10)]
    solution: State
    wrong: Annotated[tuple[Wrong, ...], Field(min_length=1, max_length=20)]

    @property
    def looks(self) -> tuple[Look, ...]:
        """The conditions of the check and the warnings."""
        return (*self.check, *self.warnings)

    @model_validator(mode="after")
    def _names(self) -> Exercise:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        made: list[str] = []
        for build in self.builds:
            yield from (
                f"the build {build.name} reads the cache of {name}, which no build before it makes"
                for name in build.cache_from
                if name not in made
            )
            if build.name in made:
                yield f"two builds have the name {build.name}"
            made.append(build.name)
        looks: dict[str, Look] = {}
        for look in self.looks:
            if look.name in looks:
                yield f"two conditions have the name {look.name}"
            looks[look.name] = look
            yield from (
                f"the condition {look.name} reads the build {name}, which is missing"
                for name in look.look.condition.builds
                if name not in made
            )
        for wrong in self.wrong:
            if wrong.fails not in looks:
                yield f"the wrong state {wrong.name} names the condition {wrong.fails}, which is missing"
            elif wrong.found not in looks[wrong.fails].look.condition.findings:
                yield f"the wrong state {wrong.name} expects {wrong.found}, which {wrong.fails} does not find"


class LessonFile(Strict):
    """The whole file. `minutes` is the time that a student needs; `engine` builds the exercise, `second` is the other
    machine's engine, if the check or the exercise needs one.
    """

    title: Annotated[str, Field(min_length=1, max_length=80)]
    track: Track
    minutes: Annotated[int, Field(ge=1, le=60)]
    engine: EngineName = ENGINE
    second: EngineName | None = None
    run: LessonRun
    prediction: Prediction
    exercise: Exercise

    @model_validator(mode="after")
    def _second(self) -> LessonFile:
        if self.second is None and any(build.where == "second" for build in self.exercise.builds):
            raise ValueError("a build is made on the second engine, and `second` names none")
        return self
