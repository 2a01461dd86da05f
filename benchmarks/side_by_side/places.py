"""Where the contestants work: two hosts behind ssh on this machine, or the virtual machines of the lineup `debian`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.side_by_side.contestant import Call
from benchmarks.side_by_side.workload import Target, Workload, seconds_of_sequence, sequence
from lab.boxes.base import Box
from lab.boxes.ssh import SshBox
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.model import Progress
from lab.project import Project, find
from lab.registry import server
from lab.report import bundle
from lab.results.run import find as find_run
from lab.results.shelf import matching
from tests.faults.hosts import hosts
from tests.faults.workplace import Workplace

SCENARIO = "copy-bust"
ENGINE = "20.10.24"  # on the virtual machines


@dataclass(frozen=True)
class Place:
    """Two hosts with an engine each, and the checkout whose lineup they are; `words` are options of `lab repro`."""

    title: str
    lineup: str
    project: Project
    boxes: tuple[Box, ...]
    targets: tuple[Target, ...]
    env: Mapping[str, str]
    words: tuple[str, ...] = ()
    emulated: bool = False

    def repeated(self, times: int) -> Place:
        """The same hosts, on which `lab repro` makes each trial so many times."""
        return replace(self, words=(*self.words, "--repeat", str(times)))

    @property
    def repro(self) -> Call:
        """The call of `lab repro` as a user types it, for the bug report's scenario on these hosts."""
        words = ("repro", SCENARIO, "--lineup", self.lineup, "--allow-prune", *self.words)
        return Call((sys.executable, "-m", "lab", *words), self.env, self.project.root)

    def recorded(self) -> Workload:
        """Run `lab repro` once, which also puts the base image into the registry; gives its commands as a workload."""
        call = self.repro
        done = subprocess.run(call.argv, env=call.environment, cwd=call.cwd, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"lab repro ended with {done.returncode}: {done.stderr.decode()}")
        evidence = bundle.evidence_of(find_run(self.project.results, None))
        return sequence(evidence, self.targets)

    def inside(self, rounds: int) -> list[float]:
        """The seconds that the sequence alone took in each of the newest runs, the oldest first."""
        runs = matching(self.project.results, f"*-{SCENARIO}")[-rounds:]
        return [seconds_of_sequence(bundle.evidence_of(run)) for run in runs]

    @contextmanager
    def served(self, workload: Workload, name: str) -> Iterator[Workload]:
        """The workload for a contestant of this name, with a registry that every host reaches as lab's own hosts do."""
        if not workload.repro:
            yield workload
            return
        with (
            server.serve(None, None, quiet, store=self.project.state, boxes=self.boxes) as store,
            server.doors(store, self.boxes),
        ):
            yield workload.filled(name, store.prefix, store.client_config or b"")


@contextmanager
def loopback(folder: Path) -> Iterator[Place]:
    """Two network namespaces of this machine, each with an sshd and a Docker 20.10.24 of its own; needs root."""
    cache = find().cache
    workplace = Workplace(folder / "place", cache)
    try:
        with hosts(folder, cache, workplace), opened(workplace.project, "hosts") as (boxes, targets):
            title = "two hosts behind ssh, each a network namespace of this machine with an engine 20.10.24 of its own"
            yield Place(title, "hosts", workplace.project, boxes, targets, workplace.environment())
    finally:
        workplace.call("down")
        workplace.remove()


@contextmanager
def machines() -> Iterator[Place]:
    """The two virtual machines of the lineup `debian` with one engine; they are brought up if they are not."""
    project = find()
    with opened(project, "debian", [ENGINE]) as (boxes, targets):
        title = f"the two virtual machines of the lineup debian with the engine {ENGINE}"
        yield Place(title, "debian", project, boxes, targets, {}, ("--engine", ENGINE), emulated=True)


@contextmanager
def opened(
    project: Project, lineup: str, engines: Sequence[str] = ()
) -> Iterator[tuple[tuple[Box, ...], tuple[Target, ...]]]:
    """The boxes of a lineup with open connections, and how OpenSSH reaches each; `engines` are instead of their own."""
    catalog = Catalog(project.boxes)
    fleet = Fleet(project, catalog, quiet)
    ready = fleet.up(lineup, [catalog.box(name) for name in catalog.lineup(lineup).boxes], wanted=engines)
    boxes = tuple(item.box for item in ready)
    try:
        yield boxes, targets_of(boxes)
    finally:
        for box in boxes:
            box.close()


def targets_of(boxes: Sequence[Box]) -> tuple[Target, ...]:
    """How OpenSSH reaches the boxes; SystemExit for one that is not behind ssh, or has no key of its own."""
    found = []
    for box in boxes:
        address = box.address if isinstance(box, SshBox) else None
        if address is None or address.key is None:
            raise SystemExit(f"{box.name} is not behind ssh with a key of its own")
        found.append(Target(box.name, address.host, address.port, address.user, address.key))
    return tuple(found)


def quiet(event: Progress) -> None:
    """Nobody listens to the progress."""
