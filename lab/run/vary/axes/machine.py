"""Axes of the machine that builds: its folders, its settings of the client, its engine, its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.boxes.base import Box
from lab.engines.engine import Engine
from lab.run.client_login import adding_settings
from lab.run.clock import ClockError, moved_clock
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant, changes

DAYS = 400
PLACE = "another folder, with spaces/below"
# Settings that many clients have; none of them is a value of the build.
CONFIG: dict[str, object] = {
    "HttpHeaders": {"X-Lab": "1"},
    "detachKeys": "ctrl-e,e",
    "psFormat": "table {{.ID}}",
}
NO_CLOCK = (
    "Linux has one real-time clock for all processes of a machine: its time namespaces hold only the monotonic and the "
    "boot clock, and lab changes the clock only on a virtual machine that it made itself"
)


def _path(scene: Scene) -> Variant:
    return Variant(f"the context in a folder {PLACE}", place=PLACE)


def _config(scene: Scene) -> Variant:
    run = [list(adding_settings(CONFIG))]
    return Variant("a DOCKER_CONFIG with headers and formats", changes({"commands": {"run": run}}))


def _engine(what: str) -> Callable[[Scene], Variant]:
    def make(scene: Scene) -> Variant:
        if what not in scene.engines:
            raise NotHereError("lab cannot start such an engine on this kind of box")
        engine = scene.engines[what]()
        return Variant(TITLES[what](engine), engine=engine, predictable=engine.builder != "classic")

    return make


def _clock(scene: Scene) -> Variant:
    if not scene.is_whole_machine:
        raise NotHereError(NO_CLOCK)
    return Variant(f"a clock that is {DAYS} days ahead", around=days_ahead)


@contextmanager
def days_ahead(box: Box) -> Iterator[None]:
    """Move the clock ahead within the context; NotHereError if the machine does not keep the other time."""
    try:
        with moved_clock(box, DAYS):
            yield
    except ClockError as error:
        raise NotHereError(error.message) from error


TITLES: dict[str, Callable[[Engine], str]] = {
    "builder": lambda engine: "the classic builder (DOCKER_BUILDKIT=0)",
    "client": lambda engine: f"the client of Docker {engine.client}",
    "engine": lambda engine: engine.title,
    "storage": lambda engine: f"the storage driver of {engine.name}",
}
MACHINE = (
    Axis("context-path", "another path of the context", _path),
    Axis("docker-config", "another DOCKER_CONFIG", _config),
    Axis("builder", "the classic builder", _engine("builder")),
    Axis("client", "another version of the client", _engine("client")),
    Axis("engine", "another version of the engine", _engine("engine")),
    Axis("storage-driver", "another storage driver", _engine("storage")),
    Axis("clock", "another time of day", _clock),
)
