"""The terminal form, as pasted into bug reports or recorded raw: ` => CACHED [2/4] RUN echo foo   0.0s`.

Source: `docker build` on a terminal. The screen is drawn again with every change, under a new line
`[+] Building 1.2s (5/7)`; raw recordings move the cursor up before it. A step that runs and one that ran look
the same but for the color, which only an ended one has. Without colors a step counts as run once its build is
known to be over: FINISHED, the export of its target, or the summary of the error of a step.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.ledger import LAYER
from lab.buildkit.progress.ledger_form import LedgerForm
from lab.buildkit.progress.names import EXPORT, IMPORT, LINK, STEP, URL, VERTEX
from lab.buildkit.progress.parts import is_remote
from lab.model import Outcome

ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_=>78]")
CURSOR = re.compile(r"\x1b\[(\d{0,9})([AB])")
COLORED = re.compile(r"\x1b\[(?:\d+;)*[39][0-7](?:;\d+)*m[ \t]*(=>|\[\+\])")
# Pasted output may be indented or quoted (`> `).
QUOTE = r"[ \t]*(?:>[ \t]+)*"
SCREEN = re.compile(QUOTE + r"\[\+\] Building (\d{1,9}(?:\.\d+)?)s \((\d{1,9})/(\d{1,9})\)( FINISHED)?")
ROW = re.compile(QUOTE + r"=> (?:(CACHED|ERROR|CANCELED) )?")
SECONDS = re.compile(r"(?:.*\s)?(\d{1,9}\.\d)s")
# The Go client's words when a step failed, the user interrupted or the connection broke off, and the summary of errors.
# No vertex runs any more if the builder itself stopped: it then draws what failed or was canceled.
OVER = re.compile(r"failed to solve|executor failed running|^context canceled|^\s*------\s*$")
OUTCOMES = {"CACHED": Outcome.HIT, "ERROR": Outcome.ERROR, "CANCELED": Outcome.UNKNOWN}


# In a key: the step has one row. Other numbers count the rows that one `COPY --link` or `ADD URL` has on a screen.
ALONE = -1
MOST_ROWS = 4096


def without_escapes(line: str) -> str:
    """The line without the escape sequences of a terminal."""
    return ESCAPE.sub("", line) if "\x1b" in line else line


class Terminal(LedgerForm):
    """One build in the terminal form."""

    def __init__(self) -> None:
        super().__init__()
        self._ledger.ordered = False
        self._screen: tuple[float, int] | None = None
        self._colors = False
        self._finished = False
        self._over = False
        self._stopped = False
        self._last: Hashable = None
        self._running: dict[Hashable, float | None] = {}
        self._seen: dict[Hashable, int] = {}
        self._drawn = 0
        self._rows: dict[str, Hashable] = {}
        self._raw: dict[Hashable, str] = {}

    def says_nothing_new(self, raw: str) -> bool:
        """Whether the line is a row that was drawn before, and no other row of that vertex since.

        It says only that rows below it that name no vertex are of this one. Most lines of a recorded screen are such.
        """
        key = self._rows.get(raw)
        if key is None or self._raw.get(key) != raw or self._ledger.interrupted:
            return False
        self._last = self._ledger.tail = key
        self._seen[key] = 1
        self._drawn += 1
        return True

    @staticmethod
    def matches(text: str) -> bool:
        """Whether the line has the shape of a screen's head or row."""
        return bool(ROW.match(text) or SCREEN.match(text))

    @staticmethod
    def opens(text: str) -> bool:
        """Whether a build may begin with this line; `=>` is common in prose and code, so a row must name a vertex."""
        row = ROW.match(text)
        return bool(VERTEX.match(text, row.end()) if row else SCREEN.match(text))

    def is_next_build(self, text: str, raw: str) -> bool:
        """Whether this line belongs to another build, and not to the same one drawn again."""
        screen = SCREEN.match(text)
        if screen is None:
            row = ROW.match(text)
            if row is None or not self._ledger.interrupted:
                return False
            name, _ = _columns(text, row)
            return self._ledger.restarts(_key(name, ALONE), name)
        if "\x1b" in (before := raw.partition("[+]")[0]) and CURSOR.search(before):
            moves = [(int(count or 1), way) for count, way in CURSOR.findall(before)]
            return sum(count if way == "A" else -count for count, way in moves) <= 0
        if self._screen is None or self._finished or self._ledger.interrupted:
            return bool(self._screen or self._ledger.vertexes)
        return float(screen[1]) < self._screen[0] or int(screen[3]) < self._screen[1]

    def read(self, text: str, raw: str) -> None:
        """Take one line of this build."""
        if row := ROW.match(text):
            name, seconds = _columns(text, row)
            if name.startswith("=>"):
                self._sub(name)
            else:
                self._drawn += 1
                color = COLORED.search(raw) if self._colors else None
                self._row(row[1], name, seconds, ended=color is not None)
                self._remember(raw, final=bool(row[1]) or color is not None)
                self._ledger.tail = self._last
        elif screen := SCREEN.match(text):
            self._ledger.interrupted = False
            self._screen = (float(screen[1]), int(screen[3]))
            self._seen, self._drawn, self._ledger.tail = {}, 0, None
            # A log that colors every line says nothing by the color of a row.
            self._colors = not COLORED.search(raw)
            # A row that is not drawn any more after this line is one that was cut off.
            self._finished = self._finished or bool(screen[4])
            self._over = self._over or self._finished

    def _sub(self, text: str) -> None:
        # ` => => # text` is what a RUN printed, ` => => transferring context: 34B` a status.
        # Before the last screen one that is too long for the terminal shows them below the row of another vertex.
        status = text[2:].strip()
        if text.startswith("=> #"):
            return
        if self._finished or not LAYER.match(status):
            self._ledger.status(self._last, status)
        elif vertex := self._ledger.vertexes.get(self._last):
            vertex.shown = True

    def _row(self, word: str | None, name: str, seconds: float | None, *, ended: bool) -> None:
        if not VERTEX.match(name) and not URL.match(name):
            self._last = None
            return
        self._last = key = self._key(name)
        self._ledger.meet(key, name)
        if export := EXPORT.match(name):
            self._end(export["target"])
        # A cache that cannot be read stops no build, nor does one of the vertexes of a linked copy.
        failed = word == "ERROR" and not (IMPORT.match(name) or EXPORT.match(name))
        self._stopped = self._stopped or failed or (word == "CANCELED" and _is_alone(key))
        self._running.pop(key, None)
        if word:
            error = "canceled" if word == "CANCELED" else ""
            self._ledger.settle(key, OUTCOMES[word], seconds, error)
        elif ended or self._over or self._ledger.exporting(key):
            self._ledger.settle(key, Outcome.RAN, seconds)
        else:
            self._ledger.settle(key, Outcome.UNKNOWN, seconds)
            self._running[key] = seconds

    def _remember(self, raw: str, *, final: bool) -> None:
        key = self._last
        if key is None or self._seen.get(key) != 1 or not _is_alone(key):
            return
        if len(self._rows) > MOST_ROWS:
            self._rows.clear()
        self._raw[key] = raw
        if final:
            self._rows[raw] = key

    def _key(self, name: str) -> Hashable:
        """The row's key; one `COPY --link` or `ADD URL` has several rows of one name."""
        step = STEP.match(name)
        if step is None or not (LINK.match(step[4]) or is_remote(step[4])):
            key = _key(name, ALONE)
            self._seen[key] = 1
            return key
        first = _key(name, 0)
        self._seen[first] = count = self._seen.get(first, 0) + 1
        return _key(name, count)

    def _end(self, target: str | None) -> None:
        """No step runs any more, of this target or of all: those shown without a word have run."""
        self._over = self._over or target is None
        for key, seconds in list(self._running.items()):
            if target is None or self._ledger.is_of(key, target):
                self._ledger.settle(key, Outcome.RAN, seconds)
                del self._running[key]

    def other(self, line: str) -> None:
        """Take note of a line that is no row: a prompt, or the summary of errors that ends the build."""
        super().other(line)
        if not " => ".startswith(line):  # input may end within a row
            self._ledger.tail = None
        if self._stopped and OVER.search(line):
            self._end(None)

    def build(self) -> Build:
        """The build as known now; a row that another target's name has replaced on the last screen is left out."""
        ledger, whole = self._ledger, False
        if self._finished:
            gone = {key for key in ledger.vertexes if _is_alone(key) and key not in self._seen}
            ledger.drop_renamed(gone)
            # A row of another kind may be cut elsewhere on each screen, and so has several keys.
            whole = not any(isinstance(key, tuple) and key in ledger.vertexes for key in gone)
        ledger.partial = not whole
        ledger.finished = whole and self._screen is not None and self._drawn >= self._screen[1]
        return super().build()


def _columns(text: str, row: re.Match[str]) -> tuple[str, float | None]:
    """The name and the seconds of a row; the seconds stand at its end."""
    rest = text[row.end() :].rstrip()
    if found := SECONDS.fullmatch(rest[-40:]):
        return rest[: len(rest) - len(rest[-40:]) + found.start(1)].rstrip(), float(found[1])
    return rest, None


def _is_alone(key: Hashable) -> bool:
    """Whether only one row has this key: those of `COPY --link` and `ADD URL` are counted."""
    return not isinstance(key, tuple) or key[-1] == ALONE


def _key(name: str, number: int) -> Hashable:
    """What identifies a row: a step's place, since a terminal that was resized cuts names elsewhere."""
    step = STEP.match(name)
    if step is None:
        return name
    return (*step.groups()[:3], step[4].partition(" ")[0], number)
