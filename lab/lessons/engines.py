"""The private engines of a student's folder: instances that no run uses, which stay until they are stopped.

Each instance has the file `lesson` in its folder, with the path of the student's folder: another student of this
checkout gets another instance.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab import files
from lab.boxes.base import Box
from lab.boxes.kinds.table import open_box
from lab.engines import host
from lab.engines.engine import Engine
from lab.engines.holding import HomeNote, write_note
from lab.engines.spec import EngineSpec
from lab.errors import BoxError, BusyError, HostError
from lab.files import disk_error
from lab.lessons.progress import Progress
from lab.machines.fleet import Fleet
from lab.run.base_image import ALPINE, ROOT_TAR
from lab.workers import wait_for

BASE = "lesson/base:1"
FIRST = 51  # number of an instance: those below belong to runs side by side
NUMBERS = range(FIRST, FIRST + 200)
MARK, ROOT = "lesson", "lesson-base.tar"
LOCAL = "local"
EMPTYING = (("system", "prune", "-a", "-f"), ("builder", "prune", "-a", "-f"))
CLIENT = """\
#!/bin/sh
# Calls the Docker client of this lesson's engine, and no other Docker of this machine.
export DOCKER_CONFIG={config} DOCKER_BUILDKIT="${{DOCKER_BUILDKIT:-1}}" BUILDX_NO_DEFAULT_ATTESTATIONS=1
exec {client} "$@"
"""


@dataclass(frozen=True, slots=True)
class LessonEngine:
    """An engine that serves one student's folder: its instance, and the folder of its files on this machine."""

    pin: EngineSpec
    engine: Engine
    box: Box
    folder: Path

    @property
    def config(self) -> Path:
        """The folder of the client's settings, which shows it its plugins."""
        return self.folder / "lesson-config"

    @property
    def root(self) -> Path:
        """The archive of which base images are made."""
        return self.folder / ROOT


class Engines:
    """The engines of one student's folder."""

    def __init__(self, home: Path, fleet: Fleet) -> None:
        self.home = home.absolute()
        self.fleet = fleet
        self.state = fleet.project.state
        self.spec = fleet.catalog.box(LOCAL)
        self.box = open_box(self.spec, fleet.project)

    def check(self, names: Iterable[str]) -> None:
        """Raise HostError before anything is made if this machine cannot run these engines."""
        for name in names:
            host.check_host(self.fleet.catalog.engine(name), ())

    def running(self, progress: Progress) -> dict[str, str]:
        """The instances of this folder that still exist, by the names of their engines."""
        return {name: home for name, home in progress.engines.items() if self._is_mine(home)}

    def open(self, names: Iterable[str], known: Mapping[str, str]) -> dict[str, LessonEngine]:
        """Start these engines, or attach to those that run; all of them stay when this process ends.

        `known` are the instances of this folder. Raises what `lab.engines.host.start` raises.
        """
        found = {}
        for name in names:
            with self._turn():
                pin = self._instance(name, known.get(name))
                engine = self.fleet.start_instance(self.box, self.spec, pin)
                write_note(pin.home, self.state, HomeNote())
                found[name] = LessonEngine(pin, engine, self.box, host.Home(self.state, pin.home).folder)
                self._prepare(found[name])
        return found

    def stop(self, homes: Iterable[str]) -> list[str]:
        """End the instances of this folder; returns the names of those that were there."""
        ended = [home for home in homes if self._is_mine(home)]
        for home in ended:
            host.stop(self.fleet.shell, home, self.state)
        return ended

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One student after another gets an instance, and attaches to it; BusyError after two minutes."""

        def take() -> ExitStack | str:
            stack = ExitStack()
            try:
                stack.enter_context(files.hold(self.state, ["lessons"], "lesson"))
            except BusyError as error:
                return error.message
            return stack

        with wait_for("the engine of another student", take, timeout=120, every=0.05, error=BusyError):
            yield

    def _instance(self, name: str, known: str | None) -> EngineSpec:
        """The pin of this folder's instance: the known one if it is still there, else one that nobody has."""
        pin = self.fleet.catalog.engine(name)
        instances = [pin.instance(number) for number in NUMBERS]
        mine = next((item for item in instances if item.home == known and self._is_mine(item.home)), None)
        if mine:
            return mine
        taken = host.leftovers(self.state)
        networks = {self.fleet.network(self.spec, item) for item in instances if item.home in taken}
        for item in instances:
            if item.home not in taken and self.fleet.network(self.spec, item) not in networks:
                return item
        raise HostError(
            f"cannot start another Docker {name}: {len(NUMBERS)} lessons have one", hint="python -m lab lesson stop"
        )

    def _is_mine(self, home: str) -> bool:
        with suppress(OSError):
            mark = host.Home(self.state, home).folder / MARK
            return mark.read_text(encoding="utf-8") == str(self.home)
        return False

    def _prepare(self, made: LessonEngine) -> None:
        """Give a new engine its mark, its client's settings and its base image."""
        if self._is_mine(made.pin.home):
            return
        try:
            made.config.mkdir(exist_ok=True)
            if made.engine.plugins and not (made.config / "cli-plugins").exists():
                (made.config / "cli-plugins").symlink_to(made.engine.plugins)
        except OSError as error:
            raise disk_error(made.config, error) from error
        self._make_root(made)
        import_base(made, BASE)
        files.write(made.folder / MARK, str(self.home))

    def _make_root(self, made: LessonEngine) -> None:
        """The archive of the base image: this machine's busybox, else alpine from Docker Hub."""
        archive = shlex.quote(str(made.root))
        if shutil.which("busybox"):
            script = ROOT_TAR.format(rest=f"> {archive}")
            self.box.check(["sh", "-c", script], doing="make the base image", timeout=60)
            return
        client = shlex.join(made.engine.docker)
        script = (
            f"set -e; id=$({client} create {ALPINE} true); {client} export $id > {archive}; {client} rm $id >/dev/null"
        )
        if not self.box.run(["sh", "-c", script], timeout=300).ok:
            raise BoxError(
                "cannot make the lesson's base image: this machine has no busybox, and Docker Hub does not answer",
                hint="python -m lab setup",
            )


def import_base(made: LessonEngine, reference: str, label: str = "") -> None:
    """Make a base image of the engine's archive; another `label` makes another image, with the same files."""
    words = ["import", *(["--change", f"LABEL lesson={label}"] if label else []), str(made.root), reference]
    made.box.check(made.engine.call(words), doing="make the base image", timeout=120)


def empty(made: LessonEngine) -> None:
    """Put an engine back to the start: no image, container or build cache but the base image."""
    for words in EMPTYING:
        made.box.check(made.engine.call(words), doing="empty the engine", timeout=120)
    import_base(made, BASE)


def client_text(made: LessonEngine) -> str:
    """The text of the program that calls the engine's client."""
    return CLIENT.format(config=shlex.quote(str(made.config)), client=shlex.join(made.engine.docker))


def all_instances(state: Path) -> Iterator[tuple[str, Path]]:
    """Every instance of a lesson in this checkout, with the student's folder that it serves."""
    for name in host.leftovers(state):
        with suppress(OSError):
            mark = host.Home(state, name).folder / MARK
            yield name, Path(mark.read_text(encoding="utf-8"))


@contextmanager
def held(home: Path, state: Path, verb: str) -> Iterator[None]:
    """Hold one student's folder for this process; BusyError if another lab process has it."""
    name = "lesson-folder-" + "".join(character if character.isalnum() else "-" for character in str(home.absolute()))
    with files.hold(state, [name[-200:]], verb):
        yield
