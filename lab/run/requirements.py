"""Whether boxes and their engines can run a scenario: each check is made before anything is started."""

from __future__ import annotations

from collections.abc import Sequence

from lab.boxes.kinds.table import kind_of
from lab.counting import counted
from lab.errors import UsageError
from lab.machines.ready import Ready
from lab.run.scenarios import Scenario


def check_reach(ready: Sequence[Ready], caches: Sequence[str]) -> None:
    """Raise UsageError if a cache in a folder of one box would have to be read on another one."""
    if "local" in caches and len(ready) > 1:
        raise UsageError(
            f"cannot use the cache local with {counted(len(ready), 'box', 'boxes')}: its folder is on the producer "
            "alone",
            hint="--cache registry-max goes through the registry; --lineup local has one box",
        )


def check_builders(scenario: Scenario, builders: Sequence[str]) -> None:
    """Raise UsageError if a builder cannot run the scenario, or cannot make a step of its sequence."""
    for name in dict.fromkeys(builders):
        if problem := scenario.problem_with(name):
            raise UsageError(
                f"cannot run {scenario.name} with the builder {name}: {problem}",
                hint=f"builders of this scenario: {', '.join(scenario.file.builders)}",
            )


def check_versions(scenario: Scenario, ready: Sequence[Ready]) -> None:
    """Raise UsageError if one of these engines is a Docker whose version cannot build the scenario."""
    for engine in (engine for item in ready for engine in item.engines):
        if engine.program == "docker" and not scenario.fits(engine.server):
            raise UsageError(
                f"cannot run {scenario.name} with {engine.title}: it needs Docker {scenario.file.needs}",
                hint="name an engine with --engine; `python -m lab engines` lists them",
            )


def check_clock(scenario: Scenario, used: Sequence[Ready]) -> None:
    """Raise UsageError if a step moves the clock of a machine that lab did not make."""
    others = [item.box.name for item in used if not kind_of(item.spec).is_made_by_lab]
    if scenario.moves_clock and others:
        raise UsageError(
            f"cannot run {scenario.name} on {others[0]}: a step moves the clock, which all programs of a machine share",
            hint="name a lineup of virtual machines, such as --lineup debian",
        )
