"""What a user asks of `lab vary`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.run.base_image import BaseWish, base_wish
from lab.run.own_project.project import OwnProject
from lab.run.own_project.scenario import scenario_of
from lab.run.scenarios import Scenario, load_scenario
from lab.run.vary.axis import Axis
from lab.run.vary.between.searching import Sides
from lab.run.vary.table import AXES


@dataclass(frozen=True, slots=True)
class Request:
    """One scenario or project, and the axes to vary on one engine of one box.

    `engine` is its name; None stands for the first one of the box. `every` builds also what no key changes by lab's
    model; otherwise `spots` of these are built, which `seed` chooses. `sides` are the files of two machines whose
    difference is bisected: the axes come from it.
    """

    lineup: str
    scenario: Path = Path()
    project: OwnProject | None = None
    axes: tuple[Axis, ...] = AXES
    engine: str | None = None
    base: str | None = None
    every: bool = False
    seed: int = 0
    spots: int = 3
    remedies: bool = True
    sides: Sides | None = None

    @property
    def base_image(self) -> BaseWish | None:
        """The base image that lab brings; None for a project of the user's own that has none of lab's."""
        return base_wish(self.project, self.base)

    def load(self, base: str) -> Scenario:
        """The scenario over this base image."""
        return load_scenario(self.scenario, base) if self.project is None else scenario_of(self.project, base)
