"""Candidates on real engines: a producer builds and pushes, then two rebuilds from its cache, without and with the
difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from lab.boxes.base import Tell
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.errors import BY_FAULT, CommandError, ConfigError, ContextError, Fault, ReadError, UsageError
from lab.machines.ready import Ready
from lab.model import Outcome
from lab.project import Project
from lab.registry import server
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.results.contexts import pack
from lab.results.facts import ImageFacts
from lab.results.run import Base, Production, Run, Trial
from lab.results.shelf import run_name
from lab.run import base_image, boxfacts
from lab.run.builders.caching import INLINE
from lab.run.builders.table import split, with_builders
from lab.run.expectations import Expectation
from lab.run.experiment import other_bases
from lab.run.faults import translate
from lab.run.gather.stream import Listing
from lab.run.minimise.candidate import Candidate, Difference
from lab.run.minimise.folder import write
from lab.run.requirements import check_reach
from lab.run.scenarios import Scenario, load_scenario
from lab.run.sequence import clear, produce, rebuild
from lab.run.station import Station
from lab.run.steps.table import stored
from lab.yamlfile import Strict

TRIALS = 2  # rebuilds for one candidate
NAME = "minimise"


@dataclass(frozen=True, slots=True)
class Ends:
    """Who builds and who rebuilds: the names of two boxes, which may be one, and of their engines; None for any.

    `builder` is that of both ends, None for the engine's usual one, and `cache` the kind of cache that builds write.
    """

    producer: str | None = None
    consumer: str | None = None
    producer_engine: str | None = None
    engine: str | None = None
    builder: str | None = None
    cache: str = INLINE

    @property
    def engines(self) -> tuple[str, ...]:
        """The names of the engines, each once."""
        return tuple(dict.fromkeys(name for name in (self.engine, self.producer_engine) if name))

    @property
    def builders(self) -> tuple[str, ...]:
        """The builder as a run takes it; none for the usual one."""
        return (self.builder,) if self.builder else ()


class Seen(Strict):
    """What an engine did with a candidate: the outcome of each step without and with the difference.

    `problem` says why there is nothing to compare. `seconds` is how long it took, and `trials` the number of rebuilds;
    a build of the producer that fails counts as one, a candidate that no engine has built as none.
    """

    steps: tuple[str, ...] = ()
    reference: tuple[Outcome, ...] = ()
    subject: tuple[Outcome, ...] = ()
    problem: str | None = None
    seconds: float = 0.0
    trials: int = TRIALS

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The differences of the steps, in their order; none if there is nothing to compare."""
        pairs = () if self.problem else zip(self.steps, self.reference, self.subject, strict=True)
        return tuple(
            Difference(step.split(None, 1)[0].upper(), first, second)
            for step, first, second in pairs
            if first is not second
        )

    @property
    def outcomes(self) -> tuple[tuple[Outcome, ...], tuple[Outcome, ...]]:
        """The outcomes without and with the difference."""
        return self.reference, self.subject

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        pairs = zip(self.steps, self.reference, self.subject, strict=True)
        return "; ".join(f"{step}: {first} without, {second} with the difference" for step, first, second in pairs)


@dataclass
class Bench:
    """Both ends, the registry and the base image; `folder` is where candidates are written before they are built."""

    producer: Station
    consumer: Station
    registry: Registry
    base: Base
    base_facts: ImageFacts
    book: Rulebook
    ready: Sequence[Ready]
    folder: Path
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    last: Run | None = None

    def make(self, candidate: Candidate) -> Seen:
        """Make the two trials of a candidate; `last` is then its run.

        Raises an error only if a box, an engine, the registry or the disk fails, not if the build does.
        """
        clock = datetime.now(UTC)
        try:
            write(candidate, self.folder)
            scenario = load_scenario(self.folder, self.base.reference)
        except (ConfigError, ContextError, ReadError) as error:
            return Seen(problem=error.message, trials=0)
        run = self._run(scenario, candidate)
        seen = _seen(scenario, run)
        self.last = run
        return seen.model_copy(update={"seconds": round((datetime.now(UTC) - clock).total_seconds(), 3)})

    def _run(self, scenario: Scenario, candidate: Candidate) -> Run:
        contexts, contents = {}, {}

        def keep(listing: Listing) -> str:
            packed = pack(listing.entries, listing.problem, list(self.book.rule_sets.values()), self.started)
            contexts[packed.key] = packed.context
            contents.update(packed.contents)
            return packed.key

        producer, consumer = replace(self.producer, keep=keep), replace(self.consumer, keep=keep)
        reference = f"{self.registry.prefix}/lab-{NAME}:{scenario.name}"
        try:
            made = produce(producer, scenario, reference, lambda what: None)
            if made.problem is None:
                made = made.model_copy(update={"image": read_image(reference, self.registry)})
            trials = tuple(self._trials(producer, consumer, scenario, candidate, made)) if not made.problem else ()
        finally:
            for station in (producer, consumer):
                station.box.run(["rm", "-rf", str(station.home)], timeout=60)
        return Run(
            name=scenario.name,
            scenario=scenario.name,
            summary=scenario.summary,
            lineup="",
            started=self.started,
            registry=self.registry.prefix,
            base=self.base,
            base_image=self.base_facts,
            bases=other_bases(scenario, self.base.reference, self.registry, self.ready),
            dockerfile=scenario.dockerfile,
            instructions=scenario.instructions,
            sequence=stored(scenario.sequence),
            boxes=tuple({id(end.facts): end.facts for end in (producer, consumer)}.values()),
            contexts=contexts,
            contents=contents,
            productions=(made,),
            trials=trials,
        )

    def _trials(
        self, producer: Station, consumer: Station, scenario: Scenario, candidate: Candidate, made: Production
    ) -> Iterator[Trial]:
        """The reference, then the trial with the difference; where two boxes differ, the producer is the reference."""
        plan = Expectation(tuple(Outcome.HIT for _ in scenario.instructions))
        (variation,) = scenario.variations((candidate.variation,))
        first = consumer if variation else producer
        yield self._checked(rebuild(first, scenario, made, plan, None, lambda what: None), first)
        yield self._checked(rebuild(consumer, scenario, made, plan, variation, lambda what: None), consumer)

    def _checked(self, trial: Trial, station: Station) -> Trial:
        """The trial, unless the box, the engine or the registry failed: that ends the work."""
        if trial.fault in (Fault.BOX, Fault.ENGINE, Fault.REGISTRY):
            raise BY_FAULT[trial.fault](f"cannot rebuild on {station.box.name}: {trial.problem}")
        return trial


def _seen(scenario: Scenario, run: Run) -> Seen:
    """What the two trials of a run show."""
    problem = run.productions[0].problem or next((trial.problem for trial in run.trials if trial.problem), None)
    builds = [trial.build for trial in run.trials if trial.build]
    if problem or len(builds) < TRIALS:
        return Seen(problem=problem or "the output holds no build", trials=len(run.trials) or 1)
    outcomes = [tuple(step.outcome for step in build.steps) for build in builds]
    unread = any(outcome in (Outcome.UNKNOWN, Outcome.ERROR) for each in outcomes for outcome in each)
    return Seen(
        steps=scenario.instructions,
        reference=outcomes[0],
        subject=outcomes[1],
        problem="an outcome could not be read" if unread else None,
    )


@contextmanager
def open_bench(ready: Sequence[Ready], project: Project, tell: Tell, ends: Ends, folder: Path) -> Iterator[Bench]:
    """Both ends with a registry and a base image for the time of the context; files on the boxes are removed.

    UsageError if an end names a box or an engine that is not there.
    """
    started = datetime.now(UTC)
    check_reach(ready, (ends.cache,))
    built = [with_builders(item, ends.builders, dict.fromkeys(item.engine_names, (ends.cache,))) for item in ready]
    with ExitStack() as stack:
        boxes = [item.box for item in built]
        registry = stack.enter_context(server.serve(None, None, tell, store=project.state, boxes=boxes))
        stack.enter_context(server.doors(registry, boxes))
        stations: dict[tuple[str, str], Station] = {}

        def station(box: str | None, engine: str | None, fallback: int) -> Station:
            item, chosen = _end(built, box, engine, fallback)
            key = item.box.name, chosen.name
            if key not in stations:
                stations[key] = _station(item, chosen, started, registry)
                stack.callback(clear, stations[key])
            return stations[key]

        producer = station(ends.producer, ends.producer_engine or ends.engine, 0)
        consumer = station(ends.consumer, ends.engine, -1)
        try:
            base = base_image.choose(None, registry, producer.box, producer.engine, tell)
        except CommandError as error:
            raise translate(producer.box, producer.engine, registry, error) from error
        facts = read_image(base.reference, registry)
        yield Bench(producer, consumer, registry, base, facts, Rulebook(project.boxes), built, folder, started)


def _end(ready: Sequence[Ready], box: str | None, engine: str | None, fallback: int) -> tuple[Ready, Engine]:
    found = [item for item in ready if box in (None, item.box.name)]
    if not found:
        raise UsageError(f"cannot use {box}: no such box is up")
    item = found[fallback]
    engines = [one for one in item.engines if engine in (None, split(one.name)[0])]
    if not engines:
        names = ", ".join(one.name for one in item.engines)
        raise UsageError(f"cannot use the engine {engine} on {item.box.name}: it has {names or 'none'}")
    return item, engines[0]


def _station(item: Ready, engine: Engine, started: datetime, registry: Registry) -> Station:
    box = item.box
    home = PurePosixPath(box.check(["printenv", "HOME"], doing="find the home folder").text)
    try:
        facts = boxfacts.look(box, engine, item.spec.summary, item.spec.kind)
    except CommandError as error:
        raise translate(box, engine, registry, error) from error
    folder = home / "lab-runs" / run_name(NAME, started) / engine.name
    return Station(box, lambda what: nullcontext(), engine, facts, folder, registry)
