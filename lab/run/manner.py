"""How the trials of a run are made: what makes an engine clean before each side, and what happens after a trial."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lab.boxes.base import Tell
from lab.errors import Interrupted
from lab.machines import kept
from lab.model import Outcome, Progress, Verdict
from lab.report.prediction import contradictions
from lab.results.run import Fresh, Trial
from lab.run import sequence
from lab.run.station import Station
from lab.workers import each, stopping


@dataclass(frozen=True, slots=True)
class Surprise:
    """A trial that is not as expected, the first step of it that is not, and the station that made it.

    `folder` is that of the trial on the box.
    """

    trial: Trial
    step: str
    station: Station
    folder: PurePosixPath


@dataclass(frozen=True)
class Manner:
    """How trials are made.

    `fresh` empties an engine before each side: `prune` by its own command, `snapshot` by the first state of the box.
    `keep` leaves the folders of the trials on the boxes. `stop` is called with each surprise, one at a time; the run
    goes on if it returns True, and ends otherwise. With `fail_fast`, a surprise ends the run: each box still ends the
    trial that it makes, and begins no other.
    """

    fresh: Fresh = "prune"
    keep: bool = False
    stop: Callable[[Surprise], bool] | None = None
    fail_fast: bool = False
    _ended: threading.Event = field(default_factory=threading.Event, compare=False)
    _one: threading.Lock = field(default_factory=threading.Lock, compare=False)
    _noting: threading.Lock = field(default_factory=threading.Lock, compare=False)

    @property
    def has_ended(self) -> bool:
        """True once a surprise has ended a run with `fail_fast`: no box begins another trial."""
        return self._ended.is_set()

    def after(self, trial: Trial, station: Station) -> None:
        """Stop at a trial that is not as expected; Interrupted if the user ends the run there."""
        step = surprising(trial)
        if step is None:
            return
        if self.fail_fast:
            self._ended.set()
        if self.stop is None:
            return
        with self._one:
            if stopping.is_set():
                return
            if self.stop(Surprise(trial, step, station, sequence.folder_of(station, trial.name))):
                return
            stopping.set()  # the other boxes end too, as after Ctrl-C
        raise Interrupted(f"ended by you at {trial.name}")

    def use(self, stations: list[Station], station: Station, run: Path, state: Path | None) -> None:
        """Add a station to those of the run, and note its files if they are on another machine.

        `run` is the folder of the stored run, `state` that of the checkout's notes.
        """
        with self._noting:
            stations.append(station)
            if state and station.facts.kind != "local":
                kept.note(state, run.name, _folders(stations), kept.Why.USED)

    def clear(self, stations: Collection[Station], run: Path, state: Path | None, tell: Tell) -> None:
        """Remove the run's files from every box that can be reached, or note where they are kept.

        The files on a box that cannot be reached stay noted, so that `lab down` removes them.
        """
        if self.keep:
            kept.note(state or run, run.name, {station.box.name: str(station.home.parent) for station in stations})
        used = {str(number): station for number, station in enumerate(stations)} if not self.keep else {}
        errors = each(used, lambda name: sequence.clear(used[name]))[1]
        for name, error in errors.items():
            tell(Progress(used[name].box.name, f"cannot remove {used[name].home}: {error.message}"))
        if state:
            kept.note(state, run.name, _folders([used[name] for name in errors]), kept.Why.USED)


USUAL = Manner()


def _folders(stations: Collection[Station]) -> dict[str, str]:
    """The folders of a run on other machines than this one, by box."""
    others = (station for station in stations if station.facts.kind != "local")
    return {station.box.name: str(station.home.parent) for station in others}


def surprising(trial: Trial) -> str | None:
    """The first step of a trial that is not as expected or not as predicted, in words; None if all are.

    A broken trial has the problem that broke it.
    """
    if trial.verdict is Verdict.BROKEN:
        return trial.problem or "its outcome is not known"
    builds = [*(item.build for item in trial.rounds), *([trial.build] if trial.build else [])]
    for step in (step for build in builds for step in build.steps):
        if step.expected not in (None, step.outcome):
            return f"{step.instruction} {_word(step.outcome)}, expected was {_word(step.expected)}"
    if trial.verdict is not Verdict.AS_EXPECTED:
        return trial.verdict.value
    return next(iter(contradictions(trial)), None)


def _word(outcome: Outcome | None) -> str:
    return outcome.value if outcome else "nothing"
