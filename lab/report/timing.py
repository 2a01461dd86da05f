"""Where the time of each trial goes, from the recorded commands and what the builds printed; see docs/results.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.model import Exchange
from lab.report import docker
from lab.report.evidence import Evidence
from lab.report.trials import in_order
from lab.results.run import Trial

# The parts in the order of the table; a part of a trial that was not seen is 0.
PARTS = ("lab", "ssh", "client", "BuildKit", "registry", "prune", "gather", "other")
HEADS = ("trial", "wall", "commands", *PARTS)
GATHERS = "# lab lists"  # the first words of the scripts that list a context
REGISTRY = (
    "importing cache manifest",
    "exporting cache to",
    "pushing",
    "[internal] load metadata for",
    "resolve image config",
)
_DONE = re.compile(r"#(\d+) DONE (\d+(?:\.\d+)?)s")
_NAME = re.compile(r"#(\d+) (\S.*)")
_PULLED = re.compile(r"#(\d+) (?:pulling|extracting) sha256:\S+ (?:\S+ / \S+ )?(\d+(?:\.\d+)?)s(?: done)?")


@dataclass(frozen=True, slots=True)
class Timing:
    """The seconds of one trial: `wall` for all of it, and `parts` by PARTS, which add up to it.

    `commands` counts the commands, each of which is one round trip. `wall` is None where the run does not state it.
    """

    trial: str
    wall: float | None
    commands: int
    parts: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """As JSON values, in seconds."""
        parts = {name: round(value, 4) for name, value in self.parts.items()}
        return {"trial": self.trial, "wall": self.wall, "commands": self.commands, "parts": parts}


def timings(evidence: Evidence) -> list[Timing]:
    """The timing of each trial, in the order of every report; a trial whose duration is not known has no parts."""
    least = _least(evidence.exchanges)
    return [_timing(evidence, trial, least.get(trial.consumer, (0.0, 0.0))) for trial in in_order(evidence.run)]


def total(found: Iterable[Timing]) -> Timing:
    """All trials together."""
    known = [timing for timing in found if timing.wall is not None]
    parts = {name: sum(timing.parts.get(name, 0.0) for timing in known) for name in PARTS}
    return Timing("all trials", sum(t.wall or 0.0 for t in known), sum(t.commands for t in known), parts)


def row_of(timing: Timing) -> tuple[str, ...]:
    """The cells of one timing, in seconds, under HEADS."""
    wall = "?" if timing.wall is None else f"{timing.wall:.1f}"
    cells = (f"{timing.parts[name]:.1f}" if name in timing.parts else "-" for name in PARTS)
    return (timing.trial, wall, str(timing.commands), *cells)


def _least(exchanges: Iterable[Exchange]) -> dict[str, tuple[float, float]]:
    """For each box, the seconds of its shortest command, and by how much its shortest docker command took longer."""
    shells: dict[str, float] = {}
    clients: dict[str, float] = {}
    for item in exchanges:
        shells[item.box] = min(shells.get(item.box, item.seconds), item.seconds)
        if docker.client(item.argv):
            clients[item.box] = min(clients.get(item.box, item.seconds), item.seconds)
    return {box: (trip, max(0.0, clients.get(box, trip) - trip)) for box, trip in shells.items()}


def _timing(evidence: Evidence, trial: Trial, least: tuple[float, float]) -> Timing:
    found = evidence.during(trial.name)
    if trial.seconds is None or not found:
        return Timing(trial.name, trial.seconds, len(found), {})
    parts = dict.fromkeys(PARTS, 0.0)
    for item in found:
        for name, value in _parts_of(item, *least).items():
            parts[name] += value
    # commands that ran at once, or that end after the trial, cannot take more than the time in which any of them ran
    spent, most = sum(parts.values()), min(trial.seconds, covered(sorted(map(_span, found))))
    if spent > most:
        parts = {name: value * most / spent for name, value in parts.items()}
    parts["lab"] = trial.seconds - sum(value for name, value in parts.items() if name != "lab")
    return Timing(trial.name, trial.seconds, len(found), parts)


def _parts_of(item: Exchange, trip: float, client: float) -> dict[str, float]:
    """The parts of one command, which add up to its seconds."""
    parts = {"ssh": min(trip, item.seconds)}
    left = item.seconds - parts["ssh"]
    if docker.client(item.argv):
        parts["client"] = min(client, left)
        left -= parts["client"]
    if docker.builds(item.argv):
        return {**parts, **_steps_of(item, left)}
    return {**parts, _kind(item): left}


def _kind(item: Exchange) -> str:
    if docker.prunes(item.argv):
        return "prune"
    if docker.verb(item.argv) in ("push", "pull", "image push", "image pull"):
        return "registry"
    return "gather" if any(word.startswith(GATHERS) for word in item.argv) else "other"


def _steps_of(item: Exchange, left: float) -> dict[str, float]:
    """What the build printed of its steps; steps that ran at once are shortened so that they fit into the command."""
    steps, registry = printed(f"{item.stdout.decode('utf-8', 'replace')}\n{item.stderr.decode('utf-8', 'replace')}")
    whole = steps + registry
    share = min(1.0, left / whole) if whole else 0.0
    return {"BuildKit": steps * share, "registry": registry * share, "other": left - whole * share}


def printed(output: str) -> tuple[float, float]:
    """The seconds of BuildKit's steps in its plain output: those of its own work, and those that a registry took."""
    names: dict[str, str] = {}
    done: dict[str, float] = {}
    pulled: dict[str, float] = {}
    for line in output.splitlines():
        if match := _DONE.match(line):
            done[match[1]] = max(done.get(match[1], 0.0), float(match[2]))  # a step may be done more than once
        elif match := _PULLED.match(line):
            pulled[match[1]] = max(pulled.get(match[1], 0.0), float(match[2]))  # layers are pulled at once
        elif match := _NAME.match(line):
            names.setdefault(match[1], match[2])
    steps, registry = 0.0, 0.0
    for number in {**done, **pulled}:
        whole = max(done.get(number, 0.0), pulled.get(number, 0.0))
        far = whole if names.get(number, "").startswith(REGISTRY) else pulled.get(number, 0.0)
        registry += far
        steps += whole - far
    return steps, registry


def _span(item: Exchange) -> tuple[float, float]:
    start = item.started.timestamp()
    return start, start + item.seconds


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The seconds that at least one span covers; each has its start and its end, and they are in order of the start."""
    whole, until = 0.0, float("-inf")
    for start, end in spans:
        whole += max(0.0, end - max(start, until))
        until = max(until, end)
    return whole
