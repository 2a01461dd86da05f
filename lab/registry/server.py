"""The registry of one run, and how boxes reach it; or an external one, used as it is.

Lab's own registry serves the images of one run and drops them; only the base image made from a box's busybox is kept.
It listens on loopback alone and has a password of its own. Its folder and its program are noted on disk
(`boxes.beside`), so that those of a killed lab are removed later.
"""

from __future__ import annotations

import http.client
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab import files
from lab.boxes.base import Box, Result, Tell
from lab.boxes.beside import beside
from lab.boxes.local import LocalBox
from lab.errors import BusyError, RegistryError
from lab.files import hold
from lab.model import Progress
from lab.registry.credentials import Credentials
from lab.registry.inside import inside, program_of
from lab.registry.manifests import ACCEPTED
from lab.registry.ports import TakenError, free_port, held_on_ipv6, kind_of
from lab.registry.serving import proof, settings, status, wait_until_it_serves
from lab.workers import each, raise_first

PROGRAMS = ("docker-registry", "registry")
IMAGE = "registry:2"
IN_IMAGE = "/users"  # where the container has its file of users
BASE = "lab-base"  # the one repository that outlives a run
KEEP_BYTES = 300 << 20  # a larger kept store is emptied: the images of earlier runs are in it as blobs without a name
HIDDEN = b"[registry password]"


@dataclass(frozen=True, slots=True)
class Registry:
    """Where images go: `prefix` begins every reference; `port` is set for lab's own registry on loopback.

    `inside` is the box that it runs in, which needs no forward to it, and `shown` names those whose forward is open.
    `credentials` are those of lab's own registry, and `log` is the file of what its program prints. `folder` keeps the
    images of runs apart that are made at once: docker-registry 2.8 fails where two clients push one layer into one
    repository at the same moment.
    """

    prefix: str
    program: str
    port: int | None = None
    inside: str | None = None
    credentials: Credentials | None = None
    log: Path | None = None
    shown: frozenset[str] = frozenset()
    folder: str | None = None

    @property
    def place(self) -> str:
        """How the references of the images begin that a run pushes."""
        return f"{self.prefix}/{self.folder}" if self.folder else self.prefix

    def reference(self, scenario: str, box: str, engine: str) -> str:
        """The reference of the image of a scenario that a box pushes with an engine, in a repository of the box."""
        return f"{self.place}/lab-{scenario}-{box}:{engine.replace('+', '_')}"

    @property
    def client_config(self) -> bytes | None:
        """The content of config.json that lets a client use lab's own registry; None for another registry."""
        return self.credentials.client_config(self.prefix) if self.credentials else None

    def problem(self) -> str | None:
        """What is wrong with the answer of lab's own registry, in words; None if nothing is, or if it is external."""
        found = 200 if self.port is None else status(self.port, self.credentials)
        if isinstance(found, str):
            return "does not answer"
        return None if found == 200 else f"answers with status {found}"

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest of a manifest in lab's own registry; None if it has none, or if the registry is external."""
        if self.port is None:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Accept": ", ".join(ACCEPTED), **proof(self.credentials)}
        try:
            connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers=headers)
            answer = connection.getresponse()
            return answer.headers.get("Docker-Content-Digest") if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def hide(self, boxes: Iterable[Box]) -> None:
        """Let no record of these boxes show the password, whatever a command prints."""
        for box in boxes:
            for secret in self.credentials.secrets if self.credentials else ():
                box.hide(secret, HIDDEN)


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
    with ExitStack() as stack:
        state = store or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-registry-")))
        found = _start(port, tell, state, boxes, stack, kept=store is not None)
        tell(Progress("registry", f"{found.program} on {found.prefix}", done=True))
        yield found


def _start(
    asked: int | None, tell: Tell, state: Path, boxes: Sequence[Box], stack: ExitStack, *, kept: bool
) -> Registry:
    """Start a registry for the time of the stack.

    Two labs that start at once may choose one port: the second one takes the next, unless the port was asked for.
    """
    passed_over: list[int] = []
    while True:
        chosen = free_port(asked, boxes, passed_over)
        tell(Progress("registry", f"starting on localhost:{chosen}"))
        try:
            return _start_on(chosen, state, boxes, stack, kept=kept)
        except TakenError:
            if asked:
                raise
            passed_over.append(chosen)


def _start_on(port: int, state: Path, boxes: Sequence[Box], stack: ExitStack, *, kept: bool) -> Registry:
    stack.enter_context(held_on_ipv6(port))
    credentials = Credentials.random()
    made = partial(Registry, f"localhost:{port}", port=port, credentials=credentials)
    if program := next((name for name in PROGRAMS if shutil.which(name)), None):
        log = stack.enter_context(_program(program, port, state, credentials, kept=kept))
        return made(program, log=log)
    if shutil.which("docker"):
        stack.enter_context(_container(port, state, credentials))
        return made(f"docker run {IMAGE}")
    if found := next(((box, name) for box in boxes if (name := program_of(box, PROGRAMS))), None):
        stack.enter_context(inside(*found, port, credentials))
        return made(f"{found[1]} in {found[0].name}", inside=found[0].name)
    raise RegistryError(
        f"cannot start a registry: none of {', '.join(PROGRAMS)} and docker is on this machine or in a box",
        hint="python -m lab setup, or name a registry of your own with --registry docker.io/USER",
    )


@contextmanager
def doors(registry: Registry, boxes: Sequence[Box]) -> Iterator[None]:
    """Show lab's registry to every box as localhost:PORT; an external registry needs no forward.

    The forwards are opened at the same time, because each is a connection of its own. The first error is raised once
    all have been tried, and those that are open are closed.
    """
    with ExitStack() as stack:
        if (port := registry.port) is not None:
            others = [box for box in boxes if box.name != registry.inside and box.name not in registry.shown]
            wanted = {box.name: box.registry_door(port, port) for box in others}
            raise_first(each(wanted, lambda name: stack.enter_context(wanted[name]))[1])
        yield


@contextmanager
def _storage(state: Path, place: Path, *, kept: bool) -> Iterator[Path]:
    """The folder of the images: the kept one, emptied of all but the base image; else a new one below `place`.

    A new one is used too while another lab process has the kept one. Only this user can read the kept one.
    """
    with ExitStack() as stack:
        data = place / "data"
        if kept:
            with suppress(BusyError):
                stack.enter_context(hold(state, ["registry"], "repro", wait=False))
                data = state / "registry"
                files.private_folder(data)
                _drop_runs(data)
        yield data


def _drop_runs(data: Path) -> None:
    """Remove the images of earlier runs: their names always, everything once the store is too large."""
    if sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) > KEEP_BYTES:
        shutil.rmtree(data / "docker", ignore_errors=True)
    for repository in (data / "docker" / "registry" / "v2" / "repositories").glob("*"):
        if repository.name != BASE:
            shutil.rmtree(repository, ignore_errors=True)


@contextmanager
def _program(program: str, port: int, state: Path, credentials: Credentials, *, kept: bool) -> Iterator[Path]:
    """Start the program, and give the file of its output."""
    with beside(state, "registry") as place, _storage(state, place.folder, kept=kept) as data:
        config, users = place.folder / "config.yml", place.folder / "users"
        files.write(users, credentials.htpasswd(), mode=0o600)
        files.write(config, settings(str(data), port, str(users)), mode=0o600)
        # OTEL_TRACES_EXPORTER: registry 3 logs without it that it finds no collector
        child = place.start([program, "serve", str(config)], env={"OTEL_TRACES_EXPORTER": "none"})
        try:
            wait_until_it_serves(port, child, credentials)
            yield child.log
        finally:
            child.stop()  # before another lab process may have the kept store


@contextmanager
def _container(port: int, state: Path, credentials: Credentials) -> Iterator[None]:
    """The registry image in this machine's own Docker; the container goes with its volume when the run ends.

    The file of users is copied into the container before it starts: Docker may not see the folders of this machine.
    """
    shell = LocalBox("this machine")
    with beside(state, "registry") as place:
        name = f"lab-{place.folder.name}"
        users = place.folder / "users"
        files.write(users, credentials.htpasswd(), mode=0o600)
        place.expect_container(name)
        settings = {"AUTH": "htpasswd", "AUTH_HTPASSWD_REALM": "lab", "AUTH_HTPASSWD_PATH": IN_IMAGE}
        words = [word for key, value in settings.items() for word in ("-e", f"REGISTRY_{key}={value}")]
        try:
            _check(
                shell.run(
                    ["docker", "create", "--rm", "--name", name, "-p", f"127.0.0.1:{port}:5000", *words, IMAGE],
                    timeout=300,
                )
            )
            _check(shell.run(["docker", "cp", str(users), f"{name}:{IN_IMAGE}"], timeout=60))
            _check(shell.run(["docker", "start", name], timeout=60))
            wait_until_it_serves(port, None, credentials)
            yield
        finally:
            shell.run(["docker", "rm", "-f", "-v", name], timeout=60)


def _check(result: Result) -> None:
    """Raise RegistryError if a command that starts the container failed; TakenError if that is the port's fault."""
    if not result.ok:
        raise kind_of(result.output.decode("utf-8", "replace"))(
            f"cannot start {IMAGE} in this machine's Docker: exit status {result.exit}",
            output=result.output,
            hint="python -m lab setup installs a registry program",
        )
