"""The classic builder's form: `Step 2/4 : RUN echo foo`, ` ---> Using cache`, ` ---> Running in ID`.

Source: `docker build` before 23.0 unless DOCKER_BUILDKIT=1, later with DOCKER_BUILDKIT=0 or without buildx. What a
RUN prints is bare, so anything between `Running in ID` and the removal of that container may be its output.
The triggers of a base image (ONBUILD) run inside the FROM step; they are no steps of the Dockerfile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lab.buildkit.progress import classic_lines as lines
from lab.buildkit.progress.build import Build, Image, Step
from lab.buildkit.progress.extent import absent_of
from lab.buildkit.progress.ledger import size_in_bytes
from lab.buildkit.progress.ledger_form import PROMPT
from lab.model import Outcome

TANGLED = (
    "several builds are printed at the same time, and nothing before their lines tells them apart; the outcome of "
    "every step is unknown"
)
NO_END = "the log does not show how the step ended"


@dataclass(slots=True)
class _Container:
    """The container of a RUN whose output is being printed, and the layer line that may have ended it."""

    id: str
    layer: str | None = None


class Classic:
    """One build of the classic builder, or several that are printed at once."""

    matches = staticmethod(lines.matches)

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._news: list[Step] = []
        self._context: int | None = None
        self._image: str | None = None
        self._fresh = False
        self._stray = self._bare = False
        self._arrows = False
        self._triggers = False
        self._over = False
        self._foreign = False
        self._tangled = False
        self._running: _Container | None = None
        self._containers: dict[str, int] = {}
        self.doubtful: set[str] = set()
        """Containers whose end was inferred: if one is removed later, all since then was its output."""

    @staticmethod
    def opens(text: str) -> bool:
        """Whether a build may begin with this line."""
        return bool(lines.CONTEXT.match(text) or lines.STEP.match(text))

    @property
    def busy(self) -> bool:
        """Whether the next lines are what a container prints, as far as is known."""
        return self._running is not None

    @property
    def over(self) -> bool:
        """Whether the builder has printed its last words."""
        return self._over

    def says_nothing_new(self, line: str) -> bool:
        """Whether a line can only be what the running container prints."""
        return self._running is not None and self._running.layer is None and lines.HINT.match(line) is None

    def ends_container(self, line: str, *, infer: bool = True) -> bool:
        """Whether the builder printed this line and the container did not.

        It names the container's ID, or the failed instruction. With `--rm=false` neither comes: then, unless
        `infer` is false, the new layer followed by the next step or the end is taken for its end.
        """
        running = self._running
        if running is None:
            return True
        if not lines.HINT.match(line):
            running.layer = None
            return False
        if removed := lines.removed_container(line):
            return removed in self._containers
        if self.fails_with(line):
            return True
        layer, running.layer = running.layer, None
        last = self._steps[-1]
        if layer and infer and (built := lines.BUILT.match(line)):
            return built[1] == layer and (not last.total or last.index == last.total)
        if layer and infer and (step := lines.step_of(line)):
            return step[:2] == (last.index + 1, last.total)
        found = lines.LAYER.match(line)
        running.layer = found[2] if found and self._is_own(found[1]) else None
        return False

    def fails_with(self, line: str) -> bool:
        """Whether the line says that the running container failed; it names the command.

        `RUN x` is run as `/bin/sh -c x`; `RUN ["x", "y"]` as `x y`, which is not compared.
        """
        failed = lines.FAILED.match(line)
        if failed is None or self._running is None:
            return False
        _, _, words = self._steps[-1].instruction.partition(" ")
        return self._triggers or words.startswith("[") or failed[1].endswith(words.strip())

    def is_next_build(self, text: str, raw: str) -> bool:
        """Whether this line belongs to another build: a context is sent, or the steps count from the start again."""
        if self._tangled:
            return False
        if lines.CONTEXT.match(text):
            return bool(self._steps)
        step = lines.step_of(text)
        if step is None or not self._steps or self._is_trigger(step):
            return False
        return step[0] <= self._steps[-1].index or step[1] != self._steps[-1].total

    def expects(self, text: str) -> bool:
        """Whether this build is not over and the line is its next step."""
        step = lines.step_of(text)
        if step is None or not self._steps or self._over:
            return False
        return step[:2] == (self._steps[-1].index + 1, self._steps[-1].total)

    def is_tangled_by(self, text: str) -> bool:
        """Whether this line is a later step of another build, though this one is not over: both print at once."""
        step = lines.step_of(text)
        alone = self._over or self._foreign
        return step is not None and step[0] > 1 and not alone and self.is_next_build(text, text)

    def tangle(self, others: list[Classic]) -> None:
        """Take the lines from now on, and those of `others`, as printed by several builds at once."""
        steps = [step for other in others for step in other._steps] + self._steps
        self._tangled = True
        self._running = None
        self._steps = [lines.tangled(step) for step in steps]
        self._news.clear()

    def read(self, text: str, raw: str) -> None:
        """Take one line of this build."""
        fresh, self._fresh = self._fresh, False
        self._foreign = False
        if context := lines.CONTEXT.match(text):
            self._context = size_in_bytes(context[1] or "") or self._context
        elif step := lines.step_of(text):
            if not self._is_trigger(step):
                self._leave_container()
                self._doubt(step[0] - 1, step[1])
                self._step(*step)
        elif not self._steps or self._tangled:
            return
        elif removed := lines.removed_container(text):
            self._rewind(removed)
        elif running := lines.RUNNING.match(text):
            if self._is_own(running[1]) and self._may_run():
                self._running = _Container(running[2])
                self._containers[running[2]] = len(self._steps)
        elif cached := lines.CACHED.match(text):
            if self._is_own(cached[1]):
                self._cached(fresh)
        elif lines.TRIGGERS.match(text):
            self._triggers = self._steps[-1].outcome is Outcome.BASE
        else:
            self._end_of_step(text)

    def _cached(self, fresh: bool) -> None:
        """The line says that a step was cached; anywhere but behind its step it shows that lines are not in order."""
        if fresh and self._may_hit():
            self._settle(Outcome.HIT)
        elif len(self._steps) not in self._containers.values():
            self._stray = True
            if self._steps[-1].outcome is Outcome.RAN:
                self._steps[-1] = replace(self._steps[-1], outcome=Outcome.UNKNOWN, reason=lines.ORDER)

    def _is_own(self, arrow: str | None) -> bool:
        """Whether a line is the builder's: one without an arrow is not, once the builder has printed arrows."""
        self._arrows = self._arrows or bool(arrow)
        return bool(arrow) or not self._arrows

    def _is_trigger(self, step: tuple[int, int, str]) -> bool:
        """Whether a step is a trigger of the base image: `Step 1/1 : RUN x` within `Step 1/3 : FROM base`."""
        if not self._triggers or step[2].split(maxsplit=1)[:1] == ["FROM"]:
            return False
        return step[:2] != (self._steps[-1].index + 1, self._steps[-1].total)

    def _step(self, index: int, total: int, instruction: str) -> None:
        stage = self._steps[-1].stage if self._steps else None
        base = instruction.split(maxsplit=1)[0].upper() == "FROM" if instruction else False
        if base:
            named = lines.STAGE.match(instruction)
            stage = named[1] if named else None
        step = Step(stage, index, total, instruction, Outcome.BASE if base else Outcome.UNKNOWN, reason=NO_END)
        step = replace(step, reason=None) if base else step
        self._steps.append(lines.tangled(step) if self._tangled else step)
        self._triggers = self._over = self._bare = False
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

    def _may_run(self) -> bool:
        """Whether the step may have a container: one that has ended has none more, so a part of the log is missing."""
        return self._steps[-1].outcome in (Outcome.UNKNOWN, Outcome.BASE)

    def _doubt(self, before: int, total: int) -> None:
        """A gap after the last step may hold the step that its lines are of; a hit stands beside its step."""
        if self._steps:
            self._steps[-1] = lines.doubted(self._steps[-1], before, total)

    def _leave_container(self) -> None:
        if self._running is not None:
            self.doubtful.add(self._running.id)
            self._running = None
            self._settle(Outcome.RAN)

    def _rewind(self, container: str) -> None:
        """The container is gone only now: what looked like later steps was its output."""
        if self._bare and container not in self._containers:
            self._settle(Outcome.RAN)  # Docker 1.13 to 17.05 make the container of a WORKDIR without a word
        elif container in self._containers:
            del self._steps[self._containers[container] :]
            if self._steps[-1].outcome is not Outcome.BASE:
                self._steps[-1] = replace(self._steps[-1], outcome=Outcome.UNKNOWN, reason=NO_END)
            self._image = None
            self._over = self._stray = False
            self.doubtful.discard(container)
            running, self._running = self._running, None
            if running and running.layer and running.id == container:
                # Before 17.06 the layer came first and the removal after it.
                self._settle(Outcome.RAN)

    def _end_of_step(self, text: str) -> None:
        if layer := lines.LAYER.match(text):
            # Only COPY and ADD make a layer without a container; behind others the line that tells how is lost.
            copies = lines.COPIES.match(self._steps[-1].instruction)
            ran = copies or len(self._steps) in self._containers.values() or not self._may_hit()
            if self._is_own(layer[1]) and self._steps[-1].outcome is Outcome.UNKNOWN:
                self._bare = not ran
                if ran and not self._stray:
                    self._settle(Outcome.RAN)
                self._stray = self._stray and not ran
        elif built := lines.BUILT.match(text):
            self._leave_container()
            self._doubt(self._steps[-1].total, self._steps[-1].total)
            self._image = built[1]
            self._over = True
        elif lines.FAILED.match(text) or lines.COPY_FAILED.match(text):
            self._running = None
            if self._may_fail(text):
                self._settle(Outcome.ERROR)
            self._over = True

    def _may_fail(self, text: str) -> bool:
        """Whether a failure may be that of the last step; else the step that failed is missing in the log."""
        word = self._steps[-1].instruction.split(maxsplit=1)[:1]
        copies = bool(word) and word[0].upper() in ("COPY", "ADD")
        return self._may_run() and copies == (lines.COPY_FAILED.match(text) is not None)

    def _settle(self, outcome: Outcome) -> None:
        if self._steps[-1].outcome is not Outcome.BASE:
            self._steps[-1] = replace(self._steps[-1], outcome=outcome, reason=None)
            self._news.append(self._steps[-1])

    @property
    def idle(self) -> bool:
        """Whether more text that means nothing changes nothing."""
        return self._foreign and not self.busy

    def other(self, line: str) -> None:
        """Take note of a line of no known shape: a prompt ends the build, other text may stand between two of them."""
        self._foreign = self._foreign or not (line.isspace() or not line or lines.PULL.match(line))
        if "docker" in line and PROMPT.match(line):
            self._over = True

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""
        news, self._news = self._news, []
        return news

    def build(self) -> Build:
        """The build as known now."""
        if self._tangled:
            return Build("classic", tuple(self._steps), warnings=(TANGLED,))
        images = () if self._image is None else (Image(self._image),)
        steps = tuple(self._steps)
        return Build("classic", steps, self._context, None, (), self._image, images, absent=absent_of(steps))
