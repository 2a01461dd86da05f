"""The classic builder's form: `Step 2/4 : RUN echo foo`, ` ---> Using cache`, ` ---> Running in ID`.

Source: `docker build` before 23.0 unless DOCKER_BUILDKIT=1, later with DOCKER_BUILDKIT=0 or without buildx. What a
RUN prints is bare, so anything between `Running in ID` and the removal of that container may be its output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from lab.buildkit.progress.build import Build, Step
from lab.buildkit.progress.ledger import size_in_bytes
from lab.model import Outcome

QUOTE = r"[ \t]*(?:>[ \t]+)*"
CONTEXT = re.compile(QUOTE + r"Sending build context to Docker daemon\s(.*)")
STEP = re.compile(QUOTE + r"Step (\d{1,9})/(\d{1,9}) : (.*)")
CACHED = re.compile(QUOTE + r"---> Using cache\s*$")
RUNNING = re.compile(QUOTE + r"---> Running in ([0-9a-f]{12})\s*$")
# 17.03 to 20.10 `Removing intermediate container ID`; 23 on ` ---> Removed intermediate container ID`.
REMOVED = re.compile(QUOTE + r"(?:---> )?Remov(?:ing|ed) intermediate container ([0-9a-f]{12})\s*$")
LAYER = re.compile(QUOTE + r"---> ([0-9a-f]{12})\s*$")
BUILT = re.compile(QUOTE + r"Successfully built ([0-9a-f]{12,64})\s*$")
FAILED = re.compile(QUOTE + r"The command '(.*)' returned a non-zero code: \d+")
COPY_FAILED = re.compile(QUOTE + r"(?:COPY|ADD) failed: ")
STAGE = re.compile(r"FROM\s.*\sAS\s+(\S+)\s*$", re.IGNORECASE)
SHAPES = (CONTEXT, STEP, CACHED, RUNNING, REMOVED, LAYER, BUILT, FAILED, COPY_FAILED)


@dataclass(slots=True)
class _Container:
    """The container of a RUN whose output is being printed, and the layer line that may have ended it."""

    id: str
    layer: str | None = None


def removed_container(line: str) -> str:
    """The ID of the container that the line says is removed, or an empty string."""
    found = REMOVED.match(line)
    return found[1] if found else ""


class Classic:
    """One build of the classic builder."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._news: list[Step] = []
        self._context: int | None = None
        self._image: str | None = None
        self._fresh = False
        self._running: _Container | None = None
        self._containers: dict[str, int] = {}
        self.doubtful: set[str] = set()
        """Containers whose end was inferred: if one is removed later, all since then was its output."""

    @staticmethod
    def matches(line: str) -> bool:
        """Whether the line has one of the shapes that the classic builder prints."""
        return any(shape.match(line) for shape in SHAPES)

    @staticmethod
    def opens(line: str) -> bool:
        """Whether a build may begin with this line."""
        return bool(CONTEXT.match(line) or STEP.match(line))

    @property
    def in_container(self) -> bool:
        """Whether the next lines are what a container prints, as far as is known."""
        return self._running is not None

    def ends_container(self, line: str, *, infer: bool = True) -> bool:
        """Whether the builder printed this line and the container did not.

        It names the container's ID, or the failed instruction. With `--rm=false` neither comes: then, unless
        `infer` is false, the new layer followed by the next step or the end is taken for its end.
        """
        running = self._running
        if running is None:
            return True
        if removed := REMOVED.match(line):
            return removed[1] in self._containers
        if self.fails_with(line):
            return True
        layer, running.layer = running.layer, None
        if layer and infer and (built := BUILT.match(line)):
            return built[1] == layer and self._steps[-1].index == self._steps[-1].total
        if layer and infer and (step := STEP.match(line)):
            return (int(step[1]), int(step[2])) == (self._steps[-1].index + 1, self._steps[-1].total)
        running.layer = found[1] if (found := LAYER.match(line)) else None
        return False

    def fails_with(self, line: str) -> bool:
        """Whether the line says that the running container failed; it names the command.

        `RUN x` is run as `/bin/sh -c x`; `RUN ["x", "y"]` as `x y`, which is not compared.
        """
        failed = FAILED.match(line)
        if failed is None or self._running is None:
            return False
        _, _, words = self._steps[-1].instruction.partition(" ")
        return words.startswith("[") or failed[1].endswith(words.strip())

    def is_next_build(self, line: str) -> bool:
        """Whether this line belongs to another build: a context is sent, or the steps count from the start again."""
        if CONTEXT.match(line):
            return bool(self._steps)
        step = STEP.match(line)
        return bool(step and self._steps and int(step[1]) <= self._steps[-1].index)

    def read(self, line: str) -> None:
        """Take one line of this build."""
        fresh, self._fresh = self._fresh, False
        if context := CONTEXT.match(line):
            self._context = size_in_bytes(context[1]) or self._context
        elif step := STEP.match(line):
            self._leave_container()
            self._step(step)
        elif removed := REMOVED.match(line):
            self._rewind(removed[1])
        elif not self._steps:
            return
        elif running := RUNNING.match(line):
            self._running = _Container(running[1])
            self._containers[running[1]] = len(self._steps)
        elif CACHED.match(line):
            if fresh and self._may_hit():
                self._settle(Outcome.HIT)
        else:
            self._end_of_step(line)

    def _step(self, step: re.Match[str]) -> None:
        instruction = step[3].rstrip()
        index, stage = int(step[1]), self._steps[-1].stage if self._steps else None
        base = instruction.split(maxsplit=1)[:1] == ["FROM"]
        if base:
            named = STAGE.match(instruction)
            stage = named[1] if named else None
        outcome = Outcome.BASE if base else Outcome.UNKNOWN
        self._steps.append(Step(stage, index, int(step[2]), instruction, outcome))
        if base:
            self._news.append(self._steps[-1])
        self._fresh = True

    def _may_hit(self) -> bool:
        """Whether the step may come from the cache: after its first miss a stage is not looked up any more."""
        for step in reversed(self._steps):
            if step.outcome is Outcome.BASE:
                break
            if step.outcome in (Outcome.RAN, Outcome.ERROR):
                return False
        return self._steps[-1].outcome is Outcome.UNKNOWN

    def _leave_container(self) -> None:
        if self._running is not None:
            self.doubtful.add(self._running.id)
            self._running = None
            self._settle(Outcome.RAN)

    def _rewind(self, container: str) -> None:
        """The container is gone only now: what looked like later steps was its output."""
        if container in self._containers:
            del self._steps[self._containers[container] :]
            self._steps[-1] = replace(self._steps[-1], outcome=Outcome.UNKNOWN)
            self._image = None
            self.doubtful.discard(container)
            running, self._running = self._running, None
            if running and running.layer and running.id == container:
                # Before 17.06 the layer came first and the removal after it.
                self._settle(Outcome.RAN)

    def _end_of_step(self, line: str) -> None:
        if LAYER.match(line):
            if self._steps[-1].outcome is Outcome.UNKNOWN:
                self._settle(Outcome.RAN)
        elif built := BUILT.match(line):
            self._leave_container()
            self._image = built[1]
        elif FAILED.match(line) or COPY_FAILED.match(line):
            self._running = None
            self._settle(Outcome.ERROR)

    def _settle(self, outcome: Outcome) -> None:
        if self._steps[-1].outcome is not Outcome.BASE:
            self._steps[-1] = replace(self._steps[-1], outcome=outcome)
            self._news.append(self._steps[-1])

    def other(self, line: str) -> None:
        """Take note of a line of no known shape; it means nothing here."""

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""
        news, self._news = self._news, []
        return news

    def build(self) -> Build:
        """The build as known now."""
        return Build("classic", tuple(self._steps), self._context, None, (), self._image)
