"""Hosts that are reached by ssh: each is a network namespace with an sshd and a Docker engine of its own.

The engine is one that another checkout of the suite keeps, started inside the namespace: to lab it is the Docker of
that host.
"""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from lab.boxes.process import Child
from lab.engines.home import Home
from lab.workers import wait_for
from tests.boxes.test_ssh import CONFIG, SSHD, make_key
from tests.faults.workplace import FIXED, MARK, Workplace
from tests.namespaces import Namespace

NAMES = ("east", "west")
FILE = """\
name: {name}
summary: a network namespace behind ssh
kind: ssh
host: {address}
user: {user}
port: 22
key: {folder}/user
engines: [installed]
"""
SETTINGS = """\
AcceptEnv none
SetEnv DOCKER_HOST={socket} PATH={programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME={home}
"""


@dataclass
class Host:
    """One host: its namespace, its sshd, the checkout that has its engine, and the home folder on a small disk."""

    name: str
    number: int
    place: Workplace
    folder: Path
    sshd: Child | None = field(default=None)

    @property
    def space(self) -> str:
        """The name of its network namespace."""
        return f"lf{os.getpid()}{self.name[0]}"

    @property
    def link(self) -> str:
        """The name of its link on this machine's side."""
        return f"{self.space}0"

    @property
    def address(self) -> str:
        """Its address, in a network of four; 198.51.100.0/24 is for documentation (RFC 5737), and leads nowhere."""
        return f"198.51.100.{self._first + 2}"

    @property
    def _first(self) -> int:
        return 4 * ((2 * os.getpid() + self.number) % 62)  # two suites may run on one machine

    @property
    def namespace(self) -> Namespace:
        """Its network namespace."""
        return Namespace(self.space, self.link, f"198.51.100.{self._first + 1}", self.address)

    def inside(self, *words: str) -> None:
        """Run a command in its network."""
        subprocess.run([*self.namespace.entering, *words], check=True, capture_output=True)

    def make(self, stack: ExitStack) -> None:
        """Make the network, the engine and the sshd."""
        self.namespace.make(stack)
        self.place.before = self.namespace.entering
        stack.callback(self.place.remove)
        stack.callback(self.place.call, "down")
        stack.callback(self.stop)
        for key in ("host", "user"):
            make_key(self.folder / key)
        self.start_engine()
        self.start()

    def start_engine(self) -> None:
        """Start the engine, if it does not run."""
        code, text = self.place.call("up", "left", "--lineup", "pair")
        assert code == 0, text

    def start(self) -> None:
        """Start the sshd, if it does not run."""
        if self.sshd and self.sshd.alive():
            return
        assert SSHD, "apt-get install openssh-server: `make check` does"
        Path("/run/sshd").mkdir(exist_ok=True)
        home = Home(self.place.state, FIXED).daemon
        settings = SETTINGS.format(socket=home.socket, programs=home.programs, home=self.place.home)
        text = CONFIG.replace("127.0.0.1", "0.0.0.0").format(port=22, folder=self.folder) + settings
        config = self.folder / "config"
        config.write_text(text)
        words = [*self.namespace.entering, SSHD, "-D", "-e", "-f", str(config)]
        self.sshd = Child(words, self.folder / "log", env={MARK: str(self.folder)})
        wait_for("sshd", self._look, timeout=60, every=0.02, detail=self.sshd.output)

    def _look(self) -> bool | str:
        probe = [*self.namespace.entering, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22"]
        return subprocess.run(probe, check=False, capture_output=True).returncode == 0 or "nothing listens"

    def servers(self) -> list[psutil.Process]:
        """The sshd and the processes of its connections."""
        if not (self.sshd and self.sshd.alive()):
            return []
        top = psutil.Process(self.sshd.pid)
        return [top, *(item for item in top.children(recursive=True) if item.name().startswith("sshd"))]

    def stop(self) -> None:
        """End the sshd and its connections."""
        for process in reversed(self.servers()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.sshd:
            self.sshd.stop()

    def text(self) -> str:
        """Its box file."""
        user = getpass.getuser()
        return FILE.format(name=self.name, address=self.address, user=user, folder=self.folder)


@contextmanager
def hosts(root: Path, cache: Path, place: Workplace) -> Iterator[dict[str, Host]]:
    """The hosts for the time of the context, as the lineup `hosts` of a workplace."""
    with ExitStack() as stack:
        made = {}
        for number, name in enumerate(NAMES):
            folder = root / name
            folder.mkdir()
            made[name] = Host(name, number, Workplace(root / f"{name}-engine", cache), folder)
            made[name].make(stack)
        place.lineup("hosts", {name: item.text() for name, item in made.items()})
        place.hosts = made
        yield made
