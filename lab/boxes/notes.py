"""Notes on disk about the boxes that lab creates; a note is written before its box exists."""

from __future__ import annotations

from pathlib import Path

from lab import files
from lab.boxes.address import Address
from lab.statefile import Kind, aside
from lab.yamlfile import Strict


class Machine(Strict):
    """What the Vagrantfile needs beyond the box file; `box` only where lab baked the image, `console` is a log file."""

    provider: str
    driver: str | None = None
    box: str | None = None
    prefix: str
    console: str | None = None


class Note(Strict):
    """All that lab knows about one box that it made. `address` is absent until lab reached the box once.

    `silent` is true for a machine that stopped booting and is kept for a look. `pristine` names the engines that the
    snapshot of its first state has; it is absent for a machine without that snapshot. `snapshots` are the names of
    those that `lab snapshot save` made and that were not removed.
    """

    version: int = 1
    box: str
    lineup: str
    vagrant: Machine
    address: Address | None = None
    suspended: bool = False
    silent: bool = False
    pristine: tuple[str, ...] | None = None
    snapshots: tuple[str, ...] = ()


NOTE = Kind(Note)


class Notes:
    """The notes of one checkout: one JSON file for each box under .lab/machines/."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.folder = state / "machines"

    def path(self, box: str) -> Path:
        """The path of a box's note; the Vagrantfile reads it too."""
        return self.folder / f"{box}.json"

    def known_hosts(self, box: str) -> Path:
        """The path of the file that holds a box's host key."""
        return self.folder / f"{box}.known_hosts"

    def read(self, box: str) -> Note | None:
        """The note of a box, or None. A note that cannot be read is a HostError with a hint."""
        return NOTE.read(
            self.path(box),
            f"the note of {box}",
            f"`python -m lab down {box}` removes the box, and `python -m lab up {box}` makes a new one",
        )

    def exists(self, box: str) -> bool:
        """True if a box has a note, or had one that was damaged and is set aside."""
        return self.path(box).exists() or bool(aside(self.path(box)))

    def write(self, note: Note) -> None:
        """Write a note to disk completely or not at all."""
        files.write(self.path(note.box), note.model_dump_json(indent=1) + "\n")

    def forget(self, box: str) -> None:
        """Remove the note, also one that was set aside, and the host key of a box that no longer exists."""
        for path in (self.path(box), *aside(self.path(box))):
            path.unlink(missing_ok=True)
        self.known_hosts(box).unlink(missing_ok=True)

    def boxes(self) -> list[str]:
        """The names of the boxes that have a note."""
        return sorted(path.stem for path in self.folder.glob("*.json"))
