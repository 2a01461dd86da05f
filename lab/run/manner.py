"""How the trials of a run are made: what makes an engine clean before each side, and what happens after a trial."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lab.boxes.base import Tell
from lab.errors import Interrupted, LabError
from lab.machines import kept
from lab.model import Outcome, Progress, Verdict
from lab.report.prediction import contradictions
from lab.results.run import Fresh, Trial
from lab.run import sequence
from lab.run.station import Station
from lab.workers import stopping


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
    goes on if it returns True, and ends otherwise.
    """

    fresh: Fresh = "prune"
    keep: bool = False
    stop: Callable[[Surprise], bool] | None = None
    _one: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def after(self, trial: Trial, station: Station) -> None:
        """Stop at a trial that is not as expected; Interrupted if the user ends the run there."""
        step = surprising(trial)
        if self.stop is None or step is None:
            return
        with self._one:
            if stopping.is_set():
                return
            if self.stop(Surprise(trial, step, station, sequence.folder_of(station, trial.name))):
                return
            stopping.set()  # the other boxes end too, as after Ctrl-C
        raise Interrupted(f"ended by you at {trial.name}")

    def clear(self, stations: Collection[Station], run: Path, state: Path | None, tell: Tell) -> None:
        """Remove the run's files from every box that can be reached, or note where they are kept.

        `run` is the folder of the stored run, `state` that of the checkout's notes.
        """
        if self.keep:
            kept.note(state or run, run.name, {station.box.name: str(station.home.parent) for station in stations})
            return
        for station in stations:
            try:
                sequence.clear(station)
            except LabError as error:
                tell(Progress(station.box.name, f"cannot remove {station.home}: {error.message}"))


USUAL = Manner()


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
