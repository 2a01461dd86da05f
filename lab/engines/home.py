"""Where the files of an engine on this machine are."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from lab.engines.daemon import Daemon
from lab.engines.holding import note_of


class Home:
    """The places of one engine on this machine: its folder below STATE/engines, its note beside it, its daemon."""

    def __init__(self, state: Path, name: str, version: str | None = None, kind: type[Daemon] = Daemon) -> None:
        self.name = name
        self.folder = (state / "engines" / name).absolute()
        self.note = note_of(name, state)
        self.log = self.folder / "log"
        self.data = self.folder / "data"
        self.cgroup = f"lab-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}"
        self.daemon = kind(
            name,
            containerd=True,
            home=PurePosixPath(self.folder.parent),
            var=PurePosixPath(self.data),
            run=PurePosixPath("/run", self.cgroup),  # short: a socket's path has 108 bytes at most
            options=kind.private_options(self.cgroup, number(version or "0")),
            private=True,
        )

    @property
    def client(self) -> tuple[str, ...]:
        """How the engine's own client is called."""
        return self.daemon.client(str(self.daemon.programs / self.daemon.proven[1]))


def number(version: str) -> list[int]:
    """A version's numbers, to be compared."""
    return [int(part) for part in version.partition("-")[0].split(".")]
