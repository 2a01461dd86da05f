"""Commands as a reader may paste them, with what came back; long output is cut, and the cut is counted."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.page.entries import Entry
from lab.page.text import seconds, shortened, visible

# A trial's files lie in one folder with a long name; its commands call it so.
FOLDER = "D"


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

    def __init__(self, entries: Sequence[Entry], limit: int) -> None:
        self._limit = limit
        self._by_name: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_name.setdefault(entry.about, []).append(entry)

    def of(self, name: str) -> Story:
        """The commands of one trial or phase; empty if the transcript has none."""
        found = self._by_name.get(name, [])
        folder = _home(found)
        shown, here = [], None
        for entry in found:
            where = shell(entry.cwd, folder) if entry.cwd else None
            shown.append(self._shown(entry, folder, where if where != here else None))
            here = where or here
        return Story(
            shlex.quote(folder) if folder else None, tuple(shown), (found[0].line, found[-1].line) if found else None
        )

    def _shown(self, entry: Entry, folder: str | None, where: str | None) -> Shown:
        words = [f"{name}={shell(value, folder)}" for name, value in sorted(entry.env.items())]
        words += [shell(word, folder) for word in entry.argv]
        streams = (("stdout", entry.stdout), ("stderr", entry.stderr))
        return Shown(
            folder=where,
            text=" ".join(words),
            exit=entry.exit,
            seconds=seconds(entry.seconds),
            outputs=tuple(cut(name, text, self._limit) for name, text in streams if text.strip()),
        )


def cut(name: str, text: str, limit: int) -> Output:
    """At most `limit` lines of an output, more of its end than of its beginning: failures speak last."""
    lines = [shortened(line) for line in visible(text).strip("\n").split("\n")]
    if len(lines) <= limit:
        return Output(name, "\n".join(lines))
    first = limit // 3
    head, tail = lines[:first], lines[len(lines) - (limit - first) :]
    return Output(name, "\n".join(head), len(lines) - limit, "\n".join(tail))


def shell(word: str, folder: str | None) -> str:
    """The word quoted for a POSIX shell, with `folder` in it written as "$D"."""
    if not folder or folder not in word:
        return shlex.quote(word)
    return f'"${FOLDER}"'.join(shlex.quote(part) if part else "" for part in word.split(folder))


def _home(entries: Iterable[Entry]) -> str | None:
    """The folder of a trial: what holds the context that its commands work in."""
    contexts = [PurePosixPath(entry.cwd) for entry in entries if entry.cwd]
    return next((str(path.parent) for path in contexts if path.name == "context" and len(path.parts) > 2), None)
