"""One candidate of a minimisation as data: the Dockerfile in pieces, the context, the changes of both sides."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.instruction import Instruction
from lab.model import CONTROL, Outcome
from lab.run.changes.table import NamedChange
from lab.run.minimise.parts import paths_of
from lab.run.random_trials.case import Case, Stage
from lab.run.steps.build import Build
from lab.run.steps.table import NamedStep


@dataclass(frozen=True, slots=True)
class File:
    """One file of the context: its bytes, and whether it can be executed."""

    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference that must stay: the word of the first instruction whose outcomes differ, and both outcomes."""

    word: str
    reference: Outcome
    subject: Outcome

    def __str__(self) -> str:
        return f"{self.word}: {self.reference} without the difference, {self.subject} with it"


@dataclass(frozen=True)
class Candidate:
    """A build and its difference.

    `build` holds the Dockerfile, the changes that both sides make (`prepare`), the arguments and flags of the builds,
    and the parts of the consumer's `change`. `sequence` has the steps, whose arguments and flags count only if `build`
    has them. `name` is that of the scenario, and `variation` that of the change; `none` where two boxes differ.
    `notes` are sentences that the user should read.
    """

    name: str
    variation: str
    build: Case
    files: Mapping[str, File]
    sequence: tuple[NamedStep, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """A checksum of all of it."""
        files = {path: [sha256(item.content).hexdigest(), item.executable] for path, item in self.files.items()}
        steps = [item.model_dump(mode="json", by_alias=True, exclude_unset=True) for item in self.sequence]
        whole = [self.name, self.variation, self.build.model_dump(mode="json", exclude_none=True), files, steps]
        return sha256(json.dumps(whole, sort_keys=True, default=str).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def is_varied(self) -> bool:
        """True if the difference is a change, false if it is between two boxes or engines."""
        return self.variation != CONTROL

    def with_build(self, build: Case) -> Candidate:
        """The candidate with another Dockerfile, changes or options."""
        return replace(self, build=build)

    def without(self, paths: Collection[str]) -> Candidate:
        """The candidate without these files, and without the changes that name one of them."""
        gone = set(paths)

        def left(items: tuple[NamedChange, ...]) -> tuple[NamedChange, ...]:
            return tuple(item for item in items if not paths_of(item) & gone)

        build = self.build.model_copy(update={"prepare": left(self.build.prepare), "change": left(self.build.change)})
        return replace(self, build=build, files={path: item for path, item in self.files.items() if path not in gone})

    @property
    def steps(self) -> tuple[NamedStep, ...]:
        """The sequence with those arguments and flags that the build still has."""
        return tuple(self._with_options(item) for item in self.sequence)

    def _with_options(self, item: NamedStep) -> NamedStep:
        if item.build is None:
            return item
        arguments = {name: value for name, value in item.build.arguments.items() if name in self.build.arguments}
        flags = tuple(word for word in item.build.flags if word in self.build.flags)
        return NamedStep(build=item.build.model_copy(update={"arguments": arguments, "flags": flags}))

    @property
    def counts(self) -> dict[str, int]:
        """How much it has of each kind that a reduction leaves out."""
        return {
            "files": len(self.files),
            "bytes": sum(len(item.content) for item in self.files.values()),
            "executables": sum(item.executable for item in self.files.values()),
            "instructions": len(self.build.before) + sum(1 + len(stage.lines) for stage in self.build.stages),
            "characters": len(self.build.dockerfile),
            "prepared": len(self.build.prepare),
            "changes": len(self.build.change),
            "options": len(self.build.arguments) + len(self.build.flags),
        }


def dockerfile_in_pieces(text: str) -> tuple[tuple[str, ...], tuple[Stage, ...]]:
    """The lines before the first FROM, and the stages; comments are left out. ReadError for what is no Dockerfile."""
    parsed = parse(text)
    lines = text.split("\n")
    head = [f"# syntax={parsed.syntax}"] if parsed.syntax else []
    head += [f"# escape={parsed.escape}"] if parsed.escape != "\\" else []
    before = (*head, *(_written(item, lines) for item in parsed.before))
    stages = []
    for stage in parsed.stages:
        platform = f"--platform={stage.platform} " if stage.platform else ""
        start = f"FROM {platform}{stage.base}{f' AS {stage.name}' if stage.name else ''}"
        stages.append(Stage(start=start, lines=tuple(_written(item, lines) for item in stage.instructions)))
    return before, tuple(stages)


def _written(item: Instruction, lines: list[str]) -> str:
    """The instruction in one line; with its here-documents as they are written."""
    if item.heredocs:
        return "\n".join(lines[item.lines[0] - 1 : item.lines[1]])
    return item.original


def options_in(sequence: tuple[NamedStep, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The arguments and flags of all builds of a sequence."""
    builds = [item.step for item in sequence if isinstance(item.step, Build)]
    arguments = {name: value for step in builds for name, value in step.arguments.items()}
    return arguments, tuple(dict.fromkeys(word for step in builds for word in step.flags))
