"""This machine as a box: where lab may, its engines run privately, beside any Docker that is installed."""

from __future__ import annotations

from collections.abc import Sequence

from lab.boxes.base import Box
from lab.boxes.kinds.local import LocalSpec
from lab.engines import host
from lab.engines.attached import attach
from lab.engines.data_root import DataRoot
from lab.engines.engine import Engine
from lab.engines.holding import check_free, used_by_others
from lab.engines.home import Home
from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.errors import UsageError
from lab.machines.kinds.handler import Handler, Rewind, Site
from lab.machines.local_snapshots import LocalSnapshots
from lab.machines.snapshots import Snapshots
from lab.model import Progress


class LocalHandler(Handler[LocalSpec]):
    """An engine that can be an archive runs in namespaces of its own; every other one is used as it is found."""

    def default_engines(self, site: Site, spec: LocalSpec) -> list[str]:
        """The private engines of its file where lab may run them."""
        return list(spec.private) if spec.private and host.may() else super().default_engines(site, spec)

    def start(self, site: Site, box: Box, pin: EngineSpec) -> Engine:
        """Privately, if it can be an archive."""
        if site.stock.parts(pin):
            return kind_of(pin).start_here(box, pin, site.stock, site.project.state, site.tell)
        return super().start(site, box, pin)

    def check(self, site: Site, spec: LocalSpec, pins: Sequence[EngineSpec], *, allow_prune: bool) -> None:
        """Refuse private engines that this machine cannot run.

        An optional box is left out later; a user who permits pruning uses this machine's own Docker.
        """
        if not pins and not allow_prune and not spec.optional:
            pins = [site.catalog.engine(name) for name in spec.private]
        for pin in pins:
            if site.stock.parts(pin):
                host.check_host(pin, ())

    def uses_own_docker(self, site: Site, pins: Sequence[EngineSpec]) -> bool:
        """Only for engines that do not run privately."""
        return super().uses_own_docker(site, [pin for pin in pins if not site.stock.parts(pin)])

    def snapshots(self, site: Site, spec: LocalSpec, box: Box) -> Snapshots:
        """Those of the private engines that `up` has started; UsageError if there are none."""
        state = site.project.state
        names = [name for name in host.leftovers(state) if site.catalog.has_engine(name)]
        if not names:
            raise UsageError(
                f"cannot use snapshots of {spec.name}: no engine of lab is on this machine",
                hint=f"`python -m lab up {spec.name}` starts its engines",
            )
        for name in names:
            check_free(name, state)
        started = {
            name: attach(Home(state, name), state) or self.start(site, box, site.catalog.engine(name)) for name in names
        }
        return LocalSnapshots([DataRoot(box, engine, name, state) for name, engine in started.items()])

    def rewind(self, site: Site, box: Box, engines: Sequence[Engine]) -> Rewind:
        """A private engine makes its data anew; UsageError for a Docker of this machine's own."""
        for engine in engines:
            if not engine.restart:
                raise UsageError(
                    f"cannot set {engine.title} of this machine back: lab did not start it", hint="use --fresh prune"
                )
        # the engine of a trial may have another name, which also names its builder; its client is the same
        homes = {engine.docker: site.catalog.engine(engine.name).home for engine in engines}
        return lambda engine: DataRoot(box, engine, homes[engine.docker], site.project.state).restore(None)

    def remove_engines(self, site: Site) -> bool:
        """Stop every private engine that no other lab process uses."""
        state, removed = site.project.state, False
        for name in host.leftovers(state):
            if used_by_others(name, state):
                site.tell(Progress(f"engine {name}", "stays: another lab process uses it", done=True))
                continue
            site.tell(Progress(f"engine {name}", "removing from this machine"))
            host.stop(site.shell, name, state)
            removed = True
        return removed
