"""A host of the script: one box with one engine, and how its builder is called."""

from __future__ import annotations

from dataclasses import dataclass

from lab.results.facts import BoxFacts
from lab.results.run import Production, Trial


@dataclass(frozen=True)
class Host:
    """One box with one engine: the images it pushed, and its trials."""

    name: str
    facts: BoxFacts | None
    productions: tuple[Production, ...]
    trials: tuple[Trial, ...]

    @property
    def has_docker(self) -> bool:
        """False for a host with a BuildKit without Docker."""
        return self.facts is None or self.facts.is_docker

    @property
    def client(self) -> str:
        """The program that builds."""
        return "docker" if self.has_docker else "buildctl"

    @property
    def has_remote_buildx(self) -> bool:
        """True if buildx with the driver remote builds, and buildctl does the rest."""
        return self.facts is not None and self.facts.builder == "buildx-remote"

    @property
    def builder(self) -> str:
        """The function of the script that builds."""
        return "docker_buildx" if self.has_remote_buildx else self.client

    @property
    def suffix(self) -> str:
        """What the names of the script's functions for this client end with."""
        return "" if self.has_docker else "_buildctl"

    @property
    def prune(self) -> str:
        """The command that empties the engine."""
        return "docker system prune -a -f" if self.has_docker else "buildctl prune --all"
