"""What git knows of a build context: the files it tracks, with their modes, attributes and contents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha1, sha256
from pathlib import Path

from lab.buildkit.context import ignore_matcher
from lab.errors import LabError
from lab.explain.search.git import Git
from lab.explain.search.lines import with_lf

LINK, FOLDER = 0o120000, 0o160000  # a symbolic link, and the folder of a submodule, in git's index
MOST_SUBMODULES = 20
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Tracked:
    """One path of git's index: its mode (0100644, 0100755, 0120000 or 0160000), its object, and its attributes.

    An attribute is `set`, `unset` or a value.
    """

    mode: int
    name: str
    attributes: Mapping[str, str] = field(default_factory=lambda: NOTHING, hash=False)

    @property
    def executable(self) -> bool:
        """True if git stores the executable bit."""
        return self.mode & 0o100 != 0


def _no_blobs(names: Sequence[str]) -> dict[str, bytes]:
    return {}


@dataclass(frozen=True, slots=True)
class Checkout:
    """What git knows of a context; all paths are relative to the context.

    `ignored` are files that git ignores. `missing` are tracked paths that are not on disk here and that a client would
    send. `settings` are git's settings of line ends, modes, links and names, in lower case. `blobs` gives the contents
    of objects by their names; an object that cannot be read is left out. `problem` says why nothing is known.
    """

    tracked: Mapping[str, Tracked] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)
    blobs: Callable[[Sequence[str]], dict[str, bytes]] = _no_blobs
    problem: str | None = None

    @property
    def submodules(self) -> list[str]:
        """The folders of submodules."""
        return [path for path, item in self.tracked.items() if item.mode == FOLDER]


NO_CHECKOUT = Checkout(problem="the context is not known to be in a git checkout")


def reader(folder: Path, dockerfile: Path | None = None) -> Callable[[], Checkout]:
    """Return a function that reads the checkout of a context at its first call only."""
    return cache(lambda: read_checkout(folder, dockerfile))


def read_checkout(folder: Path, dockerfile: Path | None = None) -> Checkout:
    """Return what git knows of a folder; raises nothing: `problem` says why nothing is known."""
    try:
        git = Git(folder)
        inside = git.lines("rev-parse", "--is-inside-work-tree")
        if inside != ["true"]:
            return Checkout(problem="the context is not in a git checkout")
        tracked = _index(git, "")
        stores = {"": git}
        for path in [path for path, item in tracked.items() if item.mode == FOLDER][:MOST_SUBMODULES]:
            if (folder / path / ".git").exists():
                stores[path] = Git(folder / path)
                tracked |= _index(stores[path], f"{path}/")
        ignored = frozenset(git.fields("ls-files", "-z", "--others", "--ignored", "--exclude-standard"))
        return Checkout(
            tracked, ignored, _missing(folder, tracked, dockerfile), _settings(git), _Blobs(stores.values())
        )
    except LabError as error:
        return Checkout(problem=f"{error.message}; {error.hint}" if error.hint else error.message)


class _Blobs:
    """The objects of a repository and of its submodules."""

    def __init__(self, stores: Iterable[Git]) -> None:
        self._stores = list(stores)

    def __call__(self, names: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for git in self._stores:
            wanted = [name for name in names if name not in found]
            try:
                found |= git.blobs(wanted) if wanted else {}
            except LabError:
                continue  # without contents, the rules that need them are not tried
        return found


def _index(git: Git, prefix: str) -> dict[str, Tracked]:
    """Return what the index holds below the folder of `git`; of a path with a conflict, one of its versions."""
    found: dict[str, tuple[int, str]] = {}
    for line in git.fields("ls-files", "-z", "--stage"):
        facts, _, path = line.partition("\t")
        mode, name, _ = facts.split(" ")
        found[path] = (int(mode, 8), name)
    attributes: dict[str, dict[str, str]] = {}
    paths = [path for path, (mode, _) in found.items() if mode != FOLDER]
    fields = list(git.about(("check-attr", "--all", "-z"), paths))
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        attributes.setdefault(path, {})[name] = value
    return {prefix + path: Tracked(mode, name, attributes.get(path, NOTHING)) for path, (mode, name) in found.items()}


def _settings(git: Git) -> dict[str, str]:
    """Return git's settings that decide what a checkout looks like."""
    found = {}
    for line in git.fields("config", "--list", "-z"):
        name, _, value = line.partition("\n")
        if name.startswith("core.") and name[5:] in SETTING_NAMES:
            found[name] = (value or "true").lower()
    return found


SETTING_NAMES = ("autocrlf", "eol", "filemode", "symlinks", "ignorecase", "precomposeunicode", "sharedrepository")


def _missing(folder: Path, tracked: Mapping[str, Tracked], dockerfile: Path | None) -> frozenset[str]:
    """Return the tracked paths that are not on disk, without those that .dockerignore excludes."""
    gone = [path for path, item in tracked.items() if item.mode != FOLDER and not os.path.lexists(folder / path)]
    ignore = ignore_matcher(folder, dockerfile) if gone else None
    return frozenset(path for path in gone if ignore and not ignore.match(path)[0])


def object_name(content: bytes, like: str) -> str:
    """Return the name that git gives to a content, in the form of another name (SHA-1 or SHA-256)."""
    start = b"blob %d\0" % len(content)
    return (sha256(start + content) if len(like) == 64 else sha1(start + content, usedforsecurity=False)).hexdigest()


def blob_here(content: bytes, item: Tracked) -> bytes | None:
    """Return the content in git's index if it is that of a file here, as it is or with other line ends; else None."""
    for text in (content, with_lf(content)) if b"\r\n" in content else (content,):
        if object_name(text, item.name) == item.name:
            return text
    return None
