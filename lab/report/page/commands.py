"""Commands in a form that can be pasted, with their output; long output is cut, with a count of what is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.model import Exchange
from lab.report import docker, printable
from lab.report.page.text import WIDEST, seconds, shortened
from lab.report.script import shell
from lab.report.timing import duration

# The variable for the folder of a trial, whose name is long.
FOLDER = "D"


@dataclass(frozen=True, slots=True)
class Output:
    """One stream of a command; where lines are left out in the middle, `tail` holds the lines after them."""

    name: str
    head: str
    left_out: int = 0
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One command: `folder` where it differs from the command before, the text for a shell, and the outputs."""

    folder: str | None
    text: str
    exit: int
    seconds: str
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """The commands of one trial or phase in order; `folder` is the value of `$D`, quoted, or None without one.

    `lines` are the first and the last line of transcript.jsonl that hold it, or None; `longest` is the number of lines
    of the longest output, shown in full or not.
    """

    folder: str | None
    commands: tuple[Shown, ...]
    lines: tuple[int, int] | None = None
    longest: int = 0


@dataclass(frozen=True, slots=True)
class _Whole:
    """One command with all its output, by stream and line."""

    shown: Shown
    streams: tuple[tuple[str, tuple[str, ...]], ...]

    def cut(self, limit: int) -> Shown:
        shown, outputs = self.shown, tuple(cut(name, lines, limit) for name, lines in self.streams)
        return Shown(shown.folder, shown.text, shown.exit, shown.seconds, outputs)


class Stories:
    """All commands of a run by trial or phase; the part that no limit changes is computed once."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._by_name: dict[str, list[tuple[int, Exchange]]] = {}
        self._done: dict[str, tuple[str | None, list[_Whole]]] = {}
        for line, exchange in enumerate(exchanges, 2):  # a transcript's first line is its heading
            self._by_name.setdefault(exchange.about, []).append((line, exchange))

    def of(self, name: str, limit: int) -> Story:
        """The commands of one trial or phase, each output in `limit` lines; empty if the transcript has none."""
        found = self._by_name.get(name, [])
        if name not in self._done:
            self._done[name] = self._read([exchange for _, exchange in found])
        folder, commands = self._done[name]
        return Story(
            word(folder, None) if folder else None,
            tuple(item.cut(limit) for item in commands),
            (found[0][0], found[-1][0]) if found else None,
            max((len(lines) for item in commands for _, lines in item.streams), default=0),
        )

    def kept(self, limit: int) -> int:
        """The number of lines, of everything read so far, that the limit leaves."""
        items = (item for _, commands in self._done.values() for item in commands)
        return sum(min(limit, len(lines)) for item in items for _, lines in item.streams)

    def _read(self, exchanges: Sequence[Exchange]) -> tuple[str | None, list[_Whole]]:
        folder = _home(exchanges)
        commands, here = [], None
        for exchange in exchanges:
            where = word(exchange.cwd, folder) if exchange.cwd else None
            commands.append(_whole(exchange, folder, where if where != here else None))
            here = where or here
        return folder, commands


def _whole(exchange: Exchange, folder: str | None, where: str | None) -> _Whole:
    words = [f"{name}={word(value, folder)}" for name, value in sorted(exchange.env.items())]
    words += [word(part, folder) for part in exchange.argv]
    shown = Shown(where, " ".join(words), exchange.exit, seconds(duration(exchange)), ())
    streams = (("stdout", exchange.stdout), ("stderr", exchange.stderr))
    return _Whole(shown, tuple((name, lines_of(data)) for name, data in streams if data.strip()))


def lines_of(data: bytes) -> tuple[str, ...]:
    """An output as lines that can be shown, none of them very long."""
    text = printable.lines(data.decode("utf-8", "replace"))
    lines = text.strip("\n").split("\n")
    return tuple(map(shortened, lines) if len(max(lines, key=len)) > WIDEST else lines)


def cut(name: str, lines: Sequence[str], limit: int) -> Output:
    """At most `limit` lines of an output, more of its end than of its beginning: errors come last."""
    if len(lines) <= limit:
        return Output(name, "\n".join(lines))
    first = limit // 3
    head, tail = lines[:first], lines[len(lines) - (limit - first) :]
    return Output(name, "\n".join(head), len(lines) - limit, "\n".join(tail))


def word(text: str, folder: str | None) -> str:
    """The text as one word of a POSIX shell, with `folder` in it written as "$D"."""
    text = text.replace("\0", "")  # no real command can hold one
    if not folder or folder not in text:
        return shell.word(text)
    return f'"${FOLDER}"'.join(shell.word(part) if part else "" for part in text.split(folder))


def kind(exchange: Exchange) -> str:
    """`build`, `push`, `prune`, or `prepare` for every other command."""
    if docker.builds(exchange.argv):
        return "build"
    if docker.prunes(exchange.argv):
        return "prune"
    return "push" if docker.verb(exchange.argv) == "push" else "prepare"


def _home(exchanges: Iterable[Exchange]) -> str | None:
    """The folder of a trial: the parent of the context in which its commands run."""
    contexts = (PurePosixPath(item.cwd) for item in exchanges if item.cwd and item.cwd.endswith("/context"))
    return next((str(path.parent) for path in contexts if len(path.parts) > 2), None)
