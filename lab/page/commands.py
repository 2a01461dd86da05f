"""Commands as a reader may paste them, with what came back; long output is cut, and the cut is counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.model import Exchange
from lab.page.text import seconds, shortened
from lab.report import printable, shell

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

    `lines` are the first and the last line of transcript.jsonl that tell of it, None if none does.
    """

    folder: str | None
    commands: tuple[Shown, ...]
    lines: tuple[int, int] | None = None


class Stories:
    """All commands of a run by trial or phase; an output keeps at most `limit` lines."""

    def __init__(self, exchanges: Sequence[Exchange], limit: int) -> None:
        self._limit = limit
        self._by_name: dict[str, list[tuple[int, Exchange]]] = {}
        for line, exchange in enumerate(exchanges, 2):  # a transcript's first line is its heading
            self._by_name.setdefault(exchange.about, []).append((line, exchange))

    def of(self, name: str) -> Story:
        """The commands of one trial or phase; empty if the transcript has none."""
        found = self._by_name.get(name, [])
        folder = _home(exchange for _, exchange in found)
        shown, here = [], None
        for _, exchange in found:
            where = word(exchange.cwd, folder) if exchange.cwd else None
            shown.append(self._shown(exchange, folder, where if where != here else None))
            here = where or here
        lines = (found[0][0], found[-1][0]) if found else None
        return Story(word(folder, None) if folder else None, tuple(shown), lines)

    def _shown(self, exchange: Exchange, folder: str | None, where: str | None) -> Shown:
        words = [f"{name}={word(value, folder)}" for name, value in sorted(exchange.env.items())]
        words += [word(part, folder) for part in exchange.argv]
        streams = (("stdout", exchange.stdout), ("stderr", exchange.stderr))
        return Shown(
            folder=where,
            text=" ".join(words),
            exit=exchange.exit,
            seconds=seconds(lasted(exchange)),
            outputs=tuple(cut(name, data, self._limit) for name, data in streams if data.strip()),
        )


def cut(name: str, data: bytes, limit: int) -> Output:
    """At most `limit` lines of an output, more of its end than of its beginning: failures speak last."""
    text = printable.lines(data.decode("utf-8", "replace"))
    lines = [shortened(line) for line in text.strip("\n").split("\n")]
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
    if not any(PurePosixPath(word).name == "docker" for word in words):
        return "prepare"
    return next((VERBS[word] for word in words if word in VERBS), "prepare")


def lasted(exchange: Exchange) -> float:
    """Its seconds; a transcript from elsewhere may hold a number that is none."""
    return exchange.seconds if math.isfinite(exchange.seconds) and exchange.seconds > 0 else 0.0


def _home(exchanges: Iterable[Exchange]) -> str | None:
    """The folder of a trial: what holds the context that its commands work in."""
    contexts = [PurePosixPath(exchange.cwd) for exchange in exchanges if exchange.cwd]
    return next((str(path.parent) for path in contexts if path.name == "context" and len(path.parts) > 2), None)
