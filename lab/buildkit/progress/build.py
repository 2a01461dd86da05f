"""The values that reading build output yields, and their JSON form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from lab.model import Outcome

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a Dockerfile and what became of it.

    `stage` is the stage's name (`builder`, `stage-1`), behind its platform where the builder prints one
    (`linux/amd64 builder`, `linux/amd64`), None if neither is printed. `index` counts from 1 within the stage;
    the classic builder counts through all stages. `instruction` is as printed: old clients and narrow
    terminals cut it. `seconds` is as printed, None where the form states none.
    """

    stage: str | None
    index: int
    total: int
    instruction: str
    outcome: Outcome
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CacheImport:
    """One `--cache-from` source: `ok` is False if it could not be read, None if its end was not seen."""

    ref: str
    ok: bool | None


@dataclass(frozen=True, slots=True)
class Build:
    """One run of `docker build`, as far as its output tells.

    `builder` is `buildkit` or `classic`. `context_bytes` and `dockerfile_bytes` are what the client sent, rounded
    as printed. `image` is the image ID or manifest digest (`sha256:...`; the classic builder prints 12 digits).
    """

    builder: str
    steps: tuple[Step, ...] = ()
    context_bytes: int | None = None
    dockerfile_bytes: int | None = None
    imports: tuple[CacheImport, ...] = ()
    image: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The build as JSON values: exactly the fields' names, outcomes as words, unknown values null."""
        value = asdict(self)
        value["steps"] = [{**asdict(step), "outcome": step.outcome.value} for step in self.steps]
        value["imports"] = [asdict(source) for source in self.imports]
        return value


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step has got an outcome, or another one than before; `build` counts the builds of the input from 0."""

    build: int
    step: Step


def document(builds: Iterable[Build]) -> dict[str, Any]:
    """The JSON document of several builds: `{"schema": 1, "builds": [...]}`."""
    return {"schema": SCHEMA, "builds": [build.to_json() for build in builds]}
