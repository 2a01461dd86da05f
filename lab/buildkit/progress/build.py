"""The values that come from reading build output, and their JSON form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.model import Outcome

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a Dockerfile and its outcome.

    `stage` is the stage's name (`builder`, `stage-1`), behind its platform where the builder prints one
    (`linux/amd64 builder`, `linux/amd64`), None if neither is printed. `index` counts from 1 within the stage;
    the classic builder counts through all stages, and before Docker 1.10 it counts from 0. `total` is 0 where the
    form prints no total. `instruction` is as printed: old clients and narrow terminals cut it. `seconds` is as
    printed, None where the form states none. `targets` are the bake targets or compose services whose name was
    printed before the step; more than one if they share it. `reason` says why an outcome is unknown, is another one
    than the output seems to print, or is an error of a step that was found, where the output shows why. `pulled` is
    true if layers of the step were fetched from a registry. `download` is the part of `seconds` in which an ADD
    downloaded what it copies, also if the copy is then a hit. `ran_and_failed` is true for a RUN that failed after
    BuildKit had started its program, which it does only for a step that missed the cache.
    """

    stage: str | None
    index: int
    total: int
    instruction: str
    outcome: Outcome
    seconds: float | None = None
    targets: tuple[str, ...] = ()
    reason: str | None = field(default=None, compare=False)
    pulled: bool = field(default=False, compare=False)
    download: float | None = field(default=None, compare=False)
    ran_and_failed: bool = field(default=False, compare=False)

    @property
    def stage_name(self) -> str:
        """The stage's name in lower case, without its platform; empty where none is printed."""
        return (self.stage or "").rpartition(" ")[2].lower()

    @property
    def place(self) -> str:
        """The step's number as the builder prints it: `3/5`, or `3` where it prints no total."""
        return f"{self.index}/{self.total}" if self.total else str(self.index)


@dataclass(frozen=True, slots=True)
class CacheImport:
    """One `--cache-from` source: `ok` is False if it could not be read, None if its end was not seen.

    `target` is the bake target or compose service that it was read for, `error` what the builder said of it.
    """

    ref: str
    ok: bool | None
    target: str | None = None
    error: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Image:
    """An image or manifest digest that the build exported, and for which target where one is printed."""

    digest: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """One build, as far as its output shows it.

    `builder` is `buildkit`, `classic`, `buildah` or `kaniko`. `context_bytes` and `dockerfile_bytes` are what the
    client sent, rounded as printed. `image` is the first image ID or manifest digest (`sha256:...`; the classic
    builder prints 12 digits), `images` holds one for each target. `warnings` say which lines are uncertain.
    `frame` names what stood before every line, where it is a known form; `lines` are the first and the last line
    of the input that belong to the build, from 1. `absent` are the steps that must have been in the build by their
    numbers and that a cut log does not show, with an empty instruction.
    """

    builder: str
    steps: tuple[Step, ...] = ()
    context_bytes: int | None = None
    dockerfile_bytes: int | None = None
    imports: tuple[CacheImport, ...] = ()
    image: str | None = None
    images: tuple[Image, ...] = ()
    warnings: tuple[str, ...] = ()
    frame: str | None = field(default=None, compare=False)
    lines: tuple[int, int] | None = field(default=None, compare=False)
    absent: tuple[Step, ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        """The build as JSON values: exactly the fields' names, outcomes as words, unknown values null."""
        value = asdict(self)
        for name, steps in (("steps", self.steps), ("absent", self.absent)):
            value[name] = [{**asdict(step), "outcome": step.outcome.value} for step in steps]
        return value


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step has got an outcome, or another one than before; `build` counts the builds of the input from 0.

    What is printed later may take a hit back: a build that fails makes CACHED doubtful, and only `Build` says so.
    """

    build: int
    step: Step


def document(builds: Iterable[Build]) -> dict[str, Any]:
    """The JSON document of several builds: `{"schema": 1, "builds": [...]}`."""
    return {"schema": SCHEMA, "builds": [build.to_json() for build in builds]}
