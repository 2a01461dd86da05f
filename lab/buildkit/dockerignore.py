"""The objects of a folder that a docker client sends to the daemon, according to .dockerignore."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind, walk_key
from lab.buildkit.contenthash.patterns import UNKNOWN, Matched, Matcher, read_ignore_file
from lab.errors import UnknownContentError


def sent_objects(
    objects: Iterable[Entry], dockerfile: str = "Dockerfile", ignore: Matcher | None = None, *, by_name: bool = False
) -> list[Entry]:
    """Return the objects that are not ignored and the directories that contain them, in the client's walk order.

    `ignore` takes the place of the ignore file among the objects. With `by_name`, they are those of a client before
    BuildKit 0.10, such as Docker's own before version 23. ContextError if the content of the ignore file is not
    available or one of its patterns is malformed.
    """
    listed = sorted(objects, key=walk_key)
    ignore = ignore or _matcher(listed, dockerfile)
    return _relinked((_kept_by_name if by_name else _kept)(listed, ignore), listed)


def _kept(listed: Sequence[Entry], ignore: Matcher) -> list[Entry]:
    """What is not ignored, and the directories above it."""
    above: dict[str, tuple[Entry, Matched]] = {}
    kept: dict[str, Entry] = {}
    for entry in listed:
        folder = entry.path.rpartition("/")[0]
        ignored, matched = ignore.match(entry.path, above[folder][1] if folder in above else UNKNOWN)
        if entry.kind is Kind.DIR:
            above[entry.path] = (entry, matched)
        if not ignored:
            names = entry.path.split("/")[:-1]
            for holder in ("/".join(names[: count + 1]) for count in range(len(names))):
                if holder in above:
                    kept.setdefault(holder, above[holder][0])
            kept[entry.path] = entry
    return sorted(kept.values(), key=walk_key)


def _kept_by_name(listed: Sequence[Entry], ignore: Matcher) -> list[Entry]:
    """What fsutil sent before its walk of 2021.

    An ignored directory whose path an exception begins with is sent, even if nothing in it is. Every other ignored
    directory is left out with all that it has: an exception such as `!*/name` changes nothing there.
    """
    kept, left_out = [], "\0"  # no path begins with it
    for entry in listed:
        if entry.path.startswith(left_out):
            continue
        if not is_left_out(entry, ignore):
            kept.append(entry)
        elif entry.kind is Kind.DIR:
            left_out = f"{entry.path}/"
    return kept


def is_left_out(entry: Entry, ignore: Matcher) -> bool:
    """Whether a client before BuildKit 0.10 leaves out an object in a directory that it sends, with all below it."""
    if not ignore.match_by_depth(entry.path):
        return False
    exceptions = (f"{pattern.text}/" for pattern in ignore.patterns if pattern.exception)
    return entry.kind is not Kind.DIR or not any(text.startswith(f"{entry.path}/") for text in exceptions)


def _relinked(kept: Sequence[Entry], listed: Sequence[Entry]) -> list[Entry]:
    """Make each hard link name the first of its paths that is sent; the object at that first path is a plain file."""
    originals = {entry.path: entry for entry in listed}
    firsts: dict[str, str] = {}
    found = []
    for entry in kept:
        original = entry.linkname if entry.is_hardlink else entry.path
        first = firsts.setdefault(original, entry.path)
        if entry.is_hardlink and first == entry.path:
            source = originals.get(original, entry)  # a search may have left out the first path
            found.append(replace(entry, linkname="", content=source.content, sha256=source.sha256))
        else:
            found.append(replace(entry, linkname=first) if entry.is_hardlink else entry)
    return found


def _matcher(listed: Sequence[Entry], dockerfile: str) -> Matcher:
    files = {entry.path: entry for entry in listed if entry.kind is Kind.FILE}
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        if name in files:
            if not isinstance(files[name].content, bytes):
                raise UnknownContentError(f"cannot apply {name}: its content is not available")
            return Matcher(read_ignore_file(files[name].content.decode("utf-8", "surrogateescape")))  # type: ignore[union-attr]
    return Matcher(())
