"""Where a pack comes from: a folder of this machine, or an address at which `lab serve` offers it.

Both check a file before it is used: a folder is checked whole, and of an address each file as it arrives.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from lab.boxes.base import Tell
from lab.engines.archive import sha256_of
from lab.errors import ConfigError, HostError, UsageError
from lab.files import hold
from lab.machines.pack.fetching import Client
from lab.machines.pack.manifest import FOLDERS, LARGEST_MANIFEST, NAME, Entry, Manifest, Sort, parse, read_manifest
from lab.model import Progress

ADDRESS = re.compile(r"https?://", re.IGNORECASE)
WHO = "pack"
NAMED = 5  # damaged files that an error names


class Source(ABC):
    """A pack: its manifest, and the folder in which its files are."""

    name: str  # as the user wrote it
    manifest: Manifest

    @abstractmethod
    def get(self, entries: Sequence[Entry], tell: Tell) -> Path:
        """The folder in which these files are, complete and with the sums of the manifest."""

    @property
    def is_kept(self) -> bool:
        """True if the files are the user's: they are copied, and never moved."""
        return True

    def discard(self) -> None:
        """Remove what was downloaded and is no longer needed; a user's folder stays as it is."""


class Folder(Source):
    """A pack in a folder."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.folder = folder
        self.manifest = read_manifest(folder)
        self._checked = False

    def get(self, entries: Sequence[Entry], tell: Tell) -> Path:
        """The folder itself; ConfigError that names every file of it, wanted or not, that is missing or damaged."""
        if not self._checked:
            verify(self.folder, self.manifest, tell)
            self._checked = True
        return self.folder


class Address(Source):
    """A pack that `lab serve` offers; its files are downloaded into the cache, and a download is continued later."""

    def __init__(self, url: str, cache: Path) -> None:
        self.name = url
        self.client = Client(url)
        content = self.client.read(NAME, LARGEST_MANIFEST)
        self.manifest = parse(content, f"{self.client.url}{NAME}", f"{self.client.url}{FOLDERS[Sort.WHEEL]}/")
        self.cache = cache
        self.folder = cache / "packs" / hashlib.sha256(content).hexdigest()[:12]

    def get(self, entries: Sequence[Entry], tell: Tell) -> Path:
        """The folder of the cache with these files; ConfigError if one that arrived does not have its sum."""
        total, got = sum(entry.size for entry in entries), 0

        def count(more: int) -> None:
            nonlocal got
            got += more
            tell(Progress(WHO, f"downloading: {got / 1e6:.0f} of {total / 1e6:.0f} MB"))

        with hold(self.cache, [f"pack-{self.folder.name}"], "up", wait=True):
            for entry in entries:
                target = self.folder / entry.path
                if target.is_file() and sha256_of(target) == entry.sha256:
                    count(entry.size)
                    continue
                self.client.fetch(entry, target, count)
        return self.folder

    @property
    def is_kept(self) -> bool:
        """False: what was downloaded belongs to lab."""
        return False

    def discard(self) -> None:
        """Remove the download from the cache."""
        shutil.rmtree(self.folder, ignore_errors=True)


def open_source(word: str, cache: Path) -> Source:
    """The pack of a folder or an address; UsageError for a folder that does not exist.

    Raises ConfigError if there is no complete pack or its manifest is wrong, HostError if nothing answers.
    """
    if ADDRESS.match(word):
        return Address(word, cache)
    if "://" in word:
        raise UsageError(f"cannot use {word}: an address of a pack begins with http:// or https://")
    if not Path(word).exists():
        raise UsageError(f"cannot find the pack {word}: there is no such folder")
    return Folder(Path(word))


def verify(folder: Path, manifest: Manifest, tell: Tell) -> None:
    """Compare every file of a pack with the manifest; ConfigError that names those which are missing or differ."""
    wrong, done = [], 0
    for entry in manifest.files:
        tell(Progress(WHO, f"checking sums: {done / 1e6:.0f} of {manifest.size / 1e6:.0f} MB"))
        if problem := _problem(folder, entry):
            wrong.append(f"{entry.path} {problem}")
        done += entry.size
    if wrong:
        more = f", and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise ConfigError(
            f"cannot use the pack {folder}: {', '.join(wrong[:NAMED])}{more}",
            hint=f"copy the pack again, or run `python -m lab pack {folder}` where it was made",
        )
    tell(Progress(WHO, f"checked, {len(manifest.files)} files, {manifest.size / 1e6:.0f} MB", done=True))


def _problem(folder: Path, entry: Entry) -> str | None:
    """What is wrong with a file of a pack, in words."""
    path = folder / entry.path
    try:
        if not path.is_file():
            return "is missing"
        if not path.resolve().is_relative_to(folder.resolve()):
            return "is a link to a file outside of the pack"
        if (size := path.stat().st_size) != entry.size:
            return f"has {size} bytes instead of {entry.size}"
        return None if sha256_of(path) == entry.sha256 else "is damaged: its sum is not the one of the manifest"
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error
