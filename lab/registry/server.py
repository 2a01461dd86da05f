"""The registry of one run, and how boxes reach it; or an external one, used as it is.

Lab's own registry serves the images of one run and drops them; only the base image made from a box's busybox is kept.
Its folder and its program are noted on disk (`boxes.beside`), so that those of a killed lab are removed later.
"""

from __future__ import annotations

import http.client
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from lab.boxes.base import Box, Tell
from lab.boxes.beside import beside
from lab.boxes.local import LocalBox
from lab.boxes.process import Child
from lab.errors import BusyError, RegistryError
from lab.files import hold
from lab.model import Progress
from lab.registry.manifests import ACCEPTED
from lab.registry.ports import choose_port
from lab.workers import wait_for

PROGRAMS = ("docker-registry", "registry")
IMAGE = "registry:2"
BASE = "lab-base"  # the one repository that outlives a run
KEEP_BYTES = 300 << 20  # a larger kept store is emptied: the images of earlier runs are in it as blobs without a name
INSIDE_SECONDS = 60  # an emulated box needs that long to start a program of 20 MB
INSIDE = PurePosixPath("/tmp/lab-registry")  # in a box: one folder, so that the next run finds what a killed lab left
ANOTHER = "run the same command again, or name a registry of your own with --registry HOST/USER"
CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{port}
"""


@dataclass(frozen=True, slots=True)
class Registry:
    """Where images go: `prefix` begins every reference; `port` is set for lab's own registry on loopback.

    `inside` is the box that it runs in, which needs no forward to it. `log` is the file of what its program prints.
    """

    prefix: str
    program: str
    port: int | None = None
    inside: str | None = None
    log: Path | None = None

    def problem(self) -> str | None:
        """What is wrong with the answer of lab's own registry, in words; None if nothing is, or if it is external."""
        status = 200 if self.port is None else _status(self.port)
        if isinstance(status, str):
            return "does not answer"
        return None if status == 200 else f"answers with status {status}"

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest of a manifest in lab's own registry; None if it has none, or if the registry is external."""
        if self.port is None:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": ", ".join(ACCEPTED)})
            answer = connection.getresponse()
            return answer.headers.get("Docker-Content-Digest") if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


@contextmanager
def serve(
    asked: str | None, port: int | None, tell: Tell, *, store: Path | None = None, boxes: Sequence[Box] = ()
) -> Iterator[Registry]:
    """A registry for the time of the context: the external one asked for, else a new one on loopback.

    The new one is a program of this machine, which keeps the base image in `store` from run to run; else a container
    in this machine's Docker; else a program of one of `boxes`. `store` is the folder of the checkout's state.
    `asked` is as in docker.io/USER; `port` is the loopback port, by default 5000 or the next free one. Raises
    RegistryError if no program serves, HostError if the port is taken.
    """
    if asked:
        yield Registry(asked.rstrip("/"), "external")
        return
    chosen = choose_port(port, boxes)
    program = next((name for name in PROGRAMS if shutil.which(name)), None)
    tell(Progress("registry", f"starting on localhost:{chosen}"))
    with ExitStack() as stack:
        log = None
        state = store or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-registry-")))
        if program:
            log = stack.enter_context(_program(program, chosen, state, kept=store is not None))
            where, inside = program, None
        elif shutil.which("docker"):
            stack.enter_context(_container(chosen, state))
            where, inside = f"docker run {IMAGE}", None
        elif found := next(((box, name) for box in boxes if (name := _program_of(box))), None):
            stack.enter_context(_inside(*found, chosen))
            where, inside = f"{found[1]} in {found[0].name}", found[0].name
        else:
            raise RegistryError(
                f"cannot start a registry: none of {', '.join(PROGRAMS)} and docker is on this machine or in a box",
                hint="python -m lab setup, or name a registry of your own with --registry docker.io/USER",
            )
        tell(Progress("registry", f"{where} on localhost:{chosen}", done=True))
        yield Registry(f"localhost:{chosen}", where, chosen, inside, log)


@contextmanager
def doors(registry: Registry, boxes: Sequence[Box]) -> Iterator[None]:
    """Show lab's registry to every box as localhost:PORT; an external registry needs no forward."""
    with ExitStack() as stack:
        if registry.port is not None:
            for box in boxes:
                if box.name == registry.inside:
                    continue
                stack.enter_context(box.registry_door(registry.port, registry.port))
        yield


@contextmanager
def _storage(state: Path, place: Path, *, kept: bool) -> Iterator[Path]:
    """The folder of the images: the kept one, emptied of all but the base image; else a new one below `place`.

    A new one is used too while another lab process has the kept one.
    """
    with ExitStack() as stack:
        data = place / "data"
        if kept:
            with suppress(BusyError):
                stack.enter_context(hold(state, ["registry"], "repro"))
                data = state / "registry"
                _drop_runs(data)
        yield data


def _drop_runs(data: Path) -> None:
    """Remove the images of earlier runs: their names always, everything once the store is too large."""
    if sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) > KEEP_BYTES:
        shutil.rmtree(data, ignore_errors=True)
    for repository in (data / "docker" / "registry" / "v2" / "repositories").glob("*"):
        if repository.name != BASE:
            shutil.rmtree(repository, ignore_errors=True)


@contextmanager
def _program(program: str, port: int, state: Path, *, kept: bool) -> Iterator[Path]:
    """Start the program, and give the file of its output."""
    with beside(state, "registry") as place, _storage(state, place.folder, kept=kept) as data:
        config = place.folder / "config.yml"
        # quoted: the path of a checkout may contain what YAML reads as syntax
        config.write_text(CONFIG.format(root=json.dumps(str(data)), port=port), encoding="utf-8")
        # OTEL_TRACES_EXPORTER: registry 3 logs without it that it finds no collector
        child = place.start([program, "serve", str(config)], env={"OTEL_TRACES_EXPORTER": "none"})
        try:
            _wait_until_it_serves(port, child)
            yield child.log
        finally:
            child.stop()  # before another lab process may have the kept store


@contextmanager
def _container(port: int, state: Path) -> Iterator[None]:
    """The registry image in this machine's own Docker; the container goes with its volume when the run ends."""
    shell = LocalBox("this machine")
    with beside(state, "registry") as place:
        name = f"lab-{place.folder.name}"
        place.expect_container(name)
        ports = f"127.0.0.1:{port}:5000"
        started = shell.run(["docker", "run", "-d", "--rm", "--name", name, "-p", ports, IMAGE], timeout=300)
        if not started.ok:
            raise RegistryError(
                f"cannot start {IMAGE} in this machine's Docker: exit status {started.exit}",
                output=started.output,
                hint="python -m lab setup installs a registry program",
            )
        try:
            _wait_until_it_serves(port, None)
            yield
        finally:
            shell.run(["docker", "rm", "-f", "-v", name], timeout=60)


def _program_of(box: Box) -> str:
    """The registry program that a box has, or nothing."""
    return next((name for name in PROGRAMS if box.run(["sh", "-c", f"command -v {name}"]).ok), "")


# The registry of a killed lab may still run in the box. Its id is trusted only if that process names the folder.
END_INSIDE = f"""\
if pid=$(cat {INSIDE}/pid 2>/dev/null) && grep -qs {INSIDE}/config.yml "/proc/$pid/cmdline"; then kill "$pid"; fi
rm -rf {INSIDE}
"""


@contextmanager
def _inside(box: Box, program: str, port: int) -> Iterator[None]:
    """The registry as a program of a box, seen on this machine's loopback too; its data goes when the run ends."""
    config = CONFIG.format(root=f"{INSIDE}/data", port=port)
    script = f"""{END_INSIDE}
mkdir -m 700 {INSIDE} && printf %s {shlex.quote(config)} > {INSIDE}/config.yml || exit
OTEL_TRACES_EXPORTER=none setsid {program} serve {INSIDE}/config.yml > {INSIDE}/log 2>&1 < /dev/null &
echo $! > {INSIDE}/pid"""
    box.check(["sh", "-c", script], doing="start the registry")

    def look() -> bool | str:
        # asked on the box itself: a forward to a port where nobody listens yet breaks
        asked = box.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"])
        return asked.ok or "nothing listens yet"

    def log() -> str:
        return box.run(["cat", f"{INSIDE}/log"]).text

    try:
        what = f"the registry in {box.name}"
        wait_for(what, look, timeout=INSIDE_SECONDS, every=1, error=RegistryError, hint=ANOTHER, detail=log)
        with box.host_door(port, port):
            _wait_until_it_serves(port, None)
            yield
    finally:
        box.run(["sh", "-c", END_INSIDE], timeout=60)


def _status(port: int) -> int | str:
    """The status with which the registry on that loopback port answers, or why it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def _wait_until_it_serves(port: int, child: Child | None) -> None:
    def look() -> bool | str:
        if child is not None and not child.alive():
            raise RegistryError("cannot start the registry: it ended at once", hint=ANOTHER, output=child.output())
        status = _status(port)
        if isinstance(status, str):
            return status
        if status == 200 and child is not None and not _listens(child.pid, port):
            return "another program answers on its port"  # two labs that start at once may choose one port
        return True if status == 200 else f"status {status} instead of 200"

    log = child.output if child else str
    wait_for("the registry", look, timeout=20, every=0.1, error=RegistryError, hint=ANOTHER, detail=log)


def _listens(pid: int, port: int) -> bool:
    """True if this program listens on the port, or if that cannot be known."""
    try:
        found = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error as error:
        return isinstance(error, psutil.AccessDenied)
    return any(item.status == psutil.CONN_LISTEN and item.laddr.port == port for item in found)
