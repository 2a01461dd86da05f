"""Make a pack: list the files with their sums, copy what is missing or differs, and write the manifest at the end.

A pack is complete if it has a manifest. While it is made, the list has another name, so a pack that Ctrl-C, a full disk
or a power cut left is refused, and the next `lab pack` copies only the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from lab import __version__, files
from lab.boxes.base import Tell
from lab.engines.archive import sha256_of
from lab.engines.elf import here
from lab.errors import ConfigError, HostError, UsageError
from lab.machines.pack.arrival import copy
from lab.machines.pack.gathering import Item
from lab.machines.pack.manifest import FOLDERS, NAME, SCHEMA, UNFINISHED, Entry, Manifest, parse
from lab.model import Progress
from lab.yamlfile import check

WHO = "pack"
RESERVE = 16 << 20  # bytes that stay free: the manifest and the folders need some


@dataclass(frozen=True)
class Plan:
    """What a pack will hold: its manifest, the source of each file by its path, and the entries that are to be copied.

    `have` is how many of their bytes earlier attempts have left.
    """

    folder: Path
    manifest: Manifest
    sources: dict[str, Path]
    todo: tuple[Entry, ...]
    have: int

    @property
    def bytes_to_copy(self) -> int:
        """How many bytes are still to be copied."""
        return sum(entry.size for entry in self.todo) - self.have


@dataclass(frozen=True, slots=True)
class About:
    """What the manifest says of the whole pack."""

    lineups: tuple[str, ...]
    pythons: tuple[str, ...]
    suites: tuple[str, ...]
    engines: tuple[str, ...] = ()


def plan(items: Collection[Item], folder: Path, about: About, tell: Tell) -> Plan:
    """Compare the files with what the folder holds; nothing is written.

    Raises ConfigError for a file that no pack can hold, UsageError for a folder with other files at the places of a
    pack, and HostError if a file cannot be read.
    """
    check_folder(folder)
    total, done = sum(_size(item.source) for item in items), 0
    entries, todo, have = [], [], 0
    for item in items:
        size = _size(item.source)
        tell(Progress(WHO, f"computing sums: {done / 1e6:.0f} of {total / 1e6:.0f} MB"))
        entry = check(
            {"path": item.path, "size": size, "sha256": _sum(item.source), "sort": item.sort, "about": item.about},
            Entry,
            f"{item.source} in a pack",
        )
        done += size
        entries.append(entry)
        target = folder / entry.path
        if not (files.is_file(target) and _size(target) == size and _sum(target) == entry.sha256):
            todo.append(entry)
            with suppress(OSError):
                have += min(size, target.with_name(f".{target.name}.{entry.sha256[:12]}.part").stat().st_size)
    manifest = check(
        {
            "schema": SCHEMA,
            "lab": __version__,
            "machine": here(),
            "lineups": about.lineups,
            "engines": about.engines,
            "pythons": about.pythons,
            "suites": about.suites,
            "files": [entry.model_dump(mode="json") for entry in sorted(entries, key=lambda entry: entry.path)],
        },
        Manifest,
        "the files of a pack",
    )
    return Plan(folder, manifest, {item.path: item.source for item in items}, tuple(todo), have)


def check_folder(folder: Path) -> None:
    """Raise UsageError if no folder can be there, or if it holds files that are no pack's at the places of a pack.

    HostError if nothing can be written there.
    """
    standing = _standing(folder)
    if files.is_folder(standing):
        _check_writable(standing)
    if files.is_file(folder / NAME) or files.is_file(folder / UNFINISHED):
        return
    if not files.is_folder(standing):
        what = "it" if standing == folder else str(standing)
        raise UsageError(f"cannot make a pack in {folder}: {what} is not a folder")
    taken = sorted(name for name in {*FOLDERS.values()} if (folder / name).exists())
    if taken:
        raise UsageError(
            f"cannot make a pack in {folder}: it has {', '.join(taken)} already, and is not a pack",
            hint="name an empty folder, or one that does not exist",
        )


def _check_writable(folder: Path) -> None:
    """Raise HostError for a folder in which no file can be made: what `access` says is not true of every root."""
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise HostError(
            f"cannot make a pack in {folder}: no file can be made there: {error.strerror or error}",
            hint="name another folder",
        ) from error


def _standing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error


def _sum(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error


def make(plan: Plan, tell: Tell) -> None:
    """Copy what the plan says, remove what only an earlier pack of this folder held, and write the manifest.

    Raises HostError before the first copy if the disk has too little space, and later if a file cannot be written.
    """
    if not plan.todo and _stored(plan.folder) == plan.manifest.text():
        return
    _check_space(plan)
    with _unfinished(plan) as earlier:
        total, got = plan.bytes_to_copy + plan.have, 0

        def count(more: int) -> None:
            nonlocal got
            got += more
            tell(Progress(WHO, f"copying: {got / 1e6:.0f} of {total / 1e6:.0f} MB"))

        for entry in plan.todo:
            copy(plan.sources[entry.path], entry, plan.folder / entry.path, count)
        _remove_older(plan, earlier)
        files.write(plan.folder / NAME, plan.manifest.text())


def _stored(folder: Path) -> str | None:
    """The manifest of the complete pack in a folder; None if there is none."""
    try:
        return files.read_plain(folder / NAME).decode()
    except (OSError, UnicodeDecodeError):
        return None


def _check_space(plan: Plan) -> None:
    folder = _standing(plan.folder)
    free = shutil.disk_usage(folder).free
    if free < plan.bytes_to_copy + RESERVE:
        raise HostError(
            f"cannot make the pack: {free / 1e6:.0f} MB free at {folder}, "
            f"{(plan.bytes_to_copy + RESERVE) / 1e6:.0f} MB are necessary",
            hint="free some space there, or name a folder on another disk",
        )


@contextmanager
def _unfinished(plan: Plan) -> Iterator[Manifest | None]:
    """Take the manifest away while the pack is made; gives the one before, whose files may have to be removed."""
    name, unfinished = plan.folder / NAME, plan.folder / UNFINISHED
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        if files.is_file(name):
            name.replace(unfinished)
        earlier = _earlier(unfinished)
        files.write(unfinished, (_both(plan.manifest, earlier)).text())
    except OSError as error:
        raise files.disk_error(plan.folder, error) from error
    yield earlier
    unfinished.unlink(missing_ok=True)


def _earlier(path: Path) -> Manifest | None:
    """The list of an earlier pack of this folder; None if it cannot be read: then none of its files is removed."""
    try:
        return parse(files.read_plain(path), str(path))
    except (OSError, ConfigError):
        return None


def _both(manifest: Manifest, earlier: Manifest | None) -> Manifest:
    """A list of all files of both: after an interruption the next pack still knows what to remove."""
    known = {**(earlier.by_path() if earlier else {}), **manifest.by_path()}
    return manifest.model_copy(update={"files": tuple(known.values())})


def _remove_older(plan: Plan, earlier: Manifest | None) -> None:
    """Remove the files that only the earlier list names, folders that are empty then, and parts of other sums."""
    new = plan.manifest.by_path()
    old = [entry.path for entry in earlier.files if entry.path not in new] if earlier else []
    folders = {(plan.folder / path).parent for path in (*new, *old)}
    try:
        for path in old:
            (plan.folder / path).unlink(missing_ok=True)
        for folder in folders:
            for part in folder.glob(".*.part") if folder.is_dir() else ():
                part.unlink(missing_ok=True)
    except OSError as error:
        raise files.disk_error(plan.folder, error) from error
    for folder in sorted(folders, reverse=True):
        for above in (folder, *folder.parents):
            if above == plan.folder or not above.is_relative_to(plan.folder):
                break
            with suppress(OSError):  # it is not empty
                above.rmdir()
