"""The registry of one run, and how boxes reach it; or an external one, used as it is.

The lab's own serves one run's images and forgets them; only the base image made from a box's busybox is kept.
"""

from __future__ import annotations

import http.client
import json
import shlex
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.boxes.local import LocalBox
from lab.boxes.process import Child
from lab.errors import BusyError, HostError, RegistryError
from lab.files import hold
from lab.model import Progress
from lab.workers import wait_for

PORT = 5000
PORTS = range(PORT, PORT + 20)
PROGRAMS = ("docker-registry", "registry")
IMAGE = "registry:2"
BASE = "lab-base"  # the one repository that outlives a run
KEEP_BYTES = 300 << 20  # past this the kept store starts anew: images of old runs lie in it as blobs without a name
INSIDE_SECONDS = 60  # a registry of 20 MB takes its time to start where the box is emulated
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
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
    """Where images go: `prefix` begins every reference; `port` is set for the lab's own registry on loopback."""

    prefix: str
    program: str
    port: int | None = None
    inside: str | None = None  # the box it runs in, which needs no door to it

    def answers(self) -> bool:
        """False if the lab's own registry does not answer; an external one is not asked."""
        return self.port is None or _status(self.port) == 200

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest of a manifest in the lab's own registry; None if it is not there, or the registry not ours."""
        if self.port is None:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": MANIFEST})
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
    in this machine's Docker; else a program of one of `boxes`.
    `asked` is as in docker.io/USER; `port` is the loopback port, by default 5000 or the next free one. Raises
    RegistryError if no program serves, HostError if the port is taken.
    """
    if asked:
        yield Registry(asked.rstrip("/"), "external")
        return
    chosen = _port(port)
    program = next((name for name in PROGRAMS if shutil.which(name)), None)
    tell(Progress("registry", f"starting on localhost:{chosen}"))
    if program:
        with _storage(store) as data, _program(program, chosen, data):
            tell(Progress("registry", f"{program} on localhost:{chosen}", done=True))
            yield Registry(f"localhost:{chosen}", program, chosen)
    elif shutil.which("docker"):
        with _container(chosen):
            tell(Progress("registry", f"{IMAGE} in Docker on localhost:{chosen}", done=True))
            yield Registry(f"localhost:{chosen}", f"docker run {IMAGE}", chosen)
    elif found := next(((box, name) for box in boxes if (name := _program_of(box))), None):
        with _inside(*found, chosen):
            tell(Progress("registry", f"{found[1]} inside {found[0].name}, on localhost:{chosen}", done=True))
            yield Registry(f"localhost:{chosen}", f"{found[1]} in {found[0].name}", chosen, found[0].name)
    else:
        raise RegistryError(
            f"cannot start a registry: none of {', '.join(PROGRAMS)} and docker is on this machine or in a box",
            hint="python -m lab setup, or name a registry of your own with --registry docker.io/USER",
        )


@contextmanager
def doors(registry: Registry, boxes: Sequence[Box]) -> Iterator[None]:
    """Show the lab's registry to every box as localhost:PORT; an external registry needs no door."""
    with ExitStack() as stack:
        if registry.port is not None:
            for box in boxes:
                if box.name == registry.inside:
                    continue
                stack.enter_context(box.registry_door(registry.port, registry.port))
        yield


@contextmanager
def _storage(store: Path | None) -> Iterator[Path]:
    """The folder the images lie in: `store`, emptied of all but the base image, or a new one if another lab has it."""
    with ExitStack() as stack:
        data = None
        if store is not None:
            with suppress(BusyError):
                stack.enter_context(hold(store, ["registry"], "repro"))
                data = store / "registry"
                _forget_runs(data)
        yield data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-registry-")))


def _forget_runs(data: Path) -> None:
    """Drop the images of earlier runs: their names always, everything once it has grown too large."""
    if sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) > KEEP_BYTES:
        shutil.rmtree(data, ignore_errors=True)
    for repository in (data / "docker" / "registry" / "v2" / "repositories").glob("*"):
        if repository.name != BASE:
            shutil.rmtree(repository, ignore_errors=True)


@contextmanager
def _program(program: str, port: int, data: Path) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="lab-registry-") as folder:
        config = Path(folder) / "config.yml"
        # quoted: a checkout's path may hold what YAML takes for its own
        config.write_text(CONFIG.format(root=json.dumps(str(data)), port=port), encoding="utf-8")
        # OTEL_TRACES_EXPORTER: registry 3 otherwise logs that it finds no collector
        child = Child([program, "serve", str(config)], Path(folder) / "log", env={"OTEL_TRACES_EXPORTER": "none"})
        try:
            _wait_until_it_serves(port, child)
            yield
        finally:
            child.stop()


@contextmanager
def _container(port: int) -> Iterator[None]:
    """The registry image in this machine's own Docker; the container goes with its volume when the run ends."""
    shell = LocalBox("this machine")
    started = shell.run(["docker", "run", "-d", "--rm", "-p", f"127.0.0.1:{port}:5000", IMAGE], timeout=300)
    if not started.ok:
        raise RegistryError(
            f"cannot start {IMAGE} in this machine's Docker: exit status {started.exit}",
            output=started.output,
            hint="python -m lab setup installs a registry program",
        )
    container = started.text.splitlines()[-1]
    try:
        _wait_until_it_serves(port, None)
        yield
    finally:
        shell.run(["docker", "rm", "-f", "-v", container], timeout=60)


def _program_of(box: Box) -> str:
    """The registry program that a box has, or nothing."""
    return next((name for name in PROGRAMS if box.run(["sh", "-c", f"command -v {name}"]).ok), "")


@contextmanager
def _inside(box: Box, program: str, port: int) -> Iterator[None]:
    """The registry as a program of a box, seen on this machine's loopback too; its data goes when the run ends."""
    folder = box.check(["mktemp", "-d", "/tmp/lab-registry-XXXXXX"], doing="make the registry's folder").text
    config = CONFIG.format(root=f"{folder}/data", port=port)
    script = f"""printf %s {shlex.quote(config)} > {folder}/config.yml
OTEL_TRACES_EXPORTER=none setsid {program} serve {folder}/config.yml > {folder}/log 2>&1 < /dev/null & echo $!"""
    process = box.check(["sh", "-c", script], doing="start the registry").text

    def look() -> bool | str:
        # asked on the box itself: a forward to a port where nobody listens yet breaks
        asked = box.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"])
        return asked.ok or "nothing listens yet"

    def log() -> str:
        return box.run(["cat", f"{folder}/log"]).text

    try:
        wait_for(f"the registry in {box.name}", look, timeout=INSIDE_SECONDS, every=1, error=RegistryError, detail=log)
        with box.host_door(port, port):
            _wait_until_it_serves(port, None)
            yield
    finally:
        box.run(["sh", "-c", f"kill {process}; rm -rf {folder}"], timeout=60)


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
            raise RegistryError("cannot start the registry: it ended at once", output=child.said())
        status = _status(port)
        if isinstance(status, str):
            return status
        return True if status == 200 else f"status {status} instead of 200"

    said = child.said if child else str
    wait_for("the registry", look, timeout=20, every=0.1, error=RegistryError, detail=said)


def _port(asked: int | None) -> int:
    """The port asked for if it is free, else the first free one from 5000 on."""
    refused: OSError | None = None
    for port in [asked] if asked else PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                refused = error
                continue
        return port
    if asked:
        denied = isinstance(refused, PermissionError)
        why = "permission denied (ports below 1024 are root's)" if denied else "something listens there"
        raise HostError(
            f"cannot serve the registry on port {asked}: {why}",
            hint="leave --registry-port out, and a free port is taken",
        ) from refused
    raise HostError(f"cannot serve the registry: ports {PORTS.start} to {PORTS.stop - 1} are all taken") from refused
