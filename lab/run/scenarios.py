"""Scenarios: a Dockerfile template, its context, what each step is expected to do, and named variations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import jinja2
from jinja2.sandbox import SandboxedEnvironment
from pydantic import Field

from lab.buildkit.contenthash.rules import Xattrs
from lab.buildkit.rulebook import Known, Rulebook
from lab.errors import ConfigError, UsageError
from lab.explain.rules_of_box import known_of
from lab.model import CONTROL, Outcome
from lab.results.run import BoxFacts
from lab.versions import CONDITION, meets
from lab.yamlfile import Strict, did_you_mean, load

Expect = Literal["hit", "ran"]
Tag = Literal["selinux", "no-selinux"]
End = Literal["consumer", "producer"]
Versions = Annotated[str, Field(pattern=CONDITION.pattern)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
MAX_CONTEXT_BYTES = 8 << 20


class _Step(Strict):
    instruction: str
    expect: Expect


class _When(Strict):
    consumer: Tag | None = None
    producer: Tag | None = None
    attributes: Literal["all"] | None = None  # the consumer's engine hashes every attribute of a file
    label: End | None = None  # SELinux's label of a file enters the key at this end alone
    records: Literal["others"] | None = None  # the two engines write the cache record of a RUN in two ways


class _Exception(Strict):
    engines: Versions | None = None
    producer_engines: Versions | None = None
    when: _When = _When()
    because: str
    expect: tuple[Expect, ...]


class Variation(Strict):
    """One named change to the consumer's context: commands run in it, and what each step then does.

    `root` runs them as root; `exceptions` say where the expectation is another one.
    """

    name: Word
    summary: str
    default: bool = False
    root: bool = False
    commands: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...]
    expect: tuple[Expect, ...]
    exceptions: tuple[_Exception, ...] = ()


class _File(Strict):
    name: Word
    summary: str
    reference: str | None = None
    variables: dict[str, str | int | bool] = Field(default_factory=dict)
    steps: tuple[_Step, ...] = Field(min_length=1)
    exceptions: tuple[_Exception, ...] = ()
    variations: tuple[Variation, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What each step of a rebuild is expected to do, and why if that is not the scenario's plain case."""

    outcomes: tuple[Outcome, ...]
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides between exceptions: the versions of the consumer's engine and of the producer's, and what else
    tells the two ends apart.

    `..._selinux` says that the kernel of that end labels its files, `..._attributes` that its engine hashes every
    attribute, `other_records` that the engines do not match each other's RUN.
    """

    engine: str | None
    producer_engine: str | None = None
    consumer_selinux: bool = False
    producer_selinux: bool = False
    consumer_attributes: bool = False
    producer_attributes: bool = False
    other_records: bool = False

    @property
    def label(self) -> End | None:
        """The end at which alone SELinux's label of a file enters the key; None if it does at both or at neither."""
        ours = self.consumer_selinux and self.consumer_attributes
        theirs = self.producer_selinux and self.producer_attributes
        return None if ours == theirs else "consumer" if ours else "producer"


@dataclass(frozen=True)
class Scenario:
    """A scenario with its variables filled in: texts are final, files are bytes with an executable bit."""

    folder: Path
    file: _File
    dockerfile: str
    instructions: tuple[str, ...]
    context: Mapping[str, tuple[bytes, bool]]
    variables: Mapping[str, str | int | bool]

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.file.name

    @property
    def summary(self) -> str:
        """One line on what it shows."""
        return self.file.summary

    def variations(self, asked: tuple[str, ...] = ()) -> list[Variation | None]:
        """The variations to run, None standing for no change: those asked for (`all`: every one), else none and the
        default ones.
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

    def commands(self, variation: Variation) -> list[list[str]]:
        """The variation's commands with the scenario's variables filled in."""
        where = f"{self.folder / 'scenario.yaml'}, variation {variation.name}"
        return [[_render(word, self.variables, where) for word in command] for command in variation.commands]

    def expectation(self, variation: Variation | None, facts: Facts) -> Expectation:
        """What a rebuild is expected to do: the first exception that fits, else `steps`; and the variation's own word,
        found in the same way. Two changes at once: a step runs if either makes it run.
        """
        plain = tuple(Outcome(step.expect) for step in self.file.steps)
        because = None
        for exception in self.file.exceptions:
            if _fits(exception, facts):
                plain, because = tuple(Outcome(word) for word in exception.expect), exception.because
                break
        if variation is None:
            return Expectation(plain, because)
        words, why = variation.expect, variation.summary
        for exception in variation.exceptions:
            if _fits(exception, facts):
                words, why = exception.expect, exception.because
                break
        return Expectation(_worse(plain, words), because or why)


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
    """Read and render the scenario in `folder` over the base image `base`; raise ConfigError for what is wrong."""
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
    template = folder / "Dockerfile.j2"
    try:
        text = template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {template}: {error}") from error
    return Scenario(
        folder=folder,
        file=file,
        dockerfile=_render(text, variables, str(template)),
        instructions=tuple(_render(step.instruction, variables, str(path)) for step in file.steps),
        context=_context(folder / "context", variables),
        variables=variables,
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
    except Exception as error:  # whatever a template's own code comes to, such as a macro that calls itself
        raise ConfigError(f"cannot render {where}: {error or type(error).__name__}") from error


def _fits(exception: _Exception, facts: Facts) -> bool:
    when = exception.when
    ends = ((when.consumer, facts.consumer_selinux), (when.producer, facts.producer_selinux))
    if any(wanted is not None and (wanted == "selinux") != there for wanted, there in ends):
        return False
    wants = (
        (when.attributes, facts.consumer_attributes),
        (when.label, facts.label == when.label),
        (when.records, facts.other_records),
    )
    if any(wanted is not None and not there for wanted, there in wants):
        return False
    versions = ((exception.engines, facts.engine), (exception.producer_engines, facts.producer_engine))
    return all(asked is None or (version is not None and meets(version, asked)) for asked, version in versions)


def _worse(first: tuple[Outcome, ...], second: tuple[str, ...]) -> tuple[Outcome, ...]:
    """Two changes at once: a step runs if either makes it run."""
    return tuple(
        Outcome.RAN if Outcome.RAN in (one, Outcome(two)) else one for one, two in zip(first, second, strict=True)
    )


def facts_of(book: Rulebook, consumer: BoxFacts, producer: BoxFacts) -> Facts:
    """What decides between a scenario's exceptions; an engine of which nothing is known has no bug and no dialect."""
    ours, theirs = known_of(book, consumer), known_of(book, producer)
    return Facts(
        consumer.server,
        producer.server,
        consumer_selinux=consumer.selinux != "off",
        producer_selinux=producer.selinux != "off",
        consumer_attributes=ours is not None and ours.rules.xattrs is Xattrs.ALL,
        producer_attributes=theirs is not None and theirs.rules.xattrs is Xattrs.ALL,
        other_records=bool(ours and theirs and _run_form(ours) != _run_form(theirs)),
    )


def _run_form(known: Known) -> tuple[bool, bool] | None:
    """What of an engine's way to write definitions shows in a RUN's record; None for one without inline cache."""
    return (known.dialect.stubs, known.dialect.selector) if known.dialect else None
