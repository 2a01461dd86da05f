"""Where the time of each trial goes, from the recorded commands and what the builds printed; see docs/results.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lab.buildkit.progress.durations import covered
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
        if (seconds := valid(item.seconds)) is None:
            continue
        shells[item.box] = min(shells.get(item.box, seconds), seconds)
        if docker.client(item.argv):
            clients[item.box] = min(clients.get(item.box, seconds), seconds)
    return {box: (trip, max(0.0, clients.get(box, trip) - trip)) for box, trip in shells.items()}


def _timing(evidence: Evidence, trial: Trial, least: tuple[float, float]) -> Timing:
    found = evidence.during(trial.name)
    wall = valid(trial.seconds)
    if wall is None or not found:
        return Timing(trial.name, wall, len(found), {})
    parts = dict.fromkeys(PARTS, 0.0)
    for item in found:
        for name, value in _parts_of(item, *least).items():
            parts[name] += value
    # commands that ran at once, or that end after the trial, cannot take more than the time in which any of them ran
    spent, most = sum(parts.values()), min(wall, covered(map(_span, found)))
    if spent > most:
        parts = {name: value * most / spent for name, value in parts.items()}
    parts["lab"] = wall - sum(value for name, value in parts.items() if name != "lab")
    return Timing(trial.name, wall, len(found), parts)


def _parts_of(item: Exchange, trip: float, client: float) -> dict[str, float]:
    """The parts of one command, which add up to its seconds."""
    seconds = duration(item)
    parts = {"ssh": min(trip, seconds)}
    left = seconds - parts["ssh"]
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
    """The seconds of the vertexes of the builds in an output: those of BuildKit's own work, and those of a registry."""
    from lab.buildkit.progress.reader import Reader  # no other report reads build output

    reader = Reader()
    reader.feed(output)
    reader.flush()
    steps, registry = 0.0, 0.0
    for vertex in chain.from_iterable(reader.times):
        whole = max(vertex.seconds, vertex.layers)
        far = whole if vertex.name.startswith(REGISTRY) else vertex.layers
        registry += far
        steps += whole - far
    return steps, registry


def _span(item: Exchange) -> tuple[float, float]:
    start = item.started.timestamp()
    return start, start + duration(item)


def valid(seconds: float | None) -> float | None:
    """A duration of a run or a transcript; None for one of another origin that is no number of seconds."""
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None


def duration(exchange: Exchange) -> float:
    """The seconds of a command; 0 for a transcript of another origin that holds no valid number."""
    return valid(exchange.seconds) or 0.0
