"""Where any engine's archive comes from: the cache, Docker's site, Debian's packages, a build on this machine."""

from __future__ import annotations

import threading
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.engines import debian, download, reverted
from lab.engines.archive import Archive, folder, open_archive, place
from lab.errors import UsageError
from lab.lineups import Catalog
from lab.model import Progress
from lab.pins import EngineSpec
from lab.state import hold

_making = threading.Lock()  # boxes side by side want one archive; the first one makes it


def target(spec: EngineSpec, catalog: Catalog, cache: Path) -> Path | None:
    """Where the engine's archive lies in the cache, there or not; None if it has none, or no sum yet."""
    if spec.kind == "static":
        return place(cache, spec.name, spec.sha256) if spec.sha256 else None
    if spec.kind == "reverted":
        return reverted.target_of(spec, catalog.folder / "engines", cache)
    return debian.target_of(spec, cache) if spec.suite else None


def obtain(spec: EngineSpec, catalog: Catalog, cache: Path, shell: Box, tell: Tell) -> Archive:
    """The engine's archive, from the cache or made now, once whoever asks; its bytes are checked every time.

    A reverted engine's holds dockerd alone: the rest is its base's, or that of the box it is for. Raises UsageError
    for an engine that is no archive, BusyError if another lab makes it at this moment, and what making it raises.
    """
    path = target(spec, catalog, cache)
    if spec.kind == "static":
        return open_archive(download.fetch(spec, cache, tell), spec.sha256)
    if path is None:
        raise UsageError(
            f"cannot make an archive of the engine {spec.name}: it is whatever the box has",
            hint=f"those that can be had: {', '.join(name for name, item in catalog.engines.items() if item.archived)}",
        )
    with _making:
        if path.exists():
            return open_archive(path)
        with hold(folder(cache), [spec.name], "engines build"):
            try:
                if spec.kind == "reverted":
                    return reverted.build(spec, catalog.folder / "engines", cache, shell, tell)
                return debian.build(spec, cache, shell, tell)
            except BaseException:
                tell(Progress(f"engine {spec.name}", "not made", done=True, failed=True))
                raise


def with_base(spec: EngineSpec, catalog: Catalog, cache: Path, shell: Box, tell: Tell) -> tuple[Archive, ...]:
    """All archives an engine is made of, its base first, for a machine that has no part of it."""
    specs = [catalog.engines[spec.base], spec] if spec.base else [spec]
    return tuple(obtain(item, catalog, cache, shell, tell) for item in specs)
