"""Commands as a reader may paste them, with what came back; long output is cut, and the cut is counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.model import Exchange
from lab.report import printable
from lab.report.page.text import WIDEST, seconds, shortened
from lab.report.script import shell

# A trial's files lie in one folder with a long name; its commands call it so.
FOLDER = "D"
# The first of these words after `docker` says what a command is about.
VERBS = {"build": "build", "push": "push", "prune": "prune", "import": "prepare", "pull": "prepare"}


@dataclass(frozen=True, slots=True)
class Output:
    """One stream of a command; where lines are left out in the middle, `tail` holds those after them."""

    name: str
    head: str
    left_out: int = 0
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One command: `folder` where it differs from the command before, the shell's text, and what came back."""

    folder: str | None
    text: str
    exit: int
    seconds: str
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """The commands of one trial or phase in order; `folder` is what `$D` stands for, quoted, None if nothing does.

    `lines` are the first and the last line of transcript.jsonl that tell of it, None if none does; `longest` is the
    number of lines of the longest output, whether it is shown in full or not.
    """

    folder: str | None
    commands: tuple[Shown, ...]
    lines: tuple[int, int] | None = None
    longest: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """One command with all its output, by stream and line."""

    shown: Shown
    streams: tuple[tuple[str, tuple[str, ...]], ...]

    def cut(self, limit: int) -> Shown:
        shown, outputs = self.shown, tuple(cut(name, lines, limit) for name, lines in self.streams)
        return Shown(shown.folder, shown.text, shown.exit, shown.seconds, outputs)


class Stories:
    """All commands of a run by trial or phase; what no limit changes is worked out once."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._by_name: dict[str, list[tuple[int, Exchange]]] = {}
        self._said: dict[str, tuple[str | None, list[_Said]]] = {}
        for line, exchange in enumerate(exchanges, 2):  # a transcript's first line is its heading
            self._by_name.setdefault(exchange.about, []).append((line, exchange))

    def of(self, name: str, limit: int) -> Story:
        """The commands of one trial or phase, each output in `limit` lines; empty if the transcript has none."""
        found = self._by_name.get(name, [])
        if name not in self._said:
            self._said[name] = self._read([exchange for _, exchange in found])
        folder, said = self._said[name]
        return Story(
            word(folder, None) if folder else None,
            tuple(item.cut(limit) for item in said),
            (found[0][0], found[-1][0]) if found else None,
            max((len(lines) for item in said for _, lines in item.streams), default=0),
        )

    def kept(self, limit: int) -> int:
        """How many lines of all that was read so far are shown at that limit."""
        said = (item for _, commands in self._said.values() for item in commands)
        return sum(min(limit, len(lines)) for item in said for _, lines in item.streams)

    def _read(self, exchanges: Sequence[Exchange]) -> tuple[str | None, list[_Said]]:
        folder = _home(exchanges)
        said, here = [], None
        for exchange in exchanges:
            where = word(exchange.cwd, folder) if exchange.cwd else None
            said.append(_said(exchange, folder, where if where != here else None))
            here = where or here
        return folder, said


def _said(exchange: Exchange, folder: str | None, where: str | None) -> _Said:
    words = [f"{name}={word(value, folder)}" for name, value in sorted(exchange.env.items())]
    words += [word(part, folder) for part in exchange.argv]
    shown = Shown(where, " ".join(words), exchange.exit, seconds(lasted(exchange)), ())
    streams = (("stdout", exchange.stdout), ("stderr", exchange.stderr))
    return _Said(shown, tuple((name, lines_of(data)) for name, data in streams if data.strip()))


def lines_of(data: bytes) -> tuple[str, ...]:
    """An output as lines that can be shown, none of them endless."""
    text = printable.lines(data.decode("utf-8", "replace"))
    lines = text.strip("\n").split("\n")
    return tuple(map(shortened, lines) if len(max(lines, key=len)) > WIDEST else lines)


def cut(name: str, lines: Sequence[str], limit: int) -> Output:
    """At most `limit` lines of an output, more of its end than of its beginning: failures speak last."""
    if len(lines) <= limit:
        return Output(name, "\n".join(lines))
    first = limit // 3
    head, tail = lines[:first], lines[len(lines) - (limit - first) :]
    return Output(name, "\n".join(head), len(lines) - limit, "\n".join(tail))


def word(text: str, folder: str | None) -> str:
    """The text as one word of a POSIX shell, with `folder` in it written as "$D"."""
    text = text.replace("\0", "")  # no command can have held one
    if not folder or folder not in text:
        return shell.word(text)
    return f'"${FOLDER}"'.join(shell.word(part) if part else "" for part in text.split(folder))


def kind(exchange: Exchange) -> str:
    """`build`, `push`, `prune`, or `prepare` for all that is done around them."""
    words = iter(exchange.argv)
    if not any(word == "docker" or word.endswith("/docker") for word in words):
        return "prepare"
    return next((VERBS[word] for word in words if word in VERBS), "prepare")


def lasted(exchange: Exchange) -> float:
    """Its seconds; a transcript from elsewhere may hold a number that is none."""
    return exchange.seconds if math.isfinite(exchange.seconds) and exchange.seconds > 0 else 0.0


def _home(exchanges: Iterable[Exchange]) -> str | None:
    """The folder of a trial: what holds the context that its commands work in."""
    contexts = (PurePosixPath(item.cwd) for item in exchanges if item.cwd and item.cwd.endswith("/context"))
    return next((str(path.parent) for path in contexts if len(path.parts) > 2), None)
