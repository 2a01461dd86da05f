"""The private engines of a student's folder: instances that no run uses, which stay until they are stopped.

Each instance has the file `lesson` in its folder, with the path of the student's folder: another student of this
checkout gets another instance.
"""

from __future__ import annotations

import json
import shlex
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from socket import AF_UNIX, socket

from lab import files
from lab.boxes.base import Box, Tell
from lab.boxes.beside import mine
from lab.boxes.local import LocalBox
from lab.boxes.specs import BoxSpec
from lab.engines import host
from lab.engines.engine import Engine
from lab.engines.holding import HomeNote, check_free, write_note
from lab.engines.pins import PINS
from lab.engines.spec import EngineSpec
from lab.errors import BoxError, BusyError, HostError
from lab.files import disk_error
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.project import Project
from lab.run.base_image import ALPINE, ROOT_TAR, busybox_of
from lab.workers import wait_for

BASE = "lesson/base:1"
FIRST = 51  # number of an instance: those below belong to runs side by side
NUMBERS = range(FIRST, FIRST + 200)
MARK, ROOT, ENGINE = "lesson", "lesson-base.tar", "lesson-engine.json"
STORED = 1  # version of lesson-engine.json
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
    def config(self) -> Path:
        """The folder of the client's settings, which shows it its plugins."""
        return self.folder / "lesson-config"

    @property
    def root(self) -> Path:
        """The archive of which base images are made."""
        return self.folder / ROOT


class Engines:
    """The engines of one student's folder. `fleet` makes what starts a new one: an engine that runs needs no files."""

    def __init__(self, home: Path, project: Project, tell: Tell) -> None:
        self.home = home.absolute()
        self.project = project
        self.state = project.state
        self.tell = tell
        self.box = LocalBox(LOCAL)

    @cached_property
    def fleet(self) -> Fleet:
        """What starts engines."""
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
        place = host.Home(self.state, home)
        try:
            engine = load_engine(place.folder / ENGINE)
            check_free(home, self.state)
            with socket(AF_UNIX) as door:
                door.connect(place.daemon.socket.removeprefix("unix://"))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        write_note(home, self.state, HomeNote(user=mine()))
        return LessonEngine(home, engine, self.box, place.folder)

    def _started(self, name: str, known: str | None) -> LessonEngine:
        with self._turn():
            pin = self._instance(name, known)
            engine = self.fleet.start_instance(self.box, self.spec, pin)
            made = LessonEngine(pin.home, engine, self.box, host.Home(self.state, pin.home).folder)
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
        try:
            made.config.mkdir(exist_ok=True)
            if made.engine.plugins and not (made.config / "cli-plugins").exists():
                (made.config / "cli-plugins").symlink_to(made.engine.plugins)
        except OSError as error:
            raise disk_error(made.config, error) from error
        self._make_root(made)
        import_base(made, BASE)
        store_engine(made.folder / ENGINE, made.engine)
        files.write(made.folder / MARK, str(self.home))

    def _make_root(self, made: LessonEngine) -> None:
        """The archive of the base image: the busybox of this machine or of a pack, else alpine from Docker Hub."""
        archive = shlex.quote(str(made.root))
        with suppress(BoxError), busybox_of(self.box) as (busybox, _):
            script = ROOT_TAR.format(busybox=busybox, rest=f"> {archive}")
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


def import_base(made: LessonEngine, reference: str, archive: Path | None = None) -> None:
    """Make a base image of the engine's archive, or of another one."""
    words = ["import", str(archive or made.root), reference]
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


def store_engine(path: Path, engine: Engine) -> None:
    """Keep what was found out about an engine that runs."""
    files.write(path, json.dumps({"version": STORED, "engine": asdict(engine)}, default=str) + "\n")


def load_engine(path: Path) -> Engine:
    """What `store_engine` kept; OSError, ValueError, TypeError or KeyError if the file is missing or damaged.

    The same errors are raised for a file of another version of lab: the engine is then asked again.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["version"] != STORED:
        raise ValueError(f"its version is {stored['version']}")
    found = stored["engine"]
    plugins = found["plugins"]
    words = {name: tuple(found[name]) for name in ("docker", "log", "restart")}
    return Engine(**{**found, **words, "plugins": PurePosixPath(plugins) if plugins else None})


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
