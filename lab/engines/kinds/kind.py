"""What a kind of engine has to answer. All code outside lab/engines/kinds asks these questions and knows no kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

from lab.boxes.base import Box, Tell
from lab.engines import engine, host
from lab.engines.archive import Archive
from lab.engines.engine import Engine
from lab.engines.spec import EngineSpec
from lab.errors import EngineError
from lab.versions import meets

S = TypeVar("S", bound=EngineSpec)


class Supply(Protocol):
    """Every known engine, what archives are made from, and the way to get one; lab/engines/stock.py has it."""

    engines: Mapping[str, EngineSpec]
    recipes: Path
    cache: Path
    shell: Box

    def archive(self, spec: EngineSpec, tell: Tell) -> Archive:
        """The engine's own archive, made if it is missing."""

    def archives(self, spec: EngineSpec, tell: Tell) -> list[Archive]:
        """The archives of all parts of the engine, its base first."""


class EngineKind(ABC, Generic[S]):
    """One kind of engine: the keys of its pin, where its archive comes from, and how it starts.

    The defaults fit an engine whose daemon is dockerd. A kind with another daemon names it in `daemon` and gives its
    own `start`, `start_here` and `prove`.
    """

    schema: type[S]
    daemon: ClassVar[str] = "dockerd"  # the program that every archive of this kind must hold
    client: ClassVar[str] = "docker"  # the program that calls it; trials need docker
    hints: ClassVar[Mapping[str, str]] = {}  # by key of the pin: what to do if that key is missing
    is_release: ClassVar[bool] = True  # False for a changed release: `bisect` tries it only if it is named
    repacks: ClassVar[bool] = False  # True if the archive is packed anew from the file whose sum the pin states
    is_slow_to_make: ClassVar[bool] = False  # True if its archive takes minutes: `up` then begins with it
    may_use_box_docker: ClassVar[bool] = False  # True if `start` may take the box's own Docker; a run empties that

    # --- the pin

    def problem(self, spec: S, earlier: Mapping[str, EngineSpec]) -> str | None:
        """What is wrong with the pin, in words, beside what its schema finds; `earlier` are the pins before it."""
        return None

    @abstractmethod
    def source(self, spec: S) -> str:
        """Where the engine comes from, in a few words for a table."""

    def sum_of(self, spec: S) -> str | None:
        """The sha256 that the pin states for the archive; None if it states none."""
        return None

    def archive_sum(self, spec: S) -> str | None:
        """The sha256 that the archive in the cache must have; None for one that is made here, which its note states."""
        return self.sum_of(spec)

    def repack(self, spec: S, file: Path, cache: Path) -> None:
        """Put the archive of a downloaded file into the cache; EngineError for a kind that does not repack."""
        raise EngineError(f"cannot pack {spec.name} anew: its archive is used as it was downloaded")

    def with_sum(self, spec: S, sha256: str, url: str | None) -> S | None:
        """The same pin with this sum, of the archive at `url` or of a file; None for a kind whose pins state no sum."""
        return None

    def url_of(self, spec: S) -> str | None:
        """The address that the pin states for the archive; None if it states none."""
        return None

    def may_have_buildx(self, spec: S) -> bool:
        """True if the engine has the buildx plugin, or can be brought with it; of an unknown version it may have it."""
        return spec.needs.buildx or spec.version is None or meets(spec.version, f">={engine.BUILDX_SINCE}")

    # --- the archive

    def parts(self, spec: S, engines: Mapping[str, EngineSpec]) -> tuple[EngineSpec, ...]:
        """The engines whose archives make up this one, its base first; empty for one that cannot be an archive."""
        return (spec,)

    @abstractmethod
    def target(self, spec: S, supply: Supply) -> Path | None:
        """Where the archive lies in the cache, made or not; None if there cannot be one now."""

    @abstractmethod
    def make(self, spec: S, supply: Supply, target: Path, tell: Tell) -> None:
        """Put the archive at `target`; raises a LabError that states what is missing."""

    def without_archive(self, spec: S) -> EngineError:
        """The error for an engine that has no target."""
        return EngineError(f"cannot put Docker {spec.name} on a box: it is the Docker that a box has, not an archive")

    def needs_archive(self, spec: S) -> bool:
        """False if a box may run the engine without an archive."""
        return True

    def at_hand(self, spec: S, supply: Supply) -> bool:
        """True if the engine can be used without a download."""
        target = self.target(spec, supply)
        return target is not None and target.exists()

    # --- the running engine

    @abstractmethod
    def start(self, box: Box, spec: S, supply: Supply, tell: Tell) -> Engine:
        """Make the engine answer on a box; EngineError if it does not."""

    def start_here(self, box: Box, spec: S, supply: Supply, state: Path, tell: Tell) -> Engine:
        """Make the engine answer on this machine, privately, from its archives; `box` is this machine."""
        host.check_host(spec, ())  # before any download
        return host.start(box, spec, supply.archives(spec, tell), state, tell)

    def prove(self, box: Box, spec: S, found: Engine) -> Engine:
        """The engine that answers, if it is the pinned one; EngineError otherwise."""
        return engine.prove(box, spec, found)
