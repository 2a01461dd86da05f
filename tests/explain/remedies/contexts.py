"""Both sides of a COPY for tests of remedies, in memory and on disk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.query import Query
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.context import read_context
from lab.explain.remedies.offer import remedies, trials
from lab.explain.remedies.remedy import Place, Remedy, Sides, Step, sides
from lab.explain.search.case import with_bytes
from tests.explain.search.trees import R9

OURS = [
    Entry("d", Kind.DIR, 0o755),
    file("d/a.txt", b"one\ntwo\n"),
    file("d/b.sh", b"#!/bin/sh\n", 0o755),
    Entry("d/sub", Kind.DIR, 0o755),
    file("d/sub/c.txt", b"three\n"),
    file("d/sub/e.txt", b"five\n"),
    file("d/sub/data.bin", b"\0\n"),
]


def both(
    ours: Sequence[Entry],
    theirs: Sequence[Entry],
    source: str = ".",
    rules: Rules = R9,
    tracked: dict[str, bool] | None = None,
) -> Sides:
    """Both sides of `COPY source`."""
    return sides(ours, theirs, [Query(source)], rules, rules, tracked)


def texts(found: Sequence[Remedy]) -> list[tuple[str, Place]]:
    """What remedies of one step say, with their places."""
    return [(step.text, step.place) for remedy in found for step in remedy.steps]


def offered(*arguments: object, **named: object) -> list[tuple[str, Place]]:
    """The remedies that are offered for two sides."""
    return texts(remedies(both(*arguments, **named)))  # type: ignore[arg-type]


def refused(pair: Sides) -> list[str]:
    """The steps that are proposed and that do not lead to the digest."""
    return [step.text for step, works in trials(pair) if not works]


def on(entries: Sequence[Entry], **modes: int) -> list[Entry]:
    """The objects with other modes; a name in `modes` is a path with `_` for `/` and `.`."""
    return [
        replace(entry, mode=modes.get(entry.path.replace("/", "_").replace(".", "_"), entry.mode)) for entry in entries
    ]


def write(folder: Path, entries: Sequence[Entry]) -> None:
    """Write the objects to disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        place = folder / entry.path
        if entry.kind is Kind.DIR:
            place.mkdir(exist_ok=True)
        elif entry.kind is Kind.SYMLINK:
            place.symlink_to(entry.linkname)
        else:
            assert isinstance(entry.content, bytes)
            place.write_bytes(entry.content)
    for entry in reversed(entries):
        if entry.kind is not Kind.SYMLINK:
            (folder / entry.path).chmod(entry.mode)
        for name, value in entry.xattrs.items():
            os.setxattr(folder / entry.path, name, value, follow_symlinks=False)


def read(folder: Path) -> list[Entry]:
    """The objects on disk as a client sends them, with their contents in memory."""
    return [with_bytes(entry) for entry in read_context(folder)]


def run(step: Step, folder: Path) -> list[Entry]:
    """Run the command of a step in a folder, under umask 022, and read the folder again."""
    command = f"umask 022; {step.text}"
    subprocess.run(["sh", "-ec", command], cwd=folder, check=True, capture_output=True)
    return read(folder)
