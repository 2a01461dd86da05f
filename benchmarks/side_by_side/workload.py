"""What every contestant runs: the same lines of /bin/sh on the same hosts, in the same order."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath

from lab.boxes.base import Command
from lab.model import Exchange
from lab.report.evidence import Evidence
from lab.report.timing import GATHERS
from lab.run.client_login import FED

TRIVIAL = ("true", "uname -r", "id -u", "pwd", "ls /", "cat /proc/uptime")
# What stands for the base64 of the registry's login, for the run's name and for the registry, until they are known.
LOGIN, RUN_NAME, REGISTRY = "%LOGIN%", "%RUN%", "%REGISTRY%"
_SAFE = re.compile(r"[\w ./:=@-]+")


@dataclass(frozen=True, slots=True)
class Target:
    """A host as ssh reaches it; `key` is the path of a private key."""

    name: str
    host: str
    port: int
    user: str
    key: str


@dataclass(frozen=True, slots=True)
class Workload:
    """The lines of each host by phase; a phase begins on all hosts once the one before has ended on all of them.

    `repro` is true for the workload that `lab repro` performs by itself.
    """

    name: str
    phases: tuple[Mapping[str, tuple[str, ...]], ...]
    repro: bool = False

    def replaced(self, words: Mapping[str, str]) -> Workload:
        """The same with words of its lines replaced, such as the name of a run by that of a contestant."""

        def changed(line: str) -> str:
            for old, new in words.items():
                line = line.replace(old, new)
            return line

        phases = tuple({host: tuple(map(changed, lines)) for host, lines in phase.items()} for phase in self.phases)
        return replace(self, phases=phases)

    def filled(self, name: str, registry: str, login: bytes) -> Workload:
        """The same with what a contestant uses: a name for its folders, a registry, and the login for it."""
        return self.replaced({LOGIN: base64.b64encode(login).decode(), RUN_NAME: name, REGISTRY: registry})

    @property
    def commands(self) -> int:
        """The number of commands on all hosts together."""
        return sum(len(lines) for phase in self.phases for lines in phase.values())


def trivial(targets: Sequence[Target]) -> Workload:
    """Six commands that do almost nothing, on each host: what is left is the cost of the contestant itself."""
    return Workload("six trivial commands", ({target.name: TRIVIAL for target in targets},))


def sequence(evidence: Evidence, targets: Sequence[Target]) -> Workload:
    """The commands of a run of lab that make its productions and trials, and the removal of their folders.

    lab's listings of the contexts are left out, because nobody else makes them. The client's configuration for the
    registry, which lab sends as the input of a command, is a part of the line: LOGIN stands for it, RUN_NAME for the
    name of the run, and REGISTRY for the registry; see `filled`.
    """
    run = evidence.run
    made, tried = _phases(evidence)
    ends = [item for item in evidence.exchanges if not item.about and " rm -rf " in f" {' '.join(item.argv)}"]
    phases = [[item for item in evidence.exchanges if item.about in names] for names in (made, tried)]
    phases[-1] += ends
    lines = tuple({target.name: _lines(phase, target.name) for target in targets} for phase in phases)
    times = max(trial.repeat for trial in run.trials)
    name = "build, push, prune, rebuild" + (f", each rebuild {times} times" if times > 1 else "")
    found = Workload(name, lines, repro=True)
    return found.replaced({run.name: RUN_NAME, run.registry: REGISTRY})


def seconds_of_sequence(evidence: Evidence) -> float:
    """The seconds of a run from the first command of its productions to the end of the last one of its trials."""
    names = {name for phase in _phases(evidence) for name in phase}
    mine = [item for item in evidence.exchanges if item.about in names]
    return max(item.started.timestamp() + item.seconds for item in mine) - min(
        item.started.timestamp() for item in mine
    )


def _phases(evidence: Evidence) -> tuple[list[str], list[str]]:
    """What the commands of the productions are about, and those of the trials."""
    run = evidence.run
    return [evidence.phase(item) for item in run.productions], [trial.name for trial in run.trials]


def _lines(exchanges: Iterable[Exchange], host: str) -> tuple[str, ...]:
    mine = sorted((item for item in exchanges if item.box == host), key=lambda item: item.started)
    return tuple(_line(item) for item in mine if not any(word.startswith(GATHERS) for word in item.argv))


def _line(item: Exchange) -> str:
    line = Command(item.argv, dict(item.env), PurePosixPath(item.cwd) if item.cwd else None).line()
    if not any(word.endswith(FED) for word in item.argv):
        return line
    return f"echo {LOGIN} | base64 -d | {line}"


def portable(line: str) -> str:
    """The line without any character that a template, YAML or another shell could read as its own."""
    if _SAFE.fullmatch(line):
        return line
    return f"echo {base64.b64encode(line.encode()).decode()} | base64 -d | sh"


def as_json(workload: Workload, targets: Sequence[Target]) -> str:
    """The plan that the programs of `benchmarks.side_by_side.programs` read."""
    phases = [{host: list(map(portable, lines)) for host, lines in phase.items()} for phase in workload.phases]
    return json.dumps({"targets": [asdict(target) for target in targets], "phases": phases}, indent=1)
