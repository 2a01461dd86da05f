"""kaniko's log: `INFO[0001] Using caching version of cmd: RUN apk add git`, `INFO[0006] RUN npm ci`.

Source: the executor of GoogleContainerTools/kaniko. It looks commands up before it runs them, stage by stage, and
does not look up COPY unless told to (`--cache-copy-layers`), nor anything after the first miss.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lab.buildkit.progress.build import Build, Image, Step
from lab.buildkit.progress.classic_lines import WORDS
from lab.model import Outcome

LEVEL = r"[ \t>]*(?:(?:TRAC|DEBU|INFO|WARN|ERRO|FATA)\w*[ \t]?\[[^\]\n]{1,40}\] ?)"
TEXTS = (
    r"Resolved base name |Retrieving image manifest |Built cross stage deps|Executing \d+ build triggers|"
    r"Building stage '|Using caching version of cmd: |No cached layer found for cmd |Unpacking rootfs as cmd |"
    r"Checking for cached layer "
)
LINE = re.compile(LEVEL + r"(.*)", re.DOTALL)
OPENING = re.compile(rf"(?:{LEVEL})?(?:{TEXTS})")
STAGE = re.compile(r"Building stage '(.*)' \[idx: '(\d{1,9})'")
HIT = re.compile(r"Using caching version of cmd: (.*)", re.DOTALL)
MISS = re.compile(r"No cached layer found for cmd (.*)", re.DOTALL)
COMMAND = re.compile(rf"({WORDS} .*)", re.DOTALL)
# What follows a command: it was run, it came from the cache, or only that it is over.
DONE = re.compile(
    r"(?P<ran>Taking snapshot of|No files (?:were )?changed|Pushing layer )|(?P<hit>Found cached layer)|"
    r"Skipping|Pushed |Saving file "
)
CACHEABLE = re.compile(r"(?:RUN|COPY)\b", re.IGNORECASE)  # kaniko keeps no layer of other commands
FAILED = re.compile(r"[ \t]*error building image: ")
PUSHED = re.compile(r"Pushed .*@(sha256:[0-9a-f]{64})")


class Kaniko:
    """One build of kaniko."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._news: list[Step] = []
        self._looked_up: dict[str, Outcome] = {}
        self._fresh = self._lost = False
        self._stage: str | None = None
        self._stages = 0
        self._image: str | None = None

    @staticmethod
    def matches(text: str) -> bool:
        """Whether the line has a level and a time before it, as kaniko prints them."""
        return LINE.match(text) is not None or FAILED.match(text) is not None

    @staticmethod
    def opens(text: str) -> bool:
        """Whether a build may begin with this line."""
        return OPENING.match(text) is not None

    @property
    def busy(self) -> bool:
        """Never: kaniko's own lines are known by their level."""
        return False

    def is_next_build(self, text: str, raw: str) -> bool:
        """Whether this line belongs to another build: its first stage begins again."""
        found = LINE.match(text)
        stage = STAGE.match(found[1]) if found else None
        return bool(stage and int(stage[2]) == 0 and self._stages)

    def read(self, text: str, raw: str) -> None:
        """Take one line of this build."""
        found = LINE.match(text)
        said = found[1].rstrip() if found else text
        fresh, self._fresh = self._fresh, False
        if stage := STAGE.match(said):
            self._begin(stage)
        elif hit := HIT.match(said):
            self._looked_up[hit[1]] = Outcome.HIT
        elif miss := MISS.match(said):
            self._looked_up[miss[1]] = Outcome.RAN
        elif command := COMMAND.match(said):
            self._end()
            self._add(command[1], Outcome.UNKNOWN)
            self._fresh = True
        elif done := DONE.match(said):
            # A cached layer is told right behind its command; elsewhere it may be of one that the log has lost.
            self._lost = self._pending and bool(done["hit"]) and not (fresh or self._is_looked_up)
            self._end(Outcome.RAN if done["ran"] else Outcome.HIT if done["hit"] else None)
            if pushed := PUSHED.match(said):
                self._image = pushed[1]
        elif FAILED.match(text) and self._pending:
            self._settle(Outcome.ERROR)

    @property
    def _pending(self) -> bool:
        return bool(self._steps) and self._steps[-1].outcome is Outcome.UNKNOWN and not self._lost

    @property
    def _is_looked_up(self) -> bool:
        return self._steps[-1].instruction in self._looked_up

    def _begin(self, stage: re.Match[str]) -> None:
        self._end()
        self._stages += 1
        self._stage = None if int(stage[2]) == 0 else f"stage {stage[2]}"
        self._looked_up = {}
        self._add(f"FROM {stage[1]}", Outcome.BASE)
        self._news.append(self._steps[-1])

    def _add(self, instruction: str, outcome: Outcome) -> None:
        self._lost = False
        mine = sum(1 for step in self._steps if step.stage == self._stage)
        first = 1 if self._stages else 2  # where the beginning is missing, the FROM is too
        self._steps.append(Step(self._stage, mine + first, 0, instruction, outcome))

    def _end(self, proof: Outcome | None = None) -> None:
        """The command before is over: its lookup says what it did, else what was printed after it.

        Without both it was run, unless the lookup may be in a part that the log does not have.
        """
        if self._pending:
            proof = None if proof is Outcome.HIT and not CACHEABLE.match(self._steps[-1].instruction) else proof
            rest = Outcome.RAN if self._stages else Outcome.UNKNOWN
            self._settle(self._looked_up.get(self._steps[-1].instruction) or proof or rest)

    def _settle(self, outcome: Outcome) -> None:
        self._steps[-1] = replace(self._steps[-1], outcome=outcome)
        self._news.append(self._steps[-1])

    @property
    def idle(self) -> bool:
        """Whether text that means nothing changes nothing: not right behind a command."""
        return not self._fresh

    def other(self, line: str) -> None:
        """Take note of a line of no known shape: what follows does not stand right behind a command."""
        self._fresh = self._fresh and not line.strip()

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""
        news, self._news = self._news, []
        return news

    def build(self) -> Build:
        """The build as known now; a command that was looked up and not reached is in it."""
        steps = list(self._steps)
        reached = {step.instruction for step in steps if step.stage == self._stage}
        last = steps[-1].index if steps and steps[-1].stage == self._stage else 0
        waiting = [text for text in self._looked_up if text not in reached]
        for index, text in enumerate(waiting, last + 1):
            outcome = Outcome.HIT if self._looked_up[text] is Outcome.HIT else Outcome.UNKNOWN
            steps.append(Step(self._stage, index, 0, text, outcome))
        images = () if self._image is None else (Image(self._image),)
        return Build("kaniko", tuple(steps), None, None, (), self._image, images)
