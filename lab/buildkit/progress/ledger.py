"""What one BuildKit build has said so far, whatever the form it said it in.

BuildKit reports vertexes: steps, and internal work such as loading the context. The forms differ in what
identifies a vertex (a number, a name, a digest) and agree on the names; names are read here, once.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal

from lab.buildkit.progress.build import Build, CacheImport, Step
from lab.model import Outcome

# `[2/4] RUN x`, `[ 2/10] RUN x`, `[builder 2/4] RUN x`, `[linux/amd64->arm64 builder 2/4] RUN x`. RUN text may
# contain `[x] 1/2` itself, so the pattern is only ever matched at the start of a name.
STEP = re.compile(r"\[(?:([^\s\]]+(?: [^\s\]]+)*) )? *(\d{1,9})/(\d{1,9})\] (.*)")
VERTEX = re.compile(
    r"\[(?:[^\s\]]+ )*(?:internal|auth| *\d+/\d+)\] |importing cache manifest from |exporting (?:to |cache\b)"
)
# What a build begins with. Seen again after steps, it is the beginning of the next build.
LOAD = re.compile(
    r"\[(?:[^\s\]]+ )*internal\] "
    r"(?:load (?:build definition|\.dockerignore|git source|remote build context)|booting buildkit)"
)
IMPORT = "importing cache manifest from "
DEFINITION = "internal] load build definition"
CONTEXT = "internal] load build context"
SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([kMGTP]?B)\b")
TRANSFER = re.compile(r"transferring (context|dockerfile):(.*)")
IMAGE = re.compile(r"(writing image|exporting manifest list|exporting manifest) (sha256:[0-9a-f]{64})\b")
# A layer on its way from a registry: `sha256:9addb4... 29B / 29B`, `extracting sha256:9addb4...`; screens cut digests.
# A digest alone is no such thing: Docker 20.10 prints that of each step below its name.
LAYER = re.compile(r"(?:extracting sha256:[0-9a-f]{8}|sha256:[0-9a-f]{8,64} +\d[\d.]*[kMGT]?B / )")
UNITS = {"B": 0, "kB": 3, "MB": 6, "GB": 9, "TB": 12, "PB": 15}


def size_in_bytes(text: str) -> int | None:
    """The last size in `text`, in bytes as stated (`1.05kB` is 1050; Docker's units are decimal), or None."""
    found = SIZE.findall(text)
    if not found:
        return None
    number, unit = found[-1]
    return int(Decimal(number).scaleb(UNITS[unit]))


@dataclass(slots=True)
class Vertex:
    """One vertex's last known state; `outcome` RAN means it ended without an error, whatever it is.

    `fetched` is true if its layers came from a registry, `printed` if it has run a program that printed something.
    """

    name: str
    step: re.Match[str] | None
    order: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    seconds: float | None = None
    sent: int | None = None
    announced: Outcome = Outcome.UNKNOWN
    fetched: bool = False
    printed: bool = False

    @property
    def stage(self) -> str | None:
        """The stage's name as a Step has it; None also for a vertex that is no step."""
        return self.step[1] if self.step else None

    def as_step(self) -> Step | None:
        """The vertex as a step of the Dockerfile, or None if it is internal work."""
        if self.step is None:
            return None
        _, index, total, instruction = self.step.groups()
        # FROM's CACHED or DONE only says whether the base had to be fetched or unpacked.
        outcome = Outcome.BASE if instruction.split(maxsplit=1)[:1] == ["FROM"] else self._ended()
        if "FROM".startswith(instruction) and outcome is not Outcome.BASE:
            # A terminal cut the name, or the input ends here: `CACHED [1/4] F` is no hit.
            outcome = Outcome.UNKNOWN
        return Step(self.stage, int(index), int(total), instruction, outcome, self.seconds)

    def _ended(self) -> Outcome:
        """With the containerd image store a step is CACHED first, and DONE once its layers had to be fetched."""
        lazy = self.outcome is Outcome.RAN and self.fetched and not self.printed
        return Outcome.HIT if lazy else self.outcome


@dataclass(slots=True)
class Ledger:
    """All vertexes of one build, by whatever key the form gives them."""

    vertexes: dict[Hashable, Vertex] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    """Text of another kind, such as a shell prompt, came after the build's last line."""
    _started: int = 0
    _touched: list[Vertex] = field(default_factory=list)

    def meet(self, key: Hashable, name: str, *, started: bool = True) -> Vertex:
        """The vertex called `key`, created on first sight; a rawjson client names vertexes before they start."""
        self.interrupted = False
        vertex = self.vertexes.get(key)
        if vertex is None:
            vertex = self.vertexes[key] = Vertex(name, STEP.match(name))
        if started and vertex.order is None:
            self._started += 1
            vertex.order = self._started
        self._touched.append(vertex)
        return vertex

    def settle(self, key: Hashable, outcome: Outcome, seconds: float | None = None) -> None:
        """Take `outcome` as the state of the vertex, in place of what was known; ignored if it was never met."""
        vertex = self.vertexes.get(key)
        if vertex is not None:
            vertex.outcome = outcome
            vertex.seconds = seconds
            vertex.fetched = vertex.fetched and outcome is not Outcome.ERROR  # then it has to be run after all
            self._touched.append(vertex)

    def output(self, key: Hashable) -> None:
        """Note that the program of a step printed something."""
        if vertex := self.vertexes.get(key):
            vertex.printed = True

    def status(self, key: Hashable, text: str, sent: int | None = None) -> None:
        """Note what a sub-status tells: bytes sent so far (`sent`, or read from `text`), a layer fetched, an image."""
        vertex = self.vertexes.get(key)
        if vertex is None:
            return
        if transfer := TRANSFER.match(text):
            now = size_in_bytes(transfer[2]) if sent is None else sent
            vertex.sent = vertex.sent if now is None else now
        elif LAYER.match(text):
            vertex.fetched = True
        elif image := IMAGE.match(text):
            # The manifests of several platforms come first, the list of them last.
            self.images.setdefault(image[1], image[2])

    def restarts(self, key: Hashable, name: str) -> bool:
        """Whether this vertex, met before, can only be the beginning of another build.

        A header is printed again when the printer returns to its vertex, so a known name alone proves nothing.
        """
        if key not in self.vertexes or not LOAD.match(name):
            return False
        return self.vertexes[key].outcome is not Outcome.UNKNOWN and self.advanced()

    def advanced(self) -> bool:
        """Whether the build is past its beginning: a step was met, it exports, or other text followed it."""
        return self.interrupted or any(
            vertex.order is not None and (vertex.step or vertex.name.startswith("exporting "))
            for vertex in self.vertexes.values()
        )

    def news(self) -> list[Step]:
        """The steps whose outcome became known, or another one, since the last call."""
        steps = []
        for vertex in self._touched:
            step = vertex.as_step()
            if step and step.outcome not in (Outcome.UNKNOWN, vertex.announced):
                vertex.announced = step.outcome
                steps.append(step)
        self._touched.clear()
        return steps

    def build(self) -> Build:
        """The build as known now: stages in order of first sight, steps of a stage by index."""
        ranks: dict[str | None, int] = {}
        for vertex in sorted(self.vertexes.values(), key=_first_sight):
            if vertex.step:
                ranks.setdefault(vertex.stage, len(ranks))
        steps = [step for vertex in self.vertexes.values() if (step := vertex.as_step())]
        steps.sort(key=lambda step: (ranks[step.stage], step.index))
        return Build(
            "buildkit",
            tuple(steps),
            self._sent(CONTEXT),
            self._sent(DEFINITION),
            tuple(_imports(list(self.vertexes.values()))),
            self._image(),
        )

    def _sent(self, what: str) -> int | None:
        # An external frontend (`# syntax=`) may load the Dockerfile a second time; the first is the real transfer.
        sizes = [v.sent for v in self.vertexes.values() if what in v.name and v.sent is not None]
        return sizes[0] if sizes else None

    def _image(self) -> str | None:
        for kind in ("writing image", "exporting manifest list", "exporting manifest"):
            if kind in self.images:
                return self.images[kind]
        return None


class LedgerForm:
    """What the forms of BuildKit's output share: one build's ledger, and what it tells."""

    def __init__(self) -> None:
        self._ledger = Ledger()

    def other(self, line: str) -> None:
        """Take note of a line that is not of this form: a prompt, or the summary of errors that ends the build."""
        self._ledger.interrupted = self._ledger.interrupted or bool(line.strip())

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""
        return self._ledger.news()

    def build(self) -> Build:
        """The build as known now."""
        return self._ledger.build()


def _first_sight(vertex: Vertex) -> tuple[bool, int]:
    return (vertex.order is None, vertex.order or 0)


def _imports(vertexes: list[Vertex]) -> list[CacheImport]:
    ends = {Outcome.RAN: True, Outcome.HIT: True, Outcome.ERROR: False}
    return [
        CacheImport(vertex.name.removeprefix(IMPORT), ends.get(vertex.outcome))
        for vertex in vertexes
        if vertex.name.startswith(IMPORT)
    ]
