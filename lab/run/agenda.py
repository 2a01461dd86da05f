"""The trials of one run while it goes on: which are planned, which have begun, and which are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.model import CONTROL, Planned, TrialKey
from lab.run import matrix
from lab.run.course import Course, is_missing
from lab.run.expectations import Expectation, Facts, combine
from lab.run.recorder import Recorder
from lab.run.scenario_file import Variation
from lab.run.scenarios import Scenario

Image = tuple[str, str]  # the producer, and the engine that it built with


class Agenda:
    """The plan of a run, which changes when an engine or a box turns out not to be usable.

    `engines` has the engines of each box that are started or will be, and `ready` the boxes and engines that are
    prepared. `begun` are the trials that have begun, and those that a resumed run has already stored.
    """

    def __init__(
        self,
        scenario: Scenario,
        recorder: Recorder,
        course: Course,
        order: Sequence[str],
        *,
        thorough: bool,
        consumer_engines: tuple[str, ...],
        producer_engines: tuple[str, ...],
    ) -> None:
        self.scenario = scenario
        self.recorder = recorder
        self.course = course
        self.order = order
        self.thorough = thorough
        self.consumer_engines = consumer_engines
        self.producer_engines = producer_engines
        self.producers: set[str] = set()
        self.consumers: set[str] = set()
        self.variations: dict[str, Variation | None] = {}
        self.engines: dict[str, list[str]] = {}
        self.ready: set[Image] = set()
        self.stored = frozenset(trial.key for trial in recorder.run.trials if not is_missing(trial))
        self.begun = set(self.stored)
        self.planned: dict[str, list[TrialKey]] = {}

    def vary(self, variations: Sequence[Variation | None]) -> None:
        """State the variations of the run, in which None is no change."""
        self.variations = {variation.name if variation else CONTROL: variation for variation in variations}

    def plan(self) -> None:
        """Plan the trials of each consumer, from the images that are there or expected; a changed plan is reported."""
        planned = matrix.planned(
            sorted(self._images(), key=lambda image: self.order.index(image[0])),
            {name: engines for name, engines in self.engines.items() if name in self.consumers},
            self.scenario.name,
            list(self.variations),
            self.course.repetition,
            controls=self.scenario.project is not None,
            thorough=self.thorough,
            consumer_engines=self.consumer_engines,
            producer_engines=self.producer_engines,
        )
        if self.course.only:
            planned = {name: [key for key in keys if self._is_asked(key)] for name, keys in planned.items()}
        if planned != self.planned:
            self.planned = planned
            run = self.recorder.run
            new = tuple(key for keys in planned.values() for key in keys if key not in self.stored)
            steps = self.scenario.instructions
            self.recorder.watch(Planned(run.name, run.scenario, run.lineup, run.started, steps, new))

    def _images(self) -> list[Image]:
        made = [(item.producer, item.engine) for item in self.recorder.run.productions]
        made += [
            (name, engine)
            for name, engines in self.engines.items()
            for engine in engines
            if name in self.producers and (name, engine) not in self.ready
        ]
        return [image for image in dict.fromkeys(made) if image[0] in self.order]

    def _is_asked(self, key: TrialKey) -> bool:
        """True for a trial that failed in an earlier run, and for the one that states what is expected of it."""
        if key in self.course.only or not self.scenario.project or not matrix.is_control(key):
            return key in self.course.only
        return any((other.producer, other.producer_engine) == (key.producer, key.engine) for other in self.course.only)

    def expectation(self, key: TrialKey, facts: Facts) -> Expectation:
        """What the scenario expects of a trial, or of a project what the producer's rebuild of its own image did."""
        plan = self.scenario.expectation(self.variations[key.variation], facts)
        run, project = self.recorder.run, self.scenario.project
        control = run.control(key.producer, key.producer_engine) if project else None
        if control is None or control.build is None:
            return plan
        own = tuple(step.outcome for step in control.build.steps)
        return replace(plan, outcomes=combine(own, plan.outcomes))

    def possible(self) -> dict[str, list[TrialKey]]:
        """The trials of each consumer that can be made now, of those that have not begun."""
        run = self.recorder.run
        images = {(item.producer, item.engine) for item in run.productions if item.part == len(run.resumed)}
        return {
            name: [
                key
                for key in keys
                if key not in self.begun
                and (name, key.engine) in self.ready
                and (key.producer, key.producer_engine) in images
            ]
            for name, keys in self.planned.items()
        }

    def needs_image(self, box: str, engine: str) -> bool:
        """True if a trial that has not begun rebuilds what this box builds with this engine."""
        if box not in self.producers or (self.producer_engines and engine not in self.producer_engines):
            return False
        if not self.stored and not self.course.only:
            return True
        return any((key.producer, key.producer_engine) == (box, engine) for key in self.left())

    def left(self, consumer: str | None = None) -> list[TrialKey]:
        """The planned trials, of one consumer or of all, that have not begun."""
        names = self.planned if consumer is None else [consumer]
        return [key for name in names for key in self.planned.get(name, []) if key not in self.begun]

    def missing(self) -> list[TrialKey]:
        """The trials that the run has not stored: those that are planned, and those that were asked for by name."""
        made = {trial.key for trial in self.recorder.run.trials}
        planned = [key for keys in self.planned.values() for key in keys]
        asked = sorted(self.course.only - set(planned), key=str)
        return [key for key in [*planned, *asked] if key not in made]
