"""Where a trial of a stored run was made: its engine, its folder on the box, and the variables of its builds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.engines.engine import Engine
from lab.errors import UsageError, did_you_mean
from lab.results.run import Run
from lab.run.builders.table import split
from lab.run.sequence import slug_of


@dataclass(frozen=True, slots=True)
class Place:
    """The engine of a trial, its folder below the home folder of the box, and the builder's variables."""

    engine: str
    folder: PurePosixPath
    builder: dict[str, str]

    def variables(self, home: PurePosixPath) -> dict[str, str]:
        """The variables of the trial's builds on a box with this home folder."""
        return {**self.builder, "DOCKER_CONFIG": str(home / self.folder / "config")}


def place_of(run: Run, name: str, trial: str, box: str, is_known: Callable[[str], bool]) -> Place:
    """Where a box made a trial of the run of this name.

    On the producer that is the build which made the image. UsageError for a trial that the run does not have, that this
    box has no part in, or whose engine no file describes.
    """
    found = next((item for item in run.trials if item.name == trial), None)
    if found is None:
        names = [item.name for item in run.trials]
        raise UsageError(
            f'cannot find the trial "{trial}" in the run {name}{did_you_mean(trial, names)}',
            hint=f"python -m lab report {name} lists its trials",
        )
    key = found.key
    if box not in (key.consumer, key.producer):
        raise UsageError(f"cannot open {trial} on {box}: its boxes are {key.producer} and {key.consumer}")
    engine, slug = (key.engine, slug_of(trial)) if box == key.consumer else (key.producer_engine, "produce")
    pin, _, _ = split(engine)
    if not is_known(pin):
        raise UsageError(f"cannot open {trial}: no file describes its engine {pin}", hint="python -m lab engines")
    folder = PurePosixPath("lab-runs") / name / engine / slug
    return Place(pin, folder, {"DOCKER_BUILDKIT": _buildkit(engine)})


def variables_of(engine: Engine, folder: PurePosixPath) -> dict[str, str]:
    """The variables of the builds of a trial whose folder is this."""
    return {"DOCKER_CONFIG": str(folder / "config"), "DOCKER_BUILDKIT": _buildkit(engine.name)}


def _buildkit(engine: str) -> str:
    return "0" if split(engine)[1] == "classic" else "1"
