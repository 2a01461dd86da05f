"""The form of Buildah and Podman: `STEP 2/3: COPY src /src`, `--> Using cache ID`, `--> ID`.

Source: `buildah bud` and `podman build`; several stages have `[1/2] ` before a step. Releases before 1.22 print no
total. What a RUN prints is bare, so anything between its step and the next `-->` may be its output.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lab.buildkit.progress.build import Build, Image, Step
from lab.buildkit.progress.classic_lines import ORDER, QUOTE, WORDS, doubted
from lab.buildkit.progress.extent import absent_of
from lab.model import Outcome

STEP = re.compile(
    QUOTE + rf"(?:\[(\d{{1,4}}/\d{{1,4}})\] )?STEP (\d{{1,9}})(?:/(\d{{1,9}}))?: ((?:{WORDS}|COMMIT)\b.*)"
)
COMMIT = re.compile(QUOTE + r"(?:\[\d{1,4}/\d{1,4}\] )?COMMIT(?: |$)")
CACHED = re.compile(QUOTE + r"--> Using cache [0-9a-f]{11,64}\s*$")
LAYER = re.compile(QUOTE + r"--> ([0-9a-f]{11,64})\s*$")
FAILED = re.compile(QUOTE + r"Error: (?:error )?building at STEP ")
IMAGE = re.compile(r"[0-9a-f]{64}\s*$")
STAGE = re.compile(r"FROM\s.*\sAS\s+(\S+)\s*$", re.IGNORECASE)
SHAPES = (STEP, CACHED, LAYER, COMMIT, FAILED)
PARALLEL = "stages are built at the same time, so a line may belong to another stage's step; their outcomes are unknown"


class Buildah:
    """One build of Buildah or Podman."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._news: list[Step] = []
        self._name: str | None = None
        self._stage = 0
        self._committed = False
        self._parallel = False
        self._stray = False
        self._image: str | None = None

    @staticmethod
    def matches(text: str) -> bool:
        """Whether the line has one of the shapes that Buildah prints."""
        return any(shape.match(text) for shape in SHAPES)

    @staticmethod
    def opens(text: str) -> bool:
        """Whether a build may begin with this line."""
        return STEP.match(text) is not None

    @property
    def busy(self) -> bool:
        """Whether a RUN may be printing."""
        last = self._steps[-1] if self._steps else None
        return bool(last and not self._committed and last.instruction[:3].upper() == "RUN" and self._pending)

    @property
    def _pending(self) -> bool:
        if self._parallel or not self._steps or self._steps[-1].reason:
            return False
        return self._steps[-1].outcome is Outcome.UNKNOWN

    def is_next_build(self, text: str, raw: str) -> bool:
        """Whether this line belongs to another build: the steps of the first stage count from the start again."""
        step = STEP.match(text)
        if step is None or not self._steps:
            return False
        stage, index = _stage(step), int(step[2])
        if stage <= 1 and index == 1 and self._stage <= 1:
            return True
        return self._committed and self._image is not None and stage <= self._stage

    def read(self, text: str, raw: str) -> None:
        """Take one line of this build."""
        if step := STEP.match(text):
            if self._is_repeated(step):
                return
            self._finish()
            if not COMMIT.match(step[4]):
                self._doubt(_stage(step), int(step[2]) - 1, int(step[3] or 0))
                self._step(step)
            self._committed = COMMIT.match(step[4]) is not None
        elif COMMIT.match(text):
            self._finish()
            if self._steps:
                self._doubt(self._stage, self._steps[-1].total, self._steps[-1].total)
            self._committed = True
        elif CACHED.match(text):
            if self._pending:
                self._settle(Outcome.HIT)
            else:
                self._out_of_order()
        elif layer := LAYER.match(text):
            self._finish()
            self._image = layer[1] if self._committed else self._image
        elif FAILED.match(text) and self._pending:
            self._settle(Outcome.ERROR)

    def _step(self, found: re.Match[str]) -> None:
        stage, instruction = _stage(found), found[4].rstrip()
        self._parallel = self._parallel or stage < self._stage
        base = instruction.split(maxsplit=1)[0].upper() == "FROM"
        if base or stage != self._stage:
            named = STAGE.match(instruction)
            self._name = named[1] if named else found[1]
        self._stage = stage
        outcome = Outcome.BASE if base else Outcome.UNKNOWN
        self._steps.append(Step(self._name, int(found[2]), int(found[3] or 0), instruction, outcome))
        if base:
            self._news.append(self._steps[-1])

    def _is_repeated(self, found: re.Match[str]) -> bool:
        """Whether it is the line of the last step again, as a log has it that was sent twice."""
        last = self._steps[-1] if self._steps else None
        same = last is not None and (last.index, last.instruction) == (int(found[2]), found[4].rstrip())
        return same and _stage(found) == self._stage

    def _doubt(self, stage: int, before: int, total: int) -> None:
        """A gap after the last step may hold the step that its lines are of; a hit stands beside its step."""
        if self._steps and stage == self._stage:
            self._steps[-1] = doubted(self._steps[-1], before, total)

    def _out_of_order(self) -> None:
        """The line that a step was cached does not stand behind its step, which may be the last or the next one."""
        self._stray = True
        if self._steps and self._steps[-1].outcome is Outcome.RAN:
            self._steps[-1] = replace(self._steps[-1], outcome=Outcome.UNKNOWN, reason=ORDER)

    def _finish(self) -> None:
        """The step before is over; had it been found in the cache, its line would have come before."""
        if self._pending:
            self._settle(Outcome.UNKNOWN if self._stray else Outcome.RAN)
            if self._stray:
                self._steps[-1] = replace(self._steps[-1], reason=ORDER)
            self._stray = False

    def _settle(self, outcome: Outcome) -> None:
        self._steps[-1] = replace(self._steps[-1], outcome=outcome)
        self._news.append(self._steps[-1])

    @property
    def idle(self) -> bool:
        """Always: text that means nothing changes nothing here."""
        return True

    def other(self, line: str) -> None:
        """Take note of a line of no known shape: after the commit comes the image's whole ID."""
        if self._committed and IMAGE.match(line):
            self._image = line.strip()

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""
        news, self._news = self._news, []
        return news

    def build(self) -> Build:
        """The build as known now."""
        steps = tuple(_doubted(step) if self._parallel else step for step in self._steps)
        images = () if self._image is None else (Image(self._image),)
        warnings = (PARALLEL,) if self._parallel else ()
        stages: dict[str | None, list[Step]] = {}
        for step in steps:
            # Without a total, the steps of all stages are counted together.
            stages.setdefault(step.stage if step.total else None, []).append(step)
        absent = tuple(step for stage in stages.values() for step in absent_of(stage))
        return Build("buildah", steps, None, None, (), self._image, images, warnings, absent=absent)


def _stage(step: re.Match[str]) -> int:
    return int(step[1].partition("/")[0]) if step[1] else 1


def _doubted(step: Step) -> Step:
    if step.outcome is Outcome.BASE:
        return step
    return replace(step, outcome=Outcome.UNKNOWN, reason=PARALLEL)
