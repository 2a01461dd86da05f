"""The two halves of a trial by the scenario's sequence: what a producer makes, and what a consumer rebuilds from it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.boxes.base import Box
from lab.errors import BoxError, CommandError, Fault
from lab.model import CONTROL, TrialKey, Verdict, production_phase
from lab.results.facts import BuildResult, Given
from lab.results.run import Production, Trial
from lab.run.builders.table import builder_of
from lab.run.changes.kind import Change
from lab.run.expectations import Expectation, Facts
from lab.run.faults import explain_failure, unread_because
from lab.run.judging import fault_of, judge_all, unread, with_inspections
from lab.run.scenario_file import Variation
from lab.run.scenarios import Scenario
from lab.run.station import Station
from lab.run.steps.inspect import Inspect
from lab.run.steps.kind import Step
from lab.run.steps.prune import Prune, prune
from lab.run.steps.push import Push
from lab.run.steps.table import steps_of, why_unpredictable
from lab.run.steps.work import Say, Side, Work
from lab.workers import stopping

NO_FACTS = Facts(None)
# For /bin/sh: end the programs whose variables name a path below a folder, by SIGTERM and after 5 s by SIGKILL. After
# Ctrl-C a client may have ended before its plugin, which no list of its children shows then. Without /proc: nothing.
END = """\
for signal in TERM KILL; do
  tries=50
  while [ $tries -gt 0 ]; do
    found=
    for file in /proc/[0-9]*/environ; do
      if grep -aqsF "=$1/" "$file"; then file=${file%/environ} found="$found ${file#/proc/}"; fi
    done
    [ "$found" ] || exit 0
    [ $tries -lt 50 ] || kill -s $signal $found
    tries=$((tries - 1))
    sleep 0.1
  done
done
"""


@dataclass(frozen=True, slots=True)
class Altered:
    """A named difference as the changes that make it, for a caller that has no variation of a scenario's file."""

    name: str
    changes: Sequence[Change]


def produce(
    station: Station, scenario: Scenario, reference: str, say: Say, variation: Variation | None = None, part: int = 0
) -> Production:
    """Make the producer's steps; a failure on the box is stored as the production's problem.

    `variation` is made where the sequence has it on the producer. `part` counts how often the run was resumed.
    """
    name, engine, caching = station.box.name, station.engine.name, station.engine.cache
    production = Production(producer=name, engine=engine, reference=reference, caching=caching, part=part)
    work = _work(station, scenario, "producer", reference, {}, "produce", say)
    work.cache = station.engine.cache
    _vary(work, scenario, variation)
    with station.about(production_phase(name, engine, scenario.name, part)):
        try:
            _make(work, scenario)
        except (CommandError, BoxError) as error:
            fault, problem = explain_failure(station.box, station.engine, station.registry, error)
            return production.model_copy(update={"problem": problem, "fault": fault, "context": work.recorded})
    update: dict[str, object] = {"context": work.recorded, "rounds": tuple(work.rounds[:-1])}
    if work.rounds:
        update |= {"build": work.rounds[-1].build, "options": work.rounds[-1].options}
    return production.model_copy(update=update)


def rebuild(
    station: Station,
    scenario: Scenario,
    source: Production,
    plan: Expectation,
    variation: Variation | Altered | None,
    say: Say,
    facts: Facts = NO_FACTS,
    repeat: int = 1,
) -> Trial:
    """Make the consumer's steps after another box's, and compare the outcomes of its builds with what is expected.

    `plan` is what is expected of the last build; `facts` decide which exceptions apply to an earlier one. `repeat` is
    the number of the trial among those that differ in nothing else.
    """
    key = trial_key(source, station, scenario, variation, repeat)
    work = _work_of(station, scenario, source, key, say)
    work.plan, work.facts, work.cache = plan, facts, source.caching
    _vary(work, scenario, variation)
    problem, fault = None, None
    with station.about(str(key)):
        try:
            _make(work, scenario)
        except (CommandError, BoxError) as error:
            fault, problem = explain_failure(station.box, station.engine, station.registry, error)
    build = _judged(work) if problem is None else None
    if build and build.unread_caches and (why := unread_because(station.registry, build)):
        fault, problem = Fault.REGISTRY, f"{unread(build)}: {why}"
    builds = [*work.builds[:-1], build]
    return as_trial(key).model_copy(
        update={
            "part": source.part,
            "build": build,
            "verdict": judge_all(builds),
            "because": plan.because,
            "problem": problem or next(filter(None, map(unread, builds)), None),
            "fault": fault or fault_of(build),
            "context": work.recorded,
            "rounds": tuple(work.rounds[:-1] if build else work.rounds),
            "inspections": tuple(work.inspections),
            "options": work.rounds[-1].options if work.rounds else Given(),
            "unpredictable": why_unpredictable(scenario.sequence),
        }
    )


def broken(source: Production, key: TrialKey) -> Trial:
    """The trial that cannot be made because its producer pushed no image."""
    problem = f"{source.producer} pushed no image: {source.problem}"
    return as_trial(key).model_copy(update={"problem": problem, "fault": source.fault, "part": source.part})


def as_trial(key: TrialKey) -> Trial:
    """A trial of this key that has no result yet, and so is broken."""
    return Trial(
        name=str(key),
        producer=key.producer,
        consumer=key.consumer,
        engine=key.engine,
        producer_engine=None if key.producer_engine == key.engine else key.producer_engine,
        variation=key.variation,
        repeat=key.repeat,
        verdict=Verdict.BROKEN,
    )


def trial_key(
    source: Production, station: Station, scenario: Scenario, variation: Variation | Altered | None, repeat: int = 1
) -> TrialKey:
    """The key of the trial in which this station rebuilds that production."""
    ends = (source.producer, source.engine, station.box.name, station.engine.name)
    return TrialKey(*ends, scenario.name, variation.name if variation else CONTROL, repeat)


def folder_of(station: Station, trial: str) -> PurePosixPath:
    """The folder on the box of the trial of this name; it has the folders `context` and `config`."""
    return station.home / slug_of(trial)


def slug_of(trial: str) -> str:
    """The name of the folder of the trial of this name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", trial)


def clear(station: Station) -> None:
    """Remove this run's files from the box, and the run's folder and lab-runs once they are empty.

    After Ctrl-C it first ends the programs that still use these files: buildx would write them again.
    """
    home = station.home
    caches = [home.parent / "caches"] if station.engine.cache == "local" else []
    if stopping.is_set():
        _end_users(station.box, home)
    lines = (["rm", "-rf", *map(str, [home, *caches])], ["rmdir", str(home.parent), str(home.parent.parent)])
    station.box.run(["sh", "-c", "; ".join(map(shlex.join, lines))], timeout=60)  # one round trip for both


def remove_left(box: Box, folder: PurePosixPath) -> None:
    """Remove a folder that another lab process has left, after the programs that still use it have ended."""
    _end_users(box, folder)
    box.run(["rm", "-rf", str(folder)], timeout=60)


def _end_users(box: Box, folder: PurePosixPath) -> None:
    box.run(["sh", "-c", END, "sh", str(folder)], timeout=60)


def _work_of(station: Station, scenario: Scenario, source: Production, key: TrialKey, say: Say) -> Work:
    """The consumer's side of a trial, before its first step."""
    return _work(
        station,
        scenario,
        "consumer",
        source.reference,
        scenario.references(source.reference),
        slug_of(str(key)),
        lambda what: say(f"{source.producer}: {what}"),
    )


def _work(
    station: Station, scenario: Scenario, side: Side, reference: str, names: dict[str, str], slug: str, say: Say
) -> Work:
    pushes = scenario.pushes or (scenario.inspects and not builder_of(station.engine.builder).has_images)
    own = f"-{re.sub('[^a-z0-9]+', '-', slug.lower()).strip('-')}" if side == "consumer" and pushes else ""
    return Work(station, scenario.recipe, side, slug, reference, names, say, own=own)


def _vary(work: Work, scenario: Scenario, variation: Variation | Altered | None) -> None:
    if variation:
        made = variation.changes if isinstance(variation, Altered) else scenario.changes(variation)
        work.variation, work.change_name = made, variation.name
        work.doing = f"make the variation {variation.name}"


def _make(work: Work, scenario: Scenario) -> None:
    """Make the side's steps on an engine that holds nothing; one that was just pruned whole is not pruned again."""
    station, steps = work.station, steps_of(scenario.sequence, work.side)
    if station.reset:
        work.say("return to the first state")
        station.reset(station.engine)
    is_empty = bool(station.reset) or station.daemon in station.emptied
    station.emptied.discard(station.daemon)
    with nullcontext() if is_empty else work.emptying(prune):
        _steps(work, steps)
    if steps and isinstance(steps[-1], Prune) and steps[-1].scope == "all":
        station.emptied.add(station.daemon)


def _steps(work: Work, steps: Sequence[Step]) -> None:
    """Make the steps in order, then what each of them left to the end."""
    pushed = (Push,) if builder_of(work.station.engine.builder).has_images else (Push, Inspect)
    try:
        for number, step in enumerate(steps, 1):
            work.to_push = frozenset(later.image for later in steps[number:] if isinstance(later, pushed))
            if not step.begins_with_files:
                work.emptied()
            step.run(work)
    finally:
        with ExitStack() as ends:  # the last one first, and each of them although another fails
            ends.callback(work.withdraw)
            for end in work.endings:
                ends.callback(end)


def _judged(work: Work) -> BuildResult | None:
    return with_inspections(work.builds[-1], work.inspections) if work.rounds else None
