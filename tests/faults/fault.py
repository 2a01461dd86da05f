"""What a fault is: data, and an object that makes it and takes it back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.scene import Scene

# A line of `--verbose` reads "   1.2s  WHO: WHAT". {box} is the box that the fault hits.
PHASES = {
    "before": "",  # before the program starts
    "anywhere": "",  # at a moment of its first `delay` seconds
    "registry": r"  registry: starting on ",
    "start": r"  engine {engine}: starting on this machine",
    "started": r"  {box}: ready",
    "build": r"  {box}: build$",
    "push": r"  {box}: push$",
    "rebuild": r"  {box}: {box}: rebuild$",
    "vagrant": r"  {box}: vagrant up$",
    "boot": r"  {box}: (?:console: |.*Waiting for domain to get an IP)",
}
REPRO = ("repro", "struck", "--lineup", "{lineup}", "--allow-prune", "--verbose")


class NotMade(Exception):
    """A fault that cannot be made on this machine without harm to other people; the text says why."""


class Kind(ABC):
    """One kind of fault: how it is made on real parts, and how it is taken back."""

    def prepare(self, scene: Scene) -> None:
        """Do what must be there before the program starts."""

    @abstractmethod
    def strike(self, scene: Scene) -> None:
        """Make the fault, now."""

    def heal(self, scene: Scene) -> None:
        """Take the fault back after the program has ended; harmless if there is nothing to take back."""


@dataclass(frozen=True)
class Fault:
    """One row of the table.

    `what` and `when` are its words. `kind` strikes at the line of the program's progress that `phase` names, and up to
    `delay` seconds later, as the seed decides. `words` are the command line, in which {lineup} and {box} are replaced.
    `codes` are the exit codes that are right, and `blames` is a pattern that the output must have with any code but 0.
    `seconds` is the limit that is stated for the program with this fault; `cap` makes the limit of each command on a
    box at most that, so that a fault that lasts does not take 15 minutes. The lineup `one` is for a fault that hits
    what all boxes use, and `vm` is one virtual machine.
    """

    name: str
    what: str
    when: str
    kind: Kind
    codes: tuple[int, ...]
    blames: str = ""
    phase: str = "before"
    delay: float = 0
    lineup: str = "pair"
    words: tuple[str, ...] = REPRO
    seconds: float = 60
    cap: float | None = None

    @property
    def makes_run(self) -> bool:
        """True if the command makes a run."""
        return self.words[0] == "repro"
