"""One program that is compared: which packages it needs, and how it is started for a workload."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.side_by_side.workload import Target, Workload


@dataclass(frozen=True, slots=True)
class Call:
    """A process to start: its words, what is added to the environment, and its working folder."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """All variables of the process. Python keeps what it has compiled, as it does for an installed program."""
        return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **self.env}


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a contestant works: the hosts, an empty folder of its own, and the programs of the benchmark's packages.

    `repro` is the call of `lab repro` on these hosts.
    """

    targets: tuple[Target, ...]
    folder: Path
    programs: Path
    repro: Call

    def write(self, name: str, text: str) -> Path:
        """Write a file of the contestant."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def ssh_config(self) -> Path:
        """A configuration of OpenSSH in which each host has its name; each start asks for no key of a host."""
        hosts = "".join(
            f"Host {one.name}\n HostName {one.host}\n Port {one.port}\n User {one.user}\n IdentityFile {one.key}\n"
            for one in self.targets
        )
        known = " IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n"
        return self.write("ssh_config", f"{hosts}Host *\n{known}")


class Contestant(ABC):
    """One program that runs a workload on hosts; one file below `contestants` and one line of the table.

    `has_registry` is true for one that starts a registry of its own for `lab repro`'s sequence.
    """

    name: str
    packages: Sequence[str] = ()
    has_registry: bool = False

    @abstractmethod
    def call(self, workload: Workload, setting: Setting) -> Call:
        """Write what the program reads, and return how it is started; the time of this is not measured."""
