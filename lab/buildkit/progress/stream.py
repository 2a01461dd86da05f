"""The builds of one stream of lines, in any form, with any text before, between and after."""

from __future__ import annotations

import re
from typing import Any

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.buildah import Buildah
from lab.buildkit.progress.classic import Classic
from lab.buildkit.progress.classic_lines import removed_container
from lab.buildkit.progress.form import Form
from lab.buildkit.progress.forms import LINE_FORMS, SHAPED, AnyForm, opens
from lab.buildkit.progress.objects import ObjectReader, starts_object
from lab.buildkit.progress.plain import Plain
from lab.buildkit.progress.rawjson import RawJson, is_status
from lab.buildkit.progress.terminal import Terminal
from lab.model import Outcome

# What can follow the output of a container that was never removed: a prompt that calls docker, or a build.
AFTERWARDS = re.compile(
    r"[^\s].{0,400}?[$#%>] .{0,400}?\bdocker\b|[$#%>] .{0,400}?\bdocker\b|"
    r"Sending build context to Docker daemon\s|DEPRECATED: The legacy"
)
# What may stand in a line that a container did not print, or that has to be changed before it is read.
NOTABLE = re.compile(r'docker|DEPRECATED|Sending|\x1b|section_|<|&|\{"')
News = list[tuple[int, Step]]
Span = list[int]


class Stream:
    """The builds of one stream; `spans` are the first and last line of each, numbered as the caller does it."""

    def __init__(self) -> None:
        self.done: list[Form] = []
        self.current: Form | None = None
        self.spans: list[Span] = []
        self.lines = 0
        """How many lines were of a build."""
        self._at = 0
        self._objects = ObjectReader()
        self._inner: Stream | None = None
        self._doubts: dict[str, int] = {}

    @property
    def forms(self) -> list[Form]:
        """The builds so far, in order; the last one may still change."""
        return [*self.done, self.current] if self.current else self.done

    @property
    def busy(self) -> bool:
        """Whether the next lines are what a program within a build prints, as far as is known."""
        return self.current is not None and self.current.busy

    @property
    def idle(self) -> bool:
        """Whether text that means nothing to any form changes nothing here."""
        return not self._objects.pending and (self.current is None or self.current.idle)

    @property
    def takes_objects(self) -> bool:
        """Whether a build in JSON is being read, and the next line can begin an object."""
        return isinstance(self.current, RawJson) and not self._objects.pending

    @property
    def between(self) -> bool:
        """Whether a JSON object may begin with the next line: none is open, and no program is printing."""
        return not self._objects.pending and not self.busy

    def says_nothing_new(self, raw: str) -> bool:
        """Whether the line is a row of a screen that was drawn before, or output of a step that is known to print."""
        if isinstance(self.current, RawJson):
            return not self._objects.pending and self.current.says_nothing_new(raw)
        return isinstance(self.current, Terminal) and self.current.says_nothing_new(raw)

    def is_printed(self, raw: str) -> bool:
        """Whether the line can only be what a container prints, and begins nothing."""
        if not isinstance(self.current, Classic) or self._inner is not None or not raw.isascii():
            return False
        return self.current.says_nothing_new(raw) and not NOTABLE.search(raw)

    @property
    def logging(self) -> set[int] | None:
        """The numbers of plain steps of whose output another line says nothing new."""
        return self.current.logging if isinstance(self.current, Plain) else None

    def accepts(self, text: str) -> bool:
        """Whether the line goes on with the current build."""
        current = self.current
        if self._objects.pending:
            return self._objects.fits(text)
        if isinstance(current, Plain):
            return current.matches(text) and not current.is_next_build(text, text) and self._is_known(current, text)
        if isinstance(current, AnyForm):
            return current.matches(text) and not current.is_next_build(text, text)
        return isinstance(current, RawJson) and starts_object(text)

    @staticmethod
    def _is_known(current: Plain, text: str) -> bool:
        return not current.is_stray(text) and not current.conflicts(text)

    def restarts(self, text: str) -> bool:
        """Whether the line begins another build than the current one."""
        current = self.current
        if not opens(text):
            return False
        if isinstance(current, AnyForm) and current.matches(text):
            return current.is_next_build(text, text)
        return True

    def line(self, text: str, raw: str, at: int) -> News:
        """Take line number `at` of the input, `raw` with its escape sequences; return the steps that end with it."""
        if self.current is None and not (self._objects.pending or SHAPED.match(text) or starts_object(text)):
            return []
        self._at = at
        if self._doubts and (container := removed_container(text)) in self._doubts:
            self._return_to(self._doubts[container])
        if isinstance(self.current, Classic) and self.current.busy:
            return self._container_line(self.current, text, raw)
        if isinstance(self.current, Buildah) and self.current.busy and not self.current.matches(text):
            return []
        seen: News = []
        if self._objects.pending and not self._objects.fits(text):
            for line in self._objects.give_back():
                seen += self._plain_line(line, line)
        if self._objects.pending or (starts_object(text) and self._objects.fits(text)):
            for value in self._objects.add(text) or ():
                seen += self.object(value, at)
            return seen
        return seen + self._plain_line(text, raw)

    def flush(self) -> News:
        """Take the input as ended."""
        seen: News = []
        for line in self._objects.give_back():
            seen += self._plain_line(line, line)
        if self._inner is not None:
            seen += self._adopt(self._inner)
        return seen

    def _plain_line(self, text: str, raw: str) -> News:
        """Give a line to the current build, or to the new one that it opens."""
        current = self.current
        if SHAPED.match(text):
            if isinstance(current, AnyForm) and current.matches(text):
                self._untangle(current, text)
                if not current.is_next_build(text, raw):
                    return self._read(current, text, raw)
            opened = next((form() for form in LINE_FORMS if form.opens(text)), None)
            if opened is not None:
                self._close()
                self._open(opened)
                return self._read(opened, text, raw)
        if current is not None:
            current.other(text)
        return self._news()

    def _read(self, form: AnyForm, text: str, raw: str) -> News:
        form.read(text, raw)
        self.lines += 1
        self.spans[-1][1] = self._at
        return self._news()

    def _untangle(self, current: Form, text: str) -> None:
        """See whether the line shows that several builds are printed at once; their lines are then read together."""
        last = self.done[-1] if self.done else None
        if isinstance(current, Plain):
            if isinstance(last, Plain) and current.is_stray(text) and last.awaits(text):
                current.absorb(last)
                self._take_back(1)
        elif isinstance(current, Classic) and (current.is_tangled_by(text) or _expects(last, text)):
            self._tangle(current)

    def _tangle(self, current: Classic) -> None:
        others: list[Classic] = []
        for form in reversed(self.done):
            if not isinstance(form, Classic) or form.over:
                break
            others.insert(0, form)
        current.tangle(others)
        self._take_back(len(others))

    def _take_back(self, count: int) -> None:
        if count:
            first = self.spans[-1 - count][0]
            del self.done[-count:], self.spans[-1 - count : -1]
            self.spans[-1][0] = first

    def object(self, value: dict[str, Any], at: int) -> News:
        """Take a JSON object; one that is no status of BuildKit means nothing here."""
        if not is_status(value):
            return []
        self._at = at
        if not isinstance(self.current, RawJson) or self.current.is_next_build(value):
            self._close()
            self._open(RawJson())
        if isinstance(self.current, RawJson):
            self.current.read(value)
        self.lines += 1
        self.spans[-1][1] = self._at
        return self._news()

    def _container_line(self, build: Classic, text: str, raw: str) -> News:
        """Hold back what a container prints until it is gone.

        If it never goes, the builds that follow it in the input are real ones (the build was interrupted); else
        they were its output. A build that follows may be the same one tried again, so its lines look alike.
        """
        if self._inner is None and self.done and _expects(self.done[-1], text):
            self._tangle(build)
            return self._plain_line(text, raw)
        again = self._inner is not None and self._inner._fails_with(text)
        if not again and build.ends_container(text, infer=self._inner is None):
            self._inner = None
            return self._read(build, text, raw)
        if self._inner is None and text[:1].strip() and _is_afterwards(text):
            self._inner = Stream()
        if self._inner is not None:
            self._inner.line(text, raw, self._at)
        return []

    def _fails_with(self, text: str) -> bool:
        if self._inner is not None and self._inner._fails_with(text):
            return True
        return isinstance(self.current, Classic) and self.current.fails_with(text)

    def _adopt(self, inner: Stream) -> News:
        """Take the builds of another stream as those that follow the current one."""
        inner.flush()
        self._close()
        self._inner = None
        first = len(self.done)
        self.done += inner.done
        self.spans += inner.spans
        self.lines += inner.lines
        self._doubts |= {container: first + at for container, at in inner._doubts.items()}
        self.current = inner.current
        return [
            (first + number, step)
            for number, form in enumerate(inner.forms)
            for step in form.build().steps
            if step.outcome is not Outcome.UNKNOWN
        ]

    def _open(self, form: Form) -> None:
        self.current = form
        self.spans.append([self._at, self._at])

    def _close(self) -> None:
        if isinstance(self.current, Classic):
            self._doubts |= dict.fromkeys(self.current.doubtful, len(self.done))
        if self.current is not None:
            self.done.append(self.current)
            self.current = None

    def _return_to(self, at: int) -> None:
        """Take up the build number `at` again: what was read as later builds is the output of its container."""
        self.current = self.forms[at]
        del self.done[at:], self.spans[at + 1 :]
        self._doubts = {container: number for container, number in self._doubts.items() if number < at}
        self._objects.give_back()
        self._inner = None

    def _news(self) -> News:
        if self.current is None:
            return []
        return [(len(self.done), step) for step in self.current.news()]


def _expects(form: Form | None, text: str) -> bool:
    return isinstance(form, Classic) and form.expects(text)


def _is_afterwards(text: str) -> bool:
    known = "docker" in text or text.startswith(("Sending build", "DEPRECATED"))
    return known and AFTERWARDS.match(text) is not None
