"""What one BuildKit build has printed so far, whatever the form.

BuildKit reports vertexes: steps, and internal work such as loading the context. The forms differ in what
identifies a vertex (a number, a name, a digest) and agree on the names, which `names` takes apart.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from lab.buildkit.progress.build import Build, CacheImport, Image, Step
from lab.buildkit.progress.doubt import Failure
from lab.buildkit.progress.extent import Numbering
from lab.buildkit.progress.names import CONTEXT, DEFINITION, IMPORT, LOAD, Name, belongs, parse
from lab.buildkit.progress.parts import is_remote
from lab.buildkit.progress.steps import steps_of
from lab.buildkit.progress.vertex import End, Vertex
from lab.model import Outcome

SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([kMGTP]?B)\b")
TRANSFER = re.compile(r"transferring (context|dockerfile):(.*)")
IMAGE = re.compile(r"(writing image|exporting manifest list|exporting manifest) (sha256:[0-9a-f]{64})\b")
# A layer on its way from a registry: `sha256:9addb4... 29B / 29B`, `extracting sha256:9addb4...`; screens cut digests.
# A digest alone is no such thing: Docker 20.10 prints that of each step below its name.
LAYER = re.compile(r"(?:extracting sha256:[0-9a-f]{8}|sha256:[0-9a-f]{8,64} +\d[\d.]*[kMGT]?B / )")
PULLING = re.compile(r"pulling sha256:[0-9a-f]{2}")
# What a builder does that keeps the layers of linked copies apart, when a step needs their files.
MERGING = re.compile(r"merging\b")
UNITS = {"B": 0, "kB": 3, "MB": 6, "GB": 9, "TB": 12, "PB": 15}
MOST_NAMES = 64
IMAGE_KINDS = ("writing image", "exporting manifest list", "exporting manifest")


def size_in_bytes(text: str) -> int | None:
    """The last size in `text`, in bytes as stated (`1.05kB` is 1050; Docker's units are decimal), or None."""
    found = SIZE.findall(text)
    if not found:
        return None
    number, unit = found[-1]
    return int(Decimal(number).scaleb(UNITS[unit]))


@dataclass(slots=True)
class Ledger:
    """All vertexes of one build, by whatever key the form gives them."""

    vertexes: dict[Hashable, Vertex] = field(default_factory=dict)
    interrupted: bool = False
    """Text of another kind, such as a shell prompt, came after the build's last line."""
    over: bool = False
    """The builder's last words, or a prompt that calls docker, came after the build's last line."""
    broken: bool = False
    """The builder's last words came after the build's last line: they report a failure."""
    ordered: bool = True
    """Whether ends come in the order of time: a terminal's screen does not show it."""
    key_failure: bool = False
    """The builder's last words say that it failed while it computed cache keys."""
    partial: bool = False
    """Whether all that is known is a screen that is not the last one of the build."""
    tail: Hashable = None
    """The vertex of the last row, if no other text came after it, so that the layers below it may be cut off."""
    finished: bool = False
    """Whether the last screen of the build is there as a whole."""
    numbered: bool = False
    """Whether the keys are the numbers of the vertexes, counted from 1."""
    _targets: set[str] = field(default_factory=set)
    _done: set[str] = field(default_factory=set)
    _exported: bool = False
    _steps: bool = False
    _clock: int = 0
    _adds: dict[str, Vertex] = field(default_factory=dict)
    _touched: list[Vertex] = field(default_factory=list)

    def meet(self, key: Hashable, full: str, *, started: bool = True) -> Vertex:
        """The vertex called `key`, created on first sight; a rawjson client names vertexes before they start."""
        self.interrupted = self.over = self.broken = False
        vertex = self.vertexes.get(key)
        if vertex is None:
            name = parse(full)
            vertex = self.vertexes[key] = Vertex(name)
            self._note(name)
            if is_remote(name.text):
                self._adds.setdefault(full, vertex)
        elif vertex.names[-1].full != full and len(vertex.names) < MOST_NAMES:
            name = parse(full)
            if name.same_work(vertex.name) and all(name.full != known.full for known in vertex.names):
                self._share(vertex, name)
        if started and vertex.order is None:
            self._clock += 1
            vertex.order = self._clock
            self._steps = self._steps or vertex.name.is_step
            if vertex.name.text.startswith("exporting "):
                self._exported = True
                self._done.update(name.target for name in vertex.names if name.target)
        self._touched.append(vertex)
        return vertex

    def _share(self, vertex: Vertex, name: Name) -> None:
        """Note that another target has the vertex too; a lone word before both steps is then their target."""
        if name.target == vertex.name.target and name.place and vertex.name.place:
            self._targets.update((name.place, vertex.name.place))
        vertex.names.append(name)
        self._note(name)

    def _note(self, name: Name) -> None:
        if name.target:
            self._targets.add(name.target)

    def settle(self, key: Hashable, outcome: Outcome, seconds: float | None = None, error: str = "") -> None:
        """Take `outcome` as the state of the vertex, in place of what was known; ignored if it was never met.

        An outcome UNKNOWN with an `error` is a vertex that was canceled.
        """
        vertex = self.vertexes.get(key)
        if vertex is not None:
            self._clock += 1
            vertex.settle(End(outcome, seconds, self._clock, error), ordered=self.ordered)
            self._touched.append(vertex)

    def output(self, key: Hashable) -> None:
        """Note that the program of a step printed something."""
        if vertex := self.vertexes.get(key):
            vertex.printed = True

    def status(self, key: Hashable, text: str, sent: int | None = None) -> None:
        """Note a sub-status: bytes sent so far (`sent`, or read from `text`), a layer fetched, an image."""
        vertex = self.vertexes.get(key)
        if vertex is None:
            return
        if transfer := TRANSFER.match(text):
            now = size_in_bytes(transfer[2]) if sent is None else sent
            vertex.sent = vertex.sent if now is None else now
        elif LAYER.match(text):
            vertex.pulled = True
            # A merge unpacks layers of what it stands on, but it downloads none.
            vertex.fetched = vertex.fetched or not vertex.name.is_link or text.startswith("sha256:")
            vertex.merged = vertex.merged or not vertex.fetched
        elif PULLING.match(text):
            vertex.pulled = True
        elif MERGING.match(text) and vertex.name.is_link:
            vertex.merged = True
        elif image := IMAGE.match(text):
            # The manifests of several platforms come first, the list of them last.
            vertex.images.setdefault(image[1], image[2])

    def restarts(self, key: Hashable, full: str) -> bool:
        """Whether this vertex, met before, can only be the beginning of another build.

        A header is printed again when the printer returns to its vertex, and once for each target that shares it,
        so a known name alone proves nothing; nor does a line of another program between two headers.
        """
        known = self.vertexes.get(key)
        if known is None or not LOAD.match(full) or known.end.outcome is Outcome.UNKNOWN:
            return False
        again = any(name.full == full for name in known.names)
        return self.over or (self.advanced() if again else self._exported)

    def advanced(self) -> bool:
        """Whether the build is past its beginning: a step was met, it exports, or it is over."""
        return self.over or self._steps or self._exported

    def ended(self) -> bool:
        """Whether the build's last words, or a prompt, came after all its steps had ended: what follows is another."""
        running = (v for v in self.vertexes.values() if v.name.is_step and v.order is not None and not v.settled)
        return self.over and self.advanced() and next(running, None) is None

    def is_of(self, key: Hashable, target: str) -> bool:
        """Whether the vertex belongs to the target."""
        return belongs(self.vertexes[key].name, self._targets).target == target

    def exporting(self, key: Hashable) -> bool:
        """Whether the target of this vertex is being exported, so that none of its steps runs any more."""
        target = belongs(self.vertexes[key].name, self._targets).target
        return target is not None and target in self._done

    def drop_renamed(self, gone: set[Hashable]) -> None:
        """Forget those of the vertexes `gone` whose work another vertex has under another target's name."""
        left = [vertex.name for key, vertex in self.vertexes.items() if key not in gone and vertex.name.target]
        for key in gone:
            name = self.vertexes[key].name
            same = (name.place, name.index, name.total, name.text)
            if name.is_step and name.target and any((o.place, o.index, o.total, o.text) == same for o in left):
                del self.vertexes[key]

    def news(self) -> list[Step]:
        """The steps whose outcome became known, or another one, since the last call.

        The first vertex of an ADD of a URL is left out: it is the download, or the log shows but one of them.
        """
        steps = []
        for vertex in self._touched:
            if self._adds.get(vertex.name.full) is vertex:
                continue
            step = vertex.as_step(belongs(vertex.name, self._targets))
            if step and step.outcome not in (Outcome.UNKNOWN, vertex.announced):
                vertex.announced = step.outcome
                steps.append(step)
        self._touched.clear()
        return steps

    def build(self) -> Build:
        """The build as known now: stages in order of first sight, steps of a stage by index."""
        met = sorted(self.vertexes.values(), key=first_sight)
        numbering = Numbering(met, self._targets)
        cut = {vertex for vertex in met if not any(self._shows_end(name, numbering) for name in vertex.names)}
        ended = [target for target in (None, *self._targets) if self._is_over(target)]
        absent = numbering.absent(ended, self._has_gaps)
        # A screen that lacks steps is cut, although its head says that it is the last one.
        partial = self.partial or (bool(absent) and not self.ordered and not self.finished)
        tail = self.vertexes.get(self.tail)
        failure = Failure(keys=self.key_failure, ordered=self.ordered, partial=partial, tail=tail, cut=cut)
        images = tuple(_images(met))
        steps = tuple(steps_of(met, self._targets, failure))
        return Build(
            "buildkit",
            steps,
            _sent(met, CONTEXT),
            _sent(met, DEFINITION),
            tuple(_imports(met)),
            images[0].digest if images else None,
            images,
            absent=() if failure.met else absent,
        )

    def _shows_end(self, name: Name, numbering: Numbering) -> bool:
        """Whether the log shows the end of the build of a vertex, or that only its export is left."""
        target = belongs(name, self._targets).target
        return self._is_over(target) or numbering.ended(target)

    def _is_over(self, target: str | None) -> bool:
        exported = target in self._done if target else self._exported
        return exported or self.finished or (self.over and not self.broken)

    @property
    def _has_gaps(self) -> bool | None:
        """Whether numbers are missing of which each vertex has one, None if the keys are no numbers."""
        numbers = [key for key in self.vertexes if isinstance(key, int) and key > 0]
        return max(numbers, default=0) > len(numbers) if self.numbered else None


def first_sight(vertex: Vertex) -> tuple[bool, int]:
    """What sorts vertexes by when they were met; those that never began come last."""
    return (vertex.order is None, vertex.order or 0)


def _sent(vertexes: Iterable[Vertex], what: str) -> int | None:
    # An external frontend (`# syntax=`) may load the Dockerfile a second time; the first is the real transfer.
    return next((v.sent for v in vertexes if what in v.name.full and v.sent is not None), None)


def _images(vertexes: Iterable[Vertex]) -> Iterable[Image]:
    for vertex in vertexes:
        for kind in IMAGE_KINDS:
            if kind in vertex.images:
                yield Image(vertex.images[kind], vertex.name.target)
                break


def _imports(vertexes: Iterable[Vertex]) -> Iterable[CacheImport]:
    ends = {Outcome.RAN: True, Outcome.HIT: True, Outcome.ERROR: False}
    for vertex in vertexes:
        for name in vertex.names:
            if found := IMPORT.match(name.full):
                ok, error = ends.get(vertex.end.outcome), vertex.end.error or None
                yield CacheImport(found["ref"], ok, found["target"], error)
