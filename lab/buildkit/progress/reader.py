"""Build output in, builds out: whatever the form and whatever stands before its lines."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from typing import Any

from lab.buildkit.progress import foreign, texts
from lab.buildkit.progress.asciicast import Asciicast
from lab.buildkit.progress.build import Build, StepSeen
from lab.buildkit.progress.clean import Cleaner, is_plain
from lab.buildkit.progress.durations import VertexTimes
from lab.buildkit.progress.lanes import Lane, Lanes, Shortcut
from lab.buildkit.progress.ledger_form import LedgerForm
from lab.buildkit.progress.lines import Lines
from lab.buildkit.progress.objects import indented
from lab.buildkit.progress.rawjson import is_status
from lab.buildkit.progress.runner import NAME as RUNNER
from lab.buildkit.progress.runner import Runner
from lab.buildkit.progress.stamps import ALONE
from lab.buildkit.progress.stream import News
from lab.buildkit.progress.terminal import without_escapes

LONGEST_TIME = 50
TIME_ALONE = re.compile(r"[\s\[(]*(?:\d|[A-Z][a-z]{2})")


class Reader:
    """Reads output piece by piece; pieces may end anywhere, even within a character.

    >>> reader = Reader()
    >>> reader.feed(b"Step 1/1 : FROM alp") + reader.feed(b"ine\\n")
    [StepSeen(build=0, step=Step(stage=None, index=1, total=1, instruction='FROM alpine', ...))]
    """

    def __init__(self) -> None:
        self._input = Lines()
        self._recording = Asciicast()
        self._runner = Runner()
        self._cleaner = Cleaner()
        self._texts = texts.Texts()
        self._lanes = Lanes()
        self._shortcut: Shortcut | None = None
        self._at = 0
        self.foreign: set[str] = set()
        """Builders whose output was met and is not read, by name."""

    def feed(self, data: bytes | str) -> list[StepSeen]:
        """Take more output and return the steps that have now got an outcome.

        Bytes are read as UTF-8, or UTF-16 where the first bytes show it, and never refused. A line counts once its
        end is there: see `flush`.
        """
        piece = data.encode("utf-8", "replace") if isinstance(data, str) else data
        return self._take(self._input.feed(piece))

    def flush(self) -> list[StepSeen]:
        """Take the input as ended: its last line counts even without an end."""
        seen = self._take(self._input.flush())
        for line in self._runner.flush():
            seen += self._line(line)
        for line in self._texts.flush():
            seen += self._clean_line(line)
        for lane in self._lanes.all:
            seen += self._seen(lane, lane.stream.flush())
        return seen

    @property
    def builds(self) -> list[Build]:
        """The builds read so far, in the order of the input; the last one may still change."""
        found = []
        for lane in self._lanes.confirmed():
            for form, (first, last) in zip(lane.stream.forms, lane.stream.spans, strict=True):
                build = form.build()
                warnings = tuple(f"lines {first} to {last}: {warning}" for warning in build.warnings)
                frame = lane.name or self._texts.name or (RUNNER if self._runner.seen else None)
                found.append(replace(build, warnings=warnings, frame=frame, lines=(first, last)))
        return sorted(found, key=lambda build: build.lines or (0, 0))

    @property
    def times(self) -> list[tuple[VertexTimes, ...]]:
        """The times of all vertexes of each of the builds; empty for a builder that prints no times."""
        found = []
        for lane in self._lanes.confirmed():
            for form, (first, last) in zip(lane.stream.forms, lane.stream.spans, strict=True):
                found.append((first, last, form.times() if isinstance(form, LedgerForm) else ()))
        return [times for _, _, times in sorted(found, key=lambda one: one[:2])]

    @property
    def refusal(self) -> tuple[str, str] | None:
        """If another builder's output was met: what it is, and what to do; else None."""
        if self._texts.trace:
            return "the Docker API's BuildKit trace", foreign.TRACE_HINT
        return (min(self.foreign), foreign.USE_DOCKER) if self.foreign else None

    @property
    def cut(self) -> int:
        """How many lines were cut because they are too long."""
        return self._input.cut

    def _take(self, lines: list[str]) -> list[StepSeen]:
        seen: list[StepSeen] = []
        before, rest = self._at, 0
        for place, line in enumerate(lines):
            if place < rest:
                continue
            if self._recording.looks and (event := self._recording.piece(line)) is not None:
                self._at = before + place + 1
                seen += self._wrapped(event)
                continue
            wraps = line.startswith("{")
            if not (wraps and self._texts.active) and (shortcut := self._shortcut) and shortcut(line):
                continue
            self._at = before + place + 1
            if wraps and self._whole and self._lanes.plain:
                if self._texts.active and "section_" not in line and is_plain(line) and (piece := texts.piece(line)):
                    seen += self._wrapped(piece)
                    continue
                values, rest = self._whole_objects(lines, place)
                if values:
                    self._at = before + rest
                    seen += self._objects(self._lanes.bare, values)
                    continue
            text = line.rstrip("\r")
            if self._runner.holds_text or not self._says_nothing(text, whole=self._whole):
                seen += self._input_line(text)
        self._at = before + len(lines)
        return seen

    @property
    def _whole(self) -> bool:
        """Whether no marks stand in lines that are taken off before they are read."""
        return not (self._runner.seen or self._cleaner.active)

    def _says_nothing(self, line: str, *, whole: bool) -> bool:
        """Whether the line changes nothing; false says nothing. `whole` is false if marks may stand in it."""
        if (shortcut := self._shortcut) and shortcut(line):
            return True
        self._shortcut = self._lanes.shortcut(line, whole=whole)
        return self._shortcut is not None

    def _whole_objects(self, lines: list[str], place: int) -> tuple[list[dict[str, Any]], int]:
        """The objects that a line consists of or begins, and the number of the first line after them.

        No objects if the line has to be looked at more closely.
        """
        line, stream = lines[place], self._lanes.bare.stream
        if line == "{" and stream.takes_objects and (found := indented(lines, place)):
            value, last = found
            return ([value], last + 1) if is_plain("".join(lines[place:last])) else ([], 0)
        if not (self._texts.active or stream.takes_objects) or "section_" in line or not is_plain(line):
            return [], 0
        may_wrap = line.startswith('{"') and (stream.between or self._texts.active)
        return (texts.objects(line), place + 1) if may_wrap else ([], 0)

    def _input_line(self, line: str) -> list[StepSeen]:
        self._shortcut = None
        if self._lanes.bare.stream.busy and not self._runner.seen:
            return self._line(line)  # a program may print what looks like a runner's line
        seen: list[StepSeen] = []
        for whole in self._runner.lines(line):
            # a shortcut for lines without the runner's text is none for the lines of the input
            if whole is line or self._lanes.shortcut(whole, whole=not self._cleaner.active) is None:
                seen += self._line(whole)
        return seen

    def _line(self, raw: str) -> list[StepSeen]:
        self._shortcut = None
        return self._clean_line(self._cleaner.line(without_escapes(raw)), raw)

    def _clean_line(self, text: str, raw: str | None = None) -> list[StepSeen]:
        """Find out which build a line belongs to, and give it to that one."""
        route = self._lanes.route(text)
        if route is None:
            return self._line(text) if self._cleaner.reveals(text) else self._foreign_line(text)
        if route.prefix and self._cleaner.learn(route.prefix):
            self._lanes.forget(route)
            return self._line(text if raw is None else raw)
        may_wrap = route.text.startswith(texts.STARTS) and (route.lane.stream.between or self._texts.active)
        if may_wrap and (values := texts.objects(route.text)):
            return self._objects(route.lane, values)
        whole = text if raw is None else raw
        return self._seen(route.lane, route.lane.stream.line(route.text, whole, self._at))

    def _objects(self, lane: Lane, values: list[dict[str, Any]]) -> list[StepSeen]:
        """Take JSON objects: BuildKit's own states, or wrapped text, of which each line is one of the input."""
        seen: list[StepSeen] = []
        for value in values:
            if is_status(value):
                self._shortcut = None
                seen += self._seen(lane, lane.stream.object(value, self._at))
            else:
                seen += self._wrapped(value)
        return seen

    def _wrapped(self, value: dict[str, Any]) -> list[StepSeen]:
        seen: list[StepSeen] = []
        for line in self._texts.take(value):
            if not self._says_nothing(line, whole=self._whole):
                seen += self._line(line)
        return seen

    def _foreign_line(self, text: str) -> list[StepSeen]:
        """A line of no build; the build that goes on without a prefix takes note of it."""
        if len(text) < LONGEST_TIME and TIME_ALONE.match(text) and ALONE.match(text):
            return []
        if name := foreign.name_of(text):
            self.foreign.add(name)
        bare = self._lanes.bare
        return self._seen(bare, bare.stream.line(text, text, self._at))

    def _seen(self, lane: Lane, news: News) -> list[StepSeen]:
        if not news or not lane.confirmed:
            return []
        return [StepSeen(self._number(lane, build), step) for build, step in news]

    def _number(self, lane: Lane, build: int) -> int:
        """The number of a lane's build among all builds of the input."""
        lanes = self._lanes.confirmed()
        if len(lanes) == 1:
            return build
        first = lane.stream.spans[build]
        return sum(bisect_left(other.stream.spans, first) for other in lanes)


def read_builds(data: bytes | str) -> list[Build]:
    """All builds in `data`, in order; empty if it holds none."""
    reader = Reader()
    reader.feed(data)
    reader.flush()
    return reader.builds
