"""Network namespaces of this machine that stand for other hosts."""

from __future__ import annotations

import shlex
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass


@dataclass(frozen=True)
class Namespace:
    """A network namespace, joined with this machine by a pair of links.

    `link` is the end on this machine's side, whose address is `here`. The other end is eth0, with the address `there`.
    """

    name: str
    link: str
    here: str
    there: str

    def make(self, stack: ExitStack) -> None:
        """Make it for the time of the stack; needs root. Both addresses are in a network of four."""
        ip(f"netns add {self.name}")
        stack.callback(subprocess.run, ["ip", "netns", "delete", self.name], check=False)
        ip(f"link add {self.link} type veth peer name eth0 netns {self.name}")
        # the link goes with the namespace, but later
        stack.callback(subprocess.run, ["ip", "link", "delete", self.link], check=False, capture_output=True)
        ip(f"addr add {self.here}/30 dev {self.link}")
        ip(f"link set {self.link} up")
        ip(f"-n {self.name} link set lo up")
        ip(f"-n {self.name} addr add {self.there}/30 dev eth0")
        ip(f"-n {self.name} link set eth0 up")

    @property
    def entering(self) -> tuple[str, ...]:
        """The words before those of a program that runs in it."""
        return ("nsenter", f"--net=/run/netns/{self.name}")


def ip(words: str) -> None:
    """Call ip."""
    subprocess.run(["ip", *shlex.split(words)], check=True)
