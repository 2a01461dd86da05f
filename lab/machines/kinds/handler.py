"""How the fleet handles a box. The defaults fit a machine that exists already; a kind that needs more has a module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lab.boxes.base import Box, Tell
from lab.boxes.local import LocalBox
from lab.boxes.notes import Notes
from lab.boxes.specs import BoxSpec
from lab.engines.engine import Engine
from lab.engines.ensure import ensure
from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.engines.stock import Stock
from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.machines.snapshots import Snapshots
from lab.project import Project

S = TypeVar("S", bound=BoxSpec)
Rewind = Callable[[Engine], None]


@dataclass(frozen=True)
class Site:
    """What handlers work with: the checkout, its catalog and notes, this machine's shell, and the archives."""

    project: Project
    catalog: Catalog
    notes: Notes
    shell: Box
    stock: Stock
    tell: Tell

    @classmethod
    def of(cls, project: Project, catalog: Catalog, tell: Tell) -> Site:
        """The site of a checkout."""
        shell = LocalBox("this machine")
        stock = Stock(catalog.engines, project.boxes / "engines", project.cache, shell)
        return cls(project, catalog, Notes(project.state), shell, stock, tell)


class Handler(Generic[S]):
    """How the fleet handles boxes of one kind."""

    def prepare(self, site: Site, lineup: str, specs: Sequence[S], provider: str) -> None:
        """Do what these boxes need together before any of them is brought up."""

    def default_engines(self, site: Site, spec: S) -> list[str]:
        """The engines of a box for which none are named: those of its file, and of `at_hand` those in the cache."""
        cached = (name for name in spec.at_hand if site.stock.has_archive(site.catalog.engine(name)))
        return [*spec.engines, *cached]

    def start(self, site: Site, box: Box, pin: EngineSpec) -> Engine:
        """Make an engine answer on a box and prove it."""
        return ensure(box, pin, site.stock, site.tell)

    def check(self, site: Site, spec: S, pins: Sequence[EngineSpec], *, allow_prune: bool) -> None:
        """Raise a HostError before anything is fetched if this machine cannot run these engines.

        `pins` is empty for the box's default engines; `allow_prune` means that the user lets lab use the box's own
        Docker.
        """

    def uses_own_docker(self, site: Site, pins: Sequence[EngineSpec]) -> bool:
        """True if one of these engines may be a Docker that lab did not bring: a run empties its images and cache."""
        return any(kind_of(pin).may_use_box_docker for pin in pins)

    def snapshots(self, site: Site, spec: S, box: Box) -> Snapshots:
        """The snapshots of a box; UsageError for a machine that lab did not make."""
        raise UsageError(
            f"cannot use snapshots of {spec.name}: lab did not make this machine",
            hint="`python -m lab boxes` shows the kinds of box; vagrant and local have snapshots",
        )

    def rewind(self, site: Site, box: Box, engines: Sequence[Engine]) -> Rewind:
        """What sets one of these engines of a box that Vagrant did not make back to its first state.

        UsageError if nothing can do that.
        """
        raise UsageError(
            f"cannot set {box.name} back to its first state: lab did not make this machine", hint="use --fresh prune"
        )

    def remove_engines(self, site: Site) -> bool:
        """Remove the engines that lab runs on this machine for such a box; True if there were any."""
        return False
