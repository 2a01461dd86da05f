"""Scenarios: a Dockerfile template, its context, what each step is expected to do, and named variations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment
from pydantic import Field, model_validator

from lab.errors import ConfigError, UsageError, did_you_mean
from lab.model import CONTROL
from lab.run.changes.kind import Change
from lab.run.changes.table import NamedChange
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.expectations import Deviation, Expect, Expectation, Facts, choose, combine
from lab.run.instructions import bases_of, check_steps
from lab.run.steps.build import Build
from lab.run.steps.push import Push
from lab.run.steps.table import USUAL, NamedStep, problem_of
from lab.run.steps.tag import Tag
from lab.run.steps.work import IMAGE, Recipe
from lab.yamlfile import Strict, check, load

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class _Step(Strict):
    instruction: str
    expect: Expect


class Variation(Strict):
    """One named difference between the two sides: the changes that make it, and the expected outcome of each step.

    `changes` come from the vocabulary of lab/run/changes. `commands` are free commands for what it does not say, which
    `root` runs as root. `exceptions` state where another outcome is expected.
    """

    name: Word
    summary: str
    default: bool = False
    root: bool = False
    changes: tuple[NamedChange, ...] = ()
    commands: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] | None = None
    expect: tuple[Expect, ...]
    exceptions: tuple[Deviation, ...] = ()

    @model_validator(mode="after")
    def _one(self) -> Variation:
        if not self.changes and self.commands is None:
            raise ValueError("it needs changes or commands")
        return self


class _File(Strict):
    name: Word
    summary: str
    reference: str | None = None
    variables: dict[str, str | int | bool] = Field(default_factory=dict)
    steps: tuple[_Step, ...] = Field(min_length=1)
    sequence: tuple[NamedStep, ...] = USUAL
    exceptions: tuple[Deviation, ...] = ()
    variations: tuple[Variation, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A scenario with its variables filled in: texts are final, files are bytes with an executable bit.

    `bases` are the images after FROM in the Dockerfile, in order; stages and `scratch` are none. `sequence` is the
    steps of both sides, in order.
    """

    folder: Path
    file: _File
    dockerfile: str
    instructions: tuple[str, ...]
    bases: tuple[str, ...]
    context: Mapping[str, tuple[bytes, bool]]
    variables: Mapping[str, str | int | bool]
    sequence: tuple[NamedStep, ...] = USUAL

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
        return Recipe(self.dockerfile, self.instructions, self.context)

    @property
    def pushes(self) -> bool:
        """True if a consumer pushes images too: then each trial needs names of its own for them."""
        return any(isinstance(item.step, Push) and item.step.on == "consumer" for item in self.sequence)

    def references(self, reference: str) -> dict[str, str]:
        """The references of all images of the producer, by their names, of which one is given."""
        repository, _, tag = reference.rpartition(":")
        made = [item.step for item in self.sequence if item.step.on == "producer"]
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
        filled = _filled(written, self.variables, where)
        return [check(item, NamedChange, where).change for item in filled]

    def expectation(self, variation: Variation | None, facts: Facts) -> Expectation:
        """The expected outcomes of a rebuild: those of the first exception that fits, else those of `steps`.

        The variation's own outcomes are found in the same way; a step that either of the two makes run is expected to
        run.
        """
        plain = choose(tuple(step.expect for step in self.file.steps), None, self.file.exceptions, facts)
        if variation is None:
            return plain
        varied = choose(variation.expect, variation.summary, variation.exceptions, facts)
        return Expectation(combine(plain.outcomes, varied.outcomes), plain.because or varied.because)


def find(name: str, folder: Path) -> Path:
    """The folder of a scenario: by name under templates/scenarios, or by path anywhere."""
    if "/" in name or Path(name).is_dir():
        path = Path(name)
        if not (path / "scenario.yaml").is_file():
            raise UsageError(f"cannot find a scenario at {path}: no scenario.yaml in it")
        return path
    known = sorted(path.parent.name for path in folder.glob("*/scenario.yaml"))
    if name not in known:
        raise UsageError(
            f'cannot find the scenario "{name}"{did_you_mean(name, known)}',
            hint=f"known scenarios: {', '.join(known) or 'none'}; a folder elsewhere is named by its path",
        )
    return folder / name


def load_scenario(folder: Path, base: str) -> Scenario:
    """Read and render the scenario in `folder` over the base image `base`; ConfigError describes what is wrong."""
    path = folder / "scenario.yaml"
    file = load(path, _File)
    variables = {**file.variables, "base": base}
    steps = len(file.steps)
    expectations = {f"exception {number}": item.expect for number, item in enumerate(file.exceptions, 1)}
    for item in file.variations:
        expectations[f"variation {item.name}"] = item.expect
        for number, exception in enumerate(item.exceptions, 1):
            expectations[f"variation {item.name}, exception {number}"] = exception.expect
    for where, expect in expectations.items():
        if len(expect) != steps:
            raise ConfigError(f"cannot use {path}: {where} expects {len(expect)} outcomes, there are {steps} steps")
    if problem := problem_of(file.sequence, steps):
        raise ConfigError(f"cannot use {path}: {problem}")
    template = folder / "Dockerfile.j2"
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {template}: {error}") from error
    dockerfile = _render(text, variables, str(template))
    instructions = tuple(_render(step.instruction, variables, str(path)) for step in file.steps)
    check_steps(path, dockerfile, instructions)
    return Scenario(
        folder=folder,
        file=file,
        dockerfile=dockerfile,
        instructions=instructions,
        bases=bases_of(dockerfile),
        context=_context(folder / "context", variables),
        variables=variables,
        sequence=tuple(
            check(
                _filled(item.model_dump(exclude_none=True, by_alias=True), variables, str(path)), NamedStep, str(path)
            )
            for item in file.sequence
        ),
    )


def _context(folder: Path, variables: Mapping[str, str | int | bool]) -> dict[str, tuple[bytes, bool]]:
    """Every file below `folder`; one whose name ends in .j2 is a template, `{{ file }}` in a name is filled in."""
    found: dict[str, tuple[bytes, bool]] = {}
    total = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = _render(path.relative_to(folder).as_posix(), variables, str(path))
        try:
            size = path.stat().st_size
            content = path.read_bytes() if size <= MAX_CONTEXT_BYTES else b""
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        if name.endswith(".j2"):
            try:
                text = content.decode()
            except UnicodeDecodeError as error:
                raise ConfigError(f"cannot read {path}: not UTF-8 at byte {error.start}") from error
            name, content = name[:-3], _render(text, variables, str(path)).encode()
        if name in found or name == "Dockerfile":
            raise ConfigError(f"cannot use {path}: the context has {name} already")
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ConfigError(f"cannot use {path}: it would be written outside the context, as {name}")
        total += max(size, len(content))
        if total > MAX_CONTEXT_BYTES:
            raise ConfigError(f"cannot use {folder}: more than {MAX_CONTEXT_BYTES >> 20} MiB of context")
        found[name] = (content, bool(path.stat().st_mode & 0o100))
    return found


def _filled(value: Any, variables: Mapping[str, str | int | bool], where: str) -> Any:
    """Plain data with every text in it rendered as a template."""
    if isinstance(value, str):
        return _render(value, variables, where)
    if isinstance(value, Mapping):
        return {_filled(key, variables, where): _filled(item, variables, where) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(item, variables, where) for item in value]
    return value


def _render(text: str, variables: Mapping[str, str | int | bool], where: str) -> str:
    """Fill in a template in Jinja's sandbox; an undefined name is an error that names it."""
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    try:
        return environment.from_string(text).render(**variables)
    except jinja2.UndefinedError as error:
        name = re.search(r"'(\w+)' is undefined", str(error))
        guess = did_you_mean(name[1], list(variables)) if name else ""
        raise ConfigError(
            f"cannot render {where}: {error.message}{guess}",
            hint=f"known variables: {', '.join(sorted(variables))}",
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"cannot render {where}: line {error.lineno}: {error.message}") from error
    except Exception as error:  # any error of the template's own code, such as a macro that calls itself
        raise ConfigError(f"cannot render {where}: {error or type(error).__name__}") from error
