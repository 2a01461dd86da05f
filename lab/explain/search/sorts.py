"""The sorts of objects that rules on modes distinguish, and the modes that such a rule gives to each sort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.explain.search.checkout import Tracked


class Sort(IntEnum):
    """The sorts of objects that rules on modes distinguish."""

    FILE = 0
    EXECUTABLE = 1
    FOLDER = 2
    LINK = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Modes:
    """The modes of files, executable files, folders and links; None is the mode that the object has here.

    `by_index` takes the executable bit from git's index where the file is tracked.
    """

    file: int | None
    executable: int | None
    folder: int | None
    link: int | None = None
    by_index: bool = False

    def of(self, sort: Sort, mode: int) -> int:
        """Return the mode of an object of a sort that has a mode here."""
        wanted = (self.file, self.executable, self.folder, self.link, None)[sort]
        return mode if wanted is None else wanted


def sort_of(entry: Entry, tracked: Tracked | None = None) -> Sort:
    """Return the sort of an object; `tracked` decides whether a file is executable, if it says so."""
    if entry.kind is Kind.FILE:
        known = tracked is not None and tracked.mode & 0o170000 == 0o100000
        executable = tracked.executable if tracked and known else entry.mode & 0o100
        return Sort.EXECUTABLE if executable else Sort.FILE
    return {Kind.DIR: Sort.FOLDER, Kind.SYMLINK: Sort.LINK}.get(entry.kind, Sort.OTHER)


@dataclass(frozen=True, slots=True)
class Alike:
    """Objects in classes: those of one class have the same mode here, and the same mode under every rule.

    `numbers` has the number of each object's class. `classes` has for each class the sort by the own mode, the sort by
    git's index, and the mode here. There are few classes, so a rule is judged by them and not by thousands of objects.
    """

    numbers: Sequence[int]
    classes: Sequence[tuple[Sort, Sort, int]]

    @classmethod
    def of(cls, objects: Sequence[Entry], tracked: Sequence[Tracked | None]) -> Alike:
        """Return the classes of objects; `tracked` has for each object what git's index says."""
        found: dict[tuple[Sort, Sort, int], int] = {}
        numbers = []
        for entry, item in zip(objects, tracked, strict=True):
            own = sort_of(entry)
            key = own, sort_of(entry, item) if item else own, entry.mode
            numbers.append(found.setdefault(key, len(found)))
        return cls(numbers, list(found))

    def of_classes(self, modes: Modes | None) -> list[int]:
        """Return the mode of each class under a rule."""
        if modes is None:
            return [mode for _, _, mode in self.classes]
        return [modes.of(indexed if modes.by_index else own, mode) for own, indexed, mode in self.classes]

    def modes(self, modes: Modes | None) -> list[int]:
        """Return the mode of each object under a rule."""
        return list(map(self.of_classes(modes).__getitem__, self.numbers))
