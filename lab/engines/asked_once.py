"""What engines said of themselves, kept until their daemons start again: asking takes a second in emulation.

The answers of one engine are a transcript that has the name `Engine.since` of its daemon's life. A run records a kept
answer as it was given, with the time at which it was given.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from lab import files
from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import dump, exchange_of, named_exchanges
from lab.engines.engine import Engine
from lab.errors import ConfigError, HostError
from lab.model import Exchange

FOLDER = "answers"  # in the state of a checkout, with a folder for each box


class AskedOnce(Box):
    """A box on which each question to an engine is asked once in the life of the engine's daemon.

    `state` is the folder of the checkout's state. Without it, and for an engine that does not tell its daemon's life,
    every question is asked. `keep` stores what was asked now.
    """

    def __init__(self, box: RecordingBox, engine: Engine, state: Path | None) -> None:
        self.name = box.name
        self.box = box
        self._life = f"{engine.since} {engine.client} {engine.server} {engine.commit}"
        self._path = state / FOLDER / box.name / f"{engine.name}.jsonl" if state and engine.since else None
        self._known = self._read()
        self._asked: list[Result] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """The kept answer, which is recorded once more; else the one that the box gives now."""
        if known := self._known.get(command.argv):
            given = Result(command, known.exit, known.stdout, known.stderr, known.started, known.seconds)
            return self.box.recorded(given)
        result = self.box.execute(command, on_output)
        self._asked.append(result)
        return result

    def put(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file to the box."""
        self.box.put(source, target)

    def keep(self) -> None:
        """Store what was asked now, if every question was answered; on a full disk the next run asks again."""
        if self._path and self._asked and all(result.ok for result in self._asked):
            said = [exchange_of(self.name, "", result) for result in self._asked]
            with suppress(HostError):
                files.write(self._path, dump(self._life, said), follow=False)

    def _read(self) -> Mapping[tuple[str, ...], Exchange]:
        """The kept answers by their questions; none if they are of another life of the daemon, or cannot be read."""
        if self._path is None:
            return {}
        try:
            life, said = named_exchanges(files.read_unlinked(self._path), str(self._path))
            return {item.argv: item for item in said} if life == self._life else {}
        except (OSError, ConfigError):
            return {}


def forget(boxes: Iterable[str], state: Path) -> None:
    """Remove what the engines of these boxes said."""
    for name in boxes:
        shutil.rmtree(state / FOLDER / name, ignore_errors=True)
    with suppress(OSError):  # there are others
        (state / FOLDER).rmdir()
