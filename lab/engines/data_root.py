"""The data of an engine on this machine: saved under a name, set back to a saved state, or made anew.

The daemon is stopped for that time. A copy shares its blocks with the original where the file system can (reflink);
elsewhere it is a plain copy. The first state of an engine has no images and no cache, so it needs no copy: the daemon
makes its data anew.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from lab.boxes.base import Box
from lab.engines.engine import Engine
from lab.engines.holding import check_free
from lab.engines.home import Home
from lab.errors import CommandError, EngineError
from lab.files import hold
from lab.workers import wait_for

SECONDS = 120


class DataRoot:
    """The data of one engine that answers on this machine, which `box` is, and its saved copies."""

    def __init__(self, box: Box, engine: Engine, name: str, state: Path) -> None:
        home = Home(state, name)
        self.box = box
        self.engine = engine
        self.name = name
        self.state = state
        self.folder = home.folder / "data" / name
        self.copies = _copies(name, state)

    def names(self) -> list[str]:
        """The names of the copies, oldest first."""
        return saved_names(self.name, self.state)

    def save(self, snapshot: str) -> None:
        """Copy the data."""
        copy, part = self.copies / snapshot, self.copies / f"{snapshot}.part"
        self.copies.mkdir(exist_ok=True)
        self._while_stopped(
            f"rm -rf {_q(part)} && cp -a --reflink=auto {_q(self.folder)} {_q(part)} && mv {_q(part)} {_q(copy)} "
            f"|| {{ rm -rf {_q(part)}; false; }}",
            f"copy the data of Docker {self.name}",
        )

    def restore(self, snapshot: str | None) -> None:
        """Replace the data by a copy, or by the first state of the engine if none is named."""
        remove = f"rm -rf --one-file-system {_q(self.folder)}"
        copy = f" && cp -a --reflink=auto {_q(self.copies / snapshot)} {_q(self.folder)}" if snapshot else ""
        self._while_stopped(remove + copy, f"replace the data of Docker {self.name}")

    def remove(self, snapshot: str) -> None:
        """Remove a copy."""
        shutil.rmtree(self.copies / snapshot)

    def _while_stopped(self, script: str, doing: str) -> None:
        """Run a script for sh between the end of the daemon and its new start, and wait until it answers again."""
        with hold(self.state, [f"engine-{self.name}"], "engine", wait=True):
            check_free(self.name, self.state)
            restarted = self.box.run(self.engine.restart, env={"LAB_BETWEEN": script}, timeout=SECONDS)
            wait_for(
                f"{self.engine.title} on this machine to answer after its restart",
                lambda: self.box.run(self.engine.ping, timeout=60).ok or "it does not answer",
                timeout=SECONDS,
                every=0.1,
                error=EngineError,
                detail=lambda: self.box.run(self.engine.log, timeout=60).text,
            )
        if not restarted.ok:
            raise CommandError(f"cannot {doing} on this machine", output=restarted.output, hint="python -m lab doctor")


def saved_names(engine: str, state: Path) -> list[str]:
    """The names of the saved copies of an engine on this machine, oldest first; the engine need not run."""
    found = (path for path in _copies(engine, state).glob("*") if path.suffix != ".part")
    return [path.name for path in sorted(found, key=lambda path: path.stat().st_ctime)]


def _copies(engine: str, state: Path) -> Path:
    """The folder of the copies; `lab down` removes it with the engine's folder."""
    return Home(state, engine).folder / "snapshots"


def _q(path: Path) -> str:
    return shlex.quote(str(path))
