"""The terminal form, as pasted into bug reports or recorded raw: ` => CACHED [2/4] RUN echo foo   0.0s`.

Source: `docker build` on a terminal. The screen is drawn again with every change, under a new line
`[+] Building 1.2s (5/7)`; raw recordings move the cursor up before it. A step that runs and one that ran look
the same but for the color, which only an ended one has. Without colors a step counts as run once the build is
known to be over: FINISHED, an export, or the summary of an error.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

from lab.buildkit.progress.ledger import LAYER, STEP, VERTEX, LedgerForm
from lab.model import Outcome

ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_=>78]")
CURSOR = re.compile(r"\x1b\[(\d*)([AB])")
COLORED = re.compile(r"\x1b\[(?:\d+;)*[39][0-7](?:;\d+)*m[ \t]*=>")
# Pasted output may be indented or quoted (`> `).
QUOTE = r"[ \t]*(?:>[ \t]+)*"
SCREEN = re.compile(QUOTE + r"\[\+\] Building (\d+(?:\.\d+)?)s \((\d{1,9})/(\d{1,9})\)( FINISHED)?")
ROW = re.compile(QUOTE + r"=> (?:(CACHED|ERROR|CANCELED) )?(.*?)(?:\s+(\d+\.\d)s)?\s*$")
# The Go client's words when a step failed or the user interrupted: no vertex runs any more.
OVER = re.compile(r"failed to solve|executor failed running|^context canceled")
OUTCOMES = {"CACHED": Outcome.HIT, "ERROR": Outcome.ERROR, "CANCELED": Outcome.UNKNOWN}


def without_escapes(line: str) -> str:
    """The line without the escape sequences of a terminal."""
    return ESCAPE.sub("", line) if "\x1b" in line else line


class Terminal(LedgerForm):
    """One build in the terminal form."""

    def __init__(self) -> None:
        super().__init__()
        self._screen: tuple[float, int] | None = None
        self._finished = False
        self._over = False
        self._failed = False
        self._last: Hashable = None
        self._running: dict[Hashable, float | None] = {}

    @staticmethod
    def matches(line: str) -> bool:
        """Whether the line has the shape of a screen's head or row."""
        text = without_escapes(line)
        return bool(SCREEN.match(text) or ROW.match(text))

    @staticmethod
    def opens(line: str) -> bool:
        """Whether a build may begin with this line; `=>` is common in prose and code, so a row must name a vertex."""
        text = without_escapes(line)
        row = ROW.match(text)
        return bool(SCREEN.match(text) or (row and VERTEX.match(row[2])))

    def is_next_build(self, line: str) -> bool:
        """Whether this line belongs to another build, and not to the same one drawn again."""
        text = without_escapes(line)
        screen = SCREEN.match(text)
        if screen is None:
            row = ROW.match(text)
            return bool(row and self._ledger.interrupted and self._ledger.restarts(_key(row[2]), row[2]))
        if "\x1b" in (before := line.partition("[+]")[0]):
            moves = [(int(count or 1), way) for count, way in CURSOR.findall(before)]
            return sum(count if way == "A" else -count for count, way in moves) <= 0
        if self._screen is None or self._finished or self._ledger.interrupted:
            return bool(self._screen or self._ledger.vertexes)
        return float(screen[1]) < self._screen[0] or int(screen[3]) < self._screen[1]

    def read(self, line: str) -> None:
        """Take one line of this build."""
        text = without_escapes(line)
        if screen := SCREEN.match(text):
            self._ledger.interrupted = False
            self._screen = (float(screen[1]), int(screen[3]))
            if screen[4]:
                self._finished = True
                self._end()
        elif row := ROW.match(text):
            if row[2].startswith("=>"):
                self._sub(row[2])
            else:
                self._row(row, ended=COLORED.search(line) is not None)

    def _sub(self, text: str) -> None:
        # ` => => # text` is what a RUN printed, ` => => transferring context: 34B` a status.
        # Before the last screen one that is too long for the terminal shows them below the row of another vertex.
        status = text[2:].strip()
        if not text.startswith("=> #") and (self._finished or not LAYER.match(status)):
            self._ledger.status(self._last, status)

    def _row(self, row: re.Match[str], *, ended: bool) -> None:
        word, name = row[1], row[2]
        if not VERTEX.match(name):
            self._last = None
            return
        seconds = float(row[3]) if row[3] else None
        self._last = key = _key(name)
        self._ledger.meet(key, name)
        if name.startswith("exporting to "):
            self._end()
        self._failed = self._failed or word == "ERROR"
        self._running.pop(key, None)
        if word:
            self._ledger.settle(key, OUTCOMES[word], seconds)
        elif ended or self._over:
            self._ledger.settle(key, Outcome.RAN, seconds)
        else:
            self._ledger.settle(key, Outcome.UNKNOWN, seconds)
            self._running[key] = seconds

    def _end(self) -> None:
        """No step runs any more: those shown without a word have run."""
        self._over = True
        for key, seconds in self._running.items():
            self._ledger.settle(key, Outcome.RAN, seconds)
        self._running.clear()

    def other(self, line: str) -> None:
        """Take note of a line that is no row: a prompt, or the summary of errors that ends the build."""
        text = without_escapes(line)
        super().other(text)
        if OVER.search(text) or (self._failed and text.strip() == "------"):
            self._end()


def _key(name: str) -> Hashable:
    """What identifies a row: a step's place, since a terminal that was resized cuts names elsewhere."""
    step = STEP.match(name)
    return step.groups()[:3] if step else name
