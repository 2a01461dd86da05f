"""The boxes of one run at work, side by side, each at one trial at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lab.boxes.base import Tell
from lab.boxes.transcript import RecordingBox
from lab.buildkit.rulebook import Rulebook
from lab.errors import Interrupted, LabError
from lab.explain.predict import predicted
from lab.explain.subject import subject
from lab.machines.fleet import Ready
from lab.model import CONTROL, Begun, Outcome, Planned, Progress, TrialKey, Verdict
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.results.contexts import pack
from lab.results.run import BoxFacts, Production, Trial
from lab.run import boxfacts, matrix, sequence
from lab.run.gather.stream import Listing
from lab.run.recorder import Recorder
from lab.run.scenarios import Scenario, Variation, facts_of
from lab.run.sequence import Station
from lab.workers import each, raise_first, stopping


class Crew:
    """The boxes of one run at work: facts, productions, trials, in that order on each.

    `thorough` tries variations on every engine and against every producer. Without it, the scenario's default
    variations are tried only on a box's first engine and against the first producer, so that a run stays short.
    `consumer_engines` names the engines that consumers rebuild with, `producer_engines` those that producers build
    with; without them each engine of a consumer rebuilds what the same engine built.
    """

    def __init__(
        self,
        scenario: Scenario,
        recorder: Recorder,
        boxes: dict[str, RecordingBox],
        store: Registry,
        book: Rulebook,
        tell: Tell,
        *,
        thorough: bool,
        consumer_engines: tuple[str, ...] = (),
        producer_engines: tuple[str, ...] = (),
    ) -> None:
        self.scenario = scenario
        self.recorder = recorder
        self.boxes = boxes
        self.store = store
        self.book = book
        self.tell = tell
        self.thorough = thorough
        self.consumer_engines = consumer_engines
        self.producer_engines = producer_engines
        self.order = list(boxes)
        self.stations: dict[tuple[str, str], Station] = {}

    def trials(
        self, producers: Sequence[Ready], consumers: Sequence[Ready], variations: Sequence[Variation | None]
    ) -> None:
        """Facts and productions side by side, then rebuilds side by side.

        A box that is lost costs its own trials; what it raised is raised when the others have made theirs.
        """
        everyone = {item.box.name: item for item in [*producers, *consumers]}
        makers = {item.box.name for item in producers}
        known = {variation.name: variation for variation in variations if variation}
        images = [(item.box.name, engine.name) for item in producers for engine in item.engines]
        planned = self._plan(images, consumers, variations)
        try:
            lost = self._together(everyone, lambda name: self._begin(everyone[name], makers))
            for name, error in lost.items():
                self.tell(Progress(name, error.message, done=True, failed=True))
            if lost:
                images = [(made.producer, made.engine) for made in self.recorder.run.productions]
                planned = self._plan(images, [item for item in consumers if item.box.name not in lost], variations)
            raise_first(lost | self._together(planned, lambda name: self._consume(name, planned[name], known)))
        finally:
            for station in self.stations.values():
                try:
                    sequence.clear(station)
                except LabError as error:
                    self.tell(Progress(station.box.name, f"files stay behind in {station.home}: {error.message}"))

    def _plan(
        self, made: Iterable[tuple[str, str]], consumers: Sequence[Ready], variations: Sequence[Variation | None]
    ) -> dict[str, list[TrialKey]]:
        """The trials of each consumer, from the images that are there or will be; whoever watches is told."""
        planned = matrix.trials(
            sorted(made, key=lambda source: self.order.index(source[0])),
            {item.box.name: [engine.name for engine in item.engines] for item in consumers},
            self.scenario.name,
            [variation.name if variation else CONTROL for variation in variations],
            thorough=self.thorough,
            consumer_engines=self.consumer_engines,
            producer_engines=self.producer_engines,
        )
        run, every = self.recorder.run, tuple(key for keys in planned.values() for key in keys)
        self.recorder.watch(Planned(run.name, run.scenario, run.lineup, run.started, self.scenario.instructions, every))
        return planned

    def _together(self, names: Iterable[str], work: Callable[[str], None]) -> dict[str, LabError]:
        """Work side by side on these boxes; the errors of those that failed, once all have ended."""

        def close() -> None:
            for box in self.boxes.values():
                box.close()

        return each(names, work, on_stop=close)[1]

    def _begin(self, item: Ready, makers: set[str]) -> None:
        """Ask a box for its facts, and let it produce if it is a producer."""
        box, name = self.boxes[item.box.name], item.box.name
        home = PurePosixPath(box.check(["printenv", "HOME"], doing="find the home folder").text)
        for engine in item.engines:
            with box.about(f"{name}:{engine.name}/facts"):
                facts = boxfacts.look(box, engine, item.spec.summary, item.spec.kind)
            self.recorder.add(facts)
            folder = home / "lab-runs" / self.recorder.run.name / engine.name
            station = Station(box, box.about, engine, facts, folder, self.store.program == "external", self._keep)
            self.stations[name, engine.name] = station
            if name in makers and (not self.producer_engines or engine.name in self.producer_engines):
                reference = f"{self.store.prefix}/lab-{self.scenario.name}-{name}:{engine.name}"
                clock = datetime.now(UTC)
                made = sequence.produce(station, self.scenario, reference, self._say(name))
                _not_stopped(made.producer)
                seconds = round((datetime.now(UTC) - clock).total_seconds(), 3)
                image = None if made.problem else read_image(reference, self.store)
                made = made.model_copy(update={"started": clock, "seconds": seconds, "image": image})
                self.recorder.add(made)
                self.tell(Progress(name, made.problem or "image built and pushed", failed=bool(made.problem)))

    def _consume(self, name: str, keys: Sequence[TrialKey], variations: Mapping[str, Variation]) -> None:
        """All trials of one consumer, one after another."""
        facts = {(box.name, box.engine): box for box in self.recorder.run.boxes}
        made = {(item.producer, item.engine): item for item in self.recorder.run.productions}
        for key in keys:
            self.recorder.watch(Begun(key))
            source = key.producer, key.producer_engine
            trial = self._trial(
                self.stations[name, key.engine], made[source], facts[source], variations.get(key.variation)
            )
            _not_stopped(trial.name)
            self.recorder.add(trial)
            self.tell(Progress(name, _said(trial)))
        self.tell(Progress(name, "all trials made", done=True))

    def _trial(self, station: Station, source: Production, producer: BoxFacts, variation: Variation | None) -> Trial:
        if source.problem is None:
            clock = datetime.now(UTC)
            matrix = self.scenario.expectation(variation, facts_of(self.book, station.facts, producer))
            trial = sequence.rebuild(station, self.scenario, source, matrix, variation, self._say(station.box.name))
            seconds = round((datetime.now(UTC) - clock).total_seconds(), 3)
            guess = predicted(subject(self.recorder.run, trial.model_copy(update={"build": None}), self.book))
            return trial.model_copy(update={"seconds": seconds, "started": clock, "predicted": guess})
        return Trial(
            name=str(sequence.trial_key(source, station, self.scenario, variation)),
            producer=source.producer,
            consumer=station.box.name,
            engine=station.engine.name,
            producer_engine=None if source.engine == station.engine.name else source.engine,
            variation=variation.name if variation else CONTROL,
            verdict=Verdict.BROKEN,
            problem=f"{source.producer} pushed no image: {source.problem}",
        )

    def _keep(self, listing: Listing) -> str:
        rule_sets, made = list(self.book.rule_sets.values()), self.recorder.run.started
        return self.recorder.keep(pack(listing.entries, listing.problem, rule_sets, made))

    def _say(self, name: str) -> sequence.Say:
        return lambda what: self.tell(Progress(name, what))


def _not_stopped(what: str) -> None:
    """Raise Interrupted after Ctrl-C: what the closing of connections made of a trial is no result of it."""
    if stopping.is_set():
        raise Interrupted(f"stopped during {what}")


def _said(trial: Trial) -> str:
    """One line on a trial that was just made."""
    ran = [step.instruction for step in trial.build.steps if step.outcome is Outcome.RAN] if trial.build else []
    done = "all hit" if not ran and trial.verdict is not Verdict.BROKEN else f"{', '.join(ran) or 'nothing'} ran"
    return f"{trial.engine} from {trial.producer}, {trial.variation}: {done}"
