"""One box with one engine and one pushed image: what becomes of a rebuild under one difference."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lab.boxes.base import Tell
from lab.boxes.recording import RecordingBox
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.explain.build_values import flag
from lab.explain.predicted_trial import with_prediction
from lab.model import CONTROL, Outcome, Progress, TrialKey
from lab.registry.client import read_image
from lab.registry.server import Registry
from lab.results.contexts import Packed, pack
from lab.results.facts import Given
from lab.results.run import Production, Run, Trial
from lab.run import boxfacts, sequence
from lab.run.changes.commands import Commands
from lab.run.changes.kind import Change
from lab.run.expectations import Expectation
from lab.run.gather.stream import Listing
from lab.run.judging import as_control
from lab.run.recorder import Recorder
from lab.run.scenarios import Scenario
from lab.run.sequence import Altered
from lab.run.station import Station
from lab.run.steps.table import why_unpredictable
from lab.run.steps.work import Work
from lab.run.vary.axis import NotHereError, Variant

WRITE = 'printf %s "$2" > "$1"'
UNCHANGED = Variant("nothing")
NO_MODEL = "lab's model does not have this difference"


@dataclass(frozen=True, slots=True)
class Looked:
    """A difference that was made on the box and not built: the trial as far as it is known, and the files after it."""

    trial: Trial
    run: Run
    listing: Listing

    def shows(self, path: str, name: str) -> object:
        """Return a field of an object after the change; whether it is there for `presence`."""
        entry = next((item for item in self.listing.entries if item.path == path), None)
        return entry is not None if name == "presence" else getattr(entry, name, None)


@dataclass
class Bench:
    """The box at work. `home` holds all files of the run on it, and `stations` its engines by name."""

    box: RecordingBox
    title: tuple[str, str]  # of the box: its summary and its kind
    engine: Engine
    scenario: Scenario
    recorder: Recorder
    registry: Registry
    book: Rulebook
    home: PurePosixPath
    tell: Tell
    is_whole_machine: bool = False  # a machine that lab made: nobody else works on it
    stations: dict[str, Station] = field(default_factory=dict)
    _digests: dict[tuple[bytes, str], str] = field(default_factory=dict)

    @property
    def run(self) -> Run:
        """Everything that was stored so far."""
        return self.recorder.run

    @property
    def production(self) -> Production:
        """The image from which every trial rebuilds."""
        return self.run.productions[0]

    def station(self, engine: Engine) -> Station:
        """The box with one of its engines, whose facts are stored at its first use."""
        if engine.name not in self.stations:
            with self.box.about(f"{self.box.name}:{engine.name}/facts"):
                facts = boxfacts.look(self.box, engine, *self.title)
            if (facts.name, facts.engine) not in {(item.name, item.engine) for item in self.run.boxes}:
                self.recorder.add(facts)
            place = self.home / re.sub(r"[^A-Za-z0-9.-]+", "_", engine.name)
            self.stations[engine.name] = Station(
                self.box, self.box.about, engine, facts, place, self.registry, self.keep
            )
        return self.stations[engine.name]

    def produce(self, scenario: Scenario, within: str = "") -> Production:
        """Build and push the image of a scenario; `within` is a folder and a name that keep it apart from the run's."""
        station, clock = self._placed(Variant("", place=within)), datetime.now(UTC)
        reference = self.registry.reference(scenario.name, f"{self.box.name}{apart(within)}", self.engine.name)
        made = sequence.produce(station, scenario, reference, self._say)
        image = None if made.problem else read_image(reference, self.registry)
        return made.model_copy(update={"started": clock, "seconds": _since(clock), "image": image})

    def look(self, name: str, variant: Variant) -> Looked:
        """Make the difference, list the files, and predict the rebuild; NotHereError if the box refuses the change."""
        kept: list[tuple[Packed, Listing]] = []

        def keep(listing: Listing) -> str:
            kept.append((self._packed(listing), listing))
            return kept[-1][0].key

        station = replace(self._placed(variant), keep=keep)
        key, recipe = self._key(name, station.engine), self.scenario.recipe
        reference = self.production.reference
        names = self.scenario.references(reference)
        work = Work(station, recipe, "consumer", f"look-{name}", reference, names, lambda text: None)
        with station.about(f"{key}, without a build"):
            try:
                if variant.images:
                    variant.images(station)
                work.context()
                for change in self._changes(variant):
                    work.change(change, f"make the change {name}")
                work.record()
            except CommandError as error:
                raise NotHereError(_reason(error)) from error
            finally:
                work.withdraw()
                station.box.run(["rm", "-rf", str(station.home / f"look-{name}")], timeout=60)
        packed, listing = kept[-1]
        given = Given(arguments=dict(work.options.arguments), flags=work.options.words)
        trial = _trial(key, packed.key, given, self._own_dockerfile(variant), self.scenario)
        run = self.run.model_copy(
            update={
                "contexts": {**self.run.contexts, packed.key: packed.context},
                "contents": {**self.run.contents, **packed.contents},
            }
        )
        return Looked(self.predicted(run, trial, variant), run, listing)

    def predicted(self, run: Run, trial: Trial, variant: Variant) -> Trial:
        """The trial with its prediction; all is unknown, with a reason, where lab's model has not the difference."""
        if variant.predictable:
            return with_prediction(run, trial, self.book)
        steps = len(run.instructions)
        return trial.model_copy(update={"predicted": (Outcome.UNKNOWN,) * steps, "unpredicted": (NO_MODEL,) * steps})

    def build(self, name: str, variant: Variant, control: Trial | None) -> Trial:
        """Make the trial; of each step it expects what the control did. Without a control, this is the control."""
        clock = datetime.now(UTC)
        trial = self.rebuild(self.scenario, self.production, name, variant, control)
        trial = as_control(trial) if control is None else trial
        update = {"started": clock, "seconds": _since(clock), "dockerfile": self._own_dockerfile(variant)}
        return self.predicted(self.run, trial.model_copy(update=update), variant)

    def rebuild(
        self,
        scenario: Scenario,
        source: Production,
        name: str,
        variant: Variant,
        control: Trial | None,
        within: str = "",
    ) -> Trial:
        """Rebuild from an image of this scenario under a difference; `within` is as for `produce`."""
        outcomes = tuple(step.outcome for step in control.build.steps) if control and control.build else None
        plan = Expectation(outcomes or tuple(Outcome.HIT for _ in scenario.instructions))
        change = None if name == CONTROL else Altered(name, self._changes(variant))
        station = self._placed(variant, within)
        with variant.around(station.box):
            return sequence.rebuild(station, scenario, source, plan, change, self._say)

    def clear(self) -> None:
        """Remove the run's files from the box."""
        for station in self.stations.values():
            sequence.clear(station)

    def key_of(self, name: str, variant: Variant) -> TrialKey:
        """The key of a trial."""
        return self._key(name, variant.engine or self.engine)

    def _key(self, name: str, engine: Engine) -> TrialKey:
        box = self.box.name
        return TrialKey(box, self.engine.name, box, engine.name, self.scenario.name, name)

    def _placed(self, variant: Variant, within: str = "") -> Station:
        station = self.station(variant.engine or self.engine)
        return replace(station, home=station.home / within / variant.place)

    def _changes(self, variant: Variant) -> tuple[Change, ...]:
        """The changes of a variant, its Dockerfile among them."""
        if variant.dockerfile is None:
            return variant.changes
        return (*variant.changes, written(self.place_of_dockerfile, variant.dockerfile))

    @property
    def place_of_dockerfile(self) -> str:
        """Where the Dockerfile is on the box, relative to the context."""
        return flag("file", self.scenario.options.words) or "Dockerfile"

    def _own_dockerfile(self, variant: Variant) -> str | None:
        """The text of a Dockerfile that the context does not hold."""
        return variant.dockerfile if self.place_of_dockerfile.startswith("..") else None

    def _packed(self, listing: Listing) -> Packed:
        rule_sets = list(self.book.rule_sets.values())
        return pack(listing.entries, listing.problem, rule_sets, self.run.started, self._digests)

    def keep(self, listing: Listing) -> str:
        """Store the files of a context, and return their key."""
        return self.recorder.keep(self._packed(listing))

    def _say(self, what: str) -> None:
        self.tell(Progress(self.box.name, what))


def written(place: str, text: str) -> Change:
    """Return the change that writes a text to a file, which may lie beside the context."""
    return Commands(run=(("sh", "-c", WRITE, "sh", place, text),))


def engines_of(made: Mapping[str, Callable[[], Engine]]) -> dict[str, Callable[[], Engine]]:
    """Return the same functions, each of which makes its engine once."""
    known: dict[str, Engine] = {}

    def once(name: str) -> Engine:
        if name not in known:
            known[name] = made[name]()
        return known[name]

    return {name: (lambda name=name: once(name)) for name in made}  # type: ignore[misc]


def _trial(key: TrialKey, context: str, given: Given, text: str | None, scenario: Scenario) -> Trial:
    """A trial that was not built."""
    return sequence.as_trial(key).model_copy(
        update={
            "problem": "it was not built",
            "context": context,
            "options": given,
            "unpredictable": why_unpredictable(scenario.sequence),
            "dockerfile": text,
        }
    )


def _reason(error: CommandError) -> str:
    """Why a change failed, in one line: the last line that the program printed."""
    return (error.tail() or [error.message])[-1]


def apart(within: str) -> str:
    """The end of a repository's name that keeps it apart; such a name has no capital letters."""
    word = re.sub(r"[^a-z0-9]+", "-", within.lower()).strip("-")
    return word and f"-{word}"


def _since(clock: datetime) -> float:
    return round((datetime.now(UTC) - clock).total_seconds(), 3)
