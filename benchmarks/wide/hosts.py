"""Hosts that cost nothing: each is a network namespace with an sshd, whose `docker` repeats recorded answers."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.process import Child
from lab.workers import wait_for
from tests.boxes.test_ssh import CONFIG, SSHD, make_key
from tests.faults.hosts import FILE
from tests.namespaces import Namespace

# A `docker` that answers by the first words of its call; an answer is a file with both its outputs.
PROGRAM = """\
#!/bin/sh
case "$*" in
version\\ --format*) exec cat {answers}/format ;;
version*) exec cat {answers}/version ;;
info*) exec cat {answers}/info ;;
build*) exec cat {answers}/build >&2 ;;
esac
"""
SETTINGS = "AcceptEnv none\nSetEnv PATH={programs}:/usr/bin:/bin:/usr/sbin:/sbin HOME={home}\n"


@dataclass(frozen=True)
class Quiet:
    """One such host; `number`, from 1 to 64, gives its name and its network of four.

    203.0.113.0/24 is for documentation (RFC 5737). lab's engines have the networks that are for benchmarks.
    """

    number: int
    folder: Path

    @property
    def name(self) -> str:
        """Its name, and that of its network namespace."""
        return f"wide{self.number}"

    def address(self, end: int) -> str:
        """An address of its network: 1 is this machine's, 2 its own."""
        return f"203.0.113.{4 * (self.number - 1) + end}"

    def make(self, stack: ExitStack, answers: Path) -> None:
        """Make the network, the programs and the sshd; they end with the stack. The keys are beside the folder."""
        namespace = Namespace(self.name, f"{self.name}0", self.address(1), self.address(2))
        namespace.make(stack)
        for name in ("bin", "home"):
            (self.folder / name).mkdir(parents=True)
        program = self.folder / "bin" / "docker"
        program.write_text(PROGRAM.format(answers=answers))
        program.chmod(0o755)
        settings = SETTINGS.format(programs=self.folder / "bin", home=self.folder / "home")
        config = self.folder / "config"
        config.write_text(CONFIG.replace("127.0.0.1", "0.0.0.0").format(port=22, folder=self.folder.parent) + settings)
        Path("/run/sshd").mkdir(exist_ok=True)
        assert SSHD, "apt-get install openssh-server: `make check` does"
        server = Child([*namespace.entering, SSHD, "-D", "-e", "-f", str(config)], self.folder / "log")
        stack.callback(server.stop)
        wait_for("sshd", lambda: self._look() or "nothing listens", timeout=60, every=0.05, detail=server.output)

    def _look(self) -> bool:
        words = ["bash", "-c", f"exec 3<>/dev/tcp/{self.address(2)}/22"]
        return subprocess.run(words, check=False, capture_output=True).returncode == 0

    def text(self) -> str:
        """Its box file."""
        address, user = self.address(2), getpass.getuser()
        return FILE.format(name=self.name, address=address, user=user, folder=self.folder.parent)


@contextmanager
def quiet_hosts(root: Path, count: int, answers: Mapping[str, str]) -> Iterator[list[Quiet]]:
    """So many hosts that give these answers, by the names in PROGRAM; needs root."""
    root.mkdir()
    for name, text in answers.items():
        (root / name).write_text(text)
    for name in ("host", "user"):
        make_key(root / name)
    with ExitStack() as stack:
        found = [Quiet(number, root / f"wide{number}") for number in range(1, count + 1)]
        for item in found:
            item.make(stack, root)
        yield found
