"""Scenarios: a Dockerfile template, its context, what each step is expected to do, and named variations."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lab.counting import counted
from lab.errors import ConfigError, UsageError, did_you_mean, known_names
from lab.files import read_plain
from lab.model import CONTROL
from lab.results.facts import ProjectFacts
from lab.run.builders.table import builder_of
from lab.run.changes.kind import BuildOptions, Change
from lab.run.changes.table import NamedChange
from lab.run.expectations import Expect, Expectation, Facts, choose, combine
from lab.run.instructions import bases_of, check_steps, stages_of, steps_in
from lab.run.rendering import Variables, context_of, filled, own_file, render, text_of
from lab.run.scenario_file import ScenarioFile, Variation
from lab.run.steps.build import Build
from lab.run.steps.inspect import Inspect
from lab.run.steps.push import Push
from lab.run.steps.serve import Serve
from lab.run.steps.table import USUAL, NamedStep, problem_of
from lab.run.steps.tag import Tag
from lab.run.steps.wait import Wait
from lab.run.steps.work import IMAGE, Delivery, Recipe
from lab.run.web_address import USUAL as USUAL_ADDRESS
from lab.versions import meets
from lab.yamlfile import OneOf, check, read
from lab.yamltext import line_of

OWN = "--context DIR names a project of your own; `python -m lab init DIR --scenario` writes a scenario of it"
SHARED = "shared"  # the folder of the Dockerfiles and contexts that several scenarios use
HIT: Expect = "hit"
NAME = re.compile(r"^name:[ \t]*[\"']?([a-z0-9-]+)", re.MULTILINE)
T = TypeVar("T", bound=OneOf)


@dataclass(frozen=True)
class Scenario:
    """A scenario with its variables filled in: texts are final, files are bytes with an executable bit.

    `bases` are the images after FROM in the Dockerfile, in order; stages and `scratch` are none. `steps` is the
    outcome expected of each instruction, `sequence` the steps of both sides, and `prepare` the changes that both make
    in a new context.

    A scenario of a user's own project has `project`, which describes it, the `options` of each build, and `delivery`,
    which brings the context. Of a consumer it expects what the producer's rebuild of its own image did.
    """

    folder: Path
    file: ScenarioFile
    dockerfile: str
    instructions: tuple[str, ...]
    bases: tuple[str, ...]
    context: Mapping[str, tuple[bytes, bool]]
    variables: Variables
    steps: tuple[Expect, ...]
    sequence: tuple[NamedStep, ...] = USUAL
    prepare: tuple[Change, ...] = ()
    options: BuildOptions = field(default_factory=BuildOptions)
    delivery: Delivery | None = None
    project: ProjectFacts | None = None

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.file.name

    @property
    def summary(self) -> str:
        """One line that describes it."""
        return self.file.summary

    def variations(self, asked: tuple[str, ...] = ()) -> list[Variation | None]:
        """The variations to run, in which None is the trial without a change.

        `all` stands for every one. Without names these are None and the variations that the file marks as default.
        """
        known = {variation.name: variation for variation in self.file.variations}
        if not asked:
            return [None, *(variation for variation in known.values() if variation.default)]
        if "all" in asked:
            asked = (*asked, CONTROL, *known)
        chosen: list[Variation | None] = []
        for name in dict.fromkeys(name for name in asked if name != "all"):
            if name != CONTROL and name not in known:
                raise UsageError(
                    f'cannot find the variation "{name}" of scenario {self.name}'
                    f"{did_you_mean(name, [CONTROL, *known])}",
                    hint=f"known variations: {', '.join([CONTROL, *known])}",
                )
            chosen.append(known.get(name))
        return chosen

    @property
    def recipe(self) -> Recipe:
        """What both sides build, before any change."""
        target = self.project.target if self.project else None
        stages = stages_of(self.dockerfile, self.instructions, target)
        return Recipe(
            self.dockerfile, self.instructions, self.context, self.prepare, stages, self.options, self.delivery
        )

    @property
    def pushes(self) -> bool:
        """True if a consumer pushes images too: then each trial needs names of its own for them."""
        return any(isinstance(item.step, Push) and item.step.side == "consumer" for item in self.sequence)

    @property
    def inspects(self) -> bool:
        """True if a consumer reads its image: a builder without a store of images pushes that image, too."""
        return any(isinstance(item.step, Inspect) and item.step.side == "consumer" for item in self.sequence)

    @property
    def serves(self) -> bool:
        """True if a step serves files by HTTP: then the run reserves an address."""
        return any(isinstance(item.step, Serve) for item in self.sequence)

    @property
    def moves_clock(self) -> bool:
        """True if a step moves the clock of its box: then lab must have made the machine."""
        return any(isinstance(item.step, Wait) and item.step.days for item in self.sequence)

    def fits(self, version: str) -> bool:
        """True if a Docker of this version can build it."""
        return self.file.needs is None or meets(version, self.file.needs)

    def problem_with(self, builder: str) -> str | None:
        """Why a builder cannot run the scenario; None if it can."""
        if builder not in self.file.builders:
            return "the scenario does not name it"
        for item in self.sequence:
            client = item.step.client
            if isinstance(item.step, Build) and item.step.builder:
                client = builder_of(item.step.builder).client
            if client not in (None, builder_of(builder).client):
                return f"its step {item.kind} needs {client}"
        return None

    def references(self, reference: str) -> dict[str, str]:
        """The references of all images of the producer, by their names, of which one is given."""
        repository, _, tag = reference.rpartition(":")
        made = [item.step for item in self.sequence if item.step.side == "producer"]
        names = {step.name for step in made if isinstance(step, Build)} | {
            step.to for step in made if isinstance(step, Tag)
        }
        return {name: reference if name == IMAGE else f"{repository}-{name}:{tag}" for name in names | {IMAGE}}

    def changes(self, variation: Variation) -> list[Change]:
        """The variation's changes with the scenario's variables filled in; its free commands come last."""
        where = f"{self.folder / 'scenario.yaml'}, variation {variation.name}"
        written = [item.model_dump(exclude_none=True, by_alias=True) for item in variation.changes]
        if variation.commands:
            written.append({"commands": {"run": variation.commands, "root": variation.root}})
        return [check(item, NamedChange, where).change for item in filled(written, self.variables, where)]

    def expectation(self, variation: Variation | None, facts: Facts) -> Expectation:
        """The expected outcomes of a rebuild: those of the first exception that fits, else those of `steps`.

        The variation's own outcomes are found in the same way; a step that either of the two makes run is expected to
        run.
        """
        plain = choose(self.steps, None, self.file.exceptions, facts)
        if variation is None:
            return plain
        varied = choose(variation.expect, variation.summary, variation.exceptions, facts)
        return Expectation(combine(plain.outcomes, varied.outcomes), plain.because or varied.because)


def find(name: str, folder: Path) -> Path:
    """The folder of a scenario: by name under templates/scenarios, or by path anywhere."""
    if "/" in name or Path(name).is_dir():
        path = Path(name)
        if not (path / "scenario.yaml").is_file():
            raise UsageError(f"cannot find a scenario at {path}: no scenario.yaml in it", hint=OWN)
        return path
    known = sorted(path.parent.name for path in folder.glob("*/scenario.yaml"))
    if name not in known:
        raise UsageError(
            f'cannot find the scenario "{name}"{did_you_mean(name, known)}',
            hint=f"{known_names('scenario', known, 'cases')}; a folder elsewhere is named by its path",
        )
    check_names(folder)
    return folder / name


def load_scenario(folder: Path, base: str, web: str = USUAL_ADDRESS) -> Scenario:
    """Read and render the scenario in `folder` over the base image `base`; ConfigError describes what is wrong.

    `web` is the address at which a step of the sequence serves files.
    """
    path = own_file(folder / "scenario.yaml")
    data = read(path)
    file = check(data, ScenarioFile, str(path))
    variables = {**file.variables, "base": base, "web": web}
    template = _part(folder, file, "Dockerfile.j2")
    dockerfile = render(text_of(template), variables, str(template))
    instructions = tuple(render(step.instruction, variables, str(path)) for step in file.steps)
    if instructions:
        check_steps(path, dockerfile, instructions)
    else:
        instructions = steps_in(path, dockerfile)
    _check_variations(path, data, file)
    _check_counts(path, data, file, len(instructions))
    return Scenario(
        folder=folder,
        file=file,
        dockerfile=dockerfile,
        instructions=instructions,
        bases=bases_of(dockerfile),
        context=context_of(_part(folder, file, "context"), variables),
        variables=variables,
        steps=tuple(step.expect for step in file.steps) or (HIT,) * len(instructions),
        sequence=tuple(_rendered(item, NamedStep, variables, path) for item in file.sequence),
        prepare=tuple(_rendered(item, NamedChange, variables, path).change for item in file.prepare),
    )


def _part(folder: Path, file: ScenarioFile, name: str) -> Path:
    """The scenario's own Dockerfile or context, or the one of the shared template that it names."""
    shared = folder.parent / SHARED / file.template if file.template else folder
    if not shared.is_dir():
        known = [item.name for item in (folder.parent / SHARED).glob("*") if item.is_dir()]
        raise ConfigError(
            f'cannot use {folder / "scenario.yaml"}: there is no template "{file.template}"'
            f"{did_you_mean(str(file.template), known)}",
            hint=f"known templates: {', '.join(sorted(known)) or 'none'}",
        )
    if os.path.lexists(folder / name):
        return folder / name
    own_file(shared.parent)
    return own_file(shared) / name


def _rendered(item: T, model: type[T], variables: Variables, path: Path) -> T:
    """The same change or step with the scenario's variables filled in."""
    return check(filled(item.model_dump(exclude_none=True, by_alias=True), variables, str(path)), model, str(path))


def check_names(folder: Path) -> None:
    """Raise ConfigError if two scenarios in a folder have one name: trials and images are named after it."""
    seen: dict[str, str] = {}
    for path in sorted(folder.glob("*/scenario.yaml")):
        try:
            text = read_plain(path).decode("utf-8", "replace")
        except OSError:
            continue
        if stated := NAME.search(text):  # one expression for all files: YAML's own reader takes half a second
            here = f"{path}, line {text.count(chr(10), 0, stated.start()) + 1}"
            if before := seen.get(stated[1]):
                raise ConfigError(
                    f'cannot use the scenario "{stated[1]}": two have this name, in {before}, and in {here}',
                    hint="give one of them another name",
                )
            seen[stated[1]] = here


def _check_variations(path: Path, data: Any, file: ScenarioFile) -> None:
    """Raise ConfigError if two variations have one name; `data` is the file as it was read, which knows the lines."""
    names = [CONTROL, *(item.name for item in file.variations)]
    for place, name in enumerate(names):
        if name in names[:place]:
            why = "the name of the trial without a change" if name == CONTROL else "that of another variation"
            at = _at(data, "variations", place - 1, "name")
            raise ConfigError(f'cannot use {path}: {at}the variation\'s name "{name}" is {why}')


def _check_counts(path: Path, data: Any, file: ScenarioFile, steps: int) -> None:
    """Raise ConfigError if an expectation has another number of outcomes than there are steps, or a step is wrong."""
    found: list[tuple[str, tuple[str | int, ...], int]] = []
    for number, exception in enumerate(file.exceptions):
        found.append((f"exception {number + 1}", ("exceptions", number), len(exception.expect)))
    for place, item in enumerate(file.variations):
        where = f"variation {item.name}"
        found.append((where, ("variations", place), len(item.expect)))
        for number, exception in enumerate(item.exceptions):
            inner = ("variations", place, "exceptions", number)
            found.append((f"{where}, exception {number + 1}", inner, len(exception.expect)))
    for where, keys, count in found:
        if count != steps:
            at = _at(data, *keys, "expect")
            raise ConfigError(
                f"cannot use {path}: {at}{where} expects {counted(count, 'outcome')}, there are "
                f"{counted(steps, 'step')}"
            )
    if wrong := problem_of(file.sequence, steps):
        step, problem = wrong
        at = "" if step is None else _at(data, "sequence", step)
        raise ConfigError(f"cannot use {path}: {at}{problem}")


def _at(data: Any, *place: str | int) -> str:
    line = line_of(data, *place)
    return f"line {line}: " if line else ""
