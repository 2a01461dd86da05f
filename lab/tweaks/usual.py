"""The values that files usually have elsewhere, which the search tries; they are data, boxes/buildkit/usual.yaml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usual:
    """Modes of files and of directories, umasks, values of security.selinux without the NUL, other attributes
    (name, raw value), owners (uid, gid), names of files that only one side may have with their contents, and names of
    empty folders.
    """

    file_modes: tuple[int, ...]
    dir_modes: tuple[int, ...]
    umasks: tuple[int, ...]
    labels: tuple[str, ...]
    attributes: tuple[tuple[str, bytes], ...]
    owners: tuple[tuple[int, int], ...]
    extras: tuple[tuple[str, bytes], ...]
    folders: tuple[str, ...]
