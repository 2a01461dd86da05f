"""The engines of a box that differ from the one of the run in one thing: builder, client, version, storage driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lab.engines import host
from lab.engines.daemon import Daemon
from lab.engines.engine import Engine
from lab.errors import LabError
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.run.builders.table import named
from lab.run.vary.axis import NotHereError

PLAIN = "vfs"  # the driver that works on every file system


class PlainDaemon(Daemon):
    """A dockerd with the storage driver vfs, which copies whole folders."""

    @classmethod
    def private_options(cls, cgroup: str, version: Sequence[int]) -> tuple[str, ...]:
        """The options of an engine on this machine, and the driver."""
        return (*super().private_options(cgroup, version), f"--storage-driver={PLAIN}")


def engines(ready: Ready, engine: Engine, driver: Callable[[], str], fleet: Fleet) -> dict[str, Callable[[], Engine]]:
    """The makers of engines by what differs; each raises NotHereError with the reason why there is none.

    `driver` names the storage driver of the engine of the run.
    """
    found: dict[str, Callable[[], Engine]] = {
        "builder": lambda: _classic(engine),
        "client": lambda: _client(ready, engine),
        "engine": lambda: _other(ready, engine),
    }
    if ready.spec.kind == "local":
        found["storage"] = lambda: _plain(ready, engine, driver(), fleet)
    return found


def _classic(engine: Engine) -> Engine:
    if engine.program != "docker":
        raise NotHereError("a BuildKit without Docker has no other builder")
    return replace(engine, name=named(engine.name, "classic"), builder="classic")


def _other(ready: Ready, engine: Engine) -> Engine:
    other = next((item for item in ready.engines if item.name != engine.name and item.program == "docker"), None)
    if other is None:
        raise NotHereError("no other engine can be started without a download; --other-engine names one")
    return other


def _client(ready: Ready, engine: Engine) -> Engine:
    other = _other(ready, engine)
    if other.client == engine.client:
        raise NotHereError(f"the client of {other.name} has the same version")
    if other.docker[1:2] != ("-H",) or engine.docker[1:2] != ("-H",):
        raise NotHereError("the clients of this box are not called with the address of an engine")
    return replace(
        engine,
        name=f"{engine.name}+client-{other.client.partition('+')[0]}",
        docker=(other.docker[0], *engine.docker[1:]),
        client=other.client,
        plugins=other.plugins,
        buildx=other.buildx,
    )


def _plain(ready: Ready, engine: Engine, driver: str, fleet: Fleet) -> Engine:
    pin = fleet.catalog.engine(engine.name)
    if not fleet.stock.parts(pin):
        raise NotHereError("the Docker of this machine is used as it is: lab does not change its storage driver")
    if driver == PLAIN:
        raise NotHereError(f"the storage driver is {PLAIN} already, and no other works on every file system")
    other = pin.model_copy(update={"name": f"{pin.name}-{PLAIN}"})
    try:
        archives = fleet.stock.archives(pin, fleet.tell)
        return host.start(ready.box, other, archives, fleet.project.state, fleet.tell, PlainDaemon)
    except LabError as error:
        raise NotHereError(f"an engine with the driver {PLAIN} does not start: {error.message}") from error
