"""The throw-away registry of one run, and how boxes reach it; or an external one, used as it is."""

from __future__ import annotations

import http.client
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.base import Box, Tell
from lab.boxes.local import LocalBox
from lab.boxes.process import Child
from lab.errors import HostError, RegistryError
from lab.model import Progress
from lab.waiting import wait_for

PORT = 5000
PORTS = range(PORT, PORT + 20)
PROGRAMS = ("docker-registry", "registry")
IMAGE = "registry:2"
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


@contextmanager
def serve(asked: str | None, port: int | None, tell: Tell) -> Iterator[Registry]:
    """A registry for the time of the context: the external one asked for, else a new one on loopback.

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
        with _program(program, chosen):
            tell(Progress("registry", f"{program} on localhost:{chosen}", done=True))
            yield Registry(f"localhost:{chosen}", program, chosen)
    elif shutil.which("docker"):
        with _container(chosen):
            tell(Progress("registry", f"{IMAGE} in Docker on localhost:{chosen}", done=True))
            yield Registry(f"localhost:{chosen}", f"docker run {IMAGE}", chosen)
    else:
        raise RegistryError(
            f"cannot start a registry: none of {', '.join(PROGRAMS)} and docker is on this machine",
            hint="python -m lab setup, or name a registry of your own with --registry docker.io/USER",
        )


@contextmanager
def doors(registry: Registry, boxes: Sequence[Box]) -> Iterator[None]:
    """Show the lab's registry to every box as localhost:PORT; an external registry needs no door."""
    with ExitStack() as stack:
        if registry.port is not None:
            for box in boxes:
                stack.enter_context(box.registry_door(registry.port, registry.port))
        yield


@contextmanager
def _program(program: str, port: int) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="lab-registry-") as folder:
        config = Path(folder) / "config.yml"
        config.write_text(CONFIG.format(root=f"{folder}/data", port=port), encoding="utf-8")
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


def _wait_until_it_serves(port: int, child: Child | None) -> None:
    def look() -> bool | str:
        if child is not None and not child.alive():
            raise RegistryError("cannot start the registry: it ended at once", output=child.said())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/v2/")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()
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
