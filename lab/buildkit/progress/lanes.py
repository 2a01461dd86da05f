"""Several streams of lines in one output, told apart by what stands before their lines.

Lines without a prefix, and those whose prefix is only a time, make up one lane. Every other prefix is a lane of its
own, believed once two of its lines are lines of a build: prose may name a step too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.buildkit.progress import frame, stamps
from lab.buildkit.progress.forms import is_bare, opens
from lab.buildkit.progress.frame import LEVEL, Frame
from lab.buildkit.progress.frame_names import name_of
from lab.buildkit.progress.inert import SIGNIFICANT, is_inert, is_inert_after_build
from lab.buildkit.progress.plain import joined_end
from lab.buildkit.progress.stream import Stream
from lab.buildkit.progress.terminal import without_escapes

MOST_FRAMES = 16
MOST_LANES = 64
MOST_TRIED = 8
ENOUGH = 2
RULE = "------"
QUOTED = re.compile(r"\s*> \S.*:$")
MOST_QUOTED = 50
SENDING = "Sending build context to Docker daemon "
BEGINNING = re.compile(rf"[ \t]*(?:{SENDING} *\d|#(?:0 building|1 \[)|Step [01](?:/| :)|(?:\[1/\d+\] )?STEP 1\b)")
DIGITS = re.compile(r"[0-9]{1,18}")
HEXADECIMAL = re.compile(r"(?=.*[0-9])[0-9a-fA-F]{4,}$")
FIRST_OF_TIME = frozenset("0123456789[(JFMASONDTW ")
OUTPUT = r"[ \t>]*#(\d{1,9}) \d+\.\d+ "
BARE_OUTPUT = re.compile(OUTPUT)

Shortcut = Callable[[str], bool]


@dataclass(slots=True)
class Lane:
    """One stream, with the frame of its lines and the words in it that are its own."""

    frame: Frame | None = None
    key: tuple[str, ...] = ()
    stream: Stream = field(default_factory=Stream)
    sure: bool = False
    last: str = ""
    """The line before, without its frame."""
    seen: int = 0
    """How many lines had these very words before them: words that count lines come once."""
    output: re.Pattern[str] = BARE_OUTPUT
    """What a line of output of a program looks like in this lane."""

    def framed(self, new: Frame) -> Lane:
        """The lane with a frame; a chunk of lines may have it before the first one only."""
        self.frame = new
        self.output = re.compile(f"(?:{new.fast})?{OUTPUT}")
        return self

    def begins_again(self, text: str) -> bool:
        """Whether the first line of a build comes though this lane has begun one: numbers that count lines do not."""
        begun = self.stream.current is not None and BEGINNING.match(text) is not None
        twice = text == self.last or (text.startswith(SENDING) and self.last.startswith(SENDING))
        return begun and (self.seen > 1 or twice)

    def is_known_output(self, line: str) -> bool:
        """Whether the line is output of a program that is known to print, and no end of a step stands behind it."""
        found, logging = self.output.match(line), self.stream.logging
        known = found is not None and logging is not None and int(found[1]) in logging
        return known and joined_end(line) is None

    @property
    def confirmed(self) -> bool:
        """Whether the lane is believed."""
        return self.sure or self.stream.lines >= ENOUGH

    @property
    def name(self) -> str | None:
        """The name of the frame, if it is a known one."""
        return name_of(self.frame.sample) if self.frame else None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a line belongs, and its text without the frame; `prefix` is the frame if it is a new one."""

    lane: Lane
    text: str
    prefix: str = ""


class Lanes:
    """Finds the lane of each line."""

    def __init__(self) -> None:
        self.bare = Lane(sure=True)
        self.all: list[Lane] = [self.bare]
        self._frames: list[Frame] = []
        self._last = self.bare
        self._before = ""
        self._quoted = 0

    def confirmed(self) -> list[Lane]:
        """The lanes that are believed, each with its builds."""
        return [lane for lane in self.all if lane.confirmed]

    def shortcut(self, line: str, *, whole: bool = True) -> Shortcut | None:
        """Return a test that the line passes, if nearly all lines of a long log are like it and say nothing new.

        Nor does any other line that passes, until a line is read that does not. `whole` is false where a runner's own
        text may stand before the line.
        """
        last = self._last
        if last.stream.logging and last.output.match(line):
            return last.is_known_output if last.is_known_output(line) else None
        if last.stream.says_nothing_new(line):
            return last.stream.says_nothing_new
        if whole and not self._frames and last.stream.is_printed(line):
            return last.stream.is_printed
        for lane in self.all[:MOST_TRIED]:
            if lane is not last and lane.frame and lane.output.match(line):
                return self._is_any_output if lane.is_known_output(line) else None
        return self._inert(line) if whole else None

    def _is_any_output(self, line: str) -> bool:
        return self.shortcut(line, whole=False) is not None

    @property
    def plain(self) -> bool:
        """Whether lines stand without a prefix, as far as is known."""
        return not self._frames and self._last is self.bare

    def _inert(self, line: str) -> Shortcut | None:
        bare = self.bare.stream
        if not bare.idle or self._quoted or self._before == RULE:
            return None
        test = is_inert if bare.current is None and not self._frames else self._is_inert_here
        return test if test(line) else None

    def _is_inert_here(self, line: str) -> bool:
        """Whether the line is inert, and is none behind a known frame or a time."""
        text = without_escapes(line)
        if not is_inert_after_build(text) or any(known.pattern.match(text) for known in self._frames):
            return False
        time = stamps.LEADING.match(text) if text[:1] in FIRST_OF_TIME else None
        return time is None or SIGNIFICANT.match(text, time.end()) is None

    def route(self, text: str) -> Route | None:
        """The lane of a line, or None if it belongs to no build."""
        for known in self._frames:
            if (found := known.pattern.match(text)) and (route := self._framed(known, found, text)):
                return self._use(route)
        if self.bare.stream.busy:
            return self._use(Route(self.bare, text))
        if is_bare(text) or text.startswith(("{", "[{", "> {", "}")) or self.bare.stream.accepts(text):
            return self._use(Route(self._without_prefix(text), text))
        if self._is_quoted(text):
            return None
        new = frame.find(text) or self._timed_middle(text)
        return self._new(*new, text) if new and self._has_room() else None

    def _timed_middle(self, text: str) -> tuple[Frame, re.Match[str]] | None:
        """A frame that is only a time, found on a line in the middle of a build: its first line had none."""
        time = stamps.LEADING.match(text) if self.bare.stream.current and text[:1] in FIRST_OF_TIME else None
        if time is None or not self.bare.stream.accepts(text[time.end() :]):
            return None
        new = frame.learn(time[0], text)
        found = new.pattern.match(text)
        return (new, found) if found and found.end() == time.end() and not new.words else None

    def _is_quoted(self, text: str) -> bool:
        """Whether the line is of the summary of an error, which quotes the last lines of a program with their times."""
        bare = text.strip()
        if self._before == RULE and QUOTED.match(text):
            self._quoted = MOST_QUOTED
        elif self._quoted:
            self._quoted = 0 if bare == RULE else self._quoted - 1
        self._before = bare
        return self._quoted > 0

    def _has_room(self) -> bool:
        """Whether one more frame can be kept; one of which nothing came is given up for it."""
        if len(self._frames) < MOST_FRAMES:
            return True
        used = [lane.frame for lane in self.all if lane.confirmed]
        idle = next((known for known in self._frames if known not in used), None)
        if idle is None:
            return False
        self._frames.remove(idle)
        self.all = [lane for lane in self.all if lane.frame is not idle]
        return True

    def forget(self, route: Route) -> None:
        """Drop a frame again that turned out to be made of marks which are taken off every line."""
        if route.lane.frame in self._frames:
            self._frames.remove(route.lane.frame)
        if route.lane is not self.bare and not route.lane.stream.lines:
            self.all.remove(route.lane)
        if self.bare.frame is route.lane.frame:
            self.bare.frame, self.bare.output = None, BARE_OUTPUT
        self._last = self.bare

    def _use(self, route: Route) -> Route:
        self._last = route.lane
        route.lane.seen += 1
        route.lane.last = route.text
        return route

    def _without_prefix(self, text: str) -> Lane:
        """The lane of a line without prefix: of a chunk of lines the first alone may have one."""
        bare, last = self.bare.stream, self._last
        if last is not self.bare and not opens(text) and not bare.accepts(text) and last.stream.accepts(text):
            return last
        return self.bare

    def _framed(self, known: Frame, found: re.Match[str], text: str) -> Route | None:
        """Where a line behind a known frame belongs; None if its words are another program's."""
        rest = known.rest(text, found)
        key = known.key(found)
        mine = [lane for lane in self.all if lane.frame is known]
        if same := next((lane for lane in mine if lane.key == key), None):
            return Route(same, rest)
        if not key and known.timed:
            return Route(self.bare, rest)
        if not mine:
            return None
        near = min(mine, key=lambda lane: len(_differences(lane.key, key)))
        differ = _differences(near.key, key)
        pairs = [(near.key[at], key[at]) for at in differ]
        levels = all(_are_levels(*pair) for pair in pairs)
        follows = all(_are_levels(*pair) or _may_follow(*pair) for pair in pairs)
        counted = levels or (follows and not near.begins_again(rest))
        if counted and near.stream.accepts(rest):
            self._change(known, near, differ)
            return Route(near, rest)
        if opens(rest) and len(self.all) < MOST_LANES:
            lane = Lane(key=key, sure=known.timed).framed(known)
            self.all.append(lane)
            return Route(lane, rest)
        return None

    def _change(self, known: Frame, near: Lane, differ: list[int]) -> None:
        """Take the words at these places of the key as ones that change from line to line."""
        left = [at for at in range(known.words) if at not in known.changing]
        known.changing.update(left[at] for at in differ)
        for lane in self.all:
            if lane.frame is known:
                lane.key = tuple(word for at, word in enumerate(lane.key) if at not in differ)
                lane.seen = 0

    def _new(self, new: Frame, found: re.Match[str], text: str) -> Route:
        self._frames.append(new)
        self._frames.sort(key=lambda one: -one.words)
        rest, key = new.rest(text, found), new.key(found)
        if not key and new.timed:
            self.bare.framed(new)
            return self._use(Route(self.bare, rest, new.sample))
        lane = Lane(key=key, sure=new.timed).framed(new)
        self.all.append(lane)
        return self._use(Route(lane, rest, new.sample))


def _are_levels(before: str, now: str) -> bool:
    return LEVEL.match(before) is not None and LEVEL.match(now) is not None


def _may_follow(before: str, now: str) -> bool:
    """Whether a word may change so from one line to the next: numbers that count lines never go back.

    `L12` and `L13` may, `amd64` and `arm64` may not; what is made of hexadecimal digits may be an ID of the line.
    """
    if DIGITS.sub("", before) == DIGITS.sub("", now):
        return [int(part) for part in DIGITS.findall(before)] < [int(part) for part in DIGITS.findall(now)]
    return HEXADECIMAL.match(before) is not None and HEXADECIMAL.match(now) is not None


def _differences(one: tuple[str, ...], other: tuple[str, ...]) -> list[int]:
    return [at for at, (mine, yours) in enumerate(zip(one, other, strict=True)) if mine != yours]
