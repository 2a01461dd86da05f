"""Random builds on the engines of this machine: one trial is a build that is pushed, and a rebuild from its cache."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from lab.buildkit.cachekeys.solver import Decision
from lab.buildkit.progress.build import Build
from lab.buildkit.progress.reader import read_builds
from lab.buildkit.rulebook import Rulebook
from lab.errors import CommandError, Fault
from lab.explain.predict import decisions
from lab.explain.subject import subject
from lab.model import Verdict
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.results.contexts import Packed, pack
from lab.results.facts import BoxFacts, Given, ImageFacts, NamedImage
from lab.results.run import Base, Production, Run, Trial
from lab.run.builders.kind import Order
from lab.run.builders.table import builder_of
from lab.run.changes.table import NamedChange
from lab.run.faults import explain_failure, translate
from lab.run.gather.stream import Listing
from lab.run.random_trials.case import Case, Names
from lab.run.random_trials.comparing import Compared, Seen, compare, seen_in
from lab.run.station import Station
from lab.run.steps.prune import prune
from lab.run.steps.work import Side, Work
from lab.yamlfile import check

SCENARIO = "random"
Wanted = Callable[[list[Decision] | str], bool]


@dataclass(frozen=True, slots=True)
class Seat:
    """One engine of this machine, which makes one half of a trial at a time."""

    station: Station
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def modern(self) -> bool:
        """True for an engine since Docker 23, whose frontend reads heredocs and `COPY --link`."""
        return bool(self.station.engine.buildx)


@dataclass(frozen=True, slots=True)
class Made:
    """One trial as it was made: the steps that the consumer printed, and all that their prediction needs, as a run.

    `problem` says why there is nothing to compare: a build failed.
    """

    case: Case
    run: Run
    seen: tuple[Seen, ...] = ()
    steps: tuple[Compared, ...] = ()
    problem: str | None = None

    @property
    def wrong(self) -> tuple[Compared, ...]:
        """The steps that contradict their prediction."""
        return tuple(step for step in self.steps if step.wrong)


@dataclass(frozen=True, slots=True)
class _Half:
    """One side's build: its context, its options, and its output, or the reason why there is none."""

    packed: Packed
    given: Given
    build: Build | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """The engines by name, the registry, the images that Dockerfiles name, and the rules of all engines."""

    seats: Mapping[str, Seat]
    registry: Registry
    names: Names
    images: Mapping[str, ImageFacts]
    book: Rulebook
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def make(self, case: Case, producer: str, consumer: str, slug: str, only_if: Wanted | None = None) -> Made:
        """Make one trial. Raises an error only if an engine, the box or the registry fails, not if a build does.

        `only_if` is asked with the predictions for the consumer; unless it returns True, the consumer does not build.
        """
        # a repository for each: the registry fails where two clients push one layer into one at the same moment
        reference = f"{self.registry.prefix}/lab-{SCENARIO}-{slug}"
        first = self._half(case, self.seats[producer], "producer", f"{slug}-producer", reference)
        if first.problem:
            return Made(case, self._run(case, producer, consumer, first, first, None), problem=first.problem)
        image = read_image(reference, self.registry)

        def goes_on(half: _Half) -> bool:
            run = self._run(case, producer, consumer, first, half, image)
            return only_if is None or only_if(predictions(run, self.book))

        second = self._half(case, self.seats[consumer], "consumer", f"{slug}-consumer", reference, goes_on)
        run = self._run(case, producer, consumer, first, second, image)
        if second.problem or second.build is None:
            return Made(case, run, problem=second.problem or "the output holds no build")
        seen = seen_in(second.build)
        return Made(case, run, seen, compared(run, seen, self.book))

    def _half(
        self,
        case: Case,
        seat: Seat,
        side: Side,
        slug: str,
        reference: str,
        goes_on: Callable[[_Half], bool] = lambda half: True,
    ) -> _Half:
        kept: list[Packed] = []
        station = replace(seat.station, keep=lambda listing: self._keep(listing, kept))
        recipe = case.recipe(self.names)
        work = Work(station, recipe, side, slug, reference, {}, lambda text: None)
        for name, value in case.arguments.items():
            work.options += check({"argument": {name: value}}, NamedChange, "the build's arguments").change.options()
        if case.flags:
            work.options += check({"flag": case.flags}, NamedChange, "the build's flags").change.options()
        build, problem = None, None
        with seat.lock:
            try:
                self._prepare(work, case)
                half = _Half(kept[-1], Given(arguments=dict(work.options.arguments), flags=work.options.words))
                if not goes_on(half):
                    return replace(half, problem="its predictions are not those that are looked for")
                build = self._build(work, reference)
            except CommandError as error:
                fault, problem = explain_failure(station.box, station.engine, station.registry, error)
                if fault is not Fault.COMMAND:
                    raise translate(station.box, station.engine, station.registry, error) from error
            finally:
                station.box.run(["rm", "-rf", str(station.home / slug)], timeout=60)
        given = Given(arguments=dict(work.options.arguments), flags=work.options.words)
        return _Half(kept[-1] if kept else pack((), "it was not made", ()), given, build, problem)

    def _prepare(self, work: Work, case: Case) -> None:
        """Empty the engine, make the context of one side, and store it."""
        prune(work)
        work.context()
        for item in case.change if work.side == "consumer" else ():
            work.change(filled(item, self.names).change, f"make the change {item.kind}")
        work.record()

    def _build(self, work: Work, reference: str) -> Build | None:
        """Build one side's context, and push the producer's image."""
        sources = [reference] if work.side == "consumer" else []
        push = work.side == "producer"
        order = Order(work.make("image"), sources, frozenset(), True, ".", work.options, push, work.caching)
        result = builder_of("buildkit").build(work, order)
        if work.side == "producer":
            work.docker(["push", reference], "push the image")
        builds = read_builds(result.stderr + result.stdout)
        return builds[-1] if builds else None

    def _keep(self, listing: Listing, kept: list[Packed]) -> str:
        kept.append(pack(listing.entries, listing.problem, list(self.book.rule_sets.values()), self.started))
        return kept[-1].key

    def _run(
        self, case: Case, producer: str, consumer: str, first: _Half, second: _Half, image: ImageFacts | None
    ) -> Run:
        """The trial in the form in which a run is stored, so that everything that reads runs can read it."""
        used = self.names.fill(case.dockerfile + json.dumps([item.model_dump(mode="json") for item in case.change]))
        return Run(
            name=SCENARIO,
            scenario=SCENARIO,
            summary="a random build",
            lineup="local",
            started=self.started,
            registry=self.registry.prefix,
            base=Base(reference=self.names.base, source="busybox"),
            base_image=self.images[self.names.base],
            bases=tuple(
                NamedImage(reference=name, image=facts)
                for name, facts in self.images.items()
                if name != self.names.base and name in used
            ),
            dockerfile=self.names.fill(case.dockerfile),
            boxes=tuple(_short(self.seats[name].station.facts) for name in dict.fromkeys((producer, consumer))),
            contexts={half.packed.key: half.packed.context for half in (first, second)},
            contents={**first.packed.contents, **second.packed.contents},
            productions=(
                Production(
                    producer="local",
                    engine=producer,
                    reference="",
                    context=first.packed.key,
                    image=image,
                    options=first.given,
                ),
            ),
            trials=(
                Trial(
                    name=f"local:{producer}>local:{consumer}/{SCENARIO}:none",
                    producer="local",
                    consumer="local",
                    engine=consumer,
                    producer_engine=producer,
                    variation="none",
                    verdict=Verdict.AS_EXPECTED,
                    context=second.packed.key,
                    options=second.given,
                ),
            ),
        )


def predictions(run: Run, book: Rulebook) -> list[Decision] | str:
    """Predict each step of the only trial of a run; or the reason why nothing can be predicted."""
    return decisions(subject(run, run.trials[0], book))


def compared(run: Run, seen: Iterable[Seen], book: Rulebook) -> tuple[Compared, ...]:
    """Predict the only trial of a run, and compare each step with what was printed."""
    return compare(predictions(run, book), seen)


def filled(item: NamedChange, names: Names) -> NamedChange:
    """Return the change with the names of this run in it."""
    text = names.fill(item.model_dump_json(exclude_none=True, by_alias=True))
    return check(json.loads(text), NamedChange, "a random change")


def _short(facts: BoxFacts) -> BoxFacts:
    """The facts without what names this machine; the lines that a prediction reads stay."""
    version = [line for line in facts.version.splitlines() if "OS/Arch" in line or "Version:" in line]
    info = [line for line in facts.info.splitlines() if "Storage Driver" in line or "driver-type" in line]
    return facts.model_copy(update={"version": "\n".join(version), "info": "\n".join(info), "kernel": "", "sums": {}})


def engines_of(seats: Sequence[str], number: int) -> tuple[str, str]:
    """The producer's and the consumer's engine of a trial: in turn, every third time with another engine's image."""
    count = len(seats)
    consumer, turn = number % count, number // count
    others = 1 + turn // 3 % (count - 1) if count > 1 and turn % 3 == 2 else 0
    return seats[(consumer + others) % count], seats[consumer]
