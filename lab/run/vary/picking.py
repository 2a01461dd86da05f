"""Picks the objects of a context on which an axis makes its difference: the first that a step takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lab.buildkit.cachekeys.step import Step
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.rules import Rules
from lab.explain.copies import look
from lab.results.contexts import StoredContext
from lab.run.vary.axis import NotHereError, Scene

OWN = (".dockerignore", "Dockerfile", "dockerfile")  # a change of these is more than one difference


def taken(context: StoredContext, steps: Iterable[Step], rules: Rules) -> tuple[Entry, ...]:
    """Return the objects of the context that steps take, those of the first step first.

    Objects whose name is not UTF-8 are left out, and so are those that docker itself reads.
    """
    by_path = {entry.path: entry for entry in context.sent_objects}
    copies = [step.taken for step in steps if step.taken]
    paths = (path for copy in copies for path in sorted(look(context, copy, rules).own))
    found = (by_path[path] for path in dict.fromkeys(paths) if path in by_path and path not in OWN)
    return tuple(entry for entry in found if _is_plain(entry.path))


def unclear(steps: Iterable[Step]) -> str | None:
    """Return the reason why it is not known what a step takes of the context; None if it is known of all."""
    found = (f"what {step.text} takes: {step.taken.unclear}" for step in steps if step.taken and step.taken.unclear)
    return next(found, None)


def a_file(scene: Scene, fits: Callable[[Entry], bool] = lambda entry: True, what: str = "file") -> Entry:
    """Return the first file that a step takes and that fits; NotHereError without one."""
    for entry in _files(scene.taken):
        if fits(entry):
            return entry
    raise _without(scene, what)


def a_folder(scene: Scene) -> Entry:
    """Return the first folder that a step takes; NotHereError without one."""
    for entry in scene.taken:
        if entry.kind is Kind.DIR:
            return entry
    raise _without(scene, "folder")


def twins(scene: Scene) -> tuple[Entry, Entry] | None:
    """Return two files that steps take and that differ in nothing but the path; None without such a pair."""
    seen: dict[tuple[object, ...], Entry] = {}
    for entry in _files(scene.taken):
        key = (entry.sha256, entry.size, entry.mode, tuple(sorted(entry.xattrs.items())), entry.disk_owner)
        if entry.sha256 and key in seen:
            return seen[key], entry
        seen.setdefault(key, entry)
    return None


def is_text(entry: Entry) -> bool:
    """Return whether a file has lines with line ends of Unix, and no NUL."""
    content = entry.content
    return isinstance(content, bytes) and b"\n" in content and b"\r" not in content and b"\0" not in content


def _without(scene: Scene, what: str) -> NotHereError:
    if scene.unclear:
        return NotHereError(f"no step is known to take a {what} of the context: it is not known {scene.unclear}")
    return NotHereError(f"no step takes a {what} of the context")


def _files(objects: Sequence[Entry]) -> Iterator[Entry]:
    return (entry for entry in objects if entry.kind is Kind.FILE and not entry.is_hardlink)


def _is_plain(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return "\n" not in path
