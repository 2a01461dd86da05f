"""What scenario.yaml may state: its metadata, steps, sequence, exceptions and variations."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field, model_validator

from lab.run.changes.table import NamedChange
from lab.run.expectations import Deviation, Expect, Versions
from lab.run.steps.table import USUAL, NamedStep
from lab.run.words import BuilderName, Word
from lab.yamlfile import Strict


class StepLine(Strict):
    """One instruction as Docker prints it, and the outcome that is expected of a rebuild."""

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


class Reference(Strict):
    """An issue or a page upstream, and its state there: open, closed, fixed in a version."""

    url: Annotated[str, Field(pattern=r"^https://")]
    state: str


class ScenarioFile(Strict):
    """The whole file. `template` names a folder of shared parts, whose Dockerfile and context this scenario uses.

    `engines` and `producer_engines` are the engines of consumers and producers where a user names none. `builders` are
    those that can run it. `mechanism` describes what happens in two sentences, `look` what to look at. `prepare` are
    changes that both sides make when their context is written. Without `steps`, every instruction of the Dockerfile is
    expected to hit. `needs` are the versions of Docker that can build it.
    """

    name: Word
    summary: str
    reference: str | None = None
    references: tuple[Reference, ...] = ()
    tags: tuple[Word, ...] = ()
    mechanism: str | None = None
    look: str | None = None
    template: Word | None = None
    engines: tuple[str, ...] = ()
    producer_engines: tuple[str, ...] = ()
    needs: Versions | None = None
    builders: tuple[BuilderName, ...] = get_args(BuilderName)
    variables: dict[str, str | int | bool] = Field(default_factory=dict)
    prepare: tuple[NamedChange, ...] = ()
    steps: tuple[StepLine, ...] = ()
    sequence: tuple[NamedStep, ...] = USUAL
    exceptions: tuple[Deviation, ...] = ()
    variations: tuple[Variation, ...] = ()
