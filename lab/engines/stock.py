"""The archives of engines: taken from the cache, or made now; each is made once, however many boxes need it.

An engine that differs from a listed one only by its image store has the archive of that one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.engines import buildx
from lab.engines.archive import Archive, open_archive
from lab.engines.kinds.table import has_docker, kind_of
from lab.engines.spec import EngineSpec
from lab.workers import Once


@dataclass
class Stock:
    """Every known engine, the folder of recipes, the cache, and the shell of this machine that makes archives.

    With `with_buildx`, each BuildKit without Docker gets buildx beside its own client.
    """

    engines: Mapping[str, EngineSpec]
    recipes: Path
    cache: Path
    shell: Box
    with_buildx: bool = False
    _jobs: dict[str, Once[Archive]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def target(self, spec: EngineSpec) -> Path | None:
        """Where the engine's archive lies, made or not; None if there cannot be one now."""
        return kind_of(spec).target(spec.listed, self)

    def has_archive(self, spec: EngineSpec) -> bool:
        """True if the engine's archive lies in the cache."""
        target = self.target(spec)
        return target is not None and target.exists()

    def at_hand(self, spec: EngineSpec) -> bool:
        """True if the engine can be used without a download."""
        return kind_of(spec).at_hand(spec.listed, self)

    def parts(self, spec: EngineSpec) -> tuple[EngineSpec, ...]:
        """The engines whose archives make up this one, its base first; empty if it cannot be an archive."""
        return kind_of(spec).parts(spec.listed, self.engines)

    def archives(self, spec: EngineSpec, tell: Tell) -> list[Archive]:
        """The archives of all parts of an engine, its base first, and that of buildx last."""
        found = [self.archive(part, tell) for part in self.parts(spec)]
        if self.with_buildx and not has_docker(spec):
            with self._guard:
                job = self._jobs.setdefault(buildx.NAME, Once(lambda: buildx.archive(self, tell)))
            found.append(job())
        return found

    def archive(self, spec: EngineSpec, tell: Tell) -> Archive:
        """The engine's archive, made if the cache does not have it; EngineError if that is impossible.

        Several boxes may ask for one archive at once: the first call makes it, and the others wait for it.
        """
        with self._guard:
            job = self._jobs.setdefault(spec.listed_name, Once(lambda: self._get(spec.listed, tell)))
        return job()

    def _get(self, spec: EngineSpec, tell: Tell) -> Archive:
        kind = kind_of(spec)
        target = self.target(spec)
        if target is None:
            raise kind.without_archive(spec)
        if not target.exists():
            kind.make(spec, self, target, tell)
        return open_archive(target, kind.archive_sum(spec), kind.daemon)
