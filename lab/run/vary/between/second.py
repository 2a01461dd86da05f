"""The second of two machines: it rebuilds the first one's image, which shows its files and what really misses there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.boxes.recording import RecordingBox
from lab.buildkit.contenthash.entry import Entry, file
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.explain.predict import options_of
from lab.explain.subject import subject
from lab.model import CONTROL, TrialKey
from lab.results.contexts import StoredContext, load_context
from lab.results.run import Trial
from lab.run import boxfacts, sequence
from lab.run.expectations import Expectation
from lab.run.faults import translate
from lab.run.own_project.project import OwnProject
from lab.run.station import Station
from lab.run.vary.bench import UNCHANGED, Bench
from lab.run.vary.between.searching import Built, Sides
from lab.run.vary.proof import in_short, outcomes_of


@dataclass(frozen=True, slots=True)
class SecondBox:
    """The machine with its engine. `home` is its folder of the run, and `title` its summary and its kind."""

    box: RecordingBox
    title: tuple[str, str]
    engine: Engine
    home: PurePosixPath

    def key(self, bench: Bench) -> TrialKey:
        """The key of the rebuild here."""
        here, made = self.box.name, bench.box.name
        return TrialKey(made, bench.engine.name, here, self.engine.name, bench.scenario.name, CONTROL)

    def rebuild(self, bench: Bench, control: Trial) -> Trial:
        """Rebuild the image of the bench here from files that are sent here; store the trial and the box's facts."""
        station = self._station(bench)
        plan = Expectation(outcomes_of(control))
        try:
            trial = sequence.rebuild(station, bench.scenario, bench.production, plan, None, lambda text: None)
        finally:
            sequence.clear(station)
        trial = bench.predicted(bench.run, trial, UNCHANGED)
        bench.recorder.add(trial)
        return trial

    def _station(self, bench: Bench) -> Station:
        with self.box.about(f"{self.box.name}:{self.engine.name}/facts"):
            try:
                facts = boxfacts.look(self.box, self.engine, *self.title)
            except CommandError as error:
                raise translate(self.box, self.engine, bench.registry, error) from error
        bench.recorder.add(facts)
        place = self.home / re.sub(r"[^A-Za-z0-9.-]+", "_", self.engine.name)
        return Station(self.box, self.box.about, self.engine, facts, place, bench.registry, bench.keep)


def sides_of(bench: Bench, there: Trial, names: tuple[str, str]) -> Sides:
    """Return what both machines have of the context; CommandError if the files of one are not known."""
    contexts = (load_context(bench.run, bench.production.context), load_context(bench.run, there.context))
    return Sides(names, *(_sent(found, name, there) for found, name in zip(contexts, names, strict=True)))


def built_by(bench: Bench, control: Trial, project: OwnProject | None) -> Built:
    """Return the build of the bench, whose own box has the first side already."""
    scenario = bench.scenario
    known = project.objects if project else [file(path, content) for path, (content, _) in scenario.context.items()]
    options = options_of(subject(bench.run, control, bench.book))
    target = scenario.project.target if scenario.project else None
    return Built(scenario.dockerfile, scenario.instructions, options, target, known)


def _sent(found: StoredContext | str, name: str, there: Trial) -> tuple[Entry, ...]:
    if isinstance(found, str):
        why = f"{found}: {in_short(there.problem)}" if there.problem else found
        raise CommandError(f"cannot compare the files of {name}: {why}")
    return tuple(found.sent_objects)
