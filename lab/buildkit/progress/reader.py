"""Build output in, builds out: whatever the form, with any text before, between and after."""

from __future__ import annotations

import re
from typing import Any, Protocol

from lab.buildkit.progress.build import Build, Step, StepSeen
from lab.buildkit.progress.classic import Classic, removed_container
from lab.buildkit.progress.frame import Frame
from lab.buildkit.progress.objects import ObjectReader, starts_object
from lab.buildkit.progress.plain import Plain
from lab.buildkit.progress.rawjson import RawJson, is_status
from lab.buildkit.progress.terminal import Terminal, without_escapes
from lab.model import Outcome

# The forms that are made of lines; the classic builder's are the vaguest, so they come last.
LINE_FORMS: tuple[type[Plain | Terminal | Classic], ...] = (Plain, Terminal, Classic)
# What can follow the output of a container that was never removed: a prompt that calls docker, or a build.
AFTERWARDS = re.compile(
    r"[^\s].*[$#%>] .*\bdocker\b|[$#%>] .*\bdocker\b|Sending build context to Docker daemon\s|DEPRECATED: The legacy"
)


class Form(Protocol):
    """One build in one of the forms, as far as it was read."""

    def other(self, line: str) -> None:
        """Take note of a line that is not of this form."""

    def news(self) -> list[Step]:
        """Steps that got an outcome since the last call."""

    def build(self) -> Build:
        """The build as known now."""


class Reader:
    """Reads output piece by piece; pieces may end anywhere, even within a character.

    >>> reader = Reader()
    >>> reader.feed(b"Step 1/1 : FROM alp") + reader.feed(b"ine\\n")
    [StepSeen(build=0, step=Step(stage=None, index=1, total=1, instruction='FROM alpine', ...))]
    """

    def __init__(self) -> None:
        self._tail = bytearray()
        self._frame = Frame(_opens)
        self._done: list[Form] = []
        self._current: Form | None = None
        self._objects = ObjectReader()
        self._inner: Reader | None = None
        self._doubts: dict[str, int] = {}

    def feed(self, data: bytes | str) -> list[StepSeen]:
        """Take more output and tell which steps have now got an outcome.

        Bytes are read as UTF-8 and never refused. A line counts once its end is there: see `flush`.
        """
        piece = data.encode("utf-8", "replace") if isinstance(data, str) else data
        self._tail += piece
        if b"\n" not in piece:
            return []
        # Only a line feed ends a line: a RUN may print a bare carriage return, or one of Unicode's separators.
        *lines, rest = bytes(self._tail).split(b"\n")
        self._tail = bytearray(rest)
        return [seen for line in lines for seen in self._line(_text(line))]

    def flush(self) -> list[StepSeen]:
        """Take the input as ended: its last line counts even without an end."""
        seen = []
        if self._tail:
            line, self._tail = _text(bytes(self._tail)), bytearray()
            seen += self._line(line)
        for line in self._frame.flush():
            seen += self._whole_line(line)
        for line in self._objects.give_back():
            seen += self._plain_line(line)
        if self._inner is not None:
            seen += self._adopt(self._inner)
        return seen

    @property
    def builds(self) -> list[Build]:
        """The builds read so far, in the order of the input; the last one may still change."""
        forms = [*self._done, self._current] if self._current else self._done
        return [form.build() for form in forms]

    def _line(self, line: str) -> list[StepSeen]:
        container = isinstance(self._current, Classic) and self._current.in_container
        lines = self._frame.lines(line, search=not container)
        return [seen for whole in lines for seen in self._whole_line(whole)]

    def _whole_line(self, line: str) -> list[StepSeen]:
        if self._doubts and (container := removed_container(line)) in self._doubts:
            self._return_to(self._doubts[container])
        if isinstance(self._current, Classic) and self._current.in_container:
            return self._container_line(self._current, line)
        seen: list[StepSeen] = []
        if self._objects.pending and not self._objects.fits(line):
            for text in self._objects.give_back():
                seen += self._plain_line(text)
        if self._objects.pending or (starts_object(line) and self._objects.fits(line)):
            for value in self._objects.add(line) or ():
                seen += self._object(value)
            return seen
        return seen + self._plain_line(line)

    def _plain_line(self, line: str) -> list[StepSeen]:
        """Give a line to the current build, or to the new one that it opens."""
        for form in LINE_FORMS:
            if not form.matches(line):
                continue
            current = self._current
            if isinstance(current, form) and not current.is_next_build(line):
                current.read(line)
                return self._news()
            if form.opens(line):
                self._close()
                self._current = opened = form()
                opened.read(line)
                return self._news()
        if self._current is not None:
            self._current.other(line)
        return self._news()

    def _object(self, value: dict[str, Any]) -> list[StepSeen]:
        if not is_status(value):
            return []
        if not isinstance(self._current, RawJson) or self._current.is_next_build(value):
            self._close()
            self._current = RawJson()
        self._current.read(value)
        return self._news()

    def _container_line(self, build: Classic, line: str) -> list[StepSeen]:
        """Hold back what a container prints until it is gone.

        If it never goes, the builds that follow it in the input are real ones (the build was interrupted); else
        they were its output. A build that follows may be the same one tried again, so its lines look alike.
        """
        again = self._inner is not None and self._inner._fails_with(line)
        if not again and build.ends_container(line, infer=self._inner is None):
            self._inner = None
            build.read(line)
            return self._news()
        if self._inner is None and AFTERWARDS.match(without_escapes(line)):
            self._inner = Reader()
        if self._inner is not None:
            self._inner._line(line)
        return []

    def _fails_with(self, line: str) -> bool:
        if self._inner is not None and self._inner._fails_with(line):
            return True
        return isinstance(self._current, Classic) and self._current.fails_with(line)

    def _adopt(self, inner: Reader) -> list[StepSeen]:
        """Take the builds of another reader as those that follow the current one."""
        inner.flush()
        self._close()
        self._inner = None
        first = len(self._done)
        self._done += inner._done
        self._doubts |= {container: first + at for container, at in inner._doubts.items()}
        self._current = inner._current
        return [
            StepSeen(first + number, step)
            for number, build in enumerate(inner.builds)
            for step in build.steps
            if step.outcome is not Outcome.UNKNOWN
        ]

    def _close(self) -> None:
        if isinstance(self._current, Classic):
            self._doubts |= dict.fromkeys(self._current.doubtful, len(self._done))
        if self._current is not None:
            self._done.append(self._current)
            self._current = None

    def _return_to(self, at: int) -> None:
        """Take up the build number `at` again: what was read as later builds is the output of its container."""
        self._current = self._done[at]
        del self._done[at:]
        self._doubts = {container: number for container, number in self._doubts.items() if number < at}
        self._objects.give_back()
        self._inner = None

    def _news(self) -> list[StepSeen]:
        if self._current is None:
            return []
        return [StepSeen(len(self._done), step) for step in self._current.news()]


def _opens(line: str) -> bool:
    return starts_object(line) or any(form.opens(line) for form in LINE_FORMS)


def _text(line: bytes) -> str:
    return line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").rstrip("\r")


def read_builds(data: bytes | str) -> list[Build]:
    """All builds in `data`, in order; empty if it holds none."""
    reader = Reader()
    reader.feed(data)
    reader.flush()
    return reader.builds
