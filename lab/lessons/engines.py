"""The engines of a student's folder on this machine: private instances that no run uses, until they are stopped.

Each instance has the file `lesson` in its folder, with the path of the student's folder: another student of this
checkout gets another instance.
"""

from __future__ import annotations

import shlex
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from lab import files
from lab.boxes.base import Box, Tell
from lab.boxes.beside import mine
from lab.boxes.local import LocalBox
from lab.engines import host
from lab.engines.attached import attach
from lab.engines.engine import Engine
from lab.engines.holding import HomeNote, write_note
from lab.engines.home import Home
from lab.errors import BoxError, BusyError, HostError
from lab.files import disk_error
from lab.project import Project
from lab.workers import wait_for

if TYPE_CHECKING:
    from lab.boxes.specs import BoxSpec
    from lab.engines.spec import EngineSpec
    from lab.machines.fleet import Fleet

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
    """An engine that serves one student's folder: the name of its instance, and the folder of its files."""

    home: str
    engine: Engine
    box: Box
    folder: Path

    @property
    def config(self) -> PurePosixPath:
        """The folder of the client's settings, which shows it its plugins, as the client finds it."""
        return PurePosixPath(self.folder / "lesson-config")

    @property
    def root(self) -> Path:
        """The archive of which base images are made."""
        return self.folder / ROOT

    def place(self, path: Path) -> PurePosixPath:
        """Where the engine's client finds a file or a folder of this machine."""
        return PurePosixPath(path)

    def client_text(self) -> str:
        """The text of the program `docker` of the student's folder."""
        return CLIENT.format(config=shlex.quote(str(self.config)), client=shlex.join(self.engine.docker))


class LessonEngines(Protocol):
    """The engines of one student's folder, wherever they run."""

    def check(self, names: Iterable[str]) -> None:
        """Raise a LabError before anything is made if these engines cannot run there."""

    def open(self, names: Iterable[str], known: Mapping[str, str]) -> dict[str, LessonEngine]:
        """Start these engines, or attach to those that run; `known` are the names of this folder's instances."""

    def reset(self, names: Iterable[str]) -> None:
        """Let the next `open` find engines without anything that a student made."""

    def stop(self) -> list[str]:
        """End what serves this folder alone; returns the names of what there was."""

    def close(self) -> None:
        """Close connections."""


class Engines:
    """The private engines of one student's folder on this machine."""

    def __init__(self, home: Path, project: Project, tell: Tell) -> None:
        self.home = home.absolute()
        self.project = project
        self.state = project.state
        self.tell = tell
        self.box = LocalBox(LOCAL)

    @cached_property
    def fleet(self) -> Fleet:
        """What starts engines; an engine that runs needs none of it."""
        from lab.engines.pins import PINS
        from lab.machines.catalog import Catalog
        from lab.machines.fleet import Fleet  # late: its imports take a quarter of a check

        return Fleet(self.project, Catalog(self.project.boxes, self.project.cache / PINS), self.tell)

    @property
    def spec(self) -> BoxSpec:
        """The box file of this machine."""
        return self.fleet.catalog.box(LOCAL)

    def check(self, names: Iterable[str]) -> None:
        """Raise HostError before anything is made if this machine cannot run these engines."""
        for name in names:
            host.check_host(self.fleet.catalog.engine(name), ())

    def open(self, names: Iterable[str], known: Mapping[str, str]) -> dict[str, LessonEngine]:
        """Start these engines, or attach to those that run; all of them stay when this process ends.

        `known` are the instances of this folder. Raises what `lab.engines.host.start` raises.
        """
        wanted = dict.fromkeys(names)  # a name given twice is one engine
        return {name: self._running(known.get(name)) or self._started(name, known.get(name)) for name in wanted}

    def _running(self, home: str | None) -> LessonEngine | None:
        """The instance if it is this folder's and answers, as it was when it was started; None otherwise."""
        if home is None or not self._is_mine(home):
            return None
        place = Home(self.state, home)
        engine = attach(place, self.state)
        return LessonEngine(home, engine, self.box, place.folder) if engine else None

    def _started(self, name: str, known: str | None) -> LessonEngine:
        with self._turn():
            pin = self._instance(name, known)
            engine = self.fleet.start_instance(self.box, self.spec, pin)
            made = LessonEngine(pin.home, engine, self.box, Home(self.state, pin.home).folder)
            try:
                write_note(pin.home, self.state, HomeNote(user=mine()))
                self._prepare(made)
            except BaseException:  # Ctrl-C too: nothing would name an engine that has no mark yet
                host.stop(self.box, pin.home, self.state)
                raise
        return made

    def stop(self, only: Collection[str] | None = None) -> list[str]:
        """End every instance of this folder, or only these; returns their names. A killed lab may have noted none."""
        mine = [name for name, home in all_instances(self.state) if home == self.home]
        ended = [name for name in mine if only is None or name in only]
        for home in ended:
            host.stop(self.box, home, self.state)
        return ended

    def reset(self, names: Iterable[str]) -> None:
        """End the engines: the next ones are new."""
        self.stop()

    def close(self) -> None:
        """Do nothing: there is no connection."""

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One student after another gets an instance, and attaches to it; BusyError after two minutes."""

        def take() -> ExitStack | str:
            stack = ExitStack()
            try:
                stack.enter_context(files.hold(self.state, ["lessons"], "lesson", wait=False))
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
        if free := next((item for item in instances if item.home not in taken), None):
            return free
        raise HostError(
            f"cannot start another Docker {name}: {len(NUMBERS)} lessons have one", hint="python -m lab lesson stop"
        )

    def _is_mine(self, home: str) -> bool:
        with suppress(OSError):
            mark = Home(self.state, home).folder / MARK
            return mark.read_text(encoding="utf-8") == str(self.home)
        return False

    def _prepare(self, made: LessonEngine) -> None:
        """Give a new engine its mark, its client's settings and its base image."""
        try:
            config = Path(made.config)
            config.mkdir(exist_ok=True)
            if made.engine.plugins and not (config / "cli-plugins").exists():
                (config / "cli-plugins").symlink_to(made.engine.plugins)
        except OSError as error:
            raise disk_error(config, error) from error
        make_root(made)
        import_base(made, BASE)
        files.write(made.folder / MARK, str(self.home))


def make_root(made: LessonEngine) -> None:
    """Write the archive of the base image: the busybox of the engine's box or of a pack, else alpine of Docker Hub."""
    from lab.run.base_image import ALPINE, ROOT_TAR, busybox_of  # late: an engine that runs has its archive

    with suppress(BoxError), busybox_of(made.box) as (busybox, _):
        script = ROOT_TAR.format(busybox=busybox, rest="")
        packed = made.box.check(["sh", "-c", script], doing="make the base image", timeout=60)
        files.write(made.root, packed.stdout)
        return
    client = shlex.join(made.engine.docker)
    script = f"set -e; id=$({client} create {ALPINE} true); {client} export $id; {client} rm $id >/dev/null"
    exported = made.box.run(["sh", "-c", script], timeout=300)
    if not exported.ok:
        raise BoxError(
            f"cannot make the lesson's base image: {made.box.name} has no busybox, and Docker Hub does not answer",
            hint="python -m lab setup",
        )
    files.write(made.root, exported.stdout)


def import_base(made: LessonEngine, reference: str, archive: Path | None = None) -> None:
    """Make a base image of the engine's archive, or of another one."""
    words = ["import", str(made.place(archive or made.root)), reference]
    made.box.check(made.engine.call(words), doing="make the base image", timeout=120)


def write_unlike(source: Path, target: Path, number: int) -> None:
    """Write a base image's archive with the same files and with another time of its folders: another layer.

    Another label or name would not do: BuildKit knows a local image by its layers. `number` is in seconds.
    """
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            if member.isdir():
                member.mtime = number
            new.addfile(member, old.extractfile(member) if member.isreg() else None)


def empty(made: LessonEngine) -> None:
    """Put an engine back to the start: no image, container or build cache but the base image."""
    for words in EMPTYING:
        made.box.check(made.engine.call(words), doing="empty the engine", timeout=120)
    import_base(made, BASE)


def all_instances(state: Path) -> Iterator[tuple[str, Path]]:
    """Every instance of a lesson in this checkout, with the student's folder that it serves."""
    for name in host.leftovers(state):
        with suppress(OSError):
            mark = Home(state, name).folder / MARK
            yield name, Path(mark.read_text(encoding="utf-8"))


@contextmanager
def held(home: Path, state: Path, verb: str) -> Iterator[None]:
    """Hold one student's folder for this process; BusyError if another lab process has it."""
    name = "lesson-folder-" + "".join(character if character.isalnum() else "-" for character in str(home.absolute()))
    with files.hold(state, [name[-200:]], verb):
        yield
