"""A box that is up, and its engines: those that answer, and those that are started later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.boxes.base import Box
from lab.boxes.specs import BoxSpec
from lab.engines.engine import Engine


@dataclass(frozen=True, slots=True)
class Later:
    """An engine of a box whose archive is still being built.

    `start` waits for the archive and starts the engine; it returns None if the archive cannot be had. `program` is the
    name of the engine's client, `store` its image store as `Engine.store` names it. `has_buildx` is true if it may have
    buildx.
    """

    name: str
    start: Callable[[], Engine | None]
    program: str = "docker"
    store: str = ""
    has_buildx: bool = True


@dataclass(frozen=True, slots=True)
class Ready:
    """A box that is up, and the engines that are proven on it, in the order of its file.

    `later` are the engines that are not started yet. `reset` sets one of the engines back to its first state, of a box
    that was brought up for that; a virtual machine goes back as a whole.
    """

    box: Box
    spec: BoxSpec
    engines: tuple[Engine, ...]
    later: tuple[Later, ...] = ()
    reset: Callable[[Engine], None] | None = None

    @property
    def engine_names(self) -> list[str]:
        """All engines of the box, also those that are not started yet."""
        return [engine.name for engine in self.engines] + [later.name for later in self.later]
