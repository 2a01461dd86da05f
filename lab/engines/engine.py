"""An engine that answers: how its client is called, what it said of itself, and whether that is the pinned one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from lab.engines.pins import EngineSpec, plain

VERSIONS = "{{.Client.Version}} {{.Server.Version}} {{.Server.GitCommit}}"  # for docker version --format


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker that answers on a box: how to call its client, and what it said it is.

    `plugins` is the folder of the client's own plugins (buildx) where they lie beside it: a DOCKER_CONFIG that should
    know them needs them in its cli-plugins. `sums` holds the sha256 of its programs by name, `rules` names what its
    BuildKit hashes of a file, `log` is the command that prints the end of what its daemon said.
    """

    name: str
    docker: tuple[str, ...]
    client: str
    server: str
    commit: str
    plugins: PurePosixPath | None = None
    sums: dict[str, str] = field(default_factory=dict)
    buildx: str = ""
    rules: str | None = None
    log: tuple[str, ...] = ()

    def call(self, words: Iterable[str], env: Iterable[str] = ()) -> list[str]:
        """The arguments that run its client with these words; sudo keeps the variables named."""
        docker, kept = list(self.docker), ",".join(env)
        if docker[0] == "sudo" and kept:
            docker[1:1] = [f"--preserve-env={kept}"]  # sudo drops what it is not told to keep
        return [*docker, *words]


def is_pinned(spec: EngineSpec, server: str) -> bool:
    """True if a server of this version is the pinned engine, as far as a version can tell.

    An engine with a fix taken back says so at the end of its version, and no other one may.
    """
    if spec.version and plain(server) != spec.version:
        return False
    return server.endswith(f"-{spec.mark}") if spec.mark else not server.endswith("-unfixed")
