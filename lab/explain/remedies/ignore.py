"""Remedies for objects that only one side has: lines of .dockerignore, and commands of git that bring them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, file, walk_key
from lab.buildkit.dockerignore import sent_objects
from lab.explain.remedies.remedy import Change, Place, Sides, Step, by_path

IGNORE = ".dockerignore"
MOST_LINES = 12


def steps(sides: Sides) -> Iterator[Step]:
    """Yield what keeps the objects of one side out of the context, or gives them to the other side."""
    lines = patterns(_leftovers(sides))
    if 0 < len(lines) <= MOST_LINES:
        text = f"the lines {' '.join(_quoted(line) for line in lines)} in {IGNORE}"
        text = text.replace("the lines", "the line") if len(lines) == 1 else text
        if IGNORE not in sides.paths:  # otherwise its own content would differ
            yield Step(text, Place.HERE, with_lines(lines))
        yield Step(text, Place.BOTH, with_lines(lines))
    if any(theirs is None for _, theirs in sides.pairs):
        yield from _returned(sides)


def _leftovers(sides: Sides) -> list[str]:
    """Return the paths that one side alone has and that no image needs: what git does not track.

    Where git was not asked, they are those of one side; if each side has some, one of them may be a file with a new
    name.
    """
    here = [mine.path for mine, theirs in sides.pairs if mine is not None and theirs is None]
    there = [theirs.path for mine, theirs in sides.pairs if theirs is not None and mine is None]
    if sides.tracked is None:
        return [] if here and there else here + there
    folders = {above for path in sides.tracked for above in _above(path)}
    return [path for path in here + there if path not in sides.tracked and path not in folders]


def _returned(sides: Sides) -> Iterator[Step]:
    """Yield commands by which a checkout at the producer gets what is missing there."""
    paths = [mine.path for mine, theirs in sides.pairs if mine is not None and theirs is None]
    ours = by_path(sides.ours)

    def change(entries: Sequence[Entry]) -> list[Entry]:
        return sorted([*entries, *(ours[path] for path in paths)], key=walk_key)

    if sides.tracked is not None and any(path in sides.tracked for path in paths):
        yield Step("git submodule update --init --recursive, and git sparse-checkout disable", Place.THERE, change)


def patterns(paths: Sequence[str]) -> list[str]:
    """Return patterns of .dockerignore for some paths: a name that occurs in several folders once, as `**/NAME`."""
    chosen = set(paths)
    top = [path for path in paths if not any(above in chosen for above in _above(path))]
    names = Counter(path.rpartition("/")[2] for path in top)
    found = [f"**/{name}" if names[name] > 1 else path for path in top for name in [path.rpartition("/")[2]]]
    return sorted(dict.fromkeys(_escaped(pattern) for pattern in found))


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _escaped(pattern: str) -> str:
    start = "**/" if pattern.startswith("**/") else ""
    rest = pattern.removeprefix(start)
    return start + "".join(f"\\{char}" if char in "*?[]\\" else char if char.isprintable() else "?" for char in rest)


def with_lines(lines: Sequence[str]) -> Change:
    """Return the change by more lines in .dockerignore; a new .dockerignore excludes itself."""

    def changed(entries: Sequence[Entry]) -> list[Entry]:
        rest = [entry for entry in entries if entry.path != IGNORE]
        old = next((entry for entry in entries if entry.path == IGNORE), None)
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        kept = [entry for entry in sent_objects([*rest, file(IGNORE, text)]) if entry.path != IGNORE]
        if old is None or not isinstance(old.content, bytes):
            return kept
        end = b"\r\n" if b"\r\n" in old.content else b"\n"
        start = old.content + (b"" if old.content.endswith(b"\n") or not old.content else end)
        content = start + text.replace(b"\n", end)
        return sorted([*kept, replace(old, content=content, size=len(content), sha256=None)], key=walk_key)

    return changed


def _quoted(line: str) -> str:
    return f"`{line}`"
