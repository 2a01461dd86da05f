"""Questions to the program `git` about one folder: they change nothing, run no hook or filter, and use no network."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from lab.boxes.base import NOT_FOUND, Command, Result
from lab.boxes.process import run_process
from lab.counting import whole_number
from lab.errors import ReadError

SECONDS = 20.0  # for all questions about one folder together
ARGUMENTS = 100_000  # bytes of paths or object names in one command
MOST_BLOB = 4 << 20  # bytes of the largest object that is read
MOST_BLOBS = 64 << 20  # bytes of all objects that are read
# fsmonitor and hooks are programs that a repository may name; a partial clone would fetch an object that is missing
SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", "--no-pager")
VARIABLES = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
FROM_ARGUMENTS = """printf '%s\\n' "$@" | """


class Git:
    """The repository that contains a folder; paths are relative to the folder. ReadError if git cannot answer."""

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.folder = folder.resolve()
        self._end = time.monotonic() + seconds

    def fields(self, *arguments: str) -> list[str]:
        """Return the fields that git prints, each of which ends with a NUL."""
        text = self._run([*self._program(), *arguments]).stdout.decode("utf-8", "surrogateescape")
        return text.split("\0")[:-1]

    def lines(self, *arguments: str) -> list[str]:
        """Return the lines that git prints."""
        return self._run([*self._program(), *arguments]).stdout.decode("utf-8", "surrogateescape").splitlines()

    def about(self, arguments: Sequence[str], paths: Sequence[str]) -> Iterator[str]:
        """Yield the fields that git prints about paths, in several commands if there are many."""
        for some in _pieces(paths):
            yield from self.fields(*arguments, "--", *some)

    def blobs(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the contents of objects by their names; an object that is missing or too large is left out."""
        sizes = {}
        for some in _pieces(names):
            for line in self._batch("--batch-check", some).splitlines():
                words = line.decode("utf-8", "replace").split(" ")
                size = whole_number(words[-1])
                if words[1:2] == ["blob"] and size is not None and size <= MOST_BLOB:
                    sizes[words[0]] = size
        room, wanted = MOST_BLOBS, []
        for name, size in sizes.items():
            room -= size
            if room >= 0:
                wanted.append(name)
        found: dict[str, bytes] = {}
        for some in _pieces(wanted):
            found |= read_objects(self._batch("--batch", some))
        return found

    def _batch(self, form: str, names: Sequence[str]) -> bytes:
        """`cat-file` reads names from its input; a command of lab has none, so a shell makes it from arguments."""
        program = " ".join([*map(_quoted, self._program()), "cat-file", form, "--buffer"])
        return self._run(["sh", "-c", FROM_ARGUMENTS + program, "sh", *names]).stdout

    def _program(self) -> list[str]:
        unset = [word for name in sorted(os.environ) if name.startswith("GIT_") for word in ("-u", name)]
        return ["env", *unset, *(f"{name}={value}" for name, value in VARIABLES.items()), "git", *SAFE]

    def _run(self, argv: Sequence[str]) -> Result:
        left = self._end - time.monotonic()
        if left <= 0:
            raise ReadError(f"cannot read the git checkout {self.folder}: git took too long")
        result = run_process(Command(tuple(argv), cwd=PurePosixPath(self.folder), timeout=left))
        if not result.ok:
            raise _refusal(self.folder, result)
        return result


def _refusal(folder: Path, result: Result) -> ReadError:
    """Return why git did not answer, and what to do about it."""
    printed = result.stderr.decode("utf-8", "replace")
    if result.exit == NOT_FOUND:
        return ReadError("the program git is not installed")
    if "not a git repository" in printed:
        return ReadError("the context is not in a git checkout")
    if "dubious ownership" in printed:
        hint = f"git config --global --add safe.directory {folder}"
        return ReadError(f"git refuses to read {folder}, because it belongs to another user", hint=hint)
    if result.timed_out:
        return ReadError(f"cannot read the git checkout {folder}: git took too long")
    last = printed.strip().splitlines()[-1:] or [f"git ended with status {result.exit}"]
    return ReadError(f"cannot read the git checkout {folder}: {last[0]}")


def _pieces(words: Sequence[str]) -> Iterator[list[str]]:
    """Yield the words in groups that fit into one command."""
    piece: list[str] = []
    room = ARGUMENTS
    for word in words:
        room -= len(os.fsencode(word)) + 1
        if piece and room < 0:
            yield piece
            piece, room = [], ARGUMENTS
        piece.append(word)
    if piece:
        yield piece


def read_objects(output: bytes) -> dict[str, bytes]:
    """Read what `cat-file --batch` prints: for each object a line with its name, type and size, then its content.

    ReadError if that is not complete.
    """
    found: dict[str, bytes] = {}
    place = 0
    while place < len(output):
        end = output.find(b"\n", place)
        words = output[place : max(end, 0)].decode("utf-8", "replace").split(" ")
        size = whole_number(words[-1])
        if len(words) != 3 or size is None or end + 1 + size > len(output):
            raise ReadError("cannot read the objects that git prints: they are not complete")
        found[words[0]] = output[end + 1 : end + 1 + size]
        place = end + 2 + size
    return found


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
