"""What a user asks of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.run import web_address
from lab.run.base_image import BaseWish, base_wish
from lab.run.course import ONCE, Course
from lab.run.manner import USUAL, Manner
from lab.run.own_project.project import OwnProject
from lab.run.own_project.scenario import scenario_of
from lab.run.scenarios import Scenario, load_scenario


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks of a run; empty tuples and None stand for the defaults."""

    lineup: str
    scenario: Path
    producers: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    variations: tuple[str, ...] = ()
    consumer_engines: tuple[str, ...] = ()
    producer_engines: tuple[str, ...] = ()
    base: str | None = None
    registry: str | None = None
    registry_port: int | None = None
    builders: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    project: OwnProject | None = None
    manner: Manner = USUAL
    course: Course = ONCE

    @property
    def base_image(self) -> BaseWish | None:
        """The base image that lab brings; None for a project of the user's own that has none of lab's."""
        stored = self.course.stored
        return base_wish(self.project, self.base, stored.run.base if stored else None)

    def load(self, base: str, web: str = web_address.USUAL) -> Scenario:
        """The scenario over this base image: the one in the folder `scenario`, or that of the user's own project.

        `web` is the address at which a step of the sequence serves files.
        """
        return load_scenario(self.scenario, base, web) if self.project is None else scenario_of(self.project, base)
