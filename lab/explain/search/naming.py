"""Other names of the same objects: Unicode's normal forms, and the names that git's index has."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry
from lab.explain.search.checkout import Checkout
from lab.explain.search.world import World, folded, world


def worlds(entries: Sequence[Entry], used: Collection[int], checkout: Checkout) -> Iterator[World]:
    """Yield the world with the names of this side, then one for each way in which the producer's names may differ."""
    yield world(entries, used, checkout)
    seen = [[entry.path for entry in entries]]
    for naming, rename in _renamings(entries, checkout):
        paths = [rename(entry.path) for entry in entries]
        if paths in seen or len(set(paths)) < len(paths):
            continue
        seen.append(paths)
        renamed = [replace(entry, path=path) for entry, path in zip(entries, paths, strict=True)]
        yield world([_relinked(entry, rename) for entry in renamed], used, checkout, naming)


def _relinked(entry: Entry, rename: Callable[[str], str]) -> Entry:
    return replace(entry, linkname=rename(entry.linkname)) if entry.is_hardlink else entry


def _renamings(entries: Sequence[Entry], checkout: Checkout) -> Iterator[tuple[str, Callable[[str], str]]]:
    if checkout.missing:
        yield "names as git's index has them", _of_index(entries, checkout)
    if not all(entry.path.isascii() for entry in entries):
        yield "names in Unicode's form NFC, as Linux and Windows have them", lambda path: _normal(path, "NFC")
        yield "names in Unicode's form NFD, as an older macOS has them", lambda path: _normal(path, "NFD")


def _normal(path: str, form: str) -> str:
    return unicodedata.normalize("NFC" if form == "NFC" else "NFD", path)


def _of_index(entries: Sequence[Entry], checkout: Checkout) -> Callable[[str], str]:
    """Return a function that gives each name as git's index spells it, if only one spelling is missing here."""
    known: dict[str, str] = {}
    for path in sorted(checkout.missing):
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            part = "/".join(parts[:count])
            known.setdefault(folded(part), part)
    here = {entry.path for entry in entries}

    def rename(path: str) -> str:
        found = known.get(folded(path), path)
        return path if found in here else found

    return rename
