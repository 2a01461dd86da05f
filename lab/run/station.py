"""One box with one engine, as the trials of a run use it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from lab.boxes.base import Box
from lab.engines.engine import Docker, Engine
from lab.registry.server import Registry
from lab.results.facts import BoxFacts
from lab.run.gather.stream import Listing

About = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Station:
    """A box, one of its engines, and the folder `home` of the box that holds all files of the run.

    `about` names the trial or phase that the commands of a context belong to. `keep` stores the files gathered of a
    build context and returns their key. `registry` is the one that images go to. `emptied` names the daemons of the
    run, by box and client, that were pruned whole by the last command that they got. `reset` sets the engine back to
    its first state, where a run makes engines clean in that way.
    """

    box: Box
    about: About
    engine: Engine
    facts: BoxFacts
    home: PurePosixPath
    registry: Registry
    keep: Callable[[Listing], str] = lambda listing: ""
    emptied: set[tuple[str, Docker]] = field(default_factory=set)
    reset: Callable[[Engine], None] | None = None

    @property
    def daemon(self) -> tuple[str, Docker]:
        """The box and the client, which name the daemon; several builders may share it."""
        return self.box.name, self.engine.docker
