"""Where archives of engines come from: the cache, or made now; each is made once, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.engines import debian, reverted
from lab.engines.archive import Archive, open_archive, place
from lab.engines.download import fetch
from lab.engines.pins import EngineSpec
from lab.errors import EngineError
from lab.files import hold
from lab.workers import Once


@dataclass
class Stock:
    """Every engine known, the folder of recipes, the cache, and this machine's shell to make archives with."""

    engines: Mapping[str, EngineSpec]
    recipes: Path
    cache: Path
    shell: Box
    _jobs: dict[str, Once[Archive]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def target(self, spec: EngineSpec) -> Path | None:
        """Where the engine's archive lies once it is there; None for an engine without archive or without a pin."""
        if spec.kind == "reverted":
            return reverted.target_of(spec, self.recipes, self.cache)
        if spec.kind == "static":
            return place(self.cache, spec.name, spec.sha256) if spec.sha256 else None
        return debian.target_of(spec, self.cache) if spec.archived else None

    def at_hand(self, spec: EngineSpec) -> bool:
        """True if the archive lies in the cache."""
        target = self.target(spec)
        return target is not None and target.exists()

    def archive(self, spec: EngineSpec, tell: Tell) -> Archive:
        """The engine's archive, fetched or built if the cache lacks it; EngineError if it cannot be had.

        Boxes side by side ask for one archive: the first one makes it, the others wait. So do two labs at once.
        """
        with self._guard:
            job = self._jobs.setdefault(spec.name, Once(lambda: self._get(spec, tell)))
        return job()

    def _get(self, spec: EngineSpec, tell: Tell) -> Archive:
        target = self.target(spec)
        if target is None:
            if spec.kind == "static":
                fetch(spec, self.cache, tell)  # says what is missing
            raise EngineError(f"cannot put Docker {spec.name} on a box: it is whatever a box has, never an archive")
        if not target.exists():
            self._make(spec, target, tell)
        return open_archive(target, spec.sha256)

    def _make(self, spec: EngineSpec, target: Path, tell: Tell) -> None:
        if spec.kind == "static":
            fetch(spec, self.cache, tell)
            return
        with hold(self.cache, [f"engine-{spec.name}"], "engine"):
            if target.exists():  # another lab may have been at it until a moment ago
                return
            if spec.kind == "reverted":
                reverted.build(spec, self.recipes, self.cache, self.shell, tell)
            else:
                debian.build(spec, self.cache, self.shell, tell)
