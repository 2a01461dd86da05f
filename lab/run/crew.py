"""The boxes of one run at work, side by side, each at one trial at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from lab.boxes.base import Tell
from lab.boxes.recording import RecordingBox
from lab.buildkit.rulebook import Rulebook
from lab.counting import counted
from lab.engines.engine import Docker, Engine
from lab.errors import CommandError, Interrupted, LabError
from lab.explain.predicted_trial import with_prediction
from lab.machines.ready import Ready
from lab.model import Begun, Outcome, Progress, TrialKey, Verdict
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.results.contexts import pack
from lab.results.facts import BoxFacts
from lab.results.run import Production, Trial
from lab.run import cachefacts, matrix, sequence
from lab.run.agenda import Agenda
from lab.run.asking import Answers
from lab.run.course import ONCE, Course
from lab.run.expectations import Expectation, facts_of
from lab.run.faults import translate
from lab.run.gather.stream import Listing
from lab.run.judging import as_control
from lab.run.manner import USUAL, Manner
from lab.run.recorder import Recorder
from lab.run.same_boxes import is_known
from lab.run.scenario_file import Variation
from lab.run.scenarios import Scenario
from lab.run.station import Station
from lab.run.steps.work import Say
from lab.versions import titled
from lab.workers import each, raise_first, stopping


class Crew:
    """The boxes of one run at work: facts, productions, trials, in that order on each.

    `thorough` tries variations on every engine and against every producer. Without it, the scenario's default
    variations are tried only on a box's first engine and against the first producer, so that a run stays short.
    `consumer_engines` names the engines that consumers rebuild with, `producer_engines` those that producers build
    with; without them each engine of a consumer rebuilds what the same engine built. `manner` is how each trial
    is made, `course` which trials are, and `state` the folder of this checkout's notes. `answers` are those of
    engines that were asked before. Crews of one run share `used`.
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
        manner: Manner = USUAL,
        course: Course = ONCE,
        state: Path | None = None,
        used: list[Station] | None = None,
        answers: Answers | None = None,
    ) -> None:
        self.scenario = scenario
        self.recorder = recorder
        self.boxes = boxes
        self.store = store
        self.book = book
        self.tell = tell
        self.manner = manner
        self.course = course
        self.state = state
        self.answers = answers or Answers()
        self.agenda = Agenda(
            scenario,
            recorder,
            course,
            list(boxes),
            thorough=thorough,
            consumer_engines=consumer_engines,
            producer_engines=producer_engines,
        )
        self.stations: dict[tuple[str, str], Station] = {}  # those whose image is made, if they make one
        self._used = [] if used is None else used  # all that may have files of the run on their box
        self._homes: dict[str, PurePosixPath] = {}
        self.emptied: set[tuple[str, Docker]] = set()  # the daemons that hold nothing, by box and client
        self._digests: dict[tuple[bytes, str], str] = {}

    def trials(
        self, producers: Sequence[Ready], consumers: Sequence[Ready], variations: Sequence[Variation | None]
    ) -> None:
        """Make every trial: first with the engines that are started, then with those that are started later.

        Each time all boxes do their facts and productions side by side, then their rebuilds side by side. The failure
        of a box costs only its own trials, and is raised when the others have made theirs.
        """
        self.agenda.producers = {item.box.name for item in producers}
        self.agenda.consumers = {item.box.name for item in consumers}
        self.agenda.vary(variations)
        boxes = {item.box.name: item for item in [*producers, *consumers]}
        self.agenda.engines = {name: list(item.engine_names) for name, item in boxes.items()}
        self.agenda.plan()
        errors: dict[str, LabError] = {}
        try:
            errors |= self._round({name: partial(self._begin, item) for name, item in boxes.items()})
            waiting = {name: item for name, item in boxes.items() if item.later and name not in errors}
            if waiting and not stopping.is_set() and not self.manner.has_ended:
                errors |= self._round({name: partial(self._begin_later, item) for name, item in waiting.items()})
            raise_first(errors)
        finally:
            self.clear()

    def _round(self, begin: Mapping[str, Callable[[], None]]) -> dict[str, LabError]:
        """Prepare these boxes, then make all trials that are possible by then; the errors of boxes that failed."""
        lost = self._together(begin, lambda name: begin[name]())
        for name, error in lost.items():
            self.tell(Progress(name, error.message, done=True, failed=True))
            del self.agenda.engines[name]
        self.agenda.plan()
        possible = self.agenda.possible()
        if self.scenario.project:  # a consumer is expected to do what the producer did
            controls = {name: list(filter(matrix.is_control, keys)) for name, keys in possible.items()}
            lost |= self._rebuilds(controls)
            possible = {name: [key for key in keys if key not in controls[name]] for name, keys in possible.items()}
        return lost | self._rebuilds(possible)

    def _rebuilds(self, keys: Mapping[str, Sequence[TrialKey]]) -> dict[str, LabError]:
        """Make these trials of each consumer side by side; the errors of boxes that failed."""
        return self._together([name for name, own in keys.items() if own], lambda name: self._consume(name, keys[name]))

    def _together(self, names: Iterable[str], work: Callable[[str], None]) -> dict[str, LabError]:
        """Work side by side on these boxes; the errors of those that failed, once all have ended."""

        def close() -> None:
            for box in self.boxes.values():
                box.close()

        return each(names, work, on_stop=close)[1]

    def _begin(self, item: Ready) -> None:
        """Prepare every engine of a box that is started."""
        for engine in item.engines:
            self._prepare(item, engine)

    def _begin_later(self, item: Ready) -> None:
        """Start the other engines of a box, and prepare each; one that cannot be had is left out of the plan."""
        for later in item.later:
            self.tell(Progress(item.box.name, f"waiting for {titled(later.name)}"))
            engine = later.start()
            if engine is None:
                self.agenda.engines[item.box.name].remove(later.name)
            else:
                self._prepare(item, engine)

    def _prepare(self, item: Ready, engine: Engine) -> None:
        """Ask a box for its facts with an engine, and let it produce if it is a producer."""
        name = item.box.name
        station = self.station(item, engine)
        if self.agenda.needs_image(name, engine.name):
            self.produce(station)
        self.stations[name, engine.name] = station
        self.agenda.ready.add((name, engine.name))

    def station(self, item: Ready, engine: Engine) -> Station:
        """The box with this engine, whose facts are stored; it has produced nothing yet."""
        box, name = self.boxes[item.box.name], item.box.name
        if name not in self._homes:
            self._homes[name] = PurePosixPath(box.check(["printenv", "HOME"], doing="find the home folder").text)
            if self.recorder.ground.resumed:  # the lab process that was killed may have left programs and files
                self.remove_left(name)
        facts = self._facts(item, engine)
        if self.course.stored is None or not is_known(facts, self.recorder.ground):
            self.recorder.add(facts)
        folder = self._homes[name] / "lab-runs" / self.recorder.ground.name / engine.name
        station = Station(box, box.about, engine, facts, folder, self.store, self._keep, self.emptied, item.reset)
        self.manner.use(self._used, station, self.recorder.folder, self.state)
        return station

    def remove_left(self, name: str) -> None:
        """End the programs and remove the files of this run that another process left on a box."""
        folder = self._homes[name] / "lab-runs" / self.recorder.ground.name
        sequence.remove_left(self.boxes[name], folder)

    def clear(self) -> None:
        """Remove the files of the run from all boxes that it used."""
        self.manner.clear(self._used, self.recorder.folder, self.state, self.tell)

    def _facts(self, item: Ready, engine: Engine) -> BoxFacts:
        """What an engine says of itself and of its box."""
        box = self.boxes[item.box.name]
        try:
            return self.answers.of(box, item, engine)
        except CommandError as error:
            raise translate(box, engine, self.store, error) from error

    def produce(self, station: Station) -> None:
        """Let a station build and push its image, and store how that went."""
        name, engine = station.box.name, station.engine.name
        reference = self.store.reference(self.scenario.name, name, engine)
        clock = datetime.now(UTC)
        part = len(self.recorder.ground.resumed)
        production = sequence.produce(station, self.scenario, reference, self._say(name), part=part)
        _not_stopped(name)
        seconds = round((datetime.now(UTC) - clock).total_seconds(), 3)
        image = None if production.problem else read_image(reference, self.store)
        cache = None if production.problem else cachefacts.look(station, production.caching, reference)
        update = {"started": clock, "seconds": seconds, "image": image, "cache": cache}
        self.recorder.add(production.model_copy(update=update))
        problem = production.problem
        self.tell(Progress(name, _in_short(problem) if problem else "image built and pushed", failed=bool(problem)))

    def _consume(self, name: str, keys: Sequence[TrialKey]) -> None:
        """Make these trials of one consumer, one after another."""
        facts = {(box.name, box.engine): box for box in self.recorder.ground.boxes}
        images = {(item.producer, item.engine): item for item in self.recorder.ground.productions}  # the newest of each
        for key in keys:
            if self.manner.has_ended:
                break
            self.agenda.begun.add(key)
            self.recorder.watch(Begun(key))
            source = key.producer, key.producer_engine
            trial = self._trial(key, self.stations[name, key.engine], images[source], facts[source])
            _not_stopped(trial.name)
            self.recorder.add(trial)
            self.tell(Progress(name, summary(trial)))
            self.manner.after(trial, self.stations[name, key.engine])
        left = self.agenda.left(name)
        self.tell(Progress(name, f"{counted(len(left), 'trial')} left" if left else "all trials made", done=not left))

    def _trial(self, key: TrialKey, station: Station, source: Production, producer: BoxFacts) -> Trial:
        if source.problem is not None:
            return sequence.broken(source, key)
        plan = self.agenda.expectation(key, facts_of(self.book, station.facts, producer))
        return with_prediction(self.recorder.ground, self.rebuild(key, station, source, producer, plan), self.book)

    def rebuild(
        self, key: TrialKey, station: Station, source: Production, producer: BoxFacts, plan: Expectation
    ) -> Trial:
        """Make one trial, of which `plan` is expected, with the time that it took."""
        variation, clock = self.agenda.variations[key.variation], datetime.now(UTC)
        facts, say = facts_of(self.book, station.facts, producer), self._say(station.box.name)
        trial = sequence.rebuild(station, self.scenario, source, plan, variation, say, facts, key.repeat)
        if self.scenario.project and matrix.is_control(trial.key):
            trial = as_control(trial)
        seconds = round((datetime.now(UTC) - clock).total_seconds(), 3)
        return trial.model_copy(update={"seconds": seconds, "started": clock})

    def _keep(self, listing: Listing) -> str:
        rule_sets, started = list(self.book.rule_sets.values()), self.recorder.ground.started
        return self.recorder.keep(pack(listing.entries, listing.problem, rule_sets, started, self._digests))

    def _say(self, name: str) -> Say:
        return lambda what: self.tell(Progress(name, what))


def summary(trial: Trial) -> str:
    """One line on a trial that was just made."""
    ran = [step.instruction for step in trial.build.steps if step.outcome is Outcome.RAN] if trial.build else []
    done = "broken" if trial.verdict is Verdict.BROKEN else f"{', '.join(ran)} ran" if ran else "all hit"
    return f"{trial.engine} from {trial.producer}, {trial.variation}: {done}"


def _not_stopped(what: str) -> None:
    """Raise Interrupted after Ctrl-C: connections are closed then, so a trial made since has no result."""
    if stopping.is_set():
        raise Interrupted(f"stopped during {what}")


def _in_short(problem: str) -> str:
    """What failed, without the command and its output, which the table shows."""
    return problem.partition("\n")[0].partition(": `")[0]
